"""Examples of the check that the distribution tells the load balancers which host was asked for."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
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


EXAMPLES = [
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
