"""test --infra --start, as the driller under enforced IAM: what keeps a tenant's task from starting is a finding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.sandbox.conftest import client_of
from tests.utils.running import ROOT, at_endpoint
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

PROD = load_environment(ROOT / "environments", "prod")
TENANTS = ("tenant-1", "tenant2", "tenant3")
ABSENT = "sha256:" + "0" * 64
pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    """A world that judges every call by the caller's policies; changes take a moment."""
    with borrowed(PROD, tenants=3) as started:
        started.timing(transition_s=0.4)
        started.enforce_iam(True)
        yield started


def _admin(world: Endpoint, service: str, region: str = PROD.regions.dr) -> Any:
    return client_of(world, service, region, "admin")


def _definition(world: Endpoint, tenant: str) -> dict[str, Any]:
    names = {"cluster": PROD.named(PROD.names.cluster), "services": [PROD.named(PROD.names.service, tenant=tenant)]}
    (service,) = _admin(world, "ecs").describe_services(**names)["services"]
    found: dict[str, Any] = _admin(world, "ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    return dict(found["taskDefinition"])


def _deny(action: str, principal: Any) -> str:
    statement = {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _held(world: Endpoint, home: Path) -> tuple[Exit, dict[str, Any]]:
    """Exit code and drill of a start test that is held by its command."""
    ran = at_endpoint(world, home, "-e prod test --infra --start --format json", "driller")
    (drill,) = ran.report["drills"]
    return Exit(ran.code), drill


def _findings(world: Endpoint, home: Path) -> dict[str, tuple[str, str]]:
    """Status and reason of each tenant, as anybody sees them afterwards."""
    ran = at_endpoint(world, home, "-e prod status --check drills.tasks-start --format json")
    (result,) = ran.report["results"]
    return {finding["tenant"]: (finding["status"], finding["because"]) for finding in result["findings"]}


@pytest.mark.whole_run("test --infra --start")
def test_a_policy_that_denies_and_an_image_that_is_not_there_are_found(world: Endpoint, tmp_path: Path) -> None:
    assert {"pass"} == {status for status, _ in _findings(world, tmp_path).values()}
    # A replica has the policy of its source (Secrets Manager User Guide, Replicate a secret to other Regions).
    role = _definition(world, TENANTS[0])["executionRoleArn"]
    secret = PROD.named(PROD.names.tenant_secret, tenant=TENANTS[0])
    denies = _deny("secretsmanager:GetSecretValue", {"AWS": role})
    _admin(world, "secretsmanager", PROD.regions.primary).put_resource_policy(SecretId=secret, ResourcePolicy=denies)
    definition = _definition(world, TENANTS[1])
    container = definition["containerDefinitions"][0]
    container["image"] = f"{container['image'].partition('@')[0]}@{ABSENT}"
    copied = ("family", "containerDefinitions", "volumes", "networkMode", "cpu", "memory", "requiresCompatibilities")
    again = {name: definition[name] for name in (*copied, "executionRoleArn", "taskRoleArn")}
    revision = _admin(world, "ecs").register_task_definition(**again)["taskDefinition"]["taskDefinitionArn"]
    names = {"cluster": PROD.named(PROD.names.cluster), "service": PROD.named(PROD.names.service, tenant=TENANTS[1])}
    _admin(world, "ecs").update_service(**names, taskDefinition=revision)

    code, drill = _held(world, tmp_path)
    assert (Exit.VALIDATION_FAILED, "degraded", []) == (code, drill["verdict"], drill["residue"])
    found = _findings(world, tmp_path)
    assert {"tenant-1": "fail", "tenant2": "fail", "tenant3": "pass"} == {name: row[0] for name, row in found.items()}
    assert "not authorized to perform: secretsmanager:GetSecretValue" in found["tenant-1"][1]
    assert "CannotPullContainerError: image of" in found["tenant2"][1]
    assert {"sns:Publish"} == {row["action"] for row in world.denied()}, "it alarms nobody"


def test_a_repository_policy_that_denies_is_found_of_every_tenant(world: Endpoint, tmp_path: Path) -> None:
    repository = PROD.named(PROD.names.repository)
    text = json.loads(_deny("ecr:BatchGetImage", "*"))
    del text["Statement"][0]["Resource"]
    _admin(world, "ecr").set_repository_policy(repositoryName=repository, policyText=json.dumps(text))
    assert Exit.VALIDATION_FAILED == _held(world, tmp_path)[0]
    found = _findings(world, tmp_path)
    assert dict.fromkeys(TENANTS, "fail") == {name: row[0] for name, row in found.items()}
    assert "not authorized to perform: ecr:BatchGetImage" in found["tenant3"][1]


def test_the_driller_runs_no_task_without_the_drill_tag(world: Endpoint) -> None:
    driller = client_of(world, "ecs", PROD.regions.dr, "driller")
    arn = _definition(world, TENANTS[2])["taskDefinitionArn"]
    names = {"cluster": PROD.named(PROD.names.cluster), "taskDefinition": arn, "launchType": "FARGATE"}
    for tags in ([], [{"key": "dr:drill", "value": "nobody's"}]):
        with pytest.raises(ClientError, match="AccessDenied"):
            driller.run_task(**names, tags=tags)
