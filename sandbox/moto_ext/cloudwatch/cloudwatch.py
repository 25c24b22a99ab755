"""CloudWatch's metrics, answered from the live world unless somebody put datapoints (API_GetMetricData; T23).

Plain boto3: ``get_metric_data`` (500 queries a call), ``get_metric_statistics``, ``list_metrics`` (500 a page). A
datapoint put by ``put_metric_data`` for the same name and dimensions replaces the live ones.

Metric math over time series: arithmetic, MAX, MIN, AVG, SUM, FILL and METRICS() (CloudWatch: using-metric-math).

The emulator answers nothing but the bare name of another query. What we do not know is refused by name.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.core.patching import ServiceError, offset, operation, refused
from sandbox.moto_ext.cloudwatch.metrics_series import PUBLISHERS, Key, Library, key_of, published_metrics

# API_GetMetricData.
MOST_QUERIES = 500
PAGE = 500
Series = dict[datetime, float]
Term = Series | float | list[Series]
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Over one series they give a number, over several a series (CloudWatch guide, using metric math).
_FOLDS: dict[str, Callable[[list[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}


@operation(CloudWatchResponse, "get_metric_data")
def _get_data(self: CloudWatchResponse, params: dict[str, Any]) -> dict[str, Any]:
    queries = params.get("MetricDataQueries") or []
    window = _window(params)
    _require(queries, window)
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    library = Library(self.cloudwatch_backend, [stat["Metric"]["Namespace"] for stat in stats])
    known = {
        query["Id"]: dict(
            library.points(
                key_of(query["MetricStat"]["Metric"]),
                window,
                int(query["MetricStat"]["Period"]),
                query["MetricStat"]["Stat"],
                query["MetricStat"].get("Unit"),
            )
        )
        for query in queries
        if "MetricStat" in query
    }
    # In their order: an expression sees the queries above it alone, AWS's sees all of them.
    for query in queries:
        if query.get("Expression", "").upper().startswith("SELECT"):
            raise NotImplementedError("it has no Metrics Insights")
        if "Expression" in query:
            known[query["Id"]] = evaluate(query["Expression"], known)
    # The newest first where nothing is asked (API_GetMetricData, ScanBy).
    newest_first = (params.get("ScanBy") or "TimestampDescending") == "TimestampDescending"
    results = [_result(query, known[query["Id"]], newest_first) for query in queries if query.get("ReturnData", True)]
    return {"MetricDataResults": results, "Messages": []}


def _window(params: dict[str, Any]) -> tuple[datetime, datetime]:
    """Beginning and end: CloudWatch ignores parts of a second (API_GetMetricData)."""
    start: datetime = params["StartTime"]
    end: datetime = params["EndTime"]
    return start.replace(microsecond=0), end.replace(microsecond=0)


def _require(queries: list[dict[str, Any]], window: tuple[Any, Any]) -> None:
    if len(queries) > MOST_QUERIES:
        raise refused("ValidationError", "The collection MetricDataQueries must not have a size greater than 500.")
    if window[0] > window[1]:
        raise refused("ValidationError", "The parameter EndTime must be greater than StartTime.")
    if window[0] == window[1]:
        raise refused("ValidationError", "The parameter StartTime must not equal parameter EndTime.")
    if any("MetricStat" not in query and "Expression" not in query for query in queries):
        raise refused("ValidationError", "The parameter MetricDataQueries.member.1.MetricStat is required.\n")
    if len({query["Id"] for query in queries}) != len(queries):
        raise refused("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")


def _result(query: dict[str, Any], series: dict[Any, float], newest_first: bool) -> dict[str, Any]:
    stat = query.get("MetricStat")
    label = query.get("Label") or (f"{stat['Metric']['MetricName']}" if stat else query["Id"])
    moments = sorted(series, reverse=newest_first)
    values = [series[moment] for moment in moments]
    return {"Id": query["Id"], "Label": label, "Timestamps": moments, "Values": values, "StatusCode": "Complete"}


@operation(CloudWatchResponse, "get_metric_statistics")
def _get_statistics(self: CloudWatchResponse, params: dict[str, Any]) -> dict[str, Any]:
    plain, extended = params.get("Statistics") or [], params.get("ExtendedStatistics") or []
    if not plain and not extended:
        message = "Must specify either Statistics or ExtendedStatistics"
        raise refused("InvalidParameterCombination", message)
    window = _window(params)
    if window[0] >= window[1]:
        message = "The parameter StartTime must be less than the parameter EndTime."
        raise refused("InvalidParameterValue", message)
    key, period = key_of(params), int(params["Period"])
    library = Library(self.cloudwatch_backend, [params["Namespace"]])
    points: dict[Any, dict[str, Any]] = {}
    for stat in (*plain, *extended):
        for moment, value in library.points(key, window, period, stat, params.get("Unit")):
            point = points.setdefault(moment, {"Timestamp": moment, "Unit": library.unit(key)})
            if stat in plain:
                point[stat] = value
            else:
                point.setdefault("ExtendedStatistics", {})[stat] = value
    # In no order, as AWS says (API_GetMetricStatistics): here it is that of the statistics.
    return {"Label": params["MetricName"], "Datapoints": list(points.values())}


@operation(CloudWatchResponse, "list_metrics")
def _list_metrics(self: CloudWatchResponse, params: dict[str, Any]) -> dict[str, Any]:
    namespace = params.get("Namespace")
    backend = self.cloudwatch_backend
    spaces = [namespace] if namespace else sorted(PUBLISHERS)
    live = {source.key for space in spaces for source in published_metrics(self.current_account, self.region, space)}
    put = {
        (datum.namespace, datum.name, tuple(sorted((str(d.name), str(d.value)) for d in datum.dimensions)))
        for datum in backend.metric_data
        if namespace in (None, datum.namespace)
    }
    found = sorted(live | put)
    wanted = params.get("Dimensions") or ()
    keys = [
        key
        for key in found
        if params.get("MetricName") in (None, key[1]) and all(_has(key, dimension) for dimension in wanted)
    ]
    start = offset(params.get("NextToken"), "InvalidParameterValue", "Request parameter NextToken is invalid")
    end = start + PAGE
    metrics = [
        {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
        }
        for namespace, name, dimensions in keys[start:end]
    ]
    return {"Metrics": metrics, "NextToken": str(end) if end < len(keys) else None}


def _has(key: Key, wanted: dict[str, str]) -> bool:
    return any(name == wanted["Name"] and wanted.get("Value") in (None, value) for name, value in key[2])


def evaluate(expression: str, known: Mapping[str, Series]) -> Series:
    """The series an expression gives. Raises ValidationError for a syntax or function we do not know."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as broken:
        raise _expression_error(expression) from broken
    found = _term(tree, known, expression)
    if isinstance(found, dict):
        return found
    if isinstance(found, float):
        # A constant has the moments of the other series.
        return {moment: found for series in known.values() for moment in series}
    raise _expression_error(expression)


