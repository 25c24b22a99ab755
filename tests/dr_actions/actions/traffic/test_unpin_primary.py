"""The pin is released to every recorded value, is done only when the checkers report it, and moves nobody by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic import pin_primary, shift_to_dr
from dr_actions.actions.traffic.unpin_primary import VERB
from dr_actions.model.action import HOME, Sight, Standing
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import dns_answers, route53, route53_health_checks
from tests.dr_actions.actions.compute.compute_world import World, dark, world_of

PIN, SHIFT = pin_primary.VERB, shift_to_dr.VERB
PARTS = tuple(
    r.name
    for r in (route53.records, route53_health_checks.checks, route53_health_checks.statuses, dns_answers.authorities)
)


@pytest.fixture(scope="module")
def pinned() -> Iterator[World]:
    """A world whose traffic was shifted, and whose primary is pinned down."""
    with world_of() as world:
        for verb in (SHIFT, PIN):
            for step in verb.foresee(world.sight()):
                world.act(verb, step)
        world.endpoint.keep("pinned")
        yield world


@pytest.fixture
def world(pinned: World) -> Iterator[World]:
    yield pinned
    pinned.endpoint.return_to("pinned")


def _recorded(world: World) -> dict[str, dict[str, Any]]:
    return {step.id: dict(step.before) for step in PIN.foresee(world.sight())}


def _sight(world: World, recorded: dict[str, dict[str, Any]] | None = None) -> Sight:
    kept = _recorded(world) if recorded is None else recorded
    return replace(world.sight(world.whole(*PARTS)), goal=Goal.FAILBACK, recorded=kept)


def _step(world: World, recorded: dict[str, dict[str, Any]] | None = None) -> Step:
    (step,) = VERB.foresee(_sight(world, recorded))
    return step


def _config(world: World, check: str) -> dict[str, Any]:
    told = world.send(Side.GLOBAL, "route53:GetHealthCheck", HealthCheckId=check)
    config: dict[str, Any] = told["HealthCheck"]["HealthCheckConfig"]
    return config


def test_it_is_ready_then_done_and_the_check_reads_as_before_the_failover(world: World) -> None:
    step = _step(world)
    before = next(c for c in world.healthy.get(route53_health_checks.checks, Side.GLOBAL) if c.id == step.subject)
    assert world.confirm(VERB, step).standing is Standing.READY
    world.act(VERB, step)
    told = world.until(Standing.DONE, VERB, step)
    assert (told.standing, "reported healthy" in told.says) == (Standing.DONE, True)
    config = _config(world, step.subject)
    assert (config["Port"], config["Inverted"], config["Disabled"]) == (before.port, before.inverted, False)
    assert list(VERB.foresee(_sight(world))) == []


def test_without_a_record_the_twin_of_the_dr_region_says_how_it_read(world: World) -> None:
    assert _step(world, {}).after == _step(world).after


def test_a_pin_of_which_nobody_knows_the_values_is_left_and_said(world: World) -> None:
    sight = _sight(world, {})
    known = sight.snapshot.get(route53_health_checks.checks, Side.GLOBAL)
    pinned = _step(world).subject
    twins = tuple(check if check.id == pinned else replace(check, type="TCP") for check in known)
    part = sight.snapshot.parts[route53_health_checks.checks.name, Side.GLOBAL]
    parts = {**sight.snapshot.parts, (part.name, part.side): replace(part, value=twins)}
    alone = replace(sight, snapshot=replace(sight.snapshot, parts=parts))
    assert list(VERB.foresee(alone)) == []
    assert "set it by hand" in " ".join(VERB.leaves(alone))


def test_a_check_that_was_disabled_is_not_disabled_again(world: World) -> None:
    recorded = {step: {**values, "Disabled": True} for step, values in _recorded(world).items()}
    assert "Disabled" not in _step(world, recorded).after


def test_a_primary_that_does_not_answer_its_checkers_is_waited_for(world: World) -> None:
    step = _step(world)
    world.act(VERB, step)
    world.endpoint.break_("primary-dark")
    told = world.until(Standing.WAITING, VERB, step, tries_s=3)
    assert (told.standing, "still reported unhealthy" in told.says) == (Standing.WAITING, True)


def test_releasing_moves_no_visitor_and_it_is_taken_back_exactly(world: World) -> None:
    step, held = _step(world), _config(world, _step(world).subject)
    before = world.whole(*PARTS).get(dns_answers.authorities, Side.GLOBAL)
    world.act(VERB, step)
    assert [a for a in world.whole(*PARTS).get(dns_answers.authorities, Side.GLOBAL) if a not in before] == []
    world.take_back(VERB, step)
    assert _config(world, step.subject) == held
    assert world.confirm(VERB, step).standing is Standing.READY


def test_a_check_that_somebody_else_changed_is_not_overwritten(world: World) -> None:
    step = _step(world)
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=step.subject, Port=8080)
    assert world.confirm(VERB, step).standing is Standing.CHANGED


def test_what_cannot_be_seen_is_said_and_two_people_plan_the_same(world: World) -> None:
    step = _step(world)
    assert step == _step(world)
    blind = replace(_sight(world), snapshot=dark(world.healthy, Side.GLOBAL))
    assert (list(VERB.foresee(blind)), bool(list(VERB.notes(blind)))) == ([], True)
    assert VERB.confirm(step, blind).standing is Standing.UNSEEN


def test_a_pin_is_released_on_the_way_home_alone(world: World) -> None:
    assert VERB.goals == HOME
    assert list(VERB.foresee(replace(world.sight(), goal=Goal.FAILBACK))) == [], "a healthy estate has no pin"
    assert VERB.writes == {"route53:UpdateHealthCheck"}
    assert _step(world).owner == next(iter(SHIFT.foresee(world.sight()))).owner
