"""Traffic records that are missing, stray, converted, slow or led to the wrong door (T05, T08, T11, T12).

Tenants' names that lead nowhere, stay behind, or are known in one region only.
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster, services
from sandbox.disasters.dns_zone import Record, records_of, swap
from sandbox.disasters.elbv2 import balancer_of
from sandbox.world.world import World

_HOUR_S = 3600


def pair(world: World) -> tuple[Record, Record]:
    """The primary's and the secondary's record of the traffic name."""
    traffic = world.environment.traffic
    found = {record["SetIdentifier"]: record for record in records_of(world, traffic.origin_record, "A")}
    return found[traffic.primary_set_identifier], found[traffic.secondary_set_identifier]


def tenant_record(world: World) -> Record:
    """The last tenant's alias record."""
    # A host label is the tenant's name without hyphens.
    label = world.tenants[-1].replace("-", "")
    return records_of(world, f"{label}.{world.environment.traffic.tenant_domain}", "A")[0]


def with_weight(record: Record, weight: int) -> Record:
    """The record with this weight, in the place of a failover role where it has one."""
    # Route 53 refuses a record with two routing policies.
    return _without_routing(record) | {"Weight": weight}


def with_role(record: Record, role: str) -> Record:
    """The record with this failover role, in the place of a weight where it has one."""
    return _without_routing(record) | {"Failover": role}


def _without_routing(record: Record) -> Record:
    return {key: value for key, value in record.items() if key not in ("Failover", "Weight")}


def without_evaluation(record: Record) -> Record:
    """The record without evaluation of its target's health."""
    return record | {"AliasTarget": record["AliasTarget"] | {"EvaluateTargetHealth": False}}


def with_evaluation(record: Record) -> Record:
    """The record that inherits the health of its target."""
    return record | {"AliasTarget": record["AliasTarget"] | {"EvaluateTargetHealth": True}}


def without_check(record: Record) -> Record:
    """The record without its health check."""
    return {key: value for key, value in record.items() if key != "HealthCheckId"}


disaster(
    "dr-record-missing",
    "The traffic record of the DR region was deleted",
    trips=("dns.pair-present",),
    consequences=("dns-choice.primary-down", "dns-choice.pin-holds"),
    run=lambda world: swap(world, [pair(world)[1]], []),
)


@disaster(
    "traffic-records-converted",
    "The traffic records were turned into ones of another policy: a run would have to convert them back",
    trips=("dns.final-policy",),
    consequences=("dns.can-be-staged",),
)
def converted(world: World) -> None:
    """Convert weights into failover roles, and failover roles into weights 100 and 0."""
    primary, secondary = pair(world)
    # Both in one change: records of one name and type must share a policy.
    other = (with_weight(primary, 100), with_weight(secondary, 0))
    if "Weight" in primary:
        other = (with_role(primary, "PRIMARY"), with_role(secondary, "SECONDARY"))
    swap(world, [primary, secondary], list(other))


@disaster(
    "failback-cannot-be-staged",
    "The traffic records have failover roles: a failback can only shift all visitors at once",
    trips=("dns.can-be-staged",),
    consequences=("dns.final-policy",),
)
def cannot_be_staged(world: World) -> None:
    """Give both records failover roles. Raises SandboxError where they have them anyway."""
    primary, secondary = pair(world)
    if "Failover" in primary:
        raise SandboxError("The traffic records of this environment have failover roles already.")
    swap(world, [primary, secondary], [with_role(primary, "PRIMARY"), with_role(secondary, "SECONDARY")])


@disaster(
    "traffic-drips-away",
    "A staged failback was left half done: one visitor in ten is sent to the standby",
    trips=("dns-choice.all-well",),
    consequences=("dns.final-policy",),
    posture="RETURNING",
)
def drips_away(world: World) -> None:
    """Give the records weights of 90 and 10."""
    primary, secondary = pair(world)
    swap(world, [primary, secondary], [with_weight(primary, 90), with_weight(secondary, 10)])


