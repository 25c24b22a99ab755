"""Evidence of an estate of many tenants, made of a small one's: one of its tenants again and again, by other names.

What that tenant shares with others, such as the load balancer, stays as it is. So what judging and reporting take can
be measured for any number of tenants, without an emulator that holds them.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from dr_estate.snapshot.snapshot import Snapshot, from_json, rewritten_evidence, to_json

_TENANT = re.compile(rb"tenant-?\d+")


def widened_snapshot(snapshot: Snapshot, pattern: str, tenants: int) -> Snapshot:
    """The snapshot with so many tenants more like ``pattern``, the name of one of them: it is called as these are.

    Each member of a list that names that tenant alone is repeated for each new one, by its name.
    """
    # From 1000 on: no tenant of a small estate has such a number.
    names = [f"tenant{1000 + number}".encode() for number in range(tenants)]
    return from_json(rewritten_evidence(to_json(snapshot), lambda body: _wide(body, pattern.encode(), names)))


def _wide(value: Any, pattern: bytes, names: list[bytes]) -> Any:
    if isinstance(value, dict):
        wide = {name: _wide(member, pattern, names) for name, member in value.items()}
        for name in [name for name in value if pattern in name.encode()]:
            for text in _copies({name: value[name]}, pattern, names):
                wide |= text
        return wide
    if not isinstance(value, list):
        return value
    members = []
    for member in value:
        # A row that names another tenant too is shared: each copy of it would name that one again.
        if set(_TENANT.findall(orjson.dumps(member))) == {pattern}:
            members += [member, *_copies(member, pattern, names)]
        else:
            members.append(_wide(member, pattern, names))
    return members


def _copies(value: Any, pattern: bytes, names: list[bytes]) -> list[Any]:
    text = orjson.dumps(value)
    return [orjson.loads(text.replace(pattern, name)) for name in names]
