"""Moto's own tests, with the extension loaded: what fails then is listed with its AWS reason, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.proofs.moto_suite.suite import QUICK, SERVICES, accepted, accepted_of, differences

FULL = os.environ.get("DR_FULL_MOTO") == "1"


@pytest.mark.proof
@pytest.mark.parametrize("service", SERVICES if FULL else QUICK)
def test_what_differs_is_accepted_and_nothing_else(service: str, tmp_path: Path) -> None:
    found, listed = differences(service, tmp_path), accepted_of(service)
    assert found - listed == set(), "these pass in plain moto: mend the extension, or list them with AWS's reason"
    assert listed - found == set(), "these pass with the extension: take them off the list"


def test_every_accepted_difference_has_a_reason_and_a_source() -> None:
    rows = accepted()
    assert all(row.reason and row.source and row.tests for row in rows)
    listed = [test for row in rows for test in row.tests]
    assert sorted(set(listed)) == sorted(listed)
    assert {test.partition("/")[0] for test in listed} <= {f"test_{service}" for service in SERVICES}
