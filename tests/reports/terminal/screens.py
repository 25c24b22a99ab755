"""A report of plain values, and how it looks on a terminal."""

from __future__ import annotations

import io

from dr_checks.core.model import CheckResult, Lag
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName
from dr_estate.model.invocation import Invocation
from reports.publish import print_report
from reports.terminal.console import WIDTH
from reports.terminal.status import render_plain
from reports.values.report import Report
from tests.dr_checks.worlds import NOW, SIT


def report(*results: CheckResult, lags: tuple[Lag, ...] = ()) -> Report:
    """What a status reported of SIT, with these results."""
    return Report(
        command="status",
        environment=SIT,
        world="sandbox",
        observed_at=NOW,
        posture=PostureName.PRIMARY_LOST,
        posture_says="it is lost.",
        tenants=("tenant1",),
        verdict=verdict_of(results, lags, 3600.0),
        unseen=(),
        exceptions=(),
        api_calls=12,
        exit=3,
        invocation=Invocation(("-e", "sit")),
        silent=frozenset({"af-south-1"}),
        next_step="`dr_cli.py failover` weighs a failover.",
    )


def shown(page: Report, width: int = WIDTH) -> list[str]:
    """The lines of its page, on a terminal of ``width`` columns."""
    if width == WIDTH:
        out = io.StringIO()
        print_report(page, "terminal", out)
        return out.getvalue().splitlines()
    return render_plain(page, width).splitlines()
