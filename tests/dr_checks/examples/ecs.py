"""Examples of the ECS checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, elbv2, rds
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, both_services, definition, task
from tests.dr_checks.databases import PRIMARY, REPLICA
from tests.dr_checks.traffic import groups
from tests.dr_checks.worlds import DENIED, NOW, SIT, WARM, Example, Values, service, world

HERE = (ecs.services, Side.DR)
CLUSTER, TASKS = (ecs.cluster, Side.DR), (ecs.tasks, Side.DR)
SUNDAY = NOW.replace(day=1)
GROUP = "arn:aws:elasticloadbalancing:{}:1:targetgroup/sit-{}-tg/1"
CREATING = replace(PRIMARY, status="creating")
PLANNED = "ecs.desired-and-running"
TENANT1_GROUP = (GROUP.format("eu-west-1", "tenant1"),)


def _one(**changes: Any) -> Values:
    return {HERE: (replace(service(ONE), **changes),)}


def _pilot_light(database: Any) -> Snapshot:
    """One tenant's service was started in the DR region."""
    return world({HERE: (service(ONE), service(TWO, 0, 0)), (rds.instances, Side.DR): database})


def _attachable(**container: Any) -> Snapshot:
    """The first tenant's service registers nowhere, and its target group and definition are known."""
    mine = definition("tenant1", SIT.regions.dr, container, arn=service(ONE).task_definition)
    known = {(elbv2.target_groups, Side.DR): groups(Side.DR), (ecs.task_definitions, Side.DR): (mine,)}
    return world({**_one(target_groups=()), **known})


def _on_former_platform() -> Snapshot:
    """The second tenant's tasks, which mount a file system, start on a platform that knows none."""
    mine = definition("tenant2", SIT.regions.dr, arn=service(TWO).task_definition)
    return world({HERE: both_services(platform_version="1.3.0"), (ecs.task_definitions, Side.DR): (mine,)})