@disaster(
    "traffic-stray-record",
    "A forgotten test record with weight 0 shares the traffic name",
    trips=("dns.pair-present", "dns-choice.both-down"),
    consequences=("dns.final-policy", "dns-choice.primary-down", "dns-choice.pin-holds", "health-checks.attached"),
)
def stray_record(world: World) -> None:
    """Give the records weights of 100 and 0, and add a third that nothing checks."""
    primary, secondary = pair(world)
    stray = {
        "Name": primary["Name"],
        "Type": "A",
        "TTL": 60,
        "SetIdentifier": "old-load-test",
        "Weight": 0,
        # An address for documentation (RFC 5737).
        "ResourceRecords": [{"Value": "192.0.2.10"}],
    }
    swap(world, [primary, secondary], [with_weight(primary, 100), with_weight(secondary, 0), stray])


@disaster(
    "dr-record-old-balancer",
    "The load balancer of the DR region was rebuilt, and its traffic record still names the old one",
    trips=("dns.own-load-balancer",),
)
def old_balancer(world: World) -> None:
    """Point the secondary record at a load balancer that is no more."""
    secondary = pair(world)[1]
    name = balancer_of(world, Side.DR)["DNSName"]
    gone = f"rebuilt-{name}"
    target = secondary["AliasTarget"] | {"DNSName": f"{gone}."}
    swap(world, [secondary], [secondary | {"AliasTarget": target}])


@disaster("tenant-long-ttl", "One tenant's name is a CNAME that resolvers keep for an hour", trips=("dns.short-ttl",))
def long_ttl(world: World) -> None:
    """Replace the last tenant's alias by a CNAME with a TTL of an hour."""
    before = tenant_record(world)
    value = [{"Value": before["AliasTarget"]["DNSName"]}]
    # An alias has its target's TTL: only a CNAME keeps one of its own.
    after = {"Name": before["Name"], "Type": "CNAME", "TTL": _HOUR_S, "ResourceRecords": value}
    swap(world, [before], [after])


@disaster(
    "edge-health-hoped-for",
    "One tenant's name is routed between distributions without a health check",
    trips=("dns.cloudfront-alias",),
)
def hoped_for(world: World) -> None:
    """Give the last tenant's alias a weight and no health check."""
    before = tenant_record(world)
    swap(world, [before], [before | {"SetIdentifier": "edge-1", "Weight": 1}])


@disaster(
    "tenant-bypasses-the-edge",
    "One tenant's name points straight at the primary's load balancer: no HTTPS, no failover",
    trips=("tenants.hosts-lead-to-distribution",),
)
def bypasses(world: World) -> None:
    """Point the last tenant's alias at the primary's load balancer."""
    before, balancer = tenant_record(world), balancer_of(world, Side.PRIMARY)
    target = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "DNSName": f"{balancer['DNSName']}.",
        "EvaluateTargetHealth": False,
    }
    swap(world, [before], [before | {"AliasTarget": target}])


@disaster(
    "tenant-name-leads-nowhere",
    "One tenant's name points at a distribution that is no more",
    trips=("answers.hosts-answer", "tenants.hosts-lead-to-distribution"),
)
def leads_nowhere(world: World) -> None:
    """Point the last tenant's alias at another distribution."""
    before = tenant_record(world)
    # Of the shape of a distribution's name; none has it here.
    target = before["AliasTarget"] | {"DNSName": "d0gone0gone0g.cloudfront.net."}
    swap(world, [before], [before | {"AliasTarget": target}])


