"""Examples of the checks on the distribution, the certificates, and the tenants' names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import acm, ecs, elbv2
from dr_estate.readers.cloudfront import Origin, OriginGroup
from dr_estate.readers.route53 import CustomerHost
from tests.dr_checks.edges import (
    APEX,
    CERTIFICATE,
    CLOUDFRONT_ZONE,
    DISTRIBUTION,
    DOMAIN,
    DR_BALANCER,
    HOSTS,
    ORIGIN,
    PRIMARY,
    PRIMARY_BALANCER,
    SECONDARY,
    alias,
    certificates,
    record,
    traffic,
)
from tests.dr_checks.traffic import groups, listener, rule, rules
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, service, world

SHOP = "www.shop.example"
OWNERS = SIT.traffic.model_copy(update={"customer_hosts": {"tenant1": (SHOP,)}})
WITH_SHOP = SIT.model_copy(update={"traffic": OWNERS})
MISSPELT = SIT.traffic.model_copy(update={"customer_hosts": {"tenat1": (SHOP,)}})
TO_DR = Origin("dr", DR_BALANCER, "http-only", 2, 5)
TO_PRIMARY = Origin("pr", PRIMARY_BALANCER, "http-only", 2, 5)
BUCKET = Origin("assets", f"assets.s3.{SIT.regions.dr}.amazonaws.com", "", 3, 10)
GROUP = OriginGroup("both", ("pr", "dr"), (500, 502, 503, 504))
GROUPED = replace(DISTRIBUTION, origins=(TO_PRIMARY, TO_DR), groups=(GROUP,), target="both")
SHOP_CERTIFICATE = replace(CERTIFICATE, arn="shop", domain=SHOP, names=(SHOP,))
FIRST, SECOND = HOSTS
OF_SECOND = replace(DISTRIBUTION, id="E2", domain="d222.cloudfront.net", aliases=(SECOND.name,))
SECOND_APART = replace(SECOND, alias_target=OF_SECOND.domain)
SHOP_FIRST = record(
    SHOP, "CNAME", values=(PRIMARY_BALANCER,), set_identifier="here", failover="PRIMARY", health_check_id="hc-1"
)
SHOP_SECOND = record(
    SHOP, "CNAME", values=(DR_BALANCER,), set_identifier="away", failover="SECONDARY", health_check_id="hc-2"
)
WILDCARD = alias(SIT.traffic.distribution_alias, DOMAIN, CLOUDFRONT_ZONE, False)


def edge(check: str, expected: Status, **changed: object) -> Example:
    """An example of a check on the distribution, with its attributes changed."""
    there = (replace(DISTRIBUTION, **changed),)  # type: ignore[arg-type]  # attributes by name
    return Example(f"cloudfront.{check}", expected, world(traffic(distributions=there)))


def dark_and_none(check: str, none: Status) -> list[Example]:
    """The distribution not seen, and not there."""
    return [
        Example(f"cloudfront.{check}", Status.UNKNOWN, world(traffic(distributions=DENIED))),
        Example(f"cloudfront.{check}", none, world(traffic(distributions=()))),
        Example(f"cloudfront.{check}", none, world(traffic(distributions=(replace(DISTRIBUTION, staging=True),)))),
    ]


def held(check: str, expected: Status, *subjects: str, **places: object) -> Example:
    """An example of a certificate check, with the certificates of some places changed."""
    return Example(f"acm.{check}", expected, world(certificates(**places)), frozenset(subjects))


def second(check: str, expected: Status, *subjects: str, here: object = None, there: object = None) -> Example:
    """A second host of a tenant, which only the primary region's rules name."""
    both = (CERTIFICATE, SHOP_CERTIFICATE)
    parts = certificates(primary=there or both, dr=here or (CERTIFICATE,))
    own = (*rules(Side.PRIMARY), replace(rule(Side.PRIMARY, "tenant1", priority=9), hosts=(SHOP,)))
    shown = {(elbv2.listeners, Side.PRIMARY): (listener(Side.PRIMARY),), (elbv2.rules, Side.PRIMARY): own}
    shown |= {(elbv2.target_groups, Side.PRIMARY): groups(Side.PRIMARY)}
    return Example(f"acm.{check}", expected, world({**parts, **shown}), frozenset(subjects))


def days(number: int, **more: object) -> tuple[acm.Certificate]:
    """The certificate with so many days left."""
    return (replace(CERTIFICATE, not_after=NOW + timedelta(days=number, hours=1), **more),)  # type: ignore[arg-type]


