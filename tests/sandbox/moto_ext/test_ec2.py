"""The network knows the tasks: their interfaces, and the addresses they take (T33)."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from sandbox.moto_ext.route53.route53 import addresses_of
from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, Clients


def test_tasks_have_interfaces_in_their_subnets_while_they_live(aws: Clients) -> None:
    there = platform(aws, DR)
    ec2, tasks = there.client("ec2"), [{"Name": "group-id", "Values": [there.group]}]
    assert ec2.describe_network_interfaces(Filters=tasks)["NetworkInterfaces"] == []
    there.serve(tasks=4)
    found = ec2.describe_network_interfaces(Filters=tasks)["NetworkInterfaces"]
    assert {row["SubnetId"] for row in found} == set(there.subnets)
    assert {row["Groups"][0]["GroupId"] for row in found} == {there.group}
    assert {row["Status"] for row in found} == {"in-use"}
    narrowed = ec2.describe_network_interfaces(Filters=[*tasks, {"Name": "subnet-id", "Values": there.subnets[:1]}])
    assert len(narrowed["NetworkInterfaces"]) == 2
    response = ec2.describe_network_interfaces(NetworkInterfaceIds=[found[0]["NetworkInterfaceId"]])
    assert response["NetworkInterfaces"] == found[:1]
    there.scale(0)
    assert ec2.describe_network_interfaces(Filters=tasks)["NetworkInterfaces"] == []
    with pytest.raises(ClientError) as gone:
        ec2.describe_network_interfaces(NetworkInterfaceIds=[found[0]["NetworkInterfaceId"]])
    assert gone.value.response["Error"]["Code"] == "InvalidNetworkInterfaceID.NotFound"


def test_free_addresses_are_what_the_tasks_leave(aws: Clients) -> None:
    there = platform(aws, DR)
    ec2 = there.client("ec2")

    def free() -> list[int]:
        return [row["AvailableIpAddressCount"] for row in ec2.describe_subnets(SubnetIds=there.subnets)["Subnets"]]

    assert free() == [251, 251]
    there.serve(tasks=4)
    assert free() == [249, 249]
    ec2.create_network_interface(SubnetId=there.subnets[0])
    assert sorted(free()) == [248, 249]
    there.scale(0)
    assert sorted(free()) == [250, 251]


def test_a_route_to_what_was_deleted_is_a_black_hole(aws: Clients) -> None:
    there = platform(aws, DR)
    ec2 = there.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=there.subnets)["Subnets"][0]["VpcId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    target = {
        "NetworkInterfaceId": ec2.create_network_interface(SubnetId=there.subnets[0])["NetworkInterface"][
            "NetworkInterfaceId"
        ]
    }
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="128.0.0.0/1", **target)

    def states() -> dict[str, str]:
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return {row["DestinationCidrBlock"]: row["State"] for row in routes}

    before = states()
    assert set(before.values()) == {"active"}
    ec2.delete_network_interface(**target)
    assert states() == before | {"128.0.0.0/1": "blackhole"}
    transit = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", TransitGatewayId=transit)
    assert states()["0.0.0.0/0"] == "blackhole"
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=transit, VpcId=vpc, SubnetIds=there.subnets)
    assert states()["0.0.0.0/0"] == "active"


def test_dhcp_options_that_no_vpc_has_any_more_can_be_deleted(aws: Clients) -> None:
    there = platform(aws, DR)
    ec2 = there.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=there.subnets)["Subnets"][0]["VpcId"]
    servers = [{"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]}]
    default = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"]
    (options,) = ec2.describe_dhcp_options(DhcpOptionsIds=[default])["DhcpOptions"]
    assert {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]} in options["DhcpConfigurations"]
    first, second = (
        ec2.create_dhcp_options(DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"] for _ in range(2)
    )
    for options in (first, second):
        ec2.associate_dhcp_options(VpcId=vpc, DhcpOptionsId=options)
        assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"] == options
    with pytest.raises(ClientError) as refused:
        ec2.delete_dhcp_options(DhcpOptionsId=second)
    assert refused.value.response["Error"]["Code"] == "DependencyViolation"
    ec2.delete_dhcp_options(DhcpOptionsId=first)
    assert [row["DhcpOptionsId"] for row in ec2.describe_dhcp_options()["DhcpOptions"]] == [default, second]


def test_interfaces_come_in_pages(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=7)
    tasks = [{"Name": "group-id", "Values": [there.group]}]
    paginator = there.client("ec2").get_paginator("describe_network_interfaces")
    pages = list(paginator.paginate(Filters=tasks, MaxResults=5))
    assert [len(page["NetworkInterfaces"]) for page in pages] == [5, 2]


def test_a_balancer_has_an_interface_in_each_subnet_with_its_address(
    aws: Clients,
) -> None:
    there = platform(aws, DR)
    (balancer,) = there.client("elbv2").describe_load_balancers()["LoadBalancers"]
    named = [{"Name": "description", "Values": [f"ELB {balancer['LoadBalancerArn'].partition('loadbalancer/')[2]}"]}]
    found = there.client("ec2").describe_network_interfaces(Filters=named)["NetworkInterfaces"]
    assert {row["SubnetId"] for row in found} == {zone["SubnetId"] for zone in balancer["AvailabilityZones"]}
    assert {row["Association"]["PublicIp"] for row in found} == set(addresses_of(balancer["DNSName"]))
    assert {row["Association"]["IpOwnerId"] for row in found} == {"amazon-elb"}


def test_a_network_interface_needs_no_dns_host_names(aws: Clients) -> None:
    ec2 = aws("ec2", DR)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    network_interface_id = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    network_interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=[network_interface_id])[
        "NetworkInterfaces"
    ]
    assert [row["SubnetId"] for row in network_interfaces] == [subnet]


def test_zones_are_those_of_the_region(aws: Clients) -> None:
    availability_zones = aws("ec2", DR).describe_availability_zones()["AvailabilityZones"]
    assert [zone["ZoneName"] for zone in availability_zones] == [f"{DR}{letter}" for letter in "abc"]
