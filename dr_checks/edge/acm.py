"""Checks of ACM: a valid certificate for every host name in each region that serves it (T20)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.edge import cloudfront
from dr_checks.edge.elbv2_routing import second_hosts
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import acm, route53
from dr_estate.readers import cloudfront as readers_cloudfront
from dr_estate.readers.acm import Certificate, covers
from dr_estate.readers.cloudfront import nearest_alias
from dr_estate.readers.route53 import Record
from dr_estate.snapshot import tenants

# Which certificate authorities a zone's CAA records admit, and whether Amazon's is one of them. Pure.
#
# Source: RFC 8659, "Certification Authority Authorization Processing"; ACM User Guide, "Configure a CAA record".

# ACM looks for one of these four (ACM User Guide, "Configure a CAA record").
AMAZON = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")
_ISSUE, _ISSUE_WILD = "issue", "issuewild"
_WILD = "*."
_FIELDS = 3


def forbidding(records: Iterable[Record], name: str) -> Record | None:
    """The CAA record set that keeps Amazon from issuing for ``name``, which may begin with ``*.``, or None.

    The set of the name itself counts, else that of the nearest name above it. ``issuewild``, where there is one, goes
    before ``issue`` for a wildcard. A set of neither restricts nobody.
    """
    sets = {record.name: record for record in records if record.type == "CAA"}
    # The nearest set alone counts, and hides those above it (RFC 8659, section 3).
    found = next((sets[above] for above in _upwards(name.removeprefix(_WILD)) if above in sets), None)
    if found is None:
        return None
    admitted = allowed_authorities(found, name.startswith(_WILD))
    return None if admitted is None or set(admitted) & set(AMAZON) else found


def is_delegated(records: Iterable[Record], name: str) -> bool:
    """Whether a name on the way up from ``name`` has name servers of its own, whose zone may say otherwise.

    The zone's own name is no delegation: it alone has a SOA record.
    """
    kinds: dict[str, set[str]] = {}
    for record in records:
        kinds.setdefault(record.name, set()).add(record.type)
    found = (kinds.get(above, set()) for above in _upwards(name.removeprefix(_WILD)))
    return any("NS" in kind and "SOA" not in kind for kind in found)


def allowed_authorities(record: Record, is_wildcard: bool) -> tuple[str, ...] | None:
    """The authorities that may issue, none where the set says nobody; None where it does not restrict them."""
    properties = [
        (fields[1].lower(), fields[2]) for value in record.values if (fields := value.split(None, _FIELDS - 1))[2:]
    ]
    tags = {tag for tag, _ in properties}
    tag = _ISSUE_WILD if is_wildcard and _ISSUE_WILD in tags else _ISSUE
    if tag not in tags:
        return None
    named = (value.strip('"').partition(";")[0].strip().lower() for kind, value in properties if kind == tag)
    return tuple(sorted(filter(None, named)))


def _upwards(name: str) -> Iterator[str]:
    labels = name.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


EVERYWHERE = (Side.PRIMARY, Side.DR, Side.GLOBAL)


def hosts(view: View) -> list[tuple[str, str | None]]:
    """(host, tenant id) of all names this side must hold a certificate for.

    Customers' own hosts bypass the distribution, so the load balancers' regions hold theirs; us-east-1 only where the
    distribution has them as aliases. A second host that the primary region's rules lead to a tenant is wanted in the DR
    region where the primary region has a certificate for it.
    """
    second, issued_there = _second_hosts(view) if view.side is Side.DR else {}, _primary_names(view)
    found: list[tuple[str, str | None]] = []
    distribution = cloudfront.serving(view) if view.side is Side.GLOBAL else None
    edge = distribution.aliases if distribution else ()
    if view.side is Side.GLOBAL and not view.env.traffic.distribution_alias:
        return []  # no distribution asks for one
    for tenant in view.tenants:
        if view.env.is_visited(tenant.id):  # no name of visitors leads to an internal load balancer
            found.append((tenants.host_of(tenant, view.env), tenant.id))
        # A customer's own name is a CNAME to the load balancer: CloudFront sees it only as an alias of the
        # distribution.
        own = view.env.traffic.customer_hosts.get(tenant.dns, ())
        found += [(host, tenant.id) for host in own if view.side is not Side.GLOBAL or covers(edge, host)]
        alike = (host for host in second.get(tenant.id, ()) if any(covers(names, host) for names in issued_there))
        found += [(host, tenant.id) for host in alike]
    return found


def _second_hosts(view: View) -> dict[str, tuple[str, ...]]:
    try:
        return second_hosts(view)
    except DataUnavailable:
        return {}


def _primary_names(view: View) -> list[tuple[str, ...]]:
    """The names of each certificate that serves in the primary region; none where they cannot be read."""
    if view.side is not Side.DR:
        return []
    try:
        rows = view.get(acm.certificates, Side.PRIMARY)
    except DataUnavailable:
        return []
    return [row.names for row in rows if isinstance(row, Certificate) and states.CERTIFICATE[row.status].serves]


def issued_certificates(view: View) -> list[Certificate]:
    """The side's usable certificates. Raises DataUnavailable."""
    return [c for c in view.get(acm.certificates) if isinstance(c, Certificate) and states.CERTIFICATE[c.status].serves]


