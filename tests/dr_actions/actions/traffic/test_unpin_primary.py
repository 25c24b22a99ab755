"""The pin is released to every recorded value, is done only when the checkers report it, and moves nobody by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic import pins, shift_to_dr
from dr_actions.actions.traffic.pins import UNPIN_PRIMARY
from dr_actions.model.action import TO_PRIMARY, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import dns_answers
from dr_estate.readers.route53 import CustomerHost, customer_hosts, records
from dr_estate.readers.route53_health_checks import checks, statuses
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import world_of
from tests.dr_actions.actions.compute.failback_world import with_health_checks
from tests.dr_actions.plain import SIT, dark, led, recorded, sight, with_part, with_rows
from tests.dr_checks.worlds import DENIED

PIN, SHIFT = pins.PIN_PRIMARY, shift_to_dr.SHIFT_TO_DR
HEALTHY, GLOBAL = recorded("healthy"), Side.GLOBAL
RECORDED = {step.id: dict(step.before) for step in PIN.plan_steps(sight())}
(PINNING,) = PIN.plan_steps(sight())


def _with_check(snapshot: Snapshot, port: int, reported: float) -> Snapshot:
    """The primary's check at that port, and what its checkers report."""
    at_port = with_rows(snapshot, checks, GLOBAL, lambda check: check.id == PINNING.subject, port=port)
    return with_rows(
        at_port, statuses, GLOBAL, lambda row: row.dimension("HealthCheckId") == PINNING.subject, value=reported
    )


PINNED = _with_check(led(HEALTHY, 0), PINNING.after["Port"], reported=0.0)


def _sight(snapshot: Snapshot = PINNED, recorded: dict[str, dict[str, Any]] = RECORDED) -> PlanContext:
    return sight(snapshot, goal=Goal.FAILBACK, recorded=recorded)


def _step(recorded: dict[str, dict[str, Any]] = RECORDED) -> Step:
    (step,) = UNPIN_PRIMARY.plan_steps(_sight(recorded=recorded))
    return step


def _confirm(snapshot: Snapshot) -> StepStatus:
    return UNPIN_PRIMARY.observe(_step(), _sight(snapshot))


def test_it_is_ready_then_done_and_the_check_reads_as_before_the_failover() -> None:
    before = next(check for check in HEALTHY.get(checks, GLOBAL) if check.id == PINNING.subject)
    step, released = _step(), _with_check(PINNED, before.port, reported=1.0)
    assert step.after == {"Port": before.port, "Inverted": before.inverted}
    assert _confirm(PINNED).state is StepState.READY
    confirmed = _confirm(released)
    assert (confirmed.state, "reported healthy" in confirmed.message) == (StepState.DONE, True)
    assert list(UNPIN_PRIMARY.plan_steps(_sight(released))) == []
    undoing = UNPIN_PRIMARY.rollback_call(step)
    assert undoing is not None
    assert undoing.params == {"HealthCheckId": step.subject, **PINNING.after}


def test_a_check_that_is_gone_is_released_once_no_record_names_it() -> None:
    """The person who deleted it gives the record another one, and the run goes on."""
    left = tuple(check for check in PINNED.get(checks, GLOBAL) if check.id != PINNING.subject)
    gone = with_part(PINNED, checks, GLOBAL, left)
    named = _confirm(gone)
    assert (named.state, "give it another one" in named.message) == (StepState.DRIFTED, True)
    given = with_health_checks(gone, {SIT.traffic.primary_set_identifier: "hc-new"})
    assert _confirm(given).state is StepState.DONE
    assert _confirm(with_part(given, records, GLOBAL, DENIED)).state is StepState.UNAVAILABLE


def test_a_missing_check_is_not_released_while_customers_may_name_it() -> None:
    left = tuple(check for check in PINNED.get(checks, GLOBAL) if check.id != PINNING.subject)
    gone = with_health_checks(with_part(PINNED, checks, GLOBAL, left), {SIT.traffic.primary_set_identifier: "hc-new"})
    named = replace(gone.get(records, GLOBAL)[0], name="www.example", health_check_id=PINNING.subject)
    for host, state in (
        (DENIED, StepState.UNAVAILABLE),
        (CustomerHost("www.example", "example", (named,)), StepState.DRIFTED),
    ):
        assert _confirm(with_part(gone, customer_hosts, GLOBAL, (host,))).state is state


def test_without_a_record_the_twin_of_the_dr_region_says_how_it_read() -> None:
    assert _step({}).after == _step().after


def test_a_pin_of_which_nobody_knows_the_values_is_left_and_said() -> None:
    twins = with_rows(PINNED, checks, GLOBAL, lambda check: check.id != PINNING.subject, type="TCP")
    alone = _sight(twins, recorded={})
    assert list(UNPIN_PRIMARY.plan_steps(alone)) == []
    assert "set it by hand" in " ".join(UNPIN_PRIMARY.cleanup_notes(alone))


def test_a_check_that_was_disabled_is_not_disabled_again() -> None:
    assert "Disabled" not in _step({step: {**values, "Disabled": True} for step, values in RECORDED.items()}).after


def test_a_primary_that_does_not_answer_its_checkers_is_waited_for() -> None:
    confirmed = _confirm(_with_check(PINNED, _step().after["Port"], reported=0.0))
    assert (confirmed.state, "still reported unhealthy" in confirmed.message) == (StepState.IN_PROGRESS, True)


def test_a_check_that_somebody_else_changed_is_not_overwritten() -> None:
    assert _confirm(_with_check(PINNED, 8080, reported=0.0)).state is StepState.DRIFTED


def test_what_cannot_be_seen_is_said() -> None:
    blind = _sight(dark(PINNED, GLOBAL))
    assert (list(UNPIN_PRIMARY.plan_steps(blind)), bool(list(UNPIN_PRIMARY.notes(blind)))) == ([], True)
    assert UNPIN_PRIMARY.observe(_step(), blind).state is StepState.UNAVAILABLE


def test_a_pin_is_released_on_the_way_home_alone() -> None:
    assert UNPIN_PRIMARY.goals == TO_PRIMARY
    assert list(UNPIN_PRIMARY.plan_steps(_sight(HEALTHY))) == [], "a healthy estate has no pin"
    assert UNPIN_PRIMARY.writes == {"route53:UpdateHealthCheck"}
    assert _step().owner == next(iter(SHIFT.plan_steps(sight()))).owner


@pytest.mark.proof
def test_releasing_moves_no_visitor() -> None:
    with world_of() as world:
        world.endpoint.timing(transition_s=0)
        for action in (SHIFT, PIN):
            for step in action.plan_steps(world.sight()):
                world.act(action, step)
        seen = world.whole()
        before = seen.get(dns_answers.authorities, GLOBAL)
        (release,) = UNPIN_PRIMARY.plan_steps(_sight(seen))
        world.act(UNPIN_PRIMARY, release, seen)
        assert world.confirm(UNPIN_PRIMARY, release, seen).state is StepState.DONE
        assert world.whole().get(dns_answers.authorities, GLOBAL) == before
