"""Examples of the checks that the distribution forwards the host, reaches its origins and sends their header."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.cloudfront import HostPolicy, Origin
from tests.dr_checks.edges import ALL_VIEWER, BEHAVIOUR, DISTRIBUTION, NO_CACHE, traffic
from tests.dr_checks.traffic import group
from tests.dr_checks.worlds import DENIED, SIT, Example, world

EXCEPT_HOST = HostPolicy("p-all", "AllViewerExceptHostHeader", forwards_host=False)
OF_A_NEW_KIND = HostPolicy("p-all", "newer than this version", forwards_host=None)
KEYED = HostPolicy("p-cache", "UseOriginCacheControlHeaders", forwards_host=True)
BARE = replace(BEHAVIOUR, request_policy="", cache_policy="")
UPLOADS = replace(BEHAVIOUR, pattern="/uploads/*", target="assets", request_policy="", cache_policy="p-cache")
ASSETS = Origin("assets", f"assets.s3.{SIT.regions.dr}.amazonaws.com", "", 3, 10, "s3")
PAGES = replace(UPLOADS, pattern="/pages/*", target="platform-origin")


def given(expected: Status, subject: str = "", **changed: object) -> Example:
    """An example with the distribution's behaviours, or the policies, changed."""
    policies = changed.pop("policies", (ALL_VIEWER, NO_CACHE))
    none_or_unseen = changed.pop("there", None)
    one_there = (replace(DISTRIBUTION, **changed),)  # type: ignore[arg-type]  # attributes by name
    there = one_there if none_or_unseen is None else none_or_unseen
    shown = world(traffic(distributions=there, host_policies=policies))
    return Example("cloudfront-routing.forwards-host", expected, shown, frozenset([subject] if subject else []))


TRAFFIC_NAME = DISTRIBUTION.origins[0]
ANSWER = elbv2.ListenerAction("fixed-response", (), "")


def reached(expected: Status, *ports: int, there: object = None, seen: object = None, **origin: object) -> Example:
    """The DR region's load balancer listens on ``ports``; the distribution's origin is changed by ``origin``."""
    policy = str(origin.pop("policy", ""))
    changed = replace(TRAFFIC_NAME, **origin)  # type: ignore[arg-type]  # attributes by name
    distributions = (replace(DISTRIBUTION, origins=(changed,)),) if there is None else there
    listening = tuple(elbv2.Listener(f"l-{port}", port, "HTTP", policy, (), ANSWER) for port in ports)
    values = traffic(distributions=distributions)
    shown = world({**values, (elbv2.listeners, Side.DR): listening if seen is None else seen})
    subjects = frozenset({TRAFFIC_NAME.id}) if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example("cloudfront-routing.origin-reached", expected, shown, subjects)


SECRET = "x-origin-secret"
TENANTS_GROUP = group(Side.DR, "tenant1")
GROUP = TENANTS_GROUP.name


def demanded(
    expected: Status, *rules: elbv2.ListenerRule, sent: object = ((SECRET, "new"),), seen: object = None
) -> Example:
    """The DR region's HTTP listener has ``rules`` for tenant1; CloudFront adds the headers ``sent``."""
    changed = (replace(DISTRIBUTION, origins=(replace(TRAFFIC_NAME, headers=sent),)),)  # type: ignore[arg-type]
    listening = (elbv2.Listener("l-80", 80, "HTTP", "", (), ANSWER), elbv2.Listener("l-443", 443, "", "", (), ANSWER))
    values = traffic(distributions=changed)
    shown = world(
        {
            **values,
            (elbv2.listeners, Side.DR): listening,
            (elbv2.rules, Side.DR): rules if seen is None else seen,
            (elbv2.target_groups, Side.DR): (TENANTS_GROUP,),
        }
    )
    subjects = frozenset({GROUP}) if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example("cloudfront-routing.header-sent", expected, shown, subjects)


