"""Health checks that cannot distinguish a lost region from a healthy region (T03, T05, T06)."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.disasters.dns_records import pair, with_evaluation, without_check, without_evaluation
from sandbox.disasters.dns_zone import Record, swap
from sandbox.disasters.elbv2 import balancer_of
from sandbox.disasters.services import update
from sandbox.world.world import World

# Neither 80 nor 443: the load balancers open these two alone.
_NOBODY_LISTENS = 81


def _config(world: World, record: Record) -> dict[str, Any]:
    response = world.call(Side.GLOBAL, "route53", "get_health_check", HealthCheckId=record["HealthCheckId"])
    config: dict[str, Any] = response["HealthCheck"]["HealthCheckConfig"]
    return config


def _update(world: World, record: Record, **changes: Any) -> None:
    """Update the health check of ``record``, and record how it was."""
    config = _config(world, record)
    before = {key: config[key] for key in changes}
    for turn, values in ((world.undo, before), (world.call, changes)):
        turn(Side.GLOBAL, "route53", "update_health_check", HealthCheckId=record["HealthCheckId"], **values)


@disaster(
    "health-check-disabled",
    "Somebody disabled the primary's health check to force a failover, which does the opposite",
    trips=("health-checks.enabled",),
    consequences=("dns-choice.primary-down",),
)
def disabled(world: World) -> None:
    """Disable the health check of the primary record."""
    # Route 53 counts a disabled check as healthy (T03).
    _update(world, pair(world)[0], Disabled=True)


disaster(
    "health-check-left-inverted",
    "The pin of an earlier failover was left behind: the primary's health check is inverted",
    trips=("health-checks.not-inverted", "health-checks.healthy-now", "dns-choice.all-well"),
    consequences=("answers.as-recorded", "answers.resolvers-agree", "dns-choice.primary-down"),
    posture="ON_DR_UNPLANNED",
    run=lambda world: _update(world, pair(world)[0], Inverted=True),
)


@disaster(
    "health-check-missing",
    "The traffic record of the primary region lost its health check: nothing can pin it down",
    trips=("health-checks.attached", "dns-choice.pin-holds"),
    consequences=("dns-choice.primary-down",),
)
def missing(world: World) -> None:
    """Take the health check off the primary record."""
    primary = pair(world)[0]
    swap(world, [primary], [without_check(primary)])


@disaster(
    "health-check-watches-the-other",
    "The primary's health check watches the load balancer of the DR region",
    trips=("health-checks.probes-own-target",),
    consequences=("dns-choice.primary-down",),
)
def watches_the_other(world: World) -> None:
    """Point the primary's check at the DR load balancer."""
    name = balancer_of(world, Side.DR)["DNSName"]
    _update(world, pair(world)[0], FullyQualifiedDomainName=name)


@disaster(
    "health-checks-failing",
    "Both health checks probe a port on which nobody listens",
    trips=("health-checks.healthy-now",),
    posture="DEGRADED",
)
def failing(world: World) -> None:
    """Let both checks probe another port."""
    for record in pair(world):
        _update(world, record, Port=_NOBODY_LISTENS)


@disaster(
    "health-checks-unlike", "The DR region is called lost sooner than the primary", trips=("health-checks.set-alike",)
)
def unlike(world: World) -> None:
    """Lower the failure threshold of the secondary's check to one probe."""
    # Three is Route 53's default, one its least (API_UpdateHealthCheck).
    _update(world, pair(world)[1], FailureThreshold=1)


@disaster(
    "traffic-stuck-in-primary",
    "The primary's record counts as healthy for ever: its check is disabled, its target not evaluated",
    trips=("dns-choice.primary-down",),
    consequences=("health-checks.enabled",),
)
def stuck(world: World) -> None:
    """Disable the primary's check and the evaluation of its target."""
    primary = pair(world)[0]
    swap(world, [primary], [without_evaluation(primary)])
    _update(world, primary, Disabled=True)


@disaster(
    "traffic-leaves-with-the-standby",
    "An outage of the standby would throw visitors out of the well primary",
    trips=("dns-choice.dr-down",),
    consequences=("health-checks.probes-own-target", "health-checks.attached", "dns-choice.primary-down"),
)
def leaves_with_the_standby(world: World) -> None:
    """Let the primary's check watch the DR region, and nothing watch the DR record."""
    primary, secondary = pair(world)
    swap(world, [primary, secondary], [without_evaluation(primary), without_check(without_evaluation(secondary))])
    _update(world, primary, FullyQualifiedDomainName=balancer_of(world, Side.DR)["DNSName"])


@disaster(
    "one-tenant-moves-all",
    "The traffic records evaluate target health, and one tenant of the primary region was scaled to 0",
    trips=("dns-choice.no-tenant-moves-all",),
    consequences=(
        *("answers.as-recorded", "answers.resolvers-agree", "primary.services-running"),
        "sites.every-site-answers",
    ),
    posture="ON_DR_UNPLANNED",
)
def moves_all(world: World) -> None:
    """Let both records evaluate their target's health, and scale the last tenant to 0 in the primary region."""
    before = pair(world)
    swap(world, list(before), [with_evaluation(record) for record in before])
    update(world, Side.PRIMARY, world.tenants[-1], desiredCount=0)
