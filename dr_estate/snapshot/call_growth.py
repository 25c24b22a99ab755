"""How many API calls an observation makes, and how their number grows with the tenants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

from dr_estate.aws.pace import rate_of, shortest_s
from dr_estate.readers import ecs, elbv2, secret_policies
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot

_PER_TENANT = 1


@dataclass(frozen=True, slots=True)
class Growth:
    """``size`` tenants' things a call, ``lists`` of them in ``regions`` regions; ``besides`` whatever their number.

    ``most``: no more things are asked about, 0 for all.
    """

    size: int
    regions: int = 2
    besides: int = 0
    lists: int = 1
    most: int = 0

    def calls(self, tenants: int) -> int:
        """Calls of a whole observation of so many tenants."""
        return self.regions * self.lists * ceil(min(tenants, self.most or tenants) / self.size) + self.besides


# Pages and batches, as large as AWS allows. What is not here has as many calls for ten tenants as for ten thousand.
GROWS: Mapping[str, Growth] = {
    "application-autoscaling:DescribeScalableTargets": Growth(50, besides=2),  # the tables' besides
    "application-autoscaling:DescribeScalingPolicies": Growth(10, besides=2),
    "cloudwatch:GetMetricData": Growth(500, besides=5),  # five lists of fixed length besides
    "ec2:DescribeNetworkInterfaces": Growth(1000, regions=1),
    "ecs:DescribeServices": Growth(10),
    "ecs:DescribeTasks": Growth(100),
    "ecs:ListServices": Growth(100),
    "ecs:ListTaskDefinitionFamilies": Growth(100, regions=1),
    "ecs:ListTasks": Growth(100),
    "efs:DescribeAccessPoints": Growth(100),
    "elbv2:DescribeRules": Growth(400),
    "elbv2:DescribeTargetGroupAttributes": Growth(1, most=elbv2.MOST_ASKED),
    "elbv2:DescribeTargetGroups": Growth(400),
    "iam:SimulatePrincipalPolicy": Growth(100, regions=1, lists=6),  # demands on each tenant's own things
    "logs:DescribeLogGroups": Growth(50, besides=1),  # the anchors'
    "route53:ListResourceRecordSets": Growth(300, regions=1),
    "secretsmanager:BatchGetSecretValue": Growth(20, besides=1),  # the master credentials' user
    "secretsmanager:ListSecrets": Growth(100),
}

# One call a tenant, in each region unless the DR region's things alone are read, and why.
NO_BATCH_READ: Mapping[str, str] = {
    "ecs:DescribeTaskDefinition": "ECS describes one revision a call: ListTaskDefinitions gives ARNs alone",
    "secretsmanager:GetResourcePolicy": "no list or batch has one: ListResourcePolicies names those of a secret; "
    "of the DR region's secrets alone",
}
# The part that is read by it. A revision never changes, and a secret's policy only with its LastChangedDate: a second
# `status` of a day (UTC), while no secret changes, makes none of these calls.
CACHED: Mapping[str, Reader[Any]] = {
    "ecs:DescribeTaskDefinition": ecs.task_definitions,
    "secretsmanager:GetResourcePolicy": secret_policies.policies,
}
_IN_ONE_REGION = frozenset({"secretsmanager:GetResourcePolicy"})


@dataclass(frozen=True)
class CallPlan:
    """The calls by operation of an observation of ``tenants`` tenants, and those that ``number`` tenants would take.

    Both are those of a first look: ``cached`` of ``calls`` were not made, because an earlier look had the answers. Each
    of them counts as one call. ``seconds`` is how long AWS's published rates make the estimate, at least;
    ``seconds_again`` a second `status`. ``unseen`` parts were not seen, and what hangs on them is not counted.
    """

    tenants: int
    number: int
    calls: Mapping[str, int]
    estimate: Mapping[str, int]
    seconds: float
    seconds_again: float
    cached: int
    unseen: int

    @classmethod
    def of(cls, snapshot: Snapshot, tenants: int, number: int) -> Self:
        """Plan from what ``snapshot`` took, and what it would have taken had no earlier look been kept."""
        known = Counter({name: len(snapshot.cached_arns(part)) for name, part in CACHED.items()})
        calls = Counter(snapshot.calls) + known
        each = {name: Growth(_PER_TENANT, 1 if name in _IN_ONE_REGION else 2) for name in NO_BATCH_READ}
        growths = {**GROWS, **each}
        grown = {name: growths[name].calls(number) - growths[name].calls(tenants) for name in growths}
        estimate = {name: count + grown.get(name, 0) for name, count in calls.items()}
        a_region = {
            name: ceil(count / (growths[name].regions if name in growths else 1)) for name, count in estimate.items()
        }
        again = {name: count for name, count in a_region.items() if name not in CACHED}
        seconds = shortest_s(a_region), shortest_s(again)
        unseen = len(snapshot.unavailable_parts())
        return cls(tenants, number, dict(calls), estimate, *seconds, known.total(), unseen)

    @property
    def again(self) -> int:
        """Calls of a second `status` of ``number`` tenants of live AWS."""
        return sum(count for name, count in self.estimate.items() if name not in CACHED)

    def rate(self, operation: str) -> str:
        """What AWS publishes: so many at once, then so many a second; "" where nothing is known."""
        rate = rate_of(operation)
        return f"{rate.burst}, then {rate.per_s:g}/s" if rate else ""
