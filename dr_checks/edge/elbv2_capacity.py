"""Checks of reserved load balancer capacity in the DR region."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import elbv2

_SHARE = 0.8  # ARC's ElbV2ProvisionedCapacityLcuCount: within 20% of the highest


@check("the load balancer of the DR region has as much capacity reserved as the primary region's")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T33", "ElbV2ProvisionedCapacityLcuCount", "ElbV2ProvisionedCapacityEnabled", "REL01-BP06", "SOC2 A1.1")
def reserved_alike(view: View) -> Iterator[Finding]:
    """Within 20% of the primary's units and provisioned in every zone; no reservation there, none needed here.

    An idle load balancer scales with its traffic, within minutes: a whole platform arrives at once.
    """
    name = view.env.named(view.env.names.load_balancer)
    there, here = view.get(elbv2.reservation, Side.PRIMARY), view.get(elbv2.reservation)
    if there is None or here is None or not there.units:
        raise NothingToJudge(name, "the primary region has no load balancer, or reserves nothing for it")
    waiting = [state for state in here.states if not states.CAPACITY[state].serves]
    strange = [state for state in waiting if not states.CAPACITY[state].known]
    measured = f"{here.units} units" + (f", {', '.join(waiting)}" if waiting and here.units else "")
    wanted = f"{round(there.units * _SHARE)} units or more"
    if here.units >= there.units * _SHARE and not waiting:
        yield view.ok(name, measured, wanted, "it can carry the primary region's load at once")
    # After the units: too few of them are a gap, whatever an unknown state means.
    elif here.units >= there.units * _SHARE and strange:
        yield view.undocumented(name, wanted, strange[0])
    else:
        reason = "all tenants' visitors arrive at once, and an idle load balancer answers 503 until it has scaled"
        yield view.gap(name, measured, wanted, reason, _reserve(view, there.units))


def _reserve(view: View, units: int) -> Remedy:
    balancer, sentence = (
        view.read_for_remedy(elbv2.load_balancer),
        "Reserve as much (aws_lb.minimum_load_balancer_capacity).",
    )
    if balancer is None:
        return Remedy(sentence)
    # All of the primary's units: the share is what is tolerated, not what is asked for.
    capacity = {"CapacityUnits": units}
    command = view.command(
        "elbv2", "ModifyCapacityReservation", LoadBalancerArn=balancer.arn, MinimumLoadBalancerCapacity=capacity
    )
    return Remedy(sentence, (command,))
