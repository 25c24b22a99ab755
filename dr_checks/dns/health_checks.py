"""Checks that the health checks of the traffic records detect a lost region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dr_checks.core.model import GLOBAL, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived import record_pins, routing
from dr_checks.derived.record_pins import CALCULATED
from dr_checks.derived.standing import failover_may_be_in_force
from dr_checks.dns.dns import origin_records
from dr_estate.config.environment import Side
from dr_estate.model.references import balancer_region
from dr_estate.readers import elbv2, route53, route53_health_checks
from dr_estate.readers.route53 import Record
from dr_estate.readers.route53_health_checks import HealthCheck

# What decides when, and by whom, a region is reported unhealthy. The host differs by design and is not compared.
# Not whether latency is measured: that is shown in CloudWatch, and decides nothing (API_HealthCheckConfig).
_SETTINGS = ("type", "port", "path", "search", "interval_s", "failure_threshold", "sni", "regions", "without_data")
# Route 53's own number of probes, and one fewer: neither makes a region lost by a single lost probe.
_USUAL_THRESHOLDS = frozenset({2, 3})
# From so many regions Route 53 checks, and from all where none is named (API_HealthCheckConfig, Regions).
_CHECKERS = 8
# By type of check the protocol of the listeners that answer it; each takes a connection.
_PROBES = {"HTTP": "HTTP", "HTTP_STR_MATCH": "HTTP", "HTTPS": "HTTPS", "HTTPS_STR_MATCH": "HTTPS", "TCP": ""}
# A type and an interval are fixed at creation. Source: Route 53 API, UpdateHealthCheck.
_CHANGEABLE = {
    "port": "Port",
    "path": "ResourcePath",
    "search": "SearchString",
    "failure_threshold": "FailureThreshold",
    "sni": "EnableSNI",
    "regions": "Regions",
    "without_data": "InsufficientDataHealthStatus",
}


def records_with_checks(view: View) -> list[tuple[Record, HealthCheck]]:
    """Each traffic record that has a health check which exists, with it."""
    known = {found.id: found for found in view.get(route53_health_checks.checks)}
    return [(r, known[r.health_check_id]) for r in origin_records(view) if r.health_check_id in known]


def _record_name(record: Record) -> str:
    return f"{record.name} {record.type} {record.set_identifier or ''}".strip()


def _change(view: View, found: HealthCheck, **changes: object) -> str:
    """The command that changes the check in the version that was seen: another's change in between refuses it."""
    return view.command(
        "route53", "UpdateHealthCheck", HealthCheckId=found.id, HealthCheckVersion=found.version, **changes
    )


def _pin_remedy(view: View, remedy: str) -> str:
    """The remedy; where a failover may be in force, first that it pins the primary's check, which is to stay."""
    pinned = "After a failover the primary's check is pinned: leave it, `dr_cli.py failback` releases it. Otherwise: "
    return f"{pinned}{remedy}" if failover_may_be_in_force(view) else remedy


def _same_setting(view: View, setting: str) -> Remedy:
    """Give the DR region's check the primary's setting, by a command where it can be changed and both are known."""
    sentence = _pin_remedy(view, f"Give both aws_route53_health_check resources the same {setting}.")
    regions = {balancer_region(routing.target_of(record)): found for record, found in records_with_checks(view)}
    there, here = (regions.get(region) for region in (view.env.regions.primary, view.env.regions.dr))
    value = getattr(there, setting, None)
    # No command beside a failover: copied from the primary's check it would take over the pin.
    if not (there and here and value and setting in _CHANGEABLE) or failover_may_be_in_force(view):
        return Remedy(sentence)
    return Remedy(sentence, (_change(view, here, **{_CHANGEABLE[setting]: value}),))


def _no_checks(view: View) -> Finding:
    reason = "no traffic record has a health check: see health-checks.attached"
    return view.none_expected(view.env.traffic.origin_record, reason)


@check("every traffic record has a health check that exists")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("T05", "T06", "T08", "DnsHealthCheckWiring", "DnsTargetResourceHealthCheckRule", "REL11-BP01")
def attached(view: View) -> Iterator[Finding]:
    """Without one a record is healthy for ever, and nothing can pin it down (T06). Source: ListHealthChecks."""
    known = {found.id for found in view.get(route53_health_checks.checks)}
    for record in origin_records(view):
        if record.health_check_id in known:
            reason = "its health is known and can be set"
            yield view.ok(_record_name(record), record.health_check_id, "a health check", reason)
        else:
            gone = record.health_check_id is not None
            measured = f"{record.health_check_id}, which does not exist" if gone else "none"
            reason = "the record always counts as healthy, and a recovered primary cannot be kept out"
            remedy = "Set health_check_id on its aws_route53_record to a check of its own load balancer."
            yield view.gap(_record_name(record), measured, "a health check", reason, remedy)
    if not origin_records(view):
        reason = "there is no traffic record: see dns.pair-present"
        yield view.none_expected(view.env.traffic.origin_record, reason)


