"""What is wrong for all tenants alike is not right; a difference of region, id and address alone is nobody's matter.

Plain boto3 changes every tenant's definitions, in both regions or in one; then the checks are asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_estate.config.environment import Side, load_environment
from tests.proofs.changes import Aws
from tests.proofs.watching import Watch, judged, not_passed, watch
from tests.utils.running import ROOT
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof]
BEFORE, TENANTS = "before the change", 2
SIT = load_environment(ROOT / "environments", "sit")
P, D, ACCOUNT = SIT.regions.primary, SIT.regions.dr, SIT.account
LEADS, ALIKE, NAMES = "references.lead-here", "variables.alike", "definitions.primary-region-names"
FAIL, WARN, UNKNOWN = Status.FAIL, Status.WARN, Status.UNKNOWN


@dataclass(frozen=True)
class Setting:
    """A variable of all tenants in each region, None where it stays as it is, and what a look says of it."""

    name: str
    there: str | None
    here: str
    expected: dict[str, Status]


WRONG = [
    Setting("WORDPRESS_DB_HOST", None, "db.nobody.internal:3306", {LEADS: UNKNOWN, ALIKE: WARN}),
    Setting("WORDPRESS_TABLE_PREFIX", "wp_", "wp2_", {ALIKE: WARN}),
    Setting("WORDPRESS_DB_CHARSET", "utf8mb4", "latin1", {ALIKE: WARN}),
    Setting(
        "WP_REDIS_HOST",
        "c.abc123.0001.afs1.cache.amazonaws.com",
        "c.abc123.0001.afs1.cache.amazonaws.com",
        {LEADS: FAIL},
    ),
    Setting(
        "WP_REDIS_HOST",
        "c.abc123.0001.afs1.cache.amazonaws.com",
        "c.abc123.0001.euw1.cache.amazonaws.com",
        {LEADS: UNKNOWN},
    ),
    Setting("MEMCACHED", "10.10.3.4:11211", "10.10.3.4:11211", {LEADS: FAIL}),
    Setting("CACHE", '{"host": "10.10.3.4", "port": 1}', '{"host": "10.10.3.4", "port": 1}', {LEADS: FAIL}),
    Setting(
        "MASTER_SECRET_ARN",
        f"arn:aws:secretsmanager:{P}:{ACCOUNT}:secret:a-AbCdEf",
        f"arn:aws:secretsmanager:{P}:{ACCOUNT}:secret:a-AbCdEf",
        {NAMES: FAIL},
    ),
    Setting(
        "JOBS",
        f"https://sqs.{P}.amazonaws.com/{ACCOUNT}/jobs",
        f"https://sqs.{D}.amazonaws.com/{ACCOUNT}/jobs",
        {LEADS: UNKNOWN},
    ),
    Setting("MAIL", "mail.sit.internal", "mail.sit.internal", {LEADS: UNKNOWN}),
]
HARMLESS = [
    Setting("DR_REGION", D, D, {}),
    Setting("MEMCACHED", "10.10.3.4:11211", "10.20.3.4:11211", {}),
    Setting("CACHE", '{"host": "10.10.3.4", "port": 1}', '{"host": "10.20.3.4", "port": 1}', {}),
    Setting("SMTP_HOST", f"email-smtp.{P}.amazonaws.com", f"email-smtp.{D}.amazonaws.com", {}),
    Setting("SMTP_HOST", "smtp.example.org", "smtp.example.org", {}),
    Setting("HOOK", "https://hooks.example.org/services/T0/B0", "https://hooks.example.org/services/T0/B0", {}),
    Setting("TRUSTED_PROXIES", "10.10.0.0/16,10.20.0.0/16", "10.10.0.0/16,10.20.0.0/16", {}),
    Setting(
        "MEDIA_BUCKET",
        SIT.named(SIT.names.buckets[0]),
        SIT.named(SIT.names.bucket_copy, bucket=SIT.named(SIT.names.buckets[0])),
        {},
    ),
    Setting("ZONE", "afs1-az1", "euw1-az1", {}),
    Setting("DATABASE_URL", "mysql://app:word@db.sit.internal/x", "mysql://app:word@db.sit.internal/x", {}),
]


@pytest.fixture(scope="module")
def seen() -> Iterator[Watch]:
    with borrowed(SIT, TENANTS) as world:
        world.keep(BEFORE)
        yield watch(world, SIT)


def _set(aws: Aws, side: Side, name: str, value: str) -> None:
    ecs, cluster, service = aws.client("ecs", side), aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
    used = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"]
    found = ecs.describe_task_definition(taskDefinition=used)["taskDefinition"]
    members = ecs.meta.service_model.shape_for("RegisterTaskDefinitionRequest").members
    wanted: dict[str, Any] = {key: value for key, value in found.items() if key in members}
    others = [row for row in wanted["containerDefinitions"][0]["environment"] if row["name"] != name]
    wanted["containerDefinitions"][0]["environment"] = [*others, {"name": name, "value": value}]
    arn = ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=service, taskDefinition=arn)


def _after(seen: Watch, change: Callable[[Aws], object], *touched: str) -> dict[str, Status]:
    world = seen.world
    seen.renew()
    try:
        for tenant in world.state()["tenants"]:
            change(Aws(world.url, world.people["admin"], SIT, tenant))
        return not_passed(judged(seen.again({*touched}), SIT))
    finally:
        world.return_to(BEFORE)


def _setting(setting: Setting) -> Callable[[Aws], object]:
    def change(aws: Aws) -> None:
        _set(aws, Side.DR, setting.name, setting.here)
        if setting.there is not None:
            _set(aws, Side.PRIMARY, setting.name, setting.there)

    return change


@pytest.mark.parametrize("setting", [*WRONG, *HARMLESS], ids=lambda row: f"{row.name}={row.here[:40]}")
def test_what_all_tenants_have_alike_is_followed_as_what_one_has(setting: Setting, seen: Watch) -> None:
    assert setting.expected == _after(seen, _setting(setting), "ecs")


def test_a_cache_and_a_queue_that_are_there_are_found(seen: Watch) -> None:
    def make(aws: Aws) -> None:
        for side, code in ((Side.PRIMARY, "afs1"), (Side.DR, "euw1")):
            aws.client("sqs", side).create_queue(QueueName="jobs")
            name = aws.named("{tenant}-cache")
            described = {
                "ReplicationGroupDescription": "sessions",
                "Engine": "redis",
                "CacheNodeType": "cache.t3.micro",
            }
            aws.client("elasticache", side).create_replication_group(ReplicationGroupId=name, **described)
            _set(aws, side, "WP_REDIS_HOST", f"{name}.abc123.0001.{code}.cache.amazonaws.com:6379")
            _set(aws, side, "JOBS", f"https://sqs.{aws.env.region(side)}.amazonaws.com/{ACCOUNT}/jobs")

    assert {} == _after(seen, make, "ecs", "sqs", "elasticache")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("c.abc123.0001.afs1.cache.amazonaws.com", {LEADS: FAIL}),
        ("10.10.3.4", {LEADS: FAIL}),
        ("db.sit.internal", {}),
    ],
)
def test_a_secret_that_containers_are_started_with_is_followed(
    host: str, expected: dict[str, Status], seen: Watch
) -> None:
    def make(aws: Aws) -> None:
        secrets, name = aws.client("secretsmanager", Side.PRIMARY), aws.named(aws.env.names.tenant_secret)
        value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
        secrets.put_secret_value(SecretId=name, SecretString=json.dumps(value | {"cache_host": host}))
        for side in (Side.PRIMARY, Side.DR):
            _start_with(aws, side, "cache_host")

    assert expected == _after(seen, make, "ecs", "secretsmanager")


def _start_with(aws: Aws, side: Side, key: str) -> None:
    """Let the containers be started with a field of the tenant's secret."""
    ecs, cluster, service = aws.client("ecs", side), aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
    used = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"]
    found = ecs.describe_task_definition(taskDefinition=used)["taskDefinition"]
    members = ecs.meta.service_model.shape_for("RegisterTaskDefinitionRequest").members
    wanted: dict[str, Any] = {name: value for name, value in found.items() if name in members}
    secrets = wanted["containerDefinitions"][0]["secrets"]
    secrets.append({"name": "CACHE_HOST", "valueFrom": secrets[0]["valueFrom"].replace(":username:", f":{key}:")})
    arn = ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=service, taskDefinition=arn)
