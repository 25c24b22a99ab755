"""The real program plans, lets its plan be judged, and applies exactly that; a shim stands in for it here."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_actions.clients.terraform import Terraform, TerraformFailed, TerraformRefused

SECRET = "correct-horse-battery"
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
    """A program in a folder of its own that takes terraform's words, records them, and answers as a test has set."""

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


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return Shim(tmp_path)


def nothing(_plan: Any) -> tuple[str, ...]:
    return ()


def test_exactly_the_judged_plan_file_is_applied_and_removed_afterwards(shim: Shim) -> None:
    judged: list[Any] = []
    plan = {"format_version": "1.2", "resource_changes": [{"address": "aws_lb.a"}]}
    shim.answers(plan)

    def gate(document: Any) -> tuple[str, ...]:
        judged.append(document)
        return ()

    assert shim.terraform().provision(gate)
    file = str(shim.run / "terraform.plan")
    assert [
        ["init", ["-input=false", "-no-color"]],
        ["plan", ["-input=false", "-no-color", f"-out={file}", "-detailed-exitcode"]],
        ["show", ["-json", file]],
        ["apply", ["-input=false", "-no-color", file]],
    ] == [command[:2] for command in shim.said()]
    assert [plan] == judged
    assert not (shim.run / "terraform.plan").exists()
    assert {str(shim.module)} == {command[2] for command in shim.said()}


def test_the_environment_cannot_change_arguments_or_log_secrets(shim: Shim) -> None:
    shim.terraform().provision(nothing)
    assert {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0"} == shim.said()[0][3]


def test_a_refused_plan_is_not_applied(shim: Shim) -> None:
    with pytest.raises(TerraformRefused, match=r"Nothing was applied\. aws_lb\.a would be deleted"):
        shim.terraform().provision(lambda _: ("aws_lb.a would be deleted: it is in the primary region x.",))
    assert "apply" not in [command[0] for command in shim.said()]
    assert not (shim.run / "terraform.plan").exists()


def test_an_unrecorded_apply_is_recorded_before_a_plan_on_older_state(shim: Shim) -> None:
    (shim.module / "errored.tfstate").write_text("{}")
    with pytest.raises(TerraformRefused, match=r"`terraform state push errored\.tfstate`"):
        shim.terraform().provision(nothing)
    assert not (shim.place / "said.jsonl").exists(), "nothing was planned"


def test_where_nothing_changes_nothing_is_applied(shim: Shim) -> None:
    shim.answers(plan={"exits": 0})
    assert not shim.terraform().provision(nothing)
    assert ["init", "plan"] == [command[0] for command in shim.said()]


def test_a_held_lock_names_its_holder(shim: Shim) -> None:
    shim.answers(plan={"exits": 1, "errors": LOCKED})
    with pytest.raises(TerraformFailed) as locked:
        shim.terraform().provision(nothing)
    message = str(locked.value)
    assert "locked by alice@laptop (OperationTypeApply since 2026-01-07 03:12:45 UTC)" in message
    assert "force-unlock 6f6c8a3e-1" in message


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
    paths = sorted(shim.run.iterdir())
    assert ["terraform-apply.log", "terraform-init.log", "terraform-plan.log"] == [file.name for file in paths]
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in paths}
    assert SECRET not in str(failed.value) + "".join(file.read_text() for file in paths)
    assert "with <redacted>" in (shim.run / "terraform-init.log").read_text()


@pytest.mark.proof
def test_it_is_stopped_when_its_time_is_over(shim: Shim) -> None:
    shim.answers(init={"sleeps_s": 300})
    began = time.monotonic()
    with pytest.raises(TerraformFailed, match="terraform init was stopped: all of it may take 1 s"):
        shim.terraform(1).provision(nothing)
    assert time.monotonic() - began < 150


def test_a_missing_program_or_folder_is_said_with_the_setting(shim: Shim) -> None:
    with pytest.raises(TerraformFailed, match=r"tofu is not on PATH: install it, or set provision\.program"):
        replace(shim.terraform(), program="tofu", variables={"PATH": str(shim.place)}).provision(nothing)
    with pytest.raises(TerraformFailed, match=r"provision\.folder .*elsewhere is no folder"):
        replace(shim.terraform(), folder=shim.module / "elsewhere").provision(nothing)
