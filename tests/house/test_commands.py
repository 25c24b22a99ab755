"""Every command that product and documentation name exists: this tool's grammar or the AWS CLI's models take it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import click
import pytest

from dr_checks.core.registry import checks, judge
from dr_estate.model.invocation import Program
from tests.dr_checks.test_examples import EXAMPLES
from tests.house.commands import (
    GROUPS,
    LOOSE,
    OPTION,
    SAMPLE,
    WHOLE,
    aws_faults,
    commands_of,
    fault_of,
    literals,
    names,
)
from tests.house.sources import ROOT
from tests.house.test_rooms import product
from utils.aws_mgmt.cli.pages import contexts
from utils.aws_mgmt.cli.parser import COMMAND_LINE

BY_OTHERS = {
    "benchmarks",
    "ci_workflows.py",
    "readiness_workflows.py",
}  # labels of measurements; its commands are held by tests/deploy
PAGES = [ROOT / "README.md", ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RULES = re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
TARGETS = {target for rule in RULES for target in rule.split()}


def loose_in(text: str) -> list[str]:
    """Commands of this tool that stand outside of backticks, where nobody sees where they end."""
    return [] if WHOLE.fullmatch(text) else LOOSE.findall(re.sub(r"`[^`]*`", "", text))


def words_in_backticks(text: str) -> Iterator[str]:
    """What stands in backticks and begins with the name of one of this tool's commands."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        if quoted.split(" ")[0] in names() and quoted not in GROUPS and "(" not in quoted:
            yield quoted


@cache
def own_options() -> frozenset[str]:
    """Every long option of this tool."""
    params = (param for ctx in contexts(COMMAND_LINE, Program.CHECKOUT) for param in ctx.command.get_params(ctx))
    options = (name for param in params for name in param.opts if isinstance(param, click.Option))
    return frozenset(name.removeprefix("--") for name in options if name.startswith("--"))


@cache
def texts() -> list[tuple[str, str]]:
    """Place and text of each string in the product's code."""
    return [
        (f"{source.name}:{line}", text)
        for source in product()
        if not BY_OTHERS & {source.name.rpartition("/")[2], source.room}
        for line, text in literals(source)
    ]


@cache
def remedies() -> list[tuple[str, str]]:
    """Each remedy that a check gives in one of its examples."""
    found = set()
    for example in EXAMPLES:
        for finding in judge(checks()[example.check], example.snapshot, example.env).findings:
            found |= {(example.check, text) for text in (finding.remedy, *finding.commands)}
    return sorted(found)


def typed_in(page: str) -> Iterator[str]:
    """The commands that a page of the documentation types, without the program: in its blocks, and in backticks."""
    prefix = re.compile(r"(?:dr|(?:python utils/aws_mgmt/)?dr_cli\.py) (?!-e \w+$)(.+)")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [
        line for language, block in blocks if language in {"", "sh"} for line in block.replace("\\\n", " ").splitlines()
    ]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL))
    for line in [*lines, *inline]:
        for part in re.split(r"; | \|\| | && ", line.split(" #")[0]):
            found = prefix.fullmatch(re.split(r" [>|] ", part.strip())[0].strip())
            if found and not {"COMMAND", '"$@"'} & set(found[1].split()):
                yield found[1]


def test_every_command_in_the_source_parses_by_the_grammar_of_the_tool() -> None:
    found = [(at, command) for at, text in texts() for command in commands_of(text)]
    assert len(found) > 40, "the commands are found"
    assert [] == [f"{at}: {command}: {fault}" for at, command in found if (fault := fault_of(command))]


def test_every_command_of_this_tool_in_the_source_shows_where_it_ends() -> None:
    assert [] == [f"{at}: {found}" for at, text in texts() for found in loose_in(text)]


def test_no_command_in_the_source_names_an_environment_of_its_own() -> None:
    found = [(at, command) for at, text in texts() for command in commands_of(text)]
    assert [] == [f"{at}: {command}" for at, command in found if {"-e", "--config"} & set(shlex.split(command))]


def test_every_command_that_is_called_by_its_name_is_taken_by_the_grammar() -> None:
    found = [(at, words) for at, text in texts() for words in words_in_backticks(text)]
    assert [] == [f"{at}: {words}: {fault}" for at, words in found if (fault := fault_of(words))]


def test_every_option_that_a_sentence_names_is_one_of_this_tool() -> None:
    unknown = []
    for at, text in texts():
        if " " not in text or re.match(rf"({SAMPLE})? ?--", text):
            continue  # a word alone is no sentence, and what begins with an option goes on with a command
        sentence = re.sub(r"\baws [a-z][^\n]*", "", text)
        unknown += [f"{at}: --{option}" for option in OPTION.findall(sentence) if option not in own_options()]
    assert [] == unknown


def test_every_make_target_that_a_sentence_names_is_there() -> None:
    named = [(at, target) for at, text in texts() for target in re.findall(r"`make ([a-z-]+)`", text)]
    assert named
    assert [] == [f"{at}: make {target}" for at, target in named if target not in TARGETS]


def test_every_aws_command_in_the_source_is_one_that_the_aws_cli_has() -> None:
    assert [] == [f"{at}: {fault}" for at, text in texts() for fault in aws_faults(text)]


def test_every_command_of_a_remedy_exists() -> None:
    assert len(remedies()) > 300, "the examples give remedies"
    faults = [f"{check}: {fault}" for check, text in remedies() for fault in aws_faults(text)]
    faults += [f"{check}: {fault}" for check, text in remedies() for c in commands_of(text) if (fault := fault_of(c))]
    assert [] == faults + [f"{check}: {found}" for check, text in remedies() for found in loose_in(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_the_documentation_is_taken_by_the_grammar(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    typed = [*typed_in(text), *(words for words in words_in_backticks(text) if "|" not in words)]
    assert [] == [f"{command}: {fault}" for command in typed if (fault := fault_of(command))]
    assert [] == aws_faults(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_block_to_be_pasted_overrides_a_gate_until_a_day_that_is_over(page: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [] == re.findall(r'--override \S+ "[^"]*" \d+-\S+', "".join(blocks))


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
    commands = [text for of, text in remedies() if of == check and text.startswith("aws kms")]
    assert commands
    ways = ("enable-key", "cancel-key-deletion", "create-alias", "update-alias")
    assert all(text.split()[2] in ways for text in commands)


def test_different_stores_are_restored_to_one_time_where_a_call_can() -> None:
    (text,) = {text for check, text in remedies() if check == "rpo.skew" and "RestoreTime" in text}
    assert "RestoreDBInstanceToPointInTime" in text
    model = botocore.session.get_session().get_service_model("rds")
    assert "RestoreTime" in model.operation_model("RestoreDBInstanceToPointInTime").input_shape.members
