"""approve, pause and unpause: what people decide, written to the control table in the DR region."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from dr_actions.authorization.approvals import with_starts
from dr_actions.authorization.clearance import PIN, Approval, ticket_is_well_formed
from dr_actions.authorization.people import is_approver, person_of
from dr_actions.authorization.rules import RULE, EffectiveRules, differences
from dr_actions.control_table.control import PausedForEver
from dr_actions.control_table.table import ConditionFailed
from dr_actions.model.plan import Danger, Plan
from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration
from reports.publish import print_report
from reports.terminal import closing, console
from reports.values.assessment import short
from reports.values.report import Report
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.assessment import assess, goal_of
from utils.aws_mgmt.app.authorization import in_world_of, refuse_as_task, refuse_closed_table
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.evaluation import CommandRun, observe_world, usable_rules
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.failback_abort import environment_to_run, with_record
from utils.aws_mgmt.app.incident_record import (
    entries_of_incident,
    goal_of_beginning,
    is_done,
    last_beginning,
    record_pause,
)
from utils.aws_mgmt.app.options import ApproveOptions, PauseOptions, PlanOptions, RepairOptions, UnpauseOptions
from utils.aws_mgmt.app.run_begin import with_begin
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli.terminal import Terminal, open_connection
from utils.aws_mgmt.cli.waiting_run import (
    WaitingRun,
    agreed_overrides,
    complain_of_another,
    end_waiting,
    let_start,
    options_of,
    remind,
    show_waiting,
    start_of,
    usable_overrides,
    waiting_run,
)

_POINTS = ("Answer", "Plan", "Loss")
_PROMPT = "Which incident? Type its ticket: "
_NO_REASON = "no reason was given"


def approve_command(options: ApproveOptions, environment: Environment) -> Exit:
    """Show today's plan and approve exactly it, under the caller's own identity. Refused for who is no approver."""
    if options.rules:
        return _pin_rules(options, environment)
    if not options.incident and Terminal().has_person:
        options = replace(options, incident=console.ask(_PROMPT).strip())
    incident = options.incident
    if not ticket_is_well_formed(incident, environment):
        named = next_steps.approval(options, "INC-123")
        raise UsageError(f"Which incident? Name it: {named} (or INC-20260107-001).")
    if options.withdraw:
        return _withdraw(options, environment, incident)
    with run_folder(options) as folder, open_connection(options, environment) as reached:
        person = _approver(reached, environment)
        rules = usable_rules(options, environment, reached.clock.now())
        waiting = waiting_run(reached, incident)
        usable_overrides(options.overrides, reached.clock.now())
        # In this order: a plan that this approver approved already must not be assessed and asked for once more.
        if _lets_start(options, reached, waiting, rules, folder) or _agrees_to_more(options, reached, waiting, rules):
            return Exit.READY
        if waiting is not None:
            _refuse_other_goal(options, reached, waiting)
        environment = environment_to_run(options, environment) if options.failback else environment
        return _approve_plan(options, environment, reached, folder, person)


def _refuse_other_goal(options: ApproveOptions, reached: AppContext, waiting: WaitingRun) -> None:
    """Raise Refused where AWS waits for the incident with a plan of another goal: that one would wait on."""
    task = options_of(waiting.execution, reached)
    if goal_of(task) is goal_of(options):
        return
    incident = options.incident
    command = next_steps.approval(replace(task, overrides=()), incident, short(waiting.digest))
    raise Refused(
        f"authority.approval: AWS waits with the {goal_of(task)} of {incident} ({waiting.execution.id}), and this is "
        f"about its {goal_of(options)}. Nothing was written. {command} approves what waits, and "
        f"{next_steps.withdrawal_of(incident)} ends it."
    )


def _approve_plan(
    options: ApproveOptions, environment: Environment, reached: AppContext, folder: Path, person: str
) -> Exit:
    incident = options.incident
    # Assessed now: an approver agrees to what the plan is today, not to what the operator saw earlier.
    # With the lock: where nothing waits yet, the approver reads here what the order is refused for.
    report = with_begin(_assessment(options, environment, incident, reached, folder), incident)
    if (assessment := report.assessment) is None:
        raise UsageError("There is nothing to approve.")
    rules = usable_rules(options, environment, reached.clock.now())
    # Before the person is asked: approved by other rules, the run would refuse it.
    _same_rules(reached, environment, rules)
    plan = assessment.plan
    # The digest of the plan. Raises Refused where another one was asked for.
    if options.digest and not plan.digest.startswith(options.digest):
        raise Refused(f"authority.digest: the plan is {plan.digest[:12]} now, not {options.digest}: look at it again.")
    digest = plan.digest
    points = _show(report, assessment.plan, options.format)
    waiting = _waiting_for(digest, reached, incident)
    overrides = agreed_overrides(options.overrides, waiting)
    who, minutes = (reached.caller.arn, reached.caller.userid), timedelta(minutes=environment.approvals.valid_minutes)
    now = reached.clock.now()
    approval = Approval(incident, digest, environment.name, *who, now, now + minutes, rules.digest, points, overrides)
    # Before the question: the task's own refusal would come when the approver has gone.
    if waiting is not None:
        _ask_for_the_task(options, reached, waiting, rules, report, approval)
    show_waiting(reached, waiting, rules, overrides)
    _sure(incident, f"Approve plan {digest[:12]}")
    # Once more: an approval holds from when the name was typed, however long the plan was read.
    now = reached.clock.now()
    until = now + minutes
    reached.approvals.approve(replace(approval, at=now, expires_at=until), person)
    started = let_start(reached, waiting, rules) if waiting else ""
    console.result(
        f"{person} approved plan {digest[:12]} of {environment.name} for {incident}, under rules {rules.digest[:12]}, "
        f"until {until:%H:%M} UTC.\n" + (started or _how_long(environment, now, assessment.rto_estimate_s))
    )
    # Looked at again: the operator may have asked for the run while the approver read the plan.
    order = not started and waiting_run(reached, incident) is not None
    after = _after_approval(options, incident, started, order, automated=environment.automation.enabled)
    console.conclude(options.format, f"plan {digest[:12]} is approved until {until:%H:%M} UTC", after)
    return Exit.READY


def _after_approval(options: ApproveOptions, incident: str, started: str, order: bool, *, automated: bool) -> str:
    if started:
        return _watch_step(incident)
    if order:
        does = "is yours: the operator asked for the run meanwhile, and this lets AWS begin it"
        return str(next_steps.NextStep(next_steps.approval(options, incident), does))
    does = "is the operator's: it runs this plan"
    if automated:
        does = "is the operator's: it starts the run, which waits for an approver once more"
    return str(next_steps.NextStep(next_steps.execution(options, incident), does))


def _how_long(environment: Environment, now: datetime, needed_s: float) -> str:
    """How long the operator's own session is needed, where the run is the operator's own process."""
    if environment.automation.enabled:
        return ""
    return (
        f"Begun now, all of it takes about {duration(needed_s)}: the operator's AWS session is to last until "
        f"{now + timedelta(seconds=needed_s):%Y-%m-%d %H:%M} UTC, or be renewed by itself.\n"
    )


def _watch_step(incident: str) -> str:
    return str(next_steps.NextStep(next_steps.attach_of(incident), "watches the run, from any machine"))


def _assessment(
    options: PlanOptions, environment: Environment, incident: str, reached: AppContext, folder: Path
) -> Report:
    """Today's plan, upon what the incident recorded."""
    with console.progress() as advance:
        run = CommandRun(folder, Terminal(), advance)
        past = entries_of_incident(options, environment, incident, reached)
        run = with_record(run, options, past, incident)
        return assess(options, environment, observe_world(reached.world, environment, run), run)


