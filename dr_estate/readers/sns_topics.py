"""SNS topics of the environment: settings and subscribers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dr_estate.reading.reader import REGIONAL, ReadContext, part

READS = frozenset({"sns:GetTopicAttributes"})
SHOWN = "shown as "
"""How the setting begins that says under which name messages arrive."""
_INSIDE_AWS = ("sqs", "lambda", "firehose", "application")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by name; subscriptions are counted, as AWS counts them. ``exists`` False: the rest is 0 or empty.

    ``settings`` are what decides how messages arrive, in words that are alike in every region. ``policy`` is its own,
    ``key`` as it names it, "" where it has none.
    """

    name: str
    exists: bool
    confirmed: int
    pending: int
    settings: tuple[str, ...] = ()
    policy: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class TopicSubscription:
    """One confirmed subscription of a topic, in words that are alike in every region.

    ``who`` is protocol and address; of what stands in a region itself, such as a queue, the protocol alone, and
    ``endpoint`` its ARN.
    """

    topic: str
    who: str
    settings: tuple[str, ...]
    endpoint: str = ""


@part(*REGIONAL, reads=READS)
def topics(context: ReadContext) -> tuple[Topic, ...]:
    """The topics of names.topics: one call each, by their ARN."""
    rows = [{"Name": context.env.named(pattern)} for pattern in context.env.names.topics]
    return context.each_row(rows, lambda row: _topic(context, row["Name"]), "Name")


def _topic(context: ReadContext, name: str) -> Topic:
    arn = f"arn:aws:sns:{context.region}:{context.env.account}:{name}"
    found = context.find("sns", "get_topic_attributes", ("NotFound", "NotFoundException"), TopicArn=arn)
    if found is None:
        return Topic(name, exists=False, confirmed=0, pending=0)
    attributes = found.get("Attributes", {})
    counts = ("SubscriptionsConfirmed", "SubscriptionsPending")
    confirmed, pending = (int(attributes[count]) for count in counts)
    policy, key = attributes.get("Policy") or "", attributes.get("KmsMasterKeyId") or ""
    settings = [f"{SHOWN}{attributes['DisplayName']}"] if attributes.get("DisplayName") else []
    settings += ["encrypted under a KMS key"] if attributes.get("KmsMasterKeyId") else []
    settings += [f"delivered by {_canonical(attributes['DeliveryPolicy'])}"] if attributes.get("DeliveryPolicy") else []
    return Topic(name, True, confirmed, pending, tuple(settings), policy, key)


@part(*REGIONAL, reads=frozenset({"sns:ListSubscriptionsByTopic", "sns:GetSubscriptionAttributes"}))
def listeners(context: ReadContext) -> tuple[TopicSubscription, ...]:
    """Every confirmed subscription of the topics that are there: a page and one call each, for a handful of topics."""
    there = [topic.name for topic in context.part(topics) if topic.exists]
    rows = [
        (name, row)
        for name in there
        for row in context.pages(
            "sns",
            "list_subscriptions_by_topic",
            "Subscriptions",
            TopicArn=f"arn:aws:sns:{context.region}:{context.env.account}:{name}",
        )
        if row.get("SubscriptionArn", "").startswith("arn:")  # a pending one has none yet
    ]
    read = context.each(
        lambda pair: context.row(pair[1], lambda row: _listener(context, pair[0], row), "SubscriptionArn"), rows
    )
    return tuple(listener for listener in read if listener is not None)


def _listener(context: ReadContext, topic: str, row: dict[str, Any]) -> TopicSubscription:
    answer = context.call("sns", "get_subscription_attributes", SubscriptionArn=row["SubscriptionArn"])
    attributes: dict[str, str] = answer["Attributes"]
    scope = "by body " if attributes.get("FilterPolicyScope") == "MessageBody" else ""
    settings = [f"only {scope}{_canonical(attributes['FilterPolicy'])}"] if attributes.get("FilterPolicy") else []
    settings += ["raw"] if attributes.get("RawMessageDelivery", "").lower() == "true" else []
    settings += ["with a dead-letter queue"] if attributes.get("RedrivePolicy") else []
    settings += [f"delivered by {_canonical(attributes['DeliveryPolicy'])}"] if attributes.get("DeliveryPolicy") else []
    protocol = row["Protocol"]
    inside = protocol in _INSIDE_AWS
    who = protocol if inside else f"{protocol} {row['Endpoint']}"
    return TopicSubscription(topic, who, tuple(settings), row["Endpoint"] if inside else "")


def _canonical(document: str) -> str:
    """The document with its keys in order: the same policy reads the same, however it was written."""
    try:
        return json.dumps(json.loads(document), sort_keys=True)
    except ValueError:
        return document