def names(check: str, expected: Status, *records: object) -> Example:
    """An example of a check on host names, with these records beside the traffic pair."""
    return Example(f"tenants.{check}", expected, world(traffic(records=(PRIMARY, SECONDARY, *records))))


def shop(
    expected: Status, *records: object, zone: str | None = "shop.example", unavailable: Unavailable | None = None
) -> Example:
    """An example of a customer's host with these records."""
    found = unavailable or CustomerHost(SHOP, zone, records)  # type: ignore[arg-type]  # plain test values
    held_there = traffic(customer_hosts=(found,))
    return Example("tenants.customer-hosts-follow", expected, world(held_there, env=WITH_SHOP), env=WITH_SHOP)


def services(expected: Status, dr: object, tenants: tuple[str, ...] = ("tenant1", "tenant2")) -> Example:
    """An example of the tenants that the DR region holds beside the primary's."""
    return Example("tenants.none-left-over", expected, world({(ecs.services, Side.DR): dr}, tenants))


def governed(
    expected: Status, *values: str, name: str = SIT.traffic.zone, delegated: tuple[str, ...] = (), **more: object
) -> Example:
    """Certificates of the region under a CAA record with these values; some names are delegated to other servers."""
    caa = record(name, "CAA", values=values)
    certificate = (replace(CERTIFICATE, **more),)  # type: ignore[arg-type]  # attributes by name
    there = dict.fromkeys(("primary", "dr", "edge"), certificate)
    away = (record(below, "NS", values=("ns1.example.org.",)) for below in delegated)
    seen = (PRIMARY, SECONDARY, *APEX, caa, *away)
    return Example("acm.renews", expected, world(certificates(**there, records=seen)))


def unread_zone(expected: Status, **more: object) -> Example:
    """Certificates of every region, alike, while nobody may read the traffic zone."""
    certificate = (replace(CERTIFICATE, **more),)  # type: ignore[arg-type]  # attributes by name
    there = dict.fromkeys(("primary", "dr", "edge"), certificate)
    return Example("acm.renews", expected, world(certificates(**there, records=DENIED)))


ONE, TWO, THREE = (service(f"sit-tenant{n}-service") for n in (1, 2, 3))
DARK_SERVICES = world({(ecs.services, Side.PRIMARY): DENIED, (ecs.services, Side.DR): DENIED})

