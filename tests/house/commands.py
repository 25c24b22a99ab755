"""Finds commands in text, and checks each by what would run it: this tool's grammar, or the AWS CLI's models."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel

from tests.house.sources import Source
from utils.aws_mgmt.cli.parser import COMMAND_LINE, parse

SAMPLE = "9"
_END_OF_DAY = "$(date -u +%FT23:59Z)"  # the shell's
GROUPS = frozenset({"drill", "sandbox"})  # commands that are named as a whole; alone they ask for an action
OURS = re.compile(r"`(?:python utils/aws_mgmt/)?dr_cli\.py ([^`]*)`")
LINE = re.compile(r"^ +(?:Next: )?python utils/aws_mgmt/dr_cli\.py ([^`\n]*)$", re.MULTILINE)  # what comes next
WHOLE = re.compile(r"(?:python utils/aws_mgmt/)?dr_cli\.py [^`\n]*")
LOOSE = re.compile(r"(?<![\w/.-])(?:python (?:utils/aws_mgmt/)?)?dr_cli\.py (?!\[)[^`\n]*")
AWS = re.compile(r"\baws ([a-z][a-z0-9-]+) ([a-z][a-z0-9-]+)(.*?)(?=\baws [a-z0-9-]+ [a-z]|`|$|\n\n)", re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")
GLOBAL = frozenset({"region", "profile", "output", "query", "endpoint-url", "cli-input-json", "no-cli-pager", "debug"})
# what the AWS CLI adds to the services' own operations, from its reference
CUSTOM = {
    ("s3", "cp"): frozenset(
        {"copy-props", "recursive", "sse", "sse-kms-key-id", "quiet", "only-show-errors", "version-id"}
    ),
    ("s3", "ls"): frozenset({"recursive"}),
    ("sso", "login"): frozenset(),
    ("configure", "list"): frozenset(),
    ("configure", "list-profiles"): frozenset(),
    ("cloudformation", "deploy"): frozenset(
        {"stack-name", "template-file", "parameter-overrides", "capabilities", "role-arn", "no-execute-changeset"}
    ),
}
# ... and renames, source: ARGUMENT_RENAMES of awscli.customizations.argrename
OPTIONS = {("sns", "subscribe"): {"endpoint": "notification-endpoint"}}
OFF = {("ec2", "ingress"): "egress"}
"""Options of a boolean that is false, where they are not called ``--no-...``: the boolean."""
RENAMED = {"s3api": "s3", "application-autoscaling": "application-autoscaling"}


def commands_of(text: str) -> list[str]:
    """The commands of this tool that ``text`` names with the program, without the program."""
    whole = text.split(" && ") if WHOLE.fullmatch(text) else []
    return [
        " ".join(words.split())
        for words in [*OURS.findall(text), *LINE.findall(text), *(command.partition(".py ")[2] for command in whole)]
    ]


@cache
def names() -> frozenset[str]:
    """The names of this tool's commands."""
    return frozenset(COMMAND_LINE.commands)


@cache
def fault_of(command: str) -> str:
    """Why the grammar refuses a command of this tool, "" where it takes it. Without -e it gets one."""
    stream = io.StringIO()
    try:
        words = shlex.split(command.replace(_END_OF_DAY, "2026-01-07T23:59Z"))
        with contextlib.redirect_stderr(stream), contextlib.redirect_stdout(stream):
            parse(words if "-e" in words else ["-e", "sit", *words])
    except SystemExit as end:
        return "" if end.code == 0 else stream.getvalue().strip().splitlines()[0]
    except ValueError as wrong:
        return str(wrong)
    return ""


def aws_faults(text: str) -> list[str]:
    """What the AWS CLI does not know of the commands that ``text`` names: service, operation or option."""
    return [fault for found in AWS.finditer(text) if (fault := _aws_fault(*found.groups()))]


_INPUT = re.compile(r"--cli-input-json '([^']*)'")


@cache
def _services() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())


@cache
def _operations(service: str) -> dict[str, OperationModel]:
    model = botocore.session.get_session().get_service_model(RENAMED.get(service, service))
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}


def _in_json(rest: str) -> set[str]:
    """The options whose values stand in the JSON of ``--cli-input-json``, as the tool prints it."""
    return {xform_name(name, "-") for found in _INPUT.findall(rest) for name in json.loads(found)}


def _aws_fault(service: str, operation: str, rest: str) -> str:
    name = f"aws {service} {operation}"
    options = {OFF.get((service, option), option) for option in OPTION.findall(rest)} | _in_json(rest)
    options -= GLOBAL
    if (service, operation) in CUSTOM:
        unknown = options - CUSTOM[service, operation]
        return f"{name} has no option {sorted(unknown)}" if unknown else ""
    if service == "s3" or RENAMED.get(service, service) not in _services():
        return f"the AWS CLI has no {name}"
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
        return "" if any(xform_name(w, "-") in rest for w in waiters) else f"no waiter: {name}{rest}"
    if operation not in _operations(service):
        return f"{service} has no operation {operation}"
    shape = _operations(service)[operation].input_shape
    members = shape.members if shape else {}
    renamed = OPTIONS.get((service, operation), {})
    known = {renamed.get(name, name) for name in (xform_name(member, "-") for member in members)}
    known |= {f"no-{xform_name(member, '-')}" for member, kind in members.items() if kind.type_name == "boolean"}
    if unknown := options - known:
        return f"{name} has no option {sorted(unknown)}"
    required = shape.required_members if shape else ()  # the CLI makes up an idempotency token
    named = (member for member in required if not members[member].metadata.get("idempotencyToken"))
    lacking = {xform_name(member, "-") for member in named} - options
    if lacking and OPTION.search(rest):
        return f"{name} cannot be run without {sorted(lacking)}"
    bare = [word for word in re.findall(r"(?<![\w-])[a-z]+(?:-[a-z]+)+", rest) if word in _operations(service)]
    return f"{name} is followed by {bare[0]}, which alone is no command" if bare else ""


def literals(source: Source) -> Iterator[tuple[int, str]]:
    """Line and text of each string in the code, docstrings left out; what is filled in is a sample."""
    inner = {id(part) for node in source.of(ast.JoinedStr) for part in node.values}
    documented = source.of(ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {id(node.body[0].value) for node in documented if node.body and isinstance(node.body[0], ast.Expr)}
    skipped = inner | docs
    for node in source.of(ast.Constant):
        if isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value
    for joined in source.of(ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else SAMPLE for part in joined.values)
        yield joined.lineno, "".join(parts)
