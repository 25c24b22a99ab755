"""From a wish to a clearance: which incident, whose approvals, which overrides, and whether an earlier run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from dr_actions.actions.notifications import WRITES, critical, refusal_in_outage
from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.authorization.clearance import (
    Approval,
    AuthorizationRequest,
    Clearance,
    decide,
    decide_trial,
    ticket_is_well_formed,
)
from dr_actions.authorization.resumption import RULE, Resumption, gates_to_go_on, recheck_gates, resume
from dr_actions.authorization.rules import EffectiveRules
from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.control_table.control import ControlStore, MalformedItem
from dr_actions.control_table.lock import COOL_DOWN
from dr_actions.drills.stop_conditions import has_changes
from dr_actions.guard.context import GuardContext
from dr_actions.journal.entries import Entry, done_steps
from dr_actions.model import plan as plans
from dr_actions.model.gates import Gate, Override, Refusal
from dr_actions.model.plan import Goal, Plan, SendFailed
from dr_checks.core.model import Status
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Environment, Side
from dr_estate.model.control_items import UnreadableItem
from dr_estate.model.session_life import Coverage
from dr_estate.readers import control_table
from dr_estate.readers.control_table import ControlState, RequiredPeople
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.report import Report
from utils.aws_mgmt.app import evaluation, next_steps
from utils.aws_mgmt.app.assessment import assess, goal_of, session_gate, with_session
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.dialog import Dialog
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.failback_abort import refuse_in_write_pause, with_record
from utils.aws_mgmt.app.incident_record import (
    clearance_from_json,
    entries_of_incident,
    goal_of_beginning,
    is_done,
    last_beginning,
)
from utils.aws_mgmt.app.options import FailoverOptions, Options, PlanOptions, RecoveryOptions, version
from utils.aws_mgmt.app.run_begin import (
    after_lock,
    lock_gates,
    refuse_impossible_begin,
    require_free_lock,
    require_support,
)

_PROMPT = "Enter confirmation code (incident ticket): "


@dataclass(frozen=True)
class RunStart:
    """What a run starts from. ``report`` is the assessment it was cleared upon, None where an earlier run goes on.

    ``gates`` are those it was cleared upon; of an earlier run they are in its journal. ``done`` are the steps that an
    earlier run has done: nobody is asked to confirm them.
    """

    plan: Plan
    clearance: Clearance
    snapshot: Snapshot
    report: Report | None
    confirmed: frozenset[str]
    overrides: tuple[Override, ...]
    recorded: Mapping[str, Mapping[str, Any]]
    rules: EffectiveRules
    renamed_databases: Mapping[str, str] = field(default_factory=dict)
    gates: Sequence[Gate] = ()
    done: frozenset[str] = frozenset()

    @property
    def waives_cool_down(self) -> bool:
        """Whether the cool-down after another incident's run was overridden by name."""
        return any(override.gate == COOL_DOWN for override in self.overrides)


@dataclass(frozen=True)
class DrillRequest:
    """A full drill: its id, which serves as the incident's, and its gates in addition to the plan's own.

    ``takes_s`` is the estimate of all of it where it begins, 0 where a later part of it does.
    Ordering the drill confirms its irreversible steps; a drill is held only where one person may recover.
    """

    incident: str
    gates: Sequence[Gate] = ()
    takes_s: int = 0


def authorise(
    options: RecoveryOptions,
    env: Environment,
    app: AppContext,
    run: evaluation.CommandRun,
    practice: DrillRequest | None = None,
    *,
    unapproved: bool = False,
) -> RunStart:
    """Assess and decide. Raises Refused with every rule that says no, UsageError for what cannot be read.

    ``unapproved``: weigh what AWS is to be asked for, before anybody approved it.
    """
    # First: what keeps every run from beginning is read in the table alone, and needs no look at the estate.
    refuse_impossible_begin(app, options.overrides)
    control_state = app.control.in_force()
    if isinstance(control_state.incident, UnreadableItem):
        raise MalformedItem(control_state.incident)
    incident = practice.incident if practice else incident_of(options, env, control_state, run.dialog, app.clock.now())
    past = entries_of_incident(options, env, incident, app)
    run = with_record(run, options, past, incident)
    refuse_in_write_pause(options, env, app, past, incident)
    unfinished = None if options.replan else _run_to_resume(past, options, incident, run.dialog)
    options = replace(options, overrides=_by_caller(options.overrides, app))
    decision = _Decision(options, env, app, run, incident, control_state, practice, unapproved)
    if unfinished is None:
        return decision.of_new_run()
    return decision.of_resumed_run(unfinished, [entry for entry in past if entry.seq >= unfinished.seq])


