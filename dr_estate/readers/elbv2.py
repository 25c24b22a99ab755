"""The load balancer: settings, listeners, rules, target groups with their health, reserved capacity and web ACL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from ipaddress import IPv4Network, collapse_addresses
from json import dumps
from typing import Annotated, Any

from dr_estate.model.kept_values import header_digest
from dr_estate.model.references import neutral
from dr_estate.model.unavailable import Unavailable
from dr_estate.reading.answers import At, read
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.reader import REGIONAL, ReadContext, part

BALANCER_READS = frozenset({"elbv2:DescribeLoadBalancers", "elbv2:DescribeLoadBalancerAttributes"})
LISTENER_READS = frozenset({"elbv2:DescribeListeners", "elbv2:DescribeListenerCertificates"})
RULE_READS = LISTENER_READS | {"elbv2:DescribeRules"}

# The most that the Describe calls of ELB take in a page (ELB API, DescribeRules).
_PAGE = {"PageSize": 400}
NETWORK = "network"
_HEALTHY, GROUP, _BALANCER = "HealthyHostCount", "TargetGroup", "LoadBalancer"
# Path patterns that leave nothing out: a rule with one of them is no narrower than one without.
_EVERY_PATH = frozenset({"*", "/*"})
_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """The environment's load balancer. ``attributes`` are AWS's (key, value) pairs, in order of the key.

    ``subnets`` are the subnets it is in, empty where they were not read.
    """

    name: Annotated[str, At("LoadBalancerName", demanded=True)]
    arn: Annotated[str, At("LoadBalancerArn", demanded=True)]
    state: str
    scheme: Annotated[str, At("Scheme")]
    type: Annotated[str, At("Type")]
    address_type: Annotated[str, At("IpAddressType")]
    dns_name: Annotated[str, At("DNSName")]
    vpc: Annotated[str, At("VpcId")]
    zones: tuple[str, ...]
    security_groups: Annotated[tuple[str, ...], At("SecurityGroups", ordered=True)]
    attributes: tuple[tuple[str, str], ...]
    subnets: tuple[str, ...] = ()

    @property
    def dimension(self) -> str:
        """Its name as CloudWatch spells it: ``app/<name>/<id>``."""
        return self.arn.partition(":loadbalancer/")[2]

    @property
    def namespace(self) -> str:
        """The namespace of its metrics. Source: Network Load Balancers guide, CloudWatch metrics."""
        return "AWS/NetworkELB" if self.type == NETWORK else "AWS/ApplicationELB"

    def attribute(self, key: str) -> str:
        """The value of an attribute, or "" where AWS lists none."""
        return dict(self.attributes).get(key, "")


@dataclass(frozen=True, slots=True)
class ListenerAction:
    """What a listener or rule does: ``kind``, the target groups it forwards to by ARN, and AWS's other settings.

    A group of weight 0 gets no request, and is none of them. ``first``: the kinds of actions that come before it, such
    as ``authenticate-oidc``. ``response``: the (key, value) pairs of a fixed response.
    """

    kind: str
    target_groups: tuple[str, ...]
    detail: str
    first: tuple[str, ...] = ()
    response: tuple[tuple[str, str], ...] = ()

    @property
    def fixed_status(self) -> int | None:
        """The HTTP status of a fixed response, which ``detail`` ends with; None for another action."""
        code = self.detail.rpartition("StatusCode ")[2] if self.kind == "fixed-response" else ""
        return int(code) if code.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener. ``certificates`` are ARNs, the default first; ``port`` is 0 on a gateway load balancer's.

    ``mutual`` is how it treats certificates of clients, "" where AWS says nothing: only ``verify`` demands one.
    """

    arn: Annotated[str, At("ListenerArn", demanded=True)]
    port: Annotated[int, At("Port")]
    protocol: Annotated[str, At("Protocol")]
    policy: Annotated[str, At("SslPolicy")]
    certificates: tuple[str, ...]
    default: ListenerAction
    mutual: Annotated[str, At("MutualAuthentication.Mode")] = ""

    @property
    def demands_certificate(self) -> bool:
        """Whether clients without a certificate are refused."""
        return self.mutual == "verify"

    @property
    def label(self) -> str:
        """How people call it, such as ``HTTPS:443``."""
        return f"{self.protocol}:{self.port}"


