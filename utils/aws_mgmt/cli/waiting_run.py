"""What waits in AWS for an approver: shown as the task will be given it, and let start or ended."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dr_actions.authorization.approvals import StartApproval, override_line
from dr_actions.authorization.clearance import unusable_overrides
from dr_actions.authorization.people import person_of
from dr_actions.authorization.rules import EffectiveRules
from dr_actions.model.gates import Override
from dr_estate.model.invocation import Command
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.model.visible import is_one_line
from reports.terminal import console
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.authorization import require_clearance
from utils.aws_mgmt.app.automation import RULE, ExecutionState, RecoveryAutomation, RecoveryExecution, break_glass
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.options import RecoveryOptions
from utils.aws_mgmt.cli.parser import parse


@dataclass(frozen=True)
class WaitingRun:
    """An execution that waits for an approver, and the overrides that its task will be given."""

    execution: RecoveryExecution
    overrides: tuple[Override, ...]

    @property
    def digest(self) -> str:
        """The plan that it is for."""
        return self.execution.digest


def waiting_run(app: AppContext, incident: str, *, complains: bool = False) -> WaitingRun | None:
    """What waits for the incident; None also where Systems Manager is silent, and ``complains`` of that.

    An approval is needed then all the more: the run goes by the break-glass role. Raises Refused where the words that
    its task would be given are of another run than it shows.
    """
    found = _awaited_execution(app, incident, complains=complains)
    return WaitingRun(found, tuple(options_of(found, app).overrides)) if found else None


def _awaited_execution(app: AppContext, incident: str, *, complains: bool = False) -> RecoveryExecution | None:
    if not app.env.automation.enabled:
        return None
    try:
        found = RecoveryAutomation(app).newest(incident)
    except DataUnavailable as silent:
        if complains:
            way = break_glass(app.env)
            console.complain(f"Nothing is approved in Systems Manager: {silent.unavailable.why} {way}")
        return None
    return found if found is not None and found.state is ExecutionState.AWAITED else None


def options_of(found: RecoveryExecution, app: AppContext) -> RecoveryOptions:
    """The words of the task, read by the task's own grammar. Its starter chooses them.

    Raises Refused where they cannot be read, or not within a line each, mean another plan, incident or execution, or
    hold what this tool gives no task.
    """
    end = f"{next_steps.withdrawal_of(found.incident)} ends it. Nothing was approved."
    if any(not is_one_line(word) for word in found.arguments):
        raise Refused(
            f"{RULE}: a word of {found.id} cannot be shown whole within a line: {_asked_command(found)}. {end}"
        )
    named = ("--incident", found.incident, "--digest", found.digest, "--automation", found.id)
    words = ["-e", app.env.name, found.goal, "--execute", *named]
    try:
        # click writes its complaint to stderr and exits: its first line is what the approver sees.
        with contextlib.redirect_stderr(io.StringIO()) as complaint:
            options = parse([*words, *found.arguments])
    except SystemExit:
        reason = complaint.getvalue().partition("\n")[0]
        raise Refused(f"{RULE}: the words of {found.id} cannot be read ({reason}). {end}") from None
    shown = (app.env.name, found.incident, found.digest, found.id)
    if not isinstance(options, RecoveryOptions) or shown != (
        options.environment,
        options.incident,
        options.digest,
        options.automation,
    ):
        raise Refused(f"{RULE}: the words of {found.id} mean another run than it shows: {_asked_command(found)}. {end}")
    # Written again from the options: a word that this tool gives no task is lost on the way, and is found so.
    if options != parse([*words, *next_steps.task_arguments(options)]):  # as with a file of the starter's machine
        raise Refused(f"{RULE}: the words of {found.id} are not all a task's: {_asked_command(found)}. {end}")
    return options


def _asked_command(found: RecoveryExecution) -> Command:
    """Return the command line of the task, as the person who started it asked for it."""
    return Command((found.goal, "--execute", "--incident", found.incident, *found.arguments))


def usable_overrides(typed: Sequence[Override], now: datetime) -> None:
    """Raise Refused where one of them cannot be: of a rule that never is, without a name or reason, or expired."""
    if refusals := tuple(unusable_overrides(typed, now)):
        require_clearance(refusals)


def agreed_overrides(typed: Sequence[Override], waiting: WaitingRun | None) -> tuple[Override, ...]:
    """The overrides that are approved with the plan: as typed, and of a run that waits in AWS its starter's.

    Raises Refused where others were typed than the run that waits was given.
    """
    if waiting is None:
        return tuple(typed)
    given = {override.words for override in waiting.overrides}
    if typed and {override.words for override in typed} != given:
        raise Refused(
            f"{RULE}: the run that waits in AWS ({waiting.execution.id}) sets aside other gates than were typed: "
            f"{', '.join(override_line(override) for override in waiting.overrides) or 'none'}. Nothing was approved."
        )
    return waiting.overrides


def show_waiting(
    app: AppContext, waiting: WaitingRun | None, rules: EffectiveRules, overrides: Sequence[Override]
) -> None:
    """Say right at the question who asks for the run, by which words, and what of the rules is set aside by it."""
    if waiting is not None:
        who, found = person_of(waiting.execution.executed_by, app.env), waiting.execution
        console.complain(f"Asked for by {who} ({found.id}): {_asked_command(found)}")
    elif app.env.automation.enabled:
        console.complain("No run of this plan waits in AWS: what its starter overrides is shown once one does.")
    aside = start_of(app, waiting, rules, overrides).set_aside
    for line in aside:
        console.complain(f"Set aside: {line}")
    if not aside:
        console.complain("No gate is overridden, and no failed check is accepted.")


def start_of(
    app: AppContext, waiting: WaitingRun | None, rules: EffectiveRules, overrides: Sequence[Override], digest: str = ""
) -> StartApproval:
    """What the caller lets go on now, with what it sets aside: the run that waits in AWS, or that of ``digest``."""
    now = app.clock.now()
    in_force = tuple(row for row in rules.exceptions if row["until"] >= now.date().isoformat())
    named = (waiting.execution.id, waiting.digest) if waiting else ("", digest)
    return StartApproval(*named, app.caller.userid, now, tuple(overrides), in_force)


def let_start(app: AppContext, waiting: WaitingRun, rules: EffectiveRules) -> str:
    """Record what was shown beside the caller's approval, approve it in AWS, and say how it is watched."""
    incident = waiting.execution.incident
    # Before AWS has it approved: its task begins at once, and asks the record for what was shown to whom.
    app.approvals.let_start(incident, start_of(app, waiting, rules, waiting.overrides))
    RecoveryAutomation(app).approve(waiting.execution)
    watched = next_steps.attach_of(incident)
    return f"AWS runs it now ({waiting.execution.id}). It is watched by: {watched}\n"


def end_waiting(app: AppContext, incident: str) -> str:
    """End in AWS what waits for an approver, and say so; "" where nothing does. Raises DataUnavailable."""
    automation = RecoveryAutomation(app)
    # Where nothing of AWS is set up, there is no document to ask for.
    found = automation.newest(incident) if app.env.automation.enabled else None
    if found is None or found.state is not ExecutionState.AWAITED:
        return ""
    automation.reject(found)
    return f"AWS does not run plan {found.digest[:12]} ({found.id}): it was rejected.\n"


def complain_of_another(waiting: WaitingRun) -> None:
    """Say that what waits in AWS is another plan than the one that is shown."""
    end = next_steps.withdrawal_of(waiting.execution.incident)
    console.complain(
        f"AWS waits with another plan, {waiting.digest[:12]} ({waiting.execution.id}): it is not approved. {end} ends "
        "it and takes your approvals back; then the operator asks again, and you approve again."
    )


def remind(lines: Sequence[str], at: str) -> None:
    """Show again what the approver saw when the plan was approved."""
    for line in lines:
        console.complain(f"Approved at {at}: {line}")
