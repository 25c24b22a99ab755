"""Examples of the load balancer checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import acm, cloudfront, elbv2
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.edges import DISTRIBUTION, ORIGIN
from tests.dr_checks.traffic import balanced, balancer, listener
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example

HERE, THERE = (elbv2.load_balancer, Side.DR), (elbv2.load_balancer, Side.PRIMARY)
ALB = frozenset({"sit-alb"})


def _dr(**changes: Any) -> Snapshot:
    return balanced({HERE: balancer(Side.DR, **changes)})


def _attributes(**changes: str) -> Snapshot:
    pairs = {"client_keep_alive.seconds": "60", "deletion_protection.enabled": "true"}
    return _dr(attributes=tuple((pairs | {key.replace("__", "."): value for key, value in changes.items()}).items()))


def _treated(here: str, there: str, key: str = "routing.http.desync_mitigation_mode") -> Snapshot:
    """How odd requests, or what ``key`` says, are treated in both regions."""
    modes = {HERE: here, THERE: there}
    return balanced({place: balancer(place[1], attributes=((key, mode),)) for place, mode in modes.items()})


def certificate(arn: str, *names: str, status: str = "ISSUED") -> acm.Certificate:
    return acm.Certificate(arn, names[0], names, status, "AMAZON_ISSUED", NOW, (), "ELIGIBLE", "", ())


WILDCARD = certificate("arn:1", "*.wpsit.kimmyai.io")


def _secure(*certificates: Any, attached: tuple[str, ...] = ("arn:1",)) -> Snapshot:
    return balanced(
        {
            (elbv2.listeners, Side.DR): (listener(Side.DR), listener(Side.DR, 443, certificates=attached)),
            (acm.certificates, Side.DR): certificates,
        }
    )


def _fetched(policy: str, name: str) -> Snapshot:
    """The listener's certificate is of this name, and the distribution asks its origin by this policy."""
    origins = tuple(replace(origin, protocol_policy=policy) for origin in DISTRIBUTION.origins)
    values = {
        (elbv2.listeners, Side.DR): (listener(Side.DR, 443, certificates=("arn:1",)),),
        (acm.certificates, Side.DR): (certificate("arn:1", name),),
        (cloudfront.distributions, Side.GLOBAL): (replace(DISTRIBUTION, origins=origins),),
    }
    return balanced(values)


UNDISTRIBUTED = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"distribution_alias": ""})})


SHOP = "shop.example.org"
CUSTOMERS = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"customer_hosts": {"tenant1": (SHOP,)}})})


def _on_ports(attached: dict[int, str]) -> Snapshot:
    """HTTPS listeners with one certificate each, of which the wildcard is arn:1."""
    rows = tuple(listener(Side.DR, port, certificates=(arn,)) for port, arn in attached.items())
    return balanced({(elbv2.listeners, Side.DR): rows, (acm.certificates, Side.DR): (WILDCARD,)})


def _policies(here: str, there: str) -> Snapshot:
    """An HTTPS listener on each side, with these TLS policies."""
    sides = {Side.DR: here, Side.PRIMARY: there}
    rows = {side: replace(listener(side, 443, certificates=("arn:1",)), policy=name) for side, name in sides.items()}
    return balanced({(elbv2.listeners, side): (row,) for side, row in rows.items()})


