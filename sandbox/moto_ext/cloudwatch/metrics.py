"""The metrics AWS services publish about the estate, made from the live state of the world (T23).

A metric is a :class:`MetricSource`: its name and dimensions in a region, and its value at a minute, or None where AWS
publishes nothing then: the thing is absent, replication is broken, a count is zero that is only published when not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sandbox.core.state import was_dark

Value = Callable[[datetime], float | None]
Dimensions = tuple[tuple[str, str], ...]
# Where Route 53 and CloudFront publish, whatever region asks.
GLOBAL_REGION = "us-east-1"


@dataclass(frozen=True)
class MetricSource:
    """One metric: ``dimensions`` sorted by name, ``value`` at a given minute, ``unit`` as CloudWatch names it."""

    namespace: str
    name: str
    dimensions: Dimensions
    value: Value
    unit: str = "None"

    @property
    def key(self) -> tuple[str, str, Dimensions]:
        """What a query names."""
        return self.namespace, self.name, self.dimensions


# ``publisher(account, region)`` yields every metric of a namespace that the region has.
Publisher = Callable[[str, str], Iterator[MetricSource]]


def source(namespace: str, name: str, dimensions: dict[str, str], value: Value, unit: str = "None") -> MetricSource:
    """A metric, its dimensions put in order."""
    return MetricSource(namespace, name, tuple(sorted(dimensions.items())), value, unit)


def always(value: float) -> Value:
    """The same value each minute."""
    return lambda _moment: value


def until_dark(value: Value, *regions: str) -> Value:
    """No value in the minutes in which one of ``regions`` was dark: broken replication says nothing (T23).

    That of an outage which is over stays a gap for ever: CloudWatch fills in nothing afterwards.
    """
    # No zero and no last value: a gap is what a broken replication looks like (T23).
    return lambda moment: None if any(was_dark(region, moment) for region in regions) else value(moment)


def nonzero(value: float) -> Value:
    """A count that is only published when there is something to count."""
    return lambda _moment: value or None