@dataclass(frozen=True)
class _Decision:
    """A decision on a run: what was asked for, and what is known before the estate is looked at."""

    options: RecoveryOptions
    env: Environment
    app: AppContext
    run: evaluation.CommandRun
    incident: str
    control_state: ControlState
    practice: DrillRequest | None
    unapproved: bool

    def of_new_run(self) -> RunStart:
        """Assess, and decide on today's plan. Raises as ``authorise``."""
        app, run, practice = self.app, self.run, self.practice
        snapshot = evaluation.observe_world(app.world, self.env, run)
        require_support(snapshot, app, self.options.overrides)
        drill_s, assessed = practice.takes_s if practice else 0, assess(self.options, self.env, snapshot, run)
        report = with_session(assessed, app.world.credentials, app.clock.now(), drill_s)
        assessment = report.assessment
        if assessment is None or assessment.session is None:
            raise UsageError("There is no assessment, so no plan to approve or run.")
        own_session = () if self.unapproved else (session_gate(assessment.session),)
        if practice and not drill_s and assessment.session.coverage is Coverage.UNKNOWN:
            own_session = ()  # a drill on its way is brought to its end, and waits for a login where its keys ended
        if not self.unapproved:
            session = assessment.session
            # That the keys in use are renewed, or may end, before the plan does; such that end are a gate.
            if session.coverage in (Coverage.RENEWED, Coverage.UNKNOWN):
                run.dialog.note(f"Credentials: {session.says}. {session.remedy}")
        # Beside all others: who waits for those first must not be refused by the lock afterwards.
        # A run of this process watches a lock that is held; no wait of seconds ends a cool-down.
        lock = [gate for gate in self._lock_gates if self.unapproved or gate.id == COOL_DOWN]
        gates = (*assessment.gates, *own_session, *(practice.gates if practice else ()), *lock)
        request = replace(self._request(assessment.plan), gates=gates)
        decided = decide_trial(request, self.env) if practice else decide(request, self._rules_environment)
        if not isinstance(decided, Clearance):
            _warn_of_a_dark_primary(app, run.dialog, self.incident, assessment)
        again, limits = next_steps.same_run(self.options, self.incident), self.env.execution
        wait = after_lock(gates, self.control_state, app.clock.now(), limits, again, self.incident)
        clearance = require_clearance(decided, wait)
        _known_steps(request.confirmed, assessment.plan)  # a plan that cannot be run lacks steps: its gates say why
        return _start(request, clearance, snapshot, report, run.recorded)

    def of_resumed_run(self, unfinished: Entry, since: Sequence[Entry]) -> RunStart:
        """Decide on the rest of the plan that began with ``unfinished``. Raises as ``authorise``."""
        plan, recorded = plan_on_record(unfinished)
        request = self._request(plan)
        _known_steps(request.confirmed, plan)
        done = done_steps(since)
        rest = replace(request, confirmed=request.confirmed | done)
        clearance = require_clearance(resume(Resumption(recorded, unfinished.at, rest), self._rules_environment))
        snapshot = evaluation.observe_world(self.app.world, self.env, self.run)
        if self.practice is None:  # a drill on its way is brought to its end, whatever it finds
            gates = _gates_now(self.options, self.env, snapshot, self.run, since)
            if refusals := recheck_gates(clearance, gates, self.app.clock.now()):
                require_clearance(refusals)
        return replace(_start(request, clearance, snapshot, None, self.run.recorded), done=done)

    def _request(self, plan: Plan) -> AuthorizationRequest:
        """What is decided upon. Raises Refused and UsageError where it is not what was asked for."""
        confirmed = frozenset(self.options.confirm)
        options = self.options
        # The digest that was typed names another plan than the one of now.
        if options.digest and not plan.digest.startswith(options.digest):
            raise Refused(
                f"authority.digest: the plan is {plan.digest[:12]} now, not {options.digest[:12]}: the estate changed. "
                "Look at it again, and have the new one approved."
            )
        request = _authorization_request(
            self.options, plan, self.incident, self.app, self.control_state, self.run.dialog
        )
        return replace(request, confirmed=confirmed | (_irreversible(plan) if self.practice else frozenset()))

    @property
    def _lock_gates(self) -> list[Gate]:
        """The lock as a task that AWS starts now would find it."""
        return lock_gates(self.control_state, self.incident, self.app.clock.now(), self.env.execution)

    @property
    def _rules_environment(self) -> Environment:
        """The environment; while nobody can have approved yet, as for one person. The rules' digest is not of it."""
        if not self.unapproved:
            return self.env
        return self.env.model_copy(update={"approvals": self.env.approvals.model_copy(update={"people": 1})})