def _ask_for_the_task(
    options: ApproveOptions,
    reached: AppContext,
    waiting: WaitingRun,
    rules: EffectiveRules,
    report: Report,
    *given: Approval,
) -> None:
    """Raise Refused with all that the task of the run that waits would refuse, ``given`` beside the other approvals.

    Nobody sees what the task itself says.
    """
    task = options_of(waiting.execution, reached)
    start = start_of(reached, waiting, rules, waiting.overrides)
    # As the task will find them: each with the start that is about to be recorded beside it.
    approvals = [with_starts(approval, [start]) for approval in (*reached.approvals.of(options.incident), *given)]
    refuse_as_task(task, reached, report, rules, waiting.execution.executed_by, approvals)


def _lets_start(
    options: ApproveOptions, reached: AppContext, waiting: WaitingRun | None, rules: EffectiveRules, folder: Path
) -> bool:
    """Let AWS start a plan that this approver approved before, also one that began; False where none waits for that."""
    if waiting is None:
        return False
    incident = waiting.execution.incident
    own = _own_approvals(reached, incident, waiting.digest)
    if not own:
        return False
    begun = last_beginning(entries_of_incident(options, reached.env, incident, reached))
    # A plan that began is not assessed again: it is half done, and today's plan would be another one.
    if begun is not None and waiting.digest == begun.data.get("digest"):
        question = f"Let plan {waiting.digest[:12]}, which began at {begun.at:%Y-%m-%d %H:%M} UTC, go on"
        ends = "goes on"
        refuse_closed_table(reached, incident, options_of(waiting.execution, reached))
    elif waiting.digest.startswith(options.digest) and any(_is_in_force(row, reached, rules) for row in own):
        question, ends = f"Let AWS run plan {waiting.digest[:12]}, which you approved before", "runs"
        task = in_world_of(options, options_of(waiting.execution, reached))
        today = environment_to_run(task, reached.env) if task.failback else reached.env
        _ask_for_the_task(options, reached, waiting, rules, _assessment(task, today, incident, reached, folder))
    else:
        return False
    remind(own[0].points, f"{own[0].at:%H:%M} UTC")
    show_waiting(reached, waiting, rules, agreed_overrides(options.overrides, waiting))
    _sure(incident, question)
    console.result(let_start(reached, waiting, rules))
    console.conclude(options.format, f"plan {waiting.digest[:12]} {ends}, exit {Exit.READY}", _watch_step(incident))
    return True


