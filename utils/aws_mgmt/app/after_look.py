"""What to do upon what was seen: by `status`, `test`, an assessment, the end of a run, and the screen for the night.

One function, ``_in_force``, says for all of them what comes before any remedy of the estate.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.authorization.resumption import EXPECTED
from dr_actions.control_table.lock import COOL_DOWN, cool_down_end
from dr_actions.model.plan import Goal
from dr_checks.core.model import Remedy, Severity, Status
from dr_checks.posture.posture import BLINDNESS, SERVED_BY_DR, Posture, PostureName
from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Command
from dr_estate.model.recovery_document import WaitingStart
from dr_estate.model.recovery_names import is_full
from dr_estate.readers.control_table import ABORTING, BEGUN, FAILING_BACK, ControlState, Incident
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.assessment import short
from reports.values.report import Report, next_line
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import (
    BY_POSTURE,
    DIAGNOSIS,
    DRILL_CLEAN,
    DUE,
    READINESS,
    STANDS_NOW,
    UNPAUSE,
    NextStep,
    after_run,
    approval,
    attach_of,
    execution,
    goal_word,
    going_on,
    log_of,
    proof_of,
    until_answers,
)
from utils.aws_mgmt.app.options import Options, PlanOptions, RecoveryOptions

_ON_THE_WAY: Mapping[str, Goal] = {FAILING_BACK: Goal.FAILBACK, ABORTING: Goal.ABORT}
_OVERRIDDEN_FOR, _MOST_OVERRIDES = timedelta(hours=4), 2
_STATUS = NextStep(Command(("status",)), "names what stands in the way")
_DIVIDES = NextStep(Command(("status",)), "names what divides the visitors between the regions")
_SWITCH = NextStep(Command(("failover", "--planned")), "weighs a switchover, in which nothing is lost")
_WATCH = NextStep(Command(("status", "--watch")), "shows both regions")
_GRAVE = (Severity.BLOCKER, Severity.CRITICAL)
_REACHED = ("done", "unconfirmed")


def with_decision(report: Report, snapshot: Snapshot) -> Report:
    """The report with until when a failover can be decided upon, where an outage is seen whose begin is known."""
    if report.posture is not PostureName.IMPAIRED or report.since is None:
        return report
    from dr_actions.planning.planner import failover_estimate_s  # planning is imported in an outage alone

    takes_s = failover_estimate_s(report.environment, snapshot)
    whole = timedelta(minutes=report.environment.objectives.rto_minutes)
    return replace(report, decide_by=report.since + whole - timedelta(seconds=takes_s))


def after_look(report: Report) -> str:
    """What to do upon what was seen: what the estate as a whole asks for, else the severest remedy."""
    if step := _in_force(report):
        return step
    if report.validates:
        return READINESS
    if remedies := report.recommendations():
        return _by_remedy(report, remedies[0])
    if report.verdict.with_status(Status.UNKNOWN):
        return str(DIAGNOSIS)
    return str(DUE)


def after_execution(options: RecoveryOptions, report: Report) -> str:
    """What to do once a run has ended: go on with it, or what comes after it."""
    ran = report.ran
    if ran is None:
        return ""
    if ran.stands_otherwise:
        return report.posture_next or str(STANDS_NOW)
    if ran.exit != Exit.READY and report.standing and report.standing.pause:
        return str(UNPAUSE)
    if ran.exit != Exit.READY:
        return str(after_run(options, ran.incident).confirming(ran.to_confirm))
    is_over = options.failback or (options.fence and not report.serves_from_dr)
    if is_over and not options.abort:
        review = Command(("log", "--review", "--incident", ran.incident))
        return str(NextStep(review, "writes the review of the incident"))
    return _in_force(report) or str(STANDS_NOW)


def after_assessment(options: PlanOptions, report: Report, assessment: Assessment) -> str:
    """What to do upon an assessment: have its plan approved or run it, or look at what stands in the way."""
    open_ = report.standing.known_incident if report.standing else None
    incident = options.incident or (open_.id if open_ else "")
    # An environment that demands stages refuses the run without them.
    options = replace(options, staged=options.staged or report.environment.failback.staged)
    if going := _under_way(report):
        return str(going)
    if assessment.blind:
        return str(DIAGNOSIS)
    split = options.failback and report.posture is PostureName.SPLIT  # the second writer is stopped first
    if split or assessment.advice not in (Advice.PROCEED, Advice.RISKY):
        return _instead(options, report, assessment)
    does = "starts the run in AWS. It waits for an approver"
    if not report.environment.automation.enabled:
        if report.environment.approvals.people > 1:
            approved = approval(options, incident, short(assessment.plan.digest))
            asks = "" if incident else ", and is asked for the ticket"
            return _past_gates(approved, f"approves this plan: a second person runs it{asks}", report, assessment)
        does = "runs this plan"
    # Without a ticket the run names itself where none is asked for, and asks for it at the terminal where one is.
    return _past_gates(execution(options, incident), does, report, assessment)


def with_next_step(options: PlanOptions, report: Report, assessment: Assessment) -> Report:
    """The report with what comes next upon its assessment, which the first line of an outage names too.

    Where no plan is to run the first line names no command that is the look itself: Next says what is in its way.
    """
    report = replace(report, next_step=after_assessment(options, report, assessment))
    visitors, command = report.visitors, next_line(report.next_step)[1]
    if visitors is None or not visitors.command:
        return report
    if assessment.advice in (Advice.PROCEED, Advice.RISKY):
        return replace(report, visitors=replace(visitors, command=command))
    weighs = visitors.command == Command((goal_word(options),)).line
    return replace(report, visitors=replace(visitors, command="")) if weighs else report


def _past_gates(run: Command, does: str, report: Report, assessment: Assessment) -> str:
    """The command with an override of each gate in its way: without one it is refused. Of many, how one is written."""
    unmet = [gate.id for gate in assessment.gates if not gate.met and not gate.relaxed and gate.id not in run.words]
    # The cool-down ends by itself: nobody is led to override what a wait meets.
    if COOL_DOWN in unmet and (ends := _cool_down_end(run, report)):
        unmet.remove(COOL_DOWN)
        does = f"{does}; it can begin at {ends:%Y-%m-%d %H:%M} UTC: the cool-down is over then"
    until = f"{report.observed_at + _OVERRIDDEN_FOR:%Y-%m-%dT%H:%MZ}"
    overrides = [word for gate in unmet for word in ("--override", gate, report.caller or "WHO", until, "REASON")]
    if len(unmet) <= _MOST_OVERRIDES:
        # A run refuses the word REASON: why a gate is set aside is on record for ever.
        fill = "; write why in the place of REASON" if unmet else ""
        return str(NextStep(Command((*run.words, *overrides)), f"{does}{fill}"))
    pattern = shlex.join(("--override", "GATE", *overrides[2:5]))
    return f"{run} {does}, once each of the {len(unmet)} gates above is met, or overridden by name: {pattern}."


def _cool_down_end(run: Command, report: Report) -> datetime | None:
    last = report.standing.known_run if report.standing else None
    incident = run.words[run.words.index("--incident") + 1] if "--incident" in run.words else ""
    return cool_down_end(last, report.observed_at, incident, report.environment.execution)


def _instead(options: PlanOptions, report: Report, assessment: Assessment) -> str:
    """What the estate asks for where that is no look at the goal that was weighed, else what is in its way."""
    step, goal = _in_force(report), goal_word(options)
    command = next_line(step)[1].split()
    if step and (command[1:2] != [goal] or "--execute" in command):
        return step
    if step:  # `failover` never says `failover`, nor another command that leads back to it
        # The remedy of the gravest check whose gate is unmet; else the first unmet gate's reason.
        unmet = sorted((not g.stops, g.id, g.says) for g in assessment.gates if not g.met and not g.relaxed)
        gates = {gate for _, gate, _ in unmet}
        for cause in report.causes:
            if cause.remedies and f"check.{cause.result.check}" in gates:
                return _by_remedy(report, cause.remedies[0])
        return f"{unmet[0][-1]} Meanwhile {_WATCH}" if unmet else str(_STATUS)
    if options.failback and _is_leftover(report):
        primary = report.environment.regions.primary
        return f"{primary} alone takes writes: nothing is to be failed back. {_DIVIDES}"
    if report.posture is PostureName.NORMAL and not options.planned:
        return str(_SWITCH) if goal == "failover" else READINESS
    return str(_STATUS)


def _under_way(report: Report) -> NextStep | None:
    """The run at work, or the one that waits for its approver: whatever is asked for, nothing begins beside it."""
    at_work = of_run_at_work(report.standing, report.environment, report.observed_at)
    return at_work or of_waiting_start(report.waiting, report.standing)


def _in_force(report: Report) -> str:
    """What comes before any remedy: the run at work, what the posture asks for, or an open incident; "" for nothing."""
    if going := _under_way(report):
        return str(going)
    stops = next((cause for cause in report.causes if cause.effects and not cause.warns), None)
    if report.posture is PostureName.IMPAIRED and stops and stops.remedies and stops.remedies[0].commands:
        return f"{_until_decision(report)}{_by_remedy(report, stops.remedies[0])}"
    if report.posture_next:
        return report.posture_next
    if report.standing and report.standing.holding:
        return report.standing.holding[0].remedy
    if report.posture in SERVED_BY_DR and (primary := report.environment.regions.primary) in report.silent:
        grave = [c for c in report.causes if c.result.severity in _GRAVE and c.remedies and c.remedies[0].commands]
        return _by_remedy(report, grave[0].remedies[0]) if grave else str(until_answers(primary))
    if step := of_open_incident(report.standing, report.posture):
        return str(step)
    return "" if _is_leftover(report) else str(BY_POSTURE.get(report.posture, ""))


def _is_leftover(report: Report) -> bool:
    """Whether records divide visitors while the primary region alone takes writes: a failback would lead nowhere."""
    return report.posture is PostureName.RETURNING and report.writer is Side.PRIMARY


def _by_remedy(report: Report, remedy: Remedy) -> str:
    """The remedy of a cause with its first command; where it holds none, with the one that explains what it is for."""
    if remedy.commands or next_line(remedy.sentence)[1]:
        return str(Remedy(remedy.sentence, remedy.commands[:1]))
    explained = next((cause.result.check for cause in report.causes if remedy in cause.remedies), "")
    return f"{remedy} {NextStep(Command(('explain', 'check', explained)), 'explains it')}" if explained else str(remedy)


def _until_decision(report: Report) -> str:
    """Until when a failover can be decided upon and still keep the objective, "" where that is not known."""
    if report.decide_by is None:
        return ""
    late, by = report.decide_by <= report.observed_at, f"{report.decide_by:%H:%M} UTC"
    rto = duration(report.environment.objectives.rto_minutes * 60)
    if late:
        return f"Decide on a failover now (`failover`): one that began after {by} misses the objective of {rto}. Else: "
    return f"A failover (`failover`) keeps the objective of {rto} where it is decided by {by}. Until then: "


def after_watch(
    posture: Posture,
    standing: ControlState | None,
    env: Environment,
    at: datetime,
    dark: str = "",
    waiting: Sequence[WaitingStart] = (),
    writer: Side | None = None,
) -> str:
    """What to do upon what was watched last. ``dark``: a silent primary region; ``writer``: who alone takes writes."""
    if going := of_run_at_work(standing, env, at) or of_waiting_start(waiting, standing):
        return str(going)
    if dark and posture.name in SERVED_BY_DR:  # the screen that is watched shows by itself when the region answers
        does = f"judges what the DR region serves: no failback begins before {dark} answers again"
        return str(NextStep(proof_of(Goal.FAILOVER), does))
    leftover = posture.name is PostureName.RETURNING and writer is Side.PRIMARY
    step = of_open_incident(standing, posture.name) or (_DIVIDES if leftover else BY_POSTURE.get(posture.name))
    return posture.next_step or str(step or READINESS)


def of_run_at_work(standing: ControlState | None, env: Environment, at: datetime) -> NextStep | None:
    """What shows the open incident's run that is at work: nothing else begins beside it, and it may need a person."""
    run = standing.run_at_work(at) if standing else None
    if run is None:
        return None
    shows = attach_of(run.incident) if env.automation.enabled else log_of(run.incident)
    return NextStep(shows, "shows the run at work, and what it waits for")


