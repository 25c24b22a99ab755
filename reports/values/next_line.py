"""What to do next as two values: an explanation for people, and one line for a shell. Pure."""

from __future__ import annotations

import re

_COMMAND = re.compile("`([^`]+)`")
_RUNS = re.compile(
    r"(?:\S*python\S* |dr |dr_cli\.py |aws [a-z]|crane copy |AWS_ENDPOINT_URL=|[^ ]*(?:terraform|tofu) )"
)


def next_line(text: str) -> tuple[str, str]:
    """The explanation and the command of what comes next; the command is "" where a person does something else.

    The first command of the text is the line. What stands behind it explains it; where it stands amid a sentence, the
    sentence says "the command below" in its place.
    """
    found = next((match for match in _COMMAND.finditer(text) if _RUNS.match(match[1])), None)
    if found is None:
        return text, ""
    before, after = text[: found.start()].strip(), text[found.end() :].strip()
    if not before:
        return after[:1].upper() + after[1:], found[1]
    if after.strip(".") == "":
        return before, found[1]
    words = "The command below" if before.endswith(".") else "the command below"
    return f"{before} {words} {after}", found[1]
