"""What a long observation shows while the rest is read: tasks, databases and sites of each region, as they are seen.

Apart from evaluation.py, which waits for that observation: a reader who follows `status` returns to no file that waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from dr_checks.derived.site_visits import by_host, is_own
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, http_sites, rds

# What is read sooner needs no first lines: to a person, and to a log.
ATTENDED_S, UNATTENDED_S = 2.0, 10.0


class FirstSight:
    """Notes a line for each of a few parts, once the observation has lasted for some seconds."""

    def __init__(
        self,
        environment: Environment,
        note: Callable[[str], None],
        after_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment, self._note, self._now, self._lines = environment, note, now, list[str]()
        self._from_s = now() + after_s

    def __call__(self, name: str, side: Side, value: Any) -> None:
        """Hear of a part that was read."""
        line = _LINES.get(name)
        if line is not None:
            shown = value.why if isinstance(value, Unavailable) else line(value, self._environment)
            self._lines += [f"Seen so far: {self._environment.region(side)}, {_WHAT[name]}: {shown}"] if shown else []
        if self._now() >= self._from_s:
            for text in self._lines:
                self._note(text)
            self._lines.clear()


def _tasks(services: Sequence[ecs.Service], _: Environment) -> str:
    running, desired = sum(s.running for s in services), sum(s.desired for s in services)
    return f"{running} of {desired} tasks run, services: {len(services)}."


def _databases(instances: Sequence[rds.Instance], _: Environment) -> str:
    return f"{', '.join(f'{i.identifier} is {i.status}' for i in instances) or 'no instance'}."


def _sites(visits: http_sites.VisitRound | None, environment: Environment) -> str:
    if visits is None:
        return "no load balancer."
    own = sum(is_own(visit, visits, environment) for visit in by_host(visits).values())
    return f"{own} of {len(visits.tenants)} tenants answer with their own page."


_WHAT = {ecs.services.name: "services", rds.instances.name: "databases", http_sites.visits.name: "sites"}
_LINES: dict[str, Callable[[Any, Environment], str]] = {
    ecs.services.name: _tasks,
    rds.instances.name: _databases,
    http_sites.visits.name: _sites,
}
