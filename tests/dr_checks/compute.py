"""Plain values of the compute: definitions, tasks, repositories, as the examples need them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.config.settings import NamesInDr
from dr_estate.readers import ecr, ecs
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from tests.dr_checks.worlds import NOW, SIT, service

ONE, TWO = "sit-tenant1-service", "sit-tenant2-service"
P, D = SIT.regions.primary, SIT.regions.dr
REPOSITORY = "sit-wordpress"
NEW, OLD = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SECRET = "secret:sit-{}-db-credentials-AbCdEf:username::"


def image(region: str, reference: str = f"@{NEW}") -> str:
    return f"{SIT.account}.dkr.ecr.{region}.amazonaws.com/{REPOSITORY}{reference}"


def container(tenant: str, region: str, **changes: Any) -> ecs.Container:
    base = ecs.Container(
        name="wordpress",
        image=image(region),
        ports=(80,),
        environment=(("WORDPRESS_DB_HOST", f"sit-mysql.x.{region}.rds.amazonaws.com"), ("TENANT", tenant)),
        secrets=(("DB_USER", f"arn:aws:secretsmanager:{region}:{SIT.account}:{SECRET.format(tenant)}"),),
        log_group=f"/ecs/sit-{tenant}",
        log_region=region,
    )
    return replace(base, **changes)


def definition(tenant: str, region: str, changes: dict[str, Any] | None = None, **own: Any) -> ecs.TaskDefinition:
    """A tenant's definition; ``changes`` are those of its container."""
    base = ecs.TaskDefinition(
        arn=f"arn:aws:ecs:r:1:task-definition/sit-{tenant}:1",
        family=f"sit-{tenant}",
        cpu=512,
        memory=1024,
        network_mode="awsvpc",
        execution_role="arn:aws:iam::1:role/execution",
        task_role="arn:aws:iam::1:role/task",
        containers=(container(tenant, region, **(changes or {})),),
        volumes=(ecs.Volume("content", f"fs-{region}", f"fsap-{region}", transit_encryption=True),),
    )
    return replace(base, **own)


def definitions(region: str, **two: Any) -> tuple[ecs.TaskDefinition, ...]:
    """Both tenants' definitions; ``two`` changes the second one."""
    return (definition("tenant1", region), definition("tenant2", region, **two))


IN_DR = frozenset({"psql-ireland"})
PSQL = SIT.model_copy(
    update={
        "names": SIT.names.model_copy(update={"psql_task": "sit-psql"}),
        "names_in_dr": NamesInDr(psql_task="psql-ireland"),
    }
)
"""SIT, where PostgreSQL is asked by a task definition that has another name in the DR region."""


def with_psql(there: Snapshot, *rows: object, **changes: Any) -> Snapshot:
    """The snapshot with that definition in the DR region, whose container has ``changes``, or ``rows`` in its place."""
    found: Any = (definition("psql", D, changes, family="psql-ireland"),)
    part = SnapshotPart(ecs.psql_definitions.name, Side.DR, D, NOW, rows[0] if rows else found)
    return replace(there, parts={**there.parts, (part.name, Side.DR): part})


def both_services(**two: Any) -> tuple[ecs.Service, ...]:
    return (service(ONE), replace(service(TWO), **two))


def task(name: str, zone: str = "a", digest: str = NEW, status: str = "RUNNING") -> ecs.Task:
    arn = f"arn:aws:ecs:r:1:task/{name}/{zone}"
    return ecs.Task(arn, f"service:{name}", status, "arn", zone, (("wordpress", digest),))


def repository(*digests: str, tag: str = "live") -> ecr.Repository:
    """The environment's repository; the first digest carries ``tag``. Pushed an hour before the observation."""
    pushed = NOW.replace(hour=NOW.hour - 1)
    rows = (ecr.Image(digest, (tag,) if n == 0 else (), pushed) for n, digest in enumerate(digests))
    return ecr.Repository(SIT.account, REPOSITORY, tuple(rows))
