"""Checks of the DR region's network: existence, layout and free addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import network_command, tenant_services, vpc_name
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.readers import ecs, vpc

_ZONES = 2
_ABSENT = "there is no VPC: see vpc.available"


@check("the VPC of the DR region is available")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite(
    "VpcState",
    "VpcCidrBlocksStateInAssociationSets",
    "VpcIpv6CidrBlocksStateInAssociationSets",
    "vpc_different_regions",
    "REL13-BP02",
    "NIST CP-7",
)
def available(view: View) -> Iterator[Finding]:
    """The VPC of that Name tag is available, and none of its blocks failed to be associated. Source: DescribeVpcs.

    A former block stays listed as disassociated, and one that is being associated comes by itself.
    """
    name, here = vpc_name(view), view.get(vpc.vpc)
    if here is None:
        reason = "there is no network to run services in"
        yield view.gap(name, "absent", "available", reason, f"Apply aws_vpc '{name}' in {view.region}.")
        return
    blocks = {block: states.NETWORK_BLOCK[word or "associated"] for block, word in here.cidrs + here.cidrs6}
    failed = [block for block, state in blocks.items() if state.broken]
    if strange := [block for block, state in blocks.items() if not state.known]:
        yield view.unknown(name, "available", f"AWS does not document the state of {', '.join(strange)}.")
    elif not states.VPC[here.state].known:
        yield view.undocumented(name, "available", here.state)
    elif states.VPC[here.state].serves and not failed:
        yield view.ok(name, here.state, "available", "services can run in it")
    else:
        measured = f"{', '.join(failed)} not associated" if states.VPC[here.state].serves else here.state
        remedy = Remedy("Read its state.", (view.command("ec2", "DescribeVpcs", VpcIds=[here.id]),))
        yield view.gap(name, measured, "available", "no resource can be started in it now", remedy)


@check("the VPC of the DR region has the layout of the primary region's")
@weigh(Severity.MINOR, Area.INFRASTRUCTURE)
@cite(
    "VpcCidrBlock",
    "VpcCidrBlocksInAssociationSets",
    "VpcCidrBlocksSameProtocolVersion",
    "VpcIpv6CidrBlocksInAssociationSets",
    "VpcInstanceTenancy",
    "VpcIsDefault",
    "VpcSubnetCount",
)
def shape(view: View) -> Iterator[Finding]:
    """Not fewer addresses or subnets, and the same tenancy; more is fine. Source: ARC Vpc rules."""
    name, there, here = vpc_name(view), view.get(vpc.vpc, Side.PRIMARY), view.get(vpc.vpc)
    if there is None or here is None:
        raise NothingToJudge(name, _ABSENT)
    mine6, theirs6 = _present(here.cidrs6), _present(there.cidrs6)
    counts = (
        ("addresses", _addresses(_present(here.cidrs)), _addresses(_present(there.cidrs))),
        # Where none is here at all the line below reports it, once.
        ("IPv6 addresses", _addresses(mine6), _addresses(theirs6) if mine6 else 0),
        ("subnets", len(view.get(vpc.subnets)), len(view.get(vpc.subnets, Side.PRIMARY))),
    )
    gaps = [f"{mine} {what}, primary {theirs}" for what, mine, theirs in counts if mine < theirs]
    gaps += ["no IPv6 block, primary has one"] if theirs6 and not mine6 else []
    gaps += [f"tenancy {here.tenancy}, primary {there.tenancy}"] if here.tenancy != there.tenancy else []
    gaps += [f"is the default VPC: {here.is_default}"] if here.is_default != there.is_default else []
    if gaps:
        reason = "the primary region's resources might not fit here"
        yield view.gap(name, "; ".join(gaps), "as in the primary region", reason, f"aws_vpc '{name}': cidr_block.")
    else:
        yield view.ok(name, "alike", "as in the primary region", "the layout is the same")


def _present(blocks: tuple[tuple[str, str], ...]) -> list[str]:
    """The blocks that the VPC has, without its former ones."""
    return [block for block, word in blocks if not states.NETWORK_BLOCK[word].gone]


def _addresses(blocks: list[str]) -> int:
    return sum(ipaddress.ip_network(block).num_addresses for block in blocks)


@check(
    "services of the DR region may run in subnets of at least two availability zones",
    none=("all services", "no service exists: see ecs.service-exists"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("VpcSubnetState", "AsgAZCount", "vpc_subnet_different_az", "REL10-BP01")
def zones(view: View) -> Iterator[Finding]:
    """The service's subnets are of this VPC, available, and in two zones. Source: DescribeServices, DescribeSubnets."""
    view.need(view.get(vpc.vpc), "all services", _ABSENT)
    standing = {row.id: row for row in view.get(vpc.subnets) if states.SUBNET[row.state].serves}
    strange = {row.id: row.state for row in view.get(vpc.subnets) if not states.SUBNET[row.state].known}
    services = list(tenant_services(view))
    for tenant, service in services:
        found = {standing[id_].zone for id_ in service.subnets if id_ in standing}
        lost = sorted(id_ for id_ in service.subnets if id_ not in standing)
        measured = f"{len(found)} zones" + (f"; not available: {', '.join(lost)}" if lost else "")
        if odd := [strange[id_] for id_ in lost if id_ in strange]:
            yield view.undocumented(service.name, "2 zones or more", odd[0], tenant.id)
        elif len(found) >= _ZONES and not lost:
            yield view.ok(service.name, measured, "2 zones or more", "it survives the loss of one zone", tenant.id)
        else:
            reason = "tasks could not be started, or the loss of one zone would stop them"
            remedy = Remedy(
                f"aws_ecs_service '{service.name}' in {view.region}: network_configuration.subnets of 2 zones.",
                _placement_command(view, service, standing),
            )
            yield view.gap(service.name, measured, "2 zones or more", reason, remedy, tenant.id)


