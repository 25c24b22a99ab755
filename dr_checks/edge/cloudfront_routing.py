"""Checks that the distribution sends on what the load balancers route by: the host that a visitor asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dr_checks.core.model import GLOBAL, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.edge.cloudfront import is_bucket, origins_of, serving
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import cloudfront, elbv2
from dr_estate.readers.cloudfront import Behaviour, Distribution, HostPolicy, Origin
from dr_estate.readers.elbv2 import HeaderDemand, Listener, ListenerRule

_WANTED = "forwards Host"
# How policies of TLS 1.3 alone are named, and the one that AWS recommends, which speaks 1.2 too.
TLS_13_ALONE, _TLS_12 = "-TLS13-1-3-", "ELBSecurityPolicy-TLS13-1-2-2021-06"
# Headers that a visitor's browser sends.
_OF_VISITORS = frozenset(
    {"accept", "accept-language", "authorization", "cookie", "origin", "referer", "user-agent", "x-requested-with"}
)


@check("the distribution forwards the visitor's Host header to the load balancers")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("T71", "REL11-BP04", "NIST CP-8")
def forwards_host(view: View) -> Iterator[Finding]:
    """Each behaviour that leads to the platform's origin has an origin request policy or cache policy with Host.

    Without it CloudFront puts the origin's own name there, and no load balancer's host-header rule matches. Source:
    CloudFront Developer Guide, "Use managed origin request policies", AllViewerExceptHostHeader.
    """
    found = serving(view)
    if found is None:
        reason = "there is no distribution: see cloudfront.distribution-serves"
        yield view.none_expected(view.env.traffic.distribution_alias, reason)
        return
    if not found.behaviours:
        yield view.unknown(found.id, _WANTED, "This evidence does not hold the distribution's behaviours.")
    policies, unseen = _policies(view)
    # S3 chooses the bucket by Host: it must not get the visitor's, so bucket behaviours are left out.
    leading = [b for b in found.behaviours if not all(map(is_bucket, origins_of(found, b.target)))]
    yield from (_host_finding(view, found.id, behaviour, policies, unseen) for behaviour in leading)
    if found.behaviours and not leading:
        yield view.none_expected(found.id, "no behaviour leads to a load balancer: see cloudfront.origin-follows")


@check("the load balancer of the DR region answers on every port that the distribution asks its origin on")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("REL11-BP04", "REL13-BP04", "NIST CP-8")
def origin_reached(view: View) -> Iterator[Finding]:
    """By the origin's protocol policy: HTTPPort, HTTPSPort, or as the visitor came, by TLS 1.2 at most, and its path.

    Origins that stand in the primary region alone are cloudfront.origin-follows' matter. Source: CloudFront API,
    Origin; CloudFront Developer Guide, "Supported protocols and ciphers between CloudFront and the origin".
    """
    found, listeners = serving(view), view.get(elbv2.listeners, Side.DR)
    here = {listener.port for listener in listeners}
    for origin in (fetched := [o for o in following(view, found) if o.protocol_policy]):
        ports = origin_ports(origin, found.viewer_protocol if found else "")
        wanted = f"listens on {', '.join(map(str, ports))}"
        measured = f"listens on {', '.join(map(str, sorted(here))) or 'nothing'}"
        newer = next((row for row in listeners if row.port in ports and TLS_13_ALONE in row.policy), None)
        # A listener that speaks TLS 1.3 alone is there, and still answers CloudFront nothing.
        if newer is not None and set(ports) <= here:
            yield _too_new(view, origin, newer)
        elif set(ports) <= here and origin.path:
            reason = "each region is asked for another path than the visitor's: where it has none, the page is missing"
            remedy = f"Take the origin_path of origin {origin.id} away, or accept it where the platform answers there."
            yield view.warn(origin.id, f"asks for {origin.path} and then the path", "the path alone", reason, remedy)
        elif set(ports) <= here:
            yield view.ok(origin.id, measured, wanted, "CloudFront reaches it as it reaches the primary region's")
        else:
            reason = "CloudFront answers 502 or 504 to every visitor once this region serves"
            remedy = f"aws_lb_listener in {view.env.regions.dr}, or custom_origin_config of origin {origin.id}."
            yield view.gap(origin.id, measured, wanted, reason, remedy)
    if not fetched:
        reason = "no origin of the distribution is the traffic name"
        yield view.none_expected(view.env.traffic.distribution_alias, reason)


def _too_new(view: View, origin: Origin, listener: Listener) -> Finding:
    there = view.read_for_remedy(elbv2.listeners, Side.PRIMARY) or ()
    policies = [row.policy for row in there if row.label == listener.label and TLS_13_ALONE not in row.policy]
    named = {"ListenerArn": listener.arn, "SslPolicy": (policies or [_TLS_12])[0]}
    command = view.command("elbv2", "ModifyListener", Side.DR, **named)
    measured, wanted = f"{listener.label}: {listener.policy}", "a policy that speaks TLS 1.2 too"
    reason = "CloudFront speaks TLS 1.2 at most to an origin, and answers 502 to every visitor once this region serves"
    sentence = f"aws_lb_listener '{listener.label}' in {view.env.regions.dr}: ssl_policy = {named['SslPolicy']}."
    return view.gap(origin.id, measured, wanted, reason, Remedy(sentence, (command,)))


@check("the distribution sends every header that the load balancer of the DR region demands")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("REL11-BP04", "REL13-BP04", "NIST CP-8")
def header_sent(view: View) -> Iterator[Finding]:
    """One of the rules that lead to the tenant's group is met by what CloudFront adds for the traffic name.

    Values are compared by their digests: such a header is often a secret that keeps everybody else out. Source: ELB
    DescribeRules, http-header; CloudFront Developer Guide, "Restrict access to Application Load Balancers".
    """
    demanding, judged = any(rule.demands for rule in view.get(elbv2.rules, Side.DR)), 0
    found = serving(view) if demanding else None
    origins = following(view, found)
    rules = _leading(view, {port for o in origins for port in origin_ports(o, found.viewer_protocol)}) if found else {}
    for tenant in view.tenants if rules else ():
        leading = rules.get(view.env.named(view.env.names.target_group, tenant=tenant.id), [])
        if leading and all(rule.demands for rule in leading):
            judged += 1
            yield _header_finding(view, tenant.id, leading, origins)
    if not judged:
        yield view.none_expected("all rules", "no rule of a tenant demands a header of the traffic name's visitors")


def _leading(view: View, ports: Collection[int]) -> Mapping[str, list[ListenerRule]]:
    """The rules of the DR region's listeners on these ports, by the name of the group that they lead to."""
    names = {group.arn: group.name for group in view.get(elbv2.target_groups, Side.DR)}
    listening = {listener.arn for listener in view.get(elbv2.listeners, Side.DR) if listener.port in ports}
    found: dict[str, list[ListenerRule]] = {}
    for rule in view.get(elbv2.rules, Side.DR):
        for arn in rule.action.target_groups if rule.listener in listening else ():
            found.setdefault(names.get(arn, arn), []).append(rule)
    return found


