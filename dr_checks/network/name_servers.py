"""Checks of the name servers of the DR region's VPC: those of its DHCP options, and of its resolver's rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_services, vpc_name
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53resolver, vpc

_WANTED = f"{vpc.AMAZONS}, or servers that answer for it"
_ANSWERED = "name servers that answer without the primary region"
_SHOWN = 3  # names in a sentence
_HANGS = "the task of a recovery, which AWS starts in this VPC, would not find them by name and hang"
# The VPC's resolver answers at this address in each subnet (VPC User Guide, Amazon DNS server).
_RESOLVER = "169.254.169.253"
_AWS, _FILES = ".amazonaws.com", ".efs."


@check("tasks of the DR region are given a name server that knows the VPC's names")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7")
def know_the_vpc(view: View) -> Iterator[Finding]:
    """Amazon's own by name or address, or another that is there and stands neither in the primary region nor outside.

    Only the VPC's resolver knows file systems, private zones and endpoints, and what is asked from the VPC. Whether a
    server of one's own answers is seen by the tasks that run alone. Source: VPC User Guide, DHCP option sets.
    """
    here, found = view.get(vpc.vpc), view.get(vpc.name_servers)
    if here is None or found is None:
        raise NothingToJudge(vpc_name(view), "there is no VPC: see vpc.available")
    subject, servers = here.options or vpc_name(view), ", ".join(found.servers)
    reason = "its tasks would find neither their registry nor their files by name"
    if any(_is_amazons(server, here) for server in found.servers):
        yield view.ok(subject, servers, _WANTED, "the VPC's resolver is asked")
    # No options read is no proof that none are set: a VPC has some or the default.
    elif not found.servers:
        yield view.unknown(subject, _WANTED, "Nothing shows which name server the VPC's tasks are given.")
    elif len(useless := _useless(view, here, found.servers, found.borne)) == len(found.servers):
        sentence = f"aws_vpc_dhcp_options_association in {view.region}: options of domain_name_servers {vpc.AMAZONS}."
        # The command that gives the VPC options with Amazon's name server, where the region has such.
        association_commands = tuple(
            view.command("ec2", "AssociateDhcpOptions", VpcId=here.id, DhcpOptionsId=name) for name in found.amazons[:1]
        )
        yield view.gap(subject, "; ".join(useless), _WANTED, reason, Remedy(sentence, association_commands))
    # A warning: tasks that run have found their names by these servers.
    elif _runs(view):
        lost = "they answer to the tasks that run here; whether they do without the primary region is not seen"
        yield view.warn(subject, servers, _WANTED, lost, "Drill it: start a task while the primary is cut off.")
    else:
        yield view.unknown(subject, _WANTED, f"Whether {servers} answers for the VPC only a task of it shows.")


@check("no rule of the resolver sends what tasks of the DR region ask to name servers that do not answer")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7")
def rules_lead_on(view: View) -> Iterator[Finding]:
    """A rule that forwards a name which tasks ask for leads to a server that is there, and outlives the primary region.

    Of the rules and private zones of a VPC the most specific one decides, a rule before a zone. Who answers on the way
    is seen as in name-servers.know-the-vpc. Source: Route 53 Developer Guide, "Using rules to specify which domains
    your resolver endpoints forward"; ListResolverRules. Names that the task of a recovery alone asks for, such as those
    of the primary region's APIs, are a warning.
    """
    here, found = view.get(vpc.vpc), view.get(route53resolver.forwarded)
    name = vpc_name(view)
    if here is None or found is None:
        raise NothingToJudge(name, "there is no VPC: see vpc.available")
    for rule in found:
        try:
            yield _rule_finding(view, here, rule)
        except DataUnavailable as unseen:
            yield view.unknown(rule.rule, _ANSWERED, unseen.unavailable)
    if not found:
        reason = "no rule forwards what a task asks the VPC's resolver"
        yield view.ok(name, "it answers itself", "it answers itself", reason)


def _rule_finding(view: View, here: vpc.Vpc, rule: route53resolver.ForwardedNames) -> Finding:
    """Where a rule leads the names of tasks. Raises DataUnavailable."""
    subject, measured = rule.rule, f"{rule.domain or 'all names'} to {', '.join(rule.targets) or 'nobody'}"
    # Names of file systems exist inside the VPC alone: EFS guide, Mounting by DNS name.
    known = all(host.endswith(_AWS) and _FILES not in host for host in rule.hosts)
    if known and any(_is_global(target) for target in rule.targets):
        return view.ok(subject, measured, _ANSWERED, "the internet knows these names")
    useless = _useless(view, here, rule.targets, rule.borne)
    if len(useless) == len(rule.targets) and _of_recovery_alone(view, rule.hosts):
        return view.warn(subject, "; ".join([measured, *useless]), _ANSWERED, _HANGS, _target_remedy(view, here, rule))
    if len(useless) == len(rule.targets):
        reason = f"tasks would not find {rule.hosts[0]}" + ("" if len(rule.hosts) == 1 else " and others by name")
        return view.gap(subject, "; ".join([measured, *useless]), _ANSWERED, reason, _target_remedy(view, here, rule))
    if _runs(view):
        lost = "they answer to the tasks that run here; whether they do without the primary region is not seen"
        return view.warn(subject, measured, _ANSWERED, lost, "Drill it: start a task while the primary is cut off.")
    return view.unknown(subject, _ANSWERED, f"Whether {measured} is answered only a task of the VPC shows.")


@check("no firewall of the DR region's resolver blocks a name that tasks ask for")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7")
def firewall_admits(view: View) -> Iterator[Finding]:
    """The first rule of DNS Firewall that is about a name decides, by the priorities of groups and rules.

    Further names to which an answer leads (CNAME) are not followed, AWS's own lists are taken to hold none of these.
    Source: Route 53 Developer Guide, "How DNS Firewall works".
    """
    found, wanted, name = view.get(route53resolver.blocked), "none blocked", vpc_name(view)
    if view.get(vpc.vpc) is None or found is None:
        raise NothingToJudge(name, "there is no VPC: see vpc.available")
    for rule in found:
        hosts, more = ", ".join(rule.hosts[:_SHOWN]), len(rule.hosts) - _SHOWN
        measured = hosts + (f" and {more} more" if more > 0 else "") + " blocked"
        remedy = (
            f"Let a rule with ALLOW and a smaller priority name these (aws_route53_resolver_firewall_rule in "
            f"{view.region}), or take the group off the VPC, if those who guard it agree."
        )
        subject, reason = f"{rule.group}: {rule.rule}", "tasks would not find what they start with by name"
        if _of_recovery_alone(view, rule.hosts):
            yield view.warn(subject, measured, wanted, _HANGS, remedy)
        else:
            yield view.gap(subject, measured, wanted, reason, remedy)
    if not found:
        yield view.ok(name, "none blocked", wanted, "no rule of a firewall is about them, or one lets them pass first")


def _of_recovery_alone(view: View, hosts: Sequence[str]) -> bool:
    """Whether no tenant's task asks for the names: a run by the break-glass role needs no task of a recovery."""
    return set(hosts) <= set(route53resolver.recovery_hosts(view.env))