EXAMPLES = [
    edge("distribution-serves", Status.PASS),
    edge("distribution-serves", Status.FAIL, enabled=False),
    edge("distribution-serves", Status.WARN, status="InProgress"),
    edge("distribution-serves", Status.PASS, aliases=("other.example",)),
    edge("distribution-serves", Status.FAIL, aliases=("other.example",), origins=(TO_DR,)),
    *dark_and_none("distribution-serves", Status.FAIL),
    edge("aliases-cover", Status.PASS),
    edge("aliases-cover", Status.PASS, aliases=(SIT.traffic.distribution_alias, "extra.example")),
    edge("aliases-cover", Status.PASS, aliases=("*.kimmyai.io",)),
    *dark_and_none("aliases-cover", Status.NOT_APPLICABLE),
    edge("aliases-cover", Status.FAIL, aliases=(FIRST.name,)),
    Example(
        "cloudfront.aliases-cover",
        Status.PASS,
        world(traffic(), tenants=("tenant1", "a.b")),
        frozenset({"a.b.wpsit.kimmyai.io"}),
    ),
    edge("origin-follows", Status.PASS),
    edge("origin-follows", Status.PASS, origins=(DISTRIBUTION.origins[0], BUCKET), other_targets=("assets",)),
    edge("origin-follows", Status.PASS, origins=GROUPED.origins, groups=GROUPED.groups, target="both"),
    edge("origin-follows", Status.FAIL, origins=(TO_PRIMARY,), target="pr"),
    edge("origin-follows", Status.FAIL, origins=(*DISTRIBUTION.origins, TO_PRIMARY), other_targets=("pr",)),
    edge("origin-follows", Status.FAIL, target="missing"),
    *dark_and_none("origin-follows", Status.NOT_APPLICABLE),
    edge("origin-group", Status.NOT_APPLICABLE),
    edge("origin-group", Status.PASS, origins=GROUPED.origins, groups=GROUPED.groups),
    edge("origin-group", Status.FAIL, origins=GROUPED.origins, groups=(replace(GROUP, members=("pr", "pr")),)),
    edge("origin-group", Status.FAIL, origins=GROUPED.origins, groups=(replace(GROUP, statuses=(500,)),)),
    *dark_and_none("origin-group", Status.NOT_APPLICABLE),
    edge("speaks-https", Status.PASS),
    edge("speaks-https", Status.FAIL, certificate=""),
    edge("speaks-https", Status.FAIL, viewer_protocol="allow-all"),
    edge("speaks-https", Status.FAIL, minimum_tls="TLSv1.1_2016"),
    *dark_and_none("speaks-https", Status.NOT_APPLICABLE),
    edge("errors-forgotten", Status.PASS),
    edge("errors-forgotten", Status.UNKNOWN, errors=None),
    edge("errors-forgotten", Status.PASS, errors=((404, 86400), (503, 60))),
    edge("errors-forgotten", Status.FAIL, errors=((404, 10), (503, 61))),
    edge("errors-forgotten", Status.FAIL, errors=((500, 300),)),
    *dark_and_none("errors-forgotten", Status.NOT_APPLICABLE),
    held("issued-and-covers", Status.PASS),
    held("issued-and-covers", Status.FAIL, "tenant1.wpsit.kimmyai.io", dr=()),
    held("issued-and-covers", Status.FAIL, edge=()),
    held("issued-and-covers", Status.FAIL, dr=(replace(CERTIFICATE, status="PENDING_VALIDATION"),)),
    held("issued-and-covers", Status.FAIL, dr=(replace(CERTIFICATE, names=("*.kimmyai.io",)),)),
    held("issued-and-covers", Status.FAIL, "tenant1.wpsit.kimmyai.io", edge=(replace(CERTIFICATE, arn="another"),)),
    held("issued-and-covers", Status.UNKNOWN, dr=(DENIED,)),
    held("issued-and-covers", Status.UNKNOWN, dr=DENIED),
    Example("acm.issued-and-covers", Status.FAIL, world(certificates(), env=WITH_SHOP), frozenset({SHOP}), WITH_SHOP),
    Example(
        "acm.issued-and-covers",
        Status.PASS,
        world(certificates(primary=(CERTIFICATE, SHOP_CERTIFICATE), dr=(CERTIFICATE, SHOP_CERTIFICATE)), env=WITH_SHOP),
        env=WITH_SHOP,
    ),
    second("issued-and-covers", Status.PASS, there=(CERTIFICATE,)),
    second("issued-and-covers", Status.FAIL, SHOP),
    second("issued-and-covers", Status.PASS, here=(CERTIFICATE, SHOP_CERTIFICATE)),
    second("issued-and-covers", Status.PASS, here=(replace(CERTIFICATE, names=(*CERTIFICATE.names, SHOP)),)),
    held("days-left", Status.PASS, dr=days(30)),
    held("days-left", Status.FAIL, CERTIFICATE.domain, dr=days(29)),
    held("days-left", Status.FAIL, dr=days(-3, status="EXPIRED")),
    held("days-left", Status.PASS, dr=(CERTIFICATE, *days(2, in_use_by=()))),
    held("days-left", Status.PASS, dr=()),
    held("days-left", Status.UNKNOWN, dr=(replace(CERTIFICATE, not_after=None),)),
    held("days-left", Status.UNKNOWN, dr=DENIED),
    held("renews", Status.PASS, dr=(replace(CERTIFICATE, renewal_status="SUCCESS"),)),
    held("renews", Status.WARN, dr=(replace(CERTIFICATE, type="IMPORTED"),)),
    held("renews", Status.FAIL, dr=(replace(CERTIFICATE, renewal_status="FAILED", pending_names=("a.example",)),)),
    held("renews", Status.FAIL, CERTIFICATE.domain, dr=(replace(CERTIFICATE, renewal_status="PENDING_VALIDATION"),)),
    held("renews", Status.UNKNOWN, dr=(DENIED,)),
    governed(Status.FAIL, '0 issue "letsencrypt.org"'),
    governed(Status.FAIL, '0 issue ";"'),
    governed(Status.FAIL, '0 issue "amazon.com"', '0 issuewild "letsencrypt.org"'),
    governed(Status.FAIL, '0 issue "letsencrypt.org; validationmethods=dns-01"', '0 iodef "mailto:a@example.org"'),
    governed(Status.PASS, '0 issue "letsencrypt.org"', '0 issue "awstrust.com"'),
    governed(Status.PASS, '0 iodef "mailto:a@example.org"'),
    governed(Status.PASS, '0 issue ";"', '0 issuewild "amazon.com"', names=(f"*.{SIT.traffic.tenant_domain}",)),
    governed(Status.PASS, '0 issue "letsencrypt.org"', name=f"shop.{SIT.traffic.zone}"),
    governed(Status.PASS, '0 issue "letsencrypt.org"', type="PRIVATE"),
    governed(Status.WARN, '0 issue "letsencrypt.org"', type="IMPORTED"),
    governed(Status.UNKNOWN, '0 issue "letsencrypt.org"', delegated=(FIRST.name,), names=(FIRST.name,)),
    governed(Status.UNKNOWN, '0 issue ";"', delegated=(FIRST.name,), names=(f"*.{FIRST.name}", FIRST.name)),
    governed(Status.FAIL, '0 issue "letsencrypt.org"', delegated=(f"shop.{SIT.traffic.zone}",)),
    governed(Status.FAIL, '0 issue ";"', delegated=(FIRST.name,), names=(FIRST.name, SECOND.name)),
    governed(Status.PASS, '0 issue "amazon.com"', delegated=(FIRST.name,), names=(FIRST.name,)),
    held("renews", Status.UNKNOWN, records=DENIED),
    unread_zone(Status.FAIL, renewal_status="FAILED"),
    unread_zone(Status.FAIL, renewal_status="PENDING_VALIDATION"),
    unread_zone(Status.WARN, type="IMPORTED"),
    unread_zone(Status.PASS, type="PRIVATE"),
    held("renews", Status.PASS, dr=()),
    names("hosts-lead-to-distribution", Status.PASS, *HOSTS),
    names("hosts-lead-to-distribution", Status.PASS, WILDCARD),
    names("hosts-lead-to-distribution", Status.PASS, FIRST, record(SECOND.name, "CNAME", values=(f"{DOMAIN}.",))),
    Example(
        "tenants.hosts-lead-to-distribution",
        Status.PASS,
        world(traffic(distributions=(DISTRIBUTION, OF_SECOND), records=(PRIMARY, SECONDARY, FIRST, SECOND_APART))),
    ),
    names("hosts-lead-to-distribution", Status.FAIL, FIRST, SECOND_APART),
    names("hosts-lead-to-distribution", Status.FAIL, FIRST),
    names("hosts-lead-to-distribution", Status.FAIL, FIRST, replace(SECOND, alias_target=PRIMARY_BALANCER)),
    names("hosts-lead-to-distribution", Status.FAIL, WILDCARD, record(SECOND.name, values=("192.0.2.1",))),
    Example("tenants.hosts-lead-to-distribution", Status.UNKNOWN, world(traffic(records=DENIED))),
    Example("tenants.hosts-lead-to-distribution", Status.NOT_APPLICABLE, world(traffic(distributions=()))),
    shop(Status.PASS, record(SHOP, "CNAME", values=(f"{ORIGIN}.",))),
    shop(Status.PASS, record(SHOP, "CNAME", values=(FIRST.name,))),
    shop(Status.PASS, alias(SHOP, DOMAIN, CLOUDFRONT_ZONE, False)),
    shop(Status.PASS, replace(PRIMARY, name=SHOP), replace(SECONDARY, name=SHOP)),
    shop(Status.PASS, SHOP_FIRST, SHOP_SECOND),
    shop(Status.FAIL, SHOP_FIRST, replace(SHOP_SECOND, health_check_id=None)),
    shop(Status.WARN, zone=None),
    shop(Status.FAIL, record(SHOP, "CNAME", values=(PRIMARY_BALANCER,))),
    shop(Status.FAIL, record(SHOP, "TXT", values=("verification",))),
    shop(Status.FAIL),
    shop(Status.UNKNOWN, unavailable=DENIED),
    Example("tenants.customer-hosts-follow", Status.NOT_APPLICABLE, world(traffic())),
    Example("tenants.customers-known", Status.PASS, world({}, env=WITH_SHOP), env=WITH_SHOP),
    Example("tenants.customers-known", Status.NOT_APPLICABLE, world({})),
    Example(
        "tenants.customers-known",
        Status.FAIL,
        world({}),
        frozenset({"tenat1"}),
        SIT.model_copy(update={"traffic": MISSPELT}),
    ),
    Example("tenants.customers-known", Status.UNKNOWN, DARK_SERVICES),
    Example("tenants.unique-hosts", Status.PASS, world({}, ("tenant-1", "tenant2"))),
    Example(
        "tenants.unique-hosts", Status.FAIL, world({}, ("tenant-1", "tenant1")), frozenset({"tenant-1", "tenant1"})
    ),
    Example("tenants.unique-hosts", Status.UNKNOWN, DARK_SERVICES),
    services(Status.PASS, (ONE, TWO)),
    services(Status.PASS, (ONE, service("other-service"))),
    services(Status.FAIL, (ONE, TWO, THREE)),
    services(Status.NOT_APPLICABLE, (ONE,), tenants=()),
    services(Status.UNKNOWN, DENIED),
]