def _agrees_to_more(
    options: ApproveOptions, reached: AppContext, waiting: WaitingRun | None, rules: EffectiveRules
) -> bool:
    """Let a run under way that this approver approved set aside what was typed; False where there is none.

    Where AWS waits with another plan, only the digest says that the run under way is meant.
    """
    incident, overrides = options.incident, options.overrides
    meant = overrides and (waiting is None or options.digest)
    past = entries_of_incident(options, reached.env, incident, reached) if meant else ()
    begun = last_beginning(past)
    if begun is None or is_done(past, begun) or goal_of_beginning(begun) is not goal_of(options):
        return False
    digest = str(begun.data.get("digest"))
    own = _own_approvals(reached, incident, digest)
    if not own or not digest.startswith(options.digest):
        return False
    _same_rules(reached, reached.env, rules)
    remind(own[0].points, f"{own[0].at:%H:%M} UTC")
    show_waiting(reached, None, rules, overrides)
    _sure(incident, f"Let plan {digest[:12]}, which began at {begun.at:%Y-%m-%d %H:%M} UTC, go on so")
    # It names no execution of AWS: the operator's own process goes on, and finds it by the digest.
    reached.approvals.let_start(incident, start_of(reached, None, rules, overrides, digest))
    gates = ", ".join(override.gate for override in overrides)
    console.result(f"Plan {digest[:12]} of {incident} may go on with the override of {gates}.\n")
    after = next_steps.NextStep(next_steps.execution(options, incident), "is the operator's: it goes on from here")
    console.conclude(options.format, f"plan {digest[:12]} may set aside {gates}", str(after))
    return True


def _own_approvals(reached: AppContext, incident: str, digest: str) -> list[Approval]:
    """The caller's own approvals of the plan, the newest first."""
    of_incident = reached.approvals.of(incident)
    # By AWS's unique id: a user made again under the same name is another one (IAM User Guide, "IAM identifiers").
    return [row for row in of_incident if (row.userid, row.digest) == (reached.caller.userid, digest)]


def _is_in_force(approval: Approval, reached: AppContext, rules: EffectiveRules) -> bool:
    """Whether the approval counts now, and names the rules of these files."""
    return approval.rules == rules.digest and approval.at <= reached.clock.now() < approval.expires_at


def _waiting_for(digest: str, reached: AppContext, incident: str) -> WaitingRun | None:
    """What waits in AWS for an approver of this very plan; of another one it is said that it does."""
    waiting = waiting_run(reached, incident, complains=True)
    if waiting is not None and waiting.digest != digest:
        complain_of_another(waiting)
        return None
    return waiting


def _show(report: Report, plan: Plan, form: str) -> tuple[str, ...]:
    """Show what is to be approved, and return what the record keeps of it: answer, plan, loss, what cannot be undone.

    Right at the question stand the same: the lines before it are the screen's last.
    """
    undone = [f"Cannot be undone: {step.id}: {step.says}" for step in plan.steps if step.danger is Danger.IRREVERSIBLE]
    if form == "terminal":
        print_report(report, "terminal", sys.stderr)
        for line in undone:
            console.complain(line)
    points = [f"{label}: {text}" for label, text in closing.lines(report) if label in _POINTS]
    return (*points, *(undone or ("Cannot be undone: nothing.",)))


def _pin_rules(options: ApproveOptions, environment: Environment) -> Exit:
    """Show what differs from the rules that are pinned, and pin those of the files. Refused for who is no approver."""
    with open_connection(options, environment) as reached:
        person, rules = _approver(reached, environment), usable_rules(options, environment, reached.clock.now())
        for line in _changes(reached, rules):
            console.result(f"  {line}\n")
        _sure(environment.name, f"Pin rules {rules.digest[:12]}")
        reached.approvals.pin(rules, reached.caller.userid, reached.caller.arn, person)
    console.result(
        f"{person} pinned rules {rules.digest[:12]} of {environment.name}: {options.config / environment.name}.toml "
        f"and {len(rules.exceptions)} exceptions. No run goes by others, until an approver pins them.\n"
    )
    console.conclude(options.format, f"rules {rules.digest[:12]} are pinned", next_steps.READINESS)
    return Exit.READY


