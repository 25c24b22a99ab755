"""Checks of the DR region's load balancer: state, settings, deletion protection and timeouts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dr_checks.core.model import BOTH, Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_checks.edge import acm
from dr_checks.edge.cloudfront import serving
from dr_checks.edge.cloudfront_routing import following, origin_ports
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import cloudfront, elbv2
from dr_estate.readers.acm import certificates, covers

KEEP_ALIVE, PROTECTION = "client_keep_alive.seconds", "deletion_protection.enabled"
# Of a load balancer that never set it (ALB attribute client_keep_alive.seconds, T11).
DEFAULT_KEEP_ALIVE_S = 3600
# "You must specify subnets from at least two Availability Zones" (API_CreateLoadBalancer, Application Load Balancers).
_ZONES = 2
_IDLE = "idle_timeout.timeout_seconds"
_ALIKE = (
    _IDLE,
    "routing.http2.enabled",
    "routing.http.drop_invalid_header_fields.enabled",
    "routing.http.preserve_host_header.enabled",
    "routing.http.xff_header_processing.mode",
    "load_balancing.cross_zone.enabled",
    "access_logs.s3.enabled",
)

_BROWSERS = 443
_TLS_POLICY = re.compile(
    r"ELBSecurityPolicy-TLS(?P<newest>13)?-1-(?P<least>\d)(?:-(?P<ciphers>Res|Ext1|Ext2))?(?:-PQ)?-\d{4}-\d{2}$"
)
_CIPHERS = ("Ext2", "Ext1", None, "Res")  # the weaker ones admitted, fewer of them, the usual, the strong alone

# Settings that are reported only where they differ.
_TREATMENT = ("routing.http.xff_client_port.enabled", "routing.http.desync_mitigation_mode")


def _balancer(view: View, found: elbv2.LoadBalancer | None) -> elbv2.LoadBalancer:
    return view.need(found, view.env.named(view.env.names.load_balancer), "there is none: see elbv2.active")


@check("the load balancer of the DR region is active in at least two availability zones")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("ElbV2State", "ElbV2CheckAzCount", "elbv2-multiple-az", "elbv2_is_in_multiple_az", "REL10-BP01", "NIST CP-7")
def active(view: View) -> Iterator[Finding]:
    """It exists, is active and stands in two zones or more. Source: ELB DescribeLoadBalancers."""
    name, balancer = view.env.named(view.env.names.load_balancer), view.get(elbv2.load_balancer)
    if balancer is None:
        reason = f"there is no load balancer in {view.region} to send traffic to"
        remedy = f"Apply aws_lb '{name}' with the provider of {view.region}."
        yield view.gap(name, "absent", "active", reason, remedy)
        return
    measured, state = f"{balancer.state} in {len(balancer.zones)} zones", states.LOAD_BALANCER[balancer.state]
    if not state.known:
        yield view.undocumented(name, "active in 2 zones or more", balancer.state)
    # active_impaired: it routes, and lacks addresses or capacity to scale (API_LoadBalancerState).
    elif state.serves and state.broken:
        reason = "it routes requests, but lacks the resources to scale"
        remedy = f"Read its StateReason; give its subnets in {view.region} free addresses (8 each at least)."
        yield view.warn(name, measured, "active in 2 zones or more", reason, remedy)
    elif state.serves and len(balancer.zones) >= _ZONES:
        yield view.ok(name, measured, "active in 2 zones or more", "traffic can be sent to it")
    else:
        reason = "it cannot accept traffic, or the loss of one zone would take it down"
        healing = Remedy(
            f"Read its state, and correct the subnets of aws_lb '{name}'.",
            (view.command("elbv2", "DescribeLoadBalancers", Names=[name]),),
        )
        yield view.gap(name, measured, "active in 2 zones or more", reason, healing)


@check("the load balancer of the DR region has the settings of the primary region's")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite(
    "ElbV2Type",
    "ElbV2Scheme",
    "ElbV2IpAddressType",
    "ElbV2IdleTimeoutSeconds",
    "ElbV2Http2Enabled",
    "ElbV2HttpDropInvalidHeaders",
    "ElbV2CrossZoneEnabled",
    "ElbV2S3LogsEnabled",
    "alb-http-drop-invalid-header-enabled",
    "REL13-BP04",
)
def alike(view: View) -> Iterator[Finding]:
    """Type, scheme and address type must be equal; other differences are warned of, TLS policies of listeners too.

    Source: ARC ElbV2 rules.
    """
    both = view.get(elbv2.load_balancer, Side.PRIMARY), view.get(elbv2.load_balancer)
    there, here = (_balancer(view, row) for row in both)
    shape = (
        ("load_balancer_type", there.type, here.type),
        ("internal or internet-facing", there.scheme, here.scheme),
        ("ip_address_type", there.address_type, here.address_type),
    )
    for key, wanted, measured in shape:
        yield _alike(view, here, key, measured, wanted, must=True)
    for key in _ALIKE:
        yield _alike(view, here, key, here.attribute(key), there.attribute(key), must=False)
    for key in _TREATMENT:
        if there.attribute(key) and here.attribute(key) != there.attribute(key):
            yield _alike(view, here, key, here.attribute(key), there.attribute(key), must=False)
    # A stricter policy is as good, but for TLS 1.3 alone: it refuses browsers that are served today, and CloudFront.
    policies = {row.label: row.policy for row in view.get(elbv2.listeners, Side.PRIMARY)}
    for row in view.get(elbv2.listeners):
        policy = policies.get(row.label, "")
        # A port that the primary region does not serve by TLS has no policy to compare with.
        if not policy or row.policy == policy or is_stricter(row.policy, policy):
            continue
        sentence = f"aws_lb_listener '{row.label}' of '{here.name}' in {view.region}: ssl_policy = {policy}."
        command = view.command("elbv2", "ModifyListener", ListenerArn=row.arn, SslPolicy=policy)
        reason = "some browsers that are served today would be refused, or others than today let in"
        yield view.warn(f"{here.name} {row.label}", row.policy, policy, reason, Remedy(sentence, (command,)))


def is_stricter(policy: str, than: str) -> bool:
    """Whether a policy refuses what the other does, speaks TLS 1.3 where that does, and TLS 1.2 as well.

    Source: Application Load Balancers guide, "Security policies": their names say what they admit.
    """
    mine, theirs = (_TLS_POLICY.match(name) for name in (policy, than))
    if not mine or not theirs or mine["least"] > "2":
        return False
    pairs = ((found["newest"] or "", int(found["least"]), _CIPHERS.index(found["ciphers"])) for found in (mine, theirs))
    return all(own >= other for own, other in zip(*pairs, strict=True))


def _alike(view: View, here: elbv2.LoadBalancer, key: str, measured: str, wanted: str, *, must: bool) -> Finding:
    name = here.name
    actual, expected = f"{key} {measured or 'not set'}", f"{key} {wanted or 'not set'}"
    if measured == wanted:
        return view.ok(name, actual, expected, "as in the primary region")
    # A connection that is kept longer is cut for nobody who is served today.
    if key == _IDLE and measured.isdecimal() and wanted.isdecimal() and int(measured) > int(wanted):
        return view.ok(name, actual, expected, "no shorter than in the primary region")
    sentence = f"aws_lb '{name}' in {view.region}: {key} as in {view.env.regions.primary}."
    remedy = Remedy(sentence, _setting(view, here, key, wanted))
    judge = view.gap if must else view.warn
    return judge(name, actual, expected, "requests would be served differently after the failover", remedy)


def _setting(view: View, here: elbv2.LoadBalancer, key: str, wanted: str) -> tuple[str, ...]:
    """The command that sets one setting, none for what is fixed at creation or needs more than a value."""
    # dualstack needs subnets with IPv6 blocks first, so no single call is the remedy.
    if key == "ip_address_type" and wanted == "ipv4":
        arn = here.arn
        return (view.command("elbv2", "SetIpAddressType", LoadBalancerArn=arn, IpAddressType=wanted),)
    return (
        (_attribute(view, here, key, wanted),) if key in (*_ALIKE, *_TREATMENT) and wanted and "s3" not in key else ()
    )


def _attribute(view: View, balancer: elbv2.LoadBalancer, key: str, value: object) -> str:
    attributes = [{"Key": key, "Value": str(value)}]
    return view.command("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=balancer.arn, Attributes=attributes)


@check("load balancers close idle connections soon enough for clients to follow a DNS change")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, BOTH)
@cite("T11", "AlbKeepAlive", "REL11-BP02")
def keep_alive(view: View) -> Iterator[Finding]:
    """Keep-alive pins clients to the region they came to, for 3600 s unless set. Source: ALB attributes, T11."""
    balancer, limit_s = _balancer(view, view.get(elbv2.load_balancer)), view.env.thresholds.alb_keep_alive_s
    if balancer.type == elbv2.NETWORK:
        raise NothingToJudge(balancer.name, "a network load balancer forwards connections, and keeps none alive")
    seconds = int(balancer.attribute(KEEP_ALIVE) or DEFAULT_KEEP_ALIVE_S)
    if seconds <= limit_s:
        yield view.ok(balancer.name, f"{seconds} s", f"{limit_s} s or less", "clients soon resolve the name again")
    else:
        reason = "clients stay connected to the previous region for as long as this"
        remedy = Remedy(
            f"aws_lb '{balancer.name}' in {view.region}: client_keep_alive = {limit_s}.",
            (_attribute(view, balancer, KEEP_ALIVE, limit_s),),
        )
        yield view.gap(balancer.name, f"{seconds} s", f"{limit_s} s or less", reason, remedy)


@check("load balancers of both regions are protected from deletion")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE, BOTH)
@cite(
    "AlbDeletionProtection", "ElbV2DeletionProtection", "elb-deletion-protection-enabled", "elbv2_deletion_protection"
)
def deletion_protection(view: View) -> Iterator[Finding]:
    """A standby that nobody uses is what a clean-up deletes. Source: DescribeLoadBalancerAttributes."""
    balancer = _balancer(view, view.get(elbv2.load_balancer))
    if balancer.attribute(PROTECTION) == "true":
        yield view.ok(balancer.name, "protected", "protected", "it cannot be deleted by mistake")
    else:
        reason = "an idle standby looks unused: a clean-up could delete it, and its DNS name with it"
        remedy = Remedy(
            f"aws_lb '{balancer.name}' in {view.region}: enable_deletion_protection = true.",
            (_attribute(view, balancer, PROTECTION, "true"),),
        )
        yield view.gap(balancer.name, "not protected", "protected", reason, remedy)


@check("the HTTPS listeners of the DR region present a certificate for every host name they must serve")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("T20", "AcmCertIssuedAndCovers", "elb-acm-certificate-required", "elbv2_ssl_listeners", "NIST CP-7")
def listener_certificates(view: View) -> Iterator[Finding]:
    """The listener's own certificates, SNI ones included, are issued and cover the hosts.

    CloudFront answers 502 where it asks by TLS and is shown neither the host's name nor the origin's. Source: ELB and
    ACM, T20; CloudFront Developer Guide, "HTTP 502 status code (Bad Gateway)".
    """
    secure = [row for row in view.get(elbv2.listeners) if row.protocol == "HTTPS"]
    # Browsers ask on 443: what a listener on another port presents is of no use to them.
    listeners = [row for row in secure if row.port == _BROWSERS and row.default.kind != "redirect"] or secure
    attached = {arn for row in listeners for arn in row.certificates}
    view.need(secure, "HTTPS", "there is no HTTPS listener here: see elbv2-routing.listeners")
    read = view.get(certificates)
    names = [name for row in acm.issued_certificates(view) if row.arn in attached for name in row.names]
    unavailable = next((c for c in read if isinstance(c, Unavailable)), None)
    refused, hosts = _is_name_needed(view, names), acm.hosts(view)
    if not hosts:
        yield view.none_expected("HTTPS", "no name of visitors leads to this load balancer")
    for host, tenant in hosts:
        if covers(names, host):
            yield view.ok(host, "covered", "covered", "browsers will accept the answer", tenant)
        elif unavailable:
            yield view.unknown(host, "covered", unavailable, tenant)
        else:
            measured = "not covered by a certificate of the listener"
            reason = (
                "the certificate may be there, but this listener does not present it: clients would refuse the answer"
            )
            remedy = Remedy(
                f"aws_lb_listener_certificate in {view.region}: add an issued certificate that names {host}.",
                _certificate_commands(view, host),
            )
            yield view.gap(
                host, measured, "covered", reason, remedy, tenant, stops=refused or _comes_directly(view, host)
            )


def _is_name_needed(view: View, names: Collection[str]) -> bool:
    """Whether who asks for a host refuses an answer under these names: browsers, or CloudFront where it asks by TLS."""
    if not view.env.traffic.distribution_alias:
        return True
    if view.read_for_remedy(cloudfront.distributions, Side.GLOBAL) is None:
        return False  # how it asks is not known
    found = serving(view)
    answers = (
        [origin_ports(origin, found.viewer_protocol) == origin.ports[1:] for origin in following(view, found)]
        if found
        else []
    )
    return any(answers) and not covers(names, view.env.traffic.origin_record)


def _comes_directly(view: View, host: str) -> bool:
    """Whether browsers ask the load balancer itself for a customer's host: the distribution has no alias for it."""
    customers = {name for names in view.env.traffic.customer_hosts.values() for name in names}
    known = view.read_for_remedy(cloudfront.distributions, Side.GLOBAL) is not None
    found = serving(view) if known and host in customers else None
    return found is not None and not covers(found.aliases, host)


def _certificate_commands(view: View, host: str) -> tuple[str, ...]:
    """Commands that have each HTTPS listener present an issued certificate that covers the host, none without one."""
    arn = next((row.arn for row in acm.issued_certificates(view) if covers(row.names, host)), None)
    listeners = [row.arn for row in view.read_for_remedy(elbv2.listeners) or () if row.protocol == "HTTPS"]
    return tuple(
        view.command("elbv2", "AddListenerCertificates", ListenerArn=listener, Certificates=[{"CertificateArn": arn}])
        for listener in listeners
        if arn
    )
