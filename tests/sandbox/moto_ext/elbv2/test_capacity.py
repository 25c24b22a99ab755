"""What is reserved for a load balancer is reported, zone by zone, until it is given up."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, Clients


def test_a_reservation_is_reported_by_zone_and_can_be_given_up(aws: Clients) -> None:
    there = platform(aws, DR)
    elb, arn = there.client("elbv2"), there.balancer
    assert "MinimumLoadBalancerCapacity" not in elb.describe_capacity_reservation(LoadBalancerArn=arn)
    elb.modify_capacity_reservation(LoadBalancerArn=arn, MinimumLoadBalancerCapacity={"CapacityUnits": 500})
    response = elb.describe_capacity_reservation(LoadBalancerArn=arn)
    assert 500 == response["MinimumLoadBalancerCapacity"]["CapacityUnits"]
    zones = [(row["AvailabilityZone"], row["State"]["Code"]) for row in response["CapacityReservationState"]]
    assert [(f"{DR}a", "provisioned"), (f"{DR}b", "provisioned")] == zones
    elb.modify_capacity_reservation(LoadBalancerArn=arn, ResetCapacityReservation=True)
    assert "MinimumLoadBalancerCapacity" not in elb.describe_capacity_reservation(LoadBalancerArn=arn)


def test_less_than_a_hundred_units_cannot_be_reserved(aws: Clients) -> None:
    there = platform(aws, DR)
    with pytest.raises(ClientError, match="100 or more"):
        there.client("elbv2").modify_capacity_reservation(
            LoadBalancerArn=there.balancer, MinimumLoadBalancerCapacity={"CapacityUnits": 99}
        )
