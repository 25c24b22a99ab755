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
from dr_estate.config.environment import Side

_BACK_UP, _FREEZE, _SET_ASIDE = "back_up.", "freeze_", "set_aside_dr"


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
    freezes = {step.id for step in plan.steps if step.verb.startswith(_FREEZE)}
    frozen = {str(entry.step): entry.at for entry in confirmed if entry.step in freezes}
    backups = {str(entry.step): entry for entry in confirmed if str(entry.step).startswith(_BACK_UP)}
    found = (proof_of(entry.data.get("facts", {})) for entry in backups.values())
    planned = {(step.side, step.before.get("store")) for step in plan.steps if step.verb == _BACK_UP.rstrip(".")}
    return Proven(
        goal=plan.goal,
        proofs=tuple(proof for proof in found if proof is not None),
        frozen_at=max(frozen.values()).replace(microsecond=0) if freezes and freezes == frozen.keys() else None,
        absent=tuple(store for store in STORES if store not in planned),
        set_aside=set_aside_by(entries),
    )


def set_aside_by(entries: Sequence[Entry]) -> Mapping[str, str]:
    """The names, by resource id, that the journal's failbacks gave databases of the DR region that they set aside."""
    found: dict[str, str] = {}
    steps: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.kind is Kind.BEGIN:
            told = entry.data["plan"]["steps"]
            steps = {one["id"]: one for one in told if one["verb"] == _SET_ASIDE and one["side"] == Side.DR}
        elif entry.kind is Kind.CONFIRMED and entry.step in steps:
            after = steps[str(entry.step)]["after"]
            found[after["resource"]] = after["name"]
    return found
