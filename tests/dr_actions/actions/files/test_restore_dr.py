"""The files become usable in the DR region: their replica becomes writable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.files import restore as files_restore
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs, kms
from sandbox.core.state import Outage
from tests.dr_actions.actions.estates import only, stands
from tests.dr_actions.actions.failback_world import Home
from tests.dr_actions.plain import dark, sight, with_part
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

ACTION = files_restore.RESTORE_DR
MODE = "DeletionMode"
SILENT = sight(dark(healthy(), Side.PRIMARY), primary_answers=False)


def _call(step: Step) -> Call:
    assert step.call is not None
    return step.call


def _replicating(**changed: Any) -> PlanContext:
    """The healthy estate, but for the replication of its files."""
    rows = tuple(replace(row, **changed) for row in healthy().get(efs.replications, Side.DR))
    return sight(with_part(healthy(), efs.replications, Side.DR, rows))


ALONE = with_part(healthy(), efs.replications, Side.DR, ())
"""No file replicates: the copies in the vault are all there is."""


def test_a_replica_opens_on_both_sides_while_the_primary_answers() -> None:
    step = only(ACTION, sight())
    assert (step.danger, _call(step).region) == (Danger.IRREVERSIBLE, SIT.regions.dr)
    assert _call(step).params[MODE] == "ALL_CONFIGURATIONS"
    ready = ACTION.observe(step, sight())
    assert ready.state is StepState.READY
    assert dict(ready.evidence)["last sync"].startswith("20"), "recorded before the call: afterwards nobody can tell"
    assert refusal(_call(step), GuardContext(SIT, ACTION.writes)) is None


@pytest.mark.proof
def test_both_halves_are_gone_once_the_replica_is_made_writable(stores: Home) -> None:
    step = only(ACTION, stores.sight())
    stores.act(ACTION, step)
    assert stores.until(StepState.DONE, ACTION, step).state is StepState.DONE
    assert stores.whole("efs.replications").get(efs.replications, Side.PRIMARY) == ()
    (system,) = stores.look(ACTION).snapshot.get(efs.file_systems, Side.DR)
    assert system.overwrite_protection == "ENABLED"


def test_with_a_dark_primary_the_local_half_alone_is_to_be_deleted() -> None:
    assert _call(only(ACTION, SILENT)).params[MODE] == "LOCAL_CONFIGURATION_ONLY"


@pytest.mark.proof
def test_with_a_dark_primary_the_local_half_alone_can_be_deleted(stores: Home) -> None:
    step = only(ACTION, stores.sight(dark(stores.healthy, Side.PRIMARY), primary_answers=False))
    stores.endpoint.begin(Outage(stores.env.regions.primary, "refuse"))
    try:
        both = replace(step, call=replace(_call(step), params={**_call(step).params, MODE: "ALL_CONFIGURATIONS"}))
        with pytest.raises(Exception, match="LOCAL_CONFIGURATION_ONLY"):
            stores.act(ACTION, both)
        stores.act(ACTION, step)
    finally:
        stores.endpoint.end()
    assert stores.until(StepState.DONE, ACTION, step).state is StepState.DONE


def test_a_primary_that_answers_again_stops_the_local_deletion() -> None:
    state, message = stands(ACTION, sight(), only(ACTION, SILENT))
    assert state is StepState.DRIFTED
    assert "T27" in message


def test_a_replication_from_elsewhere_is_not_the_one_that_was_planned_upon() -> None:
    step = only(ACTION, sight())
    assert stands(ACTION, _replicating(source_id="fs-other"), step)[0] is StepState.DRIFTED
    assert stands(ACTION, _replicating(status="DELETING"), step)[0] is StepState.IN_PROGRESS


def test_a_broken_replication_is_ended_all_the_same_and_said() -> None:
    broken = _replicating(status="ERROR")
    assert _call(only(ACTION, broken)).operation == "DeleteReplicationConfiguration"
    assert any("is ERROR" in note for note in ACTION.notes(broken))


def test_a_copy_whose_key_is_disabled_is_not_planned_upon() -> None:
    keys = tuple(replace(key, state="Disabled") for key in ALONE.get(kms.copy_keys, Side.DR))
    assert keys
    locked = sight(with_part(ALONE, kms.copy_keys, Side.DR, keys))
    assert any("no usable copy" in note for note in ACTION.notes(locked))


def test_objects_and_tables_are_said_to_need_nothing() -> None:
    assert any("S3" in note and "DynamoDB" in note for note in ACTION.notes(sight()))


def test_files_that_cannot_be_seen_are_said_so() -> None:
    unseen = sight(dark(healthy(), Side.DR))
    assert list(ACTION.plan_steps(unseen)) == []
    assert any("Nothing is planned for the files" in note for note in ACTION.notes(unseen))
    assert stands(ACTION, unseen, only(ACTION, sight()))[0] is StepState.UNAVAILABLE
