"""The tenants' sites behind each region's load balancer, on loopback: the world answers HTTP and HTTPS as it stands.

A request is routed by its Host through the listener's rules, to a target group, to the service whose healthy tasks
stand behind it; that service's tenant signs the page. So a wrong rule, an empty group or a dark region shows, and an
outage of service ``sites`` that is ``slow`` delays every answer. ``cloudfront`` stands for the distribution, which asks
the load balancer that DNS leads to: it reaches one that lets CloudFront's servers in alone. Where the environment
expects 401 (basic auth), the tenants' pages ask for a password.

``POST /wp-json/dr/v1/rows`` (or ``files``) with ``{"id": ...}`` writes through the task that answers into the database
and the file system behind it: 201 is an acknowledged write, 503 says why there is none. ``GET`` lists the tenant's ids.
The sandbox's token, as the control path wants it, stands for the password.

The CloudFront distribution as a visitor meets it: alias, origin name, the region DNS leads to, its load balancer.
"""

from __future__ import annotations

import fnmatch
import json
import ssl
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.cloudfront.models import cloudfront_backends

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import TOKEN_HEADER
from sandbox.core.state import SITES, ill
from sandbox.core.timing import lag_s
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.cloudfront import added_headers, forwards_host
from sandbox.moto_ext.data.task_data import KINDS
from sandbox.moto_ext.elbv2.openings import CLOUDFRONT
from sandbox.moto_ext.route53.health import HealthChecker
from sandbox.moto_ext.route53.names import plain
from sandbox.moto_ext.route53.route53 import addresses_of
from sandbox.server.dns_server import FOREVER_S
from sandbox.server.load_balancer import (
    JSON,
    NO_HEADERS,
    LoadBalancerSite,
    SiteReply,
    SiteRequest,
    as_json,
    balancers_of,
)
from sandbox.world.fault_injection import STOPPING

# What stands in the place of a region where the world reports its sites' ports.
NAME = "cloudfront"
BAD_GATEWAY, NO_ANSWER = 502, 504
# A host that no distribution has as alias: 403 (CloudFront guide, alternate domain names).
UNKNOWN_HOST = 403
HTTP, HTTPS = 80, 443
HEADER = "X-World-Sites"
LOOPBACK = "127.0.0.1"
API = "/wp-json/dr/v1/"


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


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        kind = self.path.removeprefix(API)
        wanted = kind in KINDS and self.path.startswith(API)
        self._answer(SiteRequest(kind, trusted=self._is_trusted()) if wanted else None)

    def do_POST(self) -> None:
        kind = self.path.removeprefix(API)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            row_id = str(json.loads(body)["id"])
        except (ValueError, KeyError, TypeError):
            self._send(SiteReply(400, as_json('The body must be JSON: {"id": "..."}.'), form=JSON))
            return
        if kind not in KINDS or not self.path.startswith(API):
            self._send(SiteReply(404, as_json(f"There is nothing to write at {self.path}."), form=JSON))
            return
        self._answer(SiteRequest(kind, row_id, writes=True, trusted=self._is_trusted()))

    def _is_trusted(self) -> bool:
        return self.server.door.trusts(self.headers.get(TOKEN_HEADER, ""))

    def _answer(self, wanted: SiteRequest | None) -> None:
        host = self.headers.get("Host", "").partition(":")[0].lower()
        slow = (lag_s("slow_s", outage.seconds) for outage in ill(self.server.door.region, "slow", SITES))
        STOPPING.wait(sum(slow))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        reply = self.server.door.reply(self.server.listens_as, host, wanted, headers=headers, path=path)
        self.close_connection = True
        if reply is not None:
            self._send(reply)

    def _send(self, reply: SiteReply) -> None:
        self.close_connection = True
        body = reply.body.encode()
        self.send_response_only(reply.status)
        if reply.realm:
            self.send_header("WWW-Authenticate", f'Basic realm="{reply.realm}"')
        if reply.location:
            self.send_header("Location", reply.location)
        self.send_header("Content-Type", reply.form)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    door: LoadBalancerSite | DistributionSite
    listens_as: int
    secure: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.secure is not None:
            if not self.door.lets_in(self.listens_as):
                return
            request = self.secure.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that breaks off, or refuses the certificate, is no error of this server."""


def _secure(door: LoadBalancerSite | DistributionSite) -> ssl.SSLContext:
    """A context that presents, to each name asked for, what the listener would at that moment."""
    outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        found = door.certificate(name)
        if found is None:
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(b"\n".join(found))
            pem.flush()
            inner.load_cert_chain(pem.name)
        connection.context = inner
        return None

    outer.sni_callback = choose
    return outer


def serve(environment: Environment, token: str = "") -> Mapping[str, tuple[int, int]]:
    """Serve both regions' sites, and the distribution, on loopback. Returns the ports of HTTP and HTTPS by region.

    ``token`` opens pages that ask for a password.
    """
    regions = [environment.region(side) for side in (Side.PRIMARY, Side.DR)]
    doors = {region: LoadBalancerSite(environment, region, token) for region in regions}
    return {
        **{region: _serve(door) for region, door in doors.items()},
        NAME: _serve(DistributionSite(environment.account, doors)),
    }


def _serve(door: LoadBalancerSite | DistributionSite) -> tuple[int, int]:
    http, secure = _listen(door, 80), _listen(door, 443)
    secure.secure = _secure(door)
    for server in (http, secure):
        threading.Thread(target=server.serve_forever, args=(FOREVER_S,), daemon=True).start()
    return int(http.server_address[1]), int(secure.server_address[1])


def _listen(door: LoadBalancerSite | DistributionSite, port: int) -> _Server:
    server = _Server((LOOPBACK, 0), _Handler)
    server.door, server.listens_as = door, port
    return server


def places(environment: Environment, ports: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, Any]]:
    """Where each region's sites answer, and its load balancer's names and addresses in the world's DNS."""
    found: dict[str, dict[str, Any]] = {}
    for region, (http, secure) in ports.items():
        with WORLD_LOCK:
            names = [str(balancer.dns_name) for balancer in balancers_of(environment, region)] if region != NAME else []
        addresses = [address for dns_name in names for address in addresses_of(dns_name)]
        found[region] = {"address": LOOPBACK, "http": http, "https": secure, "names": names, "addresses": addresses}
    return found


def header_of(ports: Mapping[str, tuple[int, int]]) -> str:
    """Return the ports in the format of the header: ``region=address:http:https``, separated by blanks."""
    return " ".join(f"{region}={LOOPBACK}:{http}:{secure}" for region, (http, secure) in ports.items())