def of_waiting_start(waiting: Sequence[WaitingStart], standing: ControlState | None = None) -> NextStep | None:
    """What goes on with the run that somebody asked AWS for: until it is over or withdrawn, none begins beside it."""
    if not waiting:
        return None
    if waiting[0].approved:
        return NextStep(waiting[0].command, "watches the run that was approved and that AWS begins")
    if standing is not None and standing.pause is not None:
        return UNPAUSE
    return NextStep(waiting[0].command, "approves the run that waits in AWS: an approver's command")


def of_open_incident(standing: ControlState | None, posture: PostureName) -> NextStep | None:
    """What goes on with the incident that is open; None where none is, or its last run reached its goal.

    None, too, where the posture asks for something else than a plan that may not run in it, and where it is not known.
    """
    incident = standing.known_incident if standing else None
    if standing is None or incident is None or posture in BLINDNESS:
        return None
    if is_full(incident.id):
        cleans = NextStep(DRILL_CLEAN, "brings the drill to its end, where no run is at work")
        return None if posture is PostureName.PRIMARY_LOST else cleans
    goal, last = _goal_ahead(incident), standing.known_run
    if goal and standing.pause is not None:
        return UNPAUSE
    if goal and posture in EXPECTED.get(goal, ()):
        return going_on(goal, Options(), incident.id, staged=incident.staged)
    failed = last is not None and last.incident == incident.id and last.outcome not in _REACHED
    if (goal and posture not in BY_POSTURE) or (goal is None and failed):
        return NextStep(log_of(incident.id), "shows how far its last run came, and how to go on with it")
    return None


def _goal_ahead(incident: Incident) -> Goal | None:
    """What the incident's run is for where its phase says that it has not reached that."""
    if incident.phase == BEGUN:
        return next((goal for goal in Goal if goal == incident.goal), None)
    return _ON_THE_WAY.get(incident.phase)
