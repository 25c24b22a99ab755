"""The pin is released to every recorded value, is done only when the checkers report it, and moves nobody by itself."""

from __future__ import annotations

from typing import Any

import pytest

from dr_actions.actions.traffic import pin_primary, shift_to_dr
from dr_actions.actions.traffic.unpin_primary import VERB
from dr_actions.model.action import HOME, Confirmation, Sight, Standing
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import dns_answers
from dr_estate.readers.route53_health_checks import checks, statuses
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import world_of
from tests.dr_actions.plain import dark, led, recorded, sight, with_rows

PIN, SHIFT = pin_primary.VERB, shift_to_dr.VERB
HEALTHY, GLOBAL = recorded("healthy"), Side.GLOBAL
RECORDED = {step.id: dict(step.before) for step in PIN.foresee(sight())}
(PINNING,) = PIN.foresee(sight())


def _with_check(snapshot: Snapshot, port: int, reported: float) -> Snapshot:
    """The primary's check at that port, and what its checkers report."""
    at_port = with_rows(snapshot, checks, GLOBAL, lambda check: check.id == PINNING.subject, port=port)
    return with_rows(
        at_port, statuses, GLOBAL, lambda row: row.dimension("HealthCheckId") == PINNING.subject, value=reported
    )


PINNED = _with_check(led(HEALTHY, 0), PINNING.after["Port"], reported=0.0)


def _sight(snapshot: Snapshot = PINNED, recorded: dict[str, dict[str, Any]] = RECORDED) -> Sight:
    return sight(snapshot, goal=Goal.FAILBACK, recorded=recorded)


def _step(recorded: dict[str, dict[str, Any]] = RECORDED) -> Step:
    (step,) = VERB.foresee(_sight(recorded=recorded))
    return step


def _confirm(snapshot: Snapshot) -> Confirmation:
    return VERB.confirm(_step(), _sight(snapshot))


def test_it_is_ready_then_done_and_the_check_reads_as_before_the_failover() -> None:
    before = next(check for check in HEALTHY.get(checks, GLOBAL) if check.id == PINNING.subject)
    step, released = _step(), _with_check(PINNED, before.port, reported=1.0)
    assert step.after == {"Port": before.port, "Inverted": before.inverted}
    assert _confirm(PINNED).standing is Standing.READY
    confirmed = _confirm(released)
    assert (confirmed.standing, "reported healthy" in confirmed.says) == (Standing.DONE, True)
    assert list(VERB.foresee(_sight(released))) == []
    undoing = VERB.undo(step)
    assert undoing is not None
    assert undoing.params == {"HealthCheckId": step.subject, **PINNING.after}


def test_without_a_record_the_twin_of_the_dr_region_says_how_it_read() -> None:
    assert _step({}).after == _step().after


def test_a_pin_of_which_nobody_knows_the_values_is_left_and_said() -> None:
    twins = with_rows(PINNED, checks, GLOBAL, lambda check: check.id != PINNING.subject, type="TCP")
    alone = _sight(twins, recorded={})
    assert list(VERB.foresee(alone)) == []
    assert "set it by hand" in " ".join(VERB.leaves(alone))


def test_a_check_that_was_disabled_is_not_disabled_again() -> None:
    assert "Disabled" not in _step({step: {**values, "Disabled": True} for step, values in RECORDED.items()}).after


def test_a_primary_that_does_not_answer_its_checkers_is_waited_for() -> None:
    confirmed = _confirm(_with_check(PINNED, _step().after["Port"], reported=0.0))
    assert (confirmed.standing, "still reported unhealthy" in confirmed.says) == (Standing.WAITING, True)


def test_a_check_that_somebody_else_changed_is_not_overwritten() -> None:
    assert _confirm(_with_check(PINNED, 8080, reported=0.0)).standing is Standing.CHANGED


def test_what_cannot_be_seen_is_said() -> None:
    blind = _sight(dark(PINNED, GLOBAL))
    assert (list(VERB.foresee(blind)), bool(list(VERB.notes(blind)))) == ([], True)
    assert VERB.confirm(_step(), blind).standing is Standing.UNSEEN


def test_a_pin_is_released_on_the_way_home_alone() -> None:
    assert VERB.goals == HOME
    assert list(VERB.foresee(_sight(HEALTHY))) == [], "a healthy estate has no pin"
    assert VERB.writes == {"route53:UpdateHealthCheck"}
    assert _step().owner == next(iter(SHIFT.foresee(sight()))).owner


@pytest.mark.proof
def test_releasing_moves_no_visitor() -> None:
    with world_of() as world:
        world.endpoint.timing(transition_s=0)
        for action in (SHIFT, PIN):
            for step in action.foresee(world.sight()):
                world.act(action, step)
        seen = world.whole()
        before = seen.get(dns_answers.authorities, GLOBAL)
        (release,) = VERB.foresee(_sight(seen))
        world.act(VERB, release, seen)
        assert world.confirm(VERB, release, seen).standing is Standing.DONE
        assert world.whole().get(dns_answers.authorities, GLOBAL) == before
