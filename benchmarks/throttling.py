"""AWS's published rates (dr_estate/aws/pace.py), enforced: a token bucket for each group of operations and region."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from dr_estate.aws.pace import Rate, rate_of

_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_NAMES = {"elasticloadbalancing": "elbv2"}
"""What boto calls a service where a signature has another name."""
JSON_REFUSAL = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
XML_REFUSAL = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
    b"<RequestId>0</RequestId></ErrorResponse>"
)


def rated(scope: bytes, target: bytes, body: bytes) -> tuple[Rate, str] | None:
    """The rate that a request counts against, and in which region; None where none is published.

    ``scope`` is the region and the service of its signature, ``target`` the header that names a JSON operation.
    """
    region, _, service = scope.decode().partition("/")
    action = _ACTION.search(body)
    operation = target.decode().rpartition(".")[2] or (action[1].decode() if action else "")
    rate = rate_of(f"{_NAMES.get(service, service)}:{operation}")
    return (rate, region) if rate else None


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
    _buckets: dict[tuple[Rate, str], TokenBucket] = field(default_factory=dict)
    _passed: Counter[tuple[Rate, str]] = field(default_factory=Counter)

    def passes(self, scope: bytes, target: bytes, body: bytes) -> bool:
        """Whether the request passes now."""
        key = rated(scope, target, body)
        if key is None:
            return True
        rate = key[0]
        bucket = self._buckets.setdefault(key, TokenBucket(rate.per_s * self.share, rate.burst * self.share, self.now))
        passes = bucket.take()
        self._passed[key] += passes
        return passes

    @property
    def shortest_s(self) -> float:
        """Seconds that the buckets alone make what passed take."""
        waits = ((count / self.share - rate.burst) / rate.per_s for (rate, _), count in self._passed.items())
        return max((0.0, *waits))
