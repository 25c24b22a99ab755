"""Checks that the DR region's load balancer routes to each tenant: listeners, rules and target groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import count

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.listener_table import GATE, ListenerTable, Meets
from dr_checks.derived.pairing import tenant_services
from dr_checks.edge.cloudfront import serving as serving_distribution
from dr_checks.edge.cloudfront_routing import following, meets, origin_ports
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import elbv2, route53
from dr_estate.snapshot.tenants import Tenant, host_of, site_of

_UNEVALUATED = (
    "A rule chooses hosts by a regular expression, which only the load balancer itself evaluates, or has further "
    "conditions that no rule of the primary region has and that no header of CloudFront's origin is known to meet, or "
    "leads some paths to a target group of no tenant, or to another answer than the primary region's, or "
    "lets visitors sign in first where no rule of the primary region shows whether they should."
)
# By how much the interval is longer than the timeout: ELB refuses a timeout that is not below the interval.
_LONGER_S = 5
_VISITED = ("A", "AAAA", "CNAME")


@check("the load balancer of the DR region has every listener of the primary region's")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("elbv2_listeners_underneath", "REL13-BP04", "NIST CP-7")
def listeners(view: View) -> Iterator[Finding]:
    """The same protocols and ports, and certificates demanded of clients where the primary's demands them alone.

    Source: ELB DescribeListeners, MutualAuthentication.
    """
    name, here = view.env.named(view.env.names.load_balancer), {row.label: row for row in view.get(elbv2.listeners)}
    there = {row.label: row for row in view.get(elbv2.listeners, Side.PRIMARY)}
    for label in sorted(there):
        if label in here and here[label].demands_certificate and not there[label].demands_certificate:
            yield _client_certificate_finding(view, f"{name} {label}", here[label])
        elif label in here:
            yield view.ok(f"{name} {label}", "listens", "listens", "clients are answered on the same port")
        else:
            measured = f"listens on {', '.join(sorted(here)) or 'nothing'}"
            reason = "clients that use it today would be refused after the failover"
            remedy = f"Apply aws_lb_listener '{label}' of '{name}' with the provider of {view.region}."
            yield view.gap(f"{name} {label}", measured, f"listens on {label}", reason, remedy)
    if not view.get(elbv2.listeners, Side.PRIMARY) and here:
        yield view.ok(name, ", ".join(sorted(here)), "a listener", "the primary region has none to compare with")
    elif not here and not view.get(elbv2.listeners, Side.PRIMARY):
        reason, remedy = "no request would be answered", f"Apply aws_lb_listener of '{name}' in {view.region}."
        yield view.gap(name, "no listener", "a listener", reason, remedy)


def _client_certificate_finding(view: View, subject: str, listener: elbv2.Listener) -> Finding:
    off = {"ListenerArn": listener.arn, "MutualAuthentication": {"Mode": "off"}}
    reason = "browsers have none: every visitor would be refused after the failover"
    remedy = Remedy(
        f"aws_lb_listener '{listener.label}' in {view.region}: mutual_authentication as in the primary region.",
        (view.command("elbv2", "ModifyListener", **off),),
    )
    return view.gap(subject, "demands a certificate of every client", "as in the primary region", reason, remedy)


@check("every tenant's host names are routed to that tenant's own target group in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP04", "NIST CP-10")
def host_rules(view: View) -> Iterator[Finding]:
    """On each listener the first host rule that matches forwards to the tenant; else the default answers 200 to anyone.

    A rule with further conditions counts where the primary region has its equal and leads all others as this one does,
    and one that demands headers where CloudFront sends them as demanded. One that lets visitors sign in first counts
    where the primary's does so too.
    While the primary region cannot be read, rules for other paths than the site's decide nothing.
    A listener that redirects everything is left out, and one that serves no tenant in the primary region either.
    A tenant's hosts are its own by the naming rule, those of the file, and what the primary region's rules lead to its
    group: by name, or by a pattern where the zone or the distribution has the name. Source: ELB DescribeRules, ESTATE.
    """
    tables, primary, sent = _tables(view), _primary_tables(view), _met_by_distribution(view)
    groups = _of_tenants(view)
    for_tenants = {label for label, table in primary.items() if table.leads_to(groups)}
    # Where no listener is the same in both regions, each one here is judged: visitors come by some of them.
    if for_tenants & tables.keys():
        tables = {label: table for label, table in tables.items() if label in for_tenants}
    hosts, numbers, dark = _primary_hosts(view, primary) if tables else {}, set[tuple[str, int]](), _dark(view)
    for tenant in view.tenants if tables else ():
        wanted = _group_name(view, tenant.id)
        own = (host_of(tenant, view.env), *view.env.traffic.customer_hosts.get(tenant.dns, ()))
        named = dict.fromkeys((*own, *sorted(hosts.get(wanted, ()))))
        for host in named:
            meets_it = sent if host.endswith(f".{view.env.traffic.tenant_domain}") else _open_question
            found = {label: table.route(host, wanted, primary.get(label), meets_it) for label, table in tables.items()}
            _, shares, path = site_of(tenant, view.env).partition("/")
            if shares and host == own[0]:
                found = {
                    label: table.shared_route(host, f"/{path}", wanted, primary.get(label))
                    for label, table in tables.items()
                }
            # How a dark primary region answers other paths is not known now, and was compared while it answered.
            for label in tables if dark else ():
                if found[label] is None and tables[label].shared_route(host, f"/{path}", wanted, None) == wanted:
                    found[label] = wanted
            routes = {
                label: _route_beside_primary(route, host, wanted, tables[label], primary.get(label))
                for label, route in found.items()
            }
            wrong = {label: route for label, route in routes.items() if route and route != wanted}
            # A wrong goal on one listener is certain, whatever the rules of another would do.
            if None in routes.values() and not wrong:
                gated = any(GATE in goal for table in tables.values() for goal in table.goals(host, wanted))
                yield view.unknown(host, wanted, (gated and dark) or _UNEVALUATED, tenant.id)
            else:
                commands = _rule_commands(view, host, wanted, wrong, named, numbers) if wrong else ()
                yield _route_finding(view, host, tenant, wanted, wrong, tuple(commands))
    if not tables:
        yield view.none_expected("all listeners", "there is no listener here: see elbv2-routing.listeners")


def second_hosts(view: View) -> dict[str, tuple[str, ...]]:
    """By tenant id the hosts that the primary region's rules lead to it, besides its own and those of the file.

    Names of DR tests are no visitors'. Empty where rules cannot be read: elbv2-routing.host-rules reports that.
    """
    tested = f".{view.env.traffic.test_prefix}.{view.env.traffic.zone}"
    found, second = _primary_hosts(view, _primary_tables(view)), dict[str, tuple[str, ...]]()
    for tenant in view.tenants:
        group = view.env.named(view.env.names.target_group, tenant=tenant.id)
        own = {host_of(tenant, view.env), *view.env.traffic.customer_hosts.get(tenant.dns, ())}
        others = found.get(group, set()) - own
        second[tenant.id] = tuple(sorted(host for host in others if not host.endswith(tested)))
    return second


def _primary_hosts(view: View, primary: dict[str, ListenerTable]) -> dict[str, set[str]]:
    """By target group the hosts that the primary region's listeners lead to it."""
    recorded = _recorded_names(view) if primary else ()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table in primary.values():
        for group, host in table.hosts(recorded):
            found[group].add(host)
    return found


