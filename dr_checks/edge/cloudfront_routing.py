"""Checks that the distribution sends on what the load balancers route by: the host that a visitor asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import GLOBAL, check
from dr_checks.edge.cloudfront import is_bucket, origins_of, serving
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import cloudfront, elbv2
from dr_estate.readers.cloudfront import Behaviour, HostPolicy, Origin

_WANTED = "forwards Host"


@check(
    "the distribution forwards the visitor's Host header to the load balancers",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    sides=GLOBAL,
    rules=("REL11-BP04", "NIST CP-8"),
    traps=("T71",),
)
def forwards_host(view: View) -> Iterator[Finding]:
    """Each behaviour that leads to the platform's origin has an origin request policy or cache policy with Host.

    Without it CloudFront puts the origin's own name there, and no load balancer's host-header rule matches. Source:
    CloudFront Developer Guide, "Use managed origin request policies", AllViewerExceptHostHeader.
    """
    found = serving(view)
    if found is None:
        yield view.none_expected(
            view.env.traffic.distribution_alias, "there is no distribution: see cloudfront.distribution-serves"
        )
        return
    if not found.behaviours:
        yield view.unknown(found.id, _WANTED, "This evidence does not hold the distribution's behaviours.")
    policies, unseen = _policies(view)
    leading = [b for b in found.behaviours if not all(map(is_bucket, origins_of(found, b.target)))]
    yield from (_judged(view, found.id, behaviour, policies, unseen) for behaviour in leading)
    if found.behaviours and not leading:
        yield view.none_expected(found.id, "no behaviour leads to a load balancer: see cloudfront.origin-follows")


@check(
    "the load balancer of the DR region listens on every port that the distribution asks its origin on",
    severity=Severity.BLOCKER,
    area=Area.INFRASTRUCTURE,
    sides=GLOBAL,
    rules=("REL11-BP04", "REL13-BP04", "NIST CP-8"),
)
def origin_reached(view: View) -> Iterator[Finding]:
    """By the origin's protocol policy: HTTPPort, HTTPSPort, or as the visitor came. Source: CloudFront API, Origin.

    Origins that stand in the primary region alone are cloudfront.origin-follows' matter.
    """
    found, here = serving(view), {listener.port for listener in view.get(elbv2.listeners, Side.DR)}
    targets = dict.fromkeys((found.target, *found.other_targets)) if found else {}
    origins = {origin.id: origin for target in targets for origin in origins_of(found, target)} if found else {}
    fetched = [o for o in origins.values() if o.protocol_policy and o.domain == view.env.traffic.origin_record]
    for origin in fetched:
        ports = _asked_on(origin, found.viewer_protocol if found else "")
        wanted = f"listens on {', '.join(map(str, ports))}"
        measured = f"listens on {', '.join(map(str, sorted(here))) or 'nothing'}"
        if set(ports) <= here:
            yield view.ok(origin.id, measured, wanted, "CloudFront reaches it as it reaches the primary region's")
        else:
            reason = "CloudFront answers 502 or 504 to every visitor once this region serves"
            remedy = f"aws_lb_listener in {view.env.regions.dr}, or custom_origin_config of origin {origin.id}."
            yield view.gap(origin.id, measured, wanted, reason, remedy)
    if not fetched:
        yield view.none_expected(
            view.env.traffic.distribution_alias, "no origin of the distribution is the traffic name"
        )


def _asked_on(origin: Origin, viewer: str) -> tuple[int, ...]:
    http, https = origin.ports
    if origin.protocol_policy == "match-viewer":
        return (http, https) if viewer == "allow-all" else (https,)
    return (https,) if origin.protocol_policy == "https-only" else (http,)


def _policies(view: View) -> tuple[Mapping[str, HostPolicy], Unavailable | None]:
    """Those that were read, by id, and why others were not, None where none is missing."""
    try:
        rows = view.get(cloudfront.host_policies)
    except DataUnavailable as error:
        return {}, error.unavailable
    unseen = next((row for row in rows if isinstance(row, Unavailable)), None)
    return {row.id: row for row in rows if isinstance(row, HostPolicy)}, unseen


def _judged(
    view: View, distribution: str, behaviour: Behaviour, policies: Mapping[str, HostPolicy], unseen: Unavailable | None
) -> Finding:
    subject, ids = behaviour.pattern, [i for i in (behaviour.request_policy, behaviour.cache_policy) if i]
    known = [policies[i] for i in ids if i in policies]
    measured = ", ".join(policy.name for policy in known) or "no policy"
    if behaviour.forwards_host or any(policy.forwards_host for policy in known):
        found = "ForwardedValues with Host" if behaviour.forwards_host else measured
        return view.ok(subject, found, _WANTED, "each tenant's rule sees its own host")
    if len(known) < len(ids):
        return view.unknown(subject, _WANTED, unseen or f"A policy of {subject} was not read.")
    if any(policy.forwards_host is None for policy in known):
        return view.unknown(subject, _WANTED, f"{measured}: AWS does not document this kind of setting for headers.")
    if behaviour.functions:
        return view.unknown(subject, _WANTED, f"{measured} without Host, and code at the edge may put it there.")
    return view.gap(
        subject,
        f"{measured}: without Host",
        _WANTED,
        "every tenant's visitors get the load balancer's default page, in either region",
        f"Set origin_request_policy_id of {subject} in aws_cloudfront_distribution {distribution} to "
        "Managed-AllViewer (216adef6-5c7f-47e4-b989-5492eafa07d3).",
    )
