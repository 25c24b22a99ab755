"""What Route 53's health checkers see: each check judged from the live state of the world.

At the quick pace that is all; at the real one a result counts once it lasted FailureThreshold checks.

Sources: "How Amazon Route 53 determines whether a health check is healthy", API_HealthCheckConfig (T03, T04, T05).
A name is up when the load balancer behind it exists, its region is not dark and it would answer below 400; what no
record or load balancer of the world explains does not resolve.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from moto.cloudfront.models import cloudfront_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.elbv2.models import FakeListener, FakeLoadBalancer, elbv2_backends
from moto.route53.models import HealthCheck, route53_backends

from sandbox.core import truth
from sandbox.core.state import SITES, STATE, ill, now
from sandbox.core.timing import duration_s, is_real
from sandbox.moto_ext.ecs.targets import Targets
from sandbox.moto_ext.elbv2.openings import HEALTH_CHECKER, lets_in
from sandbox.moto_ext.elbv2.rule_matching import matches
from sandbox.moto_ext.route53.names import Health, ResolvedAnswer, ZoneRecords, answer, plain

# A name may lead through CNAMEs, aliases and a distribution; a loop ends here.
DEPTH = 5
DEFAULT_PORTS = {"HTTPS": 443, "HTTPS_STR_MATCH": 443}
# 2xx and 3xx are healthy (Route 53 guide, how health is determined).
BAD_STATUS = 400


class HealthChecker:
    """The health of an account's checks at this moment; each query creates a new instance."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._backend = route53_backends[account]["aws"]
        self._known: dict[str, bool] = {}
        self._targets: dict[str, Targets] = {}
        self._zones: dict[str, ZoneRecords] = {}

    def health(self) -> Health:
        """The same, as the rules of answering want it."""
        return Health(self.is_healthy, self.target_is_healthy)

    def is_healthy(self, check_id: str) -> bool:
        """Whether Route 53 counts the check as healthy. A disabled one always is; inverting turns both (T03)."""
        if check_id not in self._known:
            check = self._backend.health_checks.get(check_id)
            # AWS: the status of a check that was deleted cannot be
            # predicted (API_DeleteHealthCheck). Here it is healthy.
            if check is None:
                return True
            self._known[check_id] = True  # a check that is its own child ends here
            seen, at = (True, now()) if check.disabled else _lasting(check, self.observe(check) == "")
            if check.type_ == "CALCULATED" and not check.disabled:
                at = self._turned_at(check, seen, at)
            # A disabled check is healthy, and inverted it is unhealthy (T03).
            self._known[check_id] = seen != _is_inverted(check)
            _remember(check, self._known[check_id], at)
        return self._known[check_id]

    def observe(self, check: HealthCheck) -> str:
        """Why the check fails when probed now, "" when it succeeds; neither inverted nor disabled."""
        if check.type_ == "CALCULATED":
            good = sum(1 for child in check.children or () if self.is_healthy(child))
            # 0 is always healthy, more than there are children never (Route 53 guide, calculated checks).
            needed = int(check.health_threshold or 0)
            return "" if good >= needed else f"{good} of {needed} child health checks are healthy"
        if check.type_ == "CLOUDWATCH_METRIC":
            return self._alarm(check)
        # ARC routing controls are not played: on.
        if check.type_ == "RECOVERY_CONTROL":
            return ""
        port = int(check.port or DEFAULT_PORTS.get(str(check.type_), 80))
        name = check.fqdn or check.ip_address or ""
        # A check of TCP asks for no page: the connection is enough.
        path = "" if check.type_ == "TCP" else check.resource_path or "/"
        return self.probe(name, port, DEPTH, (plain(name), path))

    def _turned_at(self, check: HealthCheck, seen: bool, at: datetime) -> datetime:
        """Since when a calculated check is as ``seen`` at ``at``: by its children's turns, or its own last change."""
        known, set_at = self._backend.health_checks, check.__dict__.get("set_at")
        children = [known[child] for child in check.children or () if child in known]
        moments = {turn for child in children for turn, _ in child.__dict__.get("turned", ())}
        if set_at is not None:
            moments = {set_at, *(moment for moment in moments if moment > set_at)}
        # Back in time, as long as the children gave the same result.
        for moment in sorted(moments, reverse=True):
            good = sum(was_healthy(child, moment) for child in children)
            if (good >= int(check.health_threshold or 0)) != seen:
                break
            at = moment
        return at

    def _alarm(self, check: HealthCheck) -> str:
        named = check.__dict__.get("alarm_identifier") or {}
        alarm = cloudwatch_backends[self.account][named.get("Region", "")].alarms.get(named.get("Name", ""))
        state = alarm.state_value if alarm else "INSUFFICIENT_DATA"
        if state == "INSUFFICIENT_DATA":
            # Healthy, Unhealthy or LastKnownStatus; the last one counts as healthy here.
            unhealthy = check.__dict__.get("insufficient_data_health_status") == "Unhealthy"
            return "CloudWatch has insufficient data" if unhealthy else ""
        return "" if state == "OK" else f"CloudWatch alarm {named.get('Name')} is in state {state}"

    def probe(self, name: str, port: int, depth: int, request: tuple[str, str]) -> str:
        """Why nothing good answers at ``name``, or "" when it does. ``request`` is its host and its path."""
        name = plain(name)
        if found := self.load_balancer(name):
            return self._balancer_answers(*found, port, request)
        for distribution in cloudfront_backends[self.account]["aws"].distributions.values():
            if plain(distribution.domain_name) == name:
                return self._distribution_answers(distribution, depth, request)
        dns_answer = self.resolve(name)
        if dns_answer.alias and depth:
            return self.probe(dns_answer.alias["DNSName"], port, depth - 1, request)
        if dns_answer.rows and dns_answer.rows[-1][1] == "CNAME" and depth:
            return self.probe(dns_answer.rows[-1][3], port, depth - 1, request)
        return "DNS resolution failed: Rcode NXDomain(3)" if not dns_answer.rows else "Connection timed out"

    def _distribution_answers(self, distribution: Any, depth: int, request: tuple[str, str]) -> str:
        config = distribution.distribution_config
        if not config.Enabled or not depth:
            return "HTTP Status Code 404"
        origins = [origin.domain_name for origin in config.Origins["Items"]]
        # One origin that answers is enough: which of them a path would get is not looked at.
        failures = [self.probe(origin, 80, depth - 1, request) for origin in origins]
        return "" if "" in failures else f"HTTP Status Code 502: {failures[0]}"

    def _balancer_answers(self, region: str, balancer: FakeLoadBalancer, port: int, request: tuple[str, str]) -> str:
        if region in STATE.stopped:
            return "Connection timed out"
        listener = next(
            (elbv2_listener for elbv2_listener in balancer.listeners.values() if int(elbv2_listener.port) == port), None
        )
        if listener is None:
            return "Connection refused"
        # Checkers come from the internet: a load balancer that lets CloudFront in alone never answers them.
        if not lets_in(self.account, region, balancer, port, HEALTH_CHECKER):
            return "Connection timed out"
        if ill(region, "error", SITES):
            return "HTTP Status Code 503, Service Unavailable"
        return self._listener_answers(region, listener, *request) if request[1] else ""

    def _listener_answers(self, region: str, listener: FakeListener, host: str, path: str) -> str:
        """What the rule that takes the request answers, else the default action.

        Checkers send the name that is set as Host (API_HealthCheckConfig, FullyQualifiedDomainName).
        """
        taking = (rule for rule in listener.rules.values() if matches(rule.conditions, host, {}, path))
        first = min(taking, key=lambda rule: int(rule.priority), default=None)  # the default has no host: never it
        action = (first.actions if first else listener.default_actions)[-1]
        if action.type == "fixed-response":
            status = int(action.data.get("FixedResponseConfig", {}).get("StatusCode") or 200)
            return "" if status < BAD_STATUS else f"HTTP Status Code {status}"
        if action.type != "forward":
            return ""
        backend = elbv2_backends[self.account][region]
        groups = [backend.target_groups.get(arn) for arn in backend._get_target_group_arns_from(action.data)]
        healthy = sum(self.targets(region).counts(group)[0] for group in groups if group is not None)
        return "" if healthy else "HTTP Status Code 503, Service Unavailable"

    def target_is_healthy(self, alias: dict[str, Any]) -> bool:
        """Whether an alias that evaluates its target counts it as healthy."""
        found = self.load_balancer(plain(alias["DNSName"]))
        # Distributions and buckets cannot be evaluated: they count as healthy (T08).
        if found is None:
            return True
        region, balancer = found
        return region not in STATE.stopped and self.targets(region).serves(balancer)

    def load_balancer(self, name: str) -> tuple[str, FakeLoadBalancer] | None:
        """Region and load balancer of a DNS name, with or without ``dualstack.``."""
        bare = name.removeprefix("dualstack.")
        for region, backend in list(elbv2_backends[self.account].items()):
            for balancer in backend.load_balancers.values():
                if plain(balancer.dns_name) == bare:
                    return str(region), balancer
        return None

    def targets(self, region: str) -> Targets:
        """The targets of a region."""
        if region not in self._targets:
            self._targets[region] = Targets(self.account, region)
        return self._targets[region]

    def zone(self, zone_id: str) -> ZoneRecords:
        """The records of a hosted zone."""
        from sandbox.moto_ext.route53.records import record_description

        if zone_id not in self._zones:
            records = [record_description(record) for record in self._backend.zones[zone_id].rrsets]
            self._zones[zone_id] = ZoneRecords(records)
        return self._zones[zone_id]

    def resolve(self, name: str) -> ResolvedAnswer:
        """What the most specific public zone of the account answers for an address of ``name``."""
        zones = [zone for zone in self._backend.zones.values() if not zone.private_zone and _holds(zone.name, name)]
        if not zones:
            return ResolvedAnswer("NXDOMAIN")
        closest = max(zones, key=lambda zone: len(zone.name))
        # The first by weight, always: a check must not flicker by chance.
        return answer(self.zone(closest.resource_id), self.health(), name, "A", lambda _total: 0)