def _recorded_names(view: View) -> tuple[str, ...]:
    """The names of visitors in the zone and among the distribution's aliases, as far as they are seen."""
    found = set[str]()
    with suppress(DataUnavailable):  # what rules name is judged all the same
        found |= {record.name for record in view.get(route53.records, Side.GLOBAL) if record.type in _VISITED}
    with suppress(DataUnavailable):
        found |= set(distribution.aliases if (distribution := serving_distribution(view)) else ())
    return tuple(sorted(name for name in found if "*" not in name and name != view.env.traffic.origin_record))


def _route_beside_primary(
    route: str | None, host: str, wanted: str, table: ListenerTable, primary: ListenerTable | None
) -> str | None:
    """Return the route, or ``wanted`` if visitors sign in first in the primary region too; None if that is unknown."""
    if route is None or GATE not in route:
        return route
    there = primary.goals(host, wanted) if primary else set()
    if primary is None or there == {route}:
        return wanted if there else None
    is_added = table.plain(host) == route != primary.plain(host)
    return route if is_added or route not in there else None


def _tables(view: View, side: Side = Side.DR) -> dict[str, ListenerTable]:
    read: tuple[elbv2.ListenerRule, ...] = view.get(elbv2.rules, side)
    # ELB takes the first rule that matches, the lowest number first; the default rule comes last.
    rules = sorted(read, key=lambda rule: rule.priority)
    # a group of the primary region is called here as the tenant's group is
    there, here, pattern = view.env.on(side), view.env.on(Side.DR), view.env.names.target_group
    owners = {group: there.tenant_of(pattern, group.name) for group in view.get(elbv2.target_groups, side)}
    names = {row.arn: here.named(pattern, tenant=owner) if owner else row.name for row, owner in owners.items()}
    pin = view.env.traffic.pin_port  # that listener is for health checkers alone
    # A listener that redirects all (port 80 to 443) serves no tenant: each request comes back on the other one.
    serving = [row for row in view.get(elbv2.listeners, side) if row.default.kind != "redirect" and row.port != pin]
    judged = _of_tenants(view)
    return {
        row.label: ListenerTable([rule for rule in rules if rule.listener == row.arn], names, judged, row.default)
        for row in serving
    }