@check("no health check of the traffic records is disabled")
@weigh(Severity.BLOCKER, Area.DNS, GLOBAL)
@cite("T03", "R53HealthCheckDisabled", "DnsHealthCheckWiring")
def enabled(view: View) -> Iterator[Finding]:
    """A disabled check counts as always healthy: disabling one to force a failover does the opposite (T03).

    So does a calculated one that needs none of its children. Source: Route 53 guide, "Values for calculated checks".
    """
    for record, found in records_with_checks(view):
        if found.type == CALCULATED and not found.children_needed:
            measured = f"{found.id} needs 0 of its {len(found.children)} children"
            reason = "a calculated health check that needs none of its children is always healthy"
            remedy = Remedy(
                "Let it need its children (aws_route53_health_check.child_health_threshold).",
                (_change(view, found, HealthThreshold=max(1, len(found.children))),),
            )
            yield view.gap(_record_name(record), measured, "enabled", reason, remedy)
        # T03: a disabled check counts as healthy, so disabling it never moves a visitor away.
        elif not found.disabled:
            yield view.ok(_record_name(record), f"{found.id} enabled", "enabled", "it reports the region's health")
        else:
            reason = "a disabled health check counts as always healthy, whatever happens to the region"
            remedy = Remedy(
                "Enable it (aws_route53_health_check.disabled = false).", (_change(view, found, Disabled=False),)
            )
            yield view.gap(_record_name(record), f"{found.id} disabled", "enabled", reason, remedy)
    if not records_with_checks(view):
        yield _no_checks(view)


@check("no health check of the traffic records is inverted while the primary serves")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T06", "R53HealthCheckInverted", "DnsHealthCheckWiring")
def not_inverted(view: View) -> Iterator[Finding]:
    """An inverted check is the pin of a failover; left behind, it reports healthy when the region is lost (T06)."""
    for record, found in records_with_checks(view):
        if not found.inverted:
            yield view.ok(_record_name(record), f"{found.id} not inverted", "not inverted", "healthy means healthy")
        else:
            yield view.gap(
                _record_name(record),
                f"{found.id} inverted",
                "not inverted",
                "it reports a healthy region unhealthy and the reverse: right only while traffic is pinned",
                Remedy(
                    "Where no failover is in force, set it right; after one, `dr_cli.py failback` does.",
                    # After a failover the inversion is what keeps visitors from old data: no command takes it off.
                    () if failover_may_be_in_force(view) else (_change(view, found, Inverted=False),),
                ),
            )
    if not records_with_checks(view):
        yield _no_checks(view)


@check("each traffic health check probes the load balancer that its record points to")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T05", "T06", "DnsHealthCheckWiring", "REL11-BP01")
def probes_own_target(view: View) -> Iterator[Finding]:
    """A check of the other region, or of the very name it steers, flips on the wrong event or for ever.

    Alarm and routing-control checks probe no host: an alarm of the region it judges is a gap unless missing data means
    unhealthy, because the alarm is lost with the region. A calculated one is judged by how many of its children fail
    with its own region, and with the other alone.
    """
    known = {found.id: found for found in view.get(route53_health_checks.checks)}
    for record, found in records_with_checks(view):
        target = routing.target_of(record)
        problem = _wrong_probe(view, record, found, target) or _wrong_children(view, found, target, known)
        if problem is None and _is_placeless(view, found, target):
            reason = f"Nothing shows in which region {found.host or found.address} is, which {found.id} probes."
            yield view.unknown(_record_name(record), target, reason)
        elif problem is None:
            measured = found.host or found.address or found.type
            yield view.ok(_record_name(record), measured, target, "it fails only when its own region fails")
        else:
            measured, reason = problem
            host = (_change(view, found, FullyQualifiedDomainName=target),) if found.host else ()
            remedy = Remedy(f'Set fqdn = "{target}" on the aws_route53_health_check {found.id}.', host)
            yield view.gap(_record_name(record), measured, target, reason, remedy)
    if not records_with_checks(view):
        yield _no_checks(view)


def _is_placeless(view: View, found: HealthCheck, target: str) -> bool:
    """Whether it probes an address, or a name of which neither itself nor the zone says a region."""
    probed = found.host or found.address
    return bool(probed) and probed != target and bool(balancer_region(target)) and not _regions_of(view, found.host)


