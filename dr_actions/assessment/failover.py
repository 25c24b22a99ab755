"""Weighs whether to go: gates from the scenarios' results, the posture and the plan; data loss; cost an hour. Pure.

In an emergency the primary region cannot be seen, and what only it could have shown is relaxed, and listed (T45). A
healthy primary, and a DR region that cannot bring the service back, are DO_NOT_FAILOVER; anything else unmet is RISKY.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dr_actions.actions.database import copy_selection, restore_dr
from dr_actions.actions.shared import tenants_without_service, unfenced_reason, unfenced_sentence
from dr_actions.assessment.data_loss import Loss
from dr_actions.model.action import TO_DR, PlanContext, StepState
from dr_actions.model.gates import FENCE, ITEM, PLANES, Gate, targets_gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import Role, role_of, roles_in
from dr_actions.planning.estimate import PlanGrowth, PlanStage, WritePause
from dr_checks.core.model import CheckResult, Finding, Severity, Status
from dr_checks.derived.visitors import first_failure
from dr_checks.operations import rpo, supported
from dr_checks.posture.posture import FENCED, Posture, PostureName
from dr_checks.posture.signals import Api
from dr_estate.config.environment import Environment, Side
from dr_estate.model import stores
from dr_estate.model.control_items import ItemKind
from dr_estate.model.durations import duration, lost_writes
from dr_estate.model.recovery_names import RESTORED_FROM
from dr_estate.model.session_life import SessionCoverage
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import OUT_OF_REACH, DataUnavailable, UnavailableKind
from dr_estate.readers import control_table, rds
from dr_estate.snapshot.snapshot import Snapshot

# Since when an outage lasts: the ticket's time where a person gives it, else the first bad datum seen. Pure.


class OutageSource(StrEnum):
    """What says when an outage began.

    TICKET: a person (``--since``). HEALTH_CHECK: the first minute of those, without a healthy one since, in which a
    check on the primary's records failed. FIRST_LOOK: this tool's own first look, at the latest.
    """

    TICKET = "ticket"
    HEALTH_CHECK = "health check"
    FIRST_LOOK = "first look"


@dataclass(frozen=True, slots=True)
class OutageStart:
    """When an outage began, and the source of that time."""

    since: datetime
    source: OutageSource


def outage_start(snapshot: Snapshot, env: Environment, given: datetime | None) -> OutageStart:
    """When the outage of the primary region began; ``given`` is the ticket's time."""
    if given is not None:
        return OutageStart(given, OutageSource.TICKET)
    failed = first_failure(snapshot, env)
    if failed is not None and failed < snapshot.taken_at:
        return OutageStart(failed, OutageSource.HEALTH_CHECK)
    return OutageStart(snapshot.taken_at, OutageSource.FIRST_LOOK)


def rto_ends_at(env: Environment, goal: Goal, outage_since: datetime | None) -> datetime | None:
    """Return when the recovery time objective is over; None where nobody waits for that."""
    if goal not in TO_DR or outage_since is None:
        return None
    return outage_since + timedelta(minutes=env.objectives.rto_minutes)


_GRAVE = (Severity.BLOCKER, Severity.CRITICAL)
_MEASURED_IN_DR = frozenset(store.id for store in stores.STORES if store.measured_in_dr)
# Checks of a copy that stands still once its source is lost: what that means is the loss, which ``data.<store>`` says
# of the copy that is used.
_REPORTED_AS_LOSS = {check: store.id for store in stores.STORES for check in store.stale_with_source}
# Checks of what this tool can recover at all: a plan for anything else would end in the middle.
_SUPPORTED = (supported.database.id, supported.services.id)
_EXPECTED = {Goal.FAILOVER: PostureName.PRIMARY_LOST, Goal.SWITCHOVER: PostureName.NORMAL}
_ADVICE = {
    PostureName.NORMAL: "There is nothing to fail over from (for a switchover: `dr_cli.py failover --planned`).",
    PostureName.DEGRADED: "A partial degradation is repaired in place; a single failed database is given 15 minutes.",
    PostureName.IMPAIRED: "A person decides whether most of the platform is lost for longer than a failover takes.",
    PostureName.SPLIT: "One region must stop writing before anything else is moved.",
    PostureName.ON_DR_UNPLANNED: "Stop what writes in the wrong region, and repair what moved the visitors.",
    PostureName.ON_DR: "It serves already: `dr_cli.py failover --validate` proves it, `dr_cli.py failback` plans the "
    "return.",
    PostureName.PRIMARY_LOST: "That is no planned switchover, leave --planned out.",
}
_DATABASE_DOWN = (
    "The primary's database does not serve: it is given 15 minutes. If it is not back by then, override "
    "posture.expected by name."
)
# Where what the primary alone could show is not waited for. BLIND goes on only once a person answers for the loss.
_PRIMARY_DOES_NOT_SERVE = (PostureName.PRIMARY_LOST, PostureName.IMPAIRED, PostureName.ON_DR, PostureName.BLIND)