def _group_name(view: View, tenant: str) -> str:
    """The tenant's target group here; where the map has no counterpart of its service, one called as the primary's."""
    named = (env.named(env.names.target_group, tenant=tenant) for env in map(view.env.on, (Side.DR, Side.PRIMARY)))
    return next(filter(None, named), "")


def _of_tenants(view: View) -> frozenset[str]:
    """The names of the tenants' target groups: target_groups and healthy_targets look at these."""
    return frozenset(_group_name(view, tenant.id) for tenant in view.tenants)


def _primary_tables(view: View) -> dict[str, ListenerTable]:
    """The primary region's, none where they cannot be read: then there is nothing to compare with."""
    try:
        return _tables(view, Side.PRIMARY)
    except DataUnavailable:
        return {}


def _dark(view: View) -> Unavailable | None:
    """Why the primary region's rules cannot be read, None where they can."""
    try:
        _tables(view, Side.PRIMARY)
    except DataUnavailable as error:
        return error.unavailable
    return None


def _met_by_distribution(view: View) -> Meets:
    """Judge a rule's further conditions by the headers that CloudFront adds for each origin that is the traffic name.

    What it does not send decides nothing on a listener that it does not ask.
    """
    if not any(rule.demands for rule in view.get(elbv2.rules, Side.DR)):
        return _open_question
    try:
        found = serving_distribution(view)
    except DataUnavailable:
        return _open_question
    origins = following(view, found) if found else []
    ports = {port for origin in origins for port in origin_ports(origin, found.viewer_protocol if found else "")}
    in_use = {listener.arn for listener in view.get(elbv2.listeners, Side.DR) if listener.port in ports}

    def is_met(rule: elbv2.ListenerRule) -> bool | None:
        if not origins or len(rule.demands) < len(rule.further):
            return None
        answers = {meets(rule, dict(origin.headers)) for origin in origins}
        answer = answers.pop() if len(answers) == 1 else None
        return answer if answer or rule.listener in in_use else None

    return is_met


def _open_question(_: elbv2.ListenerRule) -> bool | None:
    """Leave it open: a customer's name may be led around CloudFront."""
    return None


def _route_finding(
    view: View, host: str, tenant: Tenant, wanted: str, wrong: dict[str, str], commands: tuple[str, ...]
) -> Finding:
    if not wrong:
        return view.ok(host, wanted, wanted, "a request for it reaches its tenant", tenant.id)
    gated = all(GATE in route for route in wrong.values())
    reason = "the request would not reach the tenant: the default action answers 200 to any host"
    measured = "; ".join(f"{label} to {route}" for label, route in sorted(wrong.items()))
    reason = "visitors would have to sign in, as they need not in the primary region" if gated else reason
    remedy = Remedy(
        f"Apply aws_lb_listener_rule in {view.region}: host_header '{host}', forward to '{wanted}'.", commands
    )
    return view.gap(host, measured, wanted, reason, remedy, tenant.id)


