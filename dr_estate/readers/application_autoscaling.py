"""Application Auto Scaling: bounds, policies, suspensions and scheduled actions of services; bounds of tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from dr_estate.readers import dynamodb
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import Look

R = TypeVar("R")
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

    def target(row: dict[str, Any]) -> Target:
        suspended = row.get("SuspendedState", {})
        return Target(
            service=_service(look, row),
            minimum=row["MinCapacity"],
            maximum=row["MaxCapacity"],
            out_suspended=suspended.get("DynamicScalingOutSuspended", False),
            in_suspended=suspended.get("DynamicScalingInSuspended", False),
            schedule_suspended=suspended.get("ScheduledScalingSuspended", False),
        )

    return _of_services(look, "describe_scalable_targets", "ScalableTargets", target)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScheduledActions"}))
def scheduled_actions(look: Look) -> tuple[ScheduledAction, ...]:
    """The scheduled actions on the cluster's services, fifty a page."""

    def action(row: dict[str, Any]) -> ScheduledAction:
        bounds = row.get("ScalableTargetAction", {})
        service, name = _service(look, row), row["ScheduledActionName"]
        return ScheduledAction(service, name, row["Schedule"], bounds.get("MinCapacity"), bounds.get("MaxCapacity"))

    return _of_services(look, "describe_scheduled_actions", "ScheduledActions", action)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalingPolicies"}))
def policies(look: Look) -> tuple[Policy, ...]:
    """The scaling policies of the cluster's services, ten a page. ``resource`` is the service."""

    def policy(row: dict[str, Any]) -> Policy:
        return Policy(_service(look, row), row["PolicyName"], _rule(row))

    return _of_services(look, "describe_scaling_policies", "ScalingPolicies", policy)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalableTargets"}))
def table_targets(look: Look) -> tuple[TableTarget, ...]:
    """The scalable targets of the environment's tables and their indexes, fifty a page."""

    def target(row: dict[str, Any]) -> TableTarget:
        return TableTarget(_table(look, row), _what(row), row["MinCapacity"], row["MaxCapacity"])

    return _of_tables(look, "describe_scalable_targets", "ScalableTargets", target)


@part(*REGIONAL, reads=frozenset({"application-autoscaling:DescribeScalingPolicies"}))
def table_policies(look: Look) -> tuple[Policy, ...]:
    """The scaling policies of the environment's tables. ``resource`` is ``<table> <what>``, as targets name it."""

    def policy(row: dict[str, Any]) -> Policy:
        return Policy(f"{_table(look, row)} {_what(row)}", row["PolicyName"], _rule(row))

    return _of_tables(look, "describe_scaling_policies", "ScalingPolicies", policy)


def _of_services(look: Look, operation: str, key: str, parse: Callable[[dict[str, Any]], R]) -> tuple[R, ...]:
    """What ``parse`` makes of the rows on the cluster's services."""
    rows = look.pages("application-autoscaling", operation, key, ServiceNamespace=_NAMESPACE)
    return look.rows((row for row in rows if _service(look, row)), parse, "ResourceId")


def _of_tables(look: Look, operation: str, key: str, parse: Callable[[dict[str, Any]], R]) -> tuple[R, ...]:
    """What ``parse`` makes of the rows on the environment's tables and their indexes."""
    rows = look.pages("application-autoscaling", operation, key, ServiceNamespace=_TABLES)
    return look.rows((row for row in rows if _table(look, row)), parse, "ResourceId")


def _rule(row: dict[str, Any]) -> str:
    tracking = row.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        step = row.get("StepScalingPolicyConfiguration") or row.get("PredictiveScalingPolicyConfiguration") or {}
        return f"{row['PolicyType']} {', '.join(_steps(step))}".strip()
    ready, own = tracking.get("PredefinedMetricSpecification"), tracking.get("CustomizedMetricSpecification", {})
    metric = ready["PredefinedMetricType"] if ready else f"{own.get('Namespace', '')} {own.get('MetricName', '')}"
    suffix = ", never scaling in" if tracking.get("DisableScaleIn") else ""
    return f"{metric.strip()} at {float(tracking['TargetValue']):g}{suffix}"


def _steps(step: dict[str, Any]) -> list[str]:
    """Each step as its bounds and its change: ``0..20: +1``."""
    ends = ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
    return [
        "..".join(f"{float(row[end]):g}" if end in row else "" for end in ends) + f": {row['ScalingAdjustment']:+d}"
        for row in step.get("StepAdjustments", [])
    ]


def _table(look: Look, row: dict[str, Any]) -> str:
    """The table of ``table/<name>`` or ``table/<name>/index/<index>``, or "" where it is not the environment's."""
    name = str(row.get("ResourceId", "")).removeprefix("table/").partition("/")[0]
    return name if name in dynamodb.names(look.env) else ""


def _what(row: dict[str, Any]) -> str:
    index = row["ResourceId"].partition("/index/")[2]
    units = row["ScalableDimension"].rpartition(":")[2]
    return f"{index} {units}".strip()


def _service(look: Look, row: dict[str, Any]) -> str:
    """The service of a row's resource id ``service/<cluster>/<name>``, or "" where it is of another cluster."""
    prefix = f"service/{look.env.named(look.env.names.cluster)}/"
    resource = str(row.get("ResourceId", ""))
    return resource.removeprefix(prefix) if resource.startswith(prefix) else ""
