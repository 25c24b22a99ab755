"""Conversion of DynamoDB's attribute values and times. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Value = dict[str, Any]


def encode(value: Any) -> Value:
    """The attribute value of a plain JSON one, or of bytes. Raises TypeError for anything else."""
    if value is None:
        return {"NULL": True}
    # Before int, of which bool is a kind.
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bytes):  # what somebody else wrote, and is kept as it was
        return {"B": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if isinstance(value, list | tuple):
        return {"L": [encode(item) for item in value]}
    if isinstance(value, Mapping):
        return {"M": encode_item(value)}
    raise TypeError(f"{type(value).__name__} is no JSON value")


def decode(value: Mapping[str, Any]) -> Any:
    """The plain value of an attribute value; sets become sorted lists, binaries stay as they are."""
    ((kind, inner),) = value.items()
    if kind == "NULL":
        return None
    if kind == "N":
        return _number(inner)
    if kind == "L":
        return [decode(item) for item in inner]
    if kind == "M":
        return decode_item(inner)
    if kind == "NS":
        return sorted(_number(item) for item in inner)
    return sorted(inner) if kind in {"SS", "BS"} else inner


def encode_item(item: Mapping[str, Any]) -> dict[str, Value]:
    """Every attribute of ``item``, encoded."""
    return {name: encode(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Every attribute of ``item``, decoded."""
    return {name: decode(value) for name, value in item.items()}


def instant(moment: datetime) -> str:
    """A moment as text of one length in UTC, so that texts compare as moments do. Raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The moment that ``instant`` wrote. Raises ValueError."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as beyond:
        raise ValueError(f"{text} is beyond all time") from beyond


def optional_moment(text: str | None) -> datetime | None:
    """The moment, or None where there is no text."""
    return moment(text) if text else None


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)
