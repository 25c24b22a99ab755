"""An execution of an Automation document in the sandbox, and what the texts of its steps stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class DocumentExecution:
    """An execution of a document. ``approvers`` are the ARNs that approved, ``outputs`` the steps' by ``step.Name``.

    ``otherwise`` is how it was started if not by itself: its mode, its targets, or the execution it is a part of.
    """

    id: str
    document: str
    content: dict[str, Any]
    parameters: dict[str, list[str]]
    executed_by: str
    began_at: datetime
    status: str = "Pending"
    failure: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    approvers: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    ended_at: datetime | None = None
    otherwise: dict[str, Any] = field(default_factory=dict)


def filled_value(value: Any, execution: DocumentExecution) -> Any:
    """``value`` with its ``{{ }}`` filled in; a whole text that names a list becomes that list."""
    if isinstance(value, dict):
        return {name: filled_value(member, execution) for name, member in value.items()}
    if isinstance(value, list):
        return [filled_value(member, execution) for member in value]
    if not isinstance(value, str):
        return value
    known = dict(_known_values(execution))
    if whole := re.fullmatch(r"\{\{\s*([\w:.]+)\s*\}\}", value):
        return known[whole[1]]
    return re.sub(r"\{\{\s*([\w:.]+)\s*\}\}", lambda found: str(known[found[1]]), value)


def _known_values(execution: DocumentExecution) -> Iterator[tuple[str, Any]]:
    declared = execution.content.get("parameters", {})
    for name, values in execution.parameters.items():
        yield name, values if declared[name]["type"] == "StringList" else "".join(values)
    yield "automation:EXECUTION_ID", execution.id
    yield from execution.outputs.items()


def selection(value: Any, selector: str) -> Any:
    """What a selector such as ``$.tasks[0].lastStatus`` finds, None where there is nothing."""
    for part in re.findall(r"[^.\[\]$]+", selector):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
