"""Checks of the name servers that the DHCP options of the DR region's VPC give to its tasks."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.core.remedy import Remedy
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.environment import Side
from dr_estate.readers import vpc

_WANTED = f"{vpc.AMAZONS}, or servers that answer for it"
_RESOLVER = "169.254.169.253"


@check(
    "tasks of the DR region are given a name server that knows the VPC's names",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("REL13-BP02", "NIST CP-7"),
)
def know_the_vpc(view: View) -> Iterator[Finding]:
    """Amazon's own by name or address, or another that is there and stands neither in the primary region nor outside.

    Only the VPC's resolver knows file systems, private zones and endpoints, and what is asked from the VPC. Whether a
    server of one's own answers is seen by the tasks that run alone. Source: VPC User Guide, DHCP option sets.
    """
    here, found = view.get(vpc.vpc), view.get(vpc.name_servers)
    if here is None or found is None:
        yield view.none_expected(view.env.named(view.env.names.vpc), "there is no VPC: see vpc.available")
        return
    subject, servers = here.options or view.env.named(view.env.names.vpc), ", ".join(found.servers)
    useless = [f"{server} {why}" for server in found.servers if (why := _uselessness(view, here, found, server))]
    runs = any(service.running for _, service in tenant_services(view, Side.DR))
    reason = "its tasks would find neither their registry nor their files by name"
    if any(_is_amazons(server, here) for server in found.servers):
        yield view.ok(subject, servers, _WANTED, "the VPC's resolver is asked")
    elif not found.servers:
        yield view.unknown(subject, _WANTED, "Nothing shows which name server the VPC's tasks are given.")
    elif len(useless) == len(found.servers):
        sentence = f"aws_vpc_dhcp_options_association in {view.region}: options of domain_name_servers {vpc.AMAZONS}."
        yield view.gap(subject, "; ".join(useless), _WANTED, reason, Remedy(sentence, _associated(view, here, found)))
    elif runs:
        lost = "they answer to the tasks that run here; whether they do without the primary region is not seen"
        yield view.warn(subject, servers, _WANTED, lost, "Drill it: start a task while the primary is cut off.")
    else:
        yield view.unknown(subject, _WANTED, f"Whether {servers} answers for the VPC only a task of it shows.")


def _is_amazons(server: str, here: vpc.Vpc) -> bool:
    """Whether it is the VPC's own resolver: by name, its address on the link, or the third of the first block."""
    blocks = [ip_network(block) for block, _ in here.cidrs[:1]]
    return server in (vpc.AMAZONS, _RESOLVER, *(str(block.network_address + 2) for block in blocks))


def _uselessness(view: View, here: vpc.Vpc, found: vpc.NameServers, server: str) -> str:
    """Why a server of one's own knows the VPC's names at no time, or not when the primary region is lost; else ""."""
    if server in found.borne or _is_amazons(server, here):
        return ""
    try:
        address, primary = ip_address(server), view.get(vpc.vpc, Side.PRIMARY)
    except ValueError:
        return "is no address"
    if address.is_global:
        return "is of the internet, and knows no name of the VPC"
    if any(address in ip_network(block) for block, _ in here.cidrs):
        return "is no address of an interface of the VPC"
    if primary and any(address in ip_network(block) for block, _ in primary.cidrs):
        return "stands in the primary region's VPC"
    return ""


def _associated(view: View, here: vpc.Vpc, found: vpc.NameServers) -> tuple[str, ...]:
    """The command that gives the VPC options with Amazon's name server, where the region has such."""
    options = found.amazons[:1]
    return tuple(view.command("ec2", "AssociateDhcpOptions", VpcId=here.id, DhcpOptionsId=name) for name in options)