class Advice(StrEnum):
    """What the evidence says about going ahead."""

    PROCEED = "PROCEED"
    RISKY = "RISKY"
    DO_NOT_FAILOVER = "DO_NOT_FAILOVER"
    WAIT = "WAIT"


@dataclass(frozen=True)
class Assessment:
    """The answer to "shall we?", with everything it was weighed from. ``blind``: too little was seen for any answer.

    ``rto_measured`` is how many of the plan's steps are reckoned by what past runs took; the others by the table of
    AWS's durations. ``plan_estimate_s`` is the part of ``rto_estimate_s`` that the steps take, and ``stages`` the plan
    in short. ``session`` is what the credentials in use mean for the plan, None where it was assessed from evidence.
    ``outage`` is since when the primary region is lost, None where the plan is for no outage. ``write_pause`` is for
    how long a failback lets nobody write, None where the plan stops no writes. ``growth`` is how long the steps take
    with the tenants of today and with more of them.
    """

    advice: Advice
    blind: bool
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...]
    losses: tuple[Loss, ...]
    plan: Plan
    posture: Posture
    rto_estimate_s: int
    hourly_cost: float
    rto_measured: int = 0
    plan_estimate_s: int = 0
    stages: tuple[PlanStage, ...] = ()
    session: SessionCoverage | None = None
    outage: OutageStart | None = None
    write_pause: WritePause | None = None
    growth: tuple[PlanGrowth, ...] = ()


def failover_advice(gates: Sequence[Gate]) -> tuple[Advice, tuple[str, ...]]:
    """The advice that ``gates`` mean, and each reason, the gravest first."""
    unmet = sorted((g for g in gates if not g.met and not g.relaxed), key=lambda g: (not g.stops, g.id))
    advice = Advice.RISKY if unmet else Advice.PROCEED
    advice = Advice.DO_NOT_FAILOVER if any(gate.stops for gate in unmet) else advice
    relaxed = sum(gate.relaxed for gate in gates)
    why = "only what is lost, or cannot be reached from here, could answer"
    also = [f"{relaxed} {'was' if relaxed == 1 else 'were'} waived: {why}."] if relaxed else []
    if not unmet:
        met = sum(gate.met for gate in gates)
        return advice, (" ".join([f"{met} {'gate passes' if met == 1 else 'gates pass'}.", *also]),)
    return advice, (*(f"{gate.id}: {gate.says}" for gate in unmet), *also)


def gates_of(
    results: Sequence[CheckResult],
    losses: Sequence[Loss],
    plan: Plan,
    posture: Posture,
    env: Environment,
    database_down: bool = False,
    leads: bool = True,
) -> tuple[Gate, ...]:
    """Every gate of going ahead with ``plan``.

    ``database_down``: the primary's database was seen not to serve. ``leads``: where visitors are led was seen, in
    records or in answers.
    """
    # A switchover has a primary that answers: nothing of it is relaxed.
    lost = plan.goal is Goal.FAILOVER and posture.name in _PRIMARY_DOES_NOT_SERVE
    grave = [result for result in results if result.severity in _GRAVE]
    hidden = [result for result in grave if plan.goal is Goal.FAILOVER and is_hidden_in_us_east_1(result, env, lost)]
    loss_gates = tuple(_loss_gates(losses, plan.goal, env, lost))
    relaxed = [*hidden, *(result for result in grave if lost and _is_reported_as_loss(result, loss_gates))]
    return (
        _posture_gate(plan, posture, database_down),
        *_plan_gates(plan, env, leads),
        *_plane_gate(hidden, env),
        *(_check_gate(result, env, lost, relaxed=result in relaxed) for result in grave),
        *loss_gates,
    )


def _is_reported_as_loss(result: CheckResult, loss_gates: Sequence[Gate]) -> bool:
    """Whether a check judges how copies follow a lost source, and their loss is known and within the objective."""
    met = {gate.id for gate in loss_gates if gate.met}
    if result.check == rpo.met.id:
        return bool(met) and all(gate.met or gate.relaxed for gate in loss_gates)
    return f"data.{_REPORTED_AS_LOSS.get(result.check, '')}" in met


def _posture_gate(plan: Plan, posture: Posture, database_down: bool) -> Gate:
    """The posture that the goal is for. An impaired primary is a person's decision: RISKY, overridden by name.

    Of a database that alone is down the decision matrix says: wait 15 minutes.
    """
    if posture.name is _EXPECTED[plan.goal]:
        return Gate("posture.expected", met=True, says=posture.says)
    impaired = plan.goal is Goal.FAILOVER and posture.name is PostureName.IMPAIRED
    advice = _DATABASE_DOWN if impaired and database_down else _ADVICE.get(posture.name, "")
    first_aid = posture.next_step if posture.name in FENCED else ""
    message = " ".join(part for part in (f"{posture.says.rstrip('.')}.", advice, first_aid) if part)
    return Gate("posture.expected", met=False, says=message, stops=not impaired or database_down)


