"""Answers that AWS really gave, recorded by other projects; they stay outside of this repository (DR_RECORDINGS)."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.dr_estate.contracts.paging import listed, paginator, tokens
from tests.dr_estate.contracts.shapes import named

ROOT = Path(__file__).parents[3]

FOLDER = Path(os.environ.get("DR_RECORDINGS") or ROOT.parent / "shared" / "recordings")
_TOKENS = ("page-2", "page-3")
here = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recordings: {FOLDER} is absent (DR_RECORDINGS names it)")


@dataclass(frozen=True)
class Recording:
    """One recorded answer of ``service:Operation``, as botocore gives it."""

    operation: str
    label: str
    data: dict[str, Any]

    def whole(self) -> dict[str, Any]:
        """The answer as one page, with the names by which its reader chooses."""
        return dict(_without_tokens(self.operation, self.data))

    def pages(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The first half of its rows, then an empty page, each with a token; then the rest, as the token asks."""
        how, body = paginator(self.operation), self.whole()
        keys = listed(how.get("result_key"))
        if not how or not any(isinstance(_at(body, key), list) for key in keys):
            return body
        requested = " ".join(str(params.get(name)) for name in listed(how["input_token"]))
        page = next((number for number, token in enumerate(_TOKENS, 1) if token in requested), 0)
        for key in keys:
            rows = _at(body, key) or []
            if isinstance(rows, list):
                half = (len(rows) + 1) // 2
                body = _with(body, key.split("."), (rows[:half], [], rows[half:])[page])
        if page < len(_TOKENS):
            token = {"pk": {"S": _TOKENS[page]}} if self.operation == "dynamodb:Scan" else _TOKENS[page]
            for path in listed(how["output_token"]):
                body = _with(body, path.split(" || ")[0].split("."), token)
            if how.get("more_results"):
                body = _with(body, how["more_results"].split("."), True)
        return body


def recordings(folder: Path = FOLDER) -> Iterator[Recording]:
    """Every recorded answer of a folder, and those made by hand from botocore's models."""
    for path in sorted(folder.glob("**/*.*/*.json")):
        body = json.loads(path.read_text("utf-8"))
        operation = path.parent.name.replace(".", ":", 1)
        namespace = "dynamodb" if '"table/' in json.dumps(body["data"]) else "ecs"
        label = str(path.relative_to(folder).with_suffix(""))
        yield Recording(operation, label, named(operation, revived(body["data"]), namespace))


def revived(value: Any) -> Any:
    """JSON as botocore gives it: moments with their zone, bytes."""
    if isinstance(value, dict):
        if "__datetime__" in value:
            return datetime.fromisoformat(value["__datetime__"]).astimezone(UTC)
        if "__bytes__" in value:
            return base64.b64decode(value["__bytes__"])
        return {key: revived(inner) for key, inner in value.items()}
    return [revived(inner) for inner in value] if isinstance(value, list) else value


def _without_tokens(operation: str, value: Any, depth: int = 2) -> Any:
    """Without the members that promise another page: they stand at the top, in CloudFront one step below."""
    if not isinstance(value, dict) or not depth:
        return value
    dropped = tokens(operation)
    return {key: _without_tokens(operation, inner, depth - 1) for key, inner in value.items() if key not in dropped}


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = (body or {}).get(name)
    return body


def _with(body: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    inner = value if len(path) == 1 else _with(body.get(path[0]) or {}, path[1:], value)
    return {**body, path[0]: inner}
