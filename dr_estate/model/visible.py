"""Text from outside made safe to print: no hidden or control characters, no passwords. Pure."""

from __future__ import annotations

import re

# Controls but the newline; Unicode's Default_Ignorable_Code_Point (bidi, zero width, fillers, tags); line and paragraph
# separators; surrogates, which no encoding takes. Source: Unicode DerivedCoreProperties.txt, UAX 9.
_HIDDEN = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
    "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]"
)
LONGEST_LINE = 400
_GAP = re.compile("[\\s\u2800]{4}")  # U+2800: Braille without a dot, which Unicode counts as no blank
_USER_INFO = re.compile(r"(?<=://)[^/?#\s'\"]+@")


def visible(text: str) -> str:
    """``text`` with what cannot be seen written as JSON escapes it (``\\u001b``), so that JSON stays the same JSON.

    Newlines stay: it is made for whole documents.
    """
    if text.isascii() and text.isprintable():  # as nearly all is: a tenth of what looking at each character takes
        return text
    return _HIDDEN.sub(_escaped, text)


def one_line(text: str) -> str:
    """A value that stands within a line: as ``visible``, and its newlines are blanks."""
    return visible(text.replace("\r\n", " ").replace("\n", " "))


def is_one_line(text: str) -> bool:
    """Whether a person sees all of it within a line: nothing hidden, no gap that pushes the rest away."""
    return len(text) <= LONGEST_LINE and one_line(text) == text and not _GAP.search(text)


def without_credentials(text: str) -> str:
    """``text`` with user and password cut out of every URL in it."""
    return _USER_INFO.sub("", text)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
