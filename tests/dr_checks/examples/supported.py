"""Examples of what this tool recovers, and of what it names because it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side
from dr_estate.config.settings import NamesInDr
from dr_estate.model.deployment_settings import DeploymentSettings
from dr_estate.model.engines import ENGINES
from dr_estate.readers import ecs, rds
from tests.dr_checks.compute import ONE
from tests.dr_checks.databases import NAME, PRIMARY, REPLICA, database
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

PASS, FAIL, UNKNOWN, IDLE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE
BY_ECS = DeploymentSettings(("FARGATE",), "ECS", 60)
REPLICATED = SIT.model_copy(
    update={"replication": SIT.replication.model_copy(update={"database": ("read-replica", "backup-copy")})}
)
ON_BACKUPS = SIT.model_copy(
    update={"replication": SIT.replication.model_copy(update={"database": ("automated-backup",)})}
)
OTHERS = replace(REPLICA, identifier="sit-mysql-reports")
NAMED = REPLICATED.model_copy(update={"names_in_dr": NamesInDr(database=OTHERS.identifier)})


def _services(expected: Status, settings: DeploymentSettings | None, side: Side = Side.DR) -> Example:
    """A tenant whose service on ``side`` is deployed like that."""
    shown = {
        (ecs.services, region): (replace(service(ONE), settings=settings if region is side else BY_ECS),)
        for region in (Side.PRIMARY, Side.DR)
    }
    return Example("supported.services", expected, world(shown, ("tenant1",)))


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
        world({(ecs.services, Side.PRIMARY): (replace(service(ONE), settings=BY_ECS),), (ecs.services, Side.DR): ()}),
    ),
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
]
