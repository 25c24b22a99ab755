"""What the DR region lacks is provisioned by one step, judged by the environment's rules and confirmed by looking."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.provisioning import APPLY, missing_parts, notes, plan_steps, run_program
from dr_actions.clients.terraform import TerraformFailed, TerraformRefused
from dr_actions.model.action import PlanContext, ProgramContext, StepState
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import ecs, efs, elbv2
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from tests.dr_actions.clients.test_terraform import Shim
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT, warm
from tests.real_terraform import write_terraform


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(tmp_path)


def with_folder(env: Environment, folder: Path | str) -> Environment:
    return env.model_copy(update={"provision": env.provision.model_copy(update={"folder": str(folder)})})


def sight_of(env: Environment = SIT, **instead: Any) -> PlanContext:
    """The healthy estate, as a failover sees it, with parts of the DR side replaced."""
    readers = {"services": ecs.services.name, "groups": elbv2.target_groups.name, "balancer": elbv2.load_balancer.name}
    parts = dict(healthy().parts)
    for word, value in instead.items():
        old = parts[readers[word], Side.DR]
        parts[readers[word], Side.DR] = SnapshotPart(old.name, old.side, old.region, old.read_at, value)
    return PlanContext(env, replace(healthy(), parts=parts), Goal.FAILOVER, primary_answers=True)


def lacking_services(env: Environment = SIT) -> PlanContext:
    return sight_of(env, services=(), balancer=None)


@pytest.mark.parametrize(("env", "standby"), [(SIT, "pilot light"), (warm(SIT), "warm standby")])
def test_a_standby_has_all_and_no_program_is_run(env: Environment, standby: str) -> None:
    for found in (env, with_folder(env, "live/dr")):
        assert [] == list(plan_steps(sight_of(found)))
    (note,) = notes(sight_of(env))
    assert f"the {standby} in {SIT.regions.dr} has all that a failover needs already" in note


def test_what_is_missing_without_a_folder_is_a_note_that_says_so() -> None:
    context = lacking_services()
    assert [] == list(plan_steps(context))
    (note,) = notes(context)
    assert "lacks the load balancer sit-alb" in note
    assert "provision.folder names no Terraform" in note


def test_what_is_missing_with_a_folder_is_one_step_of_terraform() -> None:
    env = with_folder(SIT, "live/dr")
    (step,) = plan_steps(lacking_services(env))
    assert ("provisioning/apply:terraform", 5, 30, "Terraform", None) == (
        step.id,
        step.number,
        step.stage,
        step.owner,
        step.call,
    )
    assert "the service sit-tenant-1-service" in step.before["missing"]
    assert frozenset() == APPLY.writes
    assert [step] == list(plan_steps(lacking_services(env)))
    assert "not in this plan yet" in next(notes(lacking_services(env)))


def test_a_step_stands_as_what_is_missing_stands() -> None:
    env = with_folder(SIT, "live/dr")
    lacking = lacking_services(env)
    (step,) = plan_steps(lacking)
    assert StepState.READY is APPLY.observe(step, lacking).state
    assert StepState.READY is APPLY.observe(step, sight_of(env, services=())).state
    assert StepState.DONE is APPLY.observe(step, sight_of(env)).state
    assert StepState.DRIFTED is APPLY.observe(step, sight_of(env, groups=())).state
    dark = replace(lacking, snapshot=without(lacking.snapshot, elbv2.load_balancer.name))
    assert StepState.UNAVAILABLE is APPLY.observe(step, dark).state
    assert () == missing_parts(sight_of(env))


def without(snapshot: Snapshot, name: str) -> Snapshot:
    return replace(snapshot, parts={key: part for key, part in snapshot.parts.items() if key != (name, Side.DR)})


def test_the_steps_work_is_judged_by_the_environments_rules(shim: Shim) -> None:
    env = with_folder(SIT, shim.module)
    (step,) = plan_steps(lacking_services(env))
    program = ProgramContext(env, shim.run, lambda: shim.variables)
    gone = {"actions": ["delete"], "before": {"region": env.regions.primary}, "after": None}
    row = {"address": "aws_ecs_service.a", "type": "aws_ecs_service", "change": gone}
    shim.answers({"format_version": "1.2", "resource_changes": [row]})
    with pytest.raises(TerraformRefused, match=r"aws_ecs_service\.a would be deleted: it is in the primary region"):
        run_program(step, program)
    row["change"] = {"actions": ["create"], "before": None, "after": {"region": env.regions.dr}}
    shim.answers({"format_version": "1.2", "resource_changes": [row]})
    run_program(step, program)
    assert "apply" == shim.said()[-1][0]
    shim.answers(plan={"exits": 0})
    with pytest.raises(TerraformFailed, match=r"has nothing to change in .*lacks the load balancer sit-alb"):
        run_program(step, program)


@pytest.mark.proof
@pytest.mark.judge("terraform")
def test_the_real_program_makes_what_it_planned_once(tmp_path: Path, shim: Shim) -> None:
    write_terraform(shim.place)
    (shim.module / "main.tf").write_text('resource "terraform_data" "stamp" { input = "warm" }\n')
    env = with_folder(SIT, shim.module)
    (step,) = plan_steps(lacking_services(env))
    variables = {**os.environ, "PATH": str(shim.place), "HOME": str(tmp_path)}
    run_program(step, ProgramContext(env, shim.run, lambda: variables))
    state = json.loads((shim.module / "terraform.tfstate").read_text())
    assert ["terraform_data"] == [resource["type"] for resource in state["resources"]]
    with pytest.raises(TerraformFailed, match="has nothing to change"):
        run_program(step, ProgramContext(env, shim.run, lambda: variables))


def test_a_replica_of_its_own_name_and_a_worker_lack_nothing() -> None:
    seen = sight_of()
    renamed = with_rows(seen.snapshot, efs.file_systems, Side.DR, name="its own")
    env = SIT.model_copy(update={"names": SIT.names.model_copy(update={"target_group": ""})})
    assert () == missing_parts(replace(seen, env=env, snapshot=renamed))
    without = with_part(seen.snapshot, efs.file_systems, Side.DR, ())
    assert missing_parts(replace(seen, snapshot=without)) == (f"the file system {SIT.named(SIT.names.file_system)}",)
