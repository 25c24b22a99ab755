"""ACM: the certificates that can serve the estate's host names, in both regions and in us-east-1 for CloudFront."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import elbv2
from dr_estate.readers.route53 import plain
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import ReadContext, part

CERTIFICATE_READS = frozenset({"acm:ListCertificates", "acm:DescribeCertificate"}) | elbv2.RULE_READS

# without this filter ListCertificates shows RSA_1024 and RSA_2048 only (its API page)
ALL_KEYS = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate. ``names`` are all it covers; ``in_use_by`` ARNs; renewal fields are "" where AWS says none."""

    arn: Annotated[str, At("CertificateArn", demanded=True)]
    domain: str
    names: tuple[str, ...]
    status: Annotated[str, At("Status")]
    type: Annotated[str, At("Type")]
    not_after: Annotated[datetime | None, At("NotAfter")]
    in_use_by: Annotated[tuple[str, ...], At("InUseBy", ordered=True)]
    renewal_eligibility: Annotated[str, At("RenewalEligibility")]
    renewal_status: Annotated[str, At("RenewalSummary.RenewalStatus")]
    pending_names: tuple[str, ...]


@part(Side.PRIMARY, Side.DR, Side.GLOBAL, reads=CERTIFICATE_READS)
def certificates(context: ReadContext) -> tuple[Certificate | Unavailable, ...]:
    """Return the certificates of this region that name a host of the estate, including expired and failed ones.

    ListCertificates pages all; DescribeCertificate is called for those alone, as no batch read reports their renewal.
    """
    rows = context.pages("acm", "list_certificates", "CertificateSummaryList", Includes={"keyTypes": ALL_KEYS})
    ruled = _hosts_of_rules(context)
    wanted = sorted(
        row["CertificateArn"] for row in rows if row.get("CertificateArn") and _concerns(context, row, ruled)
    )

    def describe(arn: str) -> Certificate:
        row = context.call("acm", "describe_certificate", CertificateArn=arn)["Certificate"]
        renewal = row.get("RenewalSummary", {})
        options = renewal.get("DomainValidationOptions", row.get("DomainValidationOptions", []))
        return read(
            Certificate,
            row,
            domain=plain(row["DomainName"]),
            names=tuple(sorted({plain(name) for name in (row["DomainName"], *row.get("SubjectAlternativeNames", []))})),
            pending_names=tuple(
                plain(o["DomainName"]) for o in options if o.get("ValidationStatus") not in {None, "SUCCESS"}
            ),
        )

    return tuple(context.maybe(describe, wanted))


def _hosts_of_rules(context: ReadContext) -> frozenset[str]:
    """The hosts that rules of the region's own listeners name; none where they are not read."""
    if context.side is Side.GLOBAL:
        return frozenset()
    with suppress(DataUnavailable):
        hosts = [host for rules in context.of_entrances(elbv2.rules) for rule in rules for host in rule.hosts]
        return frozenset(host for host in hosts if "*" not in host)
    return frozenset()


def _concerns(context: ReadContext, row: dict[str, Any], ruled: Iterable[str]) -> bool:
    """Whether the summary names a host of the estate, or cannot say because it lists only some of its names."""
    traffic = context.env.traffic
    customers = [*(host for hosts in traffic.customer_hosts.values() for host in hosts), *ruled]
    names = {plain(name) for name in (row.get("DomainName", ""), *row.get("SubjectAlternativeNameSummaries", []))}
    ours = [traffic.tenant_domain, traffic.zone]
    return (
        bool(row.get("HasAdditionalSubjectAlternativeNames"))
        or any(name == own or name.endswith(f".{own}") for name in names for own in ours)
        or any(covers(names, host) for host in customers)
    )


def covers(names: Iterable[str], host: str) -> bool:
    """Whether one of a certificate's ``names`` matches ``host``; a ``*`` stands for exactly one label (RFC 6125)."""
    wildcard = f"*.{host.partition('.')[2]}"
    return any(name in {host, wildcard} for name in names)
