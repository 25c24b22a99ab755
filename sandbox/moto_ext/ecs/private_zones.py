"""Whether a VPC finds a name of AWS: a private zone answers alone for all names below its own, a rule's servers too,
and a firewall may block it.

Sources: Route 53 Developer Guide, "Considerations when working with a private hosted zone", "Using rules to specify
which domains your resolver endpoints forward".
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from moto.ec2.models import EC2Backend
from moto.route53.models import route53_backends
from moto.route53resolver.models import route53resolver_backends

from sandbox.moto_ext.route53resolver_firewall import blocks

_LEADING = ("A", "AAAA", "CNAME")


def finds(ec2: EC2Backend, vpc: str, service: str) -> bool:
    """Whether the name of ``service`` in the region (``ecr.api``, ``fs-1.efs``) is found in the VPC."""
    names = {
        "ecr.api": "api.ecr",
        "ecr.dkr": f"{ec2.account_id}.dkr.ecr",
        # The bucket from which ECR serves the layers of images (ECR guide, VPC endpoints).
        "s3": f"prod-{ec2.region_name}-starport-layer-bucket.s3",
    }
    return finds_host(ec2, vpc, f"{names.get(service, service)}.{ec2.region_name}.amazonaws.com")


def finds_host(ec2: EC2Backend, vpc: str, host: str) -> bool:
    """Whether the name is found in the VPC, as far as a firewall, private zones and rules decide.

    Of zones and rules the most specific one does.
    """
    # The firewall decides before zones and rules do.
    if blocks(ec2.account_id, ec2.region_name, vpc, host):
        return False
    zones = [
        zone
        for zone in route53_backends[ec2.account_id]["aws"].zones.values()
        if any(found.get("vpc_id") == vpc for found in zone.vpcs) and f".{host}.".endswith(f".{zone.name}")
    ]
    zone_name = max((zone.name for zone in zones), key=len, default="")
    backend = route53resolver_backends[ec2.account_id][ec2.region_name]
    ids = [found.resolver_rule_id for found in backend.resolver_rule_associations.values() if found.vpc_id == vpc]
    rules = [backend.resolver_rules[id_] for id_ in ids]
    about = [rule for rule in rules if f".{host}".endswith(f".{_domain(rule)}") or not _domain(rule)]
    rule = max(about, key=lambda rule: len(_domain(rule)), default=None)
    # Of equal length the rule goes before the zone (Route 53 guide, private hosted zones).
    if rule is not None and len(_domain(rule)) >= len(zone_name.rstrip(".")) and not _by_endpoint(ec2, vpc, host):
        return rule.rule_type != "FORWARD" or _answers(ec2, vpc, rule, host)
    # No private zone above it: the name goes to the public DNS, which knows AWS's names.
    if not zones:
        return True
    nearest = max(zones, key=lambda zone: len(zone.name))
    names = {record.name.rstrip(".") for record in nearest.rrsets if record.type in _LEADING}
    above = host.split(".")
    # A private zone that covers the name answers NXDOMAIN for what it does not hold: nothing public is asked.
    return bool(names & {host, *(f"*.{'.'.join(above[number:])}" for number in range(1, len(above)))})


def _domain(rule: Any) -> str:
    return str(rule.domain_name).strip(".")


def _by_endpoint(ec2: EC2Backend, vpc: str, host: str) -> bool:
    """Whether an interface endpoint of the VPC gives the name."""
    prefix, ending = f"com.amazonaws.{ec2.region_name}.", f".{ec2.region_name}.amazonaws.com"
    doors = [
        door
        for door in ec2.vpc_end_points.values()
        if door.vpc_id == vpc and door.vpc_endpoint_type == "Interface"
        if str(door.private_dns_enabled).lower() == "true"
    ]
    names = [".".join(reversed(door.service_name.removeprefix(prefix).split("."))) + ending for door in doors]
    return any(f".{host}".endswith(f".{name}") for name in names)


def _answers(ec2: EC2Backend, vpc: str, rule: Any, host: str) -> bool:
    """Whether a target of the rule knows the host: an interface of the VPC, or the internet what it knows."""
    targets = [str(target.get("Ip")) for target in rule.target_ips or ()]
    faces = {face.private_ip_address for face in ec2.enis.values() if face.subnet.vpc_id == vpc}
    known_outside = host.endswith(".amazonaws.com") and ".efs." not in host
    return bool(faces & set(targets)) or (known_outside and any(ip_address(target).is_global for target in targets))
