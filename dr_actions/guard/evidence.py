"""What the journal proves of a failback: the backups, since when the DR region is frozen, and renamed databases.

Read from the record, not from the order of the code: a sync call finds the proofs there, or does not leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import SEEN_FREEZES, Role, role_of
from dr_estate.config.environment import Side
from dr_estate.model import stores

Store = tuple[Side, str]
_BACKED_UP = tuple(store.id for store in stores.STORES if store.backup)
STORES: tuple[Store, ...] = tuple((side, store) for side in (Side.DR, Side.PRIMARY) for store in _BACKED_UP)


@dataclass(frozen=True, slots=True)
class Proof:
    """A complete recovery point of a side's store: ``store`` is its id, ``created_at`` (UTC) AWS's word."""

    side: Side
    store: str
    arn: str
    created_at: datetime


def proof_of(facts: Mapping[str, str]) -> Proof | None:
    """The proof that a confirmed backup step recorded, None where ``facts`` are another step's."""
    try:
        proof = Proof(Side(facts["side"]), facts["store"], facts["arn"], datetime.fromisoformat(facts["created_at"]))
    except (KeyError, ValueError):
        return None
    return proof if proof.store in _BACKED_UP and proof.arn and proof.created_at.tzinfo else None


def proofs_in(entries: Sequence[Entry], goal: Goal) -> tuple[Proof, ...]:
    """The backups that the last run's entries prove."""
    backups = {step: entry for step, entry in confirmations(entries).items() if role_of(goal, step) is Role.BACKUP}
    found = (proof_of(entry.data.get("facts", {})) for entry in backups.values())
    return tuple(proof for proof in found if proof is not None)


def begin_time(entries: Sequence[Entry]) -> datetime | None:
    """When the last plan began (UTC); None where none did."""
    return next((entry.at for entry in reversed(entries) if entry.kind is EntryKind.BEGIN), None)


def freeze_time(entries: Sequence[Entry], plan: Plan, freezing: frozenset[Role] = SEEN_FREEZES) -> datetime | None:
    """The second in which the last freeze of the plan was confirmed; None while one is not, or it has none.

    ``freezing`` are the roles of the freezes that count: all, or one store's.
    """
    known = confirmations(entries)
    freezes = [known.get(step.id) for step in plan.steps if role_of(plan.goal, step.id) in freezing]
    # Every freeze of the plan, not the first one: until the last, a store still takes writes.
    moments = [entry.at for entry in freezes if entry is not None]
    return max(moments).replace(microsecond=0) if moments and len(moments) == len(freezes) else None


def absent_from(plan: Plan) -> tuple[Store, ...]:
    """The stores that the plan found nothing of: it backs none of them up."""
    backups = [step for step in plan.steps if role_of(plan.goal, step.id) is Role.BACKUP]
    planned = {(step.side, step.before.get("store")) for step in backups}
    return tuple(store for store in STORES if store not in planned)


def renamed_databases_in(entries: Sequence[Entry], side: Side = Side.DR) -> Mapping[str, str]:
    """The names, by resource id, that the journal's failbacks gave databases of ``side`` that they set aside."""
    found: dict[str, str] = {}
    steps: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.kind is EntryKind.BEGIN:
            goal, step_rows = Goal(entry.data["plan"]["goal"]), entry.plan_steps
            renames = [item for item in step_rows if role_of(goal, item["id"]) is Role.RENAME and item["side"] == side]
            steps = {rename["id"]: rename for rename in renames}
        elif entry.kind is EntryKind.CONFIRMED and entry.step in steps:
            after = steps[str(entry.step)]["after"]
            found[after["resource"]] = after["name"]
    return found


def confirmations(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The last confirmation of each step since the last plan began."""
    # Only since the last BEGIN: what an earlier plan confirmed says nothing of this one.
    begun = max((entry.seq for entry in entries if entry.kind is EntryKind.BEGIN), default=0)
    return {
        entry.step: entry for entry in entries if entry.seq > begun and entry.kind is EntryKind.CONFIRMED and entry.step
    }
