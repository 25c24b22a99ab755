"""The tenants' sites behind each region's load balancer, on loopback: the world answers HTTP and HTTPS as it stands.

A request is routed by its Host through the listener's rules, to a target group, to the service whose healthy tasks
stand behind it; that service's tenant signs the page. So a wrong rule, an empty group or a dark region shows, and an
outage of service ``sites`` that is ``slow`` delays every answer. Where
the environment expects 401 (basic auth), the tenants' pages ask for a password.
"""

from __future__ import annotations

import fnmatch
import ssl
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.acm.models import acm_backends
from moto.ecs.models import ecs_backends
from moto.elbv2.models import FakeListener, elbv2_backends

from dr_estate.environments import Environment, Side
from sandbox.emulator import WORLD_LOCK
from sandbox.faults import STOPPING
from sandbox.lacks.targets import Targets
from sandbox.state import STATE

SERVICE = "sites"
HEADER = "X-World-Sites"
LOOPBACK = "127.0.0.1"
UNAUTHORISED, UNAVAILABLE = 401, 503
PAGE = """<!DOCTYPE html><html><head><title>{tenant}: log in</title>
<link rel="stylesheet" href="https://{host}/wp-admin/css/login.min.css"></head>
<body class="login"><form action="https://{host}/wp-login.php" method="post"></form></body></html>
"""


@dataclass(frozen=True)
class Reply:
    """What a load balancer answers; ``realm`` is set where it asks for a password."""

    status: int
    body: str
    realm: str = ""


class Door:
    """The environment's load balancer of one region."""

    def __init__(self, environment: Environment, region: str) -> None:
        self.environment = environment
        self.region = region

    def listener(self, port: int) -> FakeListener | None:
        """The load balancer's listener on ``port``; None where nothing answers, a dark region's included."""
        name = self.environment.named(self.environment.names.load_balancer)
        backend = elbv2_backends[self.environment.account][self.region]
        balancer = next((one for one in backend.load_balancers.values() if one.name == name), None)
        if balancer is None or self.region in STATE.stopped:
            return None
        return next((one for one in balancer.listeners.values() if int(one.port) == port), None)

    def reply(self, port: int, host: str) -> Reply | None:
        """The answer to ``host``; None where the connection is to be closed without one."""
        with WORLD_LOCK:
            listener = self.listener(port)
            return self._routed(listener, host) if listener else None

    def _routed(self, listener: FakeListener, host: str) -> Reply:
        rules = sorted(
            listener.rules.values(), key=lambda rule: int(rule.priority) if rule.priority != "default" else 1 << 20
        )
        actions = next((rule.actions for rule in rules if _matches(rule.conditions, host)), listener.default_actions)
        action = actions[-1]
        if action.type == "fixed-response":
            fixed = action.data.get("FixedResponseConfig", {})
            return Reply(int(fixed.get("StatusCode") or 200), str(fixed.get("MessageBody") or ""))
        backend = elbv2_backends[self.environment.account][self.region]
        groups = [backend.target_groups.get(arn) for arn in backend._get_target_group_arns_from(action.data)]
        targets = Targets(self.environment.account, self.region)
        healthy = [group for group in groups if group is not None and targets.counts(group)[0]]
        return self._page(healthy[0].arn) if healthy else Reply(UNAVAILABLE, "<h1>503 Service Unavailable</h1>")

    def _page(self, group: str) -> Reply:
        """The page of the tenant whose service stands behind ``group``."""
        env = self.environment
        services = ecs_backends[env.account][self.region].services.values()
        attached = (s.name for s in services if group in {lb.get("targetGroupArn") for lb in s.load_balancers})
        tenants = [tenant for name in attached if (tenant := env.tenant_of(env.names.service, name))]
        if not tenants:
            return Reply(200, "It works!")
        host = f"{tenants[0].replace('-', '')}.{env.traffic.tenant_domain}"
        if UNAUTHORISED in env.traffic.expected_probe_statuses:
            return Reply(UNAUTHORISED, "Authorization Required", realm=host)
        return Reply(200, PAGE.format(tenant=tenants[0], host=host))

    def certificate(self, name: str | None) -> tuple[bytes, bytes] | None:
        """Certificate and key (PEM) that the HTTPS listener presents to ``name``: the first that covers it."""
        with WORLD_LOCK:
            listener = self.listener(443)
            held = acm_backends[self.environment.account][self.region]._certificates
            bundles = [held[arn] for arn in (listener.certificates if listener else ()) if arn in held]
        fit = [one for one in bundles if name and any(_covers(san, name) for san in one.sans)] or bundles
        return (fit[0].cert, fit[0].key) if fit else None


def _matches(conditions: list[dict[str, Any]], host: str) -> bool:
    """Whether a rule's host-header conditions match; a rule without one, and the default, do not."""
    values = [
        pattern
        for one in conditions
        if one.get("Field") == "host-header"
        for pattern in (one.get("HostHeaderConfig") or {}).get("Values") or one.get("Values") or ()
    ]
    return any(fnmatch.fnmatchcase(host, pattern.lower()) for pattern in values)


def _covers(name: str, host: str) -> bool:
    return name in (host, f"*.{host.partition('.')[2]}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").partition(":")[0].lower()
        slow = (
            o.seconds
            for o in STATE.outages
            if (o.region, o.service, o.how) == (self.server.door.region, SERVICE, "slow")
        )
        STOPPING.wait(sum(slow))
        reply = self.server.door.reply(self.server.listens_as, host)
        self.close_connection = True
        if reply is None:
            return
        body = reply.body.encode()
        self.send_response_only(reply.status)
        if reply.realm:
            self.send_header("WWW-Authenticate", f'Basic realm="{reply.realm}"')
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    door: Door
    listens_as: int
    secure: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.secure is not None:
            request = self.secure.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that breaks off, or refuses the certificate, is no error of this server."""


def _secure(door: Door) -> ssl.SSLContext:
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


def serve(environment: Environment) -> Mapping[str, tuple[int, int]]:
    """Serve both regions' sites on loopback. Returns the ports of HTTP and HTTPS by region."""
    ports: dict[str, tuple[int, int]] = {}
    for side in (Side.PRIMARY, Side.DR):
        door = Door(environment, environment.region(side))
        plain, secure = _listen(door, 80), _listen(door, 443)
        secure.secure = _secure(door)
        for server in (plain, secure):
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        ports[door.region] = (int(plain.server_address[1]), int(secure.server_address[1]))
    return ports


def _listen(door: Door, port: int) -> _Server:
    server = _Server((LOOPBACK, 0), _Handler)
    server.door, server.listens_as = door, port
    return server


def told(ports: Mapping[str, tuple[int, int]]) -> str:
    """The ports as the header tells them: ``region=address:http:https``, separated by blanks."""
    return " ".join(f"{region}={LOOPBACK}:{plain}:{secure}" for region, (plain, secure) in ports.items())
