"""Checks that every tenant's own site answers through each region's load balancer, or through the distribution.

A load balancer that is not reachable from here is not down: its sites are unknown, unless the distribution shows them
(T71) or none of them has to answer. A 200 alone proves nothing: the load balancer's default action answers 200 to any
host. So each answer is held against the one that a stranger's host gets, and against the host it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_checks.core.model import BOTH, Area, Finding, NothingToJudge, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import runs_database
from dr_checks.derived.site_visits import by_host, edge_visits, is_own, is_strangers, visits_of, way
from dr_checks.derived.standing import failover_may_be_in_force
from dr_estate.config.environment import Side
from dr_estate.model import stores
from dr_estate.model.unavailable import OUT_OF_REACH, DataUnavailable, Unavailable
from dr_estate.network.http_probe import Handshake, Visit
from dr_estate.readers import ecs, elbv2, http_sites
from dr_estate.readers.http_sites import VisitRound
from dr_estate.snapshot import tenants
from dr_estate.snapshot.tenants import Tenant

_UNAUTHORISED = 401
_ABSENT = "the region has no load balancer: see elbv2.active"


def _service(view: View, tenant: Tenant) -> ecs.Service | None:
    return view.find(ecs.services, name=view.env.named(view.env.names.service, tenant=tenant.id))


def reason_to_sleep(view: View, tenant: Tenant) -> str:
    """Why the tenant's site need not answer on this side just now, "" where it must: no task is wanted, on purpose."""
    service = _service(view, tenant)
    # A service that wants tasks has to answer, whatever mode or schedule is set.
    if service is None or service.desired:
        return ""
    pilot_light = view.side is Side.DR and view.env.standby.mode == "pilot-light"
    if pilot_light and stores.lacks(view.env, stores.DATABASE.id):
        return "no task runs before a failover (standby.mode is pilot-light)"
    if pilot_light and not runs_database(view, writable=True):
        return "no task runs before a failover has brought the database up (standby.mode is pilot-light)"
    return "services are scaled to 0 at this hour (scaling_schedule)" if view.env.scheduled_off(view.now) else ""


def _is_too_early(view: View, tenant: Tenant) -> bool:
    """Whether tasks of this side answer with an error for want of a database that a failover brings up first."""
    if _service(view, tenant) is None:  # a service that is not there will not serve after the failover either
        return False
    is_standby = view.side is Side.DR and view.env.standby.mode == "pilot-light"
    return is_standby and not failover_may_be_in_force(view) and not runs_database(view, writable=True)


def _answers(view: View, done: VisitRound) -> Iterator[tuple[Tenant, Visit]]:
    """Each tenant that was visited and answered, with its answer."""
    answers = by_host(done)
    for tenant in view.tenants:
        answer = answers.get(tenants.site_of(tenant, view.env))
        if answer is not None:
            yield tenant, answer


def _round(view: View) -> VisitRound | str:
    """The round of visits to this side's sites, or why there is none and need be none. Raises DataUnavailable."""
    try:
        return visits_of(view.snapshot, view.env, view.side) or _ABSENT
    except DataUnavailable as error:
        unseen = error.unavailable
        reasons = [reason_to_sleep(view, tenant) for tenant in view.tenants] if unseen.kind in OUT_OF_REACH else []
        if not reasons or not all(reasons):
            raise
        return f"not visited, and none has to answer: {reasons[0]}"


