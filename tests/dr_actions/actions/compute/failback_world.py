"""A sandbox whose visitors were led to the DR region, and are led back to the primary region stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_actions.actions.traffic import shift_to_dr
from dr_actions.actions.traffic.records import upserts
from dr_actions.actions.traffic.shift_to_primary import SHIFT_TO_PRIMARY
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import route53
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.plain import ORIGIN, SIT, with_part

BAKE_MINUTES = 0.02
QUESTIONS = 60


def with_failback(env: Environment = SIT, **changes: Any) -> Environment:
    """The environment with a quick failback and these ``changes`` of its settings."""
    quick = {"bake_minutes": BAKE_MINUTES, "dns_samples": QUESTIONS} | changes
    return env.model_copy(update={"failback": env.failback.model_copy(update=quick)})


@contextmanager
def led_away(env: Environment) -> Iterator[World]:
    """A world whose primary is well, and whose visitors are all led to the DR region; kept as ``away``."""
    with world_of(env) as world:
        for step in shift_to_dr.SHIFT_TO_DR.plan_steps(world.sight()):
            world.act(shift_to_dr.SHIFT_TO_DR, step)
        world.endpoint.keep("away")
        yield world


def records_sight(world: World, env: Environment | None = None) -> PlanContext:
    """The context of which a failback's plan is made, with the DNS records read again."""
    seen = world.whole(route53.records.name, route53.customer_hosts.name)
    return replace(world.sight(seen), goal=Goal.FAILBACK, env=env or world.env)


def steps_home(world: World, env: Environment | None = None) -> dict[str, Step]:
    """The steps that lead visitors back to the primary region, by what follows the action's name in their ids."""
    return {step.id.partition(":")[2]: step for step in SHIFT_TO_PRIMARY.plan_steps(records_sight(world, env))}


def stage(world: World, step: Step, since_s: float) -> StepStatus:
    """How the stage stands, its change having been answered so many seconds ago."""
    context = replace(world.look(SHIFT_TO_PRIMARY), goal=Goal.FAILBACK)
    return SHIFT_TO_PRIMARY.observe(
        step, replace(context, sent_at={step.id: context.snapshot.taken_at - timedelta(seconds=since_s)})
    )


def take(world: World, step: Step) -> StepStatus:
    """Make the change, and judge it after its bake."""
    assert stage(world, step, since_s=0).state is StepState.READY
    world.act(SHIFT_TO_PRIMARY, step)
    return stage(world, step, since_s=60 * world.env.failback.bake_minutes + 1)


def weights(world: World) -> tuple[int, int]:
    """The weights of the primary's and of the DR region's record of the traffic name, as Route 53 has them now."""
    now = {row["SetIdentifier"]: row["Weight"] for row in _rows(world)[1]}
    return now[SIT.traffic.primary_set_identifier], now[SIT.traffic.secondary_set_identifier]


def write_weights(world: World, home: int, away: int) -> None:
    """Somebody sets the weights of the traffic name."""
    given = {SIT.traffic.primary_set_identifier: home, SIT.traffic.secondary_set_identifier: away}
    zone, rows = _rows(world)
    params = upserts(zone, [row | {"Weight": given[row["SetIdentifier"]]} for row in rows], "by hand")
    world.send(Side.GLOBAL, "route53:ChangeResourceRecordSets", **params)


def check_of_primary(world: World) -> str:
    """The health check of the primary's record of the traffic name."""
    return str(_primary_row(world)["HealthCheckId"])


def give_another_check(world: World) -> str:
    """Somebody deletes the check of the primary's record and gives it another one, which is returned."""
    old, zone = check_of_primary(world), _rows(world)[0]
    config = world.send(Side.GLOBAL, "route53:GetHealthCheck", HealthCheckId=old)["HealthCheck"]["HealthCheckConfig"]
    created = world.send(Side.GLOBAL, "route53:CreateHealthCheck", CallerReference=old, HealthCheckConfig=config)
    given = str(created["HealthCheck"]["Id"])
    params = upserts(zone, [_primary_row(world) | {"HealthCheckId": given}], "by hand")
    world.send(Side.GLOBAL, "route53:ChangeResourceRecordSets", **params)
    world.send(Side.GLOBAL, "route53:DeleteHealthCheck", HealthCheckId=old)
    return given


def _primary_row(world: World) -> dict[str, Any]:
    return next(row for row in _rows(world)[1] if row["SetIdentifier"] == SIT.traffic.primary_set_identifier)


def with_health_checks(snapshot: Snapshot, given: Mapping[str, str]) -> Snapshot:
    """The estate whose records of the traffic name were given these health checks, by set identifier; "" is none."""
    rows = snapshot.get(route53.records, Side.GLOBAL)
    named = (replace(r, health_check_id=given.get(r.set_identifier or "", r.health_check_id) or None) for r in rows)
    return with_part(snapshot, route53.records, Side.GLOBAL, tuple(named))


def _rows(world: World) -> tuple[str, list[dict[str, Any]]]:
    """The id of the zone, and the records of the traffic name."""
    zone = world.healthy.get(route53.zone, Side.GLOBAL)
    assert zone is not None
    rows = world.send(Side.GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=zone.id)["ResourceRecordSets"]
    return zone.id, [row for row in rows if row["Name"] == f"{ORIGIN}."]
