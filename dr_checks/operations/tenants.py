"""Checks that every tenant's host name follows a failover, and that both regions have the same tenants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dr_checks.core.model import DR_ONLY, GLOBAL, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived import routing
from dr_checks.dns.dns import situation
from dr_checks.edge import cloudfront, cloudfront_visitors
from dr_estate.config.environment import Side
from dr_estate.model.references import balancer_region
from dr_estate.readers import ecs, route53
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.snapshot import tenants


@check("every tenant's host name points to the distribution")
@weigh(Severity.BLOCKER, Area.TENANTS, GLOBAL)
@cite("T08", "DnsTargetResourceRoutingRule", "REL11-BP02", "NIST CP-8")
def hosts_lead_to_distribution(view: View) -> Iterator[Finding]:
    """Its own record or the wildcard's: one pointed straight at a load balancer loses HTTPS and stays behind.

    A distribution of its own is another's matter: see cloudfront-visitors.nobody-led-apart.
    """
    there: dict[str, list[Record]] = {}
    for record in view.get(route53.records):
        if record.type in routing.ADDRESS_TYPES:
            there.setdefault(record.name, []).append(record)
    distribution = cloudfront.serving(view)
    if distribution is None or view.get(route53.zone) is None:
        absent = (
            "distribution: cloudfront.distribution-serves" if distribution is None else "zone: route53.zone-accessible"
        )
        yield view.none_expected(view.env.traffic.distribution_alias, f"there is no {absent}")
        return
    # A record of a host's own hides the wildcard (Route 53 guide, wildcards in record names).
    wildcard = there.get(f"*.{view.env.traffic.tenant_domain}", [])
    own = cloudfront_visitors.apart(view)
    for tenant in view.tenants:
        host = tenants.host_of(tenant, view.env)
        targets = {routing.target_of(record) for record in there.get(host, wildcard)}
        measured = ", ".join(sorted(targets)) or "no record"
        answering = own.get(tenant.id, distribution)
        if targets and targets <= {distribution.domain, answering.domain}:
            yield view.ok(host, measured, distribution.domain, "it moves with the traffic record", tenant.id)
        else:
            reason = (
                "the name does not resolve"
                if not targets
                else "it does not follow the traffic record, and HTTPS may fail"
            )
            remedy = _alias_remedy(view, host, there.get(host, []), distribution.domain)
            yield view.gap(host, measured, distribution.domain, reason, remedy, tenant.id)


def _alias_remedy(view: View, host: str, standing: list[Record], domain: str) -> Remedy:
    """An alias to the distribution. The command is for a name with no other record than a simple address of IPv4."""
    sentence = f"Point its aws_route53_record alias at {domain} (zone {routing.CLOUDFRONT_ZONE})."
    zone = view.read_for_remedy(route53.zone)
    # A simple record beside routed ones of its name is refused: all of one name and type have one policy.
    if zone is None or any(record.type != "A" or record.policy != "simple" for record in standing):
        return Remedy(sentence)
    target = {"HostedZoneId": routing.CLOUDFRONT_ZONE, "DNSName": domain, "EvaluateTargetHealth": False}
    change = {"Action": "UPSERT", "ResourceRecordSet": {"Name": host, "Type": "A", "AliasTarget": target}}
    batch = {"Changes": [change]}
    command = view.command("route53", "ChangeResourceRecordSets", HostedZoneId=zone.id, ChangeBatch=batch)
    return Remedy(sentence, (command,))


@check("every customer's own host name follows the traffic to the DR region")
@weigh(Severity.CRITICAL, Area.TENANTS, GLOBAL, stops=True)
@cite("DnsTargetResourceRoutingRule", "REL11-BP02", "NIST CP-8")
def customer_hosts_follow(view: View) -> Iterator[Finding]:
    """A customer's host leads to the traffic name, the distribution or a tenant's host, or is itself a routed pair.

    A zone that this account does not hold is a warning: only the customer knows it, and only they can change it. A pair
    that Route 53 would refuse to turn is a gap.
    """
    owner = {host: name for name, hosts in view.env.traffic.customer_hosts.items() for host in hosts}
    ids = {tenant.dns: tenant.id for tenant in view.tenants}
    for found in view.get(route53.customer_hosts):
        if not isinstance(found, CustomerHost):
            yield view.unknown("a customer's host", "follows the traffic", found)
            continue
        yield _host_finding(view, found, ids.get(owner.get(found.host, "")))
    if not owner:
        yield view.none_expected("customers' hosts", "no customer has a host name of its own")


def _host_finding(view: View, found: CustomerHost, tenant: str | None) -> Finding:
    origin, wanted = view.env.traffic.origin_record, "follows the traffic"
    measured = ", ".join(sorted({routing.target_of(r) for r in found.records})) or "no record"
    unchecked = [record for record in found.records if routing.cannot_lead(record)]
    # A warning: no permission shows another account's zone, and the customer alone can change it.
    if found.zone is None:
        reason = "its zone is managed elsewhere, so it can be neither read nor changed here"
        remedy = f"Ask the customer for a CNAME of {found.host} to {origin}."
        return view.warn(found.host, "its zone is not in this account", wanted, reason, remedy, tenant)
    if not _follows(view, found.records):
        reason = "it stays in the lost region when the others have moved"
        remedy = f"In zone {found.zone}, make it a CNAME to {origin}, or a failover pair."
        return view.gap(found.host, measured, wanted, reason, remedy, tenant, stops=True)
    if unchecked:
        measured = f"{unchecked[0].set_identifier} has no health check"
        reason = "Route 53 refuses it as the leading record of a failover pair: the pair moves by health alone"
        remedy = "Set health_check_id on its aws_route53_record to a check of its own load balancer."
        return view.gap(found.host, measured, "a record pair that can be switched", reason, remedy, tenant)
    return view.ok(found.host, measured, wanted, "it moves with the traffic", tenant)


def _follows(view: View, records: Sequence[Record]) -> bool:
    """Whether the records lead the serving region once the primary region is down."""
    distribution = cloudfront.serving(view)
    moving = {view.env.traffic.origin_record, *([distribution.domain] if distribution else [])}
    domain = f".{view.env.traffic.tenant_domain}"
    addresses = [record for record in records if record.type in routing.ADDRESS_TYPES]
    for kind in {record.type for record in addresses}:
        chosen = routing.chosen_records([r for r in addresses if r.type == kind], situation(view, Side.PRIMARY)) or ()
        targets = {routing.target_of(record) for record in chosen}
        here = {t for t in targets if t in moving or t.endswith(domain) or balancer_region(t) == view.env.regions.dr}
        if not targets or here != targets:
            return False
    return bool(addresses)


@check(
    "every customer host name in the environment file belongs to a tenant that exists",
    none=("customers' hosts", "no customer has a host name of its own"),
)
@weigh(Severity.NORMAL, Area.TENANTS, GLOBAL)
@cite("NIST CP-2", "ISO22301 8.4")
def customers_known(view: View) -> Iterator[Finding]:
    """A misspelt tenant in traffic.customer_hosts is judged by nobody. Source: the environment file."""
    known = {name for tenant in view.tenants for name in (tenant.dns, tenant.id)}
    listed = view.env.traffic.customer_hosts
    for name, hosts in sorted(listed.items()):
        names = ", ".join(hosts)
        # Where only some tenants are asked about, the others are not known to be missing.
        if name in known or view.only_tenants:
            yield view.ok(name, names, "a known tenant", "the tenant exists")
        else:
            remedy = "Correct the name in traffic.customer_hosts of the environment file, or remove it."
            yield view.gap(name, "no such tenant", "a known tenant", f"no check covers {names}", remedy)


@check("no two tenants share a host name")
@weigh(Severity.CRITICAL, Area.TENANTS, GLOBAL)
@cite("NIST CP-2")
def unique_hosts(view: View) -> Iterator[Finding]:
    """Older ids drop their hyphen in host names: tenant-1 and tenant1 would be one site. Source: ESTATE."""
    taken = Counter(tenant.dns for tenant in view.tenants)
    twice = [tenant for tenant in view.tenants if taken[tenant.dns] > 1]
    for tenant in twice:
        measured = tenants.host_of(tenant, view.env)
        reason = "visitors of one tenant would be shown the other's site"
        remedy = "Rename or remove one of the two ECS services."
        yield view.gap(tenant.id, measured, "a host name of its own", reason, remedy, tenant.id)
    if not twice:
        yield view.ok("all tenants", f"{len(taken)} host names", "one each", "every host name belongs to one tenant")


@check("the DR region has no tenant that was removed from the primary region")
@weigh(Severity.NORMAL, Area.TENANTS, DR_ONLY)
@cite("EcsServiceExists", "NIST CP-2")
def none_left_over(view: View) -> Iterator[Finding]:
    """A service in the DR region alone would bring a removed tenant back to life with old data."""

    def tenants_of(side: Side) -> set[str]:
        pattern = view.env.names.service
        found = (view.env.tenant_of(pattern, service.name) for service in view.get(ecs.services, side))
        return {tenant for tenant in found if tenant}

    ours, theirs, primary = tenants_of(Side.DR), tenants_of(Side.PRIMARY), view.env.regions.primary
    # A primary region without tenants is empty or lost: each tenant here would be called removed.
    view.need(theirs, "all tenants", "the primary region has no tenant to compare with")
    for tenant in sorted(ours - theirs):
        reason = "after a failover this tenant would reappear with its old data"
        remedy = (
            f"Remove service {view.env.named(view.env.names.service, tenant=tenant)} from the DR Terraform; provision "
            f"one that came after a failover in {primary} instead: no failback begins without it."
        )
        yield view.gap(tenant, f"only in {view.region}", f"also in {primary}", reason, remedy, tenant)
    if not ours - theirs:
        yield view.ok("all tenants", f"{len(ours)} here", "each in both regions", "no removed tenant remains")
