"""Reads a world again and again, cheaply: after a change only the parts that can have changed are read again."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dr_checks.core.model import Area, Check, CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment
from dr_estate.config.settings import ReadLimits as Limits
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.registry import readers
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.worlds import healthy

FULL = os.environ.get("DR_FULL_MATRIX") == "1"
"""Read everything each time: the slow proof that the short cut hides nothing."""

Results = Mapping[str, CheckResult]

# What a change to a service can reach beside that service's own parts: other services, modules of facts, single parts.
# What is not named here stands by itself.
_TASKS = ("cloudwatch_alarms", "dns_answers", "elbv2.healthy_hosts", "route53_health_checks", "http_sites")
FOLLOWED_BY: dict[str, tuple[str, ...]] = {
    "application-autoscaling": ("ecs", *_TASKS),
    "backup": ("kms", "iam_copy_roles"),
    "cloudfront": ("cloudfront_buckets",),
    "dns": ("route53",),
    "dynamodb": ("kms", "store_policies"),
    "ecr": ("iam_task_roles", "kms"),
    "ec2": ("efs", "elbv2", "service_quotas", *_TASKS),
    "ecs": (
        "application-autoscaling",
        "ecr",
        "efs_mounts.task_subnets",
        "cloudwatch_logs",
        "iam_simulation",
        "iam_key_roles",
        "iam_store_roles",
        "iam_task_roles",
        "named_resources",
        "service_quotas",
        "task_sources",
        "recovery_automation",
        "secret_policies",
        "kms",
        "vpc.subnets",
        *_TASKS,
    ),
    "efs": ("backup", "ecs", "iam_task_roles", "efs_mounts", "kms", "resourcegroupstaggingapi", *_TASKS),
    "elbv2": ("service_quotas", *_TASKS),
    "lambda": ("iam_called_roles",),
    "events": ("iam_called_roles",),
    "scheduler": ("iam_called_roles",),
    "kms": ("secretsmanager", "iam_copy_roles", "iam_key_roles", "iam_task_roles"),
    "rds": (
        "backup",
        "ecs",
        "kms",
        "service_quotas",
        "resourcegroupstaggingapi",
        *_TASKS,
    ),
    "route53": ("route53_health_checks",),
    "s3": ("kms", "iam_copy_roles", "iam_key_roles", "store_policies"),
    "secretsmanager": ("kms", "iam_task_roles"),
    "ssm": ("kms", "iam_task_roles"),
    "service-quotas": ("ecs", "service_quotas", *_TASKS),
    "sqs": ("sns_delivery",),
    "wafv2": ("elbv2.guarded",),
    "sns": ("sns_delivery",),
    "sites": ("route53", "route53_health_checks", "http_sites"),
}
GROWS_OLD = ("backup", "cloudwatch", "efs", "rds")
"""Services whose answers hold the age of a copy or of a metric: what was seen of them long ago is a lag by now."""
YOUNG = timedelta(minutes=5)
_UNANSWERED = ("hang", "refuse", "slow", "throttle")
_IMPATIENT = Limits(deadline_s=30, connect_timeout_s=1, read_timeout_s=1, attempts=1, workers=32)


@dataclass
class Watch:
    """``healthy`` is what was last seen while all was well."""

    world: Endpoint
    environment: Environment
    healthy: Snapshot

    def renew(self) -> None:
        """Read the healthy world again where that was long ago: else all that grows old is read after each change."""
        if datetime.now(UTC) - self.healthy.taken_at > YOUNG / 2:
            self.healthy = self.whole()

    def again(self, touched: Collection[str]) -> Snapshot:
        """See the world after a change to the services ``touched``; ``""`` is the outage of a whole region."""
        if "" in touched and any(fault["how"] in _UNANSWERED for fault in self.world.state()["faults"]):
            impatient = self.environment.model_copy(update={"observation": _IMPATIENT})
            return observe(impatient, reader_of(self.world), "sandbox")
        if FULL or "" in touched:
            return self.whole()
        world = reader_of(self.world)
        aged = GROWS_OLD if datetime.now(UTC) - self.healthy.taken_at > YOUNG else ()
        return observe(self.environment, world, "sandbox", only=parts_of({*touched, *aged}), upon=self.healthy)

    def whole(self) -> Snapshot:
        """Read everything again."""
        return observe(self.environment, reader_of(self.world), "sandbox")

    def judged_whole(self) -> Results:
        """Every check judged on everything read again."""
        return judged(self.whole(), self.environment)

    def judged(self, touched: Collection[str]) -> Results:
        """Every check judged after a change to the services ``touched``."""
        return judged(self.again(touched), self.environment)


def reader_of(world: Endpoint) -> Credentials:
    """The credentials of the world's reader."""
    keys = world.people["reader"]
    return Credentials(world.url, keys.access_key_id, keys.secret_access_key)


def watch(world: Endpoint, environment: Environment) -> Watch:
    """Begin to watch a healthy world."""
    return Watch(world, environment, healthy(world, environment))


def parts_of(touched: Collection[str]) -> frozenset[str]:
    """The parts of the snapshot that a change to the services ``touched`` can reach."""
    reached = {*touched, *(follower for service in touched for follower in FOLLOWED_BY.get(service, ()))}
    return frozenset(name for name, reader in readers().items() if reached & _origins(reader))


def _origins(reader: Reader[Any]) -> set[str]:
    """The services a part is read from, its module, and its name."""
    return {reader.name, reader.name.partition(".")[0], *(operation.partition(":")[0] for operation in reader.reads)}


def readiness() -> dict[str, Check]:
    """The checks by id, without those that hold of a failed-over estate alone."""
    return {name: check for name, check in checks().items() if check.area is not Area.VALIDATION}


def judged(snapshot: Snapshot, environment: Environment) -> Results:
    """Every readiness check's result on ``snapshot``."""
    return {name: judge(check, snapshot, environment) for name, check in readiness().items()}


def not_passed(results: Results) -> dict[str, Status]:
    """Status by check of all that did not pass; what does not apply is left out."""
    quiet = (Status.PASS, Status.NOT_APPLICABLE)
    return {name: result.status for name, result in results.items() if result.status not in quiet}
