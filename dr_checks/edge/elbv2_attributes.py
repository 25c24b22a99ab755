"""Check of how the target groups of the DR region hold, spread and release the tenants' visitors."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import GroupAttributes
from dr_estate.snapshot.tenants import is_chosen

_WANTED, _STICKS = "as in the primary region", "stickiness.enabled"
_HEALTH, _NO_THRESHOLD = "target_group_health.", ("", "1", "off")


@check("every tenant's target group in the DR region has the attributes of the primary region's")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("ElbV2TargetGroupsCanServeTraffic", "REL13-BP04")
def alike(view: View) -> Iterator[Finding]:
    """Stickiness, slow start, algorithm, deregistration delay, zones and health thresholds.

    Of more groups than AWS answers for at once, others are compared on each day. How a group sticks to visitors says
    nothing where it does not. Source: DescribeTargetGroupAttributes.
    """
    rows = (*view.get(elbv2.group_attributes), *view.get(elbv2.group_attributes, Side.PRIMARY))
    # Each cause once: of a denied account it would stand beside every group.
    for unread in dict.fromkeys(row for row in rows if isinstance(row, Unavailable)):
        yield view.unknown("a target group", _WANTED, unread)
    here, there = _by_tenant(view, Side.DR), _by_tenant(view, Side.PRIMARY)
    pairs = [
        (tenant, mine, there[tenant])
        for tenant, mine in here.items()
        if tenant in there and is_chosen(tenant, view.only_tenants)
    ]
    for tenant, mine, theirs in pairs:
        differing = _differences(mine, theirs)
        if differing:
            measured = ", ".join(f"{key} {here or 'not set'}" for key, here, _ in differing)
            wanted = ", ".join(f"{key} {value or 'not set'}" for key, _, value in differing)
            reason = "visitors are held, spread or released otherwise than today: sessions end, or few tasks carry all"
            changes = [{"Key": key, "Value": value} for key, _, value in differing if value]
            change = {"TargetGroupArn": mine.arn, "Attributes": changes}
            commands = (view.command("elbv2", "ModifyTargetGroupAttributes", **change),) if changes else ()
            remedy = Remedy(f"aws_lb_target_group '{mine.name}' in {view.region}: these attributes.", commands)
            yield view.gap(mine.name, measured, wanted, reason, remedy, tenant)
        else:
            yield view.ok(mine.name, "alike", _WANTED, "visitors are held and spread alike in both regions", tenant)
    if not pairs and not any(isinstance(row, Unavailable) for row in rows):
        yield view.none_expected("all target groups", "no target group is in both: see elbv2-routing.target-groups")


def _by_tenant(view: View, side: Side) -> dict[str, GroupAttributes]:
    """The groups that were read by the tenant whose name they have on the side."""
    env, rows = view.env.on(side), view.get(elbv2.group_attributes, side)
    named = [(env.tenant_of(env.names.target_group, row.name), row) for row in rows if isinstance(row, GroupAttributes)]
    return {tenant: row for tenant, row in named if tenant is not None}


def _differences(mine: GroupAttributes, theirs: GroupAttributes) -> list[tuple[str, str, str]]:
    """Each attribute of the primary's with another value here, and health thresholds set here alone: key, here, there.

    By a threshold of more healthy targets than there are, a group sends to unhealthy ones too, and fails in DNS.
    Source: Application Load Balancers guide, "Target group health".
    """
    here, there = dict(mine.values), dict(theirs.values)
    # AWS returns the cookie's settings also where stickiness is off, and then they mean nothing.
    sticks = there.get(_STICKS) == "true"
    found = [
        (key, here.get(key, ""), value)
        for key, value in theirs.values
        if value
        and here.get(key, "") != value
        and (sticks or key == _STICKS or not key.startswith("stickiness."))
        and not (key == "deregistration_delay.timeout_seconds" and _is_shorter(here.get(key, ""), value))
    ]
    alone = ((key, value) for key, value in mine.values if key.startswith(_HEALTH) and key not in there)
    return found + [(key, value, "") for key, value in alone if value not in _NO_THRESHOLD]


def _is_shorter(here: str, there: str) -> bool:
    """Whether tasks are replaced sooner; by none at all the requests that they answer are cut.

    Source: ECS Developer Guide, "Optimize load balancer connection draining parameters".
    """
    return here.isdecimal() and there.isdecimal() and 0 < int(here) < int(there)
