"""Keeps secrets out of the record: what is one by its name or by its look is replaced before it is written. Pure.

A record is copied, mirrored, anchored and kept for years, so nothing can be taken out of it afterwards. It errs on the
side of replacing: a redacted harmless word costs a line of a report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from dr_estate.model.dynamodb_values import instant
from dr_estate.model.visible import document

REDACTED = "<redacted>"

_NAMES = {
    "accesskey",
    "accesskeyid",
    "apikey",
    "authorization",
    "authtoken",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "privatekey",
    "pwd",
    "secretaccesskey",
    "secretbinary",
    "secretkey",
    "secretstring",
    "securitytoken",
    "sessiontoken",
    "token",
}
_ENDINGS = ("password", "passwd", "secretkey", "sessiontoken", "authtoken", "apikey", "privatekey")
_PLACEHOLDER = re.compile(r"<[^<>]*>")
_LOOKS = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b"),  # access key ids (AWS: reference_identifiers)
    re.compile(r"\b(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=_-]{20,}"),  # session tokens of STS
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),  # user and password of an address
    re.compile(  # as text; ``:password::`` is the selector at the end of a secret's ARN (ECS: secrets)
        r"(?i)(?:(?<=password)[\"']?\s*=|(?<!:password)(?<=password)[\"']?\s*:"
        r"|(?<=secret_access_key)[\"']?\s*[=:]|(?<=session_token)[\"']?\s*[=:])\s*(?!<)[\"']?[^\s\"',;&}<]+"
    ),
)


class SecretFound(Exception):
    """What must be written unchanged holds a secret at ``path``: it was not written at all."""

    def __init__(self, path: str) -> None:
        super().__init__(f"The plan holds secret material at {path}: it was not recorded, and must not be run.")
        self.path = path


def redact(data: Any, path: str = "") -> tuple[Any, list[str]]:
    """``data`` (JSON values) without secrets, and the paths at which something was replaced.

    A text in angle brackets is a placeholder and stays. A name says secret whatever its spelling (``SecretString``,
    ``db_password``, ``MasterUserPassword``), also as the ``name`` beside a ``value``; identifiers, ARNs and
    idempotency tokens (``ClientToken``) are none.
    """
    if isinstance(data, Mapping):
        return _mapping(data, path)
    if isinstance(data, Sequence) and not isinstance(data, str):
        rows = [redact(value, f"{path}[{number}]") for number, value in enumerate(data)]
        return [row for row, _ in rows], [place for _, places in rows for place in places]
    if isinstance(data, str):
        cleaned = data
        for look in _LOOKS:
            cleaned = look.sub(REDACTED, cleaned)
        return cleaned, [path] if cleaned != data else []
    return data, []


def recordable(data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` as plain JSON without secrets; ``redacted`` in it lists the places. Raises TypeError, ValueError."""
    plain = document(json.dumps(dict(data), default=_json_value, allow_nan=False))
    cleaned, places = redact(plain)
    return {**cleaned, **({"redacted": places} if places else {})}


def refuse_secrets(data: Any, path: str) -> None:
    """Raise SecretFound where ``data`` holds a secret: for what would be worthless if it were changed."""
    for place in redact(data, path)[1]:
        raise SecretFound(place)


def _mapping(data: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    places: list[str] = []
    # AWS's own shape of variables and parameters: {"name": "db_password", "value": "..."}.
    named = any(_is_secret(str(data[key])) for key in ("name", "Name", "key", "Key") if key in data)
    for name, value in data.items():
        place = f"{path}.{name}" if path else name
        if _holds_secret(value) and (_is_secret(name) or (named and name in {"value", "Value"})):
            values[name] = REDACTED
            places.append(place)
            continue
        values[name], more = redact(value, place)
        places += more
    return values, places


def _is_secret(name: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _NAMES or plain.endswith(_ENDINGS)


def _holds_secret(value: Any) -> bool:
    """Whether there is anything to hide: a number, a flag, nothing and a placeholder are no secrets."""
    if isinstance(value, str):
        return bool(value) and not _PLACEHOLDER.fullmatch(value)
    return isinstance(value, Mapping | Sequence) and bool(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be recorded")
