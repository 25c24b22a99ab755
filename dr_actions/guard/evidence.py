"""What the guard knows of a failback: the backups that the journal has proven, and since when the DR region is frozen.

Read from the record, not from the order of the code: a sync call finds the proofs there, or does not leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dr_actions.guard.backup_first import STORES, Proof, Store, proof_of
from dr_actions.journal.entries import Entry, Kind
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import Role, role_of
from dr_estate.config.environment import Side


@dataclass(frozen=True, slots=True)
class Proven:
    """What is on record. ``absent`` are stores that the plan found nothing of. Nothing is proven of another goal.

    ``set_aside`` names the databases of the DR region that the incident's own failback set aside, by resource id.
    """

    goal: Goal | None = None
    proofs: tuple[Proof, ...] = ()
    frozen_at: datetime | None = None
    absent: tuple[Store, ...] = ()
    set_aside: Mapping[str, str] = field(default_factory=dict)


def proven_by(entries: Sequence[Entry], plan: Plan) -> Proven:
    """What the last run's entries prove. A freeze counts from the second in which its last step was confirmed."""
    begun = max((entry.seq for entry in entries if entry.kind is Kind.BEGIN), default=0)
    confirmed = [entry for entry in entries if entry.seq > begun and entry.kind is Kind.CONFIRMED and entry.step]
    freezes = {step.id for step in plan.steps if role_of(plan.goal, step.id) is Role.FREEZE}
    frozen = {str(entry.step): entry.at for entry in confirmed if entry.step in freezes}
    backed_up = [step for step in plan.steps if role_of(plan.goal, step.id) is Role.BACKUP]
    stores = {(step.side, step.before.get("store")) for step in backed_up}
    backups = {str(entry.step): entry for entry in confirmed if role_of(plan.goal, str(entry.step)) is Role.BACKUP}
    found = (proof_of(entry.data.get("facts", {})) for entry in backups.values())
    return Proven(
        goal=plan.goal,
        proofs=tuple(proof for proof in found if proof is not None),
        frozen_at=max(frozen.values()).replace(microsecond=0) if freezes and freezes == frozen.keys() else None,
        absent=tuple(store for store in STORES if store not in stores),
        set_aside=set_aside_by(entries),
    )


def set_aside_by(entries: Sequence[Entry], side: Side = Side.DR) -> Mapping[str, str]:
    """The names, by resource id, that the journal's failbacks gave databases of ``side`` that they set aside."""
    found: dict[str, str] = {}
    steps: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.kind is Kind.BEGIN:
            goal, told = Goal(entry.data["plan"]["goal"]), entry.planned
            renames = [one for one in told if role_of(goal, one["id"]) is Role.RENAME and one["side"] == side]
            steps = {one["id"]: one for one in renames}
        elif entry.kind is Kind.CONFIRMED and entry.step in steps:
            after = steps[str(entry.step)]["after"]
            found[after["resource"]] = after["name"]
    return found
