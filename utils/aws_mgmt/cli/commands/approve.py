"""approve, pause and unpause: what people decide, written to the control table in the DR region."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

from dr_actions.authorization.clearance import Approval, ticket_is_well_formed
from dr_actions.authorization.people import is_approver, person_of
from dr_actions.control_table.control import ConditionFailed
from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration
from reports.publish import print_report
from reports.terminal import console
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.assessment import assess
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.evaluation import CommandRun, observe_world
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.failback_stages import staged_or_not
from utils.aws_mgmt.app.incident_record import entries_of_incident, record_pause, recorded_of
from utils.aws_mgmt.app.options import ApproveOptions, PauseOptions, UnpauseOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli.terminal import Terminal


def approve_command(options: ApproveOptions, environment: Environment) -> Exit:
    """Show today's plan and approve exactly it, under the caller's own identity. Refused for who is no approver."""
    incident = options.incident
    if not ticket_is_well_formed(incident, environment):
        named = next_steps.approval(options, "INC-123")
        raise UsageError(f"Which incident? Name it: {named} (or INC-20260107-001).")
    if options.withdraw:
        return _withdraw(options, environment, incident)
    with run_folder(options) as folder, open_context(options, environment) as reached:
        person = _approver(reached, environment)
        with console.progress() as advance:
            run = CommandRun(folder, Terminal(), advance)
            run = replace(run, recorded=recorded_of(entries_of_incident(options, environment, incident, reached)))
            environment = staged_or_not(options, environment) if options.failback else environment
            report = assess(options, environment, observe_world(reached.world, environment, run), run)
        assessment = report.assessment
        if assessment is None:
            raise UsageError("There is nothing to approve.")
        if options.format == "terminal":
            print_report(report, options.format, sys.stderr)
        digest, wanted = assessment.plan.digest, options.digest
        if wanted and not digest.startswith(wanted):
            raise Refused(f"authority.digest: the plan is {digest[:12]} now, not {wanted}: look at it again.")
        _sure(incident, digest)
        now, needed_s = reached.clock.now(), assessment.rto_estimate_s
        until = now + timedelta(minutes=environment.approvals.valid_minutes)
        caller = reached.caller
        approval = Approval(incident, digest, environment.name, caller.arn, caller.userid, now, until)
        reached.approvals.approve(approval, person)
    console.result(
        f"{person} approved plan {digest[:12]} of {environment.name} for {incident}, until {until:%H:%M} UTC.\n"
        f"The operator runs: {next_steps.execution(options, incident)}\n"
        f"It takes about {duration(needed_s)}: the operator's AWS session is to last until "
        f"{now + timedelta(seconds=needed_s):%Y-%m-%d %H:%M} UTC, or be renewed by itself.\n"
    )
    return Exit.READY


def _withdraw(options: ApproveOptions, environment: Environment, incident: str) -> Exit:
    """Take the caller's own approvals of the incident back. Raises Refused where there is none."""
    with open_context(options, environment) as reached:
        person = _approver(reached, environment)
        try:
            reached.approvals.withdraw(reached.caller.userid, incident)
        except ConditionFailed as none:
            raise Refused(
                f"authority.approval: {person} approved nothing of {incident}. Nothing was written."
            ) from none
    console.result(
        f"{person} withdrew every approval of {incident} in {environment.name}. A run that is at work goes on until it "
        "is stopped (pause); none begins or goes on upon them.\n"
    )
    return Exit.READY


def pause_command(options: PauseOptions, environment: Environment) -> Exit:
    """Turn the global stop switch on; runs ask for it before each batch of changes."""
    if not options.reason:
        raise UsageError("Why is everything to stop? Say it: `dr_cli.py pause --reason TEXT`.")
    with open_context(options, environment) as reached:
        pause = reached.control.pause(person_of(reached.caller.arn, environment), options.reason)
        _record(options, environment, reached)
    console.result(
        f"All runs of {environment.name} are paused by {pause.who} since {pause.at:%Y-%m-%d %H:%M} UTC: "
        f"{pause.why}. `dr_cli.py unpause` lets them go on.\n"
    )
    return Exit.READY


def unpause_command(options: UnpauseOptions, environment: Environment) -> Exit:
    """Turn the global stop switch off."""
    with open_context(options, environment) as reached:
        who = person_of(reached.caller.arn, environment)
        if reached.control.in_force().pause is None:
            console.result(f"No pause is in force in {environment.name}.\n")
            return Exit.READY
        reached.control.unpause(who)
        _record(options, environment, reached)
    console.result(f"{who} let the runs of {environment.name} go on.\n")
    return Exit.READY


def _record(options: PauseOptions | UnpauseOptions, environment: Environment, reached: AppContext) -> None:
    try:
        record_pause(options, environment, reached)
    except Exception as unrecorded:  # noqa: BLE001 - the switch itself is what matters, and its history has it
        console.complain(f"The incident's log does not have it yet, the next run adds it: {unrecorded}")


def _approver(reached: AppContext, environment: Environment) -> str:
    person = person_of(reached.caller.arn, environment)
    if not is_approver(reached.caller.arn, environment):
        known = ", ".join(environment.approvals.approvers) or "nobody (approvals.approvers is empty)"
        raise Refused(
            f"authority.two-people: {person} ({reached.caller.arn}) is not among the approvers of {environment.name}: "
            f"{known}. Nothing was written."
        )
    return person


def _sure(incident: str, digest: str) -> None:
    """At a terminal the approver types the incident; elsewhere the command is the decision."""
    if Terminal().attended and console.ask(f"Approve plan {digest[:12]}? Type {incident}: ").strip() != incident:
        raise Refused("Not approved: the incident was not typed. Nothing was written.")
