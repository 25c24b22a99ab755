"""What the guard weighs a call by: one frozen value, made right before that call and handed over with it. Pure.

What the journal proves of a failback: the backups, since when the DR region is frozen, and renamed databases.

Read from the record, not from the order of the code: a sync call finds the proofs there, or does not leave.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dr_actions.journal.entries import Entry, EntryKind, of_last_plan
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import SEEN_FREEZES, Role, role_of
from dr_checks.derived.leftovers import leftovers
from dr_estate.config.environment import Environment, Side
from dr_estate.model import stores
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53, s3_batch_jobs
from dr_estate.snapshot.snapshot import Snapshot

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
    own = of_last_plan(entries)
    return {entry.step: entry for entry in own if entry.kind is EntryKind.CONFIRMED and entry.step}


@dataclass(frozen=True, slots=True)
class GuardContext:
    """Everything that decides about a call besides the call itself; what is left out is unknown, and allows nothing.

    ``allowed`` are the operations that the current action declared. ``traffic_zone`` is the id of the hosted zone of
    traffic.zone, ``customer_zones`` are further zones by id, whose records may be changed where their name is one of
    traffic.customer_hosts. ``own_resources`` are names and ids of what drills made, and of databases that the
    incident's own failback renamed. ``own_jobs`` are ids of the S3 Batch jobs of the environment's failbacks. ``goal``
    is the run's. ``proofs`` are the backups on record, ``begun_at`` (UTC) is when the run began, ``absent`` are stores
    that do not exist: without these nothing of the primary is overwritten, and no protection is switched off (T28).
    ``frozen_at`` (UTC) is when the freeze of the DR region was confirmed, and ``files_frozen_at`` that of its files:
    without it nothing in the primary region is made writable.
    """

    env: Environment
    allowed: Set[str] = frozenset()
    traffic_zone: str = ""
    customer_zones: Mapping[str, str] = field(default_factory=dict)
    own_resources: frozenset[str] = frozenset()
    own_jobs: frozenset[str] = frozenset()
    goal: Goal | None = None
    proofs: Sequence[Proof] = ()
    begun_at: datetime | None = None
    frozen_at: datetime | None = None
    files_frozen_at: datetime | None = None
    absent: Sequence[Store] = ()

    @classmethod
    def upon(cls, snapshot: Snapshot, env: Environment) -> GuardContext:
        """What the snapshot that a plan was made upon shows; only its zones are changed, whatever is seen later."""
        context = cls(env).with_snapshot(snapshot)
        with contextlib.suppress(DataUnavailable):
            found = snapshot.get(route53.zones, Side.GLOBAL)
            # A private zone may have the same name: no visitor asks it.
            traffic = next((zone.id for zone in found if zone.name == env.traffic.zone and not zone.private), "")
            hosts = [host for hosts in env.traffic.customer_hosts.values() for host in hosts]
            customers = {zone.id: zone.name for zone in found if any(host.endswith(f".{zone.name}") for host in hosts)}
            return replace(context, traffic_zone=traffic, customer_zones=customers)
        return context

    def with_snapshot(self, snapshot: Snapshot) -> GuardContext:
        """The same with what drills and failbacks made as ``snapshot`` shows it; as it was where that is not seen."""
        context = self
        with contextlib.suppress(DataUnavailable):
            resources = frozenset(leftover.id for leftover in leftovers(snapshot, self.env))
            context = replace(context, own_resources=resources)
        with contextlib.suppress(DataUnavailable):
            jobs = frozenset(job.id for job in snapshot.get(s3_batch_jobs.jobs, Side.DR))
            context = replace(context, own_jobs=jobs)
        return context

    def before_call(self, allowed: Set[str], plan: Plan, entries: Sequence[Entry]) -> GuardContext:
        """The same for a call of ``plan`` that the action ``allowed``, with what the journal's ``entries`` prove."""
        backups = [step for step in plan.steps if role_of(plan.goal, step.id) is Role.BACKUP]
        planned = {(step.side, step.before.get("store")) for step in backups}
        return replace(
            self,
            allowed=allowed,
            own_resources=self.own_resources | set(renamed_databases_in(entries).values()),
            goal=plan.goal,
            proofs=proofs_in(entries, plan.goal),
            begun_at=begin_time(entries),
            frozen_at=freeze_time(entries, plan),
            files_frozen_at=freeze_time(entries, plan, frozenset({Role.FREEZE_FILES})),
            absent=tuple(store for store in STORES if store not in planned),
        )
