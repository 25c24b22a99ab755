"""The CloudFront distribution as a visitor meets it: alias, origin name, the region DNS leads to, its load balancer."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from moto.cloudfront.models import cloudfront_backends

from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.cloudfront import added_headers
from sandbox.moto_ext.cloudfront_policies import forwards_host
from sandbox.moto_ext.elbv2.openings import CLOUDFRONT
from sandbox.moto_ext.route53.health import HealthChecker
from sandbox.moto_ext.route53.names import plain
from sandbox.server.load_balancer import NO_HEADERS, LoadBalancerSite, SiteReply, SiteRequest

# What stands in the place of a region where the world reports its sites' ports.
NAME = "cloudfront"
BAD_GATEWAY, NO_ANSWER = 502, 504
# A host that no distribution has as alias: 403 (CloudFront guide, alternate domain names).
UNKNOWN_HOST = 403
HTTP, HTTPS = 80, 443


class DistributionSite:
    """The account's distributions, in front of the regions' load balancers."""

    region = ""

    def __init__(self, account: str, doors: Mapping[str, LoadBalancerSite]) -> None:
        self.account = account
        self._doors = doors

    def trusts(self, token: str) -> bool:
        """Whether it is the sandbox's token: CloudFront hands the visitor's headers on."""
        return any(door.trusts(token) for door in self._doors.values())

    def lets_in(self, _port: int) -> bool:
        """Everybody reaches CloudFront."""
        return True

    def reply(
        self,
        port: int,
        host: str,
        wanted: SiteRequest | None = None,
        source: str = CLOUDFRONT,
        headers: Mapping[str, str] = NO_HEADERS,
        path: str = "/",
    ) -> SiteReply | None:
        """The answer of the origin to ``host``; an origin that does not answer is a 504 (CloudFront guide).

        A behaviour whose policies leave Host out asks for the origin's own name in its place. The origin's own headers
        come in the place of the visitor's.
        """
        with WORLD_LOCK:
            config = self._config(host)
            if config is None:
                return SiteReply(UNKNOWN_HOST, "<h1>403 ERROR</h1>")
            # One origin and one behaviour: what the seeded distribution has. Groups of origins are not played.
            fetched = config.Origins["Items"][0]
            origin, sent_headers = str(fetched.domain_name), {**headers, **added_headers(fetched)}
            region = self._region(origin)
            sent = host if forwards_host(self.account, config.DefaultCacheBehavior) else origin
        # An origin name that resolves to no load balancer is a 502 (CloudFront guide, HTTP 502, DNS error).
        if region not in self._doors:
            return SiteReply(BAD_GATEWAY, "<h1>502 ERROR</h1>")
        # Of the origin's certificate nothing is judged here: one that does not fit would be a 502.
        reply = self._doors[region].reply(_origin_port(fetched, port), sent, wanted, source, sent_headers, path)
        return reply or SiteReply(NO_ANSWER, "<h1>504 ERROR</h1>")

    def certificate(self, name: str | None) -> tuple[bytes, bytes] | None:
        """The certificate that a region's load balancer presents: the same names are covered."""
        return next((found for door in self._doors.values() if (found := door.certificate(name))), None)

    def _config(self, host: str) -> Any:
        """The enabled distribution whose alias covers the host, the nearest alias first, None where there is none."""
        naming: dict[bool, Any] = {}
        for distribution in cloudfront_backends[self.account]["aws"].distributions.values():
            config: Any = distribution.distribution_config
            aliases = [alias.lower() for alias in (distribution.Aliases or {}).get("Items") or ()]
            if config.Enabled and any(fnmatch.fnmatchcase(host, alias) for alias in aliases):
                # An alias without a wildcard goes before one with it (CloudFront guide, alternate domain names).
                naming.setdefault(host in aliases, config)
        return naming.get(True, naming.get(False))

    def _region(self, origin: str) -> str:
        """The region of the load balancer that the origin is, or that DNS names for it at this moment."""
        checker = HealthChecker(self.account)
        if own := checker.load_balancer(plain(origin)):
            return own[0]
        # Not CloudFront's own cache of DNS: the name is resolved for each visit, so a change of DNS is met at once.
        answer = checker.resolve(plain(origin))
        found = checker.load_balancer(plain(answer.alias["DNSName"])) if answer.alias else None
        return found[0] if found else ""


def _origin_port(origin: Any, port: int) -> int:
    """The port at which CloudFront asks the origin, by its protocol policy; ``port`` is the visitor's."""
    custom = getattr(origin, "custom_origin_config", None)  # a bucket has none
    policy = custom.origin_protocol_policy if custom else ""
    return {"https-only": HTTPS, "match-viewer": port}.get(policy, HTTP)
