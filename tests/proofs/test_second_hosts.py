"""A tenant has more hosts than the naming rule says: what the primary region leads to it, the DR region leads too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_checks.core.model import Status
from dr_estate.config.environment import Side, load_environment
from tests.proofs.changes import Aws
from tests.proofs.watching import Watch, judged, not_passed, watch
from tests.utils.running import ROOT
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof]
SIT = load_environment(ROOT / "environments", "sit")
BEFORE, RULES = "before the change", "elbv2-routing.host-rules"


@pytest.fixture(scope="module")
def seen() -> Iterator[Watch]:
    with borrowed(SIT, 1) as world:
        world.keep(BEFORE)
        yield watch(world, SIT)


def _add_host(aws: Aws, side: Side, host: str) -> None:
    """Add a host to each rule of the side that leads to the tenant."""
    elb = aws.client("elbv2", side)
    balancer = elb.describe_load_balancers(Names=[aws.named(aws.env.names.load_balancer)])["LoadBalancers"][0]
    groups = elb.describe_target_groups(Names=[aws.named(aws.env.names.target_group)])["TargetGroups"]
    for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
        for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            if any(action.get("TargetGroupArn") == groups[0]["TargetGroupArn"] for action in rule["Actions"]):
                named = [row for row in rule["Conditions"] if row["Field"] == "host-header"]
                hosts = [name for row in named for name in row["HostHeaderConfig"]["Values"]]
                condition = {"Field": "host-header", "HostHeaderConfig": {"Values": [*hosts, host]}}
                elb.modify_rule(RuleArn=rule["RuleArn"], Conditions=[condition])


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((Side.PRIMARY,), {RULES: Status.FAIL}),
        ((Side.PRIMARY, Side.DR), {}),
        ((Side.DR,), {}),
    ],
)
def test_a_second_host_of_the_primary_regions_rules_alone_is_a_blocker(
    sides: tuple[Side, ...], expected: dict[str, Status], seen: Watch
) -> None:
    world = seen.world
    seen.renew()
    try:
        aws = Aws(world.url, world.people["admin"], SIT, world.state()["tenants"][0])
        for side in sides:
            _add_host(aws, side, "shop.example.org")
        found = not_passed(judged(seen.again({"elbv2"}), SIT))
    finally:
        world.return_to(BEFORE)
    assert expected == found
