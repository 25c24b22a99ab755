"""When an outage began: by the ticket, by the first failed minute of a health check, or by the first look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dr_actions.assessment.failover import OutageSource, OutageStart, outage_start, rto_ends_at
from dr_actions.model.plan import Goal
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers.route53_health_checks import Failure
from tests.dr_checks.edges import traffic
from tests.dr_checks.worlds import NOW, SIT, world

FAILED_AT = NOW - timedelta(minutes=70)
FAILED, OF_DR = Failure("hc-1", FAILED_AT), Failure("hc-2", FAILED_AT)
FIRST_LOOK = OutageStart(NOW, OutageSource.FIRST_LOOK)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ((FAILED,), OutageStart(FAILED_AT, OutageSource.HEALTH_CHECK)),
        ((OF_DR,), FIRST_LOOK),
        ((), FIRST_LOOK),
        (Unavailable(UnavailableKind.UNREACHABLE, "us-east-1 does not answer."), FIRST_LOOK),
    ],
)
def test_the_first_failed_minute_of_the_primarys_check_is_the_beginning(
    failures: tuple[Failure, ...] | Unavailable, expected: OutageStart
) -> None:
    snapshot = world(traffic(failures=failures))
    assert outage_start(snapshot, SIT, None) == expected


def test_the_tickets_time_goes_before_what_was_seen() -> None:
    snapshot = world(traffic(failures=(FAILED,)))
    given = NOW - timedelta(hours=1)
    assert outage_start(snapshot, SIT, given) == OutageStart(given, OutageSource.TICKET)


@pytest.mark.parametrize("goal", Goal)
def test_recovery_time_runs_from_the_outage_only_towards_the_dr_region(goal: Goal) -> None:
    ends = rto_ends_at(SIT, goal, FAILED_AT)
    leads_away = goal in (Goal.FAILOVER, Goal.SWITCHOVER)
    assert ends == (FAILED_AT + timedelta(minutes=SIT.objectives.rto_minutes) if leads_away else None)
    assert rto_ends_at(SIT, goal, None) is None