def _rule_commands(
    view: View, host: str, wanted: str, labels: Collection[str], named: Collection[str], numbers: set[tuple[str, int]]
) -> Iterator[str]:
    """Commands that make the rule of a host, or have the one of its tenant's hosts, ``named``, lead to their group.

    None where another takes the host, all demand a header that stands nowhere, or paths or headers shut visitors out.
    ``numbers`` are the priorities that commands for other hosts take, by listener: no two rules of one have the same.
    """
    arns = [group.arn for group in view.read_for_remedy(elbv2.target_groups) or () if group.name == wanted]
    rules = sorted(view.read_for_remedy(elbv2.rules) or (), key=lambda rule: rule.priority)
    for listener in (row for row in view.read_for_remedy(elbv2.listeners) or () if row.label in labels):
        own = [rule for rule in rules if rule.listener == listener.arn]
        before = [rule for rule in own if not rule.hosts or any(fnmatchcase(host, pattern) for pattern in rule.hosts)]
        if len(arns) != 1:
            continue
        action = {"Type": "forward", "TargetGroupArn": arns[0]}
        if len(before) == 1 and before[0].arn and set(before[0].hosts) <= set(named):
            yield from _changed_rule(view, before[0], arns[0])
        elif not before and not any(rule.others or rule.by_regex for rule in own):
            # Priorities are unique on a listener: CreateRule refuses one that is in use (PriorityInUse).
            used = {rule.priority for rule in own} | {number for arn, number in numbers if arn == listener.arn}
            free = next(number for number in count(1) if number not in used)
            numbers.add((listener.arn, free))
            place = {"ListenerArn": listener.arn, "Priority": free}
            yield view.command("elbv2", "CreateRule", **place, Conditions=_hosts_alone(host), Actions=[action])


def _changed_rule(view: View, rule: elbv2.ListenerRule, group: str) -> Iterator[str]:
    """The command that has a rule lead its hosts to the target group of this ARN."""
    if rule.action.target_groups != (group,) or rule.action.first:
        action = {"Type": "forward", "TargetGroupArn": group}
        yield view.command("elbv2", "ModifyRule", RuleArn=rule.arn, Actions=[action])
    # It leads there already, so a further condition is the fault. Paths and headers stay: other requests may come by
    # the same host.
    elif not (rule.paths or rule.demands or rule.by_regex):
        yield view.command("elbv2", "ModifyRule", RuleArn=rule.arn, Conditions=_hosts_alone(*rule.hosts))


def _hosts_alone(*hosts: str) -> list[dict[str, object]]:
    return [{"Field": "host-header", "HostHeaderConfig": {"Values": list(hosts)}}]


@check(
    "the DR region's load balancer answers unknown hosts as the primary region's does",
    none=("all listeners", "no listener exists in both regions: see elbv2-routing.listeners"),
)
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("REL13-BP04")
def default_action(view: View) -> Iterator[Finding]:
    """Default actions of listeners on the same port are equal, tenants' target groups by tenant, others by name.

    Source: ELB DescribeListeners.
    """
    primary = {row.label: row for row in view.get(elbv2.listeners, Side.PRIMARY)}
    pairs = [(row, primary[row.label]) for row in view.get(elbv2.listeners) if row.label in primary]
    for mine, theirs in pairs:
        measured, wanted = _action_text(view, Side.DR, mine.default), _action_text(view, Side.PRIMARY, theirs.default)
        subject = f"{view.env.named(view.env.names.load_balancer)} {mine.label}"
        if measured == wanted:
            yield view.ok(subject, measured, wanted, "unknown hosts get the same answer in both regions")
        else:
            reason = "health checks and unknown hosts would get another answer after the failover"
            setting = f"aws_lb_listener '{mine.label}' in {view.region}: default_action"
            remedy = Remedy(f"{setting} as in {view.env.regions.primary}.", _same_default(view, mine, theirs.default))
            yield view.gap(subject, measured, wanted, reason, remedy)


def _same_default(view: View, mine: elbv2.Listener, wanted: elbv2.ListenerAction) -> tuple[str, ...]:
    """The command that gives a listener the primary's default: a fixed response, or the one group of the same name."""
    names = [_dr_group(view, Side.PRIMARY, arn) for arn in wanted.target_groups]
    arns = [group.arn for group in view.read_for_remedy(elbv2.target_groups) or () if [group.name] == names]
    action: dict[str, object] = {"Type": wanted.kind}
    if wanted.response:
        action["FixedResponseConfig"] = dict(wanted.response)
    elif wanted.kind == "forward" and len(arns) == 1:
        action["TargetGroupArn"] = arns[0]
    if wanted.first or len(action) == 1:
        return ()
    return (view.command("elbv2", "ModifyListener", ListenerArn=mine.arn, DefaultActions=[action]),)


