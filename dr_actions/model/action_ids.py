"""Names of actions and ids of steps. An action: ``compute/scale_dr_services``; a step: ``<name>:<target>``.

Both stand in plans, digests, approvals, journals, histories and idempotency tokens: a name that changes voids what was
approved or begun under it.
"""

from __future__ import annotations


def step_id(prefix: str, label: str) -> str:
    """Return the id of the step of that prefix on what ``label`` names."""
    return f"{prefix}:{label}"


def prefix_of(step: str) -> str:
    """Return what a step's id begins with: the action's name, and the row's part where it has one."""
    return step.partition(":")[0]


def part_of(step: str) -> str:
    """Return the row's part in a step's id, "" where it has none."""
    return prefix_of(step).partition(".")[2]


def label_of(step: str) -> str:
    """Return what of a step's id follows the prefix."""
    return step.partition(":")[2]
