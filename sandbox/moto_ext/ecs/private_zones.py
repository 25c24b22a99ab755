"""Whether a VPC finds a name of AWS: a private zone answers alone for all names below its own.

Source: Route 53 Developer Guide, "Considerations when working with a private hosted zone".
"""

from __future__ import annotations

from moto.ec2.models import EC2Backend
from moto.route53.models import route53_backends

_LEADING = ("A", "AAAA", "CNAME")


def finds(ec2: EC2Backend, vpc: str, service: str) -> bool:
    """Whether the name of ``service`` in the region (``ecr.api``, ``fs-1.efs``) is found in the VPC."""
    return finds_host(ec2, vpc, f"{_label(ec2, service)}.{ec2.region_name}.amazonaws.com")


def finds_host(ec2: EC2Backend, vpc: str, host: str) -> bool:
    """Whether the name is found in the VPC, as far as private zones decide."""
    zones = [
        zone
        for zone in route53_backends[ec2.account_id]["aws"].zones.values()
        if any(found.get("vpc_id") == vpc for found in zone.vpcs) and f".{host}.".endswith(f".{zone.name}")
    ]
    if not zones:
        return True
    nearest = max(zones, key=lambda zone: len(zone.name))
    names = {record.name.rstrip(".") for record in nearest.rrsets if record.type in _LEADING}
    above = host.split(".")
    return bool(names & {host, *(f"*.{'.'.join(above[number:])}" for number in range(1, len(above)))})


def _label(ec2: EC2Backend, service: str) -> str:
    names = {
        "ecr.api": "api.ecr",
        "ecr.dkr": f"{ec2.account_id}.dkr.ecr",
        "s3": f"prod-{ec2.region_name}-starport-layer-bucket.s3",
    }
    return names.get(service, service)
