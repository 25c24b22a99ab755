"""Checks of SNS topics: existence and subscribers in both regions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import BOTH, check
from dr_checks.core.remedy import Remedy
from dr_estate.config.environment import Side
from dr_estate.readers import sns_topics

_ALIKE = "as in the primary region"


@check(
    "every notification topic exists in both regions",
    severity=Severity.CRITICAL,
    area=Area.PREREQUISITES,
    sides=BOTH,
    rules=("SnsTopicsBothRegions", "NIST CP-2"),
    traps=("T40",),
)
def in_both_regions(view: View) -> Iterator[Finding]:
    """Each of names.topics exists on this side. Source: SNS GetTopicAttributes, T40."""
    for topic in view.get(sns_topics.topics):
        if topic.exists:
            yield view.ok(topic.name, "exists", "exists", "stakeholders can be notified from here")
        else:
            yield view.gap(
                topic.name,
                "absent",
                "exists",
                f"a recovery in {view.region} would send no notifications",
                Remedy(
                    f"Create aws_sns_topic '{topic.name}' in {view.region}, then have people subscribe to it.",
                    (view.command("sns", "CreateTopic", Name=topic.name),),
                ),
            )


@check(
    "every notification topic has a confirmed subscriber",
    severity=Severity.CRITICAL,
    area=Area.PREREQUISITES,
    sides=BOTH,
    rules=("SnsSubscriptionPendingConfirmation", "SnsSubscriptionEndpointEnabled", "NIST CP-2"),
    traps=("T40",),
)
def subscribed(view: View) -> Iterator[Finding]:
    """Each existing topic has a confirmed subscription; a pending one hears nothing. Source: SNS GetTopicAttributes."""
    there = [topic for topic in view.get(sns_topics.topics) if topic.exists]
    for topic in there:
        measured = f"{topic.confirmed} confirmed, {topic.pending} pending"
        if topic.confirmed:
            yield view.ok(topic.name, measured, "1 or more confirmed", "the topic has confirmed subscribers")
        else:
            yield view.gap(
                topic.name,
                measured,
                "1 or more confirmed",
                "a message to it reaches no one",
                f"Subscribe an address to it (aws_sns_topic_subscription '{topic.name}' in {view.region}), whose owner "
                "confirms the subscription.",
            )
    if not there:
        yield view.none_expected("topics", "there is none: see topics.in-both-regions")


@check(
    "the notification topics of the DR region have the subscribers of the primary region's",
    severity=Severity.NORMAL,
    area=Area.PREREQUISITES,
    rules=(
        "SnsTopicSubscription",
        "SnsTopicDisplayName",
        "SnsTopicDeliveryPolicy",
        "SnsTopicAwsKmsKey",
        "SnsSubscriptionProtocol",
        "SnsSubscriptionNonAwsEndpoint",
        "SnsSubscriptionSqsLambdaEndpoint",
        "SnsSubscriptionDeliveryPolicy",
        "SnsSubscriptionRawMessageDelivery",
        "SnsSubscriptionFilter",
        "SnsSubscriptionRedrivePolicy",
        "NIST CP-2",
    ),
    traps=("T40",),
)
def alike(view: View) -> Iterator[Finding]:
    """Whoever hears a topic in the primary region hears it here, and it is set alike; more listeners are fine.

    Addresses are compared; of queues and functions, which are each region's own, only how many. Source: ARC Sns rules.
    """
    there = {topic.name: topic for topic in view.get(sns_topics.topics, Side.PRIMARY) if topic.exists}
    both = [topic for topic in view.get(sns_topics.topics) if topic.exists and topic.name in there]
    wanted_by, heard_by = _heard(view, Side.PRIMARY), _heard(view, Side.DR)
    for topic in both:
        wanted, mine = wanted_by.get(topic.name, Counter()), heard_by.get(topic.name, Counter())
        gaps = [f"missing: {who}" for who in sorted((wanted - mine).elements())]
        remedy = f"Apply aws_sns_topic '{topic.name}' and its subscriptions with the provider of {view.region} too."
        unlike = [f"not {setting}" for setting in there[topic.name].settings if setting not in topic.settings]
        unlike += [f"{setting}, here only" for setting in topic.settings if setting not in there[topic.name].settings]
        if gaps:
            reason = "subscribers of the primary region's topic would not be notified from here"
            yield view.gap(topic.name, "; ".join(gaps + unlike), _ALIKE, reason, remedy)
        elif unlike:
            reason = "messages from here are shown or delivered differently from the primary region's"
            yield view.warn(topic.name, "; ".join(unlike), _ALIKE, reason, remedy)
        else:
            yield view.ok(topic.name, "alike", _ALIKE, "the subscribers are the same")
    if not both:
        yield view.none_expected("topics", "none is in both regions: see topics.in-both-regions")


def _heard(view: View, side: Side) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for listener in view.get(sns_topics.listeners, side):
        found.setdefault(listener.topic, Counter())[", ".join((listener.who, *listener.settings))] += 1
    return found
