"""Notifies the stakeholders that the steps of the run are over, and that the region that serves now was validated."""

from __future__ import annotations

from dr_actions.actions.notifications.messages import Message
from dr_actions.actions.notifications.notification import Notification, notification_action
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side


def write(context: PlanContext) -> Message:
    """The message at the end."""
    env = context.env
    region = env.region(Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR)
    happened = f"visitors read and write in {region}, as was validated: all steps are done"
    needed = f"Watch {region} for a day. It has no standby until failback: deploy nothing that can wait."
    return Message(env.name, context.incident, "notifications/end", happened, needed, "all teams")


ACTION = notification_action(Notification(__name__, "that all steps are done and validated", write))
