"""Checks of CloudFront: the tenants' distribution follows the traffic record to the serving region."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import GLOBAL, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.references import balancer_region
from dr_estate.readers import cloudfront, cloudfront_buckets
from dr_estate.readers.cloudfront import Distribution, Origin, nearest_alias
from dr_estate.snapshot import tenants

# Security policies that still admit TLS 1.1 or older (CloudFront guide, viewer protocols).
_OLD_TLS = ("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016")
_OF_ORIGIN = 500
_ABSENT = "there is no distribution: see cloudfront.distribution-serves"


def serving(view: View) -> Distribution | None:
    """The distribution that serves the tenants, or None."""
    return cloudfront.serving(view.get(cloudfront.distributions, Side.GLOBAL), view.env.traffic)


@check("the distribution that serves the tenants is enabled and deployed")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("REL11-BP04", "NIST CP-8", "SOC2 A1.2")
def distribution_serves(view: View) -> Iterator[Finding]:
    """A change still being deployed is a warning: it is served here and not yet there. Source: ListDistributions."""
    alias, found = view.env.traffic.distribution_alias, serving(view)
    if found is None:
        reason = "no tenant can be reached over HTTPS, in either region"
        remedy = f"Put {alias} into aliases of the aws_cloudfront_distribution."
        yield view.gap(alias, "no distribution", "enabled, Deployed", reason, remedy)
    elif not found.enabled:
        reason = "a disabled distribution answers no request"
        remedy = f"Set enabled = true on aws_cloudfront_distribution {found.id}."
        yield view.gap(alias, f"{found.id} disabled", "enabled, Deployed", reason, remedy)
    elif not states.DISTRIBUTION[found.status].known:
        yield view.undocumented(alias, "enabled, Deployed", found.status)
    # InProgress reaches every edge location by itself: nothing is to be repaired.
    elif not states.DISTRIBUTION[found.status].serves:
        reason = "its last change has not reached every edge location, so visitors see different versions"
        healing = Remedy(
            "Wait until its Status is Deployed; look again by:",
            (view.command("cloudfront", "GetDistribution", Id=found.id),),
        )
        yield view.warn(alias, f"{found.id} {found.status}", "enabled, Deployed", reason, healing)
    else:
        yield view.ok(alias, f"{found.id} enabled, Deployed", "enabled, Deployed", "it serves at every edge location")


@check("the distribution has the host name of every tenant as an alias")
@weigh(Severity.BLOCKER, Area.TENANTS, GLOBAL)
@cite("REL11-BP04", "NIST CP-8")
def aliases_cover(view: View) -> Iterator[Finding]:
    """Each tenant's host matches an alias of the distribution; CloudFront answers 403 to any other name."""
    found = view.need(serving(view), view.env.traffic.distribution_alias, _ABSENT)
    for tenant in view.tenants:
        host, measured = tenants.host_of(tenant, view.env), ", ".join(found.aliases)
        if nearest_alias(found.aliases, host):
            yield view.ok(host, measured, "an alias that matches", "the distribution accepts this name", tenant.id)
        else:
            reason = "CloudFront refuses a name that is none of its aliases"
            remedy = f"Add {host} to aliases of aws_cloudfront_distribution {found.id}."
            yield view.gap(host, measured, "an alias that matches", reason, remedy, tenant.id)


@check("the distribution's origin is the traffic name, so that one change moves every tenant")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("T08", "DnsTargetResourceRoutingRule", "REL11-BP02")
def origin_follows(view: View) -> Iterator[Finding]:
    """The origin of every behaviour is the origin record, or a group with an origin in each region.

    An S3 or VPC origin stands in one region and never moves with DNS (T65). Source: CloudFront API, Origin; T08.
    """
    found, wanted = serving(view), view.env.traffic.origin_record
    found = view.need(found, view.env.traffic.distribution_alias, _ABSENT)
    for target in dict.fromkeys((found.target, *found.other_targets)):
        origins = origins_of(found, target)
        measured = ", ".join(origin.domain for origin in origins) or "no such origin"
        leads = follows(view, found, target)
        if leads is None:
            yield view.unknown(target, wanted, f"Nothing shows which region {measured} leads to.")
        elif not leads:
            remedy = f'Set domain_name = "{wanted}" on origin {target} of aws_cloudfront_distribution {found.id}.'
            yield view.gap(target, measured, wanted, "this origin does not follow the traffic record", remedy)
        elif _moves(view, origins):
            yield view.ok(target, measured, wanted, "this origin follows the traffic record")
        else:
            yield view.ok(target, measured, wanted, "this bucket is not lost with the primary region")


def follows(view: View, found: Distribution, target: str) -> bool | None:
    """Whether what a behaviour's target fetches is not lost with the primary region; None where that is not known."""
    origins = origins_of(found, target)
    # A bucket of a third region is not lost with the primary; a VPC origin always is where its load balancer stands
    # (T65).
    places = [_place(view, origin) for origin in origins]
    if _moves(view, origins):
        return True
    if None in places:
        return None
    return bool(origins) and view.env.regions.primary not in places and all(is_bucket(origin) for origin in origins)


def _moves(view: View, origins: list[Origin]) -> bool:
    """Whether one of the origins is the traffic name, or each region has one of them."""
    places = {_place(view, origin) for origin in origins}
    return view.env.traffic.origin_record in places or {view.env.regions.primary, view.env.regions.dr} <= places


