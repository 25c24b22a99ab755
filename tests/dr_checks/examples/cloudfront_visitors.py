"""Examples of the checks of what CloudFront does with the tenants' visitors."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.readers.cloudfront import Distribution, Origin, OriginGroup
from tests.dr_checks.edges import BEHAVIOUR, DISTRIBUTION, DR_BALANCER, HOSTS, PRIMARY_BALANCER, READS, traffic
from tests.dr_checks.worlds import DENIED, SIT, Example, world

TRAFFIC_NAME = DISTRIBUTION.origins[0]
TO_PRIMARY = Origin("pr", PRIMARY_BALANCER, "http-only", 2, 5)
TO_DR = Origin("dr", DR_BALANCER, "http-only", 2, 5)
ASSETS = Origin("assets", f"assets.s3.{SIT.regions.dr}.amazonaws.com", "", 3, 10, "s3")
NOWHERE = Origin("far", "elsewhere", "", 3, 10, "vpc")
REGIONS = OriginGroup("both", ("pr", "dr"), (502, 503, 504))
NAMES = OriginGroup("both", ("platform-origin", "dr"), (502, 503, 504))
READ = replace(BEHAVIOUR, methods=READS)
HOST = HOSTS[0].name
HTTP = SIT.model_copy(update={"profile": "http"})


def for_path(pattern: str, methods: tuple[str, ...] | None = BEHAVIOUR.methods, **more: object) -> object:
    """A behaviour of its own for the pattern."""
    return replace(BEHAVIOUR, pattern=pattern, methods=methods, **more)  # type: ignore[arg-type]  # attributes by name


def posted(expected: Status, *behaviours: object, subject: str = "E1", **changed: object) -> Example:
    """The distribution has these behaviours, the default one first."""
    there = replace(DISTRIBUTION, behaviours=behaviours, **changed)  # type: ignore[arg-type]  # attributes by name
    subjects = frozenset({subject}) if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example("cloudfront-visitors.posts-admitted", expected, world(traffic(distributions=(there,))), subjects)


def own(**changed: object) -> Distribution:
    """A distribution of tenant1's host alone."""
    named = replace(DISTRIBUTION, id="E2", domain="d222.cloudfront.net", aliases=(HOST,))
    return replace(named, **changed)  # type: ignore[arg-type]  # attributes by name


def beside(expected: Status, *others: Distribution, first: Distribution = DISTRIBUTION, subject: str = HOST) -> Example:
    """Other distributions stand beside the one that serves the tenants."""
    shown = world(traffic(distributions=(first, *others)))
    subjects = frozenset({subject}) if expected is not Status.UNKNOWN else frozenset[str]()
    return Example("cloudfront-visitors.nobody-led-apart", expected, shown, subjects)


def unseen(check: str) -> list[Example]:
    """The distributions not seen, and none there."""
    found = ((Status.UNKNOWN, DENIED), (Status.NOT_APPLICABLE, ()))
    return [
        Example(f"cloudfront-visitors.{check}", status, world(traffic(distributions=there))) for status, there in found
    ]


OWN_READS = Example(
    "cloudfront-visitors.posts-admitted",
    Status.FAIL,
    world(traffic(distributions=(DISTRIBUTION, own(behaviours=(READ,))))),
    frozenset({"E2"}),
)
UNNAMING = replace(DISTRIBUTION, aliases=(f"www.{SIT.traffic.tenant_domain}",))
ALL_ORIGINS = (TRAFFIC_NAME, TO_PRIMARY, TO_DR)
IN_GROUP = replace(BEHAVIOUR, target="both")

