"""A region's load balancer as a visitor meets it: host, rule, target group, healthy task, tenant and stores."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from moto.acm.models import acm_backends
from moto.elbv2.models import FakeListener, FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from dr_estate.config.environment import Environment
from sandbox.core.state import SITES, STATE, ill
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.data import tenant_pages
from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores
from sandbox.moto_ext.data.tenant_pages import FINE, UNAUTHORISED, PageAnswer
from sandbox.moto_ext.ecs.targets import GroupTarget, Targets
from sandbox.moto_ext.ecs.tasks import RunningTask
from sandbox.moto_ext.elbv2 import site_requests
from sandbox.moto_ext.elbv2.openings import VISITOR, lets_in
from sandbox.moto_ext.elbv2.rule_matching import groups_of, matches

HTML, JSON = "text/html; charset=UTF-8", "application/json"
BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT = 502, 503, 504
NO_HEADERS: Mapping[str, str] = {}
PAGE = """<!DOCTYPE html><html><head><title>{tenant}: log in</title>
<link rel="stylesheet" href="https://{host}/wp-admin/css/login.min.css"></head>
<body class="login"><form action="https://{host}/wp-login.php" method="post"></form></body></html>
"""


@dataclass(frozen=True)
class SiteReply:
    """What a load balancer answers; ``realm`` is set where it asks for a password, ``location`` where it redirects."""

    status: int
    body: str
    realm: str = ""
    form: str = HTML
    location: str = ""


@dataclass(frozen=True)
class SiteRequest:
    """What a visitor asks of a site beyond its page: to list rows or files, or to write the one named ``id``."""

    kind: str
    id: str = ""
    writes: bool = False
    trusted: bool = False


def balancers_of(environment: Environment, region: str) -> list[FakeLoadBalancer]:
    """The region's load balancer of the environment's name; all of the region, where none bears it."""
    name = environment.named(environment.in_region(region).names.load_balancer)
    balancers = list(elbv2_backends[environment.account][region].load_balancers.values())
    return [balancer for balancer in balancers if balancer.name == name] or balancers


def _takes(balancer: FakeLoadBalancer, host: str) -> bool:
    """Whether a rule of the load balancer is about the host: all of a region answer at one address here."""
    rules = (rule for listener in balancer.listeners.values() for rule in listener.rules.values())
    hosts = (row for rule in rules for row in rule.conditions or () if row["Field"] == "host-header")
    return any(matches([row], host, NO_HEADERS, "/") for row in hosts)


class LoadBalancerSite:
    """The environment's load balancer of one region. ``token`` is the sandbox's own."""

    def __init__(self, environment: Environment, region: str, token: str = "") -> None:
        self.environment = environment
        self.region = region
        self._token = token
        self._turn = itertools.count()

    def trusts(self, token: str) -> bool:
        """Whether it is the sandbox's token."""
        return bool(self._token) and secrets.compare_digest(token.encode(), self._token.encode())

    def _balancer(self, host: str = "") -> FakeLoadBalancer | None:
        balancers = balancers_of(self.environment, self.region)
        first = balancers[0] if balancers else None
        return next((balancer for balancer in balancers if len(balancers) > 1 and _takes(balancer, host)), first)

    def listener(self, port: int, host: str = "") -> FakeListener | None:
        """The load balancer's listener on ``port``; None where nothing answers, a dark region's included."""
        balancer = self._balancer(host)
        # A dark region closes the connection; a sick one answers 503 below.
        if balancer is None or self.region in STATE.stopped:
            return None
        return next((listener for listener in balancer.listeners.values() if int(listener.port) == port), None)

    def reply(
        self,
        port: int,
        host: str,
        wanted: SiteRequest | None = None,
        source: str = VISITOR,
        headers: Mapping[str, str] = NO_HEADERS,
        path: str = "/",
    ) -> SiteReply | None:
        """The answer to ``host``; None where the connection is to be closed without one."""
        with WORLD_LOCK:
            listener = self.listener(port, host)
            if listener is None or not self._is_open(port, source, host):
                return None
            # The load balancer of a sick region is reached and answers 503 itself.
            if ill(self.region, "error", SITES):
                return SiteReply(UNAVAILABLE, "<h1>503 Service Unavailable</h1>")
            return self._listener_reply(listener, host, wanted, headers, path)

    def lets_in(self, port: int) -> bool:
        """Whether a visitor's connection to the port comes about; one without a listener is refused elsewhere."""
        with WORLD_LOCK:
            return self.listener(port) is None or self._is_open(port, VISITOR)

    def _is_open(self, port: int, source: str, host: str = "") -> bool:
        balancer = self._balancer(host)
        return balancer is not None and lets_in(self.environment.account, self.region, balancer, port, source)

    def _listener_reply(
        self, listener: FakeListener, host: str, wanted: SiteRequest | None, headers: Mapping[str, str], path: str
    ) -> SiteReply:
        taking = (rule for rule in listener.rules.values() if matches(rule.conditions, host, headers, path))
        first = min(taking, key=lambda rule: int(rule.priority), default=None)  # the default has no host: never it
        # The last action: an authenticate action may stand before the forward, and is not played.
        action = (first.actions if first else listener.default_actions)[-1]
        if action.type == "fixed-response":
            fixed = action.data.get("FixedResponseConfig", {})
            return SiteReply(int(fixed.get("StatusCode") or 200), str(fixed.get("MessageBody") or ""))
        if action.type == "redirect":
            config = action.data.get("RedirectConfig", {})
            return SiteReply(int(config["StatusCode"][-3:]), "", location=_location(config, listener, host, path))
        backend = elbv2_backends[self.environment.account][self.region]
        groups = [backend.target_groups[arn] for arn in groups_of(action) if arn in backend.target_groups]
        targets = Targets(self.environment.account, self.region, frozenset(group.arn for group in groups))
        # No request is sent to a target that drains (ELB guide, deregistration delay).
        known = [(group, [target for target in targets.of(group) if target.state != "draining"]) for group in groups]
        # Of a weighted forward the first group with a healthy target: the weights are not played.
        group, behind = min(known, key=lambda pair: not _served_by(pair[1]), default=(None, []))
        if group is None or not behind:
            return SiteReply(UNAVAILABLE, "<h1>503 Service Unavailable</h1>")
        site_requests.count(listener.load_balancer_arn)
        # No healthy target: the request goes to all, the load balancer fails open (ELB guide, target group health).
        serving = _served_by(behind) or behind
        return self._target_reply(group, targets, serving[next(self._turn) % len(serving)], wanted)

    def _target_reply(
        self, group: FakeTargetGroup, targets: Targets, target: GroupTarget, wanted: SiteRequest | None
    ) -> SiteReply:
        """What the target answers. Where all are unhealthy each is asked all the same: the group fails open (ELB)."""
        task = targets.task_at(group, target.address)
        # 504: the connection to the target was not established (ELB guide, HTTP 504).
        if task is None or not target.reachable:
            return SiteReply(GATEWAY_TIMEOUT, "<h1>504 Gateway Time-out</h1>")
        # 502: the target closed the connection or refused it (ELB guide, HTTP 502).
        if not target.listens:
            return SiteReply(BAD_GATEWAY, "<h1>502 Bad Gateway</h1>")
        # The token passes the password of the site, and the stores answer for the page.
        if wanted is not None and wanted.trusted:
            return self._store_reply(self._tenant(targets, group), task, wanted)
        page = targets.page(task)
        if page.status in (FINE, UNAUTHORISED):
            if tenant := self._tenant(targets, group):
                return self._page(tenant, page, wanted)
            host, services = tenant_pages.host_of(task), _names(targets, group)
            return SiteReply(FINE, PAGE.format(tenant=services, host=host) if host else f"This is {services}.")
        return SiteReply(page.status, f"<h1>{page.status}</h1>")

    def _tenant(self, targets: Targets, group: FakeTargetGroup) -> str:
        """The tenant whose service stands behind ``group``, "" where that is none's."""
        env, attached = self.environment, targets.services_of(group)
        return next((tenant for s in attached if (tenant := env.tenant_of(env.names.service, s.name))), "")

    def _page(self, tenant: str, page: PageAnswer, wanted: SiteRequest | None) -> SiteReply:
        """The tenant's page; a visitor without the sandbox's token is asked for a password."""
        env = self.environment
        host = f"{tenant.replace('-', '')}.{env.traffic.tenant_domain}"
        # The stores' lists are for the sandbox's own writers: a visitor must not see them.
        if page.status == UNAUTHORISED or wanted is not None:
            return SiteReply(UNAUTHORISED, "Authorization Required", realm=host)
        return SiteReply(FINE, PAGE.format(tenant=tenant, host=host))

    def _store_reply(self, tenant: str, task: RunningTask, wanted: SiteRequest) -> SiteReply:
        """What the task does with its stores."""
        behind = TaskStores(self.environment.account, self.region, task.definition)
        try:
            if not wanted.writes:
                return SiteReply(200, json.dumps({wanted.kind: behind.ids(wanted.kind, tenant)}), form=JSON)
            row = behind.write(wanted.kind, wanted.id, tenant)
        except StoreUnavailable as reason:
            return SiteReply(UNAVAILABLE, as_json(str(reason)), form=JSON)
        return SiteReply(201, json.dumps({"id": row.id, "tenant": tenant, "at": row.at.isoformat()}), form=JSON)

    def certificate(self, name: str | None) -> tuple[bytes, bytes] | None:
        """Certificate and key (PEM) that the HTTPS listener presents to ``name``: the first that covers it."""
        with WORLD_LOCK:
            listener = self.listener(443, name or "")
            # moto's ACM has no public list of certificates with their keys.
            cert_bundles = acm_backends[self.environment.account][self.region]._certificates
            bundles = [cert_bundles[arn] for arn in (listener.certificates if listener else ()) if arn in cert_bundles]
        fit = [bundle for bundle in bundles if name and any(_covers(san, name) for san in bundle.sans)] or bundles
        return (fit[0].cert, fit[0].key) if fit else None


def _location(config: Mapping[str, str], listener: FakeListener, host: str, path: str) -> str:
    """Where a redirect leads: what it does not name stays as it was asked for (ELB guide, redirect actions)."""
    request = {"Protocol": listener.protocol, "Host": host, "Port": str(listener.port), "Path": path}
    to = {
        name: config.get(name, value).replace(f"#{{{name.lower()}}}", value.removeprefix("/"))
        for name, value in request.items()
    }
    return f"{to['Protocol'].lower()}://{to['Host']}:{to['Port']}{to['Path']}"


def _served_by(targets: list[GroupTarget]) -> list[GroupTarget]:
    return [target for target in targets if target.state == "healthy"]


def _names(targets: Targets, group: FakeTargetGroup) -> str:
    """The services behind a group that is no tenant's: its page says which one answers."""
    return ", ".join(service.name for service in targets.services_of(group)) or "nobody"


def as_json(reason: str) -> str:
    """A refusal's body."""
    return json.dumps({"error": reason})


def _covers(name: str, host: str) -> bool:
    # A wildcard covers one label only (RFC 6125).
    return name in (host, f"*.{host.partition('.')[2]}")
