"""Values as they stand in Markdown and in a spreadsheet, and which sentences must not be broken into lines. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from functools import lru_cache

from dr_estate.model.visible import commanding_nobody, one_line, visible

_CODE = re.compile("`([^`]+)`")
_MARKED = re.compile(r"\\(?=[!-/:-@\[-`{-~]|$)|[`|\[]")
# Also the full-width forms, which some spreadsheets read as the plain ones.
_FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_COMMAND_ALONE = re.compile(r"^`([^`]+)`[.,:;]?$")
_BARE_COMMAND = re.compile(r"\b(?:aws [a-z0-9-]+ [a-z]|dr_cli\b)")
_COMMAND = re.compile(rf"`|(?<!\S)--[a-z]|{_BARE_COMMAND.pattern}")
# Stands for a blank within a command while the words around it are wrapped: visible text holds no such character.
_KEPT_BLANK = "\0"


def markdown(text: str) -> str:
    """``text`` as it reads within a line or a table cell of Markdown: no HTML, link or cell begins in it.

    What stands between two backticks, such as a command, stays code.
    """
    parts = _CODE.split(one_line(text))
    return "".join(code(part) if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return _MARKED.sub(r"\\\g<0>", text).replace("<", "&lt;")


def code(text: str) -> str:
    """``text`` as code within a line or a table cell: its fence is longer than any row of backticks in it."""
    shown = one_line(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(row) for row in re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table_lines(heads: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """A table of Markdown: its heads, and a line a row, whose cells are ready for one."""
    return [_row(heads), "|---" * len(heads) + "|", *map(_row, rows)]


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


@lru_cache(4096)  # a column of thousands of rows holds the same few texts
def spreadsheet(text: str) -> str:
    """``text`` as a cell that no spreadsheet runs as a formula (OWASP: CSV injection), also one that trims blanks."""
    shown = commanding_nobody(visible(text))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA_STARTS) else shown


def holds_command(text: str) -> bool:
    """Whether there is something to copy in ``text``: it is never wrapped, for a newline breaks a command."""
    return _COMMAND.search(text) is not None


def lines_around_commands(text: str, width: int) -> list[str]:
    """``text`` wrapped at its words; a command between backticks stays on one line, however long that is.

    On a line of its own it stands bare: who copies the whole line pastes the command, not a substitution.
    A terminal breaks a line that is too long wherever it ends: within a word. A command outside of backticks has no end
    that could be seen, so such a text stays one line.
    """
    if _BARE_COMMAND.search(_CODE.sub("", text)):
        return [text]
    unbroken = _CODE.sub(lambda command: command[0].replace(" ", _KEPT_BLANK), text)
    wrapped = textwrap.wrap(
        unbroken, width, break_long_words=False, break_on_hyphens=False, expand_tabs=False, replace_whitespace=False
    )
    return [_COMMAND_ALONE.sub(r"\1", line.replace(_KEPT_BLANK, " ")) for line in wrapped]