@dataclass(frozen=True, slots=True)
class HeaderDemand:
    """An http-header condition: one of ``digests`` must be the digest of the header's value.

    ``patterned``: wildcards or regular expressions are accepted besides.
    """

    header: str
    digests: tuple[str, ...]
    patterned: bool = False


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """One rule that is not the default. ``hosts`` are the values of its host-header condition, () for every host.

    ``others`` are its further conditions: field, header's name and a digest of what is wanted, for the value of a
    header may be a secret that CloudFront adds; one that every path or address matches is none. ``conditions`` is how
    many there are in all. ``by_regex``: the host-header condition has regular expressions besides, whose syntax is the
    load balancer's own. ``demands``: those of ``others`` that want a header, all of which must be met. ``paths`` are
    the patterns of its path conditions.
    """

    listener: str
    priority: int
    hosts: tuple[str, ...]
    conditions: int
    action: ListenerAction
    by_regex: bool = False
    others: tuple[str, ...] = ()
    demands: tuple[HeaderDemand, ...] = ()
    paths: tuple[str, ...] = ()
    arn: str = ""

    @property
    def further(self) -> tuple[str, ...]:
        """``others``; where they were not read, that there are some."""
        unread = self.conditions > bool(self.hosts or self.by_regex)
        return self.others or (("not read",) if unread else ())


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """One target group and its health check. Times are in seconds; ``version`` is the protocol's (HTTP1, HTTP2, GRPC).

    Both it and ``check_protocol`` are "" where AWS reports none.
    """

    name: Annotated[str, At("TargetGroupName", demanded=True)]
    arn: Annotated[str, At("TargetGroupArn", demanded=True)]
    protocol: Annotated[str, At("Protocol")]
    port: Annotated[int, At("Port")]
    target_type: Annotated[str, At("TargetType")]
    vpc: Annotated[str, At("VpcId")]
    balancers: Annotated[tuple[str, ...], At("LoadBalancerArns")]
    check_path: Annotated[str, At("HealthCheckPath")]
    check_port: Annotated[str, At("HealthCheckPort")]
    check_codes: Annotated[str, At("Matcher.HttpCode")]
    check_interval_s: Annotated[int, At("HealthCheckIntervalSeconds")]
    check_timeout_s: Annotated[int, At("HealthCheckTimeoutSeconds")]
    healthy_after: Annotated[int, At("HealthyThresholdCount")]
    unhealthy_after: Annotated[int, At("UnhealthyThresholdCount")]
    check_protocol: Annotated[str, At("HealthCheckProtocol")] = ""
    version: Annotated[str, At("ProtocolVersion")] = ""

    @property
    def dimension(self) -> str:
        """Its name as CloudWatch spells it: ``targetgroup/<name>/<id>``."""
        return self.arn.rpartition(":")[2]


@part(*REGIONAL, reads=BALANCER_READS, of_entrance=True)
def load_balancer(context: ReadContext) -> LoadBalancer | None:
    """The environment's load balancer, or None where there is none of that name."""
    name = context.env.named(context.env.names.load_balancer)
    found = context.find("elbv2", "describe_load_balancers", ("LoadBalancerNotFound",), Names=[name])
    rows = (found or {}).get("LoadBalancers", [])
    return context.understand(lambda: _load_balancer(context, rows[0]), name) if rows else None


def _load_balancer(context: ReadContext, row: dict[str, Any]) -> LoadBalancer:
    arn = row["LoadBalancerArn"]
    attributes = context.pages("elbv2", "describe_load_balancer_attributes", "Attributes", LoadBalancerArn=arn)
    return read(
        LoadBalancer,
        row,
        state=row["State"]["Code"],
        zones=tuple(sorted(zone["ZoneName"] for zone in row.get("AvailabilityZones", []))),
        attributes=tuple(sorted((a["Key"], a.get("Value", "")) for a in attributes)),
        subnets=tuple(sorted(zone["SubnetId"] for zone in row.get("AvailabilityZones", []) if zone.get("SubnetId"))),
    )


