"""CloudWatch alarms: a hundred a page, composite ones judged by their rule, and their history (API_DescribeAlarms).

An alarm's state is what ``set_alarm_state`` last said, OK before that; a composite's follows from its children.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.core.patching import operation, page, refused

CONDITION = re.compile(r"""(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*["']?([^"')]+?)["']?\s*\)""")
# DescribeAlarms answers 50 alarms where MaxRecords is left out, and takes 100 at most.
PAGE = 50


def state_of(backend: CloudWatchBackend, alarm: Alarm, seen: frozenset[str] = frozenset()) -> str:
    """The state of an alarm now; a composite one is ALARM where its rule is true."""
    # Composite alarms may name each other in a loop (API_PutCompositeAlarm): it ends here.
    if alarm.rule is None or alarm.name in seen:
        return str(alarm.state_value)
    return "ALARM" if _holds(backend, alarm.rule, seen | {alarm.name}) else "OK"


def _holds(backend: CloudWatchBackend, rule: str, seen: frozenset[str]) -> bool:
    def child_state(found: re.Match[str]) -> str:
        # A rule names an alarm by name or by ARN.
        child = backend.alarms.get(found[2].rpartition(":")[2])
        return str(child is not None and state_of(backend, child, seen) == found[1])

    words = CONDITION.sub(child_state, rule)
    for word, python in (("AND", "and"), ("OR", "or"), ("NOT", "not"), ("TRUE", "True"), ("FALSE", "False")):
        words = re.sub(rf"\b{word}\b", python, words)
    try:
        # Parsed as Python once its words are Python's, and never evaluated: a rule is a caller's text.
        return _truth(ast.parse(words.strip(), mode="eval").body)
    except SyntaxError as broken:
        raise refused("ValidationError", f"AlarmRule '{rule}' is not a rule.") from broken


def _truth(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        sides = [_truth(value) for value in node.values]
        return all(sides) if isinstance(node.op, ast.And) else any(sides)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _truth(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    raise refused("ValidationError", "AlarmRule holds something that is no alarm, AND, OR or NOT.")


@operation(CloudWatchResponse, "put_composite_alarm")
def _put_composite(self: CloudWatchResponse, params: dict[str, Any]) -> None:
    backend = self.cloudwatch_backend
    _holds(backend, params["AlarmRule"], frozenset())
    # moto has no type for it: a composite alarm is its metric alarm with a rule.
    backend.put_metric_alarm(
        name=params["AlarmName"],
        namespace="",
        metric_name="",
        comparison_operator="",
        evaluation_periods=0,
        period=0,
        threshold=0,
        statistic="",
        description=params.get("AlarmDescription", ""),
        dimensions=[],
        alarm_actions=params.get("AlarmActions") or [],
        ok_actions=params.get("OKActions") or [],
        insufficient_data_actions=params.get("InsufficientDataActions") or [],
        actions_enabled=params.get("ActionsEnabled", True),
        rule=params["AlarmRule"],
        tags=params.get("Tags") or [],
    )


@operation(CloudWatchResponse, "describe_alarms")
def _describe(self: CloudWatchResponse, params: dict[str, Any]) -> dict[str, Any]:
    backend = self.cloudwatch_backend
    # Metric alarms alone where no type is named (API_DescribeAlarms, AlarmTypes).
    kinds = params.get("AlarmTypes") or ["MetricAlarm"]
    found = sorted((a for a in backend.alarms.values() if _is_asked(backend, a, params)), key=lambda a: str(a.name))
    found = [a for a in found if ("MetricAlarm" if a.rule is None else "CompositeAlarm") in kinds]
    paging = {"NextToken": params.get("NextToken"), "MaxResults": params.get("MaxRecords")}
    rows, token = page(found, paging, PAGE, "InvalidNextToken")
    for alarm in rows:
        if alarm.rule is not None:
            alarm.state_value = state_of(backend, alarm)
    return {
        "MetricAlarms": [alarm for alarm in rows if alarm.rule is None],
        "CompositeAlarms": [_composite(alarm) for alarm in rows if alarm.rule is not None],
        "NextToken": token,
    }


def _composite(alarm: Alarm) -> dict[str, Any]:
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.alarm_arn,
        "AlarmDescription": alarm.description,
        "AlarmRule": alarm.rule,
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmActions": alarm.alarm_actions,
        "OKActions": alarm.ok_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "AlarmConfigurationUpdatedTimestamp": alarm.configuration_updated_timestamp,
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp,
    }


def _is_asked(backend: CloudWatchBackend, alarm: Alarm, params: dict[str, Any]) -> bool:
    names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix") or ""
    action = params.get("ActionPrefix")
    actions = (*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions)
    return (
        (not names or alarm.name in names)
        and str(alarm.name).startswith(prefix)
        and params.get("StateValue") in (None, state_of(backend, alarm))
        and (not action or any(str(name).startswith(action) for name in actions))
    )


@operation(CloudWatchResponse, "describe_alarm_history")
def _history(self: CloudWatchResponse, params: dict[str, Any]) -> dict[str, Any]:
    items = [
        item
        for alarm in self.cloudwatch_backend.alarms.values()
        if params.get("AlarmName") in (None, alarm.name)
        for item in _changes(alarm)
    ]
    wanted = params.get("HistoryItemType")
    items = [item for item in items if wanted in (None, item["HistoryItemType"])]
    items.sort(key=lambda item: item["Timestamp"], reverse=params.get("ScanBy") != "TimestampAscending")
    paging = {"NextToken": params.get("NextToken"), "MaxResults": params.get("MaxRecords")}
    rows, token = page(items, paging, 100, "InvalidNextToken")
    return {"AlarmHistoryItems": rows, "NextToken": token}


def _changes(alarm: Alarm) -> list[dict[str, Any]]:
    # moto's history holds the states that were left; the present one ends it.
    states = [(entry[3], entry[4]) for entry in alarm.history]
    states.append((alarm.state_value, alarm.state_updated_timestamp))
    descriptions = []
    for (old, _), (new, moment) in itertools.pairwise(states):
        data = {"oldState": {"stateValue": old}, "newState": {"stateValue": new}}
        descriptions.append(
            {
                "AlarmName": alarm.name,
                "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
                "Timestamp": moment,
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {old} to {new}",
                "HistoryData": json.dumps(data),
            }
        )
    return descriptions
