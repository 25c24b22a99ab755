"""CloudWatch alarms: those the environment file names, in both regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from dr_estate.model.references import neutral
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

# The most that DescribeAlarms takes (CloudWatch API, DescribeAlarms).
_NAMES_A_CALL = 100
_NO_TOPIC = ("NotFound", "NotFoundException")
_NARROWING = ("Dimensions", "Period", "Unit", "DatapointsToAlarm", "ThresholdMetricId")


@dataclass(frozen=True, slots=True)
class Alarm:
    """One metric alarm. ``actions`` are the ARNs notified when it goes off; ``rule`` is what it watches, in words.

    ``balancer`` is the load balancer that it watches as CloudWatch names it (``app/<name>/<id>``), "" where it watches
    none. ``lost_topics`` are those of its actions that are topics of this region and account, and are not there.
    """

    name: Annotated[str, At("AlarmName", demanded=True)]
    state: Annotated[str, At("StateValue")]
    reason: Annotated[str, At("StateReason")]
    rule: str
    threshold: Annotated[float | None, At("Threshold")]
    periods: Annotated[int, At("EvaluationPeriods")]
    missing_data: Annotated[str, At("TreatMissingData")]
    actions_enabled: Annotated[bool, At("ActionsEnabled")]
    actions: tuple[str, ...]
    balancer: str = ""
    lost_topics: tuple[str, ...] = ()
    comparison: Annotated[str, At("ComparisonOperator")] = ""


@part(*REGIONAL, reads=frozenset({"cloudwatch:DescribeAlarms", "sns:GetTopicAttributes"}))
def alarms(context: ReadContext) -> tuple[Alarm, ...]:
    """The alarms of names.alarms, a hundred a call; those that are absent are not in it.

    CloudWatch takes the ARN of any topic: each that names.topics does not name is asked about, one call a topic.
    """
    names = sorted(context.env.named(pattern) for pattern in context.env.names.alarms)

    def describe(batch: Sequence[str]) -> Sequence[Alarm]:
        # Both must be named: without AlarmTypes only metric alarms are answered (its API page).
        kinds = ["MetricAlarm", "CompositeAlarm"]
        both = "MetricAlarms,CompositeAlarms"
        rows = context.pages("cloudwatch", "describe_alarms", both, AlarmNames=list(batch), AlarmTypes=kinds)
        return context.rows(rows, lambda row: _alarm(context, row), "AlarmName")

    found = context.batches(describe, names, _NAMES_A_CALL)
    place = f"arn:aws:sns:{context.region}:{context.env.account}:"
    known = {f"{place}{context.env.named(pattern)}" for pattern in context.env.names.topics}
    others = sorted({arn for alarm in found for arn in alarm.actions if arn.startswith(place)} - known)
    answers = context.each(
        lambda arn: (arn, context.find("sns", "get_topic_attributes", _NO_TOPIC, TopicArn=arn)), others
    )
    lost = {arn for arn, answer in answers if answer is None}
    return tuple(replace(a, lost_topics=tuple(arn for arn in a.actions if arn in lost)) for a in found)


def _alarm(context: ReadContext, row: dict[str, Any]) -> Alarm:
    return read(
        Alarm,
        row,
        rule=row.get("AlarmRule") or _watched_metric(context, row),
        actions=tuple(sorted(row.get("AlarmActions", []))),
        balancer=next((str(d["Value"]) for d in row.get("Dimensions") or () if d["Name"] == "LoadBalancer"), ""),
    )


def _watched_metric(context: ReadContext, row: dict[str, Any]) -> str:
    """What a metric alarm watches, in words that are alike in both regions: one metric, or math on several."""
    statistic = row.get("Statistic") or row.get("ExtendedStatistic", "")
    found = f"{statistic} {row.get('Namespace', '')} {row.get('MetricName', '')} {row.get('ComparisonOperator', '')}"
    if row.get("Metrics"):
        found = f"{neutral(row['Metrics'], context.region)} {row.get('ComparisonOperator', '')}"
    # What two alarms of one metric may differ by, and so no longer go off alike.
    more = [f"{key} {neutral(row[key], context.region)}" for key in _NARROWING if row.get(key)]
    return ", ".join([found.strip(), *more])
