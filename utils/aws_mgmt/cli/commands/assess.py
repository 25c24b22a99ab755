"""failover and failback without --execute: assess and print."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable
from reports.publish import publish
from reports.terminal import console
from reports.values.report import Report
from utils.aws_mgmt.app.after_look import with_next_step
from utils.aws_mgmt.app.assessment import assess, goal_of, with_session
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.evaluation import CommandRun, observe_world, read
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.failback_abort import with_record
from utils.aws_mgmt.app.incident_record import entries_of_incident
from utils.aws_mgmt.app.incident_report import with_approvals
from utils.aws_mgmt.app.options import RecoveryOptions
from utils.aws_mgmt.app.run_begin import JOURNAL, journal_gates, with_begin
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.target import outlives
from utils.aws_mgmt.cli.terminal import Terminal, open_connection


def assess_command(options: RecoveryOptions, environment: Environment) -> Exit:
    """Assess and print. Returns 0 for PROCEED, 3 where too little could be seen, 1 for anything else."""
    with run_folder(options) as folder, console.progress() as advance:
        run = CommandRun(folder, Terminal(), advance)
        # The way back is planned upon what the incident recorded, which saved evidence does not hold.
        if goal_of(options) in (Goal.FAILBACK, Goal.RELEASE, Goal.ABORT) and not options.from_evidence:
            report = _assess_return(options, environment, run)
        else:
            report = assess(options, environment, read(options, environment, run), run)
            if not (options.from_evidence or options.sandbox):
                report = with_session(report, Credentials(), run.clock.now())
            # Last: an approval is compared with the digest of the plan that was made just now.
            report = _with_approvals(report, options, environment)
    if not options.from_evidence:
        report = with_begin(report, options.incident, _journal(report, options, environment))
    if report.assessment is not None:
        report = with_next_step(options, report, report.assessment)
    publish(report, folder, options.format, html=options.html)
    return Exit(report.exit)


def _journal(report: Report, options: RecoveryOptions, env: Environment) -> tuple[Gate, ...]:
    """The gate of the incident's record where a run could not go on with it; an unread one stops a run too."""
    incident = options.incident or (report.standing.incident.id if report.standing and report.standing.incident else "")
    if not incident or not outlives(options, env):
        return ()
    try:
        with open_connection(options, env) as reached:
            return journal_gates(options, reached, incident)
    except (Refused, DataUnavailable) as unread:
        return (Gate(JOURNAL, met=False, says=f"it cannot be read: {unread}", stops=True),)


def _with_approvals(report: Report, options: RecoveryOptions, env: Environment) -> Report:
    """The report with what was approved for the incident that is named, where two people decide."""
    if options.from_evidence or not options.incident or env.approvals.people == 1 or not outlives(options, env):
        return report
    try:
        with open_connection(options, env) as reached:
            return with_approvals(report, options, options.incident, reached)
    except (Refused, DataUnavailable) as unread:
        return replace(report, notes=(*report.notes, f"What was approved was not read: {unread}"))


def _assess_return(options: RecoveryOptions, env: Environment, run: CommandRun) -> Report:
    """The assessment of a failback or a release, upon what the incident recorded; it changes nothing."""
    with open_connection(options, env) as reached:
        control_state = reached.control.in_force()
        incident = control_state.known_incident.id if control_state.known_incident else options.incident
        run = with_record(run, options, entries_of_incident(options, env, incident, reached), incident)
        report = assess(options, env, observe_world(reached.world, env, run), run)
        report = with_session(report, reached.world.credentials, reached.clock.now())
        return with_approvals(report, options, incident, reached)
