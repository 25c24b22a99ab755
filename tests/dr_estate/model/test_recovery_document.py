"""The document that starts a recovery, within what Systems Manager and ECS take, whatever a run is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import load_environment
from dr_estate.model.recovery_document import (
    TAKEN,
    WaitingStart,
    as_values,
    goes_by_itself,
    recovery_document,
    takes_words,
    words_of,
)
from tests.dr_checks.worlds import NOW
from utils.aws_mgmt.app.automation import RecoveryStart
from utils.aws_mgmt.app.next_steps import task_arguments
from utils.aws_mgmt.app.options import DrTestOptions, RecoveryOptions
from utils.aws_mgmt.cli.parser import parse

PROD = load_environment(Path(__file__).parents[3] / "environments", "prod")
SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
LONGEST, MOST = 512, 50  # botocore's model of ssm: AutomationParameterValue, AutomationParameterValueList
OVERRIDES = [
    word
    for number in range(1, 13)
    for word in ("--override", f"targets.tenant-{number}", "Jane Doe", "2099-01-07T18:00Z", 'its "image" é is lost')
]


def step_of(action: str) -> list[dict[str, Any]]:
    return [row for row in recovery_document(PROD)["mainSteps"] if row["action"] == action]


def test_where_one_person_may_recover_it_starts_full_drills_alone() -> None:
    document = recovery_document(SIT)
    assert ["drill", "look"] == document["parameters"]["Goal"]["allowedValues"]
    assert not any(row["action"] in ("aws:approve", "aws:branch") for row in document["mainSteps"])
    (begin,) = [row for row in document["mainSteps"] if row["name"] == "start"]
    words = begin["inputs"]["InputPayload"]["command"]
    options = parse([word.replace("{{Incident}}", "DRILL-20260107-180000") for word in words])
    assert isinstance(options, DrTestOptions)
    assert (options.full_drill, options.by_aws) == (True, False)
    assert options.automation


def start(arguments: list[str], summary: str = "Lost: nothing.") -> RecoveryStart:
    return RecoveryStart("failover", "INC-1", "0" * 64, arguments, summary)


def test_many_overrides_and_long_reasons_fit_the_limits_of_systems_manager() -> None:
    given = start(OVERRIDES, "Overridden: " + "a gate by Jane Doe (its image is lost); " * 40).parameters
    assert len(OVERRIDES) > MOST
    assert [] == [name for name, values in given.items() if len(values) > MOST]
    assert [] == [value for values in given.values() for value in values if not 1 <= len(value) <= LONGEST]
    assert given["Summary"][0].endswith("(cut: look at the plan)")
    assert words_of(given["Arguments"]) == tuple(OVERRIDES)


@pytest.mark.parametrize(
    ("goal", "words", "approval"),
    [
        ("failover", (), "approve"),
        ("failover", ("--planned", "--confirm", "files/restore_dr:prod-efs"), "approve --planned"),
        (
            "failback",
            ("--override", "a", "b", "2099-01-07", "--abort", "--staged"),
            "approve --failback --staged",
        ),
        ("fence", ("--release", "--side", "primary"), "approve --fence --release --side primary"),
        ("failover", ("--tenant", "tenant-1", "--tenant", "tenant-2"), "approve --tenant tenant-1 --tenant tenant-2"),
    ],
)
def test_a_run_that_waits_names_the_approval_of_its_own_plan(goal: str, words: tuple[str, ...], approval: str) -> None:
    start = WaitingStart("e-1", goal, "INC-7", 64 * "a", words, "arn:user/anna", NOW)
    assert start.approval.line == f"dr_cli.py {approval} --incident INC-7 --digest {12 * 'a'}"


def test_a_short_run_is_handed_on_as_it_is() -> None:
    given = start([]).parameters
    assert (given["Summary"], given["Arguments"], words_of([])) == (["Lost: nothing."], [], ())


def test_more_words_than_a_task_takes_are_refused_before_anybody_is_asked() -> None:
    with pytest.raises(ValueError, match="7,500 fit"):
        as_values(OVERRIDES * 20)


@pytest.mark.parametrize("values", [["--incident", "INC-9"], ['{"a":', "1}"], ["[1,", "2]"]])
def test_values_of_another_kind_are_shown_as_they_are(values: list[str]) -> None:
    assert words_of(values) == tuple(values)


def test_a_message_to_approvers_stops_nobody_and_aws_takes_its_topic() -> None:
    """aws:approve takes topics alone whose names begin with Automation; the estate's do not."""
    (approval,), (message, _) = step_of("aws:approve"), step_of("aws:executeAwsApi")
    assert "NotificationArn" not in approval["inputs"]
    assert message["inputs"]["TopicArn"].endswith(":bbws-ops-critical")
    assert (message["onFailure"], message["isCritical"]) == ("Continue", False)
    names = [row["name"] for row in recovery_document(PROD)["mainSteps"]]
    assert names.index(message["name"]) < names.index(approval["name"])


