"""What the guard weighs a call by: one frozen value, made right before that call and handed over with it. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from dr_actions.guard.evidence import (
    Proof,
    Store,
    absent_from,
    begin_time,
    freeze_time,
    proofs_in,
    renamed_databases_in,
)
from dr_actions.journal.entries import Entry
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import Role
from dr_checks.derived.leftovers import leftovers
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53, s3_batch_jobs
from dr_estate.snapshot.snapshot import Snapshot


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
        return replace(
            self,
            allowed=allowed,
            own_resources=self.own_resources | set(renamed_databases_in(entries).values()),
            goal=plan.goal,
            proofs=proofs_in(entries, plan.goal),
            begun_at=begin_time(entries),
            frozen_at=freeze_time(entries, plan),
            files_frozen_at=freeze_time(entries, plan, frozenset({Role.FREEZE_FILES})),
            absent=absent_from(plan),
        )
