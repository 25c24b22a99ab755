"""Calls leave no faster than AWS answers them: a token bucket for each group of operations, region by region.

A call that AWS throttles costs a retry, and in a failover the tokens of the console and of ECS itself. An operation
that is not in the table is not held back.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """AWS's bucket for these operations together, or all of a service (``:*``): ``burst`` at once, then ``per_s``."""

    burst: int
    per_s: float
    source: str
    operations: tuple[str, ...]


_ECS = "Amazon ECS API Reference, Request throttling"
_SECRETS = "AWS Secrets Manager User Guide, Quotas"
RATES = (
    Rate(50, 20, f"{_ECS}: cluster read", ("ecs:DescribeClusters",)),
    Rate(100, 20, f"{_ECS}: service read", ("ecs:ListServices", "ecs:DescribeServices")),
    Rate(50, 5, f"{_ECS}: service modify", ("ecs:UpdateService",)),
    Rate(100, 20, f"{_ECS}: cluster resource read", ("ecs:ListTasks", "ecs:DescribeTasks")),
    Rate(100, 40, f"{_ECS}: cluster resource modify", ("ecs:RunTask", "ecs:StopTask")),
    Rate(50, 20, f"{_ECS}: task definition read", ("ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitionFamilies")),
    Rate(20, 1, f"{_ECS}: task definition modify", ("ecs:RegisterTaskDefinition",)),
    Rate(20, 10, f"{_ECS}: tag modify", ("ecs:TagResource",)),
    Rate(40, 10, "Elastic Load Balancing API Reference, Throttling", ("elbv2:*",)),
    Rate(20, 4, "Elastic Load Balancing API Reference, Throttling: what ECS registers", ("elbv2:RegisterTargets",)),
    Rate(50, 10, "Amazon Route 53 Developer Guide, Quotas: API requests (T13)", ("route53:*",)),
    Rate(50, 50, f"{_SECRETS}: resource policies", ("secretsmanager:GetResourcePolicy",)),
    Rate(100, 100, f"{_SECRETS}: ListSecrets", ("secretsmanager:ListSecrets",)),
    Rate(
        50,
        50,
        f"{_SECRETS}: PutSecretValue and replication together",
        tuple(
            f"secretsmanager:{name}"
            for name in ("PutSecretValue", "ReplicateSecretToRegions", "StopReplicationToReplica")
        ),
    ),
    Rate(10, 10, "Amazon CloudWatch Logs User Guide, Quotas: DescribeLogGroups", ("logs:DescribeLogGroups",)),
)
"""The published default rates of what a look or a run calls for each tenant. An account may have other ones."""
_MARGIN = 0.97
"""Calls arrive less evenly than they leave; and somebody else calls, too."""
_RATE_OF = {operation: rate for rate in RATES for operation in rate.operations}


def rate_of(operation: str) -> Rate | None:
    """Return the rate of ``service:Operation``, None where none is published."""
    return _RATE_OF.get(operation) or _RATE_OF.get(f"{operation.partition(':')[0]}:*")


def most_at_once(operations: Iterable[str]) -> int | None:
    """How many calls of these operations AWS takes at once, by the smallest of their buckets; None where none is."""
    bursts = [int(rate.burst * _MARGIN) for rate in map(rate_of, operations) if rate is not None]
    return min(bursts, default=None)


class Pace:
    """The buckets of one account. Thread-safe. ``steady`` gives seconds."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady, self._lock = steady, threading.Lock()
        self._empty_at: dict[tuple[Rate, str], float] = {}

    def reserve(self, operation: str, region: str) -> float:
        """Take a token for a call of ``operation``; returns in how many seconds it may leave."""
        rate = rate_of(operation)
        if rate is None:
            return 0.0
        interval_s, burst = 1 / (rate.per_s * _MARGIN), int(rate.burst * _MARGIN)
        with self._lock:
            now, key = self._steady(), (rate, region)
            # A token bucket as one moment, that at which it is empty: idle time fills it to its burst and no further.
            empty_at = max(self._empty_at.get(key, -math.inf), now - burst * interval_s) + interval_s
            self._empty_at[key] = empty_at
            return max(0.0, empty_at - now)


def launch_s(tasks: int, burst: float, per_s: float) -> float:
    """Seconds Fargate takes to launch so many tasks, ``burst`` of them at once, and ELB to register them (T35)."""
    return max(max(0, tasks - burst) / per_s, shortest_s({"elbv2:RegisterTargets": tasks}))


def shortest_s(calls: Mapping[str, int]) -> float:
    """Seconds that AWS's rates alone make so many calls of one region take: the floor, whatever the reader does."""
    counts: Counter[Rate] = Counter()
    for operation, count in calls.items():
        if rate := rate_of(operation):
            counts[rate] += count
    return max((0.0, *((count - rate.burst) / rate.per_s for rate, count in counts.items())))