def _placement_command(view: View, service: ecs.Service, standing: dict[str, vpc.Subnet]) -> tuple[str, ...]:
    """The command that gives a service the subnets of another tenant's, where those are in two zones."""
    for _, other in tenant_services(view):
        spread = {standing[id_].zone for id_ in other.subnets if id_ in standing}
        if len(spread) >= _ZONES and set(other.subnets) <= standing.keys():
            return network_command(view, service, other.subnets, service.security_groups)
    return ()


@check(
    "the subnets of the DR region have free addresses for every task of a failover",
    none=("all subnets", "no service exists: see ecs.service-exists"),
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T33", "VpcSubnetAvailableIpAddressCount", "REL02-BP03", "REL01-BP06", "REL13-BP02")
def free_addresses(view: View) -> Iterator[Finding]:
    """Each Fargate task takes an address: those still to start must fit. Source: AvailableIpAddressCount, T33."""
    view.need(view.get(vpc.vpc), "all subnets", _ABSENT)
    standing = {row.id: row for row in view.get(vpc.subnets)}
    needs: dict[tuple[str, ...], int] = {}
    for tenant, service in tenant_services(view):
        places = tuple(sorted(service.subnets))
        # Tasks that run already have their address.
        more = view.env.tasks_of(tenant.id) - min(service.running, service.desired)
        needs[places] = needs.get(places, 0) + max(0, more)
    for places, more in sorted(needs.items()):
        free = [standing[id_].free if id_ in standing else 0 for id_ in places]
        # Rounded up: half an address is none.
        wanted = -(-more * (100 + view.env.capacity.headroom_percent) // 100)
        subject, measured = ", ".join(places) or "no subnet", f"{sum(free)} free"
        remedy = f"Add an aws_subnet to the VPC in {view.region}, or move the services to larger ones."
        reason = f"{more} more tasks must start here, each with its own address"
        # AWS spreads a service over its subnets: a full one fails each task that it chooses for it.
        if sum(free) < more or (more and not all(free)):
            yield view.gap(subject, measured, f"{more} or more, some in each", reason, remedy)
        elif sum(free) < wanted:
            yield view.warn(subject, measured, f"{wanted} or more", reason + "; they fit with little headroom", remedy)
        else:
            yield view.ok(subject, measured, f"{wanted} or more", reason)
