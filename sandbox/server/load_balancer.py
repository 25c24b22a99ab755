"""A region's load balancer as a visitor meets it: host, rule, target group, healthy task, tenant and stores."""

from __future__ import annotations

import fnmatch
import itertools
import json
import secrets
from dataclasses import dataclass
from typing import Any

from moto.acm.models import acm_backends
from moto.ecs.models import ecs_backends
from moto.elbv2.models import FakeListener, FakeTargetGroup, elbv2_backends

from dr_estate.config.environment import Environment
from sandbox.core.state import STATE
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores
from sandbox.moto_ext.ecs.targets import Targets

HTML, JSON = "text/html; charset=UTF-8", "application/json"
UNAUTHORISED, UNAVAILABLE = 401, 503
PAGE = """<!DOCTYPE html><html><head><title>{tenant}: log in</title>
<link rel="stylesheet" href="https://{host}/wp-admin/css/login.min.css"></head>
<body class="login"><form action="https://{host}/wp-login.php" method="post"></form></body></html>
"""


@dataclass(frozen=True)
class SiteReply:
    """What a load balancer answers; ``realm`` is set where it asks for a password."""

    status: int
    body: str
    realm: str = ""
    form: str = HTML


@dataclass(frozen=True)
class SiteRequest:
    """What a visitor asks of a site beyond its page: to list rows or files, or to write the one named ``id``."""

    kind: str
    id: str = ""
    writes: bool = False
    trusted: bool = False


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

    def listener(self, port: int) -> FakeListener | None:
        """The load balancer's listener on ``port``; None where nothing answers, a dark region's included."""
        name = self.environment.named(self.environment.names.load_balancer)
        backend = elbv2_backends[self.environment.account][self.region]
        balancer = next(
            (load_balancer for load_balancer in backend.load_balancers.values() if load_balancer.name == name), None
        )
        if balancer is None or self.region in STATE.stopped:
            return None
        return next((listener for listener in balancer.listeners.values() if int(listener.port) == port), None)

    def reply(self, port: int, host: str, wanted: SiteRequest | None = None) -> SiteReply | None:
        """The answer to ``host``; None where the connection is to be closed without one."""
        with WORLD_LOCK:
            listener = self.listener(port)
            return self._routed(listener, host, wanted) if listener else None

    def _routed(self, listener: FakeListener, host: str, wanted: SiteRequest | None) -> SiteReply:
        rules = sorted(
            listener.rules.values(), key=lambda rule: int(rule.priority) if rule.priority != "default" else 1 << 20
        )
        actions = next((rule.actions for rule in rules if _matches(rule.conditions, host)), listener.default_actions)
        action = actions[-1]
        if action.type == "fixed-response":
            fixed = action.data.get("FixedResponseConfig", {})
            return SiteReply(int(fixed.get("StatusCode") or 200), str(fixed.get("MessageBody") or ""))
        backend = elbv2_backends[self.environment.account][self.region]
        groups = [backend.target_groups.get(arn) for arn in backend._get_target_group_arns_from(action.data)]
        targets = Targets(self.environment.account, self.region)
        healthy = [group for group in groups if group is not None and targets.counts(group)[0]]
        if not healthy:
            return SiteReply(UNAVAILABLE, "<h1>503 Service Unavailable</h1>")
        return self._page(healthy[0], targets, wanted)

    def _page(self, group: FakeTargetGroup, targets: Targets, wanted: SiteRequest | None) -> SiteReply:
        """The page of the tenant whose service stands behind ``group``."""
        env = self.environment
        services = ecs_backends[env.account][self.region].services.values()
        attached = (s.name for s in services if group.arn in {lb.get("targetGroupArn") for lb in s.load_balancers})
        tenants = [tenant for name in attached if (tenant := env.tenant_of(env.names.service, name))]
        if not tenants:
            return SiteReply(200, "It works!")
        host = f"{tenants[0].replace('-', '')}.{env.traffic.tenant_domain}"
        if UNAUTHORISED in env.traffic.expected_probe_statuses and not (wanted and wanted.trusted):
            return SiteReply(UNAUTHORISED, "Authorization Required", realm=host)
        if wanted is None:
            return SiteReply(200, PAGE.format(tenant=tenants[0], host=host))
        return self._stored(group, targets, tenants[0], wanted)

    def _stored(self, group: FakeTargetGroup, targets: Targets, tenant: str, wanted: SiteRequest) -> SiteReply:
        """What the next healthy task, in turn, does with its stores."""
        addresses = [target.address for target in targets.of(group) if target.state == "healthy"]
        task = targets.task_at(group, addresses[next(self._turn) % len(addresses)])
        if task is None:
            return SiteReply(UNAVAILABLE, said("No task stands behind the healthy target."), form=JSON)
        behind = TaskStores(self.environment.account, self.region, task.definition)
        try:
            if not wanted.writes:
                return SiteReply(200, json.dumps({wanted.kind: behind.ids(wanted.kind, tenant)}), form=JSON)
            row = behind.write(wanted.kind, wanted.id, tenant)
        except StoreUnavailable as reason:
            return SiteReply(UNAVAILABLE, said(str(reason)), form=JSON)
        return SiteReply(201, json.dumps({"id": row.id, "tenant": tenant, "at": row.at.isoformat()}), form=JSON)

    def certificate(self, name: str | None) -> tuple[bytes, bytes] | None:
        """Certificate and key (PEM) that the HTTPS listener presents to ``name``: the first that covers it."""
        with WORLD_LOCK:
            listener = self.listener(443)
            cert_bundles = acm_backends[self.environment.account][self.region]._certificates
            bundles = [cert_bundles[arn] for arn in (listener.certificates if listener else ()) if arn in cert_bundles]
        fit = [bundle for bundle in bundles if name and any(_covers(san, name) for san in bundle.sans)] or bundles
        return (fit[0].cert, fit[0].key) if fit else None


def _matches(conditions: list[dict[str, Any]], host: str) -> bool:
    """Whether a rule's host-header conditions match; a rule without one, and the default, do not."""
    values = [
        pattern
        for condition in conditions
        if condition.get("Field") == "host-header"
        for pattern in (condition.get("HostHeaderConfig") or {}).get("Values") or condition.get("Values") or ()
    ]
    return any(fnmatch.fnmatchcase(host, pattern.lower()) for pattern in values)


def said(reason: str) -> str:
    """A refusal's body."""
    return json.dumps({"error": reason})


def _covers(name: str, host: str) -> bool:
    return name in (host, f"*.{host.partition('.')[2]}")
