"""What a drill left: every difference between the estate before and after, kept by a rule or left over. Pure.

Kept is what no run of this tool removes: the primary's own previous database, renamed and never deleted, and the
recovery points made before the sync, which expire by themselves. Each is listed with how a person removes it. Every
other difference is left over, and a drill that leaves anything has failed in that (T47).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dr_actions.drills.inventory import Difference, Inventory, differences
from dr_actions.guard.evidence import renamed_databases_in
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import Role, role_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import aws_command


class ResidueState(StrEnum):
    """What became of it."""

    KEPT = "kept"
    LEFT = "left"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Residue:
    """One row: where, what, its fate, why, and the command with which a person removes it ("" where none is)."""

    place: str
    subject: str
    fate: ResidueState
    says: str
    command: str = ""


def residue(before: Inventory, after: Inventory, env: Environment, entries: Sequence[Entry]) -> tuple[Residue, ...]:
    """What is left of the drill that wrote ``entries``; empty where the estate is exactly as it was."""
    # The names under which databases of the primary region were kept, with the command that deletes each.
    aside: dict[str, str] = {}
    for name in renamed_databases_in(entries, Side.PRIMARY).values():
        named = {"DBInstanceIdentifier": name, "FinalDBSnapshotIdentifier": f"{name}-last"}
        aside[name] = aws_command("rds", "DeleteDBInstance", env.region(Side.PRIMARY), **named)
    rows = [_row(difference, aside) for difference in differences(before, after)]
    residues = {row.subject: row for row in reversed(rows) if row.fate is ResidueState.KEPT}
    left = [row for row in rows if row.fate is not ResidueState.KEPT]
    return (*left, *residues.values(), *_recovery_points(entries))


def is_clean(rows: Sequence[Residue]) -> bool:
    """Whether nothing is left over, and nothing unseen: what is kept is kept by rule."""
    return all(row.fate is ResidueState.KEPT for row in rows)


def _row(difference: Difference, aside: Mapping[str, str]) -> Residue:
    if difference.how == "unseen":
        return Residue(difference.part, "all of it", ResidueState.UNSEEN, difference.says)
    name = next(
        (name for name in aside if name in difference.subject.split() or f":{name}" in difference.subject), None
    )
    if name is not None and difference.how == "new" and difference.part.endswith(f".{Side.PRIMARY}"):
        message = "the primary's database of before the drill: this tool deletes nothing in the primary region"
        return Residue(difference.part, name, ResidueState.KEPT, message, aside[name])
    return Residue(difference.part, difference.subject, ResidueState.LEFT, f"{difference.how}: {difference.says}")


def _recovery_points(entries: Sequence[Entry]) -> Iterator[Residue]:
    for entry in entries:
        facts = entry.data.get("facts", {}) if entry.kind is EntryKind.CONFIRMED else {}
        if role_of(Goal.FAILBACK, str(entry.step)) is Role.BACKUP and facts.get("arn"):
            message = "the backup made before the sync: it expires by its own lifecycle"
            yield Residue(f"backup.recovery_points.{facts['side']}", str(facts["arn"]), ResidueState.KEPT, message)
