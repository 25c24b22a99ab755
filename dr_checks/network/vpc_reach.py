"""Checks of traffic in the DR region: security groups, and the routes that a starting task needs."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import elbv2, vpc

NEEDED = ("ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager")
_ALIVE = {"available", "pending"}
_ABSENT = "there is no VPC: see vpc.available"


@check(
    "security groups of the DR region allow the same traffic as the primary region's",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("REL13-BP04", "NIST CP-7", "ISO22301 8.4"),
)
def security_groups(view: View) -> Iterator[Finding]:
    """Groups of services and load balancer, by name, have the primary's rules. Source: DescribeSecurityGroups."""
    if view.get(vpc.vpc) is None:
        yield view.none_expected("all security groups", _ABSENT)
        return
    here = {group.name: group for group in view.get(vpc.security_groups)}
    there = {group.name: group for group in view.get(vpc.security_groups, Side.PRIMARY)}
    used = _used(view, Side.PRIMARY)
    for name in sorted(used):
        mine = here.get(name)
        remedy = f"Apply aws_security_group '{name}' in {view.region} from the same module as the primary's."
        if mine is None:
            reason = "resources that use it cannot be reached, or do not start"
            yield view.gap(name, "absent", "as in the primary region", reason, remedy)
            continue
        missing = [f"in {rule}" for rule in there[name].ingress if rule not in mine.ingress]
        missing += [f"out {rule}" for rule in there[name].egress if rule not in mine.egress]
        if missing:
            reason = "this traffic is allowed in the primary region and would be dropped after the failover"
            yield view.gap(name, f"missing {'; '.join(missing)}", "as in the primary region", reason, remedy)
        else:
            yield view.ok(name, "alike", "as in the primary region", "the same traffic is allowed")
    if not used:
        yield view.none_expected("all security groups", "nothing of the primary region uses one")


@check(
    "services of the DR region use the security groups that the primary region's use",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("REL13-BP04", "NIST CP-7"),
)
def attached_groups(view: View) -> Iterator[Finding]:
    """By name, each group of the primary's service is on the DR service. Source: DescribeServices."""
    if view.get(vpc.vpc) is None:
        yield view.none_expected("all services", _ABSENT)
        return
    names = {side: {g.id: g.name for g in view.get(vpc.security_groups, side)} for side in (Side.PRIMARY, Side.DR)}
    primary = {s.name: s for _, s in tenant_services(view, Side.PRIMARY)}
    pairs = [(t, s, primary[s.name]) for t, s in tenant_services(view, Side.DR) if s.name in primary]
    for tenant, mine, theirs in pairs:
        groups = {names[Side.DR].get(id_, f"{id_} (absent)") for id_ in mine.security_groups}
        wanted = {names[Side.PRIMARY].get(id_, id_) for id_ in theirs.security_groups}
        measured, expected = ", ".join(sorted(groups)) or "none", ", ".join(sorted(wanted)) or "none"
        if wanted <= groups and not any("(absent)" in name for name in groups):
            yield view.ok(mine.name, measured, expected, "it uses the same security groups", tenant.id)
        else:
            reason = "its tasks could not start, or not reach their database and files"
            remedy = f"aws_ecs_service '{mine.name}' in {view.region}: network_configuration.security_groups."
            yield view.gap(mine.name, measured, expected, reason, remedy, tenant.id)
    if not pairs:
        yield view.none_expected("all services", "no service exists on both sides: see ecs.service-exists")


def _used(view: View, side: Side) -> set[str]:
    names = {group.id: group.name for group in view.get(vpc.security_groups, side)}
    balancer = view.get(elbv2.load_balancer, side)
    ids = set(balancer.security_groups) if balancer else set()
    ids |= {id_ for _, service in tenant_services(view, side) for id_ in service.security_groups}
    return {names[id_] for id_ in ids if id_ in names}


@check(
    "tasks of the DR region have a network route to pull their image, read their secret and write their log",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("REL02-BP02", "REL13-BP02", "service-vpc-endpoint-enabled", "NIST CP-8"),
)
def way_out(view: View) -> Iterator[Finding]:
    """Each subnet leads to a living gateway, or the VPC has the endpoints. Source: ECS task networking."""
    if view.get(vpc.vpc) is None:
        yield view.none_expected("all subnets", _ABSENT)
        return
    tables, gateways = view.get(vpc.route_tables), {nat.id: nat.state for nat in view.get(vpc.nat_gateways)}
    standing = {e.service for e in view.get(vpc.endpoints) if e.state in _ALIVE}
    lacking = [name for name in NEEDED if name not in standing]
    places = sorted({id_ for _, service in tenant_services(view, Side.DR) for id_ in service.subnets})
    for place in places:
        leads, route = _default_route(place, tables, gateways)
        wanted = "a working default route, or endpoints for every service a task needs"
        if leads is None and lacking:
            yield view.unknown(place, wanted, f"Nothing shows whether its default route leads anywhere: {route}.")
        elif leads or not lacking:
            yield view.ok(place, route, wanted, "a task placed here can start")
        else:
            yield view.gap(
                place,
                f"{route}; no endpoint for {', '.join(lacking)}",
                wanted,
                "a task placed here fails to start: it cannot pull its image, or read its secrets",
                f"aws_route in {view.region}: 0.0.0.0/0 to a NAT gateway; or the missing aws_vpc_endpoint.",
            )
    if not places:
        yield view.none_expected("all subnets", "no service exists: see ecs.service-exists")


def _default_route(
    subnet: str, tables: tuple[vpc.RouteTable, ...], gateways: dict[str, str]
) -> tuple[bool | None, str]:
    """Whether 0.0.0.0/0 of ``subnet`` leads anywhere (None: not known), and where; else a packet is lost."""
    own = next((t for t in tables if subnet in t.subnets), next((t for t in tables if t.main), None))
    if own is None or not own.default:
        return False, "no default route"
    route = states.ROUTE[own.state]
    if route.broken:
        return False, f"no working default route ({own.default} is a black hole)"
    if not route.known or not own.known:
        return None, f"{own.default}, {own.state or 'no state'}"
    word = gateways.get(own.default, "absent") if own.default.startswith("nat-") else "available"
    gateway = states.NAT_GATEWAY[word]
    if not gateway.known:
        return None, f"{own.default} is {word}"
    return gateway.serves, own.default if gateway.serves else f"no working NAT gateway ({own.default} is {word})"
