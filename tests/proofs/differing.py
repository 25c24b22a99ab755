"""The estate as the eyes see it, reduced to what a round trip must leave as it was.

Left out, each with its reason: what the report says is kept (databases and recovery points set aside), what AWS draws
by lot or counts up (ids, versions, moments), and metrics.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from dr_estate.environments import Environment
from dr_estate.observing import observe
from dr_estate.snapshot import to_json
from sandbox.endpoint import Endpoint
from tests.proofs.lots import DRAWN, MOMENTS
from tests.proofs.watching import reader_of

# Parts that count, measure or list what grows with time, and those of what is kept aside on purpose.
_LEFT_OUT = re.compile(
    r"^(answers|sites|served|control|backup_jobs|sampling|leading|stopped|stopping|ecs\.tasks|backup\.recovery_points|"
    r"rds\.snapshots|definitions|quotas|[a-z_0-9]+\.[a-z_]*(metrics|statuses|healthy_hosts|minutes|alarms|pulse))"
)
_KEPT = re.compile(r"^(rds\.instances|backup_plan\.tagged)\..*-before-db-")
_LOTS = (
    MOMENTS,
    *DRAWN,
    (re.compile(r'"(points|version|free)": \d+'), r'"\1": 0'),  # counted up by backups, by changes, by tasks placed
    (re.compile(r', \["ReplicatedFrom", "[^"]*"\]'), ""),  # tells a later run where the database came from
    (re.compile(r', \["read_only", "\{TrueIfReplica\}"\]'), ""),  # the engine's own default
)


@dataclass(frozen=True)
class Seen:
    """What was seen: a line for each item of each part."""

    lines: frozenset[str]

    def differences(self, later: Seen) -> tuple[list[str], list[str]]:
        """What is gone, and what is new, but for what a failback keeps aside."""
        gone, new = self.lines - later.lines, later.lines - self.lines
        return sorted(gone), sorted(line for line in new if not _KEPT.search(line))


def changed_facts(world: Endpoint, env: Environment) -> Seen:
    """What can be seen of the estate now, without what may differ."""
    lines: set[str] = set()
    for part in json.loads(to_json(observe(env, reader_of(world), "sandbox")))["parts"]:
        path = f"{part['name']}.{part['side']}"
        if not _LEFT_OUT.match(path):
            value = part["value"]
            for item in value if isinstance(value, list) else [value]:
                lines.add(f"{path} {_plain(item)}")
    return Seen(frozenset(lines))


def _plain(item: Any) -> str:
    text = json.dumps(item, sort_keys=True)
    for pattern, word in _LOTS:
        text = pattern.sub(word, text)
    return text