def fence_gate(context: PlanContext, primary_api: Api) -> Iterator[Gate]:
    """The old primary is stopped from writing, as far as that can be known before it is tried.

    Relaxed where the region is silent: nobody can do anything there, and the traffic is pinned from outside.
    """
    if context.goal is not Goal.FAILOVER:
        return
    minutes, reason = context.env.execution.primary_minutes, unfenced_reason(context)
    message = (
        f"{context.env.regions.primary} is fenced first, for {minutes:g} minutes at most; where its tasks do not stop "
        f"and its database does not refuse writes either, the run asks for an override of {FENCE}."
    )
    if reason:
        message = unfenced_sentence(context.env, reason)
    yield Gate(FENCE, met=not reason, says=message, relaxed=bool(reason) and primary_api is Api.SILENT)


def control_gate(context: PlanContext) -> Iterator[Gate]:
    """A lock or an open incident that cannot be read holds: no run begins before it is set aside.

    A stop switch that cannot be read is a pause as any other: ``authority.paused``.
    """
    standing = context.snapshot.get_if_seen(control_table.standing, Side.DR)
    # None: check.prerequisites.control-items is UNKNOWN then.
    holding = [item for item in standing.holding if item.kind is not ItemKind.PAUSE] if standing else ()
    if holding:
        yield Gate(ITEM, met=False, says=" ".join(item.says for item in holding), stops=True)


def targets_gates(context: PlanContext) -> Iterator[Gate]:
    """One gate for each tenant that no service of the DR region could serve."""
    if context.goal not in TO_DR:
        return
    try:
        missing = tenants_without_service(context, Side.DR)
    except DataUnavailable:
        return
    for tenant in missing:
        message = f"{tenant.id} has no service in {context.env.regions.dr}: no traffic moves without it."
        yield Gate(targets_gate(tenant.id), met=False, says=message)


def database_name_gate(context: PlanContext, plan: Plan, posture: Posture) -> Iterator[Gate]:
    """A gate where something else has the name of the database that is to be restored: RDS refuses a second one of it.

    The database of a DR region that serves has that name rightly.
    """
    if posture.name in (PostureName.ON_DR, PostureName.ON_DR_UNPLANNED):
        return
    step = next((step for step in plan.steps if role_of(plan.goal, step.id) is Role.DATABASE), None)
    if step is None or RESTORED_FROM not in step.after:
        return
    there, status = copy_selection.instance(context, step.subject), restore_dr.restore_status(step, context)
    if there is not None and status.state is StepState.DRIFTED:
        yield Gate("plan.database-name", met=False, says=status.message, stops=True)


def database_is_down(context: PlanContext) -> bool:
    """Whether the primary's database was looked for, and is not there or does not serve."""
    if stores.lacks(context.env, stores.DATABASE.id):
        return False
    name = context.env.named(context.env.names.database)
    try:
        found = context.snapshot.find(rds.instances, Side.PRIMARY, identifier=name)
    except DataUnavailable:
        return False
    return found is None or (DATABASE[found.status].known and not DATABASE[found.status].serves)


def _plan_gates(plan: Plan, env: Environment, leads: bool) -> Iterator[Gate]:
    roles = roles_in(plan)
    if not stores.lacks(env, stores.DATABASE.id):
        database = Role.DATABASE in roles
        good, bad = "the plan brings the database up in the DR region.", "no copy of the database can be used."
        message = good if database else bad
        yield Gate("plan.database", met=database, says=message, stops=True)
    moves, by_health = Role.TRAFFIC in roles, plan.goal is Goal.FAILOVER
    message = "traffic reaches the DR region." if moves else "no step moves the traffic: us-east-1 cannot be reached."
    if by_health and not moves:
        message = (
            "the traffic records move by the health of the primary region (T05)."
            if leads
            else "no record can be edited, and neither records nor name servers show that visitors are led to the DR "
            "region by health (T05): ask a name server from elsewhere."
        )
    yield Gate("plan.traffic", met=moves or (by_health and leads), says=message)
    serves = Role.SERVICES in roles
    message = "tenants' services run in the DR region." if serves else "no tenant's service is there to be scaled."
    yield Gate("plan.services", met=serves, says=message, stops=True)


