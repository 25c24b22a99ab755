"""What stands in the control table, for every report: stop switch, open incident, and overrides in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dr_estate.model.control_items import ItemKind
from dr_estate.readers.control_table import ControlState

_SHOWN_FOR = timedelta(days=1)  # a refusal: who ordered the run has long read it then


def sentences(control_state: ControlState, now: datetime) -> Iterator[str]:
    """Each thing that stands, as a sentence; nothing where nothing does."""
    if pause := control_state.pause:
        yield f"PAUSED: all runs are stopped by {pause.who}{pause.since}: {pause.why}"
    for item in control_state.unreadable:
        if item.kind is not ItemKind.PAUSE:  # said already
            yield f"UNREADABLE: {item.says}"
    if incident := control_state.known_incident:
        since = incident.unprotected_since
        bare = f", unprotected since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        yield f"incident {incident.id} is open since {incident.since:%Y-%m-%d %H:%M} UTC ({incident.stands_at}){bare}"
    refused, last = control_state.refused_start, control_state.known_run
    if refused and timedelta(0) <= now - refused.at < _SHOWN_FOR and (last is None or last.taken_at < refused.at):
        when = f"{refused.at:%Y-%m-%d %H:%M} UTC"
        yield f"REFUSED: the run for {refused.incident} that AWS started began nothing ({when}): {refused.says}"
    for override in control_state.overrides:
        if override.in_force(now):
            until = f"until {override.until:%Y-%m-%d %H:%M} UTC"
            by = f"{override.by} ({override.arn})" if override.arn else override.by
            yield f"override of {override.gate} by {by} for {override.incident}, {until}: {override.why}"


def to_dict(control_state: ControlState | None) -> dict[str, Any] | None:
    """The key ``control_state`` of the JSON report; null where the control table could not be read."""
    if control_state is None:
        return None
    incident = asdict(control_state.known_incident) if control_state.known_incident else None
    if incident is not None:
        del incident["staged"]  # the printed command that continues the incident shows it
    return {
        "pause": asdict(control_state.pause) if control_state.pause else None,
        "incident": incident,
        "overrides": [asdict(override) for override in control_state.overrides],
        "unreadable": [asdict(item) for item in control_state.unreadable],
    }