@check("every tenant's site answers through the load balancer of each region")
@weigh(Severity.BLOCKER, Area.TENANTS, BOTH)
@cite("T07", "REL13-BP03", "REL11-BP01", "NIST CP-4", "SOC2 A1.3")
def every_site_answers(view: View) -> Iterator[Finding]:
    """GET of traffic.probe_path with the tenant's host has one of traffic.expected_probe_statuses."""
    done, wanted = _round(view), " or ".join(map(str, view.env.traffic.expected_probe_statuses))
    if isinstance(done, str):
        raise NothingToJudge("all sites", done)
    for tenant, answer in _answers(view, done):
        measured = f"{answer.status} in {answer.time_s:.1f} s{way(done)}"
        if answer.status in view.env.traffic.expected_probe_statuses:
            yield view.ok(answer.host, measured, wanted, "the site answers through this load balancer", tenant.id)
        elif reason := reason_to_sleep(view, tenant):
            yield view.ok(answer.host, measured, "none needed", reason, tenant.id)
        elif _is_too_early(view, tenant):
            reason = f"no database runs in {view.region} before a failover: its tasks were started too early"
            remedy = "Have no task run before a failover: see ecs.desired-and-running."
            yield view.warn(answer.host, measured, wanted, reason, remedy, tenant.id)
        else:
            remedy = (
                f"curl -H 'Host: {answer.host}' http://<load balancer>{view.env.probe_path}; then read the "
                f"target group's health and the task's log in {view.region}."
            )
            yield view.gap(
                answer.host, measured, wanted, f"a visitor sent to {view.region} would see an error", remedy, tenant.id
            )
    for unavailable in done.tenants:
        if isinstance(unavailable, Unavailable):
            yield view.unknown("a tenant's site", wanted, unavailable)
    left_out = {tenants.site_of(tenant, view.env) for tenant in view.tenants} - by_host(done).keys()
    # An answer from CloudFront's cache was dropped: what it hides is unknown, never well.
    if done.edge and left_out and not any(isinstance(row, Unavailable) for row in done.tenants):
        yield view.unknown(min(left_out), wanted, f"{len(left_out)} sites were not shown{way(done)}.")


@check(
    "every tenant's site shows that it belongs to that tenant, in each region",
    none=("all sites", "no site answered correctly: see sites.every-site-answers"),
)
@weigh(Severity.BLOCKER, Area.TENANTS, BOTH)
@cite("REL13-BP03", "NIST CP-4", "SOC2 A1.3")
def own_identity(view: View) -> Iterator[Finding]:
    """The answer speaks of the tenant's host, and is not what a stranger's host gets. Errors are judged elsewhere."""
    done, wanted, domain = _round(view), "shows its own host", view.env.traffic.tenant_domain
    if isinstance(done, str):
        raise NothingToJudge("all sites", done)
    fine = [(t, a) for t, a in _answers(view, done) if a.status in view.env.traffic.expected_probe_statuses]
    for tenant, answer in fine:
        stranger = is_strangers(answer, done, view.env)
        measured = answer.title or answer.realm or f"status {answer.status}, no title"
        if (answer.names_host or not view.env.application.names_host) and not stranger:
            yield view.ok(answer.host, measured, wanted, "the right tenant answers", tenant.id)
        # A realm with a host of the platform in it that is not this one is another tenant's.
        elif answer.status == _UNAUTHORISED and not stranger and f".{domain}" not in answer.realm.lower():
            yield view.ok(answer.host, "asks for a password", wanted, "an unknown host is not probed", tenant.id)
        else:
            yield view.gap(
                answer.host,
                "the default page" if stranger else f"{measured}: another site",
                wanted,
                "the answer is valid but not the tenant's: visitors would see a default page or another site",
                f"Compare the host-header rule and target group of {answer.host} in {view.region} with the primary's.",
                tenant.id,
            )


@check("every tenant's site answers within the time limit, in each region")
@weigh(Severity.NORMAL, Area.TENANTS, BOTH)
@cite("REL13-BP03", "ISO22301 8.5")
def in_good_time(view: View) -> Iterator[Finding]:
    """Time of the whole answer is thresholds.site_answer_s at most."""
    done, limit = _round(view), view.env.thresholds.site_answer_s
    if isinstance(done, str):
        raise NothingToJudge("all sites", done)
    there = list(_answers(view, done))
    slow = [(tenant, answer) for tenant, answer in there if answer.time_s > limit]
    for tenant, answer in slow:
        reason = "a site this slow without load will not carry the traffic of a failover"
        remedy = f"Look at the task's CPU, its database host and its file system in {view.region}: one may be remote."
        yield view.gap(answer.host, f"{answer.time_s:.1f} s", f"{limit} s or less", reason, remedy, tenant.id)
    # One line for all that answered; who did not is every-site-answers' matter.
    if there and not slow:
        longest = max(answer.time_s for _, answer in there)
        yield view.ok("all sites", f"{longest:.1f} s at most", f"{limit} s or less", "no dependency is slow")
    if not there:
        yield view.none_expected("all sites", "none answered: see sites.every-site-answers")


