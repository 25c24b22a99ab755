"""Whether the DR region serves: only then are the contents of both regions compared."""

from __future__ import annotations

from dr_estate.config.environment import Environment, Side
from dr_estate.readers import efs, route53
from dr_estate.reading.reader import ReadContext


def away(context: ReadContext) -> bool:
    """Return whether a traffic record leads visitors to the DR region, or its files are frozen for a failback.

    A failback's own run compares to its end: an estate without files has nothing that is frozen.

    Raises DataUnavailable where neither can be determined.
    """
    return (
        context.followed.fails_back
        or _is_frozen(context)
        or any(leads_away(record, context.env) for record in context.part(route53.records, Side.GLOBAL))
    )


def _is_frozen(context: ReadContext) -> bool:
    found = context.part_if_seen(efs.policies, Side.DR) or ()
    return any(isinstance(policy, efs.FileSystemPolicy) and policy.freeze_time is not None for policy in found)


def leads_away(record: route53.Record, env: Environment) -> bool:
    """Whether the record of the cut-over point answers with the DR region while all is well."""
    if record.name not in env.traffic_records or not (record.failover == "PRIMARY" or record.weight):
        return False
    target = record.alias_target or " ".join(record.values)
    if env.regions.dr in target or env.regions.primary in target:
        return env.regions.dr in target
    return record.set_identifier == env.traffic.secondary_set_identifier
