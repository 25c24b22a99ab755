"""Text from outside made safe to print: no hidden or control characters, no commands of CI, no passwords. Pure."""

from __future__ import annotations

import re

# Controls but the newline; Unicode's Default_Ignorable_Code_Point (bidi, zero width, fillers, tags); line and paragraph
# separators; surrogates, which no encoding takes. Source: Unicode DerivedCoreProperties.txt, UAX 9.
_HIDDEN = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
    "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]"
    # Runners of GitHub, Azure Pipelines and TeamCity take ##[command], ##vso[command] anywhere in a line of a job's
    # output for their own: it would hide what follows. Source: actions/runner, ActionCommand.cs, TryParse.
    "|#(?=#[A-Za-z]*\\[)"
)
_COMMAND_LINE = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
LONGEST_LINE = 400
_GAP = re.compile("[\\s\u2800]{4}")  # U+2800: Braille without a dot, which Unicode counts as no blank
_USER_INFO = re.compile(r"(?<=://)[^/?#\s'\"]+@")


def visible(text: str) -> str:
    """``text`` with what cannot be seen written as JSON escapes it (``\\u001b``), so that JSON stays the same JSON.

    So is what begins a command of CI within a line. Newlines stay: it is made for whole documents.
    """
    if text.isascii() and "##" not in text and text.replace("\n", "").isprintable():
        return text  # as nearly all is: a tenth of what looking at each character takes
    return _HIDDEN.sub(_escape_sequence, text)


def one_line(text: str) -> str:
    """A value that stands within a line: as ``visible``, and its newlines are blanks."""
    return visible(text.replace("\r\n", " ").replace("\n", " "))


def is_one_line(text: str) -> bool:
    """Whether a person sees all of it within a line: nothing hidden, no gap that pushes the rest away."""
    return len(text) <= LONGEST_LINE and one_line(text) == text and not _GAP.search(text)


def commanding_nobody(text: str) -> str:
    """``text`` of lines for people: none is a command that a runner of GitHub reads (``::stop-commands::``)."""
    return _COMMAND_LINE.sub(r"\1\\u003a", text) if "::" in text else text


def without_credentials(text: str) -> str:
    """``text`` with user and password cut out of every URL in it."""
    return _USER_INFO.sub("", text)


def _escape_sequence(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