def clear_trial(
    app: AppContext,
    plan: Plan,
    incident: str,
    snapshot: Snapshot,
    report: Report | None,
    *,
    gates: Sequence[Gate] = (),
    overrides: tuple[Override, ...] = (),
    recorded: Mapping[str, Mapping[str, Any]] | None = None,
    renamed_databases: Mapping[str, str] | None = None,
) -> RunStart:
    """Return what a trial or a clean-up starts from; ordering it confirms its irreversible steps. Raises Refused."""
    request = replace(
        _basic_request(plan, incident, app, app.control.in_force(), _rules_of_trial(app, report)),
        gates=gates,
        overrides=_by_caller(overrides, app),
        confirmed=_irreversible(plan),
    )
    return _start(
        request,
        require_clearance(decide_trial(request, app.env)),
        snapshot,
        report,
        recorded or {},
        renamed_databases or {},
    )


def _by_caller(overrides: Sequence[Override], app: AppContext) -> tuple[Override, ...]:
    """Return the overrides with the caller's identity, in addition to the name that was given."""
    return tuple(replace(override, arn=app.caller.arn) for override in overrides)


def _warn_of_a_dark_primary(app: AppContext, dialog: Dialog, incident: str, assessment: Assessment) -> None:
    """Notify the critical topic that the primary is lost and failover is still not advised; best effort (T40)."""
    if assessment.posture.name is not PostureName.PRIMARY_LOST or assessment.advice is not Advice.DO_NOT_FAILOVER:
        return
    message = refusal_in_outage(app.env, incident, " ".join(assessment.reasons[:3]))
    for call in critical(app.env, message):
        try:
            with app.client.permitting(GuardContext(app.env, WRITES)):
                app.client.send(call)
        except (SendFailed, GuardRefused) as failed:
            dialog.note(f"The alarm could not be sent to {call.params['TopicArn']}: {failed}")


def incident_of(
    options: PlanOptions, env: Environment, control_state: ControlState, dialog: Dialog, now: datetime
) -> str:
    """The incident: the one given, the one that is open, asked for at a terminal, or named by its day in a drill."""
    given = options.incident
    open_ = control_state.known_incident
    if not given and open_ is not None:
        return open_.id
    if not given and env.approvals.ticket and dialog.has_person:
        given = dialog.ask(_PROMPT).strip()
    known = open_ is not None and given == open_.id
    # An incident that is open already is accepted in whatever form it was opened.
    if given and not known and not ticket_is_well_formed(given, env):
        raise Refused(f"authority.ticket: '{given}' is no incident ticket. Give one such as INC-123.")
    return given or ("" if env.approvals.ticket else f"RUN-{now:%Y%m%d-%H%M%S}")


def pause_sentence(control_state: ControlState) -> str:
    """Who paused all runs, when and why; "" where nobody did."""
    pause = control_state.pause
    return f"{pause.who}{pause.since}: {pause.why}" if pause else ""


