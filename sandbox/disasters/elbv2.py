"""Load balancers that would not take, keep or find the traffic (T07, T11, T20).

Tenants' sites that fail, crawl, or show somebody else behind the DR region's load balancer.
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World

_HOUR_S = "3600"
# A port as text: HealthCheckPort may be "traffic-port" too.
_NOBODY_LISTENS = "9999"
_OTHER_PORT = 8443
_UNITS = 500
_SLOW_S = 6.0
_UNUSED_GROUP = (  # no rule forwards to the tenant's own group any more
    "elbv2-routing.host-rules",
    "elbv2-routing.target-groups",
    "elbv2-routing.healthy-targets",
)
_ERROR = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "Maintenance"}


def balancer_of(world: World, side: Side) -> dict[str, Any]:
    """Return the environment's load balancer as DescribeLoadBalancers reports it."""
    name = world.environment.named(world.environment.names.load_balancer)
    return dict(world.call(side, "elbv2", "DescribeLoadBalancers", Names=[name])["LoadBalancers"][0])


def _listener(world: World, protocol: str) -> dict[str, Any]:
    arn = balancer_of(world, Side.DR)["LoadBalancerArn"]
    found = world.call(Side.DR, "elbv2", "DescribeListeners", LoadBalancerArn=arn)["Listeners"]
    return next(dict(listener) for listener in found if listener["Protocol"] == protocol)


def _modify_listener(world: World, listener: dict[str, Any], **changes: Any) -> None:
    # ModifyListener leaves what is not named as it is; all that may change is named for the way back.
    settings = {"Port": listener["Port"], "DefaultActions": listener["DefaultActions"]}
    settings |= {
        "Certificates": [
            {"CertificateArn": certificate["CertificateArn"]} for certificate in listener.get("Certificates", [])
        ]
    }
    arn = listener["ListenerArn"]
    world.undo(Side.DR, "elbv2", "ModifyListener", ListenerArn=arn, **settings)
    world.call(Side.DR, "elbv2", "ModifyListener", ListenerArn=arn, **(settings | changes))