def _plane_gate(hidden: Sequence[CheckResult], env: Environment) -> Iterator[Gate]:
    """One gate for all checks that one silence hides: one cause, overridden once, by name."""
    if hidden:
        yield Gate(
            PLANES,
            met=False,
            says=f"the control planes in {env.region(Side.GLOBAL)} do not answer: {len(hidden)} checks could be shown "
            "there alone, and no record can be edited; the traffic moves by health alone (T01, T05), and nothing "
            f"keeps it in {env.regions.dr} once {env.regions.primary} heals (T06), but a pin that was prepared there.",
        )


def is_hidden_in_us_east_1(result: CheckResult, env: Environment, lost: bool) -> bool:
    """Whether all that keeps a check from passing is that us-east-1 (and the lost primary) does not answer.

    Where us-east-1 is the DR region as well, only what was looked for at the global services is hidden there.
    """
    bad, region = _decisive_findings(result, env, lost), env.region(Side.GLOBAL)
    return bool(bad) and all(
        f.unseen is not None and f.unseen.is_silence_of(region) and (f.side is Side.GLOBAL or region != env.regions.dr)
        for f in bad
    )


def _decisive_findings(result: CheckResult, env: Environment, lost: bool) -> list[Finding]:
    """The findings that count: failed or not seen, and neither a ``lost`` primary nor this place alone explains it.

    A load balancer that is not reachable from here explains it in an emergency: before a planned move it is visited.
    """
    bad = [finding for finding in result.findings if finding.status in (Status.FAIL, Status.UNKNOWN)]
    return [f for f in bad if not (is_out_of_reach(f, lost) or (lost and is_the_primarys(f, env)))]


def _check_gate(result: CheckResult, env: Environment, lost: bool, relaxed: bool = False) -> Gate:
    """A grave check's gate, relaxed where only the lost primary, or what is out of reach from here, could answer."""
    bad = [f for f in result.findings if f.status in (Status.FAIL, Status.UNKNOWN)]
    if result.status is Status.UNKNOWN and not result.findings:
        return Gate(f"check.{result.check}", met=False, says=result.reason)
    if not bad:
        return Gate(f"check.{result.check}", met=True, says=f"{result.status}.")
    grave = _decisive_findings(result, env, lost)
    worst = (grave or bad)[0]
    message = f"{worst.subject}: {worst.measured}, wanted {worst.wanted}: {worst.because}"
    stops = result.check in _SUPPORTED and worst.status is Status.FAIL
    relaxed = relaxed or not grave
    return Gate(f"check.{result.check}", met=False, says=message.rstrip(".") + ".", stops=stops, relaxed=relaxed)


def is_out_of_reach(finding: Finding, lost: bool = False) -> bool:
    """Whether a finding was not seen because no DNS server can be reached from here: that says nothing of a region.

    With a ``lost`` primary, or because no load balancer can be (T71).
    """
    if finding.unseen is None:
        return False
    return finding.unseen.kind is UnavailableKind.RESOLVER or (lost and finding.unseen.kind in OUT_OF_REACH)


def is_the_primarys(finding: Finding, env: Environment) -> bool:
    """Return whether a finding concerns only the lost primary region, or could be seen only in that silent region.

    A denied read is no such finding: the region answered, and the operator of the run can have it allowed.
    """
    if finding.unseen is not None:
        return finding.unseen.is_silence_of(env.region(Side.PRIMARY))
    others = (entrance.primary_set_identifier for entrance in env.entrances if entrance and entrance.record)
    # The subject of a record ends with its set identifier, which may be a word of any sentence: "primary", "main".
    ends = tuple(f" {identifier}" for identifier in (env.traffic.primary_set_identifier, *others))
    return finding.side is Side.PRIMARY or f" {finding.subject}".endswith(ends)


def _loss_gates(losses: Sequence[Loss], goal: Goal, env: Environment, lost: bool) -> Iterator[Gate]:
    target_s = env.objectives.rpo_minutes * 60
    for store in dict.fromkeys(loss.store for loss in losses):
        own = [loss for loss in losses if loss.store == store]
        blind = next((loss for loss in own if loss.seconds is None), None)
        worst = max((loss.seconds for loss in own if loss.seconds is not None), default=0.0)
        if blind is not None:
            silent = blind.unseen is None or blind.unseen.is_silence_of(env.region(Side.PRIMARY))
            relaxed = lost and silent and store not in _MEASURED_IN_DR and not blind.missing
            yield Gate(f"data.{store}", met=False, says=f"the loss is not known: {blind.basis}.", relaxed=relaxed)
        elif goal is Goal.SWITCHOVER:
            yield Gate(f"data.{store}", met=True, says="writers are stopped, and zero loss proven, before promotion.")
        else:
            amount = f"{lost_writes(worst)}{' of writes' * bool(worst)}"
            message = f"{amount} are lost, the objective is {duration(target_s)}."
            yield Gate(f"data.{store}", met=worst <= target_s, says=message)