def _expression_error(expression: str) -> ServiceError:
    return refused("ValidationError", f"Error in expression '{expression}'")


def _term(node: ast.expr, known: Mapping[str, Series], whole: str) -> Term:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in known:
        return dict(known[node.id])
    if isinstance(node, ast.List):
        return [_series(_term(element, known, whole), whole) for element in node.elts]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        sides = _term(node.left, known, whole), _term(node.right, known, whole)
        return _combination(_OPERATORS[type(node.op)], *sides, whole)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id, [_term(arg, known, whole) for arg in node.args], known, whole)
    raise _expression_error(whole)


def _series(term: Term, whole: str) -> Series:
    if not isinstance(term, dict):
        raise _expression_error(whole)
    return term


def _call(name: str, given: list[Any], known: Mapping[str, Series], whole: str) -> Term:
    if name == "METRICS" and not given:
        return [dict(series) for series in known.values()]
    if name == "FILL" and len(given) == 2 and isinstance(given[1], float):  # noqa: PLR2004 - series and filling
        moments = {moment for series in known.values() for moment in series}
        return {**dict.fromkeys(moments, given[1]), **_series(given[0], whole)}
    if name not in _FOLDS or len(given) != 1:
        raise _expression_error(whole)
    if isinstance(given[0], dict):
        return float(_FOLDS[name](list(given[0].values()))) if given[0] else {}
    gathered: dict[datetime, list[float]] = {}
    for series in given[0]:
        for moment, value in series.items():
            gathered.setdefault(moment, []).append(value)
    return {moment: float(_FOLDS[name](values)) for moment, values in gathered.items()}


def _combination(apply: Callable[[float, float], float], left: Term, right: Term, whole: str) -> Term:
    if isinstance(left, list) or isinstance(right, list):
        raise _expression_error(whole)
    if isinstance(left, float) and isinstance(right, float):
        return apply(left, right)
    # Both sides must have a datapoint: a gap in one is a gap in the result.
    moments = set(left if isinstance(left, dict) else right) & set(right if isinstance(right, dict) else left)  # type: ignore[arg-type] # one of the two is a series
    series: Series = {}
    for moment in moments:
        operand = left[moment] if isinstance(left, dict) else left
        other = right[moment] if isinstance(right, dict) else right
        if apply is operator.truediv and other == 0:
            continue
        series[moment] = apply(operand, other)
    return series
