"""A status word that AWS does not document is UNKNOWN: neither well nor a gap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.readers import acm, backup_jobs, cloudfront, rds, rds_groups, vpc
from tests.dr_actions.plain import with_part
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

WORD = "a-word-of-tomorrow"


def _all(rows: Any, **changes: str) -> Any:
    return tuple(replace(row, **changes) for row in rows) if isinstance(rows, tuple) else replace(rows, **changes)


@pytest.mark.parametrize(
    ("check", "reader", "side", "field"),
    [
        ("vpc.available", vpc.vpc, Side.DR, "state"),
        ("vpc.zones", vpc.subnets, Side.DR, "state"),
        ("cloudfront.distribution-serves", cloudfront.distributions, Side.GLOBAL, "status"),
        ("rds.subnet-group", rds_groups.subnet_groups, Side.DR, "status"),
        ("rds-parity.engine-version", rds_groups.offers, Side.DR, "version_status"),
        ("backup-jobs.backup-failures", backup_jobs.backups, Side.PRIMARY, "state"),
        ("backup-jobs.copy-failures", backup_jobs.copies, Side.PRIMARY, "state"),
        ("backup-jobs.restore-test-age", backup_jobs.restores, Side.DR, "status"),
        ("backup-jobs.restore-test-age", backup_jobs.restores, Side.DR, "validation"),
        ("acm.renews", acm.certificates, Side.DR, "renewal_status"),
        ("rds-copy.automated-backups", rds.automated_backups, Side.DR, "status"),
    ],
)
def test_a_word_that_nobody_documents_is_unknown(check: str, reader: Any, side: Side, field: str) -> None:
    seen = healthy()
    changed = with_part(seen, reader, side, _all(seen.get(reader, side), **{field: WORD}))
    result = judge(checks()[check], changed, SIT)
    assert Status.UNKNOWN is result.status
    assert any(WORD in found.because for found in result.findings)
