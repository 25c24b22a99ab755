"""What must hold while a part of the visitors is back in the primary region: five gates, each from one look. Pure.

A gate that does not hold is FAILED, and the visitors are led back; where a second region takes writes it is DRIFTED,
and they stay where they are. One that cannot be judged yet is IN_PROGRESS: it fails nothing, and the stage is not done
while it lasts.

During the stages both regions answer visitors, and only the primary may take their writes. A parameter group or a
policy that somebody resets (an apply of Terraform does) would let each region take its own writes, and what the DR
region takes from then on never reaches the primary region. No visitors are moved in either direction until it is frozen
again.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from dr_actions.actions import shared
from dr_actions.actions.compute import rollout as compute_rollout
from dr_actions.actions.compute.rollout import healthy_targets
from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.files import failback
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.traffic.answers_gate import TrafficShare, answers_gate, at_least
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import FREEZES, Role, role_of
from dr_checks.core.model import Finding, Status, View
from dr_checks.derived.site_visits import visits_of
from dr_checks.edge.sites import every_site_answers, own_identity
from dr_estate.config.environment import Side
from dr_estate.model.engines import engine_of, is_on
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import efs, elbv2_targets, rds, rds_groups

PARTS = (rds.instances, rds_groups.parameter_groups, efs.file_systems, efs.policies)
# So few errors of so few requests are no proof of more than the allowed rate.
_BY_CHANCE = 0.01
_PERCENT = 100.0


def writers_gate(context: PlanContext) -> StepStatus:
    """DRIFTED where a store that this failback froze takes writes again. Raises DataUnavailable."""
    statuses = [*_of_database(context), *_of_files(context)]
    # The worst first: a second writer is reported whatever is not known of the other store.
    for state in (StepState.DRIFTED, StepState.IN_PROGRESS):
        if found := next((status for status in statuses if status.state is state), None):
            return found
    facts = tuple(fact for status in statuses for fact in status.evidence)
    return StepStatus(StepState.DONE, f"{context.env.regions.primary} alone takes writes.", facts)


def _freeze_moment(context: PlanContext, role: Role) -> datetime | None:
    """When the freeze of that role was seen in force; None where this failback has none."""
    seen = (at for step, at in context.confirmed_at.items() if role_of(Goal.FAILBACK, step) is role)
    return max(seen, default=None)


def _of_database(context: PlanContext) -> Iterator[StepStatus]:
    source = database_failback.writer(context) if _freeze_moment(context, Role.FREEZE) else None
    if source is None:
        return
    group = database_failback.group_of(source)
    value = database_failback.read_only(context, Side.DR, group)
    if not is_on(value):
        yield _open_database(context, source, group, value)
    # A group that is "applying" or "pending-reboot" is not in force: its value says nothing of the instance.
    elif not database_failback.in_sync(source):
        message = f"whether {source.identifier} refuses writes is not known until it runs with its group {group}."
        yield StepStatus(StepState.IN_PROGRESS, message)
    else:
        yield StepStatus(StepState.DONE, "", (("frozen", source.identifier),))


def _open_database(context: PlanContext, source: rds.Instance, group: str, value: str | None) -> StepStatus:
    """A database whose group lets it take writes: the group is set again, or the one that was frozen is given back."""
    # The parameter group with which the database was seen to refuse writes; "" where that is not on record.
    seen = (facts for step, facts in context.confirmed_facts.items() if role_of(Goal.FAILBACK, step) is Role.FREEZE)
    frozen_group = next((facts["group"] for facts in seen if "group" in facts), "")
    region, frozen = context.env.regions.dr, frozen_group or group
    name = source.identifier
    if group != frozen:
        how = f"it uses the parameter group {group or '(none)'}, and no longer {frozen}"
        modify = (
            f"aws rds modify-db-instance --region {region} --db-instance-identifier {name} "
            f"--db-parameter-group-name {frozen} --apply-immediately"
        )
        reboot = f"aws rds reboot-db-instance --region {region} --db-instance-identifier {name}"
        return _open_status(context, f"{name} of {region}", how, modify, reboot)
    read_only = engine_of(source.engine).read_only
    parameter = f"ParameterName={read_only},ParameterValue={database_failback.FROZEN}"
    how = f"{read_only} of its parameter group {group} is {value or 'absent'}"
    command = (
        f"aws rds modify-db-parameter-group --region {region} --db-parameter-group-name {group} "
        f"--parameters {parameter},ApplyMethod=immediate"
    )
    return _open_status(context, f"{name} of {region}", how, command)


def _of_files(context: PlanContext) -> Iterator[StepStatus]:
    since, region = _freeze_moment(context, Role.FREEZE_FILES), context.env.regions.dr
    found = files_failback.policy(context, Side.DR) if since is not None else None
    if found is None or since is None:
        return
    if found.freeze_time is None:
        system = context.snapshot.find(efs.file_systems, Side.DR, id=found.file_system)
        text = failback.policy_with_freeze(found.text, system.arn if system else "*", since)
        command = (
            f"aws efs put-file-system-policy --region {region} --file-system-id {found.file_system} "
            f"--policy {shlex.quote(text)}"
        )
        how = "their policy is not that of the freeze"
        yield _open_status(context, f"the files {found.file_system} of {region}", how, command)
    else:
        yield StepStatus(StepState.DONE, "", (("frozen", found.file_system),))


def _open_status(context: PlanContext, where: str, how: str, *commands: str) -> StepStatus:
    remedy = ", then ".join(f"`{command}`" for command in commands)
    message = (
        f"{where} can take writes again, beside {context.env.regions.primary}: {how}. Nobody is led on or back "
        f"meanwhile: run {remedy}, then the same failback again. What was written there since is brought over only "
        "by hand"
    )
    return StepStatus(StepState.DRIFTED, f"{message}.")


def gates(context: PlanContext, part: TrafficShare) -> Iterator[StepStatus]:
    """Every gate for ``part`` of the visitors, in the order in which they are looked at."""
    yield from gates_before(context)
    yield _gate_status("errors", partial(_errors, context, part.since))
    yield _gate_status("answers", partial(answers_gate, context, part))


def gates_before(context: PlanContext) -> Iterator[StepStatus]:
    """The gates that must hold before any visitor is led there."""
    yield _gate_status("writers", partial(writers_gate, context))
    yield _gate_status("targets", partial(_targets, context))
    yield _gate_status("probes", partial(_probes, context))


def _gate_status(name: str, gate: Callable[[], StepStatus]) -> StepStatus:
    try:
        status = gate()
    except DataUnavailable as error:
        status = StepStatus(StepState.IN_PROGRESS, f"not seen: {error.unavailable.why}")
    return StepStatus(status.state, f"gate.{name}: {status.message}", status.evidence, gate=True)


def _targets(context: PlanContext) -> StepStatus:
    """Each tenant has the healthy targets that it had before the failover, or as many as auto scaling wants now."""
    few, blind, least = list[str](), list[str](), 0
    for tenant_service in shared.tenant_services(context, Side.PRIMARY):
        # At least one: a tenant that auto scaling holds at 0 could not answer its first visitor.
        needed = max(1, min(compute_rollout.primary_tasks(context, tenant_service), tenant_service.service.desired))
        healthy = healthy_targets(context, tenant_service.service, Side.PRIMARY)
        if tenant_service.service.running < needed or (healthy is not None and healthy < needed):
            seen = tenant_service.service.running if healthy is None else min(healthy, tenant_service.service.running)
            few.append(f"{tenant_service.service.name} has {seen} of {needed}")
        elif healthy is None and tenant_service.service.target_groups:
            blind.append(tenant_service.service.name)
        least += needed
    if few:
        names = shared.name_list(few)
        return StepStatus(StepState.FAILED, f"too few healthy targets in {context.env.regions.primary}: {names}.")
    if blind:
        return StepStatus(StepState.IN_PROGRESS, f"no reading of the last minutes of {shared.name_list(blind)}.")
    if not least:
        return StepStatus(StepState.FAILED, f"no tenant has a service in {context.env.regions.primary}.")
    return StepStatus(StepState.DONE, f"{least} healthy targets or more there.", (("targets wanted", str(least)),))


def _probes(context: PlanContext) -> StepStatus:
    """Each tenant's site answers, as that tenant's own, through the primary's load balancer.

    Once all visitors are led there, the distribution shows it as well, where that alone reaches it (T71).
    """
    entrances = [(part, env) for part, env in context.snapshot.of_entrances(context.env) if env.traffic.origin_record]
    rounds = [visits_of(part, env, Side.PRIMARY) for part, env in entrances]
    if None in rounds:
        return StepStatus(StepState.FAILED, f"{context.env.regions.primary} has no load balancer.")
    pages = [page for done in rounds if done for page in done.tenants]
    bad = [f"{found.subject} {found.measured}" for found in _findings(context) if found.status is Status.FAIL]
    silent = [page for page in pages if isinstance(page, Unavailable)]
    bad += [tenant.why.rstrip(".") for tenant in silent if tenant.kind is UnavailableKind.UNREACHABLE]
    share = _PERCENT * len(bad) / max(1, len(pages))
    if bad:
        failed = share > context.env.failback.error_rate_percent
        # Few bad sites, up to the allowed error rate, are waited for: one restart must not lead everybody back.
        state = StepState.FAILED if failed else StepState.IN_PROGRESS
        return StepStatus(state, f"{len(bad)} of {len(pages)} sites are not well: {shared.name_list(bad)}.")
    if silent:
        return StepStatus(StepState.IN_PROGRESS, f"not every site could be visited: {silent[0].why}")
    if not pages:
        return StepStatus(StepState.IN_PROGRESS, "no site was visited.")
    facts = (("sites visited", str(len(pages))),)
    return StepStatus(StepState.DONE, f"{len(pages)} sites answer as their own.", facts)


def _findings(context: PlanContext) -> Iterator[Finding]:
    for part, env in context.snapshot.of_entrances(context.env):
        for check in (every_site_answers, own_identity) if env.traffic.origin_record else ():
            yield from check.judge(View(check.id, Side.PRIMARY, env, part, context.only_tenants))


def _errors(context: PlanContext, since: datetime) -> StepStatus:
    """Check that the rate of server errors in the primary region is not above the allowed rate.

    That is failback.error_rate_percent, or the rate with which the DR region served where that was higher.
    """
    # Metrics are of whole minutes: the minute of the change counts, with the part of it before the change.
    first = since.replace(second=0, microsecond=0)
    rows = [row for row in _minutes(context, Side.PRIMARY) if row.at >= first]
    rate = elbv2_targets.error_percent(rows)
    if rate is None:
        return StepStatus(StepState.DONE, "no request in the primary region in a whole minute yet.")
    allowed = max(context.env.failback.error_rate_percent, _baseline(context))
    requests, errors = sum(row.requests for row in rows), sum(row.errors for row in rows)
    message = f"{errors} of {requests} requests of the primary ended in a server error, {allowed:g} percent are allowed"
    facts = (("requests in the primary region", str(requests)), ("server errors", f"{rate:.2f} percent"))
    if rate <= allowed:
        return StepStatus(StepState.DONE, f"{message}.", facts)
    # One error in three requests is 33 percent and proves nothing: a rate counts once chance does not explain it.
    proven = at_least(errors, requests, allowed / _PERCENT) < _BY_CHANCE
    return StepStatus(StepState.FAILED if proven else StepState.IN_PROGRESS, f"{message}.", facts)


def _minutes(context: PlanContext, side: Side) -> list[elbv2_targets.Minute]:
    """What each load balancer of the side counted. Raises DataUnavailable."""
    parts = (part for part, _ in context.snapshot.of_entrances(context.env))
    return [row for part in parts for row in part.get(elbv2_targets.minutes, side)]


def _baseline(context: PlanContext) -> float:
    """Percent of server errors with which the DR region served of late; 0 where that is not known.

    Only until it was frozen: since then it refuses writes, and its errors are no measure of anything.
    """
    freezes = (at for step, at in context.sent_at.items() if role_of(Goal.FAILBACK, step) in FREEZES)
    frozen_at = min(freezes, default=None)
    try:
        rows = _minutes(context, Side.DR)
    except DataUnavailable:
        return 0.0
    minute = timedelta(minutes=1)
    return elbv2_targets.error_percent(row for row in rows if frozen_at is None or row.at + minute <= frozen_at) or 0.0


def left_s(context: PlanContext, since: datetime) -> float:
    """Seconds of the bake that are left; 0 where it is over."""
    bake = timedelta(minutes=context.env.failback.bake_minutes)
    return max(0.0, (since + bake - context.snapshot.taken_at).total_seconds())
