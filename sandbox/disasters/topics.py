"""Topics that nobody can publish to, or that nobody hears (T40)."""

from __future__ import annotations

from dr_estate.environments import Side
from sandbox.disasters import disaster
from sandbox.world import World


def _topic(world: World) -> tuple[str, str]:
    """Name and ARN of the environment's first topic in the DR region."""
    env = world.environment
    name = env.named(env.names.topics[0])
    return name, f"arn:aws:sns:{env.region(Side.DR)}:{env.account}:{name}"


@disaster(
    "topic-deleted",
    "A notification topic is gone from the DR region",
    trips=("topics.in-both-regions",),
)
def topic_deleted(world: World) -> None:
    """Delete the first topic with its subscriptions; its name gives the new one the same ARN."""
    name, arn = _topic(world)
    _resubscribe_later(world, arn)
    tags = world.call(Side.DR, "sns", "ListTagsForResource", ResourceArn=arn)["Tags"]
    world.undo(Side.DR, "sns", "CreateTopic", Name=name, Tags=tags)
    world.call(Side.DR, "sns", "DeleteTopic", TopicArn=arn)


@disaster("topic-unheard", "Nobody is subscribed to a topic of the DR region any more", trips=("topics.subscribed",))
def topic_unheard(world: World) -> None:
    """Unsubscribe everybody from the first topic."""
    _, arn = _topic(world)
    _resubscribe_later(world, arn)
    for subscription in world.call(Side.DR, "sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]:
        world.call(Side.DR, "sns", "Unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])


def _resubscribe_later(world: World, arn: str) -> None:
    for held in world.call(Side.DR, "sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]:
        world.undo(Side.DR, "sns", "Subscribe", TopicArn=arn, Protocol=held["Protocol"], Endpoint=held["Endpoint"])
