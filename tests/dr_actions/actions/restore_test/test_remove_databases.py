"""What a drill made or set aside in the DR region is taken away, by its name and resource id, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.restore_test import removal
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import DENIED, SIT, world

TRIED = "sit-mysql-drill-20260107-030000"
OWN = replace(plain.PRIMARY, identifier=TRIED, resource_id="db-OWN", deletion_protection=False)
ASIDE = replace(plain.PRIMARY, identifier="sit-mysql-before-db-abcde", resource_id="db-ABCDE")
OTHERS = (
    plain.REPLICA,
    replace(plain.PRIMARY, identifier="sit-mysql-before-db-zzzzz", resource_id="db-ZZZZZ"),
    replace(plain.PRIMARY, identifier="prod-mysql-drill-20260107-030000"),
    replace(plain.PRIMARY, identifier="sit-mysql-drill-report"),
)


def sight(*instances: rds.Instance) -> PlanContext:
    seen = world({(rds.instances, Side.DR): instances})
    return PlanContext(SIT, seen, Goal.CLEAN_UP, True, renamed_databases={"db-ABCDE": ASIDE.identifier})


def steps(*instances: rds.Instance) -> dict[str, Step]:
    return {step.id: step for step in removal.REMOVE_DATABASES.plan_steps(sight(*instances))}


def standing(step: Step, *instances: rds.Instance) -> StepState:
    return removal.REMOVE_DATABASES.observe(step, sight(*instances)).state


def test_only_what_bears_a_drills_name_or_was_set_aside_by_this_drill_is_taken_away() -> None:
    assert {} == steps(*OTHERS)
    (step,) = steps(OWN, *OTHERS).values()
    assert step.call is not None
    assert ("DeleteDBInstance", "eu-west-1") == (step.call.operation, step.call.region)
    wanted = {"DBInstanceIdentifier": OWN.identifier, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    assert wanted == step.call.params
    assert Danger.IRREVERSIBLE is step.danger


def test_a_protected_database_is_unprotected_first_as_a_step_of_its_own() -> None:
    unprotect, delete = sorted(steps(ASIDE).values(), key=lambda step: step.stage)
    assert unprotect.stage < delete.stage
    assert unprotect.call is not None
    assert unprotect.call.params["DeletionProtection"] is False
    bare = replace(ASIDE, deletion_protection=False)
    assert (StepState.READY, StepState.DONE) == (standing(unprotect, ASIDE), standing(unprotect, bare))
    assert (StepState.DRIFTED, StepState.READY) == (standing(delete, ASIDE), standing(delete, bare))


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ((), StepState.DONE),
        ((OWN,), StepState.READY),
        ((replace(OWN, status="deleting"),), StepState.IN_PROGRESS),
        ((replace(OWN, status="modifying"),), StepState.IN_PROGRESS),
        ((replace(OWN, identifier="sit-mysql-kept"),), StepState.DRIFTED),
        ((replace(OWN, resource_id="db-ANOTHER"),), StepState.DONE),
    ],
)
def test_how_a_deletion_stands(instances: tuple[rds.Instance, ...], expected: StepState) -> None:
    (step,) = steps(OWN).values()
    assert expected is standing(step, *instances)


def test_what_cannot_be_seen_is_neither_planned_nor_called_gone() -> None:
    blind = replace(sight(), snapshot=world({(rds.instances, Side.DR): DENIED}))
    assert [] == list(removal.REMOVE_DATABASES.plan_steps(blind))
    (step,) = steps(OWN).values()
    assert StepState.UNAVAILABLE is removal.REMOVE_DATABASES.observe(step, blind).state
