"""The readers of the compute see the sandbox's estate as it is, and keep secrets out of what they saw."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side
from dr_estate.config.settings import Regions
from dr_estate.model.kept_values import harmless, pointer_or_digest
from dr_estate.readers import (
    application_autoscaling,
    cloudwatch_logs,
    ecr,
    ecs,
    ecs_stopped_tasks,
    elbv2,
    service_quotas,
    vpc,
)
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot, from_json, to_json
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import SIT
from tests.proofs.changes import Aws
from tests.worlds import borrowed, healthy

TENANTS = 3


def _seen(world: Endpoint, env: Environment) -> Snapshot:
    keys = world.people["reader"]
    return observe(env, Credentials(world.url, keys.access_key_id, keys.secret_access_key), "sandbox")


@pytest.fixture(scope="module")
def seen(sandbox_world: Endpoint) -> Snapshot:
    return healthy(sandbox_world, SIT)


def _misled(world: Endpoint, regions: Regions) -> CheckResult:
    env = SIT.model_copy(update={"regions": regions})
    return judge(checks()["primary.services-running"], _seen(world, env), env)


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_every_tenant_is_seen_with_all_that_serves_it(seen: Snapshot, side: Side) -> None:
    readers: list[Reader[Any]] = [
        ecs.services,
        ecs.task_definitions,
        elbv2.target_groups,
        application_autoscaling.targets,
        cloudwatch_logs.groups,
    ]
    for reader in readers:
        assert TENANTS == len(seen.get(reader, side)), reader.name
    assert TENANTS * 2 == len(seen.get(elbv2.rules, side)), "a rule on each of two listeners"
    served = TENANTS if side is Side.PRIMARY else 0  # a pilot light runs no task
    assert served == len([r for r in seen.get(elbv2.healthy_hosts, side) if r.value])


def test_what_the_readers_saw_survives_as_evidence(seen: Snapshot) -> None:
    again = from_json(to_json(seen))
    for key, part in seen.parts.items():
        assert part.value == again.parts[key].value, key


def test_running_tasks_are_read_with_their_image_digest_and_zone(seen: Snapshot) -> None:
    tasks = seen.get(ecs.tasks, Side.PRIMARY)
    digests = {
        image.digest
        for r in seen.get(ecr.repositories, Side.PRIMARY)
        if isinstance(r.images, tuple)
        for image in r.images
    }
    assert tasks
    assert {digest for task in tasks for _, digest in task.images} <= digests
    assert all(task.zone.startswith(SIT.regions.primary) for task in tasks)


def test_security_group_rules_read_alike_in_both_regions(seen: Snapshot) -> None:
    first, two = (
        {g.name: (g.ingress, g.egress) for g in seen.get(vpc.security_groups, side)} for side in (Side.PRIMARY, Side.DR)
    )
    assert first == two
    assert ("tcp 80-80 sit-alb-sg",) == first["sit-ecs-sg"][0]


def test_rules_by_a_prefix_list_are_read_as_the_blocks_it_holds() -> None:
    with borrowed(SIT, 1) as world:
        ec2 = Aws(world.url, world.people["admin"], SIT, "").client("ec2", Side.DR)
        named = {"PrefixListName": "offices", "MaxEntries": 3, "AddressFamily": "IPv4"}
        rows = [{"Cidr": "198.51.100.0/24"}, {"Cidr": "10.20.0.0/16"}]
        listed = [ec2.create_managed_prefix_list(**named, Entries=found)["PrefixList"] for found in (rows, [])]
        listed += [row for row in ec2.describe_managed_prefix_lists()["PrefixLists"] if row["OwnerId"] == "AWS"][:1]
        groups = ec2.describe_security_groups()["SecurityGroups"]
        group = next(row for row in groups if row["GroupName"] == "sit-alb-sg")
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        for port, row in enumerate(listed, 1):
            rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            rule["PrefixListIds"] = [{"PrefixListId": row["PrefixListId"]}]
            ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
        rules = {row.name: row.ingress for row in _seen(world, SIT).get(vpc.security_groups, Side.DR)}
    assert rules["sit-alb-sg"] == ("tcp 1-1 198.51.100.0/24", "tcp 1-1 vpc", "tcp 3-3 a prefix list")


def test_every_quota_is_read_with_a_limit(seen: Snapshot) -> None:
    read = seen.get(service_quotas.quotas, Side.DR)
    assert len(service_quotas.WANTED) == len(read)
    assert all(isinstance(quota.limit, float) for quota in read)


@pytest.mark.proof
def test_the_wrong_primary_region_is_distinguished_from_an_outage(sandbox_world: Endpoint) -> None:
    """A primary region that answers and holds nothing is no outage while another configured region holds it all."""
    result = _misled(sandbox_world, Regions(primary="eu-north-1", dr=SIT.regions.dr, others=(SIT.regions.primary,)))
    assert Status.FAIL == result.status
    measurements = [finding.measured for finding in result.findings]
    assert [
        f"found in {SIT.regions.dr}: 3 services, 0 tasks",
        f"found in {SIT.regions.primary}: 3 services, 6 tasks",
    ] == measurements


@pytest.mark.proof
def test_an_empty_platform_is_reported_as_such(sandbox_world: Endpoint) -> None:
    result = _misled(sandbox_world, Regions(primary="eu-north-1", dr="eu-central-1"))
    assert ["no services in any configured region"] == [finding.measured for finding in result.findings]


def test_elsewhere_is_not_asked_while_the_primary_region_holds_services(seen: Snapshot) -> None:
    assert () == seen.get(ecs.other_regions, Side.PRIMARY)


@pytest.mark.parametrize("name", ["DB_PASSWORD", "AUTH_KEY", "LOGGED_IN_SALT", "API_TOKEN", "AWS_SECRET", "NONCE_KEY"])
def test_a_variable_named_like_a_secret_is_kept_as_a_digest(name: str) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", harmless(name, "hunter2"))


def test_other_variables_are_kept_without_the_user_of_a_url() -> None:
    assert "db.example.org:3306" == harmless("WORDPRESS_DB_HOST", "db.example.org:3306")
    assert "https://***@example.org/x" == harmless("UPSTREAM", "https://user:pw@example.org/x")
    assert "monkeys" == harmless("MONKEY", "monkeys")


@pytest.mark.parametrize(
    ("name", "value", "stays"),
    [
        ("WORDPRESS_DB_HOST", "sit-mysql.abc.af-south-1.rds.amazonaws.com:3306", True),
        ("WORDPRESS_DB_NAME", "tenant1_db", True),
        ("AWS_REGION", "af-south-1", True),
        ("QUEUE", "https://sqs.af-south-1.amazonaws.com", True),
        ("CACHE", "redis.internal.example:6379", True),
        ("PLAIN_SETTING", "hunter2", False),
        ("HOOK", "https://hooks.example.org/services/T0/B0/hunter2", False),
        ("HOOK", "https://hooks.example.org/?key=hunter2", False),
        ("API_TOKEN", "hunter2", False),
    ],
)
def test_a_variable_value_is_kept_where_it_is_a_pointer_else_as_a_digest(name: str, value: str, stays: bool) -> None:
    shown = pointer_or_digest(name, value)
    assert (shown == value, "hunter2" in shown) == (stays, False)


def test_of_a_url_the_path_is_compared_whatever_its_database_is_called() -> None:
    urls = ("postgres://u:p@shop-1.r.rds.amazonaws.com:5432/shop", "postgres://u:p@far-2.r.rds.amazonaws.com:5432/shop")
    here, there = (pointer_or_digest("DATABASE_URL", url).rpartition("/")[2] for url in urls)
    other = pointer_or_digest("DATABASE_URL", urls[0].replace("/shop", "/till")).rpartition("/")[2]
    assert (True, False) == (here == there, here == other)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("1.dkr.ecr.r.amazonaws.com/a/b:v1", ecr.ImageRef("1", "r", "a/b", "v1", "")),
        ("1.dkr.ecr.r.amazonaws.com/b@sha256:0", ecr.ImageRef("1", "r", "b", "latest", "sha256:0")),
        ("1.dkr.ecr.r.amazonaws.com/b:v1@sha256:0", ecr.ImageRef("1", "r", "b", "v1", "sha256:0")),
        ("1.dkr.ecr.r.amazonaws.com/b", ecr.ImageRef("1", "r", "b", "latest", "")),
        ("wordpress:6", ecr.ImageRef("", "", "wordpress", "6", "")),
        ("public.ecr.aws/docker/wordpress", ecr.ImageRef("", "", "public.ecr.aws/docker/wordpress", "latest", "")),
    ],
)
def test_an_image_reference_is_taken_apart(image: str, expected: ecr.ImageRef) -> None:
    assert expected == ecr.image_ref(image)


def test_why_tasks_of_a_service_that_lacks_them_did_not_start_is_read() -> None:
    reader = ecs_stopped_tasks.failures
    with borrowed(SIT, tenants=1) as world:
        world.timing(transition_s=0.1)
        before = healthy(world, SIT)
        world.inject("ecr-digest-deleted")
        ecs_client = Aws(world.url, world.people["admin"], SIT, tenant="").client("ecs", Side.DR)
        (service,) = before.get(ecs.services, Side.DR)
        ecs_client.update_service(cluster=SIT.named(SIT.names.cluster), service=service.name, desiredCount=2)
        keys = world.people["reader"]
        as_reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        for _ in range(50):
            found = observe(SIT, as_reader, "sandbox", only=frozenset({reader.name})).get(reader, Side.DR)
            if found:
                break
            time.sleep(0.2)
    assert () == before.get(reader, Side.DR), "where all run, nothing is asked"
    assert [f"service:{service.name}"] == [task.group for task in found]
    assert found[0].reason.startswith("CannotPull")
