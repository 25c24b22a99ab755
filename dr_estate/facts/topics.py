"""SNS topics of the environment: there or not, and who listens."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.facts import REGIONAL, part
from dr_estate.looking import Look

READS = frozenset({"sns:GetTopicAttributes"})


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by name; subscriptions are counted, as AWS counts them. ``exists`` False: the rest is 0."""

    name: str
    exists: bool
    confirmed: int
    pending: int


@part(*REGIONAL, reads=READS)
def topics(look: Look) -> tuple[Topic, ...]:
    """The topics of names.topics: one call each, by their ARN."""
    return tuple(look.each(lambda pattern: _topic(look, look.env.named(pattern)), look.env.names.topics))


def _topic(look: Look, name: str) -> Topic:
    arn = f"arn:aws:sns:{look.region}:{look.env.account}:{name}"
    found = look.find("sns", "get_topic_attributes", ("NotFound", "NotFoundException"), TopicArn=arn)
    if found is None:
        return Topic(name, exists=False, confirmed=0, pending=0)
    told = found["Attributes"]
    confirmed, pending = int(told.get("SubscriptionsConfirmed", 0)), int(told.get("SubscriptionsPending", 0))
    return Topic(name, exists=True, confirmed=confirmed, pending=pending)
