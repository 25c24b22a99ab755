"""Check of how ECS deploys the services of the DR region: capacity, controller, and the time a new task is given."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.core.remedy import Remedy
from dr_checks.derived.pairing import services_by_name, tenant_services
from dr_estate.config.environment import Side
from dr_estate.model.deployment_settings import DeploymentSettings
from dr_estate.readers.ecs import Service
from dr_estate.snapshot.tenants import Tenant

_WANTED = "as in the primary region"


@check(
    "every service of the DR region is deployed on the capacity and with the patience of the primary region's",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("EcsTaskDefFamilyParity", "REL13-BP04", "NIST CP-2"),
)
def alike(view: View) -> Iterator[Finding]:
    """The same capacity providers, deployment controller and registered ports, no shorter grace, no less room.

    Spot capacity is what AWS has left, which is little while a region's customers fail over at once. Tasks that fail
    health checks after their grace period are killed, WordPress's first start among them. A service that may neither
    start a task more nor stop one never deploys. Source: ECS DescribeServices.
    """
    primary = services_by_name(view, Side.PRIMARY)
    pairs = [(t, s, primary[s.name]) for t, s in tenant_services(view, Side.DR) if s.name in primary]
    for tenant, here, there in pairs:
        if here.settings is None or there.settings is None:
            yield view.unknown(here.name, _WANTED, "This evidence does not hold how services are deployed.", tenant.id)
        else:
            yield _compared(view, tenant, here, here.settings, there.settings)
    if not pairs:
        yield view.none_expected("all services", "no service exists on both sides: see ecs.service-exists")


def _compared(
    view: View, tenant: Tenant, service: Service, here: DeploymentSettings, there: DeploymentSettings
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
        gaps.append(f"registers port {_listed(here)}, primary {_listed(there)}")
    commands: tuple[str, ...] = ()
    if here.grace_s < there.grace_s:
        gaps.append(f"grace period {here.grace_s} s, primary {there.grace_s} s")
        cluster = view.env.named(view.env.names.cluster)
        longer = {"cluster": cluster, "service": service.name, "healthCheckGracePeriodSeconds": there.grace_s}
        commands = (view.command("ecs", "UpdateService", **longer),)
    if here.percents and there.percents and _narrower(here.percents, there.percents):
        ours, theirs = ("{} to {} %".format(*bounds) for bounds in (here.percents, there.percents))
        gaps.append(f"deploys with {ours} of its tasks, primary {theirs}")
    if not gaps:
        return view.ok(service.name, "alike", _WANTED, "its tasks start as they start in the primary region", tenant.id)
    sentence = f"aws_ecs_service '{service.name}' in {view.region}: the settings of the primary region's."
    reason = "its tasks would find no capacity, not be deployed or not be reached, or be killed before they are healthy"
    return view.gap(service.name, "; ".join(gaps), _WANTED, reason, Remedy(sentence, commands), tenant.id)


def _listed(settings: DeploymentSettings) -> str:
    return ", ".join(map(str, settings.ports or ()))


def _narrower(here: tuple[int, int], there: tuple[int, int]) -> bool:
    """Whether a deployment has less room: more tasks must stay, or fewer may be added."""
    return here[0] > there[0] or here[1] < there[1]
