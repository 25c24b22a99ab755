"""A task of the sandbox starts only if roles, policies, keys and the network let it, and says why not as AWS does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_estate.config.environment import Side, load_environment
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults import FAULTS
from tests.utils.running import ROOT
from tests.worlds import borrowed

SAYS = {
    "execution role deleted": "ECS was unable to assume the role",
    "role trusts EC2": "ECS was unable to assume the role",
    "role may not pull": "CannotPullContainerError: AccessDeniedException",
    "role may not sign in": "unable to pull secrets or registry auth: AccessDeniedException",
    "role may not read": "unable to pull secrets: AccessDeniedException",
    "role may not log": "failed to create log stream: AccessDeniedException",
    "secrets key denies role": "Access to KMS is not allowed",
    "repository denies all": "CannotPullContainerError: AccessDeniedException",
    "images deleted": "CannotPullContainerError: image of wordpress not found",
    "parameter of nobody": "invalid parameters: /nobody",
    "log group deleted": "The specified log group does not exist",
    "access point deleted": "failed to invoke EFS utils commands",
    "mount targets deleted": "no mount target in",
    "files group closed": "mount.nfs4: Connection timed out",
    "files deny mounts": "access denied by server",
    "NAT gateway deleted": "There is a connection issue between the task and ecr.api",
    "names off": "no such host",
    "ACL stops replies": "dial tcp: i/o timeout",
    "endpoint of secrets denies": "no VPC endpoint policy",
    "tasks group closed": "Request timed out",
}


ENV = load_environment(ROOT / "environments", "sit")


@pytest.fixture
def world() -> Iterator[Endpoint]:
    with borrowed(ENV, 1) as world:
        yield world


@pytest.fixture
def aws(world: Endpoint) -> Aws:
    return Aws(world.url, world.people["admin"], ENV, world.state()["tenants"][0])


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in SAYS], ids=lambda fault: fault.name)
def test_what_is_broken_stops_a_task_with_the_words_of_aws(fault: Fault, world: Endpoint, aws: Aws) -> None:
    assert set(world.starts().values()) == {""}
    fault.make(aws)
    (reason,) = world.starts().values()
    assert SAYS[fault.name] in reason


def test_a_service_whose_role_may_not_pull_stops_its_tasks(aws: Aws) -> None:
    next(fault for fault in FAULTS if fault.name == "role may not pull").make(aws)
    ecs, cluster = aws.client("ecs", Side.DR), aws.named(ENV.names.cluster)
    ecs.update_service(cluster=cluster, service=aws.named(ENV.names.service), desiredCount=1)
    stopped = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    reasons = {task["stoppedReason"] for task in ecs.describe_tasks(cluster=cluster, tasks=stopped)["tasks"]}
    assert {reason.partition(": ")[0] for reason in reasons} == {"CannotPullContainerError"}
