"""Route 53: the traffic zone with the pair of origin records, the tenants' aliases, and a private zone a region.

The pair is ALIAS records to the two load balancers with a health check each of a page that the balancer itself answers,
already in the final policy (T05, T08, T12): a tenant's empty target group moves nobody (T55). Tenants are simple ALIAS
records to the distribution. The parent zone belongs to another account where the environment names one, and is not
made; a zone without a parent holds the delegations of the others. Customers' own domains are zones of this account,
their hosts CNAMEs to the origin name.
With a pin port the checks are calculated ones, and the primary's needs the DR region's switch to be open (T06).
"""

from __future__ import annotations

from typing import Any

from sandbox.seeding.site import Estate, Site, as_list, host_of, internal_zone, tag_map

# The hosted zone of all distributions (API_AliasTarget).
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
# Well below 1,000 records and 32,000 characters a batch, an UPSERT counting twice (T13).
BATCH = 400
# The lesser of the SOA's TTL and its last number is how long NXDOMAIN is remembered (RFC 2308); Route 53's own is 900.
SOA_TTL_S, RECORD_TTL_S = 300, 60
DELEGATED = ("wpdev", "wpsit")
Record = dict[str, Any]


def build(estate: Estate) -> None:
    """Make the zones, the health checks and all records."""
    traffic = estate.environment.traffic
    zone = _public_zone(estate, traffic.zone)
    records = [_origin_record(estate, site) for site in estate.sites]
    records += [
        _alias(host_of(estate.environment, tenant), CLOUDFRONT_ZONE, estate.distribution_domain, health=False)
        for tenant in estate.tenants
    ]
    if traffic.parent_zone is None:
        records += [_delegation(f"{label}.{traffic.zone}", n) for n, label in enumerate(DELEGATED)]
    write(estate, zone, "CREATE", records)
    _customer_zones(estate)
    for site in estate.sites:
        _private_zone(estate, site)


def write(estate: Estate, zone: str, action: str, records: list[Record]) -> None:
    """Apply ``action`` to ``records`` of ``zone`` in batches that Route 53 takes (T13)."""
    for start in range(0, len(records), BATCH):
        changes = [{"Action": action, "ResourceRecordSet": record} for record in records[start : start + BATCH]]
        estate.world_wide("route53").change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Comment": "seeded", "Changes": changes}
        )


def _public_zone(estate: Estate, name: str) -> str:
    """Make a public zone; its negative answers live for five minutes, and accelerated recovery is on (T02)."""
    route53, env = estate.world_wide("route53"), estate.environment
    response = route53.create_hosted_zone(
        Name=name,
        CallerReference=f"{env.name}-{name}",
        HostedZoneConfig={"Comment": f"{env.name} traffic", "PrivateZone": False},
    )
    zone = str(response["HostedZone"]["Id"]).removeprefix("/hostedzone/")
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=as_list(tag_map(env, name)))
    route53.update_hosted_zone_features(HostedZoneId=zone, EnableAcceleratedRecovery=True)
    first = response["DelegationSet"]["NameServers"][0].rstrip(".")
    soa = f"{first}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 {SOA_TTL_S}"
    write(estate, zone, "UPSERT", [_plain(f"{name}.", "SOA", SOA_TTL_S, soa)])
    return zone


def _customer_zones(estate: Estate) -> None:
    """Make the zones of customers' own domains: each host is a CNAME to the origin name, and so moves with it."""
    traffic = estate.environment.traffic
    by_domain: dict[str, list[str]] = {}
    for host in (host for hosts in traffic.customer_hosts.values() for host in hosts):
        by_domain.setdefault(host.partition(".")[2], []).append(host)
    for domain, hosts in by_domain.items():
        records = [_plain(f"{host}.", "CNAME", RECORD_TTL_S, f"{traffic.origin_record}.") for host in hosts]
        write(estate, _public_zone(estate, domain), "CREATE", records)


def _plain(name: str, kind: str, ttl_s: int, *values: str) -> Record:
    return {"Name": name, "Type": kind, "TTL": ttl_s, "ResourceRecords": [{"Value": value} for value in values]}


