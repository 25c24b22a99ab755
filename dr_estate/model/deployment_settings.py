"""How ECS deploys a service's tasks, on which ports it registers them, and under which key it stores them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """How tasks are placed: ``capacity`` is the launch type or the providers, ``controller`` who deploys them.

    ``grace_s``: for so many seconds failed health checks kill no new task. ``percents`` are the minimum and the maximum
    of tasks during a deployment, in percent of the desired ones, ``ports`` those of the containers that are registered
    with target groups, ``stops`` what ends a deployment before its tasks are there, ``holds`` what lets it wait:
    another strategy than the rolling update, and hooks; None where they were not read. ``bake_min``: for so many
    minutes a deployment goes on whose visitors were moved.
    """

    capacity: tuple[str, ...]
    controller: str
    grace_s: int
    percents: tuple[int, int] | None = None
    ports: tuple[int, ...] | None = None
    stops: tuple[str, ...] | None = None
    holds: tuple[str, ...] | None = None
    bake_min: int = 0


# Words of ``stops``; an alarm's name follows.
BREAKER, ROLLBACK, ALARM = "circuit breaker", "circuit breaker's rollback", "alarm "
_ROLLING, _FUNCTION = "ROLLING", "AWS_LAMBDA"


def deployment_settings(row: dict[str, Any], primary: dict[str, Any]) -> DeploymentSettings:
    """The settings of a service as DescribeServices returns it, whose deployment in force is ``primary``."""
    strategy = row.get("capacityProviderStrategy") or primary.get("capacityProviderStrategy") or []
    launched = row.get("launchType") or primary.get("launchType", "")
    balancers = row.get("loadBalancers") or primary.get("loadBalancers", [])
    configured = row.get("deploymentConfiguration") or {}
    # The bounds of a deployment, None where AWS names none: a controller of its own has none.
    minimum, maximum = configured.get("minimumHealthyPercent"), configured.get("maximumPercent")
    percents = None if minimum is None or maximum is None else (int(minimum), int(maximum))
    return DeploymentSettings(
        capacity=tuple(sorted(part["capacityProvider"] for part in strategy)) or (launched,),
        controller=row.get("deploymentController", {}).get("type") or "ECS",
        grace_s=row.get("healthCheckGracePeriodSeconds") or 0,
        percents=percents,
        ports=tuple(sorted(found.get("containerPort", 0) for found in balancers)),
        stops=_stops(configured),
        holds=tuple(sorted(_holds(configured))),
        bake_min=configured.get("bakeTimeInMinutes") or 0,
    )


def _stops(row: dict[str, Any]) -> tuple[str, ...]:
    """What ends a deployment. Source: ECS API, DeploymentCircuitBreaker, DeploymentAlarms."""
    breaker, alarms = row.get("deploymentCircuitBreaker") or {}, row.get("alarms") or {}
    words = [BREAKER] if breaker.get("enable") else []
    words += [ROLLBACK] if breaker.get("enable") and breaker.get("rollback") else []
    return (*words, *(f"{ALARM}{name}" for name in sorted(alarms.get("alarmNames") or ()) if alarms.get("enable")))


def _holds(row: dict[str, Any]) -> Iterator[str]:
    """What a deployment waits for. Source: ECS API, DeploymentConfiguration, DeploymentLifecycleHook."""
    if (strategy := row.get("strategy") or _ROLLING) != _ROLLING:
        yield f"strategy {strategy}"
    for hook in row.get("lifecycleHooks") or ():
        kind = hook.get("targetType") or _FUNCTION
        target = hook.get("hookTargetArn") if kind == _FUNCTION else kind
        yield f"hook {target} at {', '.join(sorted(hook.get('lifecycleStages') or ()))}"


def storage_key(row: dict[str, Any]) -> str:
    """The customer's key of what Fargate tasks of a cluster store, "" where it is AWS's own.

    Source: ECS API, ManagedStorageConfiguration.
    """
    storage = (row.get("configuration") or {}).get("managedStorageConfiguration") or {}
    return str(storage.get("fargateEphemeralStorageKmsKeyId") or "")
