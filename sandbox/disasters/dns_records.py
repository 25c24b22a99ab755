"""Traffic records that are missing, stray, converted, slow or led to the wrong door (T05, T08, T11, T12)."""

from __future__ import annotations

from dr_estate.config.environment import Side
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
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


@disaster(
    "dr-record-missing",
    "The traffic record of the DR region was deleted",
    trips=("dns.pair-present",),
    consequences=("dns-choice.primary-down", "dns-choice.pin-holds"),
)
def record_missing(world: World) -> None:
    """Delete the secondary record."""
    swap(world, [pair(world)[1]], [])


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
