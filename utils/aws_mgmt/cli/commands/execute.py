"""failover and failback --execute: authorize, run, publish; or have AWS do it, and watch."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from dr_estate.config.environment import Environment
from reports.allure.results import RESULTS
from reports.publish import publish_run
from reports.terminal import console
from reports.values.assessment import short
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.after_look import after_execution
from utils.aws_mgmt.app.authorization import RunStart, authorise
from utils.aws_mgmt.app.automation import (
    RecoveryAutomation,
    RecoveryExecution,
    RecoveryStart,
    approved_execution,
    runs_directly,
)
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.evaluation import CommandRun
from utils.aws_mgmt.app.execution import RunContext, control_state_now, lock_and_run
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_report import with_approvals
from utils.aws_mgmt.app.kept_files import keep_files
from utils.aws_mgmt.app.options import RecoveryOptions
from utils.aws_mgmt.app.run_begin import require_free_lock
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.run_history import record_recovery
from utils.aws_mgmt.app.sign_in import Caller
from utils.aws_mgmt.cli.failures import record_refusals
from utils.aws_mgmt.cli.terminal import Terminal
from utils.aws_mgmt.cli.watching import watch


def execute_command(options: RecoveryOptions, environment: Environment) -> Exit:
    """Run (or go on with) the plan of the options's goal. Returns 0 where it is done and validated."""
    with run_folder(options) as folder, ExitStack() as stack:
        with console.working("Connecting"):
            reached = stack.enter_context(open_context(options, environment))
        files = CommandRun(folder, Terminal())
        ordered: RecoveryExecution | None = None
        # A session of the break-glass role runs the plan itself: Systems Manager is not asked then.
        if not runs_directly(reached, options.automation):
            return _ask_and_watch(options, reached, files)
        with record_refusals(options, reached):
            if options.automation:
                # First: who may run tasks in ECS could give this one any words; AWS alone knows what was approved.
                ordered = approved_execution(reached, options.automation, options.incident, options.digest)
                # Who asked AWS is the operator: the task's own role is nobody, and the approver must be another person.
                reached = replace(reached, starter=Caller(ordered.executed_by, ""))
            with files.dialog.progress() as advance:
                start = authorise(options, environment, reached, replace(files, advance=advance))
            context = RunContext(options, environment, reached, start, files, ordered=ordered)
            # Within `refusal_recorded`: a task that ends without a word is found by its entry in the table alone.
            summary, report = lock_and_run(context)
        # After the lock was given back: the history is kept for the schedule, and no run waits for it.
        notes = record_recovery(context, summary, report)
        control_state = control_state_now(reached)
        report = with_approvals(report, options, summary.incident, reached)
        whole = replace(report, standing=control_state, notes=notes, ran=summary, exit=summary.exit)
        whole = replace(whole, next_step=after_execution(options, whole))
        publish_run(whole, folder, options.format, html=options.html)
        # Last: the report must be in the folder before the folder is kept.
        if ordered is not None and (message := keep_files(reached, summary.incident, ordered.id, folder, RESULTS)):
            console.complain(message)
    return Exit(summary.exit)


def _ask_and_watch(options: RecoveryOptions, reached: AppContext, files: CommandRun) -> Exit:
    """Have AWS ask an approver and then run the plan; watch it. The run needs this process no more."""
    if reached.world.passing:
        raise UsageError(
            "AWS starts this run, and a sandbox of one command ends with it: `dr_cli.py sandbox up` first."
        )
    with files.dialog.progress() as advance:
        start = authorise(options, reached.env, reached, replace(files, advance=advance), unapproved=True)
    # Here already: AWS would ask an approver first, and refuse it afterwards.
    incident, digest = start.clearance.incident, start.plan.digest
    require_free_lock(reached, incident, start.overrides, next_steps.same_run(options, incident))
    # The task has no terminal: what only a person may confirm is confirmed here and goes along as words.
    options = replace(options, confirm=(*options.confirm, *_confirmations(start)))
    wanted = RecoveryStart(
        goal=next_steps.goal_word(options),
        incident=incident,
        digest=digest,
        arguments=next_steps.task_arguments(options),
        summary=_summary(start),
    )
    execution = RecoveryAutomation(reached).start(wanted)
    console.complain(
        f"AWS was asked to run plan {digest[:12]} for {incident} ({execution}). Now a second person runs "
        f"{next_steps.approval(options, incident, short(digest))}, even if they approved this plan earlier. This "
        f"process may end: {next_steps.attach_of(incident)} watches it again."
    )
    return watch(reached, execution, files.folder, options.format)


def _confirmations(start: RunStart) -> list[str]:
    """The irreversible steps that the person at this terminal confirms now: nobody can ask the task's."""
    known = start.confirmed | start.done
    steps = [step for step in start.plan.steps if step.danger == "irreversible" and step.id not in known]
    for step in steps:
        if not console.has_typed(step.subject, f"{step.says} It cannot be undone. Type {step.subject}: "):
            raise Refused(
                f"authority.irreversible: {step.id} was not confirmed. Nothing was begun. Without a terminal: "
                f"--confirm {step.id}."
            )
    return [step.id for step in steps]


def _summary(start: RunStart) -> str:
    """Loss, irreversible steps and overridden gates, as the approver reads them beside the digest."""
    irreversible = [step.id for step in start.plan.steps if step.danger == "irreversible"]
    assessment = start.report.assessment if start.report else None
    # Three: a long summary is cut at its end, and the gates that were overridden stand there.
    losses = [f"{loss.store} {loss.subject}: {loss.basis}" for loss in assessment.losses[:3]] if assessment else []
    overridden = [f"{override.gate} by {override.by} ({override.why})" for override in start.overrides]
    return (
        f"Cannot be undone: {', '.join(irreversible) or 'nothing'}. Lost: {'; '.join(losses) or 'not assessed again'}. "
        f"Overridden: {'; '.join(overridden) or 'no gate'}."
    )
