"""Capacity units reserved for the environment's load balancer: what it can take before it has scaled."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.readers import elbv2
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext


@dataclass(frozen=True, slots=True)
class Reservation:
    """Load balancer capacity units (LCU) reserved, 0 without a reservation; ``states`` by zone, such as pending."""

    units: int
    states: tuple[str, ...]


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeCapacityReservation"}), of_entrance=True)
def reservation(context: ReadContext) -> Reservation | None:
    """The load balancer's reservation; None where there is no load balancer. Source: DescribeCapacityReservation."""
    balancer = context.part(elbv2.load_balancer)
    if balancer is None:
        return None
    answer = context.call("elbv2", "describe_capacity_reservation", LoadBalancerArn=balancer.arn)
    units = (answer.get("MinimumLoadBalancerCapacity") or {}).get("CapacityUnits", 0)
    zones = answer.get("CapacityReservationState") or []
    return Reservation(units, tuple(sorted({row.get("State", {}).get("Code", "") for row in zones})))
