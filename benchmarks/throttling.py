"""AWS's published rates, enforced: a token bucket for each group of operations and region.

The table is AWS's pages again, and not the reader's own (dr_estate/aws/pace.py): a rate that is wrong there is
throttled here.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A row of AWS's pages: so many calls at once, then so many a second, for all of these operations together."""

    service: str
    burst: float
    per_s: float
    operations: tuple[str, ...] = ()


_DEFINITIONS = ("DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies")
_SERVICES = ("DescribeServices", "ListServices")
_TASKS = ("DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances", "ListAttributes")
_SECRET_POLICIES = ("DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy", "ValidateResourcePolicy")
LIMITS = (
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
    Limit("ecs", 50, 20, ("DescribeClusters", "ListClusters")),
    Limit("ecs", 50, 20, _DEFINITIONS),
    Limit("ecs", 100, 20, _SERVICES),
    Limit("ecs", 100, 20, _TASKS),
    Limit("ecs", 50, 20, ("DescribeCapacityProviders",)),
    Limit("ecs", 50, 20, ("ListTagsForResource",)),
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference (throttling), of the account and region
    Limit("elasticloadbalancing", 40, 10),
    # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
    Limit("route53", 50, 10),
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
    Limit("secretsmanager", 50, 50, _SECRET_POLICIES),
    Limit("secretsmanager", 100, 100, ("ListSecrets",)),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    Limit("logs", 10, 10, ("DescribeLogGroups",)),
    Limit("monitoring", 500, 500, ("GetMetricData",)),
)
_OF_OPERATION = {(limit.service, operation): limit for limit in LIMITS for operation in limit.operations}
_OF_SERVICE = {limit.service: limit for limit in LIMITS if not limit.operations}
JSON_REFUSAL = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
XML_REFUSAL = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
    b"<RequestId>0</RequestId></ErrorResponse>"
)


def limit_of(scope: bytes, target: bytes, body: bytes) -> tuple[Limit, str] | None:
    """The limit that a request counts against, and in which region; None where none is published.

    ``scope`` is the region and the service of its signature, ``target`` the header that names a JSON operation.
    """
    region, _, service = scope.decode().partition("/")
    action = _ACTION.search(body)
    operation = target.decode().rpartition(".")[2] or (action[1].decode() if action else "")
    limit = _OF_OPERATION.get((service, operation)) or _OF_SERVICE.get(service)
    return (limit, region) if limit else None


class TokenBucket:
    """AWS's token bucket: ``burst`` calls at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float]) -> None:
        self.rate, self.burst, self._now = rate, burst, now
        self._tokens, self._at = burst, now()

    def take(self) -> bool:
        """Whether one more call may pass now."""
        now = self._now()
        self._tokens, self._at = min(self.burst, self._tokens + (now - self._at) * self.rate), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass
class PublishedLimits:
    """The buckets of one account, ``share`` times as wide as they are published."""

    share: float = 1.0
    now: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[Limit, str], TokenBucket] = field(default_factory=dict)
    _passed: Counter[tuple[Limit, str]] = field(default_factory=Counter)

    def passes(self, scope: bytes, target: bytes, body: bytes) -> bool:
        """Whether the request passes now."""
        key = limit_of(scope, target, body)
        if key is None:
            return True
        limit = key[0]
        own = TokenBucket(limit.per_s * self.share, limit.burst * self.share, self.now)
        bucket = self._buckets.setdefault(key, own)
        passes = bucket.take()
        self._passed[key] += passes
        return passes

    @property
    def shortest_s(self) -> float:
        """Seconds that the buckets alone make what passed take."""
        waits = ((count / self.share - limit.burst) / limit.per_s for (limit, _), count in self._passed.items())
        return max((0.0, *waits))
