"""What the guard knows of a failback: the backups that the journal has proven, and since when the DR region is frozen.

Read from the record, not from the order of the code: a sync call finds the proofs there, or does not leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dr_actions.backup_first import STORES, Proof, Store, proof_of
from dr_actions.entries import Entry, Kind
from dr_actions.plan import Goal, Plan

_BACK_UP, _FREEZE = "back_up.", "freeze_"


@dataclass(frozen=True, slots=True)
class Proven:
    """What is on record. ``absent`` are stores that the plan found nothing of. Nothing is proven of another goal."""

    goal: Goal | None = None
    proofs: tuple[Proof, ...] = ()
    frozen_at: datetime | None = None
    absent: tuple[Store, ...] = ()


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
    )