def origins_of(found: Distribution, target: str) -> list[Origin]:
    """The origins behind a behaviour's target: one, or the members of a group."""
    group = next((group for group in found.groups if group.id == target), None)
    by_id = {origin.id: origin for origin in found.origins}
    return [by_id[name] for name in (group.members if group else (target,)) if name in by_id]


def _place(view: View, origin: Origin) -> str | None:
    """Return where an origin leads: the traffic name, or a region; None where that is not known from here."""
    region = balancer_region(origin.domain)
    if is_bucket(origin):
        return cloudfront_buckets.region_of(origin, view.env)
    # ListDistributions names no kind: a custom origin has a protocol policy, an S3 origin has none.
    if origin.kind == "custom" or (not origin.kind and origin.protocol_policy):
        return region or origin.domain
    return region if origin.kind == "vpc" else None


def is_bucket(origin: Origin) -> bool:
    """Whether the origin is an S3 bucket."""
    return origin.kind == "s3" or (not origin.kind and not origin.protocol_policy)


@check("an origin group, where there is one, fails over to another origin on server errors")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, GLOBAL)
@cite(
    "CloudFrontOriginGroup",
    "CLOUDFRONT_ORIGIN_FAILOVER_ENABLED",
    "cloudfront_distributions_multiple_origin_failover_configured",
)
def origin_group(view: View) -> Iterator[Finding]:
    """Optional: two different members and the statuses 502, 503 and 504. CloudFront retries GET, HEAD, OPTIONS only."""
    found = serving(view)
    if found is None or not found.groups:
        reason = _ABSENT if found is None else "there is no origin group: the traffic record alone moves the origin"
        yield view.none_expected(view.env.traffic.distribution_alias, reason)
        return
    for group in found.groups:
        domains = {origin.domain for origin in origins_of(found, group.id)}
        # What CloudFront sees of a lost origin: no connection is 502 or 504, an overloaded load balancer is 503.
        missing = sorted({502, 503, 504} - set(group.statuses))
        measured = f"{', '.join(sorted(domains))}; on {', '.join(map(str, group.statuses)) or 'no status'}"
        if len(domains) > 1 and not missing:
            yield view.ok(group.id, measured, "two origins; on 502, 503, 504", "reads survive the loss of one origin")
        else:
            remedy = f"Set failover_criteria and two members on origin_group {group.id} of {found.id}."
            yield view.gap(group.id, measured, "two origins; on 502, 503, 504", "the group would not fail over", remedy)


@check("the distribution serves HTTPS with a certificate of its own")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, GLOBAL)
@cite(
    "T20",
    "CLOUDFRONT_CUSTOM_SSL_CERTIFICATE",
    "CLOUDFRONT_VIEWER_POLICY_HTTPS",
    "CLOUDFRONT_NO_DEPRECATED_SSL_PROTOCOLS",
    "cloudfront_distributions_https_enabled",
    "cloudfront_distributions_custom_ssl_certificate",
)
def speaks_https(view: View) -> Iterator[Finding]:
    """A custom certificate, HTTPS for viewers, and TLS 1.2 or newer. Source: ListDistributions."""
    found = view.need(serving(view), view.env.traffic.distribution_alias, _ABSENT)
    faults = [
        *([] if found.certificate else ["no certificate of its own"]),
        *(["plain HTTP allowed"] if found.viewer_protocol == "allow-all" else []),
        *([f"old TLS ({found.minimum_tls})"] if found.minimum_tls in _OLD_TLS else []),
    ]
    wanted = "own certificate, HTTPS, TLS 1.2 or newer"
    if not faults:
        measured = f"{found.viewer_protocol}, {found.minimum_tls}"
        yield view.ok(found.id, measured, wanted, "visitors keep HTTPS whichever region serves")
    else:
        remedy = f"Set viewer_certificate and viewer_protocol_policy of aws_cloudfront_distribution {found.id}."
        yield view.gap(found.id, ", ".join(faults), wanted, "browsers warn or refuse", remedy)


@check("the distribution caches the errors of a lost region for a short time only")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, GLOBAL)
@cite("T11", "REL11-BP02", "NIST CP-10")
def errors_forgotten(view: View) -> Iterator[Finding]:
    """No error of the origin's (5xx) is answered from the cache for longer than a resolver may keep the old region.

    Source: ListDistributions, CustomErrorResponse.ErrorCachingMinTTL.
    """
    found, limit = serving(view), view.env.thresholds.record_ttl_s
    found = view.need(found, view.env.traffic.distribution_alias, _ABSENT)
    wanted = f"{limit} s or less"
    if found.errors is None:
        yield view.unknown(found.id, wanted, "This evidence does not hold how long errors are cached.")
        return
    # Errors of 4xx are answers about a page, and stay right whichever region serves.
    long = [f"{code} for {seconds} s" for code, seconds in found.errors if code >= _OF_ORIGIN and seconds > limit]
    if not long:
        yield view.ok(found.id, "none longer", wanted, "visitors soon see the region that took over")
    else:
        reason = "edge locations go on answering with the lost region's errors after a failover"
        remedy = f"custom_error_response.error_caching_min_ttl of aws_cloudfront_distribution {found.id}: {wanted}."
        yield view.gap(found.id, ", ".join(long), wanted, reason, remedy)
