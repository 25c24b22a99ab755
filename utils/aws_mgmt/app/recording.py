"""What a run writes down at its beginning and its end: in the journal, and as what stands in the control table."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dr_actions.assessment.data_loss import Loss
from dr_actions.authorization.people import person_of
from dr_actions.control_table.control import Fence, Fenced
from dr_actions.execution.run import Run
from dr_actions.journal.journal import Journal, Kind, journal_path
from dr_actions.journal.mirror import TableMirror
from dr_actions.journal.pauses import record_pauses
from dr_actions.model import gates as gates_module
from dr_actions.model.plan import Goal, to_json
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import is_full, is_trial
from dr_estate.readers.control_table import Override
from utils.aws_mgmt.app.connections import Reach, clock
from utils.aws_mgmt.app.desk import Desk
from utils.aws_mgmt.app.incident_record import clearance_to_json, journals
from utils.aws_mgmt.app.request import Request
from utils.aws_mgmt.app.run_result import Ending


def open_the_record(desk: Desk, run: Run, journal: Journal, fence: Fence) -> None:
    """Record what the run begins with, or that it goes on; open the incident; list the overrides until it is closed."""
    clearance, control = run.clearance, desk.reach.control
    who = person_of(desk.reach.caller.arn, desk.env)
    if desk.start.report is None:
        journal.append(Kind.RESUMED, says=f"{who} goes on with plan {clearance.digest[:12]}.", digest=clearance.digest)
    else:
        cleared = clearance_to_json(clearance)
        seen_at = desk.start.snapshot.taken_at.isoformat()
        journal.append(Kind.DETECTED, moment=seen_at, says=run.plan.posture)
        journal.append(Kind.DECIDED, moment=clock().isoformat(), says=f"{who} ordered the {run.plan.goal}.")
        if (weighed := desk.start.report.assessment) is not None:
            losses = _worst(weighed.losses)
            journal.append(Kind.LOOKED, says=f"Assessed: {weighed.advice}.", losses=losses)
        gates = [asdict(gate) for gate in desk.start.gates]
        journal.append(Kind.AUTHORISED, operator=clearance.operator, approver=clearance.approver, gates=gates)
        journal.append(Kind.BEGIN, plan=to_json(run.plan), digest=run.plan.digest, clearance=cleared)
    record_pauses(journal, control)
    if desk.inventory:
        journal.append(Kind.INVENTORY, inventory=desk.inventory)
    if is_trial(clearance.incident):
        return  # it touches nothing of the estate: an emergency is not to be kept waiting by it
    control.open_incident(clearance.incident, run.plan.goal, clock(), who, fence=fence)
    for override in desk.start.overrides:
        journal.append(
            Kind.OVERRIDE, gate=override.gate, by=override.by, why=override.why, until=override.until.isoformat()
        )
        control.override(_standing(override, clearance.incident, run.plan.digest), fence)


def _worst(losses: Sequence[Loss]) -> list[dict[str, Any]]:
    """One loss a store and subject, tenants alike being one: what the review tells of the data-loss window."""
    kept = {(loss.store, loss.subject): loss for loss in losses}
    return [{"store": s, "subject": of, "seconds": one.seconds, "basis": one.basis} for (s, of), one in kept.items()]


def _standing(override: gates_module.Override, incident: str, digest: str) -> Override:
    return Override(override.gate, override.by, override.why, override.until, incident, digest)


def close_the_record(desk: Desk, run: Run, ending: Ending, fence: Fence) -> None:
    """Record how it ended. Away, the estate has no standby from now on; home and validated, the incident closes."""
    control, incident = desk.reach.control, run.clearance.incident
    who = person_of(desk.reach.caller.arn, desk.env)
    with contextlib.suppress(Exception):  # the lock may be lost: then nothing may be written any more
        record_pauses(run.journal, control)
        if ending.outcome == "stopped":
            run.journal.append(Kind.STOPPED, says=f"{who} stopped it.")
        run.journal.append(Kind.END, outcome=ending.outcome, says=ending.says)
    if ending.outcome != "done" or is_trial(incident) or run.plan.goal is Goal.CLEAN_UP:
        return
    with contextlib.suppress(Exception):  # said in the journal all the same
        if run.plan.goal is Goal.FAILBACK and is_full(incident):
            control.unprotected(incident, None, who, fence)
            control.enter_phase(incident, "home, not cleaned up", who, fence)
        elif run.plan.goal is Goal.FAILBACK:
            control.unprotected(incident, None, who, fence)
            control.close_incident(incident, who, fence)
        else:
            control.enter_phase(incident, "on DR", who, fence)
            control.unprotected(incident, clock(), who, fence)


def record_pause(request: Request, env: Environment, reached: Reach) -> None:
    """Put what was done with the stop switch into the open incident's journal, while no run is at work.

    A run that is at work, or that begins meanwhile, does so itself. Raises what keeps the journal from being written.
    """
    standing = reached.control.in_force()
    incident, last = standing.incident, standing.run
    if incident is None or last is None or last.ended_at is None:
        return
    who, run = person_of(reached.caller.arn, env), f"{clock():%Y%m%dT%H%M%S}-{request.command}"
    mirror = TableMirror(reached.control, Fence(last.run, last.token))  # refused as soon as a run takes the lock
    with (
        tempfile.TemporaryDirectory(prefix="aws-dr-manager-") as folder,
        contextlib.suppress(Fenced),
        Journal.open(Path(folder), env.name, incident.id, run, clock, mirror, who, world=reached.world.id) as journal,
    ):
        record_pauses(journal, reached.control)
    own, world = journals(request, reached.world.id), reached.world.id
    if journal_path(own, env.name, incident.id).exists():  # completed from the mirror
        Journal.open(own, env.name, incident.id, run, clock, TableMirror(reached.control), who, world=world).close()
