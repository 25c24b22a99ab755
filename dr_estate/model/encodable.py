"""Text that every encoding takes: a lone surrogate, which JSON can escape but UTF-8 cannot hold, is spelled out. Pure.

AWS's JSON may hold half of a character that somebody cut in two; a file name and a word of the command line may hold
bytes that are no UTF-8. Spelled out as six characters (``\\ud83d``) they are written like any other text.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any

import orjson

_HALVES = re.compile("([\ud800-\udbff][\udc00-\udfff])|[\ud800-\udfff]")
_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(_PAIR + rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL)
_MAY_HOLD = (b"\\ud", b"\\uD")


def spelled_out(value: Any) -> Any:
    """``value`` with every lone surrogate in its text, and in that of what it holds, as the escape of JSON reads."""
    if isinstance(value, str):
        return _HALVES.sub(_whole, value)
    if isinstance(value, dict):
        return {spelled_out(name): spelled_out(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [spelled_out(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: spelled_out(getattr(value, field.name)) for field in fields(value)}
    return value


def spelled_in_json(content: bytes) -> bytes:
    """JSON in which no escape is of a lone surrogate: each is an escaped backslash and five characters instead."""
    if not any(start in content for start in _MAY_HOLD):
        return content
    return _ESCAPES.sub(lambda found: b"\\" + found[0] if found[1] else found[0], content)


def document(text: str) -> Any:
    """The JSON in ``text``, such as a policy's, with no lone surrogate. Raises ValueError where it is none."""
    return json.loads(spelled_in_json(text.encode("utf-8", "backslashreplace")))


def json_bytes(value: Any, option: int = 0) -> bytes:
    """``value`` as JSON by orjson and its ``option``, with no lone surrogate."""
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(spelled_out(value), option=option)


def _whole(found: re.Match[str]) -> str:
    """The character that two halves are, or the escape of a lone one."""
    return found[1].encode("utf-16", "surrogatepass").decode("utf-16") if found[1] else f"\\u{ord(found[0]):04x}"
