"""The estate map: what a platform of two regions is made of, and which thing stands for which in the other region.

A name decides nothing: each thing says by which answer of AWS it was found, and each counterpart by which relation it
is one. What could not be read stands beside the map: it is never a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MappedKind(StrEnum):
    """What a store holds."""

    DATABASE = "database"
    FILES = "files"
    OBJECTS = "objects"
    TABLE = "table"
    SECRET = "secret"  # noqa: S105 - a kind of store
    IMAGES = "images"


class Relation(StrEnum):
    """Why a thing of one region stands for a thing of the other."""

    SAME_RULE = "the same host and path rule"
    SAME_FAMILY = "the same task definition family"
    SAME_IMAGE = "the same image and command"
    SAME_TIMES = "the same times, in the cluster that stands for its own"
    READ_REPLICA = "read replica"
    BACKUP_REPLICATION = "replicated automated backups"
    BACKUP_COPY = "copies of AWS Backup"
    FILE_REPLICATION = "EFS replication"
    BUCKET_REPLICATION = "S3 replication rule"
    GLOBAL_TABLE = "global table"
    SECRET_REPLICA = "replica of the secret"  # noqa: S105 - a relation
    REGISTRY_REPLICATION = "ECR replication rule"


class PartKind(StrEnum):
    """What a task definition names."""

    TASK_ROLE = "task role"
    EXECUTION_ROLE = "execution role"
    IMAGE = "image"
    LOG_GROUP = "log group"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Thing:
    """One resource. ``found``: the operation that showed it, and how it led here.

    ``names``: what a service's own resources are called, by the key of ``[names]``.
    """

    kind: str
    id: str
    name: str
    region: str
    account: str
    found: str
    state: str = ""
    names: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What stands for a thing in another region, and why."""

    thing: Thing
    relation: Relation


@dataclass(frozen=True, slots=True)
class Leg:
    """One way from an entry into a region: a record, and the load balancer that it leads to."""

    record: str
    policy: str
    leads: bool
    balancer: Thing


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A name that visitors ask for: the names that lead to it, a distribution between, and its way into each region."""

    name: str
    zone: str
    aliases: tuple[str, ...]
    distribution: str
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """What a listener rule lets through to a workload: hosts and paths, empty where the rule names none."""

    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    port: int

    def __str__(self) -> str:
        where = ", ".join(self.hosts) or "any host"
        return f"{where} {', '.join(self.paths)}".strip()


@dataclass(frozen=True, slots=True)
class Workload:
    """An ECS service and what it stands on: ``parts`` are roles, log groups, images and volumes, as AWS names them.

    ``unread``: it has no counterpart, but a list that one would stand in could not be read.
    """

    service: Thing
    cluster: str
    family: str
    routes: tuple[Route, ...]
    parts: tuple[Thing, ...] = ()
    counterpart: Counterpart | None = None
    unread: bool = False
    running: int = 0
    desired: int = 0
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class TaskSchedule:
    """What starts tasks of a family in a cluster, when or upon which events, and the words that it starts them with.

    ``unread``: a list that a counterpart would stand in could not be read.
    """

    thing: Thing
    times: str
    cluster: str
    family: str
    words: str = ""
    counterpart: Counterpart | None = None
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """A store of the primary region, its counterparts, and the services that use it.

    ``unread``: a list that a counterpart would stand in could not be read.
    """

    kind: MappedKind
    thing: Thing
    counterparts: tuple[Counterpart, ...] = ()
    used_by: tuple[str, ...] = ()
    found: str = ""
    unsupported: str = ""
    unread: bool = False


@dataclass(frozen=True, slots=True)
class MapGap:
    """What a failover would lack, the consequence for people, and the answer of AWS that shows it."""

    what: str
    consequence: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A read that had no answer: ``list`` as boto3 names it, and why."""

    service: str
    list: str
    region: str
    why: str


@dataclass(frozen=True, slots=True)
class EstateMap:
    """What was found. ``dr`` is "" where nothing of the primary region has a counterpart anywhere.

    ``beside``: how many stores no workload names, and nothing replicates, by kind. ``balancers``: the load balancers of
    all regions that were read.
    """

    account: str
    primary: str
    dr: str
    entries: tuple[EntryPoint, ...] = ()
    workloads: tuple[Workload, ...] = ()
    stores: tuple[Store, ...] = ()
    gaps: tuple[MapGap, ...] = ()
    unread: tuple[Unread, ...] = ()
    beside: dict[str, int] = field(default_factory=dict)
    balancers: tuple[Thing, ...] = ()
    schedules: tuple[TaskSchedule, ...] = ()
