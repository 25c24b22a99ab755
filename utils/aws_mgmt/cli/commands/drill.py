"""test --full-drill, drill clean and drill show: hold a drill, end it, or show what is left to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dr_actions.drills.stop_conditions import next_part
from dr_checks.derived.leftovers import Leftover, leftovers
from dr_estate.config.environment import Environment
from dr_estate.model.recovery_document import DRILL
from dr_estate.model.recovery_names import TRIAL, is_full
from reports.allure.results import RESULTS
from reports.publish import publish
from reports.terminal import console
from utils.aws_mgmt.app.authorization import pause_sentence
from utils.aws_mgmt.app.automation import RecoveryAutomation, RecoveryStart, drill_execution
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.evaluation import CommandRun, observe_world
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.full_drill import (
    FullDrill,
    account_for,
    agree_to_drill,
    drill_rules,
    finish,
    hold_full_drill,
    start_of_drill,
)
from utils.aws_mgmt.app.kept_files import keep_files
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, READINESS, NextStep, attach_of
from utils.aws_mgmt.app.options import DrillOptions, DrTestOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.sign_in import Caller
from utils.aws_mgmt.cli.failures import record_refusals
from utils.aws_mgmt.cli.terminal import Terminal, open_connection
from utils.aws_mgmt.cli.watching import watch

_STAMP = re.compile(r"\d{8}-\d{6}")
_NOTHING = "Nothing of a drill is left.\n"


def drill_command(options: DrillOptions, environment: Environment) -> Exit:
    """Clean up after a drill, or show what is left of it. Returns 0 where nothing of a drill is left."""
    with run_folder(options) as folder, open_connection(options, environment) as reached:
        return show_or_clean(options, environment, reached, CommandRun(folder, Terminal()))


def full_drill_command(options: DrTestOptions, environment: Environment) -> Exit:
    """Hold the drill. Raises Refused where it may not be held. Returns 0 where all is done, proven and clean."""
    # Before anything is opened: all that follows must go by the drill's rules and not by an incident's.
    env = drill_rules(environment)
    with run_folder(options) as folder, open_connection(options, env) as reached:
        files = CommandRun(folder, Terminal())
        if not options.automation:
            agree_to_drill(env, files.dialog)
            # A person sees a refusal here: only a task's is written to the control table.
            return run_drill(options, env, reached, files)
        with record_refusals(options, reached):
            ordered = drill_execution(reached, options.automation, options.incident)
            code = run_drill(options, env, replace(reached, starter=Caller(ordered.executed_by, "")), files)
        if message := keep_files(reached, options.incident, ordered.id, folder, RESULTS):
            console.complain(message)
        return code


def start_drill_command(options: DrTestOptions, environment: Environment) -> Exit:
    """Have AWS hold the drill, and watch it; the drill needs this process no more. Raises Refused where it may not be
    held.
    """
    env = drill_rules(environment)
    with run_folder(options) as folder, open_connection(options, env) as reached:
        if reached.world.passing:
            raise UsageError(
                "AWS holds this drill, and a sandbox of one command ends with it: `dr_cli.py sandbox up` first."
            )
        files = CommandRun(folder, Terminal())
        incident, start = start_of_drill(options, env, reached, files)
        agree_to_drill(env, files.dialog)
        words = tuple(word for override in options.overrides for word in override.option)
        summary = f"A full drill: {env.name} moves to {env.regions.dr} and back."
        execution = RecoveryAutomation(reached).start(RecoveryStart(DRILL, incident, start.plan.digest, words, summary))
        console.complain(
            f"AWS holds the full drill {incident} ({execution}). This process may end: {attach_of(incident)} watches "
            "it again."
        )
        return watch(reached, execution, folder, options.format)


def run_drill(options: DrTestOptions, env: Environment, reached: AppContext, files: CommandRun) -> Exit:
    """Hold the drill in the world that was reached, and publish its account."""
    return _publish([hold_full_drill(options, env, reached, files)], "full drill")


def _publish(drills: list[FullDrill], kind: str) -> Exit:
    """Publish the one report of the drills. Raises Refused where one was over."""
    report, options = account_for(drills, kind), drills[-1].options
    publish(report, drills[-1].files.folder, options.format, html=options.html)
    return Exit(report.exit)


def show_or_clean(options: DrillOptions, env: Environment, reached: AppContext, files: CommandRun) -> Exit:
    """Show what is left of drills in the world that was reached, or bring those drills to their end."""
    with files.dialog.progress() as advance:
        left = leftovers(observe_world(reached.world, env, replace(files, advance=advance)), env)
    control_state = reached.control.in_force()
    incident = control_state.known_incident
    open_ = incident.id if incident and is_full(incident.id) else ""
    # An open drill first and alone: what is left may be its own, and still in use.
    due = [open_] if open_ else sorted({_trial_of(leftover) for leftover in left})
    drills = [FullDrill(options, env, reached, files, incident, reached.clock.now()) for incident in due]
    return _show(drills, left, reached, options) if options.action == "show" else _clean(drills, options, env)


def _clean(drills: list[FullDrill], options: DrillOptions, env: Environment) -> Exit:
    """Bring each to its end. Raises UsageError for a reason without a word in it."""
    accepted = options.reason or ""
    if options.reason is not None and not accepted.strip():
        raise UsageError("--reason: say why what is left is accepted.")
    if not drills:
        console.result(_NOTHING)
        console.conclude(options.format, f"nothing to clean, exit {Exit.READY}", READINESS)
        return Exit.READY
    ended: list[FullDrill] = []
    try:
        for drill in drills:
            if is_full(drill.incident):
                drill.env = drill_rules(env)
            finish(drill, accepted, unknown_is_clean_up=True)
            ended.append(drill)
    finally:  # what one of them is refused for hides no account of those before it
        code = _publish(ended, "clean-up") if ended else Exit.READY
    return code


def _show(drills: list[FullDrill], left: tuple[Leftover, ...], reached: AppContext, options: DrillOptions) -> Exit:
    paused = pause_sentence(reached.control.in_force())
    lines = [f"PAUSED: all runs are stopped: {paused}"] if paused else []
    lines += [line for drill in drills for line in _trial_of_leftover(drill)]
    lines += [f"  left: {leftover.kind} {leftover.subject} ({leftover.side})" for leftover in left]
    console.result("\n".join(lines) + "\n" if drills or left else _NOTHING)
    code = Exit.NOT_READY if drills or left else Exit.READY
    answer = f"{_count_text(drills, 'drill')} not over, {_count_text(left, 'resource')} left, exit {code}"
    clean = NextStep(DRILL_CLEAN, "brings it to its end")
    console.conclude(options.format, answer, str(clean) if code else READINESS)
    return code


def _count_text(rows: Sequence[object], noun: str) -> str:
    return f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}"


def _trial_of_leftover(drill: FullDrill) -> Iterator[str]:
    part = next_part(drill.entries())
    what = f"next is its {part}" if part else "its record has no next part: it is cleaned up after"
    yield f"{drill.incident} is not over: {what}. {DRILL_CLEAN} brings it to its end."


def _trial_of(leftover: Leftover) -> str:
    """Return the id of the trial that made the leftover, from its name. Raises Refused where it has no stamp."""
    # The stamp leads to the record of the trial, by which its clean-up knows what was there before it.
    stamp = _STAMP.search(leftover.subject)
    if stamp is None:
        raise Refused(f"drill.unknown: {leftover.subject} bears no drill's stamp: remove it by hand.")
    return TRIAL + stamp[0]
