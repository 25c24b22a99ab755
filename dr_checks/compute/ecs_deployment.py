"""Check of how ECS deploys the services of the DR region: capacity, controller, and the time a new task is given."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import service_pairs
from dr_estate.model.ecs_settings import ALARM, BREAKER, ROLLBACK, DeploymentSettings
from dr_estate.model.references import neutral
from dr_estate.readers.ecs import Service
from dr_estate.snapshot.tenants import Tenant

_WANTED = "as in the primary region"


@check(
    "every service of the DR region is deployed with the capacity and the deployment settings of the primary region's",
    none=("all services", "no service exists on both sides: see ecs.service-exists"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("EcsTaskDefFamilyParity", "REL13-BP04", "NIST CP-2")
def alike(view: View) -> Iterator[Finding]:
    """The same capacity providers, controller and registered ports, no shorter grace, no less room, no more alarms,
    a circuit breaker and registries of service discovery where the primary's has some.

    Spot capacity is what AWS has left, which is little while a region's customers fail over at once. Tasks that fail
    health checks after their grace period are killed, WordPress's first start among them. A service that may neither
    start a task more nor stop one never deploys. An alarm of a region that takes over may roll back the very revision
    that names its database. A hook of the primary region, or one that pauses, holds up the deployment that a failover
    waits for. Source: ECS DescribeServices.
    """
    pairs = service_pairs(view)
    for tenant, here, there in pairs:
        if here.settings is None or there.settings is None:
            yield view.unknown(here.name, _WANTED, "This evidence does not hold how services are deployed.", tenant.id)
        else:
            yield _settings_finding(view, tenant, here, here.settings, there.settings, there.registries or ())


def _settings_finding(
    view: View,
    tenant: Tenant,
    service: Service,
    here: DeploymentSettings,
    there: DeploymentSettings,
    registries: tuple[str, ...],
) -> Finding:
    gaps = [
        f"{key} {measured}, primary {wanted}"
        for key, measured, wanted in (
            ("capacity", ", ".join(here.capacity), ", ".join(there.capacity)),
            ("controller", here.controller, there.controller),
        )
        if measured != wanted
    ]
    if here.ports and there.ports and here.ports != there.ports:  # none at all: see ecs.target-group-attached
        gaps.append(f"registers port {_port_list(here)}, primary {_port_list(there)}")
    # Which are named only service-discovery.registries-exist sees: ids are each region's own.
    if registries and service.registries == ():
        gaps.append(f"registers its tasks in no registry of service discovery, primary in {len(registries)}")
    commands, changes = tuple[str, ...](), dict[str, object]()
    if holds := _more(view, here.holds, there.holds):
        gaps.append(f"a deployment waits for {', '.join(holds)}, the primary's not")
    if here.bake_min > there.bake_min:
        gaps.append(f"bakes {here.bake_min} minutes, primary {there.bake_min}")
        changes["bakeTimeInMinutes"] = there.bake_min
    if stops := _more(view, here.stops, there.stops):
        gaps.append(f"a deployment is ended by {', '.join(stops)}, the primary's not")
        if any(word.startswith(ALARM) for word in stops) and not any(
            word.startswith(ALARM) for word in there.stops or ()
        ):
            changes["alarms"] = {"alarmNames": [], "enable": False, "rollback": False}
    if here.grace_s < there.grace_s:
        gaps.append(f"grace period {here.grace_s} s, primary {there.grace_s} s")
        commands = (_update(view, service, healthCheckGracePeriodSeconds=there.grace_s),)
    if here.percents and there.percents and _narrower(here.percents, there.percents):
        ours, theirs = ("{} to {} %".format(*bounds) for bounds in (here.percents, there.percents))
        gaps.append(f"deploys with {ours} of its tasks, primary {theirs}")
        changes |= dict(zip(("minimumHealthyPercent", "maximumPercent"), there.percents, strict=True))
    commands = (*((_update(view, service, deploymentConfiguration=changes),) if changes else ()), *commands)
    if not gaps:
        as_there = "its tasks start as they start in the primary region"
        lacking = _no_breaker(view, tenant, service, here, there)
        return lacking or view.ok(service.name, "alike", _WANTED, as_there, tenant.id)
    sentence = f"aws_ecs_service '{service.name}' in {view.region}: the settings of the primary region's."
    reason = "its tasks would find no capacity, not be deployed or reached, be killed too early, or be rolled back"
    return view.gap(service.name, "; ".join(gaps), _WANTED, reason, Remedy(sentence, commands), tenant.id)


def _no_breaker(
    view: View, tenant: Tenant, service: Service, here: DeploymentSettings, there: DeploymentSettings
) -> Finding | None:
    """A warning where the primary's has a circuit breaker alone: a deployment that cannot succeed never fails here."""
    if here.stops is None or BREAKER in here.stops or BREAKER not in (there.stops or ()):
        return None
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": ROLLBACK in (there.stops or ())}}
    sentence = f"aws_ecs_service '{service.name}' in {view.region}: deployment_circuit_breaker."
    remedy = Remedy(sentence, (_update(view, service, deploymentConfiguration=breaker),))
    reason = "tasks that cannot start would be tried for ever, and a failover waits for them"
    return view.warn(service.name, "no circuit breaker", _WANTED, reason, remedy, tenant.id)


def _more(view: View, here: tuple[str, ...] | None, there: tuple[str, ...] | None) -> list[str]:
    """What ends or holds a deployment here and none in the primary region."""
    if here is None or there is None:
        return []
    known = {neutral(word, view.env.regions.primary) for word in there}
    return [word for word in here if neutral(word, view.region) not in known]


def _update(view: View, service: Service, **changes: object) -> str:
    return view.command("ecs", "UpdateService", **view.env.ecs_names(service.name), **changes)


def _port_list(settings: DeploymentSettings) -> str:
    return ", ".join(map(str, settings.ports or ()))


def _narrower(here: tuple[int, int], there: tuple[int, int]) -> bool:
    """Whether a deployment has less room: more tasks must stay, or fewer may be added."""
    return here[0] > there[0] or here[1] < there[1]
