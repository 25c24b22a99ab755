"""Alarms keep the state they were given; composite ones follow their children."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import DR, Clients


def _alarm(cloudwatch: Any, name: str, **more: Any) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Own",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        **more,
    )


def _states(cloudwatch: Any, **filters: Any) -> dict[str, str]:
    answer = cloudwatch.describe_alarms(**filters)
    return {row["AlarmName"]: row["StateValue"] for row in answer["MetricAlarms"] + answer["CompositeAlarms"]}


def test_an_alarm_is_ok_until_it_is_set(aws: Clients) -> None:
    cloudwatch = aws("cloudwatch", DR)
    _alarm(cloudwatch, "cpu", AlarmActions=["arn:aws:sns:x:1:ops"])
    _alarm(cloudwatch, "lag")
    assert _states(cloudwatch) == {"cpu": "OK", "lag": "OK"}
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="drill")
    assert _states(cloudwatch, StateValue="ALARM") == {"cpu": "ALARM"}
    assert _states(cloudwatch, ActionPrefix="arn:aws:sns") == {"cpu": "ALARM"}
    assert _states(cloudwatch, AlarmNamePrefix="l") == {"lag": "OK"}
    history = cloudwatch.describe_alarm_history(AlarmName="cpu", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in history] == ["Alarm updated from OK to ALARM"]


def test_a_composite_alarm_follows_its_rule(aws: Clients) -> None:
    cloudwatch = aws("cloudwatch", DR)
    for name in ("a", "b"):
        _alarm(cloudwatch, name)
    rule = 'ALARM("a") AND NOT (ALARM("b") OR INSUFFICIENT_DATA("b"))'
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule=rule)
    kinds = ["CompositeAlarm"]
    assert _states(cloudwatch, AlarmTypes=kinds) == {"both": "OK"}
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="drill")
    assert _states(cloudwatch, AlarmTypes=kinds) == {"both": "ALARM"}
    cloudwatch.set_alarm_state(AlarmName="b", StateValue="ALARM", StateReason="drill")
    assert _states(cloudwatch, AlarmTypes=kinds) == {"both": "OK"}
    assert "both" not in _states(cloudwatch)
    with pytest.raises(ClientError):
        cloudwatch.put_composite_alarm(AlarmName="bad", AlarmRule="__import__('os')")


def test_alarms_come_in_pages(aws: Clients) -> None:
    cloudwatch = aws("cloudwatch", DR)
    for number in range(7):
        _alarm(cloudwatch, f"alarm-{number}")
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["MetricAlarms"]) for page in pages] == [3, 3, 1]
