"""Application Auto Scaling: bounds, policies, suspensions and scheduled actions of services; bounds of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.model.regional_names import neutral
from dr_estate.readers import dynamodb
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import Look

_NAMESPACE, _TABLES = "ecs", "dynamodb"


@dataclass(frozen=True, slots=True)
class Target:
    """The scalable target of one service: ``minimum`` and ``maximum`` are tasks."""

    service: str
    minimum: int
    maximum: int
    out_suspended: bool
    in_suspended: bool
    schedule_suspended: bool


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """A scheduled change of a service's bounds (tasks); None where the action leaves a bound as it is."""

    service: str
    name: str
    schedule: str
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a resource scales by, in words that are alike in every region; ``name`` is the policy's."""

    resource: str
    name: str
    rule: str


@dataclass(frozen=True, slots=True)
class TableTarget:
    """The scalable target of a table or index; ``what`` is such as ``ReadCapacityUnits``, bounds are units."""

    table: str
    what: str
    minimum: int
    maximum: int


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalableTargets"}))
def targets(look: Look) -> tuple[Target, ...]:
    """The scalable targets of the cluster's services, fifty a page."""
    rows = look.pages(
        "application-autoscaling", "describe_scalable_targets", "ScalableTargets", ServiceNamespace=_NAMESPACE
    )
    return tuple(
        Target(
            service=name,
            minimum=row["MinCapacity"],
            maximum=row["MaxCapacity"],
            out_suspended=row.get("SuspendedState", {}).get("DynamicScalingOutSuspended", False),
            in_suspended=row.get("SuspendedState", {}).get("DynamicScalingInSuspended", False),
            schedule_suspended=row.get("SuspendedState", {}).get("ScheduledScalingSuspended", False),
        )
        for row in rows
        if (name := _service(look, row["ResourceId"]))
    )


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScheduledActions"}))
def scheduled_actions(look: Look) -> tuple[ScheduledAction, ...]:
    """The scheduled actions on the cluster's services, fifty a page."""
    rows = look.pages(
        "application-autoscaling", "describe_scheduled_actions", "ScheduledActions", ServiceNamespace=_NAMESPACE
    )
    return tuple(
        ScheduledAction(
            service=name,
            name=row["ScheduledActionName"],
            schedule=row["Schedule"],
            minimum=row.get("ScalableTargetAction", {}).get("MinCapacity"),
            maximum=row.get("ScalableTargetAction", {}).get("MaxCapacity"),
        )
        for row in rows
        if (name := _service(look, row["ResourceId"]))
    )


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalingPolicies"}))
def policies(look: Look) -> tuple[Policy, ...]:
    """The scaling policies of the cluster's services, ten a page. ``resource`` is the service."""
    rows = look.pages(
        "application-autoscaling", "describe_scaling_policies", "ScalingPolicies", ServiceNamespace=_NAMESPACE
    )
    return tuple(
        Policy(name, row["PolicyName"], _rule(look, row)) for row in rows if (name := _service(look, row["ResourceId"]))
    )


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalableTargets"}))
def table_targets(look: Look) -> tuple[TableTarget, ...]:
    """The scalable targets of the environment's tables and their indexes, fifty a page."""
    rows = look.pages(
        "application-autoscaling", "describe_scalable_targets", "ScalableTargets", ServiceNamespace=_TABLES
    )
    return tuple(
        TableTarget(table, _what(row), row["MinCapacity"], row["MaxCapacity"])
        for row in rows
        if (table := _table(look, row["ResourceId"]))
    )


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalingPolicies"}))
def table_policies(look: Look) -> tuple[Policy, ...]:
    """The scaling policies of the environment's tables. ``resource`` is ``<table> <what>``, as targets name it."""
    rows = look.pages(
        "application-autoscaling", "describe_scaling_policies", "ScalingPolicies", ServiceNamespace=_TABLES
    )
    return tuple(
        Policy(f"{table} {_what(row)}", row["PolicyName"], _rule(look, row))
        for row in rows
        if (table := _table(look, row["ResourceId"]))
    )


def _rule(look: Look, row: dict[str, Any]) -> str:
    """What the policy does, in words that are alike in both regions. Source: PutScalingPolicy."""
    tracking = row.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        step = row.get("StepScalingPolicyConfiguration")
        other = {key: value for key, value in row.items() if key.endswith("ScalingPolicyConfiguration")}
        how = ", ".join(_steps(step)) if step else neutral(other, look.region) if other else ""
        return f"{row['PolicyType']} {how}".strip()
    ready, own = tracking.get("PredefinedMetricSpecification"), tracking.get("CustomizedMetricSpecification", {})
    suffix = ", never scaling in" if tracking.get("DisableScaleIn") else ""
    metric = _predefined(look, ready) if ready else _customized(look, own)
    return f"{metric} at {float(tracking['TargetValue']):g}{suffix}"


def _predefined(look: Look, metric: dict[str, Any]) -> str:
    label = metric.get("ResourceLabel")
    return str(metric["PredefinedMetricType"]) + (f" of {neutral(label, look.region)}" if label else "")


def _customized(look: Look, metric: dict[str, Any]) -> str:
    """A metric of one's own: by its name, and whatever else chooses it; by its whole expression where it is math."""
    if metric.get("Metrics"):
        return neutral(metric["Metrics"], look.region)
    name = f"{metric.get('Namespace', '')} {metric.get('MetricName', '')}".strip()
    rest = {key: value for key, value in metric.items() if key not in ("Namespace", "MetricName") and value}
    return name + (f" {neutral(rest, look.region)}" if rest else "")


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


def _table(look: Look, resource: str) -> str:
    """The table of ``table/<name>`` or ``table/<name>/index/<index>``, or "" where it is not the environment's."""
    name = resource.removeprefix("table/").partition("/")[0]
    return name if name in dynamodb.names(look.env) else ""


def _what(row: dict[str, Any]) -> str:
    index = row["ResourceId"].partition("/index/")[2]
    units = row["ScalableDimension"].rpartition(":")[2]
    return f"{index} {units}".strip()


def _service(look: Look, resource: str) -> str:
    """The service of a resource id ``service/<cluster>/<name>``, or "" where it is of another cluster."""
    prefix = f"service/{look.env.named(look.env.names.cluster)}/"
    return resource.removeprefix(prefix) if resource.startswith(prefix) else ""
