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
from tests.proofs.compared import differences
from tests.proofs.watching import reader_of

# Parts that count, measure or list what grows with time, and those of what is kept aside on purpose.
_LEFT_OUT = re.compile(
    r"^(answers|sites|served|control|backup_jobs|sampling|leading|stopped|stopping|ecs\.tasks|backup\.recovery_points|"
    r"rds\.snapshots|definitions|quotas|[a-z_0-9]+\.[a-z_]*(metrics|statuses|healthy_hosts|minutes|alarms|pulse))"
)
_LOTS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<moment>"),
    (re.compile(r"\bab-[a-z0-9]{26}\b"), "<backup>"),
    (re.compile(r"\bdb-[A-Z0-9]{26}\b"), "<resource>"),
)


@dataclass(frozen=True)
class Seen:
    """Facts by path of names."""

    facts: dict[str, Any]

    def differences(self, later: Seen) -> dict[str, tuple[Any, Any]]:
        """What is not as it was."""
        return differences(self.facts, later.facts)


def changed_facts(world: Endpoint, env: Environment) -> Seen:
    """What can be seen of the estate now, without what may differ."""
    found: dict[str, Any] = {}
    for part in json.loads(to_json(observe(env, reader_of(world), "sandbox")))["parts"]:
        path = f"{part['name']}.{part['side']}"
        if not _LEFT_OUT.match(path):
            text = json.dumps(part["value"], sort_keys=True)
            for pattern, word in _LOTS:
                text = pattern.sub(word, text)
            found[path] = json.loads(text)
    return Seen(found)
