"""Builds snapshots out of plain values, so that a check is tested without any AWS at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.config.settings import Standby
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DENIED = Unavailable(UnavailableKind.DENIED, "the call is denied (AccessDenied).")
SIT = load_environment(Path(__file__).parents[2] / "environments", "sit")
Values = Mapping[tuple[Reader[Any], Side], Any]


def warm(env: Environment) -> Environment:
    """The environment with a task a tenant in the DR region, on a read replica."""
    replication = env.replication.model_copy(update={"database": ("read-replica", "backup-copy")})
    return env.model_copy(update={"standby": Standby(mode="warm"), "replication": replication})


WARM = warm(SIT)


@dataclass(frozen=True)
class Example:
    """A world, the check that judges it, and the verdict expected; ``subjects`` are those that must be named in it."""

    check: str
    expected: Status
    snapshot: Snapshot
    subjects: frozenset[str] = frozenset()
    env: Environment = SIT


def world(values: Values, tenants: tuple[str, ...] = ("tenant1", "tenant2"), env: Environment = SIT) -> Snapshot:
    """A snapshot of ``values``; tenants come from primary services unless given. The rest is unseen."""
    given = dict(values)
    given.setdefault((ecs.services, Side.PRIMARY), tuple(service(env.named(env.names.service, t)) for t in tenants))
    parts = {
        (reader.name, side): SnapshotPart(reader.name, side, env.region(side), NOW, value)
        for (reader, side), value in given.items()
    }
    return Snapshot(env.name, env.account, "arn:aws:iam::1:user/reader", "values", NOW, parts)


def service(name: str, desired: int = 2, running: int = 2, status: str = "ACTIVE") -> ecs.Service:
    """An ECS service with plausible values."""
    return ecs.Service(
        name=name,
        arn=f"arn:aws:ecs:r:1:service/c/{name}",
        status=status,
        desired=desired,
        running=running,
        pending=0,
        task_definition=f"arn:aws:ecs:r:1:task-definition/{name.removesuffix('-service')}:1",
        launch_type="FARGATE",
        platform_version="1.4.0",
        target_groups=(),
        subnets=("subnet-1", "subnet-2"),
        security_groups=("sg-1",),
        rollout="COMPLETED",
        registries=(),
    )
