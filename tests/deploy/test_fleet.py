"""The generated state machine of deploy/fleet keeps to AWS's limits for thousands of environments."""

from __future__ import annotations

import json
import re
import uuid
from functools import cache
from typing import Any

import pytest

from dr_estate.config.environment import load_environment
from utils.aws_mgmt.app.options import ROOT, ReportOptions
from utils.aws_mgmt.cli.parser import parse
from utils.aws_mgmt.generate import fleet_machine

SIT = load_environment(ROOT / "environments", "sit")
LONGEST_OVERRIDES = 8_192  # characters (ECS API Reference, TaskOverride)
LONGEST_INLINE = 10_240  # characters of a role's inline policies, blanks not counted (IAM quotas)
LONGEST_INPUT = 256 * 1024  # bytes of an execution's input (Step Functions quotas), and of a schedule's target
LONGEST_BUCKET = "b" * 63


@cache
def generated(size: int) -> dict[str, Any]:
    """The generated JSON files by their names, for a fleet of so many environments, each of an account of its own."""
    fleet = [SIT.model_copy(update={"name": f"e{n:04}", "account": f"{10**11 + n}"}) for n in range(size)]
    texts = fleet_machine.files(fleet)
    return {path.removeprefix("fleet/"): json.loads(text) for path, text in texts.items() if path.endswith(".json")}


def rendered(state: str, size: int) -> list[dict[str, Any]]:
    """The overrides that an execution for the whole fleet gives to the task of a state."""
    given = generated(size)["input.json"]
    overrides = generated(size)["states.json"]["States"][state]["Parameters"]["Overrides"]["ContainerOverrides"]
    text = json.dumps(overrides).replace("${bucket}", LONGEST_BUCKET).replace("$$.Execution.Name", str(uuid.uuid4()))
    filled: list[dict[str, Any]] = json.loads(re.sub(r"(?<!\$)\$\.(\w+)", lambda path: str(given[path[1]]), text))
    return filled


@pytest.mark.parametrize("size", [2, 2_000])
def test_overrides_of_the_merge_are_as_long_for_2000_environments_as_for_2(size: int) -> None:
    overrides = rendered("Merge", size)
    assert ["fetch", "merge", "keep"] == [override["Name"] for override in overrides]
    assert len(json.dumps(overrides)) < 1_000 < LONGEST_OVERRIDES


def test_the_expected_list_is_stored_before_the_look_where_the_merge_reads() -> None:
    machine = generated(2)["states.json"]
    first = machine["States"][machine["StartAt"]]
    assert ("Look at each", None) == (first["Next"], first["ResultPath"])
    assert {"environments.$": "$.environments"} == first["Parameters"]["Body"]
    (key,) = re.findall(r"States.Format\('runs/\{\}/(.+)', \$\$.Execution.Name\)", first["Parameters"]["Key.$"])
    (command,) = [row["Command.$"] for row in rendered("Merge", 2) if row["Name"] == "merge"]
    options = parse(re.findall(r"'([^']*)'", command))
    assert isinstance(options, ReportOptions)
    assert (True, "", f"/runs/{{}}/{key}") == (options.merge, options.environment, str(options.expected))


def test_step_functions_takes_the_input_of_two_thousand_environments() -> None:
    compact = json.dumps(generated(2_000)["input.json"], separators=(",", ":"))
    assert len(compact) < LONGEST_INPUT / 2


@pytest.mark.parametrize("size", [2, 150, 2_000])
def test_the_policy_of_the_look_is_one_that_a_role_takes(size: int) -> None:
    policy = generated(size)["policy-look.json"]
    text = json.dumps(policy, separators=(",", ":")).replace("${bucket}", LONGEST_BUCKET)
    assert len(text) <= LONGEST_INLINE


def test_the_look_names_its_readers_while_a_policy_holds_them() -> None:
    few, many = ([row["Resource"] for row in generated(size)["policy-look.json"]["Statement"]] for size in (150, 2_000))
    assert [150, 1] == [len(few[0]), len(many[0])]
    assert "arn:aws:iam::100000000007:role/e0007-dr-reader" in few[0]
    assert ["arn:aws:iam::*:role/*-dr-reader"] == many[0]
