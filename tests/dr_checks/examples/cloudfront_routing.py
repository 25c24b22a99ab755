"""Examples of the check that the distribution tells the load balancers which host was asked for."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.cloudfront import HostPolicy, Origin
from tests.dr_checks.edges import ALL_VIEWER, BEHAVIOUR, DISTRIBUTION, NO_CACHE, traffic
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
    changed = replace(TRAFFIC_NAME, **origin)  # type: ignore[arg-type]  # attributes by name
    distributions = (replace(DISTRIBUTION, origins=(changed,)),) if there is None else there
    listening = tuple(elbv2.Listener(f"l-{port}", port, "HTTP", "", (), ANSWER) for port in ports)
    values = traffic(distributions=distributions)
    shown = world({**values, (elbv2.listeners, Side.DR): listening if seen is None else seen})
    subjects = frozenset({TRAFFIC_NAME.id}) if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example("cloudfront-routing.origin-reached", expected, shown, subjects)


EXAMPLES = [
    reached(Status.PASS, 80, 443),
    reached(Status.PASS, 8080, protocol_policy="http-only", ports=(8080, 443)),
    reached(Status.PASS, 443, protocol_policy="match-viewer"),
    reached(Status.FAIL, 80, protocol_policy="https-only"),
    reached(Status.FAIL, 80, protocol_policy="match-viewer"),
    reached(Status.FAIL, 443),
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