def _is_global(target: str) -> bool:
    try:
        return ip_address(target).is_global
    except ValueError:
        return False


def _target_remedy(view: View, here: vpc.Vpc, rule: route53resolver.ForwardedNames) -> Remedy:
    sentence = (
        f"Give the rule '{rule.domain or '.'}' targets that stand in {view.region} "
        "(aws_route53_resolver_rule.target_ip), or take it off the VPC (aws_route53_resolver_rule_association)."
    )
    off = {"VPCId": here.id, "ResolverRuleId": rule.rule}
    return Remedy(sentence, (view.command("route53resolver", "DisassociateResolverRule", **off),))


def _runs(view: View) -> bool:
    return any(service.running for _, service in tenant_services(view))


def _useless(view: View, here: vpc.Vpc, servers: Sequence[str], borne: Sequence[str]) -> list[str]:
    """Those of the servers that do not answer for the VPC, each with the reason. Raises DataUnavailable.

    The primary region's VPC is asked for only where all hangs on it: in an outage it is not seen.
    """
    reasons = {server: _uselessness(here, borne, server) for server in servers}
    if "" in reasons.values():
        return [f"{server} {why}" for server, why in reasons.items() if why]
    for server in [server for server, reason in reasons.items() if reason is None]:
        primary = view.get(vpc.vpc, Side.PRIMARY)
        in_primary = primary and any(ip_address(server) in ip_network(block) for block, _ in primary.cidrs)
        reasons[server] = "stands in the primary region's VPC" if in_primary else ""
    return [f"{server} {reasons[server]}" for server in servers if reasons[server]]


def _is_amazons(server: str, here: vpc.Vpc) -> bool:
    """Whether it is the VPC's own resolver: by name, its address on the link, or the third of the first block."""
    blocks = [ip_network(block) for block, _ in here.cidrs[:1]]
    return server in (vpc.AMAZONS, _RESOLVER, *(str(block.network_address + 2) for block in blocks))


def _uselessness(here: vpc.Vpc, borne: Sequence[str], server: str) -> str | None:
    """Why a server of one's own knows the VPC's names at no time, "" where it does, None where it stands elsewhere."""
    if server in borne or _is_amazons(server, here):
        return ""
    try:
        address = ip_address(server)
    except ValueError:
        return "is no address"
    if address.is_global:
        return "is of the internet, and knows no name of the VPC"
    if any(address in ip_network(block) for block, _ in here.cidrs):
        return "is no address of an interface of the VPC"
    return None