def pause_reason(control: ControlStore) -> str:
    """Why no run may change anything now, "" where it may. What else cannot be read of what stands stops no run."""
    return pause_sentence(control.in_force())


def _run_to_resume(past: Sequence[Entry], options: RecoveryOptions, incident: str, dialog: Dialog) -> Entry | None:
    """The unfinished run to go on with, None where a new one begins. Raises Refused where it is done, or another's."""
    begun, goal = last_beginning(past), goal_of(options)
    if begun is None:
        return None
    replan = next_steps.same_run(options, incident, "--replan")
    if goal_of_beginning(begun) is goal:
        if not is_done(past, begun):
            if isinstance(options, FailoverOptions) and options.since:
                dialog.note("--since counts for a run that begins: this one goes on by the time it began with.")
            return begun
        raise Refused(
            f"The {goal} for {incident} is done ({past[-1].at:%Y-%m-%d %H:%M} UTC): {next_steps.proof_of(goal)} proves "
            f"it, {next_steps.log_of(incident)} shows it. Another run for the same incident: {replan}."
        )
    if goal is Goal.ABORT:
        return None  # of the unfinished failback that was looked for before
    if not is_done(past, begun):
        raise Refused(
            f"The {goal_of_beginning(begun)} for {incident} is not finished. "
            f"{next_steps.run_of(goal_of_beginning(begun), options, incident)} finishes it; {replan} begins the {goal} "
            f"instead."
        )
    return None


def _authorization_request(
    options: RecoveryOptions, plan: Plan, incident: str, app: AppContext, control_state: ControlState, dialog: Dialog
) -> AuthorizationRequest:
    """What the decision on the plan is made upon, before its gates are weighed."""
    return replace(
        _basic_request(plan, incident, app, control_state, evaluation.usable_rules(options, app.env, app.clock.now())),
        approvals=app.approvals.of(incident) if app.env.approvals.people > 1 and incident else (),
        people=_required_people(app) if app.env.approvals.people == 1 else None,
        overrides=options.overrides,
        at_terminal=dialog.has_person,
        approve_with=next_steps.approval(options, incident),
    )


def _required_people(app: AppContext) -> RequiredPeople | None:
    """How many people the account asks for. Raises DataUnavailable: what was not read allows nobody to go alone."""
    part = control_table.people
    required: RequiredPeople | None = app.world.observe(app.env, frozenset({part.name}), sides=(Side.DR,)).get(
        part, Side.DR
    )
    return required


def _rules_of_trial(app: AppContext, report: Report | None) -> EffectiveRules:
    return report.rules if report and report.rules else EffectiveRules.of(app.env, (), version())


def _basic_request(
    plan: Plan, incident: str, app: AppContext, control_state: ControlState, rules: EffectiveRules
) -> AuthorizationRequest:
    """What any decision on ``plan`` is made upon: this caller, now, the stop switch, and the rules here and pinned."""
    return AuthorizationRequest(
        plan=plan,
        incident=incident,
        operator=app.caller.arn,
        operator_userid=app.caller.userid,
        approvals=(),
        gates=(),
        overrides=(),
        now=app.clock.now(),
        rules=rules,
        pins=app.approvals.pins(),
        paused=pause_sentence(control_state),
    )


def _start(
    request: AuthorizationRequest,
    clearance: Clearance,
    snapshot: Snapshot,
    report: Report | None,
    recorded: Mapping[str, Mapping[str, Any]],
    renamed_databases: Mapping[str, str] | None = None,
) -> RunStart:
    """The start of the run that ``request`` was cleared for."""
    return RunStart(
        request.plan,
        clearance,
        snapshot,
        report,
        request.confirmed,
        tuple(request.overrides),
        recorded,
        request.rules,
        renamed_databases or {},
        request.gates,
    )


def require_clearance(decided: Clearance | tuple[Refusal, ...], next_step: str = "") -> Clearance:
    """The clearance. Raises Refused with every rule that said no."""
    if not isinstance(decided, Clearance):
        rules = "\n".join(f"  {refusal.rule}: {refusal.message}" for refusal in decided)
        raise Refused(f"Refused.\n{rules}", next_step)
    return decided