def _dr_group(view: View, side: Side, arn: str) -> str:
    """What a target group of ``side`` is called in the DR region: a tenant's by the names there, others as they are."""
    name, env = arn.partition(":targetgroup/")[2].partition("/")[0], view.env.on(side)
    owner = env.tenant_of(env.names.target_group, name)
    return view.env.named(view.env.names.target_group, tenant=owner) if owner else name


def _action_text(view: View, side: Side, action: elbv2.ListenerAction) -> str:
    groups = sorted(_dr_group(view, side, arn) for arn in action.target_groups)
    return " ".join([*(f"{kind}, then" for kind in action.first), action.kind, *groups, action.detail]).strip()


@check("every tenant's target group in the DR region exists, is in use, and has the primary region's health check")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("ElbV2TargetGroupsCanServeTraffic", "REL13-BP04", "NIST CP-7")
def target_groups(view: View) -> Iterator[Finding]:
    """Same protocol and version of it, port, target type, health check; behind the load balancer.

    A server of HTTP/1.1 answers no HTTP/2 without TLS; a restored database loads its blocks as they are first read, so
    that answers are late. Source: DescribeTargetGroups; RDS User Guide, "Restoring to a DB instance".
    """
    balancer = view.get(elbv2.load_balancer)
    here, there = ({g.name: g for g in view.get(elbv2.target_groups, s)} for s in (Side.DR, Side.PRIMARY))
    primary = view.env.on(Side.PRIMARY)
    for tenant in view.tenants:
        name = _group_name(view, tenant.id)
        theirs = there.get(primary.named(primary.names.target_group, tenant=tenant.id))
        mine, remedy = here.get(name), f"Apply aws_lb_target_group '{name}' in {view.region} from the primary's module."
        if mine is None:
            yield view.gap(name, "absent", "present", "the tenant's tasks cannot be reached", remedy, tenant.id)
            continue
        gaps = _group_gaps(mine, theirs) if theirs else []
        if balancer and balancer.arn not in mine.balancers:
            gaps.append("not behind the load balancer")
        if gaps:
            reason = "targets would not become healthy, or no request would reach them"
            healing = Remedy(remedy, _same_check(view, mine, theirs) if theirs else ())
            yield view.gap(name, "; ".join(gaps), "as in the primary region", reason, healing, tenant.id)
        elif theirs is None:
            yield view.ok(name, "in use", "in use", "the primary region has none to compare with", tenant.id)
        elif 0 < mine.check_timeout_s < theirs.check_timeout_s:
            yield _impatient(view, mine, theirs, tenant)
        else:
            reason = "targets have the same health check"
            yield view.ok(name, "equal and in use", "as in the primary region", reason, tenant.id)


def _impatient(view: View, mine: elbv2.TargetGroup, theirs: elbv2.TargetGroup, tenant: Tenant) -> Finding:
    """A warning of a target group that gives an answer less time: a database just restored answers slowly at first."""
    wanted = theirs.check_timeout_s
    changes = {"HealthCheckTimeoutSeconds": wanted}
    sentence = f"aws_lb_target_group '{mine.name}' in {view.region}: health_check.timeout = {wanted}"
    if 0 < mine.check_interval_s <= wanted:  # AWS takes no timeout that is not shorter than the interval
        changes["HealthCheckIntervalSeconds"] = wanted + _LONGER_S
        sentence += f", interval = {wanted + _LONGER_S}"
    command = view.command("elbv2", "ModifyTargetGroup", TargetGroupArn=mine.arn, **changes)
    reason = "tasks that answer in the primary region would be taken for dead while the database loads its blocks"
    measured = f"waits {mine.check_timeout_s} s for an answer"
    return view.warn(mine.name, measured, f"{wanted} s", reason, Remedy(f"{sentence}.", (command,)), tenant.id)


def _same_check(view: View, mine: elbv2.TargetGroup, theirs: elbv2.TargetGroup) -> tuple[str, ...]:
    """The command that gives a target group the other's health check; protocol, port and type are fixed at creation."""
    wanted = {
        "HealthCheckPort": theirs.check_port,
        "HealthCheckPath": theirs.check_path,
        "HealthCheckProtocol": theirs.check_protocol,
    }
    present = {
        "HealthCheckPort": mine.check_port,
        "HealthCheckPath": mine.check_path,
        "HealthCheckProtocol": mine.check_protocol,
    }
    changes: dict[str, object] = {key: value for key, value in wanted.items() if value and value != present[key]}
    if theirs.check_codes and theirs.check_codes != mine.check_codes:
        changes["Matcher"] = {"HttpCode": theirs.check_codes}
    return (view.command("elbv2", "ModifyTargetGroup", TargetGroupArn=mine.arn, **changes),) if changes else ()


