"""Commands as text for a shell: of this tool, completed with the options that the user typed, and of the AWS CLI.

A bare command is ``dr_cli.py`` and its own words. It stands in plans, journals and remedies, which are the same for
every reader. ``Invocation.complete`` adds the interpreter, the path and the options of the reader's own command line.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

PROGRAM = "dr_cli.py"
SANDBOX = "--sandbox"
# crane knows the live registries alone: in a sandbox its command would copy an image in the account.
_OF_OTHERS = re.compile("`((?:aws [a-z0-9-]+ [a-z]|crane copy )[^`]*)`")
_OF_TERRAFORM = re.compile("(?<=`)([^ `]*(?:terraform|tofu) (?:force-unlock|state push) )")
_REACHED = 'AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:?}" '  # the shell refuses the command where the variable is not set
_AWS_CLI, _NOWHERE = "aws ", "# not in a sandbox: "
_ENDPOINT, _ELSEWHERE = "--endpoint-url", '"$AWS_ENDPOINT_URL"'
_BARE = re.compile(rf"(?<![\w/.-])dr_cli\.py(?= )(?P<sandbox> {SANDBOX}(?= ))?")


class Program(StrEnum):
    """How this process was called: the words that stand before its options."""

    CHECKOUT = "python utils/aws_mgmt/dr_cli.py"
    SCRIPT = "dr"
    MODULE = "python -m aws_dr_manager"

    @property
    def short(self) -> str:
        """The name that help pages give."""
        return PROGRAM if self is Program.CHECKOUT else self


@dataclass(frozen=True)
class Command:
    """One command of this tool: the words after its name, without the options that say which world is meant."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"`{self.line}`"

    @property
    def line(self) -> str:
        """The bare command as a line for a shell."""
        return f"{PROGRAM} {shlex.join(self.words)}"


@dataclass(frozen=True)
class Invocation:
    """The options that choose environment, world and folders, as typed. Without any, commands stay bare.

    Names are the same in the live account: a command of the AWS CLI, or of Terraform, that a sandbox's page prints
    reaches the endpoint in the shell's variable, and nothing without it.
    """

    options: tuple[str, ...] = ()
    program: Program = Program.CHECKOUT

    def complete(self, text: str) -> str:
        """Return ``text`` with each command in it, of this tool or in backticks of another, as it is to be typed.

        Complete commands stay as they are.
        """
        if not self.options:
            return text
        typed = f"{self.program} {shlex.join(self.options)}"
        twice = SANDBOX in self.options
        text = _BARE.sub(lambda bare: typed if twice else typed + (bare["sandbox"] or ""), text)
        if not twice:
            return text
        text = _OF_TERRAFORM.sub(rf"{_REACHED}\1", text)
        return _OF_OTHERS.sub(lambda line: f"`{self.typed_line(line[1], rehearsal=True)}`", text)

    def name(self, text: str) -> str:
        """Return ``text`` with each bare command as it is to be typed where no option was: the program alone."""
        return _BARE.sub(lambda bare: f"{self.program}{bare['sandbox'] or ''}", text)

    def typed_line(self, line: str, rehearsal: bool) -> str:
        """Return a command line as it is to be typed; in a rehearsal another program's is a comment for the shell."""
        if line.startswith(f"{PROGRAM} "):
            return self.complete(line)
        if not rehearsal or _ENDPOINT in line or line.startswith(_NOWHERE):
            return line
        return f"{line} {_ENDPOINT} {_ELSEWHERE}" if line.startswith(_AWS_CLI) else f"{_NOWHERE}{line}"


# Commands of the AWS CLI as one line for a shell, built from the parameters of the API. Pure.

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,*?!#$&()<>~; \[\]{}\"'|^\\-]*")
_READ_BY_CLI = re.compile(r"-|\[|\{|(?:file|fileb|https?)://")
_SERVICES = {"s3": "s3api"}
# Source: ARGUMENT_RENAMES of awscli.customizations.argrename.
_RENAMED = {("sns", "Endpoint"): "notification-endpoint"}
_RENAMED_OFF = {("ec2", "Egress"): "--ingress"}
"""The options of booleans that are false, where they are not those of the API with a "no" before."""


def aws_command(service: str, operation: str, region: str, /, **params: Any) -> str:
    """Return the command line that makes ``operation`` of the API in ``region``, quoted for a shell.

    It is one line of printable ASCII without backticks. What the AWS CLI would take for a file, a URL, an option or
    JSON, and what is not plainly printable, goes as JSON (``--cli-input-json``), which takes every value as it is.
    """
    words = ["aws", _SERVICES.get(service, service), _in_cli(operation), "--region", region]
    if all(map(_is_plain, _leaves(params))):
        words += [word for name, value in params.items() for word in _option(service, name, value)]
    else:
        # ASCII escapes of what a shell, a page or a terminal could take for something else
        words += ["--cli-input-json", json.dumps(params).replace("`", "\\u0060").replace("\x7f", "\\u007f")]
    return shlex.join(words)


def _in_cli(name: str) -> str:
    """The name of an operation or a parameter as the AWS CLI writes it."""
    from botocore import xform_name  # a command's help, which prints no command of AWS, does without botocore

    return str(xform_name(name, "-"))


def _option(service: str, name: str, value: Any) -> list[str]:
    option = f"--{_RENAMED.get((service, name)) or _in_cli(name)}"
    match value:
        case bool():
            off = _RENAMED_OFF.get((service, name)) or option.replace("--", "--no-", 1)
            return [option if value else off]
        case list() | tuple() if value and all(isinstance(entry, str) for entry in value):
            return [option, *value]
        case dict() | list() | tuple():
            return [option, json.dumps(value, separators=(",", ":"))]
    return [option, str(value)]


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from (leaf for key, inner in value.items() for leaf in (*_leaves(key), *_leaves(inner)))
        case list() | tuple():
            yield from (leaf for inner in value for leaf in _leaves(inner))
        case int() | float():
            return  # a number is read as one, a negative one too
        case _:
            yield str(value)


def _is_plain(text: str) -> bool:
    return bool(text) and _PLAIN.fullmatch(text) is not None and _READ_BY_CLI.match(text) is None