def _irreversible(plan: Plan) -> frozenset[str]:
    return frozenset(step.id for step in plan.steps if step.danger == "irreversible")


def _known_steps(confirmed: frozenset[str], plan: Plan) -> None:
    if unknown := sorted(confirmed - {step.id for step in plan.steps}):
        known = ", ".join(s.id for s in plan.steps if s.danger == "irreversible") or "none"
        raise UsageError(f"--confirm {unknown[0]}: the plan has no such step (irreversible are: {known}).")


def plan_on_record(begun: Entry) -> tuple[Plan, Clearance]:
    """The plan and the clearance that the journal says the run began with. Raises Refused where it says neither."""
    try:
        return plans.from_json(begun.data["plan"]), clearance_from_json(dict(begun.data["clearance"]))
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as damaged:
        raise Refused(f"{RULE}: the journal holds no clearance that can be read. Begin with --replan.") from damaged


def _gates_now(
    options: PlanOptions, env: Environment, snapshot: Snapshot, run: evaluation.CommandRun, since: Sequence[Entry]
) -> tuple[Gate, ...]:
    """The gates that count for the rest of the plan that began ``since``, weighed upon ``snapshot``."""
    report, (plan, _) = assess(options, env, snapshot, run), plan_on_record(since[0])
    if report.assessment is None:
        raise UsageError("There is no assessment, so no plan to approve or run.")
    unseen = {f"check.{result.check}" for result in report.verdict.results if result.status is Status.UNKNOWN}
    return gates_to_go_on(report.assessment.gates, report.assessment.posture, plan, has_changes(since), unseen)


# What the task of a run would refuse, asked before AWS starts it: the task's own screen is seen by nobody.


def in_world_of(options: Options, task: RecoveryOptions) -> RecoveryOptions:
    """The words of the ``task`` by the files and keys that ``options`` names here: its own are those of its image."""
    common = {field.name: getattr(options, field.name) for field in fields(Options)}
    # The one shared option that chooses what is planned: it is part of the digest.
    return replace(task, **{**common, "only_tenants": task.only_tenants})


def refuse_closed_table(app: AppContext, incident: str, task: RecoveryOptions) -> None:
    """Raise Refused where the control table keeps any run of the incident from beginning: lock, cool-down, pause."""
    refuse_impossible_begin(app, task.overrides)
    require_free_lock(app, incident, task.overrides, next_steps.approval(task, incident))
    if paused := pause_sentence(app.control.in_force()):
        raise Refused(f"authority.paused: All runs are stopped: {paused}. `dr_cli.py unpause` lets them run again.")


def refuse_as_task(
    task: RecoveryOptions,
    app: AppContext,
    report: Report,
    rules: EffectiveRules,
    starter: str,
    given: Sequence[Approval],
) -> None:
    """Raise Refused with every rule by which the ``task`` that ``starter`` asked AWS for would be refused now.

    ``report`` assesses its plan today; ``given`` are the approvals that it will find.
    """
    # First: it reads the table alone, and needs no plan of today.
    refuse_closed_table(app, task.incident, task)
    if (assessment := report.assessment) is None:
        return
    if not assessment.plan.digest.startswith(task.digest):
        raise Refused(
            f"authority.digest: the plan is {assessment.plan.digest[:12]} now, and AWS waits with {task.digest[:12]}: "
            f"the estate changed. {next_steps.withdrawal_of(task.incident)} ends that one; then the operator asks "
            "again."
        )
    request = AuthorizationRequest(
        plan=assessment.plan,
        incident=task.incident,
        operator=starter,
        # AWS's answer names no user id of who started it: an approval of the starter's own is known by its ARN.
        operator_userid="",
        approvals=given,
        gates=assessment.gates,
        overrides=task.overrides,
        now=app.clock.now(),
        rules=rules,
        pins=app.approvals.pins(),
        confirmed=frozenset(task.confirm),
        approve_with=next_steps.approval(task, task.incident),
    )
    require_clearance(decide(request, app.env))
