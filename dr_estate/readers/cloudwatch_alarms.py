"""CloudWatch alarms: those the environment file names, in both regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import Look

_NAMES_A_CALL = 100


@dataclass(frozen=True, slots=True)
class Alarm:
    """One metric alarm. ``actions`` are the ARNs notified when it goes off; ``rule`` is what it watches, in words."""

    name: str
    state: str
    reason: str
    rule: str
    threshold: float | None
    periods: int
    missing_data: str
    actions_enabled: bool
    actions: tuple[str, ...]


@part(*REGIONAL, reads=frozenset({"cloudwatch:DescribeAlarms"}))
def alarms(look: Look) -> tuple[Alarm, ...]:
    """The alarms of names.alarms, a hundred a call; those that are absent are not in it."""
    names = sorted(look.env.named(pattern) for pattern in look.env.names.alarms)

    def describe(batch: Sequence[str]) -> Sequence[Alarm]:
        kinds = ["MetricAlarm", "CompositeAlarm"]
        both = "MetricAlarms,CompositeAlarms"
        rows = look.pages("cloudwatch", "describe_alarms", both, AlarmNames=list(batch), AlarmTypes=kinds)
        return look.rows(rows, _alarm, "AlarmName")

    return tuple(look.batches(describe, names, _NAMES_A_CALL))


def _alarm(row: dict[str, Any]) -> Alarm:
    statistic = row.get("Statistic") or row.get("ExtendedStatistic", "")
    watched = f"{statistic} {row.get('Namespace', '')} {row.get('MetricName', '')} {row.get('ComparisonOperator', '')}"
    return Alarm(
        name=row["AlarmName"],
        state=row.get("StateValue", ""),
        reason=row.get("StateReason", ""),
        rule=row.get("AlarmRule") or watched.strip(),
        threshold=row.get("Threshold"),
        periods=row.get("EvaluationPeriods", 0),
        missing_data=row.get("TreatMissingData", ""),
        actions_enabled=row.get("ActionsEnabled", False),
        actions=tuple(sorted(row.get("AlarmActions", []))),
    )
