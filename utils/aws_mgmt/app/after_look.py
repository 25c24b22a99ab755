"""What to do upon what was looked at: by `status`, `test`, and the screen for the night."""

from __future__ import annotations

from collections.abc import Mapping

from dr_actions.authorization.resumption import EXPECTED
from dr_actions.model.plan import Goal
from dr_checks.core.model import Status
from dr_checks.core.remedy import Remedy
from dr_checks.posture.posture import BLINDNESS, Posture, PostureName
from dr_estate.model.drill_names import is_full
from dr_estate.model.invocation import Command
from dr_estate.readers.control_table import ABORTING, BEGUN, FAILING_BACK, ControlState, Incident
from reports.values.escaping import holds_command
from reports.values.report import Report
from utils.aws_mgmt.app.next_steps import (
    BY_POSTURE,
    DIAGNOSIS,
    DRILL_CLEAN,
    DUE,
    READINESS,
    NextStep,
    going_on,
    log_of,
)
from utils.aws_mgmt.app.options import Options

_ON_THE_WAY: Mapping[str, Goal] = {FAILING_BACK: Goal.FAILBACK, ABORTING: Goal.ABORT}
_REACHED = ("done", "unconfirmed")


def after_look(report: Report) -> str:
    """What to do upon what was seen: go on with an open incident, what the posture asks for, or the severest remedy."""
    if report.posture_next:
        return report.posture_next
    if report.standing and report.standing.holding:
        return report.standing.holding[0].remedy
    if step := of_open_incident(report.standing, report.posture):
        return str(step)
    if report.posture in BY_POSTURE:
        return str(BY_POSTURE[report.posture])
    if report.validates:
        return READINESS
    if remedies := report.recommendations():
        return _by_remedy(report, Remedy(remedies[0].sentence, remedies[0].commands[:1]))
    if report.verdict.with_status(Status.UNKNOWN):
        return str(DIAGNOSIS)
    return str(DUE)


def _by_remedy(report: Report, remedy: Remedy) -> str:
    """The severest remedy; where it holds no command, with the one that explains what it is for."""
    if remedy.commands or holds_command(remedy.sentence):
        return str(remedy)
    troubled = (*report.verdict.with_status(Status.FAIL), *report.verdict.with_status(Status.WARN))
    checks_of = (r.check for r in troubled for f in r.findings if f.status is r.status and f.healing.sentence)
    explained = next(checks_of, "")
    return f"{remedy} {NextStep(Command(('explain', 'check', explained)), 'explains it')}" if explained else str(remedy)


def after_watch(posture: Posture, standing: ControlState | None) -> str:
    """What to do upon the posture and the control table's state that were watched last."""
    going = of_open_incident(standing, posture.name) or BY_POSTURE.get(posture.name)
    return posture.next_step or str(going or READINESS)


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
