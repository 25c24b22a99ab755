"""Would anybody be told? SNS topics in both regions, with somebody listening."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.model import Area, Finding, Severity, View
from dr_checks.registry import BOTH, check
from dr_estate.facts import topics


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
    for topic in view.get(topics.topics):
        if topic.exists:
            yield view.ok(topic.name, "exists", "exists", "stakeholders can be notified from here")
        else:
            yield view.gap(
                topic.name,
                "absent",
                "exists",
                f"nobody hears of a recovery that runs in {view.region}",
                f"Create aws_sns_topic '{topic.name}' in {view.region}.",
            )


@check(
    "somebody listens to every notification topic",
    severity=Severity.CRITICAL,
    area=Area.PREREQUISITES,
    sides=BOTH,
    rules=("SnsSubscriptionConfirmed", "NIST CP-2"),
    traps=("T40",),
)
def subscribed(view: View) -> Iterator[Finding]:
    """Each existing topic has a confirmed subscription; a pending one hears nothing. Source: SNS GetTopicAttributes."""
    there = [topic for topic in view.get(topics.topics) if topic.exists]
    for topic in there:
        measured = f"{topic.confirmed} confirmed, {topic.pending} pending"
        if topic.confirmed:
            yield view.ok(topic.name, measured, "1 or more confirmed", "somebody hears it")
        else:
            yield view.gap(
                topic.name,
                measured,
                "1 or more confirmed",
                "a message to it reaches nobody",
                f"aws sns subscribe --region {view.region} --topic-arn ...:{topic.name}, and confirm the subscription.",
            )
    if not there:
        yield view.none_expected("topics", "there is none: topics.in-both-regions says so")
