"""A failover that finds a FAILED deployment, and tasks older than their secrets, ends with new tasks that run (T53)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from tests.proofs.changes import Aws
from tests.proofs.conftest import AWAY
from tests.proofs.enforced import SHORT, Enforced, Ran
from tests.utils.running import warm_rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

PROMOTED = "database/restore_dr:sit-mysql"
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
WAIVED = (
    "check.ecs.deployment-sound",
    "check.ecs.desired-and-running",
    "check.elbv2-routing.healthy-targets",
    "check.secrets.regional-fields",
    "check.sites.every-site-answers",
)


@dataclass(frozen=True)
class Services:
    """The tenants' services of the DR region, by plain ECS calls."""

    aws: Aws
    env: Environment
    tenants: tuple[str, ...]

    def named(self, tenant: str) -> dict[str, str]:
        """Cluster and service of a tenant."""
        names = self.env.names
        return {"cluster": self.env.named(names.cluster), "service": self.env.named(names.service, tenant=tenant)}

    def of(self, tenant: str) -> dict[str, Any]:
        """The service as described now."""
        who = self.named(tenant)
        ecs = self.aws.client("ecs", Side.DR)
        found: dict[str, Any] = ecs.describe_services(cluster=who["cluster"], services=[who["service"]])["services"][0]
        return found

    def tasks(self, tenant: str) -> list[str]:
        """The ARNs of its tasks that run or start."""
        who, ecs = self.named(tenant), self.aws.client("ecs", Side.DR)
        return list(ecs.list_tasks(cluster=who["cluster"], serviceName=who["service"])["taskArns"])

    def trip_the_breaker(self, tenant: str) -> None:
        """Deploy while the image is not there, so that ECS gives the deployment up; then stop what still runs."""
        who, ecs, ecr = self.named(tenant), self.aws.client("ecs", Side.DR), self.aws.client("ecr", Side.DR)
        definition = ecs.describe_task_definition(taskDefinition=self.of(tenant)["taskDefinition"])["taskDefinition"]
        image = definition["containerDefinitions"][0]["image"]
        repository = image.partition("/")[2].partition("@")[0].partition(":")[0]
        listed = ecr.list_images(repositoryName=repository)["imageIds"]
        images = ecr.batch_get_image(repositoryName=repository, imageIds=listed)["images"]
        digests = [{"imageDigest": image_digest} for image_digest in sorted({image["imageDigest"] for image in listed})]
        ecr.batch_delete_image(repositoryName=repository, imageIds=digests)
        ecs.update_service(**who, forceNewDeployment=True, deploymentConfiguration=BREAKER)
        for listed_image in images:
            tag = {"imageTag": listed_image["imageId"]["imageTag"]} if listed_image["imageId"].get("imageTag") else {}
            ecr.put_image(repositoryName=repository, imageManifest=listed_image["imageManifest"], **tag)
        for task in self.tasks(tenant):
            ecs.stop_task(cluster=who["cluster"], task=task)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Enforced, Services]]:
    """A lost primary, and in the DR region a first tenant of old secrets, and a last one whose deployment failed."""
    home = tmp_path_factory.mktemp("anew")
    env = load_environment(warm_rules(home, "sit", SHORT), "sit")
    with borrowed(env, 2) as world:
        enforced = Enforced(world, env, home)
        services = Services(enforced.aws("admin"), env, tuple(world.state()["tenants"]))
        world.inject("secrets-host-of-the-primary")
        services.trip_the_breaker(services.tenants[-1])
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        world.inject("primary-dark")
        yield enforced, services


@pytest.fixture(scope="module")
def old_tasks(lost: tuple[Enforced, Services]) -> dict[str, list[str]]:
    """What runs of each tenant before the failover."""
    return {tenant: lost[1].tasks(tenant) for tenant in lost[1].tenants}


@pytest.fixture(scope="module")
def summary(lost: tuple[Enforced, Services], old_tasks: dict[str, list[str]]) -> Ran:
    """The failover."""
    assert [1, 0] == [len(tasks) for tasks in old_tasks.values()]
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    waived = [word for gate in WAIVED for word in ("--override", gate, "DR Manager", until, "the run mends it")]
    return lost[0].execute("failover", (*AWAY, PROMOTED), *waived)


def test_a_service_whose_deployment_had_failed_runs_after_the_failover(
    lost: tuple[Enforced, Services], summary: Ran
) -> None:
    service = lost[1].of(lost[1].tenants[-1])
    assert ("COMPLETED", 2) == (service["deployments"][0]["rolloutState"], service["runningCount"]), summary.said
    assert 0 == summary.code, summary.said


def test_tasks_that_started_before_their_secrets_changed_are_replaced(
    lost: tuple[Enforced, Services], old_tasks: dict[str, list[str]], summary: Ran
) -> None:
    tenant = lost[1].tenants[0]
    assert "secrets/point_to_dr" in {step.action for step in lost[0].plan.steps}, summary.said
    assert 2 == len(lost[1].tasks(tenant))
    assert set() == set(old_tasks[tenant]) & set(lost[1].tasks(tenant)), "a task still holds the old secret"
