"""test --full-drill: switch the whole estate over and back, clean up, and prove that it is as it was before.

A drill is a planned switchover and a staged failback under one id, executed by the same code as real recoveries.
However the switchover ends, what can fail back fails back at once; the rest is left to `drill clean`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.drills.inventory import inventory, pack
from dr_actions.drills.stop_conditions import drill_gates, needs_new_plan, next_part
from dr_actions.execution.run import CredentialsLost, RunStopped
from dr_actions.journal.entries import Entry
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal
from dr_checks.posture.posture import posture_of
from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Command
from dr_estate.model.recovery_names import FULL, is_full, new_id
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.drill_summary import DrillSummary
from reports.values.report import Report
from reports.values.run_summary import RunSummary
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.assessment import full_drill_estimate_s
from utils.aws_mgmt.app.authorization import DrillRequest, RunStart, authorise
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.dialog import Dialog
from utils.aws_mgmt.app.drill_cleanup import CleanupResult, clean_up, close_the_drill, of_drill, start_to_clean
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.execution import RunContext, lock_and_run, with_lock
from utils.aws_mgmt.app.incident_record import entries_of_incident
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, after_drills, invocation_of
from utils.aws_mgmt.app.options import DrillOptions, DrTestOptions, FailbackOptions, FailoverOptions, RecoveryOptions
from utils.aws_mgmt.app.run_begin import require_free_lock
from utils.aws_mgmt.app.run_history import record_drill
from utils.aws_mgmt.app.trials import alarm_question

_ENDS_HERE = ("stopped", "waiting", "lost")


@dataclass
class FullDrill:
    """A full drill under way: whose rules, what is open, its id, and what became of it so far.

    ``refused`` is why a part after the first could not begin, "" where each could. ``stop`` is set when a person stops
    a part of it.
    """

    options: DrTestOptions | DrillOptions
    env: Environment
    app: AppContext
    files: evaluation.CommandRun
    incident: str
    began: datetime
    parts: list[RunSummary] = field(default_factory=list)
    report: Report | None = None
    context: RunContext | None = None
    cleaned: CleanupResult | None = None
    refused: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def entries(self) -> tuple[Entry, ...]:
        """What is on record of it."""
        return entries_of_incident(self.options, self.env, self.incident, self.app)


def hold_full_drill(
    options: DrTestOptions, env: Environment, app: AppContext, files: evaluation.CommandRun
) -> FullDrill:
    """Fail over, fail back and clean up, in the world that was reached. Raises Refused where it may not begin."""
    drill, practice, seen = _new_drill(options, env, app, files)
    _fail_over(drill, practice, seen)
    finish(drill)
    return drill


def start_of_drill(
    options: DrTestOptions, env: Environment, app: AppContext, files: evaluation.CommandRun
) -> tuple[str, RunStart]:
    """The id and the first plan of a drill that AWS is to hold. Raises Refused for what its task would refuse now."""
    drill, practice, _ = _new_drill(options, env, app, files)
    start = authorise(_recovery(drill, Goal.SWITCHOVER), env, app, files, practice, unapproved=True)
    require_free_lock(app, drill.incident, options.overrides, Command(("test", "--full-drill", "--by-aws")))
    return drill.incident, start


def _new_drill(
    options: DrTestOptions, env: Environment, app: AppContext, files: evaluation.CommandRun
) -> tuple[FullDrill, DrillRequest, Snapshot]:
    """A drill that begins now, what is asked for it, and the estate that both go by."""
    with files.dialog.progress() as advance:
        seen = evaluation.observe_world(app.world, env, replace(files, advance=advance))
    moment = app.clock.now()
    incident = options.incident or new_id(FULL, moment)
    gates = drill_gates(seen, env, posture_of(seen, env), moment)
    practice = DrillRequest(incident, gates, full_drill_estimate_s(env, seen))
    return FullDrill(options, env, app, files, incident, moment), practice, seen


def agree_to_drill(env: Environment, dialog: Dialog) -> None:
    """A person at a terminal types the environment's name; elsewhere the flag alone has said so. Raises Refused."""
    if not dialog.has_person:
        return
    dialog.note(
        f"A full drill moves {env.name} to {env.regions.dr} and back to {env.regions.primary}. Its tenants notice."
    )
    if not dialog.has_typed(env.name, f"Type {env.name} to begin: "):
        raise Refused("drill.agreed: it was not confirmed. Nothing was changed.")


def finish(drill: FullDrill, accepted: str = "", unknown_is_clean_up: bool = False) -> None:
    """Take each part that is still to come, once; a part that a person stopped, or that waits for one, ends it here.

    Credentials that end between two parts are waited for as within them. ``unknown_is_clean_up``: what is left of a
    drill that has no record is cleaned up after all the same. Raises DataUnavailable where no new ones came.
    """
    waits = drill.app.sign_in.wait_for_credentials(_NotLocked(), drill.stop, drill.files.dialog.note, _skip_entry)
    try:
        with waits:
            _take_parts(drill, accepted, unknown_is_clean_up)
    except RunStopped as stopped:
        raise KeyboardInterrupt from stopped
    except CredentialsLost as lost:
        reason = invocation_of(drill.options).complete(f"{lost} Then {DRILL_CLEAN} brings the drill to its end.")
        raise DataUnavailable(Unavailable(UnavailableKind.CREDENTIALS, reason)) from lost


class _NotLocked:
    """What a drill holds between two parts."""

    def regain(self) -> None:
        """Do nothing: the next part takes the lock."""


