"""The control-plane map: which step of the playbooks needs which control plane, and what still works without it."""

from __future__ import annotations

from collections.abc import Sequence

from dr_estate.model.playbook import FAILBACK, FAILOVER, Plane, PlaybookStep
from reports.values.escaping import table_lines


def still_works(step: PlaybookStep, down: Plane) -> str:
    """``yes``, or what is done instead (``no`` where nothing is), when the control plane ``down`` does not answer."""
    # Data planes answer while their control plane does not: a step that needs none goes on.
    if down not in step.needs:
        return "yes"
    return step.emergency or "no"


def markdown() -> list[str]:
    """The map as Markdown lines: one table a playbook, one row a step, one column a control plane that is down."""
    lines: list[str] = []
    for title, steps in (("Failover", FAILOVER), ("Failback", FAILBACK)):
        lines += [f"**{title}: still works when the control plane of ... is down**", "", *_table(steps), ""]
    return lines[:-1]


def _table(steps: Sequence[PlaybookStep]) -> list[str]:
    planes = list(Plane)
    rows = [
        (f"{step.number} {step.name}", step.owner, *(still_works(step, plane) for plane in planes)) for step in steps
    ]
    return table_lines(("step", "owner", *planes), rows)
