"""Examples of what this tool recovers, and of what it names because it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_file import MapEntry, MapFile, MapKind
from dr_estate.config.settings import NamesInDr
from dr_estate.model.ecs_settings import DeploymentSettings
from dr_estate.model.engines import ENGINES
from dr_estate.readers import ecs, elbv2, rds
from tests.dr_checks.compute import ONE
from tests.dr_checks.databases import NAME, PRIMARY, REPLICA, database
from tests.dr_checks.traffic import group
from tests.dr_checks.worlds import DENIED, SIT, Example, Values, service, world

PASS, FAIL, UNKNOWN, IDLE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE
BY_ECS = DeploymentSettings(("FARGATE",), "ECS", 60)
REPLICATED = SIT.model_copy(
    update={"replication": SIT.replication.model_copy(update={"database": ("read-replica", "backup-copy")})}
)
ON_BACKUPS = SIT.model_copy(
    update={"replication": SIT.replication.model_copy(update={"database": ("automated-backup",)})}
)
NO_GROUPS: Values = {(elbv2.target_groups, side): () for side in (Side.PRIMARY, Side.DR)}
OTHERS = replace(REPLICA, identifier="sit-mysql-reports")
NAMED = REPLICATED.model_copy(update={"names_in_dr": NamesInDr(database=OTHERS.identifier)})


def _services(expected: Status, settings: DeploymentSettings | None, side: Side = Side.DR) -> Example:
    """A tenant whose service on ``side`` is deployed like that."""
    shown = {
        (ecs.services, region): (replace(service(ONE), settings=settings if region is side else BY_ECS),)
        for region in (Side.PRIMARY, Side.DR)
    }
    return Example("supported.services", expected, world({**shown, **NO_GROUPS}, ("tenant1",)))


def _mapped(cluster: str) -> Environment:
    """The settings with a map of one service that runs in this cluster."""
    arn = f"arn:aws:ecs:r:1:service/{cluster}/sit-tenant1-service"
    entry = MapEntry(
        kind=MapKind.SERVICE, name="sit-tenant1-service", id=arn, account="1", found="x", hosts=("t1.example",)
    )
    saved = MapFile(account=SIT.account, primary=SIT.regions.primary, dr=SIT.regions.dr, entries=(entry,))
    return SIT.model_copy(update={"estate_map": saved})


_CLUSTER = MapEntry(kind=MapKind.DATABASE, name=NAME, id=f"arn:aws:rds:r:1:cluster:{NAME}", account="1", found="x")
OF_A_CLUSTER = SIT.model_copy(
    update={
        "estate_map": MapFile(account=SIT.account, primary=SIT.regions.primary, dr=SIT.regions.dr, entries=(_CLUSTER,))
    }
)


def _behind(expected: Status, balancer: str, env: Environment = SIT, protocol: str = "HTTP") -> Example:
    """A tenant whose target group of the DR region is behind this load balancer."""
    arns = (f"arn:aws:elasticloadbalancing:r:1:loadbalancer/{balancer}",)
    mine = replace(group(Side.DR, "tenant1"), balancers=arns, protocol=protocol)
    attached = replace(service(ONE), settings=BY_ECS, target_groups=(mine.arn,))
    shown = {(ecs.services, side): (attached,) for side in (Side.PRIMARY, Side.DR)}
    groups = {**NO_GROUPS, (elbv2.target_groups, Side.DR): (mine,)}
    return Example("supported.services", expected, world({**shown, **groups}, ("tenant1",)), env=env)


def _database(expected: Status, env: Environment = SIT, **changed: Any) -> Example:
    return Example("supported.database", expected, world(database(**changed)), env=env)


EXAMPLES = [
    _services(PASS, BY_ECS),
    _services(PASS, replace(BY_ECS, capacity=("FARGATE", "FARGATE_SPOT"))),
    _services(FAIL, replace(BY_ECS, controller="CODE_DEPLOY")),
    _services(FAIL, replace(BY_ECS, controller="EXTERNAL")),
    _services(FAIL, replace(BY_ECS, capacity=("EC2",))),
    _services(FAIL, replace(BY_ECS, capacity=("FARGATE", "own-instances"))),
    _services(FAIL, replace(BY_ECS, controller="CODE_DEPLOY"), Side.PRIMARY),
    _services(UNKNOWN, replace(BY_ECS, capacity=("",))),
    _services(UNKNOWN, None),
    Example("supported.services", UNKNOWN, world({(ecs.services, Side.DR): DENIED})),
    Example(
        "supported.services",
        PASS,
        world(
            {
                (ecs.services, Side.PRIMARY): (replace(service(ONE), settings=BY_ECS),),
                (ecs.services, Side.DR): (),
                **NO_GROUPS,
            }
        ),
    ),
    _behind(PASS, "app/sit-alb/1"),
    _behind(FAIL, "net/sit-alb/1", protocol="TCP"),
    _behind(PASS, "app/sit-alb/1", protocol="HTTPS"),
    _behind(FAIL, "app/orders-alb/1"),
    _behind(FAIL, ""),
    _behind(FAIL, "app/sit-alb/1", _mapped("another-cluster")),
    _behind(PASS, "app/sit-alb/1", _mapped("sit-cluster")),
    _database(PASS),
    _database(PASS, instances_dr=(REPLICA,)),
    _database(PASS, REPLICATED, instances_dr=(REPLICA, OTHERS)),
    _database(FAIL, REPLICATED, instances_dr=(OTHERS,)),
    _database(PASS, NAMED, instances_dr=(OTHERS,)),
    _database(PASS, NAMED, instances_dr=(REPLICA, OTHERS)),
    _database(FAIL, NAMED, instances_dr=(REPLICA,)),
    _database(PASS, instances_dr=(OTHERS,)),
    _database(PASS, ON_BACKUPS, instances_dr=(OTHERS,)),
    _database(FAIL, instances_primary=(replace(PRIMARY, cluster="sit-cluster"),)),
    _database(FAIL, instances_primary=(replace(PRIMARY, engine="aurora-mysql"),)),
    *(_database(PASS, instances_primary=(replace(PRIMARY, engine=engine),)) for engine in ENGINES),
    _database(FAIL, instances_primary=(replace(PRIMARY, engine="sqlserver-se"),)),
    _database(FAIL, instances_primary=(replace(PRIMARY, identifier="sit-1", cluster=NAME),)),
    _database(PASS, instances_primary=(PRIMARY, replace(PRIMARY, identifier="other", cluster="others"))),
    _database(UNKNOWN, instances_primary=DENIED),
    _database(UNKNOWN, instances_dr=DENIED),
    Example("supported.database", IDLE, world({(rds.instances, side): () for side in (Side.PRIMARY, Side.DR)})),
    Example(
        "supported.database",
        FAIL,
        world({(rds.instances, side): () for side in (Side.PRIMARY, Side.DR)}),
        frozenset({NAME}),
        OF_A_CLUSTER,
    ),
]