def _alias(name: str, zone: str, target: str, health: bool) -> Record:
    alias = {"HostedZoneId": zone, "DNSName": f"{target}.", "EvaluateTargetHealth": health}
    return {"Name": f"{name}.", "Type": "A", "AliasTarget": alias}


def _origin_record(estate: Estate, site: Site) -> Record:
    traffic = estate.environment.traffic
    identifier = traffic.primary_set_identifier if site.is_primary else traffic.secondary_set_identifier
    routing: Record = {"Failover": "PRIMARY" if site.is_primary else "SECONDARY"}
    if traffic.policy == "weighted":
        # 0 is served all the same where every other record is unhealthy (T05).
        routing = {"Weight": 100 if site.is_primary else 0}
    # EvaluateTargetHealth is off: on a shared load balancer one tenant's empty group would move everybody (T55).
    record = _alias(traffic.origin_record, site.load_balancer_zone, site.load_balancer_dns, health=False)
    return record | {"SetIdentifier": identifier, "HealthCheckId": _judging(estate, site)} | routing


def _judging(estate: Estate, site: Site) -> str:
    """The check on the site's record; over a calculated one the DR region can hold the primary's down (T01, T06)."""
    pin_port, own = estate.environment.traffic.pin_port, _endpoint(site, 80)
    checks = [_health_check(estate, f"origin-{site.side}", own)]
    if not pin_port:
        return checks[0]
    if site.is_primary:
        # Inverted: the switch that answers 404 is unhealthy, and so counts as healthy (T06).
        checks.append(_health_check(estate, "pin", _endpoint(estate.dr, pin_port) | {"Inverted": True}))
    # As many as there are children: each must be healthy. 0 would be
    # healthy always (Route 53 guide, calculated checks).
    every = {"Type": "CALCULATED", "ChildHealthChecks": checks, "HealthThreshold": len(checks), "Inverted": False}
    return _health_check(estate, f"traffic-{site.side}", every)


def _endpoint(site: Site, port: int) -> Record:
    return {
        "Type": "HTTP",
        "FullyQualifiedDomainName": site.load_balancer_dns,
        "Port": port,
        "ResourcePath": "/",
        # Fast checks of three failures: about half a minute until a record is given up.
        "RequestInterval": 10,
        "FailureThreshold": 3,
        "MeasureLatency": False,
        "Inverted": False,
        "Disabled": False,
    }


def _health_check(estate: Estate, label: str, config: Record) -> str:
    route53, name = estate.world_wide("route53"), f"{estate.environment.name}-{label}"
    response = route53.create_health_check(CallerReference=name, HealthCheckConfig=config)
    check = str(response["HealthCheck"]["Id"])
    route53.change_tags_for_resource(
        ResourceType="healthcheck", ResourceId=check, AddTags=as_list(tag_map(estate.environment, name))
    )
    return check


def _delegation(name: str, number: int) -> Record:
    """Return the NS record of a zone in another account, on four name servers as Route 53 spreads them."""
    tops = ("com", "net", "org", "co.uk")
    servers = [f"ns-{512 * place + 40 + number}.awsdns-{10 + number}.{top}." for place, top in enumerate(tops)]
    # Two days, the TTL that Route 53 gives NS records itself.
    return _plain(f"{name}.", "NS", 172800, *servers)


def _private_zone(estate: Estate, site: Site) -> None:
    """Make the zone that only this region's VPC sees: ``db`` is the database of this region (T18)."""
    env, name = estate.environment, internal_zone(estate.environment)
    response = estate.world_wide("route53").create_hosted_zone(
        Name=name,
        CallerReference=f"{env.name}-internal-{site.side}",
        HostedZoneConfig={"Comment": f"{env.name} internal names, {site.side}", "PrivateZone": True},
        VPC={"VPCRegion": site.region, "VPCId": site.vpc},
    )
    zone = str(response["HostedZone"]["Id"]).removeprefix("/hostedzone/")
    write(estate, zone, "CREATE", [_plain(f"db.{name}.", "CNAME", RECORD_TTL_S, site.database_host)])