def rule(*demands: elbv2.HeaderDemand, listener: str = "l-80") -> elbv2.ListenerRule:
    """A rule that leads to tenant1's group where its demands are met."""
    leads = elbv2.ListenerAction("forward", (TENANTS_GROUP.arn,), "")
    return elbv2.ListenerRule(listener, 1, ("*",), 1 + len(demands), leads, demands=demands)


WANTS_NEW, WANTS_OLD = elbv2.HeaderDemand(SECRET, ("new",)), elbv2.HeaderDemand(SECRET, ("old",))

EXAMPLES = [
    demanded(Status.PASS, rule(WANTS_NEW)),
    demanded(Status.PASS, rule(elbv2.HeaderDemand(SECRET, ("new", "old")))),
    demanded(Status.PASS, rule(WANTS_OLD), rule(WANTS_NEW)),
    demanded(Status.FAIL, rule(WANTS_OLD)),
    demanded(Status.FAIL, rule(WANTS_OLD), rule(listener="l-443")),
    demanded(Status.FAIL, rule(WANTS_NEW), sent=()),
    demanded(Status.FAIL, rule(WANTS_NEW, elbv2.HeaderDemand("x-other", ("new",)))),
    demanded(Status.UNKNOWN, rule(elbv2.HeaderDemand(SECRET, (), patterned=True))),
    demanded(Status.UNKNOWN, rule(WANTS_NEW, elbv2.HeaderDemand("user-agent", ("new",)))),
    demanded(Status.UNKNOWN, seen=DENIED),
    demanded(Status.NOT_APPLICABLE, rule(WANTS_OLD), rule()),
    demanded(Status.NOT_APPLICABLE, rule()),
    reached(Status.PASS, 80, 443),
    reached(Status.WARN, 80, 443, path="/site"),
    reached(Status.PASS, 8080, protocol_policy="http-only", ports=(8080, 443)),
    reached(Status.PASS, 443, protocol_policy="match-viewer"),
    reached(Status.FAIL, 80, protocol_policy="https-only"),
    reached(Status.FAIL, 80, protocol_policy="match-viewer"),
    reached(Status.FAIL, 443),
    reached(Status.FAIL, 443, protocol_policy="https-only", policy="ELBSecurityPolicy-TLS13-1-3-2021-06"),
    reached(Status.FAIL, 443, protocol_policy="match-viewer", policy="ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04"),
    reached(Status.PASS, 443, protocol_policy="https-only", policy="ELBSecurityPolicy-TLS13-1-2-2021-06"),
    reached(Status.FAIL),
    reached(Status.UNKNOWN, 80, seen=DENIED),
    reached(Status.UNKNOWN, 80, there=DENIED),
    reached(Status.NOT_APPLICABLE, 80, there=()),
    reached(Status.NOT_APPLICABLE, 80, domain="elsewhere.example"),
    given(Status.PASS, BEHAVIOUR.pattern),
    given(Status.PASS, policies=(EXCEPT_HOST, KEYED)),
    given(Status.PASS, behaviours=(replace(BARE, forwards_host=True),), policies=()),
    given(Status.PASS, behaviours=(BEHAVIOUR, UPLOADS), origins=(*DISTRIBUTION.origins, ASSETS)),
    given(Status.FAIL, BEHAVIOUR.pattern, policies=(EXCEPT_HOST, NO_CACHE)),
    given(Status.FAIL, BEHAVIOUR.pattern, behaviours=(BARE,), policies=()),
    given(Status.FAIL, PAGES.pattern, behaviours=(BEHAVIOUR, PAGES)),
    given(Status.UNKNOWN, behaviours=()),
    given(Status.UNKNOWN, policies=(OF_A_NEW_KIND, NO_CACHE)),
    given(Status.UNKNOWN, policies=(DENIED, NO_CACHE)),
    given(Status.UNKNOWN, policies=DENIED),
    given(Status.UNKNOWN, policies=(EXCEPT_HOST, NO_CACHE), behaviours=(replace(BEHAVIOUR, functions=True),)),
    given(Status.UNKNOWN, there=DENIED),
    given(Status.NOT_APPLICABLE, there=()),
]
