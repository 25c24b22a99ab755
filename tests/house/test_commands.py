"""Every command that product and documentation name exists: this tool's grammar or the AWS CLI's models take it."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_actions.messages import run_failed
from dr_actions.plan import Goal
from dr_checks.registry import checks, judge
from dr_estate.environments import load_environment
from dr_estate.invocation import Invocation
from tests.dr_checks.test_examples import EXAMPLES
from tests.house.commands import (
    OPTION,
    SAMPLE,
    aws_faults,
    commands_of,
    fault_of,
    literals,
    loose_in,
    names,
    own_options,
    words_in_backticks,
)
from tests.house.test_rooms import FILES, ROOT
from utils.aws_mgmt.arguments import parse
from utils.aws_mgmt.next_steps import after_interrupt, after_run, approval, execution, invocation_of, same_run

BY_OTHERS = {"benchmarks", "workflows.py"}  # labels of measurements; its commands are held by tests/deploy
TEXTS = [
    (f"{path.relative_to(ROOT)}:{line}", text)
    for path in FILES
    if not BY_OTHERS & {path.name, path.relative_to(ROOT).parts[0]}
    for line, text in literals(ast.parse(path.read_text(encoding="utf-8")))
]
PAGES = [ROOT / "README.md", ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
ENV = load_environment(ROOT / "environments", "sit")


def remedies() -> set[tuple[str, str]]:
    """Each remedy that a check gives in one of its examples."""
    found = set()
    for example in EXAMPLES:
        for finding in judge(checks()[example.check], example.snapshot, example.env).findings:
            found.add((example.check, finding.remedy))
    return found


REMEDIES = sorted(remedies())


def typed_in(page: str) -> Iterator[str]:
    """The commands that a page of the documentation types, without the program: in its blocks, and in backticks."""
    prefix = re.compile(r"(?:dr|(?:python utils/aws_mgmt/)?dr_cli\.py) (?!-e \w+$)(.+)")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL))
    for line in [*lines, *inline]:
        for part in re.split(r"; | \|\| | && ", line.split(" #")[0]):
            found = prefix.fullmatch(re.split(r" [>|] ", part.strip())[0].strip())
            if found and not {"COMMAND", '"$@"'} & set(found[1].split()):
                yield found[1]


def test_every_command_of_this_tool_in_the_source_is_taken_by_its_own_grammar() -> None:
    found = [(at, command) for at, text in TEXTS for command in commands_of(text)]
    assert len(found) > 40, "the commands are found"
    assert [] == [f"{at}: {command}: {fault}" for at, command in found if (fault := fault_of(command))]


def test_every_command_of_this_tool_in_the_source_shows_where_it_ends() -> None:
    assert [] == [f"{at}: {found}" for at, text in TEXTS for found in loose_in(text)]


def test_no_command_in_the_source_names_an_environment_for_the_request_adds_its_own() -> None:
    found = [(at, command) for at, text in TEXTS for command in commands_of(text)]
    assert [] == [f"{at}: {command}" for at, command in found if {"-e", "--config"} & set(shlex.split(command))]


def test_every_command_that_is_called_by_its_name_is_taken_by_the_grammar() -> None:
    found = [(at, words) for at, text in TEXTS for words in words_in_backticks(text)]
    assert [] == [f"{at}: {words}: {fault}" for at, words in found if (fault := fault_of(words))]


def test_every_option_that_a_sentence_names_is_one_of_this_tool() -> None:
    unknown = []
    for at, text in TEXTS:
        if " " not in text or re.match(rf"({SAMPLE})? ?--", text):
            continue  # a word alone is no sentence, and what begins with an option goes on with a command
        sentence = re.sub(r"\baws [a-z][^\n]*", "", text)
        unknown += [f"{at}: --{option}" for option in OPTION.findall(sentence) if option not in own_options()]
    assert [] == unknown


def test_every_make_target_that_a_sentence_names_is_there() -> None:
    named = [(at, target) for at, text in TEXTS for target in re.findall(r"`make ([a-z-]+)`", text)]
    assert named
    assert [] == [f"{at}: make {target}" for at, target in named if target not in TARGETS]


def test_every_aws_command_in_the_source_is_one_that_the_aws_cli_has() -> None:
    assert [] == [f"{at}: {fault}" for at, text in TEXTS for fault in aws_faults(text)]


def test_every_command_of_a_remedy_exists() -> None:
    assert len(REMEDIES) > 300, "the examples give remedies"
    faults = [f"{check}: {fault}" for check, text in REMEDIES for fault in aws_faults(text)]
    faults += [f"{check}: {fault}" for check, text in REMEDIES for c in commands_of(text) if (fault := fault_of(c))]
    assert [] == faults + [f"{check}: {found}" for check, text in REMEDIES for found in loose_in(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_the_documentation_is_taken_by_the_grammar(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    typed = [*typed_in(text), *(words for words in words_in_backticks(text) if "|" not in words)]
    assert [] == [f"{command}: {fault}" for command in typed if (fault := fault_of(command))]
    assert [] == aws_faults(text)


def test_the_documentation_types_commands() -> None:
    assert sum(len(list(typed_in(page.read_text(encoding="utf-8")))) for page in PAGES) > 60
    assert {"failover", "sandbox"} <= names()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("aws kms cancel-key-deletion / enable-key --region R --key-id K", "enable-key, which alone is no command"),
        ("aws kms enabel-key --key-id K", "kms has no operation enabel-key"),
        ("aws kms enable-key --key K", "has no option ['key']"),
        ("aws kms enable-key --region R", "cannot be run without ['key-id']"),
        ("aws kmss enable-key --key-id K", "the AWS CLI has no aws kmss"),
    ],
)
def test_what_is_no_aws_command_is_found(text: str, fault: str) -> None:
    assert [fault in found for found in aws_faults(text)] == [True]


@pytest.mark.parametrize("check", ["backup.key-usable", "rds-copy.key-usable"])
def test_a_key_that_cannot_be_used_is_enabled_by_a_command_that_exists(check: str) -> None:
    texts = [text for of, text in REMEDIES if of == check and "kms" in text]
    assert texts
    assert not any(" / " in text for text in texts)
    assert all(
        text.startswith(("aws kms enable-key --", "aws kms cancel-key-deletion --", "Copy again")) for text in texts
    )


def test_stores_that_differ_are_restored_to_one_time_by_the_call_that_has_such_an_option() -> None:
    (text,) = {text for check, text in REMEDIES if check == "rpo.skew" and "--restore-time" in text}
    assert "aws rds restore-db-instance-to-point-in-time" in text
    assert [] == aws_faults(text)


def request_of(words: str) -> list[str]:
    return ["-e", "sit", "--sandbox", "--config", "my rules", "--output", "out", *words.split()]


@pytest.mark.parametrize(
    ("typed", "next_one"),
    [
        ("approve --incident INC-1 --failback --staged", "failback --staged --execute --incident INC-1"),
        ("approve --incident INC-1 --planned", "failover --planned --execute --incident INC-1"),
        ("approve --incident INC-1 --tenant tenant2", "failover --execute --incident INC-1 --tenant tenant2"),
    ],
)
def test_an_approval_names_the_run_that_it_is_good_for(typed: str, next_one: str) -> None:
    assert str(execution(parse(request_of(typed)), "INC-1")) == f"`dr_cli.py {next_one}`"


@pytest.mark.parametrize(
    ("typed", "next_one"),
    [
        ("failback --staged --execute", "approve --failback --staged --incident INC-1"),
        ("failover --execute", "approve --incident INC-1"),
        ("failover --planned --execute --tenant tenant2", "approve --planned --incident INC-1 --tenant tenant2"),
    ],
)
def test_a_refused_run_names_the_approval_of_its_own_plan(typed: str, next_one: str) -> None:
    assert str(approval(parse(request_of(typed)), "INC-1")) == f"`dr_cli.py {next_one}`"


def test_a_run_that_ended_early_goes_on_by_its_own_command_and_a_drill_by_its_clean_up() -> None:
    typed = parse(request_of("failback --staged --execute --replan --confirm a.b"))
    assert str(after_run(typed, "INC-1")) == (
        "`dr_cli.py failback --staged --execute --incident INC-1 --confirm a.b` goes on from here."
    )
    assert str(same_run(typed, "INC-1", "--replan")).startswith("`dr_cli.py failback --staged --execute --replan ")
    assert str(after_run(typed, "DRILL-20260107-101500")) == "`dr_cli.py drill clean` brings the drill to its end."


@pytest.mark.parametrize("goal", [Goal.FAILBACK, Goal.SWITCHOVER])
def test_the_alarm_of_a_failed_run_names_its_goal_and_its_own_command(goal: Goal) -> None:
    typed = parse(request_of("failback --staged --execute"))
    needed = invocation_of(typed).complete(str(after_run(typed, "INC-1")))
    message = run_failed(ENV, "INC-1", goal, "a.b", "no capacity", needed)
    assert message.happened == f"{goal} stopped at a.b: no capacity"
    assert [] == [c for c in commands_of(message.needed) if "failback --staged --execute --incident INC-1" not in c]
    assert commands_of(message.needed)


def test_a_command_carries_the_world_of_the_request_and_is_completed_once() -> None:
    invocation = invocation_of(parse(request_of("status")))
    bare = "Run `dr_cli.py drill clean`, or `dr_cli.py log`."
    whole = invocation.complete(bare)
    options = "-e sit --config 'my rules' --sandbox --output out"
    program = f"python utils/aws_mgmt/dr_cli.py {options}"
    assert whole == f"Run `{program} drill clean`, or `{program} log`."
    assert invocation.complete(whole) == whole
    assert Invocation().complete(bare) == bare


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("status", "Nothing was changed: this command only looks."),
        ("failover", "Nothing was changed: this command only looks."),
        ("failover --execute --incident INC-1", "`dr_cli.py log --incident INC-1`"),
        ("failback --staged --execute", "`dr_cli.py log`"),
        ("test --full-drill", "`dr_cli.py drill show`"),
        ("test --infra --restore", "`dr_cli.py drill show`"),
        ("drill clean", "`dr_cli.py drill show`"),
        ("drill show", "Nothing was changed: this command only looks."),
        ("approve --incident INC-1", "may have been recorded"),
        ("sandbox up", "`dr_cli.py sandbox show`"),
    ],
)
def test_an_interrupted_command_says_that_it_only_looked_only_where_it_did(typed: str, said: str) -> None:
    told = after_interrupt(parse(request_of(typed)))
    assert said in told
    assert [] == [fault for command in commands_of(told) if (fault := fault_of(command))]
