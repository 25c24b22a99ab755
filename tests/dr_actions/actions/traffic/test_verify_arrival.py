"""A move of traffic is confirmed by requests that arrive, more of them than health checkers send."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dr_actions.actions.traffic.verification import VERIFY_ARRIVAL
from dr_actions.model.action import StepState, StepStatus
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import elbv2_request_counts, route53_health_checks
from dr_estate.readers.elbv2_request_counts import Minute
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import SIT, recorded, sight, with_part, with_traffic

HEALTHY = recorded("healthy")
(STEP,) = VERIFY_ARRIVAL.plan_steps(sight())
SHIFT = f"traffic/shift_to_dr:{SIT.traffic.zone}"
MOVED_AT = HEALTHY.taken_at - timedelta(minutes=3)
SILENT = Unavailable(UnavailableKind.UNREACHABLE, "the global services do not answer.", "us-east-1")


def _asked(requests: int, minutes_ago: int = 2, snapshot: Snapshot = HEALTHY) -> StepStatus:
    """How the move stands where one minute had so many requests."""
    minute = (snapshot.taken_at - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    counted = with_part(snapshot, elbv2_request_counts.minutes, Side.DR, (Minute(minute, requests, 0),))
    return VERIFY_ARRIVAL.observe(STEP, sight(counted, sent_at={SHIFT: MOVED_AT}))


def test_more_requests_than_health_checkers_send_are_visitors() -> None:
    assert _asked(600).state is StepState.DONE
    assert dict(_asked(600).evidence)["requests a minute"] == "600"


@pytest.mark.parametrize(("requests", "minutes_ago"), [(0, 2), (60, 2), (600, 9)], ids=["none", "checkers", "before"])
def test_what_checkers_may_have_sent_or_came_before_the_move_confirms_nothing(requests: int, minutes_ago: int) -> None:
    unseen = _asked(requests, minutes_ago)
    assert unseen.state is StepState.UNAVAILABLE
    assert "visitors are not seen to arrive" in unseen.message


def test_where_no_health_check_can_be_read_one_fast_one_is_allowed_for() -> None:
    dark = with_part(HEALTHY, route53_health_checks.checks, Side.GLOBAL, SILENT)
    assert _asked(600, snapshot=dark).state is StepState.DONE
    assert _asked(180, snapshot=dark).state is StepState.UNAVAILABLE


def test_without_a_shift_of_its_own_the_last_call_of_the_run_is_when_visitors_moved() -> None:
    minute = HEALTHY.taken_at.replace(second=0, microsecond=0)
    counted = with_part(HEALTHY, elbv2_request_counts.minutes, Side.DR, (Minute(minute, 600, 0),))
    assert (
        VERIFY_ARRIVAL.observe(STEP, sight(counted, sent_at={"database/restore_dr:x": MOVED_AT})).state
        is StepState.DONE
    )


def test_an_unconfirmed_move_ends_no_run_and_where_nobody_visits_it_is_not_waited_for() -> None:
    assert (VERIFY_ARRIVAL.essential, STEP.call, STEP.budget_s) == (False, None, 600)
    quiet = sight(env=with_traffic(confirm_minutes=0))
    assert list(VERIFY_ARRIVAL.plan_steps(quiet)) == []
    assert list(VERIFY_ARRIVAL.notes(sight())) == []
    assert "traffic.confirm_minutes is 0" in "".join(VERIFY_ARRIVAL.notes(quiet))