def host_certificates(view: View) -> list[Certificate]:
    """Certificates that serve or could serve a host of the estate; where some are in use, those alone."""
    wanted = [host for host, _ in hosts(view)]
    fit = [
        c
        for c in view.get(acm.certificates)
        if isinstance(c, Certificate) and any(covers(c.names, host) for host in wanted)
    ]
    # Certificates that nobody uses any more may run out; where none is in use yet, each may be the one to come.
    used = [c for c in fit if c.in_use_by]
    return used or fit


def _unread_findings(view: View, wanted: str) -> Iterator[Finding]:
    dark = [c for c in view.get(acm.certificates) if isinstance(c, Unavailable)]
    for unavailable in dark:
        yield view.unknown("a certificate", wanted, unavailable)


@check("an issued certificate covers every host name wherever it must be served")
@weigh(Severity.BLOCKER, Area.TENANTS, EVERYWHERE)
@cite("T20", "AcmCertIssuedAndCovers", "REL13-BP04", "NIST CP-8")
def issued_and_covers(view: View) -> Iterator[Finding]:
    """In both regions for their load balancers, and in us-east-1 for CloudFront: there the distribution's own.

    Sources: DescribeCertificate, T20; CloudFront API, ViewerCertificate.
    """
    usable = issued_certificates(view)
    unavailable = next((c for c in view.get(acm.certificates) if isinstance(c, Unavailable)), None)
    wanted_here = hosts(view)
    if not wanted_here:
        yield view.none_expected("all hosts", f"nothing asks for a certificate in {view.region}")
    for host, tenant in wanted_here:
        # The certificate by which CloudFront answers for the host; "" where it is not one of ACM's.
        rows = view.get(readers_cloudfront.distributions) if view.side is Side.GLOBAL else ()
        aliases = ((nearest_alias(row.aliases, host), row.certificate) for row in rows if not row.staging)
        found = [(alias == host, len(alias), certificate) for alias, certificate in aliases if alias]
        certificate = max(found, default=(False, 0, ""))[-1]
        attached = certificate if certificate.startswith("arn:") and ":acm:" in certificate else ""
        fitting = [c for c in usable if covers(c.names, host)]
        fit = next((c for c in fitting if attached in ("", c.arn)), None)
        if fit:
            yield view.ok(host, fit.arn.rpartition("/")[2], "an issued certificate", "HTTPS works there", tenant)
        elif unavailable:
            yield view.unknown(host, "an issued certificate", unavailable, tenant)
        elif fitting:
            measured, better = f"the distribution has {attached.rpartition('/')[2]}", fitting[0].arn
            reason = "it is not issued, or not for this name: browsers refuse the site, whichever region serves"
            remedy = f'aws_cloudfront_distribution: viewer_certificate.acm_certificate_arn = "{better}".'
            yield view.gap(host, measured, "an issued certificate", reason, remedy, tenant)
        else:
            reason = "certificates exist in one region only: browsers would refuse the site there"
            healing = Remedy(
                "Request one (aws_acm_certificate), and write its validation record.",
                (view.command("acm", "RequestCertificate", DomainName=host, ValidationMethod="DNS"),),
            )
            yield view.gap(host, f"none in {view.region}", "an issued certificate", reason, healing, tenant)


@check("no certificate of the estate expires within the configured days")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, EVERYWHERE)
@cite("T20", "AcmCertIssuedAndCovers", "ACM_CERTIFICATE_EXPIRATION_CHECK", "acm_certificates_expiration_check")
def days_left(view: View) -> Iterator[Finding]:
    """ACM renews 60 days ahead: one with fewer than certificate_days left was not renewed. Source: NotAfter."""
    limit = view.env.thresholds.certificate_days
    there = [c for c in host_certificates(view) if c.status in {"ISSUED", "EXPIRED"}]
    for certificate in there:
        if certificate.not_after is None:
            yield view.unknown(certificate.domain, f"{limit} days or more", "The certificate shows no expiry date.")
            continue
        # Whole days, rounded down: the last one may be over before anybody reads this.
        days = (certificate.not_after - view.now) // timedelta(days=1)
        if days >= limit:
            yield view.ok(certificate.domain, f"{days} days", f"{limit} days or more", "it outlasts a long recovery")
        else:
            measured = f"{days} days" if days >= 0 else f"expired {-days} days ago"
            reason = "it would expire unnoticed, in the region that serves only after a failover"
            remedy = Remedy(
                "Fix its DNS validation record, or import a new one.",
                (view.command("acm", "DescribeCertificate", CertificateArn=certificate.arn),),
            )
            yield view.gap(certificate.domain, measured, f"{limit} days or more", reason, remedy)
    yield from _unread_findings(view, f"{limit} days or more")
    if not there:
        yield view.none_expected("certificates", "there is none for any host: see acm.issued-and-covers")


