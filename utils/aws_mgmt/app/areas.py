"""Which areas of checks each command judges."""

from __future__ import annotations

from dr_checks.core.model import Area
from utils.aws_mgmt.app.options import DrTestOptions, StatusOptions

READINESS = tuple(area for area in Area if area is not Area.VALIDATION)
_TESTED = (Area.INFRASTRUCTURE, Area.REPLICATION, Area.TENANTS, Area.PREREQUISITES)


def disasters() -> dict[str, str]:
    """The sandbox's disasters, name and sentence: what a tabletop exercise talks about."""
    from sandbox.disasters import catalogue

    return {disaster.name: disaster.sentence for disaster in catalogue()}


def areas_of(options: StatusOptions | DrTestOptions) -> tuple[Area, ...]:
    """The areas the selectors choose; selectors add up, and none of them means all areas."""
    if isinstance(options, StatusOptions):
        selected = {Area.REPLICATION: options.replication, Area.INFRASTRUCTURE: options.infrastructure}
    else:
        selected = dict.fromkeys(_TESTED, options.infra or options.restore) | {Area.DNS: options.dns or options.canary}
    return tuple(area for area in READINESS if selected.get(area, False)) or READINESS