@check("the distribution answers for a tenant's host as the load balancer behind it does")
@weigh(Severity.CRITICAL, Area.TENANTS, BOTH)
@cite("T71", "REL13-BP03", "REL11-BP04")
def edge_agrees(view: View) -> Iterator[Finding]:
    """Where both ways were gone: a site that is well at the load balancer is well through the distribution too.

    Judged on the side to which all visitors are led. What one way alone shows is judged by sites.every-site-answers.
    """
    seen = edge_visits(view.snapshot, view.env, view.side)
    done = _round(view) if seen is not None else ""
    # With one way alone nothing can be compared; edge visits also stand in for those of a balancer out of reach.
    if seen is None or isinstance(done, str) or done.edge:
        raise NothingToJudge("all sites", "no site was visited by both ways, with its visitors led to this region")
    direct, wanted, rows = by_host(done), "the site itself", list(_answers(view, seen))
    if seen.tenants and not rows and not any(isinstance(row, Unavailable) for row in seen.tenants):
        yield view.none_expected("all sites", "the site that was visited by both ways is not one of these tenants'")
    for tenant, answer in rows:
        measured = f"{answer.status}, {answer.title or answer.realm or 'no title'}{way(seen)}"
        if is_own(answer, seen, view.env):
            yield view.ok(answer.host, measured, wanted, "visitors get what the load balancer answers", tenant.id)
        # Only where the load balancer shows the site is CloudFront at fault.
        elif answer.host in direct and is_own(direct[answer.host], done, view.env):
            expected = f"as the load balancer answers: {direct[answer.host].status}"
            reason = f"the site is well in {view.region}, and visitors do not get it: the fault lies before the region"
            remedy = (
                "Read cloudfront.*, cloudfront-routing.* and answers.*; CloudFront itself follows a change of the "
                "traffic name within a minute."
            )
            yield view.gap(answer.host, measured, expected, reason, remedy, tenant.id)
        else:
            yield view.none_expected(answer.host, "the site is not well at its load balancer either")
    for unavailable in seen.tenants:
        if isinstance(unavailable, Unavailable):
            yield view.unknown(f"a tenant's site{way(seen)}", wanted, unavailable)


@check(
    "each region's load balancer presents a certificate that browsers accept",
    none=("TLS", "there is no host name to test"),
)
@weigh(Severity.CRITICAL, Area.TENANTS, BOTH)
@cite("T20", "AcmCertIssuedAndCovers", "REL13-BP03")
def handshake_accepted(view: View) -> Iterator[Finding]:
    """A TLS handshake as a visitor of each customer's host, and of one tenant's: names, dates and chain hold."""
    limit = view.env.thresholds.certificate_days
    view.need(view.get(elbv2.load_balancer), "TLS", _ABSENT)
    for shaken in view.get(http_sites.handshakes):
        if isinstance(shaken, Unavailable):
            yield view.unknown("TLS", "an accepted certificate", shaken)
        else:
            yield _handshake_finding(view, shaken, limit)


def _handshake_finding(view: View, shaken: Handshake, limit: int) -> Finding:
    wanted = f"accepted, {limit} days or more left"
    days = (shaken.not_after - view.now) // timedelta(days=1) if shaken.not_after else 0
    measured = shaken.problem or f"{days} days left"
    if not shaken.problem and days >= limit:
        return view.ok(shaken.host, measured, wanted, "browsers accept it")
    reason = "browsers refuse the site, or soon will, in this region"
    remedy = f"Attach an issued certificate for {shaken.host} to the HTTPS listener of {view.region}."
    return view.gap(shaken.host, measured, wanted, reason, remedy)