@part(*REGIONAL, reads=LISTENER_READS, of_entrance=True)
def listeners(context: ReadContext) -> tuple[Listener, ...]:
    """The load balancer's listeners with all their certificates; empty where there is no load balancer."""
    balancer = context.part(load_balancer)
    if balancer is None:
        return ()
    rows = context.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer.arn)
    return context.each_row(rows, lambda row: _listener(context, row), "ListenerArn")


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeRules"}), of_entrance=True)
def rules(context: ReadContext) -> tuple[ListenerRule, ...]:
    """The rules of every listener, 400 a page, without the defaults."""
    balancer = context.part(load_balancer)
    # Who comes to a dualstack load balancer by IPv6 meets no block of IPv4 (ELB guide, Source IP conditions).
    dual = balancer is not None and balancer.address_type.startswith("dualstack")
    everywhere = {"0.0.0.0/0", "::/0"} if dual else {"0.0.0.0/0"}

    def of(listener: Listener) -> Sequence[ListenerRule]:
        rows = context.pages("elbv2", "describe_rules", "Rules", ListenerArn=listener.arn, PaginationConfig=_PAGE)
        chosen = [row for row in rows if not row.get("IsDefault")]
        return context.rows(chosen, lambda row: _rule(listener.arn, row, everywhere), "RuleArn")

    standing = context.part(listeners)
    return tuple(rule for found in context.each(of, standing) for rule in found)


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeTargetGroups"}))
def target_groups(context: ReadContext) -> tuple[TargetGroup, ...]:
    """Every target group of the region, 400 a page: all count against the quota."""
    rows = context.pages("elbv2", "describe_target_groups", "TargetGroups", PaginationConfig=_PAGE)
    return context.rows(rows, partial(read, TargetGroup), "TargetGroupName", context.env.names.target_group)


@part(*REGIONAL, reads=METRIC_READS, of_entrance=True)
def healthy_hosts(context: ReadContext) -> tuple[Reading, ...]:
    """HealthyHostCount of each target group behind the load balancer, 500 a call.

    Metrics, for DescribeTargetHealth is one call a group and shares ELB's small request bucket with ECS, which needs it
    to register targets during a failover.
    """
    balancer = context.part(load_balancer)
    if balancer is None:
        return ()
    minutes, of_balancer = context.env.thresholds.metric_age_minutes, (_BALANCER, balancer.dimension)
    behind = [(GROUP, group.dimension) for group in context.part(target_groups) if balancer.arn in group.balancers]
    queries = [MetricQuery(balancer.namespace, _HEALTHY, (of_balancer, on), "Minimum", minutes) for on in behind]
    return read_metrics(context, queries)


def _listener(context: ReadContext, row: dict[str, Any]) -> Listener:
    certificates = [c["CertificateArn"] for c in row.get("Certificates", [])]
    if certificates:  # DescribeListeners shows the default one alone
        extra = context.pages("elbv2", "describe_listener_certificates", "Certificates", ListenerArn=row["ListenerArn"])
        certificates += [c["CertificateArn"] for c in extra if c["CertificateArn"] not in certificates]
    return read(Listener, row, certificates=tuple(certificates), default=_action(row["DefaultActions"]))


def _rule(listener: str, row: dict[str, Any], everywhere: set[str]) -> ListenerRule:
    conditions = row.get("Conditions", [])
    narrow = (c for c in conditions if c["Field"] != "host-header" and not _matches_everybody(c, everywhere))
    of_hosts = [condition for condition in conditions if condition["Field"] == "host-header"]
    others = sorted(map(_further, narrow))
    hosts = [h for c in of_hosts for h in c.get("HostHeaderConfig", {}).get("Values") or c.get("Values", [])]
    by_regex = any(c.get("RegexValues") or c.get("HostHeaderConfig", {}).get("RegexValues") for c in of_hosts)
    return ListenerRule(
        listener,
        int(row["Priority"]),
        tuple(sorted(hosts)),
        len(of_hosts) + len(others),
        _action(row["Actions"]),
        by_regex,
        tuple(others),
        tuple(_demand(c["HttpHeaderConfig"]) for c in conditions if c.get("HttpHeaderConfig")),
        tuple(p for c in conditions if c["Field"] == "path-pattern" for p in _paths(c)),
        row.get("RuleArn", ""),
    )


def _demand(config: dict[str, Any]) -> HeaderDemand:
    values = config.get("Values") or []
    exact = sorted(header_digest(value) for value in values if not set(value) & _WILD)
    return HeaderDemand(
        config["HttpHeaderName"].lower(), tuple(exact), len(exact) < len(values) or bool(config.get("RegexValues"))
    )


def _matches_everybody(condition: dict[str, Any], everywhere: set[str]) -> bool:
    """Whether the condition names every path, or ``everywhere``: the blocks of all addresses that visitors have."""
    addresses = condition.get("SourceIpConfig", {}).get("Values", [])
    every_path = condition["Field"] == "path-pattern" and not _EVERY_PATH.isdisjoint(_paths(condition))
    return every_path or everywhere <= set(addresses)


def _paths(condition: dict[str, Any]) -> list[str]:
    values: list[str] = condition.get("PathPatternConfig", {}).get("Values") or condition.get("Values", [])
    return values