def _header_finding(view: View, tenant: str, leading: list[ListenerRule], origins: list[Origin]) -> Finding:
    host = view.env.named(view.env.names.target_group, tenant=tenant)
    answers = {origin.id: [meets(rule, dict(origin.headers)) for rule in leading] for origin in origins}
    lost = sorted(name for name, met in answers.items() if not any(found is not False for found in met))
    demanded = ", ".join(sorted({demand.header for rule in leading for demand in rule.demands}))
    wanted = f"CloudFront sends {demanded} as the rules demand it"
    if lost:
        reason = "no rule takes a visitor's request: each gets the load balancer's default page once this region serves"
        remedy = (
            f"Give aws_lb_listener_rule of {host} in {view.env.regions.dr} the http_header that origin "
            f"{', '.join(lost)} sends by custom_header; while it is changed, let the rule accept both values."
        )
        return view.gap(host, f"{demanded}: not sent, or another value", wanted, reason, remedy, tenant)
    if all(True in met for met in answers.values()):
        return view.ok(host, f"{demanded}: sent as demanded", wanted, "the rules take what CloudFront sends", tenant)
    return view.unknown(host, wanted, f"{demanded}: visitors send it, or a pattern stands for it.", tenant)


def meets(rule: ListenerRule, sent: Mapping[str, str]) -> bool | None:
    """Whether the added headers meet all that the rule demands; None where that cannot be determined from here."""
    answers = [_is_met(demand, sent) for demand in rule.demands]
    return False if False in answers else None if None in answers else True


def _is_met(demand: HeaderDemand, sent: Mapping[str, str]) -> bool | None:
    if sent.get(demand.header) in demand.digests:
        return True
    # A header that each browser sends itself may meet the rule: nothing in the configuration shows it.
    by_visitor = demand.header not in sent and demand.header in _OF_VISITORS
    return None if by_visitor or (demand.patterned and demand.header in sent) else False


def origin_ports(origin: Origin, viewer: str) -> tuple[int, ...]:
    """The ports that CloudFront asks the origin on; ``viewer`` is the distribution's protocol policy for visitors."""
    http, https = origin.ports
    if origin.protocol_policy == "match-viewer":
        # redirect-to-https and https-only let no viewer come by HTTP, so the origin is asked by HTTPS.
        return (http, https) if viewer == "allow-all" else (https,)
    return (https,) if origin.protocol_policy == "https-only" else (http,)


def following(view: View, found: Distribution | None) -> list[Origin]:
    """The origins of the distribution's behaviours that are the traffic name."""
    targets = dict.fromkeys((found.target, *found.other_targets)) if found else {}
    origins = {origin.id: origin for target in targets for origin in origins_of(found, target)} if found else {}
    return [origin for origin in origins.values() if origin.domain == view.env.traffic.origin_record]


def _policies(view: View) -> tuple[Mapping[str, HostPolicy], Unavailable | None]:
    """Those that were read, by id, and why others were not, None where none is missing."""
    try:
        rows = view.get(cloudfront.host_policies)
    except DataUnavailable as error:
        return {}, error.unavailable
    unseen = next((row for row in rows if isinstance(row, Unavailable)), None)
    return {row.id: row for row in rows if isinstance(row, HostPolicy)}, unseen


def _host_finding(
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
    # A function at the edge may rewrite Host: its code is not read.
    if behaviour.functions:
        return view.unknown(subject, _WANTED, f"{measured} without Host, and code at the edge may put it there.")
    reason = "every tenant's visitors get the load balancer's default page, in either region"
    remedy = (
        f"Set origin_request_policy_id of {subject} in aws_cloudfront_distribution {distribution} to "
        "Managed-AllViewer (216adef6-5c7f-47e4-b989-5492eafa07d3)."
    )
    return view.gap(subject, f"{measured}: without Host", _WANTED, reason, remedy)
