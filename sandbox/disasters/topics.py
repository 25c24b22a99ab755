"""Topics that nobody can publish to, or that nobody hears (T40)."""

from __future__ import annotations

import io
import zipfile

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.moto_ext.sns import token_of
from sandbox.world.world import World


def _topic(world: World) -> tuple[str, str]:
    """Name and ARN of the environment's first topic in the DR region."""
    env = world.environment
    name = env.named(env.names.topics[0])
    return name, f"arn:aws:sns:{env.region(Side.DR)}:{env.account}:{name}"


@disaster("topic-deleted", "A notification topic is gone from the DR region", trips=("topics.in-both-regions",))
def topic_deleted(world: World) -> None:
    """Delete the first topic with its subscriptions; its name gives the new one the same ARN."""
    name, arn = _topic(world)
    _resubscribe_later(world, arn)
    tags = world.call(Side.DR, "sns", "ListTagsForResource", ResourceArn=arn)["Tags"]
    # Recorded after the subscriptions' undos, so replayed before them.
    world.undo(Side.DR, "sns", "CreateTopic", Name=name, Tags=tags)
    world.call(Side.DR, "sns", "DeleteTopic", TopicArn=arn)


@disaster(
    "topic-unheard",
    "Nobody is subscribed to a topic of the DR region any more",
    trips=("topics.subscribed",),
    consequences=("topics.alike",),
)
def topic_unheard(world: World) -> None:
    """Unsubscribe everybody from the first topic."""
    _, arn = _topic(world)
    _resubscribe_later(world, arn)
    for subscription in world.call(Side.DR, "sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]:
        world.call(Side.DR, "sns", "Unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])


def _resubscribe_later(world: World, arn: str) -> None:
    for subscription in world.call(Side.DR, "sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]:
        world.undo(
            Side.DR,
            "sns",
            "Subscribe",
            TopicArn=arn,
            Protocol=subscription["Protocol"],
            Endpoint=subscription["Endpoint"],
        )


@disaster(
    "topic-listener-forgotten",
    "The team's mail address was subscribed to a topic of the primary region alone",
    trips=("topics.alike",),
)
def listener_forgotten(world: World) -> None:
    """Subscribe the address to the first topic of the primary region, and confirm it."""
    env = world.environment
    arn = f"arn:aws:sns:{env.region(Side.PRIMARY)}:{env.account}:{env.named(env.names.topics[0])}"
    subscription_arn = world.call(
        Side.PRIMARY,
        "sns",
        "Subscribe",
        TopicArn=arn,
        Protocol="email",
        Endpoint="platform@example.com",
        # Else the answer for an address that has not confirmed is "pending confirmation".
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    world.undo(Side.PRIMARY, "sns", "Unsubscribe", SubscriptionArn=subscription_arn)
    # AWS mails the token to the address; here it follows from the subscription's ARN.
    world.call(Side.PRIMARY, "sns", "ConfirmSubscription", TopicArn=arn, Token=token_of(subscription_arn))


@disaster(
    "topic-queue-closed",
    "The on-call queue of the DR region takes messages of the primary region's topic alone",
    trips=("topics.delivered",),
)
def queue_closed(world: World) -> None:
    """Let the queue's policy name the primary region's topic."""
    env, (name, arn) = world.environment, _topic(world)
    url = world.call(Side.DR, "sqs", "GetQueueUrl", QueueName=f"{name}-desk")["QueueUrl"]
    named = {"QueueUrl": url, "AttributeNames": ["Policy"]}
    before = world.call(Side.DR, "sqs", "GetQueueAttributes", **named)["Attributes"]["Policy"]
    # A queue's policy names the topic by aws:SourceArn (SNS guide, subscribe a queue).
    after = before.replace(arn, arn.replace(env.regions.dr, env.regions.primary))
    for turn, policy in ((world.undo, before), (world.call, after)):
        turn(Side.DR, "sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})


@disaster(
    "topic-function-closed",
    "A function hears the first topic in both regions, and that of the DR region lets no topic invoke it",
    trips=("topics.delivered",),
)
def function_closed(world: World) -> None:
    """Make the function in both regions and subscribe it; only the primary region's may be invoked."""
    env, name = world.environment, "on-call-pager"
    role = f"arn:aws:iam::{env.account}:role/{env.name}-ecs-task-role"
    for side in (Side.PRIMARY, Side.DR):
        _, topic = _topic(world)
        topic = topic.replace(env.regions.dr, env.region(side))
        function = {"FunctionName": name, "Role": role, "Runtime": "python3.13", "Handler": "pager.call"}
        world.undo(side, "lambda", "DeleteFunction", FunctionName=name)
        arn = world.call(side, "lambda", "CreateFunction", Code={"ZipFile": _code()}, **function)["FunctionArn"]
        # Permissions go with the function: no undo is needed.
        if side is Side.PRIMARY:
            allowed = {"StatementId": "topic", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
            world.call(side, "lambda", "AddPermission", FunctionName=name, SourceArn=topic, **allowed)
        subscription = world.call(side, "sns", "Subscribe", TopicArn=topic, Protocol="lambda", Endpoint=arn)
        world.undo(side, "sns", "Unsubscribe", SubscriptionArn=subscription["SubscriptionArn"])


def _code() -> bytes:
    """A package of one module that does nothing."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("pager.py", "def call(event, context):\n    pass\n")
    return package.getvalue()
