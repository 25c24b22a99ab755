"""Capacity unit reservations of load balancers (API_ModifyCapacityReservation, API_DescribeCapacityReservation).

The emulator cannot reserve, and calls every load balancer's reservation provisioned.
"""

from __future__ import annotations

from typing import Any

from moto.elbv2.exceptions import LoadBalancerNotFoundError
from moto.elbv2.responses import ELBV2Response

from sandbox.core.patching import operation, refused, state

# The least reservation of an Application Load Balancer (ELB guide, capacity unit reservation).
_AT_LEAST = 100


def _units(response: ELBV2Response) -> dict[str, int]:
    return state(response.elbv2_backend, "capacity_units")


def _capacity_of(self: ELBV2Response, arn: str) -> dict[str, Any]:
    if arn not in self.elbv2_backend.load_balancers:
        raise LoadBalancerNotFoundError
    units = _units(self).get(arn, 0)
    # Without a reservation the state is empty: moto calls it provisioned.
    if not units:
        return {"DecreaseRequestsRemaining": 2, "CapacityReservationState": []}
    zones = sorted(subnet.availability_zone for subnet in self.elbv2_backend.load_balancers[arn].subnets)
    provisioned = [
        # The units are spread over the load balancer's zones.
        {"AvailabilityZone": zone, "EffectiveCapacityUnits": units / len(zones), "State": {"Code": "provisioned"}}
        for zone in zones
    ]
    return {
        "DecreaseRequestsRemaining": 2,
        "MinimumLoadBalancerCapacity": {"CapacityUnits": units},
        "CapacityReservationState": provisioned,
    }


@operation(ELBV2Response, "describe_capacity_reservation")
def _describe(self: ELBV2Response, params: dict[str, Any]) -> dict[str, Any]:
    return _capacity_of(self, params["LoadBalancerArn"])


@operation(ELBV2Response, "modify_capacity_reservation")
def _modify(self: ELBV2Response, params: dict[str, Any]) -> dict[str, Any]:
    arn = params["LoadBalancerArn"]
    if params.get("ResetCapacityReservation"):
        _units(self).pop(arn, None)
        return _capacity_of(self, arn)
    units = int(params["MinimumLoadBalancerCapacity"]["CapacityUnits"])
    if units < _AT_LEAST:
        raise refused("ValidationError", f"CapacityUnits must be {_AT_LEAST} or more")
    _capacity_of(self, arn)
    _units(self)[arn] = units
    return _capacity_of(self, arn)
