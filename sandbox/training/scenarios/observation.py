"""The world as a debriefing sees it: what it holds, what was done to it since the scene began, what was recorded.

Everything is read past outages, as an admin; nothing is changed by looking.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Environment, Side
from sandbox.moto_ext.data.task_data import OPEN

DELETES = ("Delete", "Terminate", "Remove", "Deregister")
JOURNAL = "JOURNAL#"


@dataclass(frozen=True, slots=True)
class ObservedService:
    """A tenant's service and its bounds (tasks). ``sleeps`` names the scheduled actions that could shrink it.

    ``variables`` are those of its task definition in use.
    """

    tenant: str
    name: str
    desired: int
    running: int
    minimum: int
    maximum: int
    suspended: bool
    sleeps: tuple[str, ...]
    definition: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ObservedDatabase:
    """A database instance. ``source`` is what it replicates, "" where it stands alone."""

    name: str
    status: str
    source: str
    restored_from: str

    @property
    def writable(self) -> bool:
        """Whether it takes writes: tasks can use it, and it is nobody's replica."""
        return self.status in OPEN and not self.source


@dataclass(frozen=True, slots=True)
class MirroredEntry:
    """One entry of a run's journal, as the control table mirrors it."""

    incident: str
    kind: str
    step: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class WorldObservation:
    """The state of the world, and what happened in it since the scene began.

    ``mutations`` are the calls since the scene began, with the fields of a ``Mutation``; ``tries`` counts the
    calls that an outage met, by ``region service:Operation``. ``leads`` is the side that the records' weights choose.
    ``answers`` is the region whose addresses the name server gives just now; ``pinned`` says that the primary's health
    check cannot turn healthy by itself. ``started`` is the state when the scene began.
    """

    env: Environment
    tenants: tuple[str, ...]
    services: Mapping[Side, tuple[ObservedService, ...]]
    databases: Mapping[Side, tuple[ObservedDatabase, ...]]
    leads: str
    answers: str
    pinned: bool
    journal: tuple[MirroredEntry, ...]
    mutations: tuple[Mapping[str, Any], ...]
    tries: Mapping[str, int]
    disasters: tuple[str, ...]
    started: Mapping[str, Any]

    def database(self, side: Side) -> ObservedDatabase | None:
        """The estate's own database there."""
        name = self.env.database_on(side)
        return next((database for database in self.databases[side] if database.name == name), None)

    def service(self, side: Side, tenant: str) -> ObservedService | None:
        """The tenant's service there."""
        return next((service for service in self.services[side] if service.tenant == tenant), None)

    def done(self, *operations: str) -> list[Mapping[str, Any]]:
        """The calls of these operations that the world carried out (all operations where none is named)."""
        return [
            mutation
            for mutation in self.mutations
            if mutation["done"] and (not operations or mutation["operation"] in operations)
        ]

    def changes(self) -> list[Mapping[str, Any]]:
        """What was changed in the estate itself: the runs' own records, locks and messages are no change of it."""
        # A run publishes to its topic at each step.
        notifications = ("Publish",)
        return [change for change in self.done() if not change["control"] and change["operation"] not in notifications]

    def deletions(self) -> list[Mapping[str, Any]]:
        """Every call that took something away, but for the one by which a replicated file system opens (T27)."""
        # EFS has no promotion: the copy takes writes when its replication is deleted.
        opens = "DeleteReplicationConfiguration"
        return [
            change
            for change in self.changes()
            if change["operation"].startswith(DELETES) and change["operation"] != opens
        ]

    def entries(self, kind: str) -> Iterator[MirroredEntry]:
        """The journals' entries of that kind since the scene began, in order."""
        return (entry for entry in self.journal if entry.kind == kind)


def call_names(calls: Iterable[Mapping[str, Any]]) -> str:
    """The calls in a few words, each once."""
    return ", ".join(dict.fromkeys(f"{call['service']}:{call['operation']} in {call['region']}" for call in calls))


def parameter(call: Mapping[str, Any], name: str) -> str:
    """One parameter of a recorded call as text, "" where it has none."""
    params = call["params"] if isinstance(call["params"], dict) else {}
    value = params.get(name, "")
    return value if isinstance(value, str) else json.dumps(value)