def _further(condition: dict[str, Any]) -> str:
    name = condition.get("HttpHeaderConfig", {}).get("HttpHeaderName", "")
    digest = sha256(dumps(condition, sort_keys=True).encode()).hexdigest()[:12]
    return " ".join(filter(None, (condition["Field"], name.lower(), digest)))


def _action(rows: list[dict[str, Any]]) -> ListenerAction:
    # The last in order answers the request; those before it authenticate (ELB API, Action).
    *first, last = sorted(rows, key=lambda row: row.get("Order", 0))
    groups = {g["TargetGroupArn"] for g in last.get("ForwardConfig", {}).get("TargetGroups", []) if g.get("Weight", 1)}
    groups |= {last["TargetGroupArn"]} if last.get("TargetGroupArn") else set()
    settings = last.get("FixedResponseConfig") or last.get("RedirectConfig") or {}
    detail = ", ".join(f"{key} {value}" for key, value in sorted(settings.items()))
    response = tuple(sorted(last.get("FixedResponseConfig", {}).items()))
    return ListenerAction(last["Type"], tuple(sorted(groups)), detail, tuple(row["Type"] for row in first), response)


# Attributes of the tenants' target groups: how a group holds, spreads and releases its visitors.
#
# AWS describes those of one group a call, from the small bucket of requests out of which ECS registers targets. So no
# more groups are asked about in a region than AWS answers at once; of more, others on each day, the same in both
# regions.

MOST_ASKED = 40
"""The burst of its bucket. Source: Elastic Load Balancing API Reference, Throttling."""


@dataclass(frozen=True, slots=True)
class GroupAttributes:
    """The attributes of a target group as AWS's (key, value) pairs, in order of the key."""

    name: str
    arn: str
    values: tuple[tuple[str, str], ...]


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeTargetGroupAttributes"}))
def group_attributes(context: ReadContext) -> tuple[GroupAttributes | Unavailable, ...]:
    """The attributes of the tenants' groups, ``MOST_ASKED`` of them at most."""
    env = context.env
    groups = {g.name: g for g in context.part(target_groups) if env.tenant_of(env.names.target_group, g.name)}
    names = sorted(groups)
    first = context.now.toordinal() * MOST_ASKED % len(names) if len(names) > MOST_ASKED else 0
    chosen = [groups[name] for name in (names[first:] + names[:first])[:MOST_ASKED]]

    def read(group: TargetGroup) -> GroupAttributes:
        rows = context.pages("elbv2", "describe_target_group_attributes", "Attributes", TargetGroupArn=group.arn)
        values = context.understand(lambda: sorted((row["Key"], row.get("Value", "")) for row in rows), group.name)
        return GroupAttributes(group.name, group.arn, tuple(values))

    return tuple(context.maybe(read, chosen))


# Capacity units reserved for the environment's load balancer: what it can take before it has scaled.


@dataclass(frozen=True, slots=True)
class Reservation:
    """Load balancer capacity units (LCU) reserved, 0 without a reservation; ``states`` by zone, such as pending."""

    units: int
    states: tuple[str, ...]


@part(*REGIONAL, reads=frozenset({"elbv2:DescribeCapacityReservation"}), of_entrance=True)
def reservation(context: ReadContext) -> Reservation | None:
    """The load balancer's reservation; None where there is no load balancer. Source: DescribeCapacityReservation."""
    balancer = context.part(load_balancer)
    if balancer is None:
        return None
    answer = context.call("elbv2", "describe_capacity_reservation", LoadBalancerArn=balancer.arn)
    units = (answer.get("MinimumLoadBalancerCapacity") or {}).get("CapacityUnits", 0)
    zones = answer.get("CapacityReservationState") or []
    return Reservation(units, tuple(sorted({row.get("State", {}).get("Code", "") for row in zones})))


_NO_ACL = "WAFNonexistentItemException"

# The web ACL of AWS WAF that guards the environment's load balancer.


@dataclass(frozen=True, slots=True)
class WebAcl:
    """A web ACL: ``default`` is Allow or Block; ``rules`` are their names with what they do, in order of priority.

    ``statements`` are what each of them looks for, in words that are alike in every region, with what is in its sets;
    ``admits`` is whether one of them lets requests in, ``blocking`` the name of one that blocks every address of IPv4.
    """

    name: str
    default: str
    rules: tuple[str, ...]
    statements: tuple[str, ...] = ()
    admits: bool = False
    blocking: str = ""


