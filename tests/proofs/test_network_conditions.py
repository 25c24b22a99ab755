"""A policy that keeps out all but one network is decided by the DR region's own network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_estate.config.environment import Side, load_environment
from tests.proofs.changes import Aws
from tests.proofs.faults_of_network import _network
from tests.proofs.watching import Watch, judged, not_passed, watch
from tests.utils.running import ROOT
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof]
SIT = load_environment(ROOT / "environments", "sit")
BEFORE, ALLOWED = "before the change", "roles.tasks-allowed"
Condition = Callable[[Aws], dict[str, Any]]


@pytest.fixture(scope="module")
def seen() -> Iterator[Watch]:
    with borrowed(SIT, 1) as world:
        world.keep(BEFORE)
        yield watch(world, SIT)


def _own_addresses(aws: Aws) -> list[str]:
    ec2, network = _network(aws)
    rows = ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [network]}])["NatGateways"]
    return [f"{address['PublicIp']}/32" for row in rows for address in row["NatGatewayAddresses"]]


def _refusing(condition: Condition) -> Callable[[Aws], None]:
    """Let the repository of the DR region refuse its images to whom the condition is true of."""

    def make(aws: Aws) -> None:
        pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statement = {"Sid": "network", "Effect": "Deny", "Principal": "*", "Action": pull, "Condition": condition(aws)}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        repository = aws.named(aws.env.names.repository)
        aws.client("ecr", Side.DR).set_repository_policy(repositoryName=repository, policyText=text)

    return make


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda _: {"StringNotEquals": {"aws:SourceVpce": "vpce-0af50000000000001"}}, {ALLOWED: Status.FAIL}),
        (lambda _: {"StringNotEquals": {"aws:SourceVpc": "vpc-0af50000000000001"}}, {ALLOWED: Status.FAIL}),
        (lambda _: {"NotIpAddress": {"aws:SourceIp": "203.0.113.7/32"}}, {ALLOWED: Status.FAIL}),
        (lambda _: {"StringNotEquals": {"aws:PrincipalTag/team": "wp"}}, {ALLOWED: Status.UNKNOWN}),
        (lambda aws: {"NotIpAddress": {"aws:SourceIp": _own_addresses(aws)}}, {}),
        (lambda _: {"StringEquals": {"aws:SourceVpce": "vpce-0af50000000000001"}}, {}),
        (lambda _: {"Bool": {"aws:SecureTransport": "false"}}, {}),
    ],
    ids=["endpoint", "network", "address", "undecided", "own-address", "refused-endpoint", "plain"],
)
def test_a_repository_that_refuses_a_network_is_judged_by_the_dr_network(
    condition: Condition, expected: dict[str, Status], seen: Watch
) -> None:
    world = seen.world
    seen.renew()
    try:
        _refusing(condition)(Aws(world.url, world.people["admin"], SIT, world.state()["tenants"][0]))
        found = not_passed(judged(seen.again({"ecr"}), SIT))
    finally:
        world.return_to(BEFORE)
    assert expected == found
