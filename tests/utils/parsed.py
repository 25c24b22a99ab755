"""Options as the command line gives them, with the type of their command."""

from __future__ import annotations

import shlex
from typing import TypeVar

from dr_estate.model.invocation import Program
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.cli.parser import parse

Kind = TypeVar("Kind", bound=Options)


def parsed(kind: type[Kind], words: str, program: Program = Program.CHECKOUT) -> Kind:
    """What ``words`` mean, which is of the ``kind``."""
    options = parse(shlex.split(words), program)
    assert isinstance(options, kind)
    return options
