"""Twice the tenants are judged and reported with twice the work, in every function: counted, never timed."""

from __future__ import annotations

import io
import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Any

import pytest

from benchmarks.widened import widened_snapshot
from dr_checks.core.registry import checks, judge, lags
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName
from dr_estate.snapshot.tenants import discover
from reports.page.render import pieces, render
from reports.publish import print_report
from reports.values.report import Report
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import NOW, SIT

FEW, MANY = 30, 60
_MOST = 2.6
"""What is done once is in both counts, so twice the tenants are at most twice, and a sort's comparisons 2.4 times."""
_SEEN_OFTEN = 200


def work(tenants: int) -> Counter[tuple[CodeType, str]]:
    """How often each function was called to judge and to report so many tenants more."""
    snapshot, counts = widened_snapshot(healthy(), "tenant2", tenants), Counter[tuple[CodeType, str]]()

    def count(frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            counts[frame.f_code, ""] += 1
        elif event == "c_call":
            counts[frame.f_code, called.__qualname__] += 1

    sys.setprofile(count)
    try:
        results = tuple(judge(check, snapshot, SIT) for check in checks().values())
        verdict = verdict_of(results, lags(snapshot, SIT, frozenset()), 3600.0)
        names = tuple(tenant.id for tenant in discover(snapshot, SIT))
        report = Report("status", SIT, "sandbox", NOW, PostureName.NORMAL, "so.", names, verdict, (), (), 1, 0)
        for form in ("terminal", "json", "csv", "markdown"):
            print_report(report, form, io.StringIO())
        render(report, {})
        "".join(pieces(report))
    finally:
        sys.setprofile(None)
    assert len(names) == tenants + 2
    return counts


@pytest.mark.proof
def test_twice_the_tenants_are_judged_and_reported_with_twice_the_work() -> None:
    work(1)  # what is remembered from then on
    few, many = work(FEW), work(MANY)
    grown = {
        f"{code.co_qualname} {inside}".strip(): (few[code, inside], often)
        for (code, inside), often in many.items()
        if often > _SEEN_OFTEN and often > _MOST * few[code, inside]
    }
    assert {} == grown
