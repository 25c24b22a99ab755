"""Service quotas of the DR region and their current use (T33)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers.acm import ALL_KEYS
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, read_metrics
from dr_estate.reading.reader import ReadContext, part

QUOTA_READS = frozenset({"service-quotas:GetServiceQuota", "service-quotas:GetAWSDefaultServiceQuota"})

FARGATE_VCPU = "L-3032A538"
NETWORK_INTERFACES = "L-DF5E4CA3"
RULES, TARGETS = "L-7EED9B64", "L-7E6692B2"
TARGET_GROUPS, TARGET_GROUPS_A_BALANCER = "L-B22855CB", "L-822D1B1B"
SERVICES = "L-9EF96962"
CERTIFICATES = "L-F141DD1D"
WANTED = (
    ("acm", CERTIFICATES),
    ("ecs", SERVICES),
    ("elasticloadbalancing", RULES),
    ("elasticloadbalancing", TARGETS),
    ("elasticloadbalancing", TARGET_GROUPS),
    ("elasticloadbalancing", TARGET_GROUPS_A_BALANCER),
    ("fargate", FARGATE_VCPU),
    ("vpc", NETWORK_INTERFACES),
)

_USAGE_WINDOW_MINUTES, _USAGE_PERIOD_S = 60, 300


@dataclass(frozen=True, slots=True)
class ServiceQuota:
    """One quota as it applies here. ``used`` is its own usage metric's newest value, None without one."""

    service: str
    code: str
    name: str
    limit: float | Unavailable
    used: float | None


@dataclass(frozen=True, slots=True)
class DatabaseQuota:
    """A quota of RDS (DBInstances; AllocatedStorage in GiB) with its use, as RDS itself counts."""

    name: str
    used: int
    limit: int


@part(Side.DR, reads=QUOTA_READS | METRIC_READS)
def quotas(context: ReadContext) -> tuple[ServiceQuota, ...]:
    """Each quota a failover draws on: applied value, else AWS's default; with its AWS/Usage metric where it has one."""
    read = context.maybe(lambda wanted: _quota(context, *wanted), WANTED)
    metrics = [None if isinstance(found, Unavailable) else found[1] for found in read]
    used: dict[str, float | None] = {}
    try:
        for reading in read_metrics(context, [metric for metric in metrics if metric]):
            used[str(reading.dimensions)] = reading.value
    except DataUnavailable:
        used = {}  # without the metric the checks count for themselves
    return tuple(
        ServiceQuota(service, code, code, found, None)
        if isinstance(found, Unavailable)
        else replace(found[0], used=used.get(str(metric.dimensions)) if metric else None)
        for (service, code), found, metric in zip(WANTED, read, metrics, strict=True)
    )


@part(Side.DR, reads=frozenset({"ec2:DescribeNetworkInterfaces"}))
def network_interfaces(context: ReadContext) -> int:
    """How many network interfaces stand in the region, a thousand a page."""
    page = {"PageSize": 1000}
    return len(context.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", PaginationConfig=page))


@part(Side.DR, reads=frozenset({"rds:DescribeAccountAttributes"}))
def database_quotas(context: ReadContext) -> tuple[DatabaseQuota, ...]:
    """RDS's own quotas of the account in this region."""
    rows = context.pages("rds", "describe_account_attributes", "AccountQuotas")
    return context.rows(
        rows, lambda row: DatabaseQuota(row["AccountQuotaName"], row["Used"], row["Max"]), "AccountQuotaName"
    )


@part(Side.PRIMARY, Side.DR, reads=frozenset({"acm:ListCertificates"}))
def certificates(context: ReadContext) -> int:
    """How many certificates the region holds, of every kind of key: all count against the quota."""
    wanted = {"keyTypes": ALL_KEYS}
    return len(context.pages("acm", "list_certificates", "CertificateSummaryList", Includes=wanted))


def _quota(context: ReadContext, service: str, code: str) -> tuple[ServiceQuota, MetricQuery | None]:
    request = {"ServiceCode": service, "QuotaCode": code}
    found = context.find("service-quotas", "get_service_quota", ("NoSuchResourceException",), **request)
    if found is None:  # never applied here: the default holds
        found = context.call("service-quotas", "get_aws_default_service_quota", **request)
    row: dict[str, Any] = {"QuotaName": code, **found["Quota"]}
    metric = row.get("UsageMetric", {})
    usage = _usage(metric) if metric.get("MetricName") else None
    return ServiceQuota(service, code, row["QuotaName"], row["Value"], None), usage


def _usage(metric: dict[str, Any]) -> MetricQuery:
    return MetricQuery(
        metric.get("MetricNamespace", ""),
        metric["MetricName"],
        tuple(sorted(metric.get("MetricDimensions", {}).items())),
        metric.get("MetricStatisticRecommendation", "Maximum"),
        _USAGE_WINDOW_MINUTES,
        _USAGE_PERIOD_S,
    )
