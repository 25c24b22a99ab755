"""Secrets on the way home: the primary's say what the DR region's say, which then are replicas again (T18)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_actions.actions.secrets import copy_to_primary as secrets_copy_to_primary
from dr_actions.actions.secrets import replicate_to_dr as secrets_replicate_to_dr
from dr_actions.guard.context import GuardContext
from dr_actions.guard.evidence import STORES, Proof
from dr_actions.guard.guard import refusal
from dr_actions.model.action import Sight, Standing, Verb
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from tests.dr_actions.actions.compute.compute_world import World

HOME, AGAIN = secrets_copy_to_primary.VERB, secrets_replicate_to_dr.VERB
NAME, OTHER = "sit-tenant-1-db-credentials", "sit-tenant2-db-credentials"
RECORDED = {f"secrets/promote_replicas:{NAME}": {"replica of": "af-south-1"}}
WATCHED = sorted({*HOME.watches, *AGAIN.watches})


def _sight(stores: World, **changes: Any) -> Sight:
    """What is seen anew, as if the primary's database served in the DR region."""
    seen = stores.whole(*WATCHED)
    (here,) = seen.get(rds.instances, Side.PRIMARY)
    region, away = stores.env.regions.primary, stores.env.regions.dr
    served = replace(here, arn=here.arn.replace(region, away), host=here.host.replace(region, away))
    part = replace(seen.parts[rds.instances.name, Side.DR], value=(served,))
    seen = replace(seen, parts={**seen.parts, (rds.instances.name, Side.DR): part})
    return stores.sight(seen, **{"goal": Goal.FAILBACK, "recorded": RECORDED, **changes})


def _standing(stores: World, verb: Verb, step: Step) -> Standing:
    return verb.confirm(step, _sight(stores)).standing


def _act(stores: World, verb: Verb, step: Step) -> None:
    call = verb.fill(step, _sight(stores))
    proofs = [Proof(side, store, "arn", stores.healthy.taken_at + timedelta(hours=1)) for side, store in STORES]
    allowed = verb.writes | verb.reads
    assert refusal(call, GuardContext(stores.env, allowed, goal=Goal.FAILBACK, proofs=proofs)) is None
    assert refusal(call, GuardContext(stores.env, allowed, goal=Goal.FAILBACK)) is not None, "nothing is backed up"
    verb.act(step, call, stores.hand)


def _value(stores: World, side: Side) -> dict[str, Any]:
    told = stores.send(side, "secretsmanager:GetSecretValue", SecretId=NAME)["SecretString"]
    value: dict[str, Any] = json.loads(told)
    return value


def _put(stores: World, side: Side, **changed: Any) -> None:
    value = json.dumps({**_value(stores, side), **changed})
    stores.send(side, "secretsmanager:PutSecretValue", SecretId=NAME, SecretString=value)


def _failed_over(stores: World) -> tuple[str, str]:
    """The tenant's secret as a failover leaves it: the DR region's own, leading to its database. Both hosts."""
    (here,) = stores.healthy.get(rds.instances, Side.PRIMARY)
    away = here.host.replace(stores.env.regions.primary, stores.env.regions.dr)
    _put(stores, Side.PRIMARY, host=here.host)
    stores.send(Side.DR, "secretsmanager:StopReplicationToReplica", SecretId=NAME)
    _put(stores, Side.DR, host=away)
    return here.host, away


def test_secrets_that_differ_by_their_region_alone_are_left_alone(stores: World) -> None:
    _failed_over(stores)
    assert list(HOME.foresee(_sight(stores))) == []
    (step,) = AGAIN.foresee(_sight(stores))
    assert step.subject == NAME
    assert list(HOME.foresee(_sight(stores, goal=Goal.FAILOVER))) == []
    assert list(AGAIN.foresee(_sight(stores, goal=Goal.FAILOVER))) == []


def test_a_password_changed_while_away_goes_home_and_leads_to_the_database_there(stores: World) -> None:
    home_host, _ = _failed_over(stores)
    _put(stores, Side.DR, password="changed while away")
    (step,) = HOME.foresee(_sight(stores))
    assert step.before["fields"] == ["password"]
    assert "changed while away" not in json.dumps(step.call.params if step.call else {})
    (again,) = AGAIN.foresee(_sight(stores))
    assert _standing(stores, AGAIN, again) is Standing.CHANGED, "the changed password would be lost"

    assert _standing(stores, HOME, step) is Standing.READY
    _act(stores, HOME, step)
    assert _standing(stores, HOME, step) is Standing.DONE
    assert _value(stores, Side.PRIMARY) | {"password": "", "host": ""} == _value(stores, Side.DR) | {
        "password": "",
        "host": "",
    }
    told = _value(stores, Side.PRIMARY)
    assert (told["password"], told["host"]) == ("changed while away", home_host)

    assert _standing(stores, AGAIN, again) is Standing.READY
    _act(stores, AGAIN, again)
    assert _standing(stores, AGAIN, again) is Standing.DONE
    there = {one.name: one for one in _sight(stores).snapshot.get(readers_secretsmanager.secrets, Side.DR)}
    assert there[NAME].replica_of == stores.env.regions.primary
    assert _value(stores, Side.DR) == told
    assert there[NAME].key == {o.name: o for o in stores.healthy.get(readers_secretsmanager.secrets, Side.DR)}[NAME].key


def test_a_secret_of_the_primary_that_leads_away_is_led_home(stores: World) -> None:
    home_host, away_host = _failed_over(stores)
    _put(stores, Side.PRIMARY, host=away_host)
    (step,) = HOME.foresee(_sight(stores))
    assert step.before["fields"] == ["host"]
    _act(stores, HOME, step)
    assert _standing(stores, HOME, step) is Standing.DONE
    assert _value(stores, Side.PRIMARY)["host"] == home_host


def test_what_differs_otherwise_than_planned_is_not_touched(stores: World) -> None:
    _failed_over(stores)
    _put(stores, Side.DR, password="one")
    (step,) = HOME.foresee(_sight(stores))
    _put(stores, Side.DR, username="another")
    told = HOME.confirm(step, _sight(stores))
    assert told.standing is Standing.CHANGED
    assert "username" in told.says


def test_without_a_record_no_secret_is_made_a_replica_and_the_command_is_told(stores: World) -> None:
    _failed_over(stores)
    unknown = _sight(stores, recorded={})
    assert list(AGAIN.foresee(unknown)) == []
    (note,) = AGAIN.notes(unknown)
    assert "replicate-secret-to-regions" in note
    assert NAME in note
    assert OTHER not in note, "a replica is one already"