@disaster(
    "customer-stays-behind",
    "A customer's own host name points at the primary's load balancer",
    trips=("tenants.customer-hosts-follow",),
)
def stays_behind(world: World) -> None:
    """Point the first customer's host at the primary's load balancer. Raises SandboxError where there is none."""
    host = _customer_host(world)
    zones = world.call(Side.GLOBAL, "route53", "list_hosted_zones")["HostedZones"]
    zone = next((z["Id"] for z in zones if f"{host}.".endswith(f".{z['Name']}")), None)
    if zone is None:
        raise SandboxError(f"The zone of {host} is not in this world.")
    resource_record_sets = world.call(Side.GLOBAL, "route53", "list_resource_record_sets", HostedZoneId=zone)[
        "ResourceRecordSets"
    ]
    before = next(dict(record) for record in resource_record_sets if record["Name"] == f"{host}.")
    value = [{"Value": f"{balancer_of(world, Side.PRIMARY)['DNSName']}."}]
    # A CNAME, as a customer writes it who knows the load balancer's name.
    after = {"Name": before["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": value}
    swap(world, [before], [after], zone)


def _customer_host(world: World) -> str:
    hosts = [host for listed in world.environment.traffic.customer_hosts.values() for host in listed]
    if not hosts:
        raise SandboxError("No customer of this environment has a host name of its own: try -e prod.")
    return min(hosts)


@disaster(
    "customer-without-tenant",
    "A tenant with a host name of its own was removed, and the environment file still speaks of it",
    trips=("tenants.customers-known",),
)
def without_tenant(world: World) -> None:
    """Delete the service of the first customer's tenant in both regions."""
    host = _customer_host(world)
    label = next(name for name, hosts in world.environment.traffic.customer_hosts.items() if host in hosts)
    tenant = next((name for name in world.tenants if name.replace("-", "") == label), None)
    if tenant is None:
        raise SandboxError(
            f"This world has no tenant {label}: start one with more (`dr_cli.py sandbox up --fresh --tenants 12`)."
        )
    for side in (Side.PRIMARY, Side.DR):
        services.delete(world, side, tenant)


def _copy_of_service(world: World, side: Side, name: str) -> None:
    """Create a service called ``name`` after the last tenant's."""
    names, env = world.environment.names, world.environment
    cluster = env.named(names.cluster)
    model = env.named(names.service, tenant=world.tenants[-1])
    response: dict[str, Any] = world.call(side, "ecs", "describe_services", cluster=cluster, services=[model])
    # No discovery registry, no tags: what ECS needs to start it.
    copied_keys = ("taskDefinition", "launchType", "networkConfiguration", "loadBalancers")
    like = {key: response["services"][0][key] for key in copied_keys if response["services"][0].get(key)}
    world.undo(side, "ecs", "delete_service", cluster=cluster, service=name, force=True)
    world.call(side, "ecs", "create_service", cluster=cluster, serviceName=name, desiredCount=1, **like)


@disaster(
    "tenant-left-over", "The DR region still runs a tenant that the primary let go", trips=("tenants.none-left-over",)
)
def left_over(world: World) -> None:
    """Create a service in the DR region alone."""
    _copy_of_service(world, Side.DR, world.environment.named(world.environment.names.service, tenant="departed"))


@disaster(
    "tenant-twice",
    "A tenant was made a second time in the new spelling of its name: both are one site",
    trips=("tenants.unique-hosts",),
    consequences=(  # the second spelling has nothing of its own but services
        "definitions.own-tenant",
        "ecs.desired-and-running",
        "ecs.target-group-attached",
        "efs-access.point-exists",
        "efs-access.volumes-local",
        "elbv2-routing.host-rules",
        "elbv2-routing.target-groups",
        "rpo.met",
        "secrets.secret-exists",
        "sites.every-site-answers",
        "variables.schema",
    ),
)
def twice(world: World) -> None:
    """Create, in both regions, a service of the older tenant spelt without its hyphen."""
    # Hosts drop hyphens: both spellings have one host.
    older = next((tenant for tenant in world.tenants if "-" in tenant), None)
    if older is None:
        raise SandboxError("No tenant of this world has a hyphen in its name.")
    name = world.environment.named(world.environment.names.service, tenant=older.replace("-", ""))
    for side in (Side.PRIMARY, Side.DR):
        _copy_of_service(world, side, name)