@check("every certificate of the estate renews automatically")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, EVERYWHERE)
@cite("T20", "AcmCertIssuedAndCovers", "acm_certificates_expiration_check", "REL13-BP04")
def renews(view: View) -> Iterator[Finding]:
    """A failed renewal or one that waits for validation is a gap; an imported certificate is a warning.

    A CAA record of the traffic zone that lets others alone issue for one of its names is a gap too: ACM looks at it at
    each renewal. Zones of others are not read: what one to which the name is delegated says is unknown. Source: ACM
    User Guide, "Configure a CAA record".
    """
    wanted, records = "renewed by ACM", _records(view)
    there = [c for c in host_certificates(view) if states.CERTIFICATE[c.status].serves]
    for certificate in there:
        renewal = states.RENEWAL[certificate.renewal_status or ""]
        if not renewal.known:
            yield view.undocumented(certificate.domain, wanted, certificate.renewal_status or "")
        elif renewal.broken:
            waiting = ", ".join(certificate.pending_names) or "validation"
            measured = f"renewal {certificate.renewal_status}, waits for {waiting}"
            remedy = f"Restore the validation CNAMEs of {waiting} (aws_acm_certificate domain_validation_options)."
            yield view.gap(certificate.domain, measured, wanted, "ACM could not renew it: it will expire", remedy)
        # ACM renews only what it issued (ACM guide, managed renewal).
        elif certificate.type == "IMPORTED":
            reason = "ACM never renews an imported certificate: it must be replaced by hand in both regions"
            remedy = "Replace it by an ACM-issued certificate, or import its successor in both regions in time."
            yield view.warn(certificate.domain, "imported", wanted, reason, remedy)
        else:
            yield _by_authority(view, certificate, records, wanted)
    yield from _unread_findings(view, wanted)
    if not there:
        yield view.none_expected("certificates", "there is none for any host: see acm.issued-and-covers")


def _records(view: View) -> tuple[Record, ...] | Unavailable:
    """The records of the traffic zone, or why they were not seen."""
    try:
        return view.get(route53.records, Side.GLOBAL)
    except DataUnavailable as error:
        return error.unavailable


def _by_authority(
    view: View, certificate: Certificate, records: tuple[Record, ...] | Unavailable, wanted: str
) -> Finding:
    """Whether CAA records let Amazon issue for each name; they bind public certificates alone."""
    # A private CA is the account's own: no CAA record binds it.
    names = certificate.names if certificate.type != "PRIVATE" else ()
    if isinstance(records, Unavailable):
        if names:
            return view.unknown(certificate.domain, wanted, records)
        records = ()
    # ACM checks CAA again at each renewal, so a record that was added since the issue stops it months later.
    closed = [(name, record) for name in names if (record := forbidding(records, name))]
    ours = [(name, record) for name, record in closed if not is_delegated(records, name)]
    if ours:
        return _caa_finding(view, certificate, *ours[0], wanted)
    if closed:
        name, record = closed[0]
        cause = (
            f"The CAA record of {record.name} forbids it, and other servers, which were not asked, answer for {name}."
        )
        return view.unknown(certificate.domain, wanted, cause)
    measured = certificate.renewal_status or certificate.type or "issued by ACM"
    return view.ok(certificate.domain, measured, wanted, "ACM renews it")


def _caa_finding(view: View, certificate: Certificate, name: str, record: Record, wanted: str) -> Finding:
    is_wildcard = name.startswith("*.")
    admitted = ", ".join(allowed_authorities(record, is_wildcard) or ()) or "nobody"
    measured = f"the CAA record of {record.name} lets {admitted} issue for {name}"
    reason = "ACM looks at it at each renewal: the certificate will expire"
    return view.gap(certificate.domain, measured, wanted, reason, _caa_remedy(view, record))


def _caa_remedy(view: View, record: Record) -> Remedy:
    """Amazon's name beside the others, for every kind of certificate that the record set restricts."""
    sentence = (
        f"aws_route53_record '{record.name}' CAA: '0 issue \"{AMAZON[0]}\"' too, and 'issuewild' where it is set."
    )
    zone = view.read_for_remedy(route53.zone, Side.GLOBAL)
    # An UPSERT replaces the whole record set: only a simple one can be written from what was read here.
    if zone is None or record.policy != "simple" or record.ttl_s is None:
        return Remedy(sentence)
    kinds = (("issue", False), ("issuewild", True))
    closed = [
        kind
        for kind, wild in kinds
        if any(kind in value.split() for value in record.values)
        and not set(allowed_authorities(record, wild) or ()) & set(AMAZON)
    ]
    values = (*record.values, *(f'0 {kind} "{AMAZON[0]}"' for kind in closed))
    wanted = {"Name": record.name, "Type": "CAA", "TTL": record.ttl_s}
    row = {**wanted, "ResourceRecords": [{"Value": value} for value in values]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": row}]}
    command = view.command("route53", "ChangeResourceRecordSets", Side.GLOBAL, HostedZoneId=zone.id, ChangeBatch=batch)
    return Remedy(sentence, (command,))
