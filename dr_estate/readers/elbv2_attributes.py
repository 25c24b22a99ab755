"""Attributes of the tenants' target groups: how a group holds, spreads and releases its visitors.

AWS describes those of one group a call, from the small bucket of requests out of which ECS registers targets. So no
more groups are asked about in a region than AWS answers at once; of more, others on each day, the same in both regions.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import elbv2
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

MOST_ASKED = 40
"""The burst of its bucket. Source: Elastic Load Balancing API Reference, Throttling."""


@dataclass(frozen=True, slots=True)
class GroupAttributes:
    """The attributes of a target group as AWS's (key, value) pairs, in order of the key."""

    name: str
    arn: str
    values: tuple[tuple[str, str], ...]


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeTargetGroupAttributes"}))
def attributes(context: ReadContext) -> tuple[GroupAttributes | Unavailable, ...]:
    """The attributes of the tenants' groups, ``MOST_ASKED`` of them at most."""
    env = context.env
    groups = {g.name: g for g in context.part(elbv2.target_groups) if env.tenant_of(env.names.target_group, g.name)}
    names = sorted(groups)
    first = context.now.toordinal() * MOST_ASKED % len(names) if len(names) > MOST_ASKED else 0
    chosen = [groups[name] for name in (names[first:] + names[:first])[:MOST_ASKED]]

    def read(group: elbv2.TargetGroup) -> GroupAttributes:
        rows = context.pages("elbv2", "describe_target_group_attributes", "Attributes", TargetGroupArn=group.arn)
        values = context.understand(lambda: sorted((row["Key"], row.get("Value", "")) for row in rows), group.name)
        return GroupAttributes(group.name, group.arn, tuple(values))

    return tuple(context.maybe(read, chosen))
