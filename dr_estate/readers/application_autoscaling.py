"""Application Auto Scaling: bounds, policies, suspensions and scheduled actions of services; bounds of tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from dr_estate.model.references import neutral
from dr_estate.readers import dynamodb
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

R = TypeVar("R")
_NAMESPACE, _TABLES = "ecs", "dynamodb"
# Cooldowns of ECS are 300 s where nothing is set, of DynamoDB 0 (API_TargetTrackingScalingPolicyConfiguration): a
# default that one region spells out is no difference.
_PAUSES, USUAL_PAUSE_S = ("ScaleOutCooldown", "ScaleInCooldown"), 300


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """The scalable target of one service: ``minimum`` and ``maximum`` are tasks."""

    service: str
    minimum: Annotated[int, At("MinCapacity", demanded=True)]
    maximum: Annotated[int, At("MaxCapacity", demanded=True)]
    out_suspended: Annotated[bool, At("SuspendedState.DynamicScalingOutSuspended")]
    in_suspended: Annotated[bool, At("SuspendedState.DynamicScalingInSuspended")]
    schedule_suspended: Annotated[bool, At("SuspendedState.ScheduledScalingSuspended")]


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """A scheduled change of a service's bounds (tasks); None where the action leaves a bound as it is."""

    service: str
    name: str
    schedule: str
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """What a resource scales by, in words that are alike in every region; ``name`` is the policy's.

    ``tracking`` is the configuration as JSON where it tracks a metric of AWS's own that names no resource, else "".
    """

    resource: str
    name: str
    rule: str
    tracking: str = ""


@dataclass(frozen=True, slots=True)
class TableTarget:
    """The scalable target of a table or index; ``what`` is such as ``ReadCapacityUnits``, bounds are units.

    ``suspended``: its policies do not add capacity. Source: API_SuspendedState, DynamicScalingOutSuspended.
    """

    table: str
    what: str
    minimum: int
    maximum: int
    suspended: bool = False


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalableTargets"}))
def targets(context: ReadContext) -> tuple[ScalableTarget, ...]:
    """The scalable targets of the cluster's services, fifty a page."""

    def target(row: dict[str, Any]) -> ScalableTarget:
        return read(ScalableTarget, row, service=_service(context, row))

    return _of_services(context, "describe_scalable_targets", "ScalableTargets", target)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScheduledActions"}))
def scheduled_actions(context: ReadContext) -> tuple[ScheduledAction, ...]:
    """The scheduled actions on the cluster's services, fifty a page; those whose EndTime has passed run no more."""

    def action(row: dict[str, Any]) -> tuple[ScheduledAction, bool]:
        bounds, ends = row.get("ScalableTargetAction", {}), row.get("EndTime")
        service, name = _service(context, row), row["ScheduledActionName"]
        found = ScheduledAction(service, name, row["Schedule"], bounds.get("MinCapacity"), bounds.get("MaxCapacity"))
        return found, ends is None or ends > context.now

    listed = _of_services(context, "describe_scheduled_actions", "ScheduledActions", action)
    return tuple(found for found, runs in listed if runs)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalingPolicies"}))
def policies(context: ReadContext) -> tuple[ScalingPolicy, ...]:
    """The scaling policies of the cluster's services, ten a page. ``resource`` is the service."""

    def policy(row: dict[str, Any]) -> ScalingPolicy:
        return ScalingPolicy(_service(context, row), row["PolicyName"], _rule(context, row), _tracking(row))

    return _of_services(context, "describe_scaling_policies", "ScalingPolicies", policy)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalableTargets"}))
def table_targets(context: ReadContext) -> tuple[TableTarget, ...]:
    """The scalable targets of the environment's tables and their indexes, fifty a page."""

    def target(row: dict[str, Any]) -> TableTarget:
        suspended = row.get("SuspendedState", {}).get("DynamicScalingOutSuspended", False)
        return TableTarget(_table(context, row), _scaled_part(row), row["MinCapacity"], row["MaxCapacity"], suspended)

    return _of_tables(context, "describe_scalable_targets", "ScalableTargets", target)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalingPolicies"}))
def table_policies(context: ReadContext) -> tuple[ScalingPolicy, ...]:
    """The scaling policies of the environment's tables. ``resource`` is ``<table> <what>``, as targets name it."""

    def policy(row: dict[str, Any]) -> ScalingPolicy:
        return ScalingPolicy(f"{_table(context, row)} {_scaled_part(row)}", row["PolicyName"], _rule(context, row))

    return _of_tables(context, "describe_scaling_policies", "ScalingPolicies", policy)


