"""Security groups whose rules name blocks within their own VPC: the regions' VPCs have different ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Finding, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import DeploymentSettings
from dr_estate.readers import ecs, efs_mounts, elbv2, rds_groups, vpc
from dr_estate.readers.rds_groups import SubnetGroup
from dr_estate.readers.vpc import Subnet, VpcEndpoint
from tests.dr_checks.network import PLACES, PUBLIC, connected, group, network, services
from tests.dr_checks.traffic import balancer
from tests.dr_checks.worlds import DENIED, SIT

GUARD, TASKS, DATA = "sit-db-sg", "sit-ecs-sg", ("data-1", "data-2")
BLOCKS = {
    Side.PRIMARY: (
        "10.10.0.0/20",
        "10.10.16.0/20",
        "10.10.128.0/24",
        "10.10.129.0/24",
        "10.10.160.0/24",
        "10.10.161.0/24",
    ),
    Side.DR: ("10.20.128.0/20", "10.20.144.0/20", "10.20.0.0/24", "10.20.1.0/24", "10.20.32.0/24", "10.20.33.0/24"),
}
SECOND = {Side.PRIMARY: "10.11.0.0/16", Side.DR: "10.21.0.0/16"}
VPCS = {Side.PRIMARY: "10.10.0.0/16", Side.DR: "10.20.0.0/16"}
SIX = {Side.PRIMARY: "2001:db8:0:a00::/56", Side.DR: "2001:db8:0:b00::/56"}
OF_BOTH, HALF = ("tcp 3306-3306 10.10.0.0/20", "tcp 3306-3306 10.10.16.0/20"), ("tcp 3306-3306 10.20.128.0/20",)
BY_GROUP, OTHER_HALF = ("tcp 3306-3306 sit-ecs-sg",), "tcp 3306-3306 10.20.144.0/20"
OUT = ("all 0.0.0.0/0",)


def _region(side: Side, ingress: tuple[str, ...], egress: tuple[str, ...]) -> dict[Any, Any]:
    """A region whose database's group has this ingress, and whose tasks' group this egress."""
    places = zip((*PLACES, *PUBLIC, *DATA), BLOCKS[side], strict=True)
    return {
        (vpc.vpc, side): network(cidrs=((VPCS[side], "associated"),), cidrs6=((SIX[side], "associated"),)),
        (vpc.subnets, side): tuple(Subnet(id_, "a", "available", cidr, 100) for id_, cidr in places),
        (vpc.security_groups, side): (
            replace(group(TASKS, ("tcp 80-80 sit-alb-sg",), side), egress=egress),
            group("sit-alb-sg", ("tcp 443-443 0.0.0.0/0",), side),
            group(GUARD, ingress, side),
            group("sit-bastion-sg", (), side),
        ),
        (rds_groups.subnet_groups, side): (
            SubnetGroup(SIT.named(SIT.names.db_subnet_group), "Complete", "vpc-1", DATA, ("a", "b")),
        ),
        (efs_mounts.mount_targets, side): (),
        (vpc.endpoints, side): (VpcEndpoint("logs", "Interface", "available", groups=("sg-x",), subnets=DATA[:1]),),
    }


def _gaps(there: dict[Any, Any], here: dict[Any, Any], **changes: Any) -> list[Finding]:
    parts = {"services": (ecs.services, Side.DR), "denied": (rds_groups.subnet_groups, Side.PRIMARY)}
    snapshot = connected({**there, **here, **{parts[key]: value for key, value in changes.items()}})
    found = judge(checks()["vpc-reach.security-groups"], snapshot, SIT).findings
    return [finding for finding in found if finding.status is not Status.PASS]


def _let_in(theirs: tuple[str, ...], mine: tuple[str, ...], **changes: Any) -> list[Finding]:
    return _gaps(_region(Side.PRIMARY, theirs, OUT), _region(Side.DR, mine, OUT), **changes)


def _let_out(theirs: tuple[str, ...], mine: tuple[str, ...], **changes: Any) -> list[Finding]:
    return _gaps(_region(Side.PRIMARY, BY_GROUP, theirs), _region(Side.DR, BY_GROUP, mine), **changes)


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        (OF_BOTH, (*HALF, OTHER_HALF)),
        (("tcp 3306-3306 10.10.0.0/19",), ("tcp 3306-3306 10.20.128.0/17",)),
        (OF_BOTH, ("tcp 3306-3306 vpc",)),
        (OF_BOTH, ("tcp 3306-3306 10.20.0.0/16",)),
        (OF_BOTH, BY_GROUP),
        (BY_GROUP, (*HALF, OTHER_HALF)),
        ((*BY_GROUP, "tcp 3306-3306 10.10.200.0/28"), BY_GROUP),
        ((*BY_GROUP, "tcp 22-22 10.10.128.0/24"), BY_GROUP),
        (("tcp 3306-3306 vpc",), ("tcp 3306-3306 10.20.0.0/17", "tcp 3306-3306 10.20.128.0/17")),
        (("icmp 8--1 10.10.0.0/19",), ("icmp 8--1 10.20.128.0/19",)),
        ((f"tcp 3306-3306 {SIX[Side.PRIMARY]}",), (f"tcp 3306-3306 {SIX[Side.DR]}",)),
        (("tcp 3306-3306 10.10.0.0/19",), ("tcp 3000-3306 10.20.128.0/20", "tcp 3306-3400 10.20.144.0/20")),
    ],
)
def test_the_same_parts_are_let_in_by_other_words(theirs: tuple[str, ...], mine: tuple[str, ...]) -> None:
    assert _let_in(theirs, mine) == []


@pytest.mark.parametrize(
    ("theirs", "mine", "missing"),
    [
        (OF_BOTH, HALF, (OTHER_HALF,)),
        (("tcp 3306-3306 10.10.0.0/19",), HALF, (OTHER_HALF,)),
        (OF_BOTH, OF_BOTH, (*HALF, OTHER_HALF)),
        (OF_BOTH, ("tcp 3306-3306 10.10.0.0/16",), (*HALF, OTHER_HALF)),
        (OF_BOTH, ("tcp 3306-3306 sit-alb-sg",), (*HALF, OTHER_HALF)),
        (OF_BOTH, ("tcp 3307-3307 vpc",), (*HALF, OTHER_HALF)),
        (BY_GROUP, HALF, BY_GROUP),
        (("tcp 80-80 10.10.128.0/23",), (), ("tcp 80-80 10.20.0.0/24", "tcp 80-80 10.20.1.0/24")),
        (("tcp 22-22 sit-bastion-sg",), (), ("tcp 22-22 sit-bastion-sg",)),
        (("tcp 22-22 192.0.2.0/24",), (), ("tcp 22-22 192.0.2.0/24",)),
        (("tcp 3306-3306 vpc",), ("tcp 3306-3306 10.20.0.0/17",), ("tcp 3306-3306 vpc",)),
        ((f"tcp 1-9 {SIX[Side.PRIMARY]}",), (), (f"tcp 1-9 {SIX[Side.DR]}",)),
    ],
)
def test_a_part_that_is_left_out_is_a_gap_in_the_blocks_of_the_dr_region(
    theirs: tuple[str, ...], mine: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    (gap,) = _let_in(theirs, mine)
    assert (gap.subject, gap.status) == (GUARD, Status.FAIL)
    assert gap.measured == f"missing {'; '.join(f'in {rule}' for rule in missing)}"
    assert _let_in(theirs, (*mine, *missing)) == [], "what is named as missing heals it"


def test_the_command_opens_the_block_that_is_missing() -> None:
    (gap,) = _let_in(OF_BOTH, HALF)
    (command,) = gap.commands
    assert "authorize-security-group-ingress" in command
    assert '"IpRanges":[{"CidrIp":"10.20.144.0/20"}]' in command.replace(" ", "")
    assert "10.20.128.0/20" not in command
    (six,) = _let_in((f"tcp 1-9 {SIX[Side.PRIMARY]}",), ())
    assert f'"Ipv6Ranges":[{{"CidrIpv6":"{SIX[Side.DR]}"}}]' in six.commands[0].replace(" ", "")


@pytest.mark.parametrize(
    ("theirs", "mine", "missing"),
    [
        (("tcp 3306-3306 10.10.160.0/23",), ("tcp 3306-3306 10.20.32.0/23",), ()),
        (("tcp 3306-3306 10.10.160.0/23",), ("tcp 3306-3306 sit-db-sg",), ()),
        (("tcp 3306-3306 sit-db-sg",), ("tcp 3306-3306 10.20.32.0/23",), ()),
        (("tcp 3306-3306 10.10.160.0/23",), ("tcp 3306-3306 10.20.32.0/24",), ("tcp 3306-3306 10.20.33.0/24",)),
        (("tcp 443-443 10.10.160.0/24",), (), ("tcp 443-443 10.20.32.0/24",)),
        (("all 10.10.160.0/23",), ("tcp 3306-3306 sit-db-sg",), ("tcp 443-443 10.20.32.0/24",)),
        (("udp 3306-3306 10.10.160.0/23",), (), ()),
        (("udp 53-53 10.10.0.2/32",), (), ()),
    ],
)
def test_ways_out_lead_to_the_database_and_the_endpoints_of_the_dr_region(
    theirs: tuple[str, ...], mine: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    measured = [gap.measured for gap in _let_out(theirs, mine)]
    assert measured == ([f"missing {'; '.join(f'out {rule}' for rule in missing)}"] if missing else [])
    assert _let_out(theirs, (*mine, *missing)) == []


def test_tasks_that_do_not_exist_here_are_the_matter_of_other_checks() -> None:
    assert _let_in(OF_BOTH, (), services=()) == []


def test_unread_places_are_unknown_only_where_a_rule_asks_for_them() -> None:
    assert [found.status for found in _let_out(("tcp 3306-3306 10.10.160.0/23",), (), denied=DENIED)] == [
        Status.UNKNOWN
    ]
    assert _let_in(OF_BOTH, (*HALF, OTHER_HALF), denied=DENIED) == []


def test_subnets_of_ipv6_alone_are_blocks_too() -> None:
    def _six(side: Side, rule: str) -> dict[Any, Any]:
        cidr = SIX[side].replace("00::/56", "01::/64")
        region = _region(side, (rule,), OUT)
        rows = tuple(replace(row, cidr=cidr) if row.id in PLACES else row for row in region[vpc.subnets, side])
        return {**region, (vpc.subnets, side): rows}

    there = _six(Side.PRIMARY, "tcp 3306-3306 2001:db8:0:a01::/64")
    assert _gaps(there, _six(Side.DR, "tcp 3306-3306 2001:db8:0:b01::/64")) == []
    (gap,) = _gaps(there, _six(Side.DR, "tcp 3306-3306 2001:db8:0:b02::/64"))
    assert gap.measured == "missing in tcp 3306-3306 2001:db8:0:b01::/64"


def test_a_balancer_of_other_subnets_is_let_in_by_their_blocks() -> None:
    there = _region(Side.PRIMARY, ("tcp 80-80 10.10.128.0/23",), OUT)
    here = _region(Side.DR, ("tcp 80-80 10.20.0.0/24",), OUT)
    narrow = {(elbv2.load_balancer, Side.DR): balancer(Side.DR, security_groups=(), zones=("a",), subnets=PUBLIC[:1])}
    assert _gaps(there, {**here, **narrow}) == []
    assert [gap.measured for gap in _gaps(there, here)] == ["missing in tcp 80-80 10.20.1.0/24"]


@pytest.mark.parametrize(
    ("mine", "missing"),
    [
        (("10.20.0.0/16",), ()),
        (("10.21.0.0/16",), ("10.20.128.0/20", "10.20.144.0/20", "10.20.0.0/24", "10.20.1.0/24")),
        (("10.20.0.0/16", "10.21.0.0/16"), ()),
    ],
)
def test_a_vpc_of_several_blocks_is_let_in_by_the_one_that_tasks_stand_in(
    mine: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    def _two(side: Side, rules: tuple[str, ...]) -> dict[Any, Any]:
        both = ((VPCS[side], "associated"), (SECOND[side], "associated"))
        return {**_region(side, rules, OUT), (vpc.vpc, side): network(cidrs=both)}

    there = _two(Side.PRIMARY, ("tcp 3306-3306 10.10.0.0/16", "tcp 3306-3306 10.11.0.0/16"))
    gaps = _gaps(there, _two(Side.DR, tuple(f"tcp 3306-3306 {block}" for block in mine)))
    wanted = f"missing {'; '.join(f'in tcp 3306-3306 {block}' for block in missing)}"
    assert [gap.measured for gap in gaps] == ([wanted] if missing else [])


@pytest.mark.parametrize(("block", "lets_in"), [("10.20.0.0/16", True), ("10.21.0.0/16", False)])
def test_a_block_that_nobody_stands_in_need_not_be_let_in(block: str, lets_in: bool) -> None:
    there = _region(Side.PRIMARY, ("tcp 3306-3306 vpc",), OUT)
    both = network(cidrs=((VPCS[Side.DR], "associated"), (SECOND[Side.DR], "associated")))
    here = {**_region(Side.DR, (f"tcp 3306-3306 {block}",), OUT), (vpc.vpc, Side.DR): both}
    missing = "; ".join(f"in tcp 3306-3306 {places}" for places in BLOCKS[Side.DR][:4])
    assert [gap.measured for gap in _gaps(there, here)] == ([] if lets_in else [f"missing {missing}"])


def test_services_are_let_in_each_for_itself() -> None:
    apart = tuple(replace(row, subnets=(place,)) for row, place in zip(services(Side.DR), PLACES, strict=True))
    (gap,) = _let_in(OF_BOTH, HALF, services=apart)
    assert gap.measured == f"missing in {OTHER_HALF}"


_TO_AWS, _TO_DATA = "tcp 443-443 0.0.0.0/0", ("tcp 3306-3306 10.20.32.0/24", "tcp 3306-3306 10.20.33.0/24")


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        ((_TO_AWS, "tcp 3306-3306 vpc"), Status.WARN),
        ((_TO_AWS, f"tcp 3306-3306 {GUARD}"), Status.WARN),
        ((_TO_AWS, *_TO_DATA), Status.WARN),
        ((_TO_AWS, _TO_DATA[0]), Status.FAIL),
        ((_TO_AWS,), Status.FAIL),
        (("tcp 3306-3306 vpc",), Status.FAIL),
        (("tcp 443-443 vpc", "tcp 3306-3306 vpc"), Status.FAIL),
    ],
)
def test_tasks_that_are_let_out_as_pages_need_it_are_no_gap(mine: tuple[str, ...], expected: Status) -> None:
    (found,) = _let_out(OUT, mine)
    assert found.status is expected


def test_a_database_that_is_not_seen_is_no_reason_to_let_tasks_out_less() -> None:
    here = {**_region(Side.DR, BY_GROUP, (_TO_AWS, "tcp 3306-3306 vpc")), (rds_groups.subnet_groups, Side.DR): DENIED}
    found = _gaps(_region(Side.PRIMARY, BY_GROUP, OUT), here)
    assert Status.FAIL in {finding.status for finding in found}


@pytest.mark.parametrize(("name", "rules"), [(GUARD, BY_GROUP), ("sit-alb-sg", ("tcp 443-443 0.0.0.0/0",))])
def test_a_group_that_no_task_carries_lets_out_no_more_than_it_opens(name: str, rules: tuple[str, ...]) -> None:
    # A database answers alone (VPC guide: security groups are stateful), a balancer opens its targets' port.
    mine = replace(group(name, rules, Side.DR), egress=(f"tcp 80-80 {TASKS}",))
    there, here = _region(Side.PRIMARY, BY_GROUP, OUT), _region(Side.DR, BY_GROUP, OUT)
    groups = (vpc.security_groups, Side.PRIMARY)
    there[groups] = tuple(replace(row, egress=OUT) if row.name == name else row for row in there[groups])
    groups = (vpc.security_groups, Side.DR)
    here[groups] = tuple(mine if row.name == name else row for row in here[groups])
    deployed = DeploymentSettings(("FARGATE",), "ECS", 60, ports=(80,))
    there |= {(ecs.services, Side.PRIMARY): services(Side.PRIMARY, settings=deployed)}
    there |= {(elbv2.target_groups, Side.PRIMARY): ()}
    assert _gaps(there, here) == []
