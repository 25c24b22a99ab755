"""How ECS deploys a service's tasks, and on which ports it registers them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """How tasks are placed: ``capacity`` is the launch type or the providers, ``controller`` who deploys them.

    ``grace_s``: for so many seconds failed health checks kill no new task. ``percents`` are the minimum and the maximum
    of tasks during a deployment, in percent of the desired ones, ``ports`` those of the containers that are registered
    with target groups; None in earlier evidence.
    """

    capacity: tuple[str, ...]
    controller: str
    grace_s: int
    percents: tuple[int, int] | None = None
    ports: tuple[int, ...] | None = None


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
    )


def _percents(row: dict[str, Any]) -> tuple[int, int] | None:
    """The bounds of a deployment, None where AWS names none: a controller of its own has none."""
    minimum, maximum = row.get("minimumHealthyPercent"), row.get("maximumPercent")
    return None if minimum is None or maximum is None else (int(minimum), int(maximum))