HEALTHY_PARTS: Values = {(ecs.other_clusters, side): () for side in (Side.PRIMARY, Side.DR)}
EXAMPLES = [
    Example("ecs.cluster-active", Status.PASS, world({CLUSTER: ecs.Cluster("sit-cluster", "ACTIVE")})),
    Example("ecs.cluster-active", Status.FAIL, world({CLUSTER: ecs.Cluster("sit-cluster", None)})),
    Example("ecs.cluster-active", Status.FAIL, world({CLUSTER: ecs.Cluster("sit-cluster", "DEPROVISIONING")})),
    Example("ecs.cluster-active", Status.UNKNOWN, world({CLUSTER: DENIED})),
    Example("ecs.service-exists", Status.PASS, world({HERE: (service(ONE), service(TWO))})),
    Example("ecs.service-exists", Status.FAIL, world({HERE: (service(ONE),)}), frozenset({TWO})),
    Example("ecs.service-exists", Status.FAIL, world({HERE: both_services(status="DRAINING")}), frozenset({TWO})),
    Example("ecs.service-exists", Status.UNKNOWN, world({HERE: DENIED})),
    Example(PLANNED, Status.PASS, world({HERE: (service(ONE, 1, 1), service(TWO))}), env=WARM),
    Example(PLANNED, Status.FAIL, world({HERE: (service(ONE, 1, 0), service(TWO))}), frozenset({ONE}), env=WARM),
    Example(PLANNED, Status.FAIL, world({HERE: (service(ONE, 0, 0),)}), frozenset({ONE}), env=WARM),
    Example(PLANNED, Status.NOT_APPLICABLE, replace(world({HERE: (service(ONE, 0, 0),)}), taken_at=SUNDAY), env=WARM),
    Example(PLANNED, Status.FAIL, replace(world({HERE: (service(ONE, 1, 0),)}), taken_at=SUNDAY), env=WARM),
    Example(PLANNED, Status.NOT_APPLICABLE, world({HERE: (service(ONE, 0, 0), service(TWO, 0, 0))})),
    Example(PLANNED, Status.FAIL, _pilot_light(database=()), frozenset({ONE})),
    Example(PLANNED, Status.FAIL, _pilot_light(database=(CREATING,)), frozenset({ONE})),
    Example(PLANNED, Status.PASS, _pilot_light(database=(PRIMARY,))),
    Example(PLANNED, Status.PASS, _pilot_light(database=(replace(REPLICA, identifier="sit-mysql-r"),))),
    Example(PLANNED, Status.UNKNOWN, _pilot_light(database=DENIED)),
    Example(PLANNED, Status.FAIL, world({HERE: ()}), frozenset({"all services"})),
    Example(PLANNED, Status.UNKNOWN, world({HERE: DENIED})),
    Example("ecs.deployment-sound", Status.PASS, world({HERE: both_services(rollout="IN_PROGRESS")})),
    Example("ecs.deployment-sound", Status.PASS, world({HERE: both_services(rollout="STEADY_STATE")})),
    Example("ecs.deployment-sound", Status.UNKNOWN, world({HERE: both_services(rollout="")}), frozenset({TWO})),
    Example("ecs.deployment-sound", Status.FAIL, world({HERE: both_services(rollout="FAILED")}), frozenset({TWO})),
    Example("ecs.deployment-sound", Status.NOT_APPLICABLE, world({HERE: ()})),
    Example("ecs.deployment-sound", Status.NOT_APPLICABLE, world({HERE: (service(ONE, 0, 0), service(TWO, 0, 0))})),
    Example("ecs.deployment-sound", Status.FAIL, world(_one(desired=0, running=0, rollout="FAILED"))),
    Example("ecs.deployment-sound", Status.UNKNOWN, world({HERE: DENIED})),
    Example("ecs.target-group-attached", Status.PASS, world(_one(target_groups=TENANT1_GROUP))),
    Example("ecs.target-group-attached", Status.FAIL, world(_one(target_groups=()))),
    Example(
        "ecs.target-group-attached",
        Status.FAIL,
        world(_one(target_groups=(GROUP.format("eu-west-1", "tenant2"),))),
        frozenset({ONE}),
    ),
    Example("ecs.target-group-attached", Status.FAIL, _attachable()),
    Example("ecs.target-group-attached", Status.FAIL, _attachable(ports=(80, 443))),
    Example("ecs.target-group-attached", Status.NOT_APPLICABLE, world({HERE: ()})),
    Example("ecs.target-group-attached", Status.UNKNOWN, world({HERE: DENIED})),
    Example(
        "ecs.zone-spread",
        Status.PASS,
        world({HERE: both_services(), TASKS: (task(ONE, "a"), task(ONE, "b"), task(TWO, "a"))}),
    ),
    Example(
        "ecs.zone-spread",
        Status.FAIL,
        world({HERE: both_services(), TASKS: (task(ONE, "a"), task(ONE, "a"), task(TWO, "a"))}),
        frozenset({ONE}),
    ),
    Example("ecs.zone-spread", Status.NOT_APPLICABLE, world({HERE: both_services(), TASKS: (task(ONE), task(TWO))})),
    Example("ecs.zone-spread", Status.UNKNOWN, world({HERE: both_services(), TASKS: DENIED})),
    Example("ecs.platform-version", Status.PASS, world({HERE: both_services(platform_version="LATEST")})),
    Example(
        "ecs.platform-version",
        Status.FAIL,
        world({HERE: both_services(platform_version="1.3.0")}),
        frozenset({TWO}),
    ),
    # Its tasks mount a file system, which no version before 1.4.0 does.
    Example("ecs.platform-version", Status.FAIL, _on_former_platform(), frozenset({TWO})),
    Example("ecs.platform-version", Status.NOT_APPLICABLE, world({HERE: ()})),
    Example("ecs.platform-version", Status.UNKNOWN, world({HERE: DENIED})),
]
