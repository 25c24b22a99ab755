"""A tenant's page needs its database, its files and the password of its task's start; its target's health follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.network.http_probe import visit
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed

PROD = load_environment(Path(__file__).parents[3] / "environments", "prod")
DATABASE, CLUSTER = PROD.named(PROD.names.database), PROD.named(PROD.names.cluster)
FIRST, SECOND = "tenant-1", "tenant2"


class Visited:
    """A world, and what its pages and targets are like."""

    def __init__(self, world: Endpoint) -> None:
        self.world = world
        self.sites = world.sites()

    def client(self, service: str, side: Side = Side.PRIMARY) -> Any:
        return client_of(self.world, service, PROD.region(side), person="admin")

    def page(self, place: str = PROD.regions.primary, tenant: str = SECOND) -> int:
        host = f"{tenant.replace('-', '')}.{PROD.traffic.tenant_domain}"
        return visit("127.0.0.1", self.sites[place]["http"], host, PROD.probe_path, 5).status

    def health(self, tenant: str = SECOND) -> set[str]:
        """How the tenant's targets in the primary region are described, else their states."""
        elb = self.client("elbv2")
        name = PROD.named(PROD.names.target_group, tenant=tenant)
        group = elb.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"]
        rows = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {row["TargetHealth"].get("Description", row["TargetHealth"]["State"]) for row in rows}

    def update(self, tenant: str = SECOND, **changes: Any) -> None:
        service = PROD.named(PROD.names.service, tenant=tenant)
        self.client("ecs").update_service(cluster=CLUSTER, service=service, **changes)

    def service(self, tenant: str = SECOND) -> dict[str, Any]:
        name = PROD.named(PROD.names.service, tenant=tenant)
        answer = self.client("ecs").describe_services(cluster=CLUSTER, services=[name])
        found: dict[str, Any] = answer["services"][0]
        return found

    def access_point(self, tenant: str = SECOND) -> str:
        points = self.client("efs").describe_access_points()["AccessPoints"]
        name = PROD.named(PROD.names.access_point, tenant=tenant)
        return next(str(point["AccessPointId"]) for point in points if point["Name"] == name)


@pytest.fixture(scope="module")
def whole(sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with borrowed(PROD, 2) as endpoint:
        endpoint.timing(transition_s=0)
        endpoint.keep("whole")
        yield endpoint


@pytest.fixture
def visited(whole: Endpoint) -> Iterator[Visited]:
    yield Visited(whole)
    whole.end()
    whole.return_to("whole")


def test_a_page_is_500_without_its_database_and_every_target_unhealthy(visited: Visited) -> None:
    visited.client("rds").stop_db_instance(DBInstanceIdentifier=DATABASE)
    assert (500, 500) == (visited.page(), visited.page(tenant=FIRST))
    assert {"Health checks failed with these codes: [500]"} == visited.health()
    visited.client("rds").start_db_instance(DBInstanceIdentifier=DATABASE)
    assert (200, {"healthy"}) == (visited.page(), visited.health())


def test_a_page_without_its_files_is_403_and_other_tenants_are_well(visited: Visited) -> None:
    visited.client("efs").delete_access_point(AccessPointId=visited.access_point())
    assert (403, 200) == (visited.page(), visited.page(tenant=FIRST))
    assert {"Health checks failed with these codes: [403]"} == visited.health()


@pytest.mark.proof
def test_a_page_is_404_where_the_tenants_folder_is_empty(visited: Visited) -> None:
    efs, ecs = visited.client("efs"), visited.client("ecs")
    system = efs.describe_file_systems()["FileSystems"][0]["FileSystemId"]
    root = {"Path": "/nothing", "CreationInfo": {"OwnerUid": 33, "OwnerGid": 33, "Permissions": "0755"}}
    empty = efs.create_access_point(FileSystemId=system, RootDirectory=root, ClientToken="empty")["AccessPointId"]
    revision = ecs.describe_task_definition(taskDefinition=visited.service()["taskDefinition"])["taskDefinition"]
    revision["volumes"][0]["efsVolumeConfiguration"]["authorizationConfig"]["accessPointId"] = empty
    keys = ("family", "containerDefinitions", "volumes", "networkMode", "cpu", "memory", "requiresCompatibilities")
    params = {key: revision[key] for key in (*keys, "executionRoleArn", "taskRoleArn")}
    arn = ecs.register_task_definition(**params)["taskDefinition"]["taskDefinitionArn"]
    running = ecs.list_tasks(cluster=CLUSTER, serviceName=visited.service()["serviceName"])["taskArns"]
    visited.update(taskDefinition=arn)
    assert (200, "IN_PROGRESS") == (visited.page(), visited.service()["deployments"][0]["rolloutState"])
    for task in running:
        ecs.stop_task(cluster=CLUSTER, task=task)
    assert 404 == visited.page()


def test_a_task_holds_the_password_of_its_start_until_a_new_one_is_started(visited: Visited) -> None:
    secrets = visited.client("secretsmanager")
    name = PROD.named(PROD.names.tenant_secret, tenant=SECOND)
    value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps({**value, "password": "rotated in half"}))
    assert (200, {"healthy"}) == (visited.page(), visited.health())
    visited.update(forceNewDeployment=True)
    assert {"healthy", "Health checks failed with these codes: [500]"} == visited.health(), "the old tasks stay"
    assert 200 == visited.page()
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(value))
    visited.update(forceNewDeployment=True)
    assert {"healthy"} == visited.health()


def test_a_task_whose_secret_is_gone_never_starts(visited: Visited) -> None:
    name = PROD.named(PROD.names.tenant_secret, tenant=SECOND)
    secrets = visited.client("secretsmanager")
    secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[PROD.regions.dr])
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert 200 == visited.page(), "those that run hold theirs"
    visited.update(forceNewDeployment=True)
    ecs = visited.client("ecs")
    named = {"cluster": CLUSTER, "serviceName": visited.service()["serviceName"], "desiredStatus": "STOPPED"}
    (stopped, *_) = ecs.describe_tasks(cluster=CLUSTER, tasks=ecs.list_tasks(**named)["taskArns"])["tasks"]
    assert stopped["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets")
    assert "FAILED" == visited.service()["deployments"][0]["rolloutState"]


def test_a_standby_whose_region_has_no_database_answers_500(visited: Visited) -> None:
    assert 503 == visited.page(PROD.regions.dr), "a pilot light runs no task"
    service = PROD.named(PROD.names.service, tenant=SECOND)
    visited.client("ecs", Side.DR).update_service(cluster=CLUSTER, service=service, desiredCount=1)
    assert 500 == visited.page(PROD.regions.dr)


def test_the_distribution_reaches_a_load_balancer_that_lets_nobody_else_in(visited: Visited) -> None:
    assert 200 == visited.page("cloudfront")
    visited.world.inject("reached-through-cloudfront-only")
    with pytest.raises(Exception, match="not reachable from here"):
        visited.page()
    assert 200 == visited.page("cloudfront")
    visited.world.repair()


def test_visitors_of_a_region_that_answers_503_get_that(visited: Visited) -> None:
    visited.world.begin(Outage(PROD.regions.primary, "error", "sites"))
    assert (503, 503) == (visited.page(), visited.page("cloudfront"))
