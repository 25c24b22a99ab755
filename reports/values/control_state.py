"""What stands in the control table, for every report: stop switch, open incident, and overrides in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from dr_estate.readers.control_table import InForce


def sentences(standing: InForce, now: datetime) -> Iterator[str]:
    """Each thing that stands, as a sentence; nothing where nothing does."""
    if pause := standing.pause:
        yield f"PAUSED: all runs are stopped by {pause.who} since {pause.at:%Y-%m-%d %H:%M} UTC: {pause.why}"
    if incident := standing.incident:
        since = incident.unprotected_since
        bare = f", unprotected since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        yield f"incident {incident.id} is open since {incident.since:%Y-%m-%d %H:%M} UTC ({incident.phase}){bare}"
    for override in standing.overrides:
        if override.in_force(now):
            until = f"until {override.until:%Y-%m-%d %H:%M} UTC"
            yield f"override of {override.gate} by {override.by} for {override.incident}, {until}: {override.why}"


def to_dict(standing: InForce | None) -> dict[str, Any] | None:
    """The key ``standing`` of the JSON report; null where the control table could not be read."""
    if standing is None:
        return None
    return {
        "pause": asdict(standing.pause) if standing.pause else None,
        "incident": asdict(standing.incident) if standing.incident else None,
        "overrides": [asdict(override) for override in standing.overrides],
    }
