"""Answers about AWS that the emulator plays by: ``sandbox/truth.json``, documented or assumed, with their sources.

DR_SANDBOX_TRUTH names the answers file of a run of ``deploy/truth/ask.py`` in a real account: what it answers replaces
the shipped answer, what it left open (null) does not.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.core.errors import SandboxError

VARIABLE = "DR_SANDBOX_TRUTH"
SHIPPED = Path(__file__).parents[1] / "truth.json"
Value = bool | int | str


def answer(question: str) -> Value:
    """The answer to the question of this id. Raises SandboxError where the file in DR_SANDBOX_TRUTH is no such file."""
    return answer_all()[question]


def answer_all() -> dict[str, Value]:
    """Every answer by its question's id. Raises SandboxError as ``answer`` does."""
    return _answers(os.environ.get(VARIABLE, ""))


@cache
def _answers(path: str) -> dict[str, Value]:
    shipped = {row["id"]: row for row in json.loads(SHIPPED.read_text(encoding="utf-8"))}
    found = {name: row["answer"] for name, row in shipped.items()}
    for name, value in _observed_answers(path).items() if path else ():
        if name not in shipped:
            raise SandboxError(f"{path} answers '{name}', which is no question of {SHIPPED.name}.")
        if not _fits(value, shipped[name]):
            wanted = " or ".join(shipped[name].get("choices") or [type(found[name]).__name__])
            raise SandboxError(f"{path} answers {name} with {value!r}: {wanted} is wanted.")
        found[name] = value
    return found


def _fits(value: Any, row: dict[str, Any]) -> bool:
    # type() and not isinstance: True would pass as the number 1.
    if type(value) is not type(row["answer"]) or (type(value) is int and value < 0):
        return False
    return "choices" not in row or value in row["choices"]


def _observed_answers(path: str) -> dict[str, Any]:
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        # null is an answer that the account did not give: the shipped one stands.
        return {row["id"]: row["answer"] for row in rows if row["answer"] is not None}
    except OSError as unread:
        raise SandboxError(f"{path}, which {VARIABLE} names, cannot be read: {unread.strerror}.") from unread
    except (ValueError, KeyError, TypeError) as malformed:
        raise SandboxError(f"{path}, which {VARIABLE} names, is no file of answers: {malformed!r}.") from malformed
