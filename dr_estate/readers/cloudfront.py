"""CloudFront: the distribution that serves the tenants, found by its alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.readers.route53 import plain
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import ReadContext

_KINDS = {"VpcOriginConfig": "vpc", "CustomOriginConfig": "custom", "S3OriginConfig": "s3"}
DISTRIBUTION_READS = frozenset({"cloudfront:ListDistributions"})


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin. ``connect_s`` is the time for one connection attempt, of ``attempts``.

    ``kind`` is custom, s3, vpc or unknown; "" in earlier evidence, which tells a custom one by its policy alone.
    """

    id: str
    domain: str
    protocol_policy: str
    attempts: int
    connect_s: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class OriginGroup:
    """Origins tried in order, and the statuses of the first that make CloudFront try the next."""

    id: str
    members: tuple[str, ...]
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution. ``target`` is the origin or origin group of the default behaviour; certificates are ARNs."""

    id: str
    domain: str
    status: str
    enabled: bool
    aliases: tuple[str, ...]
    origins: tuple[Origin, ...]
    groups: tuple[OriginGroup, ...]
    target: str
    other_targets: tuple[str, ...]
    viewer_protocol: str
    certificate: str
    minimum_tls: str
    staging: bool


@part(*GLOBAL, reads=DISTRIBUTION_READS)
def distributions(context: ReadContext) -> tuple[Distribution, ...]:
    """Every distribution of the account, a hundred a page; the summary holds all that is needed here."""
    rows = context.pages("cloudfront", "list_distributions", "DistributionList.Items")
    return context.rows(rows, _distribution, "Id")


def _items(row: dict[str, Any], key: str) -> list[Any]:
    found: list[Any] = (row.get(key) or {}).get("Items") or []
    return found


def _distribution(row: dict[str, Any]) -> Distribution:
    default, viewer = row.get("DefaultCacheBehavior", {}), row.get("ViewerCertificate", {})
    return Distribution(
        id=row["Id"],
        domain=plain(row["DomainName"]),
        status=row.get("Status", ""),
        enabled=bool(row.get("Enabled")),
        aliases=tuple(plain(alias) for alias in _items(row, "Aliases")),
        origins=tuple(_origin(origin) for origin in _items(row, "Origins")),
        groups=tuple(_group(group) for group in _items(row, "OriginGroups")),
        target=default.get("TargetOriginId", ""),
        other_targets=tuple(behaviour["TargetOriginId"] for behaviour in _items(row, "CacheBehaviors")),
        viewer_protocol=default.get("ViewerProtocolPolicy", ""),
        certificate=viewer.get("ACMCertificateArn") or viewer.get("IAMCertificateId") or "",
        minimum_tls=viewer.get("MinimumProtocolVersion", ""),
        staging=bool(row.get("Staging")),
    )


def _origin(row: dict[str, Any]) -> Origin:
    return Origin(
        id=row["Id"],
        domain=plain(row["DomainName"]),
        protocol_policy=row.get("CustomOriginConfig", {}).get("OriginProtocolPolicy", ""),
        attempts=row.get("ConnectionAttempts", 3),
        connect_s=row.get("ConnectionTimeout", 10),
        kind=next((kind for key, kind in _KINDS.items() if key in row), "unknown"),
    )


def _group(row: dict[str, Any]) -> OriginGroup:
    statuses = row.get("FailoverCriteria", {}).get("StatusCodes", {})
    return OriginGroup(
        id=row["Id"],
        members=tuple(member["OriginId"] for member in _items(row, "Members")),
        statuses=tuple(_items({"StatusCodes": statuses}, "StatusCodes")),
    )
