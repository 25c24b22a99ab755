"""Secrets in a failback: the primary's get the values of the DR region's, which then are replicas again (T18)."""

from __future__ import annotations

import json
from collections.abc import Set
from datetime import timedelta
from typing import Any

from dr_actions.actions.secrets import copy_to_primary as secrets_copy_to_primary
from dr_actions.actions.secrets import point_to_dr
from dr_actions.guard.context import STORES, GuardContext, Proof
from dr_actions.guard.guard import refusal
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Side
from dr_estate.readers import secretsmanager
from tests.dr_actions.actions.estates import home_sight, only, stands
from tests.dr_actions.actions.secrets.test_point_to_dr import (
    DATABASE,
    DR,
    NAME,
    OTHER,
    SERVED,
    VALUE,
    Store,
    Value,
    estate,
)
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

HOME, AGAIN = secrets_copy_to_primary.COPY_TO_PRIMARY, point_to_dr.REPLICATE_TO_DR
RECORDED = {f"secrets/promote_replicas:{NAME}": {"replica of": "af-south-1"}}
THERE = {**VALUE, "host": SERVED.host}
"""What the DR region's secret says once it was led to the database there."""
CHANGED = {**THERE, "password": "changed while away"}


def seen(here: Value = VALUE, there: Value = THERE, replica: bool = False, **changes: Any) -> PlanContext:
    return home_sight(estate(here, there, replica), **{"recorded": RECORDED, **changes})


def test_secrets_that_differ_by_their_region_alone_are_left_alone() -> None:
    assert list(HOME.plan_steps(seen())) == []
    assert only(AGAIN, seen()).subject == NAME
    assert list(HOME.plan_steps(seen(goal=Goal.FAILOVER))) == []
    assert list(AGAIN.plan_steps(seen(goal=Goal.FAILOVER))) == []


def test_a_password_changed_during_the_outage_goes_home_and_works_there() -> None:
    apart = seen(there=CHANGED)
    step, again, store = only(HOME, apart), only(AGAIN, apart), Store(primary=VALUE, dr=CHANGED)
    assert step.before["fields"] == ["password"]
    assert "changed while away" not in json.dumps(step.call.params if step.call else {})
    assert stands(AGAIN, apart, again)[0] is StepState.DRIFTED, "the changed password would be lost"

    assert stands(HOME, apart, step)[0] is StepState.READY
    HOME.send(step, HOME.build_call(step, apart), store)
    assert store.value(Side.PRIMARY) == {**CHANGED, "host": DATABASE.host}
    assert store.value(Side.DR) == CHANGED
    alike = seen(store.value(Side.PRIMARY), CHANGED)
    assert stands(HOME, alike, step)[0] is StepState.DONE

    assert stands(AGAIN, alike, again)[0] is StepState.READY
    regions = AGAIN.build_call(again, alike).params["AddReplicaRegions"]
    assert regions == [{"Region": DR, "KmsKeyId": _key_in_dr()}], "under the key that it has now"
    replicated = seen(store.value(Side.PRIMARY), store.value(Side.PRIMARY), replica=True)
    assert stands(AGAIN, replicated, again)[0] is StepState.DONE


def test_what_takes_a_secret_over_is_sent_only_upon_backups() -> None:
    apart = seen(there=CHANGED)
    proofs = [Proof(side, store, "arn", healthy().taken_at + timedelta(hours=1)) for side, store in STORES]
    for action, context in ((HOME, apart), (AGAIN, seen())):
        call = action.build_call(only(action, context), context)
        assert _refusal(call, action.writes | action.reads, proofs) is None
        assert _refusal(call, action.writes | action.reads, []) is not None, "nothing is backed up"


def test_a_secret_of_the_primary_that_leads_away_is_led_home() -> None:
    away, store = seen(here=THERE), Store(primary=THERE, dr=THERE)
    step = only(HOME, away)
    assert step.before["fields"] == ["host"]
    HOME.send(step, HOME.build_call(step, away), store)
    assert store.value(Side.PRIMARY) == VALUE
    assert stands(HOME, seen(store.value(Side.PRIMARY)), step)[0] is StepState.DONE


def test_what_differs_otherwise_than_planned_is_not_touched() -> None:
    step = only(HOME, seen(there=CHANGED))
    state, message = stands(HOME, seen(there={**CHANGED, "username": "another"}), step)
    assert state is StepState.DRIFTED
    assert "username" in message


def test_without_a_record_no_secret_is_replicated_and_the_command_is_shown() -> None:
    unknown = seen(recorded={})
    assert list(AGAIN.plan_steps(unknown)) == []
    (note,) = AGAIN.notes(unknown)
    assert "replicate-secret-to-regions" in note
    assert NAME in note
    assert OTHER not in note, "a replica is one already"


def _key_in_dr() -> str:
    (key,) = {row.key for row in healthy().get(secretsmanager.secrets, Side.DR) if row.name == NAME}
    return key


def _refusal(call: Call, allowed: Set[str], proofs: list[Proof]) -> object:
    return refusal(call, GuardContext(SIT, allowed, goal=Goal.FAILBACK, proofs=proofs))
