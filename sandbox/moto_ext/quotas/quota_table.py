"""AWS's default quotas for the services of the estate: codes and values of the AWS General Reference, 2026.

VPC's come from the emulator. The number of cross-Region automated backups is an attribute of RDS
(DescribeAccountAttributes), read there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.servicequotas.models import servicequotas_backends
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from sandbox.core.patching import refused, state


@dataclass(frozen=True)
class QuotaDefinition:
    """One quota of a service. ``usage`` is the AWS/Usage dimensions (Type, Resource, Class), where AWS has them."""

    service: str
    code: str
    name: str
    value: float
    usage: tuple[str, str, str] | None = None
    adjustable: bool = True

    @property
    def usage_dimensions(self) -> dict[str, str]:
        """The dimensions of its metric in AWS/Usage; empty where it has none."""
        if self.usage is None:
            return {}
        kind, resource, category = self.usage
        # CloudWatch's names of services in AWS/Usage are not those of Service Quotas.
        service = {"fargate": "Fargate", "elasticloadbalancing": "ELB", "rds": "RDS", "vpc": "EC2"}[self.service]
        return {"Class": category, "Resource": resource, "Service": service, "Type": kind}


SERVICES = {
    "acm": "AWS Certificate Manager (ACM)",
    "dynamodb": "Amazon DynamoDB",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "ecs": "Amazon Elastic Container Service (Amazon ECS)",
    "elasticfilesystem": "Amazon Elastic File System (EFS)",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
    "fargate": "AWS Fargate",
    "rds": "Amazon Relational Database Service (Amazon RDS)",
    "s3": "Amazon Simple Storage Service (Amazon S3)",
    "secretsmanager": "AWS Secrets Manager",
    "sns": "Amazon Simple Notification Service (Amazon SNS)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}

_VCPU = ("Resource", "vCPU", "Standard/OnDemand")
_OWN = (
    # Six for a new account: fewer than a dozen tenants need, which is why the demand is checked (T33).
    QuotaDefinition("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count", 6, _VCPU),
    QuotaDefinition(
        "fargate", "L-36FBB829", "Fargate Spot vCPU resource count", 6, ("Resource", "vCPU", "Standard/Spot")
    ),
    QuotaDefinition("ecs", "L-21C621EB", "Clusters per account", 10_000),
    QuotaDefinition("ecs", "L-9EF96962", "Services per cluster", 5_000),
    QuotaDefinition("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5),
    QuotaDefinition(
        "elasticloadbalancing",
        "L-53DA6B97",
        "Application Load Balancers per Region",
        50,
        ("Resource", "ApplicationLoadBalancersPerRegion", "None"),
    ),
    QuotaDefinition(
        "elasticloadbalancing",
        "L-B22855CB",
        "Target Groups per Region",
        3_000,
        ("Resource", "TargetGroupsPerRegion", "None"),
    ),
    QuotaDefinition("elasticloadbalancing", "L-7EED9B64", "Rules per Application Load Balancer", 100),
    QuotaDefinition("elasticloadbalancing", "L-7E6692B2", "Targets per Application Load Balancer", 1_000),
    QuotaDefinition("elasticloadbalancing", "L-822D1B1B", "Target Groups per Application Load Balancer", 100),
    QuotaDefinition("elasticloadbalancing", "L-A0D0B863", "Targets per Target Group per Region", 1_000),
    QuotaDefinition("elasticloadbalancing", "L-B6DF7632", "Listeners per Application Load Balancer", 50),
    QuotaDefinition("rds", "L-7B6409FD", "DB instances", 40, ("Resource", "DBInstances", "None")),
    QuotaDefinition("rds", "L-272F1212", "Manual DB instance snapshots", 100),
    QuotaDefinition("acm", "L-F141DD1D", "ACM certificates", 2_500),
    # Ten names: a distribution with customers' own domains needs more.
    QuotaDefinition("acm", "L-FB94F0B0", "Domain names per ACM certificate", 10),
    QuotaDefinition("secretsmanager", "L-2F66C23C", "Secrets per Region", 500_000, adjustable=False),
    QuotaDefinition("elasticfilesystem", "L-848C634D", "File systems per account", 1_000),
    QuotaDefinition("s3", "L-DC2B2D3D", "General purpose buckets", 10_000),
    QuotaDefinition("sns", "L-61103206", "Topics per Account", 100_000),
    QuotaDefinition("dynamodb", "L-F98FE922", "Maximum number of tables", 2_500),
)
# The one table of quotas that moto has.
_VPC: list[dict[str, Any]] = VPC_DEFAULT_QUOTAS
_INTERFACES = ("Resource", "NetworkInterfacesPerRegion", "None")

DEFAULTS: dict[tuple[str, str], QuotaDefinition] = {(quota.service, quota.code): quota for quota in _OWN} | {
    ("vpc", quota["QuotaCode"]): QuotaDefinition(
        "vpc",
        quota["QuotaCode"],
        quota["QuotaName"],
        float(quota["Value"]),
        _INTERFACES if quota["QuotaCode"] == "L-DF5E4CA3" else None,
        bool(quota["Adjustable"]),
    )
    for quota in _VPC
}


def limit(account: str, region: str, service: str, code: str) -> float:
    """The value of a quota that applies in a region. Raises NoSuchResourceException."""
    default = _default(service, code)
    applied = state(servicequotas_backends[account][region], "quotas_applied")
    # What was asked for; else AWS's default: no account of the sandbox has a history.
    return float(applied.get((service, code), default.value))


def _default(service: str, code: str) -> QuotaDefinition:
    if (service, code) not in DEFAULTS:
        raise refused("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return DEFAULTS[service, code]
