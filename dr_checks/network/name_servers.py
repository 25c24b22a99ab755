"""Checks of the name servers of the DR region's VPC: those of its DHCP options, and of its resolver's rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.core.remedy import Remedy
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.environment import Side
from dr_estate.readers import route53resolver, vpc

_WANTED = f"{vpc.AMAZONS}, or servers that answer for it"
_RESOLVER = "169.254.169.253"
_AWS, _FILES = ".amazonaws.com", ".efs."


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
    useless = _useless(view, here, found.servers, found.borne)
    runs = any(service.running for _, service in tenant_services(view))
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


@check(
    "no rule of the resolver sends what tasks of the DR region ask to name servers that do not answer",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    rules=("REL13-BP02", "NIST CP-7"),
)
def rules_lead_on(view: View) -> Iterator[Finding]:
    """A rule that forwards a name which tasks ask for leads to a server that is there, and outlives the primary region.

    Of the rules and private zones of a VPC the most specific one decides, a rule before a zone. Who answers on the way
    is seen as in name-servers.know-the-vpc. Source: Route 53 Developer Guide, "Using rules to specify which domains
    your resolver endpoints forward"; ListResolverRules.
    """
    here, found = view.get(vpc.vpc), view.get(route53resolver.forwarded)
    name, wanted = view.env.named(view.env.names.vpc), "name servers that answer without the primary region"
    if here is None or found is None:
        yield view.none_expected(name, "there is no VPC: see vpc.available")
        return
    runs = any(service.running for _, service in tenant_services(view))
    for rule in found:
        subject, measured = rule.rule, f"{rule.domain or 'all names'} to {', '.join(rule.targets) or 'nobody'}"
        useless = _useless(view, here, rule.targets, rule.borne)
        if _is_public(rule):
            yield view.ok(subject, measured, wanted, "the internet knows these names")
        elif len(useless) == len(rule.targets):
            reason = f"tasks would not find {rule.hosts[0]}" + ("" if len(rule.hosts) == 1 else " and others by name")
            yield view.gap(subject, "; ".join([measured, *useless]), wanted, reason, _taken_off(view, here, rule))
        elif runs:
            lost = "they answer to the tasks that run here; whether they do without the primary region is not seen"
            yield view.warn(subject, measured, wanted, lost, "Drill it: start a task while the primary is cut off.")
        else:
            yield view.unknown(subject, wanted, f"Whether {measured} is answered only a task of the VPC shows.")
    if not found:
        yield view.ok(
            name, "it answers itself", "it answers itself", "no rule forwards what a task asks the VPC's resolver"
        )


def _is_public(rule: route53resolver.ForwardedNames) -> bool:
    """Whether names that are known outside the VPC alone are sent to a server of the internet."""
    known = all(host.endswith(_AWS) and _FILES not in host for host in rule.hosts)
    return known and any(_is_global(target) for target in rule.targets)


def _is_global(target: str) -> bool:
    try:
        return ip_address(target).is_global
    except ValueError:
        return False


def _taken_off(view: View, here: vpc.Vpc, rule: route53resolver.ForwardedNames) -> Remedy:
    sentence = (
        f"Give the rule '{rule.domain or '.'}' targets that stand in {view.region} "
        "(aws_route53_resolver_rule.target_ip), or take it off the VPC (aws_route53_resolver_rule_association)."
    )
    off = {"VPCId": here.id, "ResolverRuleId": rule.rule}
    return Remedy(sentence, (view.command("route53resolver", "DisassociateResolverRule", **off),))


def _useless(view: View, here: vpc.Vpc, servers: Sequence[str], borne: Sequence[str]) -> list[str]:
    """Those of the servers that do not answer for the VPC, each with the reason."""
    return [f"{server} {why}" for server in servers if (why := _uselessness(view, here, borne, server))]


def _is_amazons(server: str, here: vpc.Vpc) -> bool:
    """Whether it is the VPC's own resolver: by name, its address on the link, or the third of the first block."""
    blocks = [ip_network(block) for block, _ in here.cidrs[:1]]
    return server in (vpc.AMAZONS, _RESOLVER, *(str(block.network_address + 2) for block in blocks))


def _uselessness(view: View, here: vpc.Vpc, borne: Sequence[str], server: str) -> str:
    """Why a server of one's own knows the VPC's names at no time, or not when the primary region is lost; else ""."""
    if server in borne or _is_amazons(server, here):
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
