"""CloudWatch's metrics, answered from the live world unless somebody put datapoints (API_GetMetricData; T23).

Plain boto3: ``get_metric_data`` (500 queries a call), ``get_metric_statistics``, ``list_metrics`` (500 a page). A
datapoint put by ``put_metric_data`` for the same name and dimensions replaces the live ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.core.patching import offset, operation, refused
from sandbox.moto_ext.cloudwatch.metrics_math import evaluate
from sandbox.moto_ext.cloudwatch.metrics_series import PUBLISHERS, Key, Library, key_of, published_metrics

# API_GetMetricData.
MOST_QUERIES = 500
PAGE = 500


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