def count_checks(account: str) -> None:
    """Let the checkers see the world as it is now: call when it changed, so that they count from that moment."""
    checker = HealthChecker(account)
    for check_id in route53_backends[account]["aws"].health_checks:
        checker.is_healthy(check_id)


def was_healthy(check: HealthCheck, moment: datetime) -> bool:
    """Whether the checkers counted it as healthy then. What nobody looked at before counts as healthy."""
    # New checks count as healthy until data is there (T04).
    return next((healthy for at, healthy in reversed(check.__dict__.get("turned", ())) if at <= moment), True)


def _remember(check: HealthCheck, healthy: bool, at: datetime) -> None:
    turned: list[tuple[datetime, bool]] = check.__dict__.setdefault("turned", [])
    if healthy != (turned[-1][1] if turned else True):
        turned.append((at, healthy))


def _lasting(check: HealthCheck, seen: bool) -> tuple[bool, datetime]:
    """What the checkers agree on, and since when: ``seen`` once it lasted FailureThreshold checks, what it was before
    until then.
    """
    at = now()
    # Calculated and alarm checks have no FailureThreshold.
    if not is_real() or not (check.fqdn or check.ip_address):
        check.__dict__["agreed"] = (seen, None)
        return seen, at
    known, since = check.__dict__.get("agreed") or (not _is_inverted(check), None)  # not looked at yet: it was healthy
    if seen == known:
        since = None
    elif since is None:
        since = now()
    usual_s = duration_s("route53.health-check", "")
    # Interval times threshold: 30 seconds with the seeded fast checks.
    needed_s = float(check.request_interval or 0) * float(check.failure_threshold or 0) or usual_s
    if since is not None and now() >= since + timedelta(seconds=needed_s):
        # The moment itself, not the one in which somebody looked.
        at = since + timedelta(seconds=needed_s)
        known, since = seen, None
    check.__dict__["agreed"] = (known, since)
    return bool(known), at


def _is_inverted(check: HealthCheck) -> bool:
    """Whether name servers turn the check's health: a change of that takes its time to reach them."""
    before, since = check.__dict__.get("inverted_before") or (False, None)
    arriving = since is not None and now() < since + timedelta(seconds=float(truth.answer("route53.pin-to-answer-s")))
    return before if arriving else bool(check.inverted)


def _holds(zone: str, name: str) -> bool:
    return name == plain(zone) or name.endswith("." + plain(zone))
