"""Which areas of checks each command judges."""

from __future__ import annotations

from dr_checks.core.model import Area
from utils.aws_mgmt.app.request import Request

READINESS = tuple(area for area in Area if area is not Area.VALIDATION)
_TESTED = (Area.INFRASTRUCTURE, Area.REPLICATION, Area.TENANTS, Area.PREREQUISITES)
_SELECTS = {
    ("status", "replication"): (Area.REPLICATION,),
    ("status", "infrastructure"): (Area.INFRASTRUCTURE,),
    ("failover", "validate"): (Area.VALIDATION,),
    ("test", "infra"): _TESTED,
    ("test", "restore"): _TESTED,
    ("test", "dns"): (Area.DNS,),
    ("test", "canary"): (Area.DNS,),
}


def disasters() -> dict[str, str]:
    """The sandbox's disasters, name and sentence: what a tabletop exercise talks about."""
    from sandbox.disasters import catalogue

    return {one.name: one.sentence for one in catalogue()}


def areas_of(request: Request) -> tuple[Area, ...]:
    """The areas the selectors choose; selectors add up, and none of them means all areas."""
    chosen = {area for flag in request.flags for area in _SELECTS.get((request.command, flag), ())}
    return tuple(area for area in Area if area in (chosen or READINESS))