@pytest.mark.parametrize(
    ("row", "alone"),
    [
        ({"Mode": "Auto"}, True),
        ({"Mode": "Auto", "Targets": [], "TargetParameterName": "", "AutomationType": "Local"}, True),
        ({"Mode": "Interactive"}, False),
        ({"Mode": "Auto", "Targets": [{"Key": "ParameterValues", "Values": ["INC-1"]}]}, False),
        ({"Mode": "Auto", "TargetParameterName": "Incident"}, False),
        ({"Mode": "Auto", "TargetMaps": [{"Incident": ["INC-1"]}]}, False),
        ({"Mode": "Auto", "ParentAutomationExecutionId": "5a5b"}, False),
        ({"Mode": "Auto", "AutomationType": "CrossAccount"}, False),
        ({"Mode": "Auto", "TargetLocationsURL": "https://example.com/t.json"}, False),
    ],
)
def test_tool_and_document_count_the_same_executions(row: dict[str, Any], alone: bool) -> None:
    of_the_document: dict[str, Any] = {}
    exec(step_of("aws:executeScript")[0]["inputs"]["Script"], of_the_document)  # noqa: S102 - it is ours, and only defines
    assert (alone, alone) == (goes_by_itself(row), of_the_document["by_itself"](row))


@pytest.mark.parametrize(
    "odd", ["--incident", "--config=/tmp/x", "--sandbox", "-esit", "--exceptions", "--watch", "--"]
)
def test_the_document_refuses_words_no_task_is_given_before_the_approval(odd: str) -> None:
    of_the_document: dict[str, Any] = {}
    exec(step_of("aws:executeScript")[0]["inputs"]["Script"], of_the_document)  # noqa: S102 - it is ours, and only defines
    begun = {"arguments": as_values([*OVERRIDES[:5], odd, "x"]), "document": "d", "execution": "e"}
    with pytest.raises(Exception, match=f"No task is given {odd.partition('=')[0]}"):
        of_the_document["alone"](begun, None)


def test_the_document_gives_a_dry_start_one_command_and_refuses_its_words() -> None:
    of_the_document: dict[str, Any] = {}
    exec(step_of("aws:executeScript")[0]["inputs"]["Script"], of_the_document)  # noqa: S102 - it is ours, and only defines
    (begin,) = [row for row in recovery_document(PROD)["mainSteps"] if row["name"] == "start"]
    assert begin["inputs"]["InputPayload"]["look"] == ["-e", "prod", "status"]
    begun = {"goal": "look", "arguments": as_values(["--replan"]), "document": "d", "execution": "e"}
    with pytest.raises(Exception, match="A dry start is given no words"):
        of_the_document["alone"](begun, None)


def test_the_document_takes_every_word_that_this_tool_gives_a_task() -> None:
    words = (
        "-e prod failover --planned --execute --replan --incident INC-1 --tenant tenant-1 --since 2026-01-07T18:00Z "
        "--confirm files/restore_dr:prod-efs --override fence.primary Jane 2099-01-07T18:00Z silent --deadline 90",
        "-e prod failback --staged --execute --incident INC-1",
        "-e prod failback --abort --execute --incident INC-1",
        "-e prod fence --release --side primary --execute --incident INC-1",
    )
    given = [task_arguments(_recovery(line)) for line in words]
    assert {word for row in given for word in row if word.startswith("-")} == set(TAKEN)


def _recovery(line: str) -> RecoveryOptions:
    options = parse(line.split())
    assert isinstance(options, RecoveryOptions)
    return options


def test_a_document_of_another_version_is_known_by_its_arguments() -> None:
    content = json.dumps(recovery_document(PROD))
    earlier = content.replace(
        '*json.loads(\\"\\".join(events[\\"arguments\\"]) or \\"[]\\")', '*events[\\"arguments\\"]'
    )
    assert earlier != content
    assert (True, False) == (takes_words(content), takes_words(earlier))
    for odd in ("", "[]", "{}", '{"mainSteps": [1]}', "\x00"):
        assert takes_words(odd), "AWS itself says what is wrong with it"
