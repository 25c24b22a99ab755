"""Notifies the stakeholders that a run begins, before anything is changed."""

from __future__ import annotations

from dr_actions.actions.notifications.messages import Message
from dr_actions.actions.notifications.notification import Notification, notification_action
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal
from dr_checks.posture.visitor_access import visitor_access
from dr_estate.config.environment import Side

_GOALS = {Goal.FAILOVER: "failover", Goal.SWITCHOVER: "planned switchover", Goal.FAILBACK: "failback"}

_OTHERS = {
    Goal.FENCE: "fence begins: one of the two regions is stopped from writing",
    Goal.RELEASE: "release begins: the fenced region may write again",
    Goal.ABORT: "the failback is aborted: the DR region goes on serving, and takes writes again",
}


def write(context: PlanContext) -> Message:
    """The message at the start."""
    env = context.env
    way = (Side.DR, Side.PRIMARY) if context.goal is Goal.FAILBACK else (Side.PRIMARY, Side.DR)
    happened = _OTHERS.get(context.goal) or (
        f"{_GOALS[context.goal]} begins: from {env.region(way[0])} to {env.region(way[1])}"
    )
    visitors = visitor_access(context.snapshot, env).sentence  # what the plan was made upon, seconds ago
    happened = f"{visitors} {happened}"
    return Message(
        env.name, context.incident, "notifications/start", happened, "Stop deployments and changes.", "all teams"
    )


ACTION = notification_action(Notification(__name__, "that the run begins", write))