def _regions_of(view: View, host: str) -> set[str]:
    """The regions of the load balancers that a name leads to: its own, else those of its records in the zone."""
    own = balancer_region(host)
    targets = [routing.target_of(row) for row in view.get(route53.records) if row.name == host and host]
    return {own} if own else {region for target in targets if (region := balancer_region(target))}


def _wrong_probe(view: View, record: Record, found: HealthCheck, target: str) -> tuple[str, str] | None:
    """What the check probes, and why that is wrong; None where it is right."""
    # A check of the traffic name follows its own answer: after a switch it reports the other region, and flips back.
    if found.host == record.name:
        return (found.host, "it probes the name that it controls: after a switch it probes the other region")
    here, there = balancer_region(target), _regions_of(view, found.host)
    if here and there and there != {here}:
        probed = " and ".join(sorted(there))
        return found.host, f"it probes {probed}, while its record sends visitors to {here}"
    # The alarm is lost with its region. Then the check has no data, and InsufficientDataHealthStatus decides.
    if found.type == "CLOUDWATCH_METRIC" and found.alarm_region == here and found.without_data != "Unhealthy":
        measured = f"alarm {found.alarm_name} in {found.alarm_region}, without data: {found.without_data}"
        return measured, "the alarm is lost with the region, and the check stays healthy"
    return None


def _wrong_children(
    view: View, found: HealthCheck, target: str, known: Mapping[str, HealthCheck]
) -> tuple[str, str] | None:
    """What a calculated check needs of its children, and why it does not follow its own region; None where it does."""
    here = balancer_region(target)
    needed, total = found.children_needed, len(found.children)
    if found.type != CALCULATED or not here or not needed or needed > total:  # health-checks.enabled; a pin
        return None
    children = [known[child] for child in found.children if child in known]
    other = next(region for region in (view.env.regions.dr, view.env.regions.primary) if region != here)
    own, others = (sum(_fails_with(child, region) for child in children) for region in (here, other))
    measured = f"needs {needed} of {total} children, of which {own} fail with {here}"
    # Lost with its region are the children that fail with it; enough others keep the calculated check healthy.
    if total - own >= needed:
        return measured, "it stays healthy when its own region is lost"
    if total - others < needed and not own:
        return measured, "it fails with the other region alone"
    return None


def _fails_with(child: HealthCheck, region: str) -> bool:
    """Whether the child reports unhealthy once the region is lost; a host of no region is taken to be its own."""
    # Neither reports unhealthy when its target is lost: disabled counts as healthy (T03), inverted turns it round.
    if child.disabled or child.inverted:
        return False
    if child.type == "CLOUDWATCH_METRIC":
        return child.alarm_region != region or child.without_data == "Unhealthy"
    return balancer_region(child.host) in (None, region)


@check("the Route 53 health checkers report both regions healthy")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL, stops=True)
@cite("T04", "T05", "T07", "T23", "R53HealthCheckStatus", "REL11-BP01")
def healthy_now(view: View) -> Iterator[Finding]:
    """Newest HealthCheckStatus within metric_age_minutes is 1. An absent or old one is unknown (T23)."""
    newest = {
        reading.dimension(route53_health_checks.STATUS_DIMENSION): reading
        for reading in view.get(route53_health_checks.statuses)
    }
    for record, found in records_with_checks(view):
        reading = newest.get(found.id)
        age_s = reading.age_s(view.now) if reading else None
        # T23: an old value says what was, and a metric that stopped is what a lost region looks like.
        limit_s = view.env.thresholds.metric_age_minutes * 60
        if reading is None or age_s is None or age_s > limit_s:
            reason = f"{found.id} reported no status in the last {limit_s} s."
            yield view.unknown(_record_name(record), "healthy", reason)
        elif reading.value == 1:
            reason = "Route 53 may send visitors there"
            yield view.ok(_record_name(record), f"healthy, {age_s:.0f} s ago", "healthy", reason)
        else:
            reason = "Route 53 does not send visitors to a region that its checkers report unhealthy"
            remedy = Remedy(
                _pin_remedy(view, f"Health check {found.id} fails. Its checkers have the reasons."),
                (view.command("route53", "GetHealthCheckLastFailureReason", HealthCheckId=found.id),),
            )
            gap = view.gap(_record_name(record), f"unhealthy, {age_s:.0f} s ago", "healthy", reason, remedy)
            # A failover holds the primary's record down on purpose; nothing holds down the DR region's.
            of_primary = record.set_identifier == view.env.traffic.primary_set_identifier
            moved = failover_may_be_in_force(view)
            astray = not of_primary and _lacks_listener(view, record, found)
            yield replace(gap, until_failback=of_primary and moved, stops=astray)
    if not records_with_checks(view):
        yield _no_checks(view)