EXAMPLES = [
    Example("elbv2.active", Status.PASS, balanced()),
    Example("elbv2.active", Status.FAIL, balanced({HERE: None}), ALB),
    Example("elbv2.active", Status.FAIL, _dr(state="provisioning"), ALB),
    Example("elbv2.active", Status.WARN, _dr(state="active_impaired"), ALB),
    Example("elbv2.active", Status.UNKNOWN, _dr(state="a-new-word"), ALB),
    Example("elbv2.active", Status.FAIL, _dr(zones=("a",)), ALB),
    Example("elbv2.active", Status.UNKNOWN, balanced({HERE: DENIED})),
    Example("elbv2.alike", Status.PASS, balanced()),
    Example("elbv2.alike", Status.FAIL, _dr(scheme="internal"), ALB),
    Example("elbv2.alike", Status.FAIL, _dr(address_type="dualstack"), ALB),
    Example("elbv2.alike", Status.WARN, _attributes(idle_timeout__timeout_seconds="5"), ALB),
    Example("elbv2.alike", Status.PASS, _treated("120", "60", "idle_timeout.timeout_seconds")),
    Example("elbv2.alike", Status.WARN, _treated("30", "60", "idle_timeout.timeout_seconds"), ALB),
    Example("elbv2.alike", Status.WARN, _treated("strictest", "defensive"), ALB),
    Example("elbv2.alike", Status.PASS, _treated("defensive", "defensive")),
    Example("elbv2.alike", Status.PASS, _treated("defensive", "")),
    Example("elbv2.alike", Status.PASS, _policies("old", "old")),
    Example("elbv2.alike", Status.WARN, _policies("new", "old"), frozenset({"sit-alb HTTPS:443"})),
    *(
        Example("elbv2.alike", expected, _policies(f"ELBSecurityPolicy-{here}", f"ELBSecurityPolicy-{there}"))
        for here, there, expected in (
            ("TLS13-1-2-Res-2021-06", "TLS13-1-2-2021-06", Status.PASS),
            ("TLS13-1-2-Res-PQ-2025-09", "TLS13-1-2-Ext2-2021-06", Status.PASS),
            ("TLS13-1-2-2021-06", "TLS-1-1-2017-01", Status.PASS),
            ("TLS13-1-2-Ext1-2021-06", "TLS13-1-2-2021-06", Status.WARN),
            ("TLS-1-2-2017-01", "TLS13-1-2-2021-06", Status.WARN),
            ("TLS13-1-0-2021-06", "TLS13-1-2-2021-06", Status.WARN),
            ("TLS13-1-3-2021-06", "TLS13-1-2-2021-06", Status.WARN),
            ("2016-08", "TLS13-1-2-2021-06", Status.WARN),
        )
    ),
    Example("elbv2.alike", Status.NOT_APPLICABLE, balanced({HERE: None})),
    Example("elbv2.alike", Status.UNKNOWN, balanced({THERE: DENIED})),
    Example("elbv2.keep-alive", Status.PASS, balanced()),
    Example("elbv2.keep-alive", Status.PASS, _attributes(client_keep_alive__seconds="120")),
    Example("elbv2.keep-alive", Status.FAIL, _attributes(client_keep_alive__seconds="121"), ALB),
    Example("elbv2.keep-alive", Status.FAIL, balanced({THERE: balancer(Side.PRIMARY, attributes=())}), ALB),
    Example(
        "elbv2.keep-alive",
        Status.NOT_APPLICABLE,
        balanced({side: balancer(side[1], attributes=(), type="network") for side in (HERE, THERE)}),
    ),
    Example("elbv2.keep-alive", Status.UNKNOWN, balanced({THERE: DENIED})),
    Example("elbv2.deletion-protection", Status.PASS, balanced()),
    Example("elbv2.deletion-protection", Status.FAIL, _attributes(deletion_protection__enabled="false"), ALB),
    Example("elbv2.deletion-protection", Status.UNKNOWN, balanced({HERE: DENIED})),
    Example("elbv2.listener-certificates", Status.PASS, _secure(WILDCARD)),
    Example("elbv2.listener-certificates", Status.NOT_APPLICABLE, balanced()),
    Example("elbv2.listener-certificates", Status.PASS, _secure(WILDCARD, DENIED)),
    Example("elbv2.listener-certificates", Status.FAIL, _secure(WILDCARD, attached=("arn:2",))),
    Example(
        "elbv2.listener-certificates",
        Status.FAIL,
        _secure(certificate("arn:1", "tenant1.wpsit.kimmyai.io")),
        frozenset({"tenant2.wpsit.kimmyai.io"}),
    ),
    Example(
        "elbv2.listener-certificates",
        Status.FAIL,
        _secure(certificate("arn:1", "*.wpsit.kimmyai.io", status="EXPIRED")),
    ),
    # CloudFront takes the origin's own name for the host's, where it asks by TLS.
    *(
        Example(
            "elbv2.listener-certificates", Status.FAIL, _fetched(policy, name), frozenset({"tenant1.wpsit.kimmyai.io"})
        )
        for policy, name in (
            ("https-only", "other.example.org"),
            ("match-viewer", "other.example.org"),
            ("http-only", "other.example.org"),
            ("https-only", ORIGIN),
        )
    ),
    Example("elbv2.listener-certificates", Status.FAIL, _secure(WILDCARD, attached=("arn:2",)), env=UNDISTRIBUTED),
    # A customer's visitors ask the load balancer itself.
    Example(
        "elbv2.listener-certificates", Status.FAIL, _fetched("http-only", WILDCARD.domain), frozenset({SHOP}), CUSTOMERS
    ),
    Example("elbv2.listener-certificates", Status.UNKNOWN, _secure(DENIED)),
    Example("elbv2.listener-certificates", Status.FAIL, _on_ports({443: "arn:2", 8443: "arn:1"})),
    Example("elbv2.listener-certificates", Status.PASS, _on_ports({443: "arn:1", 8443: "arn:2"})),
    Example("elbv2.listener-certificates", Status.PASS, _on_ports({8443: "arn:1"})),
]
