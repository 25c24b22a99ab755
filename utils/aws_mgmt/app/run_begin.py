"""How a run begins: by the checks that ``status`` judges of it, before anything is planned, and the lock as it stands.

What a run asks first in the control table is one part of the snapshot and two checks: where they fail ``status`` is not
ready, an assessment has their gates, and a run is refused here with the same sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dr_actions.assessment.failback import failback_advice
from dr_actions.assessment.failover import failover_advice
from dr_actions.control_table.control import IncidentOpen
from dr_actions.control_table.lock import COOL_DOWN, HELD, LockDecision, cool_down_end, may_take
from dr_actions.journal.entries import OtherWorld, agree, of_this_world, valid_chain
from dr_actions.journal.journal import journal_path, read
from dr_actions.model.action import TO_DR
from dr_actions.model.gates import Gate, Override, accepted_gates
from dr_checks.core.model import Check, Status
from dr_checks.core.registry import judge
from dr_checks.operations import prerequisites, run_begin, supported
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import Execution
from dr_estate.model.invocation import Command
from dr_estate.model.journal_chain import JournalBroken
from dr_estate.model.recovery_names import is_trial
from dr_estate.readers import control_table
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.report import Report
from utils.aws_mgmt.app.assessment import exit_of_assessment, session_gate
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.incident_record import journals, mirror_of
from utils.aws_mgmt.app.next_steps import after_cool_down
from utils.aws_mgmt.app.options import Options

OPEN, JOURNAL = "incident.open", "journal"
_OWN_RULES = (run_begin.SWITCH, run_begin.RECORD)
_PARTS = frozenset({control_table.table.name, control_table.begin.name, control_table.standing.name})


def refuse_impossible_begin(app: AppContext, overrides: Sequence[Override] = ()) -> None:
    """Raise Refused where the control table keeps a run from beginning. What was not seen is left to the run's reads.

    The stop switch refuses by its own rule, ``authority.paused``, beside all other rules that say no, and a broken
    record as the run opens it.
    """
    snapshot = app.world.observe(app.env, _PARTS, sides=(Side.DR,))
    _refuse((prerequisites.control_table, run_begin.possible), snapshot, app, overrides)


def require_support(snapshot: Snapshot, app: AppContext, overrides: Sequence[Override] = ()) -> None:
    """Raise Refused, before anything is planned, where the estate is of a kind that this tool does not recover."""
    _refuse((supported.services, supported.database), snapshot, app, overrides)


def _refuse(checks: Sequence[Check], snapshot: Snapshot, app: AppContext, overrides: Sequence[Override]) -> None:
    overridden = accepted_gates(overrides, app.clock.now())
    refusals = [
        f"  check.{found.check}: {found.subject}: {found.measured}, wanted {found.wanted}: {found.because}."
        f"{found.remedy_text}"
        for check in checks
        for found in judge(check, snapshot, app.env).findings
        if found.status is Status.FAIL and found.subject not in _OWN_RULES and f"check.{check.id}" not in overridden
    ]
    if refusals:
        raise Refused("Refused.\n" + "\n".join(refusals))


def require_free_lock(app: AppContext, incident: str, overrides: Sequence[Override], again: Command) -> None:
    """Raise Refused where a task that AWS starts now would find the lock taken, or have to let it cool down.

    ``again`` is the command that is refused: once the cool-down is over it goes through.
    """
    limits, now = app.env.execution, app.clock.now()
    overridden = accepted_gates(overrides, now)
    state = app.control.in_force()
    unmet = [gate for gate in lock_gates(state, incident, now, limits) if gate.id not in overridden]
    if unmet:
        next_step = after_lock(unmet, state, now, limits, again, incident)
        raise Refused("Refused.\n" + "\n".join(f"  {gate.id}: {gate.says}" for gate in unmet), next_step)


def after_lock(
    gates: Sequence[Gate],
    state: control_table.ControlState,
    now: datetime,
    limits: Execution,
    again: Command,
    incident: str,
) -> str:
    """The refused command and from when on it goes through, where the cool-down is all that is in its way; "" else."""
    unmet = [gate for gate in gates if not gate.met and not gate.relaxed]
    ends = cool_down_end(state.known_run, now, incident, limits)
    alone = ends is not None and [gate.id for gate in unmet] == [COOL_DOWN]
    return str(after_cool_down(again, ends)) if ends is not None and alone else ""


def journal_gates(options: Options, app: AppContext, incident: str) -> tuple[Gate, ...]:
    """The unmet gate of a record that no run of the incident could go on with: it is broken, or of another world.

    File and mirror are judged as ``Journal.open`` judges them. Raises what reading the control table raises.
    """
    env, world = app.env, app.world.id
    path = journal_path(journals(options, world), env.name, incident)
    try:
        mirror = of_this_world(mirror_of(app, env, incident), "the control table", world)
        mirrored = valid_chain(mirror, "the mirror", mirrored=False)
        if path.exists():
            local = of_this_world(read(path, env.name, incident), str(path), world)
            agree(valid_chain(local, str(path), mirrored=True).entries, mirrored.entries, str(path))
    except (JournalBroken, OtherWorld) as fault:
        return (Gate(JOURNAL, met=False, says=str(fault), stops=True),)
    return ()


def with_begin(report: Report, incident: str, known: Sequence[Gate] = ()) -> Report:
    """The assessment with what a run that begins now would be refused for beside its plan: the lock, and the session.

    ``known`` are such gates that were judged before. Where AWS starts the run this session need not last. Gates that
    are met are not listed.
    """
    assessment, state = report.assessment, report.standing
    if assessment is None:
        return report
    limits = report.environment.execution
    gates = lock_gates(state, incident, report.observed_at, limits) if state is not None else []
    if assessment.session is not None and not report.environment.automation.enabled:
        gates.append(replace(session_gate(assessment.session), stops=False))  # a sign-in meets it
    unmet = [gate for gate in (*known, *gates) if not gate.met]
    if not unmet:
        return report
    all_gates = (*assessment.gates, *unmet)
    weigh = failover_advice if assessment.plan.goal in TO_DR else failback_advice
    # The reasons of all gates together: that each is met would be untrue beside one that is not.
    advice, reasons = weigh(all_gates)
    beside = assessment.reasons[len(weigh(assessment.gates)[1]) :]
    advice = assessment.advice if assessment.blind and assessment.plan.goal in TO_DR else advice
    weighed = replace(assessment, advice=advice, reasons=(*reasons, *beside), gates=all_gates)
    return replace(report, assessment=weighed, exit=exit_of_assessment(weighed))


def lock_gates(state: control_table.ControlState, incident: str, now: datetime, limits: Execution) -> list[Gate]:
    """The open incident and the lock as a run would find them. A lease that is over is taken over.

    A lock that cannot be read has a check and a gate of its own (prerequisites.control-items).
    """
    last, known = state.known_run, state.known_incident
    wanted = incident or (known.id if known else "")
    # No wait ends it: who waited for the lock first would be refused by it after the approval.
    if known and wanted != known.id and not is_trial(wanted):
        return [Gate(OPEN, met=False, says=str(IncidentOpen(known)), stops=True)]
    if last is None:
        return []
    # By this machine's clock, which is enough for an assessment: who takes the lock watches it instead.
    if last.lease_until > now and may_take(last, now, "", wanted, limits) is LockDecision.WATCH:
        message = (
            f"run {last.run} of {last.person} ({last.arn}) is at work on {last.incident}; `dr_cli.py log --incident "
            f"{last.incident}` shows how far it is."
        )
        return [Gate(HELD, met=False, says=message, stops=True)]
    if ends := cool_down_end(last, now, wanted, limits):
        until = f"{ends:%Y-%m-%d %H:%M} UTC"
        message = (
            f"run {last.run} for {last.incident} ended a short while ago: another incident may start at {until}. "
            f"If this is the same event, go on with --incident {last.incident}."
        )
        return [Gate(COOL_DOWN, met=False, says=message)]
    return []