def _changes(reached: AppContext, rules: EffectiveRules) -> list[str]:
    """What the rules change of those that were pinned last, by anybody."""
    # A pin that cannot be read has no digest, and so nothing to compare with.
    pins = [pin for pin in reached.approvals.pins() if pin.digest]
    return differences(rules, max(pins, key=lambda pin: pin.at)) if pins else ["No rules are pinned yet."]


def _same_rules(reached: AppContext, environment: Environment, rules: EffectiveRules) -> None:
    """Raise Refused where rules are pinned, and are not those that the plan is approved under."""
    pins = [pin for pin in reached.approvals.pins() if pin.digest]
    if pins and all(pin.digest != rules.digest for pin in pins):
        other = "; ".join(_changes(reached, rules))
        raise Refused(
            f"{RULE}: these are not the rules that are pinned for {environment.name}: {other}. Approve with the pinned "
            f"rules, or pin these first: {PIN}. Nothing was written."
        )


def _withdraw(options: ApproveOptions, environment: Environment, incident: str) -> Exit:
    """Take the caller's own approvals of the incident back, and end what waits for one in AWS.

    Raises Refused where there is neither.
    """
    with open_connection(options, environment) as reached:
        person, withdrawn = _approver(reached, environment), True
        try:  # first: what waits in AWS runs nothing without them, also where it cannot be ended
            reached.approvals.withdraw(reached.caller.userid, incident)
        except ConditionFailed:
            withdrawn = False
        else:
            console.result(
                f"{person} withdrew every approval of {incident} in {environment.name}. A run that is at work goes on "
                "until it is stopped (pause); none begins or goes on upon them.\n"
            )
        # Also where there was nothing to withdraw: an approver may end what waits without having approved it.
        rejected = end_waiting(reached, incident)
        if not withdrawn and not rejected:
            raise Refused(f"authority.approval: {person} approved nothing of {incident}. Nothing was written.")
    console.result(rejected)
    console.conclude(options.format, f"nobody may run for {incident} any more", str(next_steps.log_of(incident)))
    return Exit.READY


def pause_command(options: PauseOptions, environment: Environment) -> Exit:
    """Turn the global stop switch on; runs ask for it before each batch of changes. It needs no reason to stop them."""
    with open_connection(options, environment) as reached:
        who = person_of(reached.caller.arn, environment)
        pause = reached.control.pause(who, options.reason or _NO_REASON, reached.caller.userid)
        _record(options, environment, reached)
    console.result(f"All runs of {environment.name} are paused by {pause.who}{pause.since}: {pause.why.rstrip('.')}.\n")
    console.conclude(options.format, "no run changes anything", "`dr_cli.py unpause` lets them go on.")
    return Exit.READY


def unpause_command(options: UnpauseOptions, environment: Environment) -> Exit:
    """Turn the global stop switch off."""
    with open_connection(options, environment) as reached:
        who = person_of(reached.caller.arn, environment)
        # Asked first: to take back a pause that is not there would write an entry for nothing.
        if reached.control.in_force().pause is None:  # one that cannot be read is on
            console.result(f"No pause is in force in {environment.name}.\n")
            console.conclude(options.format, "runs may change things", next_steps.READINESS)
            return Exit.READY
        try:
            reached.control.unpause(who, reached.caller.userid)
        except PausedForEver as standing:
            raise Refused(f"authority.paused: {standing}") from standing
        except ConditionFailed as raced:
            says = "authority.paused: somebody else wrote the stop switch at this moment. Run the same command again."
            raise Refused(says) from raced
        _record(options, environment, reached)
    console.result(f"{who} let the runs of {environment.name} go on.\n")
    console.conclude(options.format, "runs may change things", next_steps.READINESS)
    return Exit.READY


def _record(
    options: PauseOptions | UnpauseOptions | RepairOptions, environment: Environment, reached: AppContext
) -> None:
    try:
        record_pause(options, environment, reached, console.complain)
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


def _sure(name: str, what: str) -> None:
    """At a terminal the approver types the incident or environment; elsewhere the command is the decision."""
    # The name is typed, and not "yes": who has two windows open sees which incident this one is about.
    if Terminal().has_person and not console.has_typed(name, f"{what}? Type {name}: "):
        raise Refused(f"Not approved: {name} was not typed. Nothing was written.")