def _codes(group: elbv2.TargetGroup) -> set[int]:
    """The status codes that a health check takes, written as ``200,401`` or ``200-299``."""
    ranges = [code.split("-") for code in group.check_codes.replace(" ", "").split(",")]
    known = [row for row in ranges if all(code.isdecimal() for code in row)]
    return {code for row in known for code in range(int(row[0]), int(row[-1]) + 1)}


def _takes_as_much(mine: elbv2.TargetGroup, theirs: elbv2.TargetGroup) -> bool:
    """Whether a check takes all that the other takes, and no error besides: no broken page is healthy by it."""
    here, there = _codes(mine), _codes(theirs)
    return bool(there) and there <= here and all(code < HTTPStatus.BAD_REQUEST for code in here - there)


def _group_gaps(mine: elbv2.TargetGroup, theirs: elbv2.TargetGroup) -> list[str]:
    compared: tuple[tuple[str, object, object], ...] = (
        ("protocol", mine.protocol, theirs.protocol),
        ("port", mine.port, theirs.port),
        ("target_type", mine.target_type, theirs.target_type),
        ("health_check.port", mine.check_port, theirs.check_port),
        ("health_check.path", mine.check_path, theirs.check_path),
        ("health_check.matcher", mine.check_codes, theirs.check_codes),
        ("health_check.protocol", mine.check_protocol, theirs.check_protocol),
        ("protocol_version", mine.version, theirs.version),
    )
    # ECS registers each task with its container's port, whatever the group's own (ELB API, TargetDescription).
    by_address = mine.target_type == theirs.target_type == "ip"
    same = {"port": by_address, "health_check.matcher": _takes_as_much(mine, theirs)}
    unlike = (row for row in compared if row[1] != row[2] and not same.get(row[0]))
    return [f"{key} {measured}, primary {wanted}" for key, measured, wanted in unlike]


@check(
    "every service that should run has a healthy target behind its load balancer",
    none=("all target groups", "no service should run here now, or it has no target group"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, BOTH)
@cite("T07", "T23", "ElbV2TargetGroupsCanServeTraffic", "REL11-BP01", "SOC2 A1.2")
def healthy_targets(view: View) -> Iterator[Finding]:
    """HealthyHostCount is 1 or more where tasks are wanted; no fresh value is UNKNOWN. Source: CloudWatch, T07."""
    # A service that is to run nothing, such as a pilot light's, has no healthy target by design.
    meant = [(tenant, service) for tenant, service in tenant_services(view, view.side) if service.desired]
    groups = {group.name: group.dimension for group in view.get(elbv2.target_groups)}
    arns = {group.name: group.arn for group in view.get(elbv2.target_groups)}
    counts = {reading.dimension("TargetGroup"): reading for reading in view.get(elbv2.healthy_hosts)}
    seen = [
        (tenant, name)
        for tenant, _ in meant
        if (name := view.env.named(view.env.names.target_group, tenant=tenant.id)) in groups
    ]
    for tenant, name in seen:
        reading = counts.get(groups[name])
        # T23: a missing value is no zero. CloudWatch publishes 0 where targets are registered and none is healthy.
        healthy = reading.value if reading else None
        if healthy is None:
            minutes = view.env.thresholds.metric_age_minutes
            cause = f"CloudWatch has no HealthyHostCount of it in the last {minutes} minutes"
            cause = f"CloudWatch could not answer for it: {reading.flaw}" if reading and reading.flaw else cause
            yield view.unknown(name, "1 healthy or more", cause, tenant.id)
        elif healthy >= 1:
            reason = "the load balancer has a target for requests"
            yield view.ok(name, f"{healthy:g} healthy", "1 healthy or more", reason, tenant.id)
        else:
            reason = "tasks are desired, and none passes its health check: the tenant is down in this region"
            remedy = Remedy(
                "Fix why its targets are unhealthy, by the reason of each.",
                (view.command("elbv2", "DescribeTargetHealth", TargetGroupArn=arns[name]),),
            )
            yield view.gap(name, "0 healthy", "1 healthy or more", reason, remedy, tenant.id)