EXAMPLES = [
    posted(Status.PASS, BEHAVIOUR),
    posted(Status.PASS, BEHAVIOUR, for_path("/wp-content/*", READS), for_path("*.css", READS)),
    posted(Status.PASS, READ, for_path("wp-login.php"), for_path("/wp-admin/*")),
    posted(Status.PASS, READ, for_path("/wp-*")),
    posted(Status.UNKNOWN, READ, for_path("/blog/*")),
    posted(Status.UNKNOWN, READ, for_path("/api/*")),
    posted(Status.PASS, BEHAVIOUR, for_path("/api/*", READS)),
    posted(Status.PASS, READ, for_path("/blog/wp-*.php"), for_path("/blog/wp-admin/*")),
    posted(Status.PASS, BEHAVIOUR, for_path("/media/*", READS, target="assets"), origins=(TRAFFIC_NAME, ASSETS)),
    posted(Status.PASS, IN_GROUP, groups=(NAMES,), origins=ALL_ORIGINS),
    posted(Status.FAIL, READ),
    posted(Status.FAIL, READ, for_path("/wp-content/*"), for_path("*.css")),
    posted(Status.FAIL, READ, for_path("wp-login.php")),
    posted(Status.FAIL, BEHAVIOUR, for_path("/wp-login.ph?", READS)),
    posted(Status.FAIL, BEHAVIOUR, for_path("*.php", READS)),
    posted(Status.FAIL, BEHAVIOUR, for_path("/wp-*", READS), for_path("wp-login.php")),
    posted(
        Status.FAIL,
        replace(BEHAVIOUR, target="assets"),
        for_path("/shop/*", READS),
        origins=(TRAFFIC_NAME, ASSETS),
    ),
    posted(Status.NOT_APPLICABLE, replace(BEHAVIOUR, target="assets"), origins=(TRAFFIC_NAME, ASSETS)),
    posted(Status.FAIL, IN_GROUP, groups=(REGIONS,), origins=ALL_ORIGINS),
    posted(Status.UNKNOWN, replace(BEHAVIOUR, methods=None)),
    posted(Status.UNKNOWN),
    OWN_READS,
    Example(
        "cloudfront-visitors.posts-admitted",
        Status.NOT_APPLICABLE,
        world(traffic(distributions=(replace(DISTRIBUTION, behaviours=(READ,)),)), env=HTTP),
        env=HTTP,
    ),
    *unseen("posts-admitted"),
    beside(Status.PASS, subject="E1"),
    beside(Status.PASS, own(aliases=("elsewhere.example",), origins=(TO_PRIMARY,), target="pr"), subject="E1"),
    beside(Status.PASS, own(enabled=False, origins=(TO_PRIMARY,), target="pr"), subject="E1"),
    beside(Status.PASS, own(staging=True, origins=(TO_PRIMARY,), target="pr"), subject="E1"),
    beside(Status.PASS, own(aliases=("*.kimmyai.io",), origins=(TO_PRIMARY,), target="pr"), subject="E1"),
    beside(Status.FAIL, own(aliases=("*.kimmyai.io",), origins=(TO_PRIMARY,), target="pr"), first=UNNAMING),
    beside(Status.PASS, own()),
    beside(Status.PASS, own(origins=(ASSETS,), target="assets")),
    beside(Status.PASS, own(countries=("whitelist", "ZA")), first=replace(DISTRIBUTION, countries=("whitelist", "ZA"))),
    beside(Status.PASS, own(countries=None), first=replace(DISTRIBUTION, countries=("whitelist", "ZA"))),
    beside(Status.WARN, own(countries=("whitelist", "ZA"))),
    beside(Status.WARN, own(), first=replace(DISTRIBUTION, countries=("blacklist", "KP"))),
    beside(Status.WARN, own(origins=(replace(TRAFFIC_NAME, ports=(8080, 443)),))),
    beside(Status.WARN, own(), first=replace(DISTRIBUTION, origins=(replace(TRAFFIC_NAME, headers=(("x-s", "d"),)),))),
    beside(Status.FAIL, own(origins=(TO_PRIMARY,), target="pr")),
    beside(Status.FAIL, own(origins=(TO_PRIMARY, TRAFFIC_NAME), other_targets=("pr",))),
    beside(Status.FAIL, DISTRIBUTION, first=own(origins=(TO_PRIMARY,), target="pr")),
    beside(Status.UNKNOWN, own(origins=(NOWHERE,), target="far")),
    *unseen("nobody-led-apart"),
]