@dataclass(frozen=True, slots=True)
class GuardedBalancer:
    """A load balancer by name and ARN, and its web ACL, None where it has none."""

    balancer: str
    acl: WebAcl | None
    arn: str = ""


_ACL_READS = frozenset({"wafv2:GetWebACLForResource", "wafv2:GetIPSet", "wafv2:GetRegexPatternSet"})


@part(*REGIONAL, reads=_ACL_READS, of_entrance=True)
def guarded(context: ReadContext) -> GuardedBalancer | None:
    """The load balancer with its web ACL: one call, and one for each set that its rules name.

    Source: WAF API, GetWebACLForResource, GetIPSet, GetRegexPatternSet.
    """
    balancer = context.part(load_balancer)
    if balancer is None:
        return None
    answer = context.find("wafv2", "get_web_acl_for_resource", (_NO_ACL,), ResourceArn=balancer.arn)
    row = (answer or {}).get("WebACL")
    acl = context.understand(lambda: _acl(context, row), balancer.name) if row else None
    return GuardedBalancer(balancer.name, acl, balancer.arn)


def _acl(context: ReadContext, row: dict[str, Any]) -> WebAcl:
    rules = sorted(row.get("Rules") or (), key=lambda rule: rule["Priority"])
    sets = {named: _members(context, *named) for rule in rules for named in _sets(rule["Statement"])}
    statements = tuple(_statement(context, rule["Statement"], sets) for rule in rules)
    blocking = [rule["Name"] for rule in rules if "Block" in (rule.get("Action") or ()) and _is_all(rule, sets)]
    # What a group of rules does inside is not read: it may let requests in.
    admits = any("Allow" in (rule.get("Action") or ()) or "OverrideAction" in rule for rule in rules)
    names = tuple(_acl_rule(rule) for rule in rules)
    return WebAcl(row["Name"], next(iter(row["DefaultAction"]), ""), names, statements, admits, *blocking[:1])


_ADDRESSES, _PATTERNS = "IPSetReferenceStatement", "RegexPatternSetReferenceStatement"
_EVERYBODY = [IPv4Network("0.0.0.0/0")]
_Sets = dict[tuple[str, str], tuple[str, ...]]


def _sets(statement: Any) -> Iterator[tuple[str, str]]:
    """Kind and ARN of the sets of addresses and patterns that a statement, or one inside it, names."""
    if isinstance(statement, dict):
        for kind in (_ADDRESSES, _PATTERNS):
            if arn := (statement.get(kind) or {}).get("ARN"):
                yield kind, str(arn)
    rows = statement.values() if isinstance(statement, dict) else statement if isinstance(statement, list) else ()
    for row in rows:
        yield from _sets(row)


def _members(context: ReadContext, kind: str, arn: str) -> tuple[str, ...]:
    """What is in a set, in order; nothing of one that is gone."""
    name, identifier = arn.split("/")[-2:]
    named = {"Name": name, "Scope": "REGIONAL", "Id": identifier}
    if kind == _ADDRESSES:
        found = context.find("wafv2", "get_ip_set", (_NO_ACL,), **named) or {}
        return tuple(sorted((found.get("IPSet") or {}).get("Addresses") or ()))
    found = context.find("wafv2", "get_regex_pattern_set", (_NO_ACL,), **named) or {}
    rows = (found.get("RegexPatternSet") or {}).get("RegularExpressionList") or ()
    return tuple(sorted(str(row.get("RegexString") or "") for row in rows))


def _is_all(rule: dict[str, Any], sets: _Sets) -> bool:
    """Whether a rule is met by every address of IPv4; WAF takes none of length 0, but its two halves."""
    reference = rule["Statement"].get(_ADDRESSES) or {}
    if reference.get("IPSetForwardedIPConfig"):
        return False
    members = sets.get((_ADDRESSES, str(reference.get("ARN"))), ())
    return list(collapse_addresses(IPv4Network(member) for member in members if ":" not in member)) == _EVERYBODY


def _statement(context: ReadContext, statement: dict[str, Any], sets: _Sets) -> str:
    """The statement without ids, with a digest of what its sets hold: each region has sets and groups of its own."""
    text = dumps(statement, sort_keys=True, default=str)
    digests = [sha256("\n".join(sets[named]).encode()).hexdigest() for named in _sets(statement)]
    return " ".join([neutral(text, context.region).replace("-dr/", "/"), *digests])


def _acl_rule(row: dict[str, Any]) -> str:
    action = next(iter(row.get("Action") or row.get("OverrideAction") or ("None",)))
    return f"{row['Name']}: {action}"
