"""The tenants of the last good observation: the last source of who they are when both regions are dark."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.model.world_id import WorldId
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover
from utils.aws_mgmt.app.options import state_folder


def cached_tenants(environment: Environment, world: WorldId) -> tuple[str, ...]:
    """The tenant ids last seen in this environment and world; empty where nothing is remembered."""
    try:
        return tuple(json.loads(_file(environment, world).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return ()


def cache_tenants(snapshot: Snapshot, environment: Environment, world: WorldId) -> None:
    """Keep the tenants of ``snapshot`` where it could see them; a directory that cannot be written is no error."""
    try:
        tenants = [tenant.id for tenant in discover(snapshot, environment)]
    # A blind look keeps what a good one remembered: it is needed when both regions are dark.
    except DataUnavailable:
        return
    path = _file(environment, world)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tenants), encoding="utf-8")


def _file(environment: Environment, world: WorldId) -> Path:
    return state_folder() / f"tenants-{environment.name}-{world.folder}.json"
