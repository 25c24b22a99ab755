"""Text from outside made safe to print and to encode: no hidden characters, commands of CI or passwords. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any

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


# Text that every encoding takes: a lone surrogate, which JSON can escape but UTF-8 cannot hold, is spelled out. Pure.
#
# AWS's JSON may hold half of a character that somebody cut in two; a file name and a word of the command line may hold
# bytes that are no UTF-8. Spelled out as six characters (``\ud83d``) they are written like any other text.

_HALVES = re.compile("([\ud800-\udbff][\udc00-\udfff])|[\ud800-\udfff]")
_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(_PAIR + rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL)
_MAY_HOLD = (b"\\ud", b"\\uD")


def escape_surrogates(value: Any) -> Any:
    """``value`` with every lone surrogate in its text, and in that of what it holds, as the escape of JSON reads."""
    if isinstance(value, str):
        return _HALVES.sub(_whole, value)
    if isinstance(value, dict):
        return {escape_surrogates(name): escape_surrogates(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape_surrogates(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: escape_surrogates(getattr(value, field.name)) for field in fields(value)}
    return value


def json_without_surrogates(content: bytes) -> bytes:
    """JSON in which no escape is of a lone surrogate: each is an escaped backslash and five characters instead."""
    if not any(start in content for start in _MAY_HOLD):
        return content
    return _ESCAPES.sub(lambda found: b"\\" + found[0] if found[1] else found[0], content)


def document(text: str) -> Any:
    """The JSON in ``text``, such as a policy's, with no lone surrogate. Raises ValueError where it is none."""
    return json.loads(json_without_surrogates(text.encode("utf-8", "backslashreplace")))


def json_bytes(value: Any, option: int = 0) -> bytes:
    """``value`` as JSON by orjson and its ``option``, with no lone surrogate."""
    import orjson  # a command's help, which needs what stands above, writes none

    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(escape_surrogates(value), option=option)


def _whole(found: re.Match[str]) -> str:
    """The character that two halves are, or the escape of a lone one."""
    return found[1].encode("utf-16", "surrogatepass").decode("utf-16") if found[1] else f"\\u{ord(found[0]):04x}"