def _skip_entry(*, says: str) -> None:
    """Do nothing: the journal is a part's, and each part closes it."""


def _take_parts(drill: FullDrill, accepted: str, unknown_is_clean_up: bool) -> None:
    # Each part once: one that fails in the same way would be tried for ever.
    taken: set[Goal] = set()
    while not (drill.parts and drill.parts[-1].outcome in _ENDS_HERE):
        part = next_part(drill.entries())
        if part is None and unknown_is_clean_up and not drill.parts:
            part = Goal.CLEAN_UP
        if part is None or part in taken:
            return
        taken.add(part)
        try:
            _clean(drill, accepted) if part is Goal.CLEAN_UP else _run_part(drill, part)
        except Refused as refused:
            if not drill.parts:
                raise
            drill.refused = invocation_of(drill.options).complete(f"The {part} was not begun: {refused}")
            return


def account_for(drills: Sequence[FullDrill], kind: str) -> Report:
    """Record the drills, at least one, and return one report of them all. Raises Refused where one was over."""
    accounts: list[DrillSummary] = []
    reports: list[Report] = []
    notes: tuple[str, ...] = ()
    for drill in drills:
        if drill.context is None or drill.report is None:
            raise Refused(f"drill.over: {drill.incident} is over: there is nothing to do.")
        account = of_drill(
            drill.context, kind, (drill.began, drill.app.clock.now()), drill.parts, drill.cleaned, drill.refused
        )
        notes += record_drill(drill.context, account, drill.report) if is_full(drill.incident) else ()
        accounts.append(account)
        reports.append(drill.report)
    last, report = drills[-1], reports[-1]
    standing = last.app.control.in_force()
    still_open = standing.known_incident.id if standing.known_incident else ""
    return replace(
        report,
        drills=tuple(accounts),
        command=last.options.command,
        exit=max(account.exit for account in accounts),
        standing=standing,
        notes=notes,
        next_step=after_drills(accounts, report.next_step, still_open),
    )


def drill_rules(env: Environment) -> Environment:
    """Return the environment with the drill's own bake for its failback, where the environment file gives it.

    Raises Refused where no full drill can be held, no matter who asks.
    """
    if env.approvals.people > 1:
        raise Refused(
            f"drill.two-people: {env.name} has two people approve each plan: hold the drill as what it practises, "
            "`dr_cli.py failover --planned --execute`, then `dr_cli.py failback --staged --execute`, each approved."
        )
    if not env.replicates:
        raise Refused(
            f"drill.no-replication: {env.name} expects no replication ({env.replication.reason}): there is no copy to "
            "fail over to. Use `dr_cli.py test --infra --dns`."
        )
    if env.drill.bake_minutes is None:
        return env
    failback = env.failback.model_copy(update={"bake_minutes": env.drill.bake_minutes})
    return env.model_copy(update={"failback": failback})


def _fail_over(drill: FullDrill, practice: DrillRequest, seen: Snapshot) -> None:
    options = _recovery(drill, Goal.SWITCHOVER)
    start = authorise(options, drill.env, drill.app, drill.files, practice)
    stops = alarm_question(drill.env, drill.app.world)
    context = RunContext(options, drill.env, drill.app, start, drill.files, stops, pack(inventory(seen)), drill.stop)
    _run_plan(drill, context)


def _run_part(drill: FullDrill, part: Goal) -> None:
    """Continue a part, or begin the failback. Only a person stops a drill in its failback."""
    options = _recovery(drill, part, replan=needs_new_plan(drill.entries(), part))
    start = authorise(options, drill.env, drill.app, drill.files, DrillRequest(drill.incident))
    # No alarms on the way back: a drill that stopped there would leave the estate in the DR region.
    _run_plan(drill, RunContext(options, drill.env, drill.app, start, drill.files, stop=drill.stop))


def _recovery(drill: FullDrill, part: Goal, replan: bool = False) -> RecoveryOptions:
    """The command that the part practises."""
    overrides = drill.options.overrides if isinstance(drill.options, DrTestOptions) else ()
    given: dict[str, Any] = drill.options.shared_options() | {"execute": True, "replan": replan, "overrides": overrides}
    return FailbackOptions(**given, staged=True) if part is Goal.FAILBACK else FailoverOptions(**given, planned=True)


def _run_plan(drill: FullDrill, context: RunContext) -> None:
    summary, drill.report = lock_and_run(context)
    drill.context = context if drill.context is None or context.start.report is not None else drill.context
    drill.parts.append(summary)


def _clean(drill: FullDrill, accepted: str) -> None:
    context = drill.context = drill.context or context_to_clean(drill)

    def work(heartbeat: Heartbeat, journal: Journal) -> tuple[RunSummary, Report]:
        cleaned = drill.cleaned = clean_up(context, heartbeat, journal)
        if cleaned.ran.outcome == "done" and (cleaned.clean or accepted):
            close_the_drill(context, heartbeat.lock.fence, journal, "" if cleaned.clean else accepted)
        return cleaned.ran, drill.report or cleaned.report

    summary, drill.report = with_lock(context, work)
    drill.parts.append(summary)


def context_to_clean(drill: FullDrill) -> RunContext:
    """What a clean-up works with that follows no other part in this command: looked at and judged now."""
    env, app = drill.env, drill.app
    seen = evaluation.observe_world(app.world, env, drill.files)
    report = evaluation.judge(drill.options, env, READINESS, seen, drill.files)
    start = start_to_clean(env, app, drill.incident, seen, drill.entries(), report)
    return RunContext(drill.options, env, app, start, drill.files, stop=drill.stop)
