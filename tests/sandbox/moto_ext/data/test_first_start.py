"""A site of an empty world is installed by its first start, and never again: a copy from before it has none."""

from __future__ import annotations

from moto.rds.models import rds_backends

from sandbox.moto_ext.data import stored_data
from sandbox.server.load_balancer import LoadBalancerSite
from tests.dr_checks.worlds import SIT
from tests.sandbox.moto_ext.compute import Platform, platform
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, Clock

SCHEMA, HOST = "shop_db", "a.shop.example"


def _database(aws: Clients, region: str) -> str:
    created = aws("rds", region).create_db_instance(
        DBInstanceIdentifier="shop", DBInstanceClass="db.t3.small", Engine="mysql", AllocatedStorage=30
    )["DBInstance"]
    return str(created["Endpoint"]["Address"])


def _started(aws: Clients, clock: Clock, region: str) -> Platform:
    """A service of one task upon a new, empty database of the region, some time after its start: ECS is not asked."""
    site = platform(aws, region)
    variables = {"WORDPRESS_DB_HOST": _database(aws, region), "WORDPRESS_DB_NAME": SCHEMA}
    site.client("ecs").create_cluster(clusterName="shop")
    rows = [{"name": name, "value": value} for name, value in variables.items()]
    definition = site.register("nginx:1.27", environment=rows)
    site.client("ecs").create_service(
        cluster="shop",
        serviceName="tenant-a",
        taskDefinition=definition,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=site.network,
        loadBalancers=[{"targetGroupArn": site.target_group, "containerName": "web", "containerPort": 80}],
    )
    clock.shift(180)
    return site


def test_a_site_is_installed_by_its_first_start_alone(aws: Clients, clock: Clock) -> None:
    tenants = {}
    for region in (PRIMARY, DR):
        site = _started(aws, clock, region)
        instance = rds_backends[ACCOUNT][region].databases["shop"]
        tenants[region] = (site.health(), stored_data.tenant_of_schema(instance, SCHEMA))
    assert (["healthy"], "tenant-a") == tenants[PRIMARY]
    page = LoadBalancerSite(SIT.model_copy(update={"account": ACCOUNT}), PRIMARY).reply(80, HOST)
    assert f"https://{HOST}/" in (page.body if page else ""), "WordPress keeps the host of its installation"
    states, tenant = tenants[DR]
    assert ("", False) == (tenant, "healthy" in states)