def _of_services(context: ReadContext, operation: str, key: str, parse: Callable[[dict[str, Any]], R]) -> tuple[R, ...]:
    """What ``parse`` makes of the rows on the cluster's services."""
    rows = context.pages("application-autoscaling", operation, key, ServiceNamespace=_NAMESPACE)
    return context.rows((row for row in rows if _service(context, row)), parse, "ResourceId")


def _of_tables(context: ReadContext, operation: str, key: str, parse: Callable[[dict[str, Any]], R]) -> tuple[R, ...]:
    """What ``parse`` makes of the rows on the environment's tables and their indexes."""
    rows = context.pages("application-autoscaling", operation, key, ServiceNamespace=_TABLES)
    return context.rows((row for row in rows if _table(context, row)), parse, "ResourceId")


def _rule(context: ReadContext, row: dict[str, Any]) -> str:
    """What the policy does, in words that are alike in both regions; usual pauses are left out.

    Source: PutScalingPolicy.
    """
    tracking = row.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        step = row.get("StepScalingPolicyConfiguration")
        other = {key: value for key, value in row.items() if key.endswith("ScalingPolicyConfiguration")}
        how = ", ".join(_steps(step)) if step else neutral(other, context.region) if other else ""
        return f"{row['PolicyType']} {how}".strip()
    ready, own = tracking.get("PredefinedMetricSpecification"), tracking.get("CustomizedMetricSpecification", {})
    suffix = ", never scaling in" if tracking.get("DisableScaleIn") else ""
    usual = USUAL_PAUSE_S if row.get("ServiceNamespace") == _NAMESPACE else 0
    pauses = [f"{key} {tracking[key]} s" for key in _PAUSES if tracking.get(key, usual) != usual]
    suffix += "".join(f", {pause}" for pause in pauses)
    metric = _predefined_metric(context, ready) if ready else _custom_metric(context, own)
    return f"{metric} at {float(tracking['TargetValue']):g}{suffix}"


def _tracking(row: dict[str, Any]) -> str:
    config = row.get("TargetTrackingScalingPolicyConfiguration") or {}
    metric = config.get("PredefinedMetricSpecification")
    return json.dumps(config, sort_keys=True) if metric and not metric.get("ResourceLabel") else ""


def _predefined_metric(context: ReadContext, metric: dict[str, Any]) -> str:
    label = metric.get("ResourceLabel")
    return str(metric["PredefinedMetricType"]) + (f" of {neutral(label, context.region)}" if label else "")


def _custom_metric(context: ReadContext, metric: dict[str, Any]) -> str:
    """A metric of one's own: by its name, and whatever else chooses it; by its whole expression where it is math."""
    # Metric math has ids and labels of its own: only the whole expression can be compared.
    if metric.get("Metrics"):
        return neutral(metric["Metrics"], context.region)
    name = f"{metric.get('Namespace', '')} {metric.get('MetricName', '')}".strip()
    rest = {key: value for key, value in metric.items() if key not in ("Namespace", "MetricName") and value}
    return name + (f" {neutral(rest, context.region)}" if rest else "")


def _steps(step: dict[str, Any]) -> list[str]:
    """Each step as its bounds and its change: ``0..20: +1`` tasks, ``+10%`` of them, or ``=5`` exactly."""
    ends, kind = ("MetricIntervalLowerBound", "MetricIntervalUpperBound"), step.get("AdjustmentType", "")
    form = {"PercentChangeInCapacity": "{:+d}%", "ExactCapacity": "={:d}", "ChangeInCapacity": "{:+d}"}.get(
        kind, f"{kind} {{:+d}}".strip()
    )
    least = f", {step['MinAdjustmentMagnitude']} at least" if step.get("MinAdjustmentMagnitude") else ""
    return [
        "..".join(f"{float(row[end]):g}" if end in row else "" for end in ends)
        + f": {form.format(row['ScalingAdjustment'])}{least}"
        for row in step.get("StepAdjustments", [])
    ]


def _table(context: ReadContext, row: dict[str, Any]) -> str:
    """The table of ``table/<name>`` or ``table/<name>/index/<index>``, or "" where it is not the environment's."""
    name = str(row.get("ResourceId", "")).removeprefix("table/").partition("/")[0]
    return name if name in dynamodb.names(context.env) else ""


def _scaled_part(row: dict[str, Any]) -> str:
    index = row["ResourceId"].partition("/index/")[2]
    units = row["ScalableDimension"].rpartition(":")[2]
    return f"{index} {units}".strip()


def _service(context: ReadContext, row: dict[str, Any]) -> str:
    """The service of a row's resource id ``service/<cluster>/<name>``, or "" where it is of another cluster."""
    cluster, _, name = str(row.get("ResourceId", "")).removeprefix("service/").partition("/")
    return context.env.service_key(cluster, name) if name and cluster in context.env.clusters else ""
