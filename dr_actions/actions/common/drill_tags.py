"""Tags of what a drill makes. Pure."""

from __future__ import annotations

from dr_actions.model.plan import Json
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import TAG


def drill_tags(env: Environment, incident: str, **more: str) -> list[Json]:
    """The tags of what a trial makes; never that by which things are backed up."""
    labels = {"Environment": env.name, "ManagedBy": "aws-dr-manager", TAG: incident, **more}
    return [{"Key": key, "Value": value} for key, value in sorted(labels.items())]
