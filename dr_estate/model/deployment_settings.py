"""How ECS deploys a service's tasks, and on which ports it registers them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """How tasks are placed: ``capacity`` is the launch type or the providers, ``controller`` who deploys them.

    ``grace_s``: for so many seconds failed health checks kill no new task. ``percents`` are the minimum and the maximum
    of tasks during a deployment, in percent of the desired ones, ``ports`` those of the containers that are registered
    with target groups, ``stops`` what ends a deployment before its tasks are there; None in earlier evidence.
    """

    capacity: tuple[str, ...]
    controller: str
    grace_s: int
    percents: tuple[int, int] | None = None
    ports: tuple[int, ...] | None = None
    stops: tuple[str, ...] | None = None


BREAKER, ROLLBACK, ALARM = "circuit breaker", "circuit breaker's rollback", "alarm "
"""Words of ``stops``; an alarm's name follows."""


def deployment_settings(row: dict[str, Any], primary: dict[str, Any]) -> DeploymentSettings:
    """The settings of a service as DescribeServices returns it, whose deployment in force is ``primary``."""
    strategy = row.get("capacityProviderStrategy") or primary.get("capacityProviderStrategy") or []
    launched = row.get("launchType") or primary.get("launchType", "")
    balancers = row.get("loadBalancers") or primary.get("loadBalancers", [])
    return DeploymentSettings(
        capacity=tuple(sorted(part["capacityProvider"] for part in strategy)) or (launched,),
        controller=row.get("deploymentController", {}).get("type") or "ECS",
        grace_s=row.get("healthCheckGracePeriodSeconds") or 0,
        percents=_percents(row.get("deploymentConfiguration") or {}),
        ports=tuple(sorted(found.get("containerPort", 0) for found in balancers)),
        stops=_stops(row.get("deploymentConfiguration") or {}),
    )


def _stops(row: dict[str, Any]) -> tuple[str, ...]:
    """What ends a deployment. Source: ECS API, DeploymentCircuitBreaker, DeploymentAlarms."""
    breaker, alarms = row.get("deploymentCircuitBreaker") or {}, row.get("alarms") or {}
    words = [BREAKER] if breaker.get("enable") else []
    words += [ROLLBACK] if breaker.get("enable") and breaker.get("rollback") else []
    return (*words, *(f"{ALARM}{name}" for name in sorted(alarms.get("alarmNames") or ()) if alarms.get("enable")))


def _percents(row: dict[str, Any]) -> tuple[int, int] | None:
    """The bounds of a deployment, None where AWS names none: a controller of its own has none."""
    minimum, maximum = row.get("minimumHealthyPercent"), row.get("maximumPercent")
    return None if minimum is None or maximum is None else (int(minimum), int(maximum))
