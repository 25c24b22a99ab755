"""What the verbs of the way home share: what was recorded before the failover, and owners. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dr_actions.actions.common import unseen_handling
from dr_actions.model.action import Sight


def before(sight: Sight, verb: str, subject: str) -> Mapping[str, Any]:
    """The values before the failover's step of ``verb`` on ``subject``; empty where it had none, or nothing is kept."""
    return sight.recorded.get(f"{verb}.{subject}", {})


def tasks_at_home(sight: Sight, one: unseen_handling.Held) -> int:
    """How many tasks the tenant's primary service is to run: as before the failover.

    Where that was not recorded (the primary was dark) or was 0 (a scheduled night), as many as it runs by itself now;
    where that is 0, capacity.tasks_per_service.
    """
    kept = int(before(sight, "fence_services", one.service.name).get("desiredCount", 0))
    return kept or one.service.desired or sight.env.capacity.tasks_per_service
