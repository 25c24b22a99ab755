"""Commands of this tool as text, completed with the options that the user typed.

A bare command is ``dr_cli.py`` and its own words. It stands in plans, journals and remedies, which are the same for
every reader. ``Invocation.complete`` adds the interpreter, the path and the options of the reader's own command line.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum

PROGRAM = "dr_cli.py"
SANDBOX = "--sandbox"
_OF_AWS_CLI = re.compile("`(aws [a-z0-9-]+ [a-z][^`]*)`")
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
        return _OF_AWS_CLI.sub(lambda line: f"`{self.typed_line(line[1], rehearsal=True)}`", text)

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
