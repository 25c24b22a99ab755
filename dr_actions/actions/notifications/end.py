"""Tells the stakeholders that the steps of the run are over, and that the region which serves now was validated."""

from __future__ import annotations

from dr_actions.actions.notifications.messages import Message
from dr_actions.actions.notifications.notification import Occasion, telling
from dr_actions.model.action import Sight
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side


def write(sight: Sight) -> Message:
    """The message at the end."""
    env = sight.env
    region = env.region(Side.PRIMARY if sight.goal is Goal.FAILBACK else Side.DR)
    happened = f"all steps are done: {region} serves, and was validated"
    needed = f"Watch {region} for a day. It has no standby until failback: deploy nothing that can wait."
    return Message(env.name, sight.incident, "notifications/end", happened, needed, "all teams")


VERB = telling(Occasion(__name__, "that all steps are done and validated", write))