def _attribute(world: World, side: Side, key: str, value: str) -> None:
    arn = balancer_of(world, side)["LoadBalancerArn"]
    attributes = world.call(side, "elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn)["Attributes"]
    before = next(attribute["Value"] for attribute in attributes if attribute["Key"] == key)
    for turn, setting in ((world.undo, before), (world.call, value)):
        change = {"LoadBalancerArn": arn, "Attributes": [{"Key": key, "Value": setting}]}
        turn(side, "elbv2", "ModifyLoadBalancerAttributes", **change)


@disaster("alb-failed", "The load balancer of the DR region failed to be set up", trips=("elbv2.active",))
def failed(world: World) -> None:
    """Let the DR load balancer's state be failed."""
    arn = balancer_of(world, Side.DR)["LoadBalancerArn"]
    # The state follows from the set-up at AWS: no call brings it about.
    world.alter(Side.DR, "elbv2", ["load_balancers", arn], state="failed")


@disaster(
    "alb-other-addresses",
    "The load balancer of the DR region answers on IPv6 too, the primary region's does not",
    trips=("elbv2.alike",),
)
def other_addresses(world: World) -> None:
    """Make the DR load balancer dual-stack."""
    arn = balancer_of(world, Side.DR)["LoadBalancerArn"]
    for turn, kind in ((world.undo, "ipv4"), (world.call, "dualstack")):
        turn(Side.DR, "elbv2", "SetIpAddressType", LoadBalancerArn=arn, IpAddressType=kind)


disaster(
    "alb-keep-alive-default",
    "The primary's load balancer keeps idle clients for an hour, as it does by default",
    trips=("elbv2.keep-alive",),
    # Set the client keep-alive back to its default (T11).
    # 3600 is the default of the attribute (ELB guide, HTTP client keepalive duration).
    run=lambda world: _attribute(world, Side.PRIMARY, "client_keep_alive.seconds", _HOUR_S),
)

disaster(
    "alb-unprotected",
    "The load balancer of the DR region may be deleted by anyone's clean-up",
    trips=("elbv2.deletion-protection",),
    run=lambda world: _attribute(world, Side.DR, "deletion_protection.enabled", "false"),
)


@disaster(
    "alb-wrong-certificate",
    "The HTTPS listener of the DR region presents somebody else's certificate",
    trips=("elbv2.listener-certificates",),
    consequences=("sites.handshake-accepted",),
)
def wrong_certificate(world: World) -> None:
    """Let the listener present a certificate of another domain (T20)."""
    listener = _listener(world, "HTTPS")
    other = world.call(Side.DR, "acm", "RequestCertificate", DomainName="www.example.org", ValidationMethod="DNS")[
        "CertificateArn"
    ]
    world.undo(Side.DR, "acm", "DeleteCertificate", CertificateArn=other)
    _modify_listener(world, listener, Certificates=[{"CertificateArn": other}])


disaster(
    "alb-other-port",
    "The load balancer of the DR region listens for HTTPS on another port",
    trips=("elbv2-routing.listeners",),
    consequences=("sites.handshake-accepted",),
    run=lambda world: _modify_listener(world, _listener(world, "HTTPS"), Port=_OTHER_PORT),
)


@disaster(
    "alb-certificates-demanded",
    "The HTTPS listener of the DR region demands a certificate of every client",
    trips=("elbv2-routing.listeners",),
)
def certificates_demanded(world: World) -> None:
    """Let the listener verify certificates of clients, which browsers have none of."""
    # The emulator has no trust stores: an ARN of one is enough.
    arn, store = _listener(world, "HTTPS")["ListenerArn"], "arn:aws:elasticloadbalancing:{}:{}:truststore/staff/1"
    trusted = store.format(world.environment.regions.dr, world.environment.account)
    world.undo(Side.DR, "elbv2", "ModifyListener", ListenerArn=arn, MutualAuthentication={"Mode": "off"})
    wanted = {"Mode": "verify", "TrustStoreArn": trusted}
    world.call(Side.DR, "elbv2", "ModifyListener", ListenerArn=arn, MutualAuthentication=wanted)


@disaster(
    "alb-default-refuses",
    "The load balancer of the DR region answers unknown hosts with an error",
    trips=("elbv2-routing.default-action",),
    consequences=("health-checks.healthy-now",),
)
def default_refuses(world: World) -> None:
    """Let the default action of the HTTP listener answer 503."""
    refusal = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "unavailable"}
    action = {"Type": "fixed-response", "FixedResponseConfig": refusal}
    _modify_listener(world, _listener(world, "HTTP"), DefaultActions=[action])


