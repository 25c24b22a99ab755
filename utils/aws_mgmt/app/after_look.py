"""What to do upon what was looked at: by `status`, `test`, and the screen for the night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dr_actions.authorization.resumption import EXPECTED
from dr_actions.model.plan import Goal
from dr_checks.core.model import Severity, Status
from dr_checks.core.remedy import Remedy
from dr_checks.posture.posture import BLINDNESS, SERVED_BY_DR, Posture, PostureName
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import is_full
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Command
from dr_estate.model.recovery_document import WaitingStart
from dr_estate.readers.control_table import ABORTING, BEGUN, FAILING_BACK, ControlState, Incident
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.next_line import next_line
from reports.values.report import Report
from utils.aws_mgmt.app.next_steps import (
    BY_POSTURE,
    DIAGNOSIS,
    DRILL_CLEAN,
    DUE,
    READINESS,
    NextStep,
    attach_of,
    going_on,
    log_of,
    until_answers,
)
from utils.aws_mgmt.app.options import Options

_ON_THE_WAY: Mapping[str, Goal] = {FAILING_BACK: Goal.FAILBACK, ABORTING: Goal.ABORT}
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
    """What to do upon what was seen: watch the run at work, approve what waits, else what the estate asks for."""
    # First: whatever the estate asks for, nothing else begins beside a run that is at work or asked for.
    at_work = of_run_at_work(report.standing, report.environment, report.observed_at)
    going = at_work or of_waiting_start(report.waiting)
    return str(going) if going else _by_estate(report)


def _by_estate(report: Report) -> str:
    """What the posture asks for, what goes on with an open incident, or the severest remedy."""
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
    if report.posture in BY_POSTURE:
        return str(BY_POSTURE[report.posture])
    if report.validates:
        return READINESS
    if remedies := report.recommendations():
        return _by_remedy(report, remedies[0])
    if report.verdict.with_status(Status.UNKNOWN):
        return str(DIAGNOSIS)
    return str(DUE)


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
) -> str:
    """What to do upon the posture and the control table's state that were watched last; ``dark``: a silent primary."""
    if going := of_run_at_work(standing, env, at) or of_waiting_start(waiting):
        return str(going)
    if dark and posture.name in SERVED_BY_DR:
        return str(until_answers(dark))
    going = of_open_incident(standing, posture.name) or BY_POSTURE.get(posture.name)
    return posture.next_step or str(going or READINESS)


def of_run_at_work(standing: ControlState | None, env: Environment, at: datetime) -> NextStep | None:
    """What shows the open incident's run that is at work: nothing else begins beside it, and it may need a person."""
    run = standing.run_at_work(at) if standing else None
    if run is None:
        return None
    shows = attach_of(run.incident) if env.automation.enabled else log_of(run.incident)
    return NextStep(shows, "shows the run at work, and what it waits for")


def of_waiting_start(waiting: Sequence[WaitingStart]) -> NextStep | None:
    """The approval of the run that somebody asked AWS for: until it is approved or withdrawn, none begins beside it."""
    if not waiting:
        return None
    return NextStep(waiting[0].approval, "approves the run that waits in AWS: an approver's command")


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
