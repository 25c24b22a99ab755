"""What a failback waits for beyond the primary itself: that what serves is whole, and that it may write at home."""

from __future__ import annotations

import pytest

from dr_actions.assessment.failback import serving_gates
from dr_actions.model.gates import Gate
from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_estate.config.environment import Side

PERMITTED = "prerequisites.operator-allowed"


def gates(check: str, status: Status, severity: Severity = Severity.BLOCKER) -> list[Gate]:
    found = Finding(check, Side.GLOBAL, "sit-dr-operator-home", None, status, "none allowed", "attached", "because")
    return list(serving_gates([CheckResult(check, severity, Area.PREREQUISITES, status, (found,))]))


def test_a_role_that_may_not_go_home_is_a_reason_to_wait_though_it_is_only_a_warning_in_peace() -> None:
    (gate,) = gates(PERMITTED, Status.WARN)
    assert (False, f"check.{PERMITTED}") == (gate.met, gate.id)
    assert gate.says == "sit-dr-operator-home: none allowed, wanted attached."


@pytest.mark.parametrize(
    ("check", "status", "met"),
    [
        (PERMITTED, Status.PASS, True),
        (PERMITTED, Status.FAIL, False),
        ("validation.services-run", Status.WARN, True),
        ("validation.services-run", Status.FAIL, False),
        ("validation.services-run", Status.UNKNOWN, False),
    ],
)
def test_what_serves_must_be_whole_and_seen(check: str, status: Status, met: bool) -> None:
    assert [met] == [gate.met for gate in gates(check, status)]


def test_a_check_that_is_not_grave_is_no_gate() -> None:
    assert [] == gates("validation.services-run", Status.FAIL, Severity.NORMAL)