@disaster(
    "alb-rule-deleted",
    "One tenant's host rule is missing on the load balancer of the DR region",
    trips=("elbv2-routing.host-rules",),
    consequences=("sites.own-identity",),
)
def rule_deleted(world: World) -> None:
    """Delete the last tenant's rule from the HTTP listener: the default action answers in its place."""
    env = world.environment
    name = env.named(env.names.target_group, tenant=world.tenants[-1])
    group = world.call(Side.DR, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"][0]["TargetGroupArn"]
    arn = _listener(world, "HTTP")["ListenerArn"]
    pages = world.client("elbv2", env.regions.dr).get_paginator("describe_rules").paginate(ListenerArn=arn)
    rules = [rule for page in pages for rule in page["Rules"]]
    rule = next(candidate for candidate in rules if candidate["Actions"][0].get("TargetGroupArn") == group)
    hosts = [host for condition in rule["Conditions"] for host in condition["HostHeaderConfig"]["Values"]]
    # A rule made again has another ARN, and the same priority, conditions and tags.
    world.undo(
        Side.DR,
        "elbv2",
        "CreateRule",
        ListenerArn=arn,
        Priority=int(rule["Priority"]),
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": hosts}}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
        Tags=world.call(Side.DR, "elbv2", "DescribeTags", ResourceArns=[rule["RuleArn"]])["TagDescriptions"][0]["Tags"],
    )
    world.call(Side.DR, "elbv2", "DeleteRule", RuleArn=rule["RuleArn"])


@disaster(
    "alb-staff-only",
    "Visitors of one tenant must sign in at the DR region's load balancer, as after a test by staff alone",
    trips=("elbv2-routing.host-rules",),
)
def staff_only(world: World) -> None:
    """Put a sign-in before the rule of the last tenant at the HTTPS listener."""
    name = world.environment.named(world.environment.names.target_group, tenant=world.tenants[-1])
    group = world.call(Side.DR, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"][0]["TargetGroupArn"]
    arn = _listener(world, "HTTPS")["ListenerArn"]
    pages = (
        world.client("elbv2", world.environment.regions.dr).get_paginator("describe_rules").paginate(ListenerArn=arn)
    )
    rules = [rule for page in pages for rule in page["Rules"]]
    rule = next(row for row in rules if row["Actions"][0].get("TargetGroupArn") == group)["RuleArn"]
    parts = ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint")
    people = {**dict.fromkeys(parts, "https://people.example.org"), "ClientId": "staff", "ClientSecret": "secret"}
    forward = {"Type": "forward", "Order": 2, "TargetGroupArn": group}
    # Authentication comes before the forward, and on HTTPS listeners alone (ELB guide, authenticate users).
    first = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": people}
    world.undo(Side.DR, "elbv2", "ModifyRule", RuleArn=rule, Actions=[{"Type": "forward", "TargetGroupArn": group}])
    world.call(Side.DR, "elbv2", "ModifyRule", RuleArn=rule, Actions=[first, forward])


disaster(
    "alb-health-path-changed",
    "One tenant's target group in the DR region checks another path than the primary region's",
    trips=("elbv2-routing.target-groups",),
    run=lambda world: _modify_group(world, HealthCheckPath="/status-of-old"),
)

disaster(
    "alb-targets-unhealthy",
    "No task of one tenant passes its health check in the DR region",
    trips=("elbv2-routing.healthy-targets", "elbv2-routing.target-groups"),
    consequences=("sites.every-site-answers",),
    run=lambda world: _modify_group(world, HealthCheckPort=_NOBODY_LISTENS),
)


def _modify_group(world: World, **changes: str) -> None:
    name = world.environment.named(world.environment.names.target_group, tenant=world.tenants[-1])
    group = world.call(Side.DR, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"][0]
    for turn, values in ((world.undo, {key: group[key] for key in changes}), (world.call, changes)):
        turn(Side.DR, "elbv2", "ModifyTargetGroup", TargetGroupArn=group["TargetGroupArn"], **values)


@disaster(
    "alb-sessions-forgotten",
    "One tenant's target group in the DR region does not keep a visitor's session at one task",
    trips=("elbv2-attributes.alike",),
)
def sessions_forgotten(world: World) -> None:
    """Switch stickiness on for the last tenant's target group of the primary region alone."""
    name = world.environment.named(world.environment.names.target_group, tenant=world.tenants[-1])
    group = world.call(Side.PRIMARY, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"][0]["TargetGroupArn"]
    for turn, value in ((world.undo, "false"), (world.call, "true")):
        sticks = [{"Key": "stickiness.enabled", "Value": value}]
        turn(Side.PRIMARY, "elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=group, Attributes=sticks)


@disaster(
    "alb-not-warmed",
    "Capacity was reserved for the primary region's load balancer before a campaign, and not for the DR region's",
    trips=("elbv2-capacity.reserved-alike",),
)
def not_warmed(world: World) -> None:
    """Reserve capacity units in the primary region alone."""
    arn = balancer_of(world, Side.PRIMARY)["LoadBalancerArn"]
    which = {"LoadBalancerArn": arn}
    world.undo(Side.PRIMARY, "elbv2", "ModifyCapacityReservation", ResetCapacityReservation=True, **which)
    units = {"CapacityUnits": _UNITS}
    world.call(Side.PRIMARY, "elbv2", "ModifyCapacityReservation", MinimumLoadBalancerCapacity=units, **which)


disaster(
    "alb-unguarded",
    "The web ACL of the primary region's load balancer has no counterpart in the DR region",
    trips=("elbv2-web-acl.alike",),
    run=lambda world: _give_web_acl(world, Side.PRIMARY, "Allow"),
)

disaster(
    "alb-turns-all-away",
    "The DR region's load balancer got a web ACL that blocks what no rule lets in, and it has no rule",
    trips=("elbv2-web-acl.admits",),
    consequences=("elbv2-web-acl.alike",),
    run=lambda world: _give_web_acl(world, Side.DR, "Block"),
)


def _give_web_acl(world: World, side: Side, default: str) -> None:
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "edge"}
    named = {"Name": "edge", "Scope": "REGIONAL", "DefaultAction": {default: {}}, "Rules": [], "VisibilityConfig": seen}
    created = world.call(side, "wafv2", "CreateWebACL", **named)["Summary"]
    arn = balancer_of(world, side)["LoadBalancerArn"]
    # A change of the ACL would make another token; an association makes none.
    ends = {"Name": "edge", "Scope": "REGIONAL", "Id": created["Id"], "LockToken": created["LockToken"]}
    world.undo(side, "wafv2", "DeleteWebACL", **ends)
    # Recorded last, so replayed first: WAF deletes no ACL that is in use (API_DeleteWebACL).
    world.undo(side, "wafv2", "DisassociateWebACL", ResourceArn=arn)
    world.call(side, "wafv2", "AssociateWebACL", WebACLArn=created["ARN"], ResourceArn=arn)


@disaster(
    "targets-slowly-healthy",
    "One tenant's targets in the DR region must pass ten checks, one each five minutes",
    trips=("elbv2-recovery.soon-healthy",),
)
def targets_slowly_healthy(world: World) -> None:
    """Set the longest interval and the highest threshold for the last tenant's target group."""
    name = world.environment.named(world.environment.names.target_group, tenant=world.tenants[-1])
    group = world.call(Side.DR, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"][0]
    # The most of each that ELB takes (API_ModifyTargetGroup): fifty minutes until a target serves.
    slow = {"HealthCheckIntervalSeconds": 300, "HealthyThresholdCount": 10}
    for turn, settings in ((world.undo, {key: group[key] for key in slow}), (world.call, slow)):
        turn(Side.DR, "elbv2", "ModifyTargetGroup", TargetGroupArn=group["TargetGroupArn"], **settings)


def _act(world: World, tenant: str, action: dict[str, Any]) -> None:
    """Give the tenant's rule another action on every listener of the DR region."""
    group = _group(world, tenant)
    balancer = balancer_of(world, Side.DR)["LoadBalancerArn"]
    for listener in world.call(Side.DR, "elbv2", "DescribeListeners", LoadBalancerArn=balancer)["Listeners"]:
        rules = world.call(Side.DR, "elbv2", "DescribeRules", ListenerArn=listener["ListenerArn"])["Rules"]
        for rule in rules:
            # A tenant has a rule on each listener, of HTTP and HTTPS.
            if rule["Actions"][0].get("TargetGroupArn") == group:
                before = [{"Type": "forward", "TargetGroupArn": group}]
                world.undo(Side.DR, "elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Actions=before)
                world.call(Side.DR, "elbv2", "ModifyRule", RuleArn=rule["RuleArn"], Actions=[action])


def _group(world: World, tenant: str) -> str:
    name = world.environment.named(world.environment.names.target_group, tenant=tenant)
    found = world.call(Side.DR, "elbv2", "DescribeTargetGroups", Names=[name])["TargetGroups"]
    return str(found[0]["TargetGroupArn"])


disaster(
    "site-in-maintenance",
    "One tenant's rule in the DR region still answers with a maintenance page",
    trips=("sites.every-site-answers",),
    consequences=_UNUSED_GROUP,
    run=lambda world: _act(world, world.tenants[-1], {"Type": "fixed-response", "FixedResponseConfig": _ERROR}),
)


@disaster(
    "site-of-somebody-else",
    "One tenant's rule in the DR region leads to another tenant's site",
    trips=("sites.own-identity",),
    consequences=_UNUSED_GROUP,
)
def of_somebody_else(world: World) -> None:
    """Forward the last tenant's host to the first tenant's target group."""
    _act(world, world.tenants[-1], {"Type": "forward", "TargetGroupArn": _group(world, world.tenants[0])})


@disaster(
    "sites-crawl",
    "The sites of the DR region take seconds to answer: their database is on another continent",
    trips=("sites.in-good-time",),
)
def crawl(world: World) -> None:
    """Slow every visit of the DR region down."""
    world.outage(Side.DR, "slow", service="sites", seconds=_SLOW_S)