def _lacks_listener(view: View, record: Record, found: HealthCheck) -> bool:
    """Whether the DR region's check stays unhealthy whatever a failover starts: nothing answers where it probes."""
    here, listeners = view.env.regions.dr, view.read_for_remedy(elbv2.listeners, Side.DR)
    if found.type not in _PROBES or listeners is None or balancer_region(routing.target_of(record)) != here:
        return False
    if found.host and here not in _regions_of(view, found.host):
        return True
    spoken = _PROBES[found.type]
    return bool(found.port) and all(row.port != found.port or spoken not in ("", row.protocol) for row in listeners)


@check("the health checks of both regions have the same settings")
@weigh(Severity.NORMAL, Area.DNS, GLOBAL)
@cite(
    "R53HealthCheckType",
    "R53HealthCheckRequestInterval",
    "R53HealthCheckFailureThreshold",
    "R53HealthCheckEnableSNI",
    "R53HealthCheckSearchString",
    "R53HealthCheckRegions",
    "R53HealthCheckInsufficientDataHealthStatus",
    "R53HealthCheckResourcePath",
    "R53HealthCheckCloudWatchAlarm",
)
def set_alike(view: View) -> Iterator[Finding]:
    """Settings that decide when a region counts as lost are the same on both sides. Source: ARC R53HealthCheck*."""
    found = list({check.id: check for _, check in records_with_checks(view)}.values())
    for setting in _SETTINGS:
        values = _values(found, setting)
        if len(values) > 1:
            reason = "one region is reported unhealthy sooner, or for other reasons, than the other"
            gap = view.gap(setting, " against ".join(values), "the same", reason, _same_setting(view, setting))
            yield replace(gap, until_failback=failover_may_be_in_force(view))
    if not found:
        yield _no_checks(view)
    elif all(len(_values(found, setting)) == 1 for setting in _SETTINGS):
        measured = f"health checks that are alike: {len(found)}"
        yield view.ok("all settings", measured, "the same", "both regions have the same settings")


def _values(found: list[HealthCheck], setting: str) -> list[str]:
    """What the checks have of a setting, in order; usual thresholds are one, and all regions none."""
    if setting == "failure_threshold" and {check.failure_threshold for check in found} <= _USUAL_THRESHOLDS:
        return ["2 or 3"]
    if setting == "regions":
        chosen = {check.regions if len(check.regions) < _CHECKERS else () for check in found}
        return sorted(", ".join(regions) or "all" for regions in chosen)
    return sorted({str(getattr(check, setting)) for check in found})


@check("where the primary region is us-east-1, the DR region can hold the primary's traffic record down by itself")
@weigh(Severity.CRITICAL, Area.DNS, GLOBAL)
@cite("T01", "T06", "REL11-BP04", "DnsHealthCheckWiring", "NIST CP-10")
def held_from_dr(view: View) -> Iterator[Finding]:
    """A lost us-east-1 takes Route 53's control plane along: health moves the visitors, and would bring them back.

    Of another primary region it is asked where traffic.pin_port prepares it: there the pin is a change of its health
    check, which us-east-1 takes unless it is lost as well.
    """
    wanted = "a calculated check that a listener of the DR region can fail"
    if not record_pins.is_needed(view.env) and view.env.traffic.pin_port is None:
        reason = "the primary region is not us-east-1; traffic.pin_port prepares a pin for the loss of both"
        yield view.none_expected(view.env.traffic.origin_record, reason)
        return
    known = {found.id: found for found in view.get(route53_health_checks.checks)}
    switch = record_pins.switch_of(view.get(elbv2.listeners, Side.DR), view.env)
    mine = [
        pair for pair in records_with_checks(view) if pair[0].set_identifier == view.env.traffic.primary_set_identifier
    ]
    for record, found in mine:
        if switch is None:
            measured = f"{view.env.regions.dr} has no listener for it"
        elif not record_pins.obeys_switch(found, known, view.env):
            measured = f"{found.id} ({found.type}) does not follow {switch.label} in {view.env.regions.dr}"
        else:
            reason = "a recovered primary is kept out by a call in the DR region, while us-east-1 is silent"
            yield view.ok(_record_name(record), f"{found.id} follows {switch.label}", wanted, reason)
            continue
        yield view.gap(
            _record_name(record),
            measured,
            wanted,
            "once us-east-1 heals, visitors return by themselves to a stale database: the pin needs its control plane",
            "Add an aws_lb_listener in the DR region (traffic.pin_port, fixed response 404), an inverted "
            "aws_route53_health_check of it, and a CALCULATED one over it and the primary's own: docs/runbook.md.",
        )
    if not mine:
        yield _no_checks(view)
