"""A remedy's commands stand in every format, each as it is pasted: unbroken, and with nothing put into it."""

from __future__ import annotations

import csv
import html
import io
import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from dr_checks.core.model import Area, CheckResult, Finding, Remedy, Severity, Status, merged_remedies
from dr_checks.core.verdict import verdict_of
from dr_estate.config.environment import Side
from dr_estate.model.invocation import Invocation, aws_command
from reports.page.render import render as render_page
from reports.publish import print_report
from tests.reports.test_reports import REPORT
from utils.aws_mgmt.app.after_look import after_look

COMMANDS = tuple(
    aws_command("secretsmanager", "RestoreSecret", "af-south-1", SecretId=f"it's | <b>{name}</b> & {'long ' * 30}")
    for name in ("first", "second")
)
FINDING = Finding(
    *("a.b", Side.DR, "x", None, Status.FAIL, "absent", "present", "it is gone", "Restore it."), commands=COMMANDS
)
RESULT = CheckResult("a.b", Severity.BLOCKER, Area.REPLICATION, Status.FAIL, (FINDING,), "a scenario", "a feature")
WITH_COMMANDS = replace(REPORT, verdict=verdict_of((RESULT,), (), 3600.0), invocation=Invocation(("-e", "sit")))


def _printed(form: str, *, every: bool = False) -> str:
    out = io.StringIO()
    print_report(replace(WITH_COMMANDS, every_finding=every), form, out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_command_is_a_line_of_its_own(form: str) -> None:
    lines = [line.strip() for line in _printed(form, every=True).splitlines()]
    assert [line for line in lines if line in COMMANDS] == list(COMMANDS)


def test_status_shows_the_first_command_of_a_remedy_and_counts_the_rest() -> None:
    lines = [line.strip() for line in _printed("terminal").splitlines()]
    at = lines.index(COMMANDS[0])
    assert (lines[at - 1], lines[at + 1]) == ("Restore it.", "... and 1 more command: --all")


def test_machines_get_the_commands_apart_from_the_sentence() -> None:
    found = json.loads(_printed("json"))["results"][0]["findings"][0]
    (row,) = csv.DictReader(io.StringIO(_printed("csv")))
    assert (found["remedy"], found["commands"]) == ("Restore it.", list(COMMANDS))
    assert (row["remedy"], row["commands"].split("\n")) == ("Restore it.", list(COMMANDS))


def test_what_ci_systems_show_ends_with_the_commands() -> None:
    ending = f"Remedy: Restore it. `{COMMANDS[0]}` `{COMMANDS[1]}`"
    assert json.loads(_printed("sarif"))["runs"][0]["results"][0]["message"]["text"].endswith(ending)
    assert (ET.fromstring(_printed("junit")).findtext(".//failure") or "").endswith(ending)  # noqa: S314 - our own
    assert ending in _printed("github")


def test_each_command_of_the_page_is_copied_by_a_button_of_its_own() -> None:
    page = render_page(WITH_COMMANDS, {})
    assert [f'data-copy="{command}"' in html.unescape(page) for command in COMMANDS] == [True, True]
    assert "<b>first" not in page
    assert page.count('data-copy="aws secretsmanager') == len(COMMANDS)


def test_the_next_step_is_the_sentence_with_its_first_command() -> None:
    assert after_look(WITH_COMMANDS) == f"Restore it. `{COMMANDS[0]}`"


def test_a_remedy_of_many_findings_is_given_once_with_the_commands_of_all() -> None:
    ending = merged_remedies([Remedy("Do.", ("aws a",)), Remedy(""), Remedy("Do.", ("aws b", "aws a")), Remedy("See.")])
    assert ending == (Remedy("Do.", ("aws a", "aws b")), Remedy("See."))


@pytest.mark.parametrize(
    ("line", "rehearsal", "typed"),
    [
        ("aws kms enable-key", False, "aws kms enable-key"),
        ("aws kms enable-key", True, 'aws kms enable-key --endpoint-url "$AWS_ENDPOINT_URL"'),
        ("crane copy a b", False, "crane copy a b"),
        ("crane copy a b", True, "# not in a sandbox: crane copy a b"),
        ("# not in a sandbox: crane copy a b", True, "# not in a sandbox: crane copy a b"),
        ("dr_cli.py drill clean", True, "python utils/aws_mgmt/dr_cli.py -e sit drill clean"),
    ],
)
def test_a_command_of_a_rehearsal_reaches_no_live_account(line: str, rehearsal: bool, typed: str) -> None:
    assert WITH_COMMANDS.invocation.typed_line(line, rehearsal) == typed
