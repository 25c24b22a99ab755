"""Block Public Access of VPCs is a mode a region, and what is excluded from it keeps its way to the internet."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients


def _place(ec2: Any) -> tuple[str, str]:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return vpc, ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]


def _modes(ec2: Any, vpc: str, subnet: str) -> tuple[str, str]:
    rows = (*ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"], *ec2.describe_subnets(SubnetIds=[subnet])["Subnets"])
    of_vpc, of_subnet = (row["BlockPublicAccessStates"]["InternetGatewayBlockMode"] for row in rows)
    return of_vpc, of_subnet


def test_a_mode_is_of_one_region_and_said_of_each_vpc_and_subnet(aws: Clients) -> None:
    ec2, home = aws("ec2", DR), aws("ec2", PRIMARY)
    here, there = _place(ec2), _place(home)
    assert _modes(ec2, *here) == ("off", "off")
    changed = ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-ingress")
    options = changed["VpcBlockPublicAccessOptions"]
    assert ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"] == options
    assert options["InternetGatewayBlockMode"] == "block-ingress"
    assert _modes(ec2, *here) == ("block-ingress", "block-ingress")
    assert _modes(home, *there) == ("off", "off")
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="some")


@pytest.mark.parametrize(("how", "left"), [("allow-bidirectional", "off"), ("allow-egress", "block-ingress")])
def test_an_exclusion_is_of_a_vpc_or_of_a_subnet(how: str, left: str, aws: Clients) -> None:
    ec2 = aws("ec2", DR)
    vpc, subnet = _place(ec2)
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-bidirectional")

    def exclude(**what: str) -> str:
        created = ec2.create_vpc_block_public_access_exclusion(InternetGatewayExclusionMode=how, **what)
        return str(created["VpcBlockPublicAccessExclusion"]["ExclusionId"])

    of_subnet = exclude(SubnetId=subnet)
    assert _modes(ec2, vpc, subnet) == ("block-bidirectional", left)
    ec2.delete_vpc_block_public_access_exclusion(ExclusionId=of_subnet)
    assert _modes(ec2, vpc, subnet) == ("block-bidirectional",) * 2
    exclude(VpcId=vpc)
    assert _modes(ec2, vpc, subnet) == (left, left)
    with pytest.raises(ClientError, match="NotFound"):
        ec2.delete_vpc_block_public_access_exclusion(ExclusionId=of_subnet)
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        exclude(VpcId=vpc, SubnetId=subnet)
