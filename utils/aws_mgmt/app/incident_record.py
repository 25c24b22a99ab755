"""What the journal knows of an incident: the run to go on with, its clearance, and what a failover recorded."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dr_actions.actions.traffic.records import ALL
from dr_actions.authorization.clearance import Clearance
from dr_actions.authorization.people import person_of
from dr_actions.control_table.control import Fence, Fenced
from dr_actions.journal.entries import Chain, Entry, EntryKind, of_this_world, read_chain
from dr_actions.journal.journal import Journal, journal_path, read
from dr_actions.journal.mirror import AnchoredMirror, TableMirror
from dr_actions.journal.pauses import PAUSES, record_pauses
from dr_actions.model.gates import Override
from dr_actions.model.plan import Goal, SendFailed
from dr_actions.model.sequence import Role, role_of
from dr_checks.core.exceptions import ExceptionRule
from dr_checks.core.model import CheckResult, Status
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Environment
from dr_estate.model.control_items import JOURNAL
from dr_estate.model.dynamodb_values import moment
from dr_estate.model.journal_chain import mirror_lines, strange_keys
from dr_estate.model.recovery_document import RefusedStart
from dr_estate.model.world_id import WorldId
from reports.values.report import Report
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.options import Options, PauseOptions, RepairOptions, UnpauseOptions
from utils.aws_mgmt.app.target import configured_world, running_sandbox_world

_MOMENTS = ("expires_at", "approved_at")


def journals(options: Options, world: WorldId) -> Path:
    """The folder of that world's journals."""
    return all_journals(options) / world.folder


def all_journals(options: Options) -> Path:
    """The folder with a folder for each world's journals."""
    return options.output / "incidents"


def worlds_of_journals(options: Options, environment: Environment) -> list[WorldId]:
    """The worlds whose journals count: one, or every sandbox that left a journal where none is up."""
    if not options.sandbox:
        return [configured_world(environment)]
    running = running_sandbox_world(environment)
    if running is not None:
        return [running]
    begins = WorldId.sandbox(environment.account, "").folder + "-"
    folders = sorted(all_journals(options).glob(f"{begins}*"))
    return [WorldId.sandbox(environment.account, folder.name.removeprefix(begins)) for folder in folders]


def entries_of_incident(options: Options, env: Environment, incident: str, app: AppContext) -> tuple[Entry, ...]:
    """What this world's record of the incident holds: the local journal, or its mirror where that knows more.

    Broken ones end before their fault. Raises OtherWorld.
    """
    if not incident:
        return ()
    world = app.world.id
    path = journal_path(journals(options, world), env.name, incident)
    local = of_this_world(read(path, env.name, incident), str(path), world).entries if path.exists() else ()
    mirrored = of_this_world(mirror_of(app, env, incident), "the control table", world).entries
    return max(local, mirrored, key=len)


def mirror_of(app: AppContext, env: Environment, incident: str) -> Chain:
    """What the incident's mirror in the control table proves."""
    return _mirror_chain(app.control.table.query(JOURNAL + incident), env, incident)


def mirror_beside_strangers(app: AppContext, env: Environment, incident: str) -> tuple[Chain, tuple[str, ...]]:
    """What the incident's mirror proves, and the keys of what stands beside it that no run wrote.

    Behind the end of the last run, what follows no entry is such a thing: it weighs as if it were not there, and
    whether an entry was there the anchors say. In the place of an entry, or behind a run that did not end, it is a
    fault of the chain: there it may hide what was written.
    """
    rows = app.control.table.query(JOURNAL + incident)
    chain, strange = _mirror_chain(rows, env, incident), strange_keys(rows)
    of_runs = [entry.kind for entry in chain.entries if entry.kind not in PAUSES]
    if chain.fault is not None and of_runs[-1:] == [EntryKind.END]:
        strange += [f"{chain.fault.line:09d}"]
        chain = replace(chain, fault=None)
    return chain, tuple(strange)


def _mirror_chain(rows: Sequence[Mapping[str, Any]], env: Environment, incident: str) -> Chain:
    return read_chain("".join(line + "\n" for line in mirror_lines(rows)).encode(), env.name, incident)


def record_exceptions(
    journal: Journal, rules: Sequence[ExceptionRule], results: Sequence[CheckResult], arn: str
) -> None:
    """Record each exception that met a gate as an override is: by whom, why, until when; ``arn`` is the caller's."""
    used = {result.check for result in results if any(f.status is Status.EXCEPTED for f in result.findings)}
    for rule in (rule for rule in rules if rule.check in used):
        why, until = f"exception for {rule.subject}: {rule.why}", rule.until.isoformat()
        journal.append(EntryKind.OVERRIDE, gate=f"check.{rule.check}", by=rule.who, arn=arn, why=why, until=until)


def clearance_to_json(clearance: Clearance) -> dict[str, Any]:
    """The clearance as the journal keeps it."""
    moments = {name: getattr(clearance, name) for name in _MOMENTS}
    values = asdict(clearance) | {name: moment.isoformat() if moment else None for name, moment in moments.items()}
    return values | {"overrides": [asdict(o) | {"until": o.until.isoformat()} for o in clearance.overrides]}


def clearance_from_json(data: dict[str, Any]) -> Clearance:
    """Return the clearance that ``clearance_to_json`` wrote."""
    moments = {name: datetime.fromisoformat(text) if (text := data.get(name)) else None for name in _MOMENTS}
    overrides = tuple(Override(**{**o, "until": datetime.fromisoformat(o["until"])}) for o in data["overrides"])
    return Clearance(**{**data, **moments, "overrides": overrides})


def last_beginning(past: Sequence[Entry]) -> Entry | None:
    """The beginning of the last run; None where none began."""
    begun = [entry for entry in past if entry.kind is EntryKind.BEGIN]
    return begun[-1] if begun else None


def goal_of_beginning(begun: Entry) -> Goal:
    """What the run that began is to reach."""
    return Goal(begun.data["plan"]["goal"])


def unfinished_goal(past: Sequence[Entry]) -> Goal | None:
    """What the last run was to reach where it ended before that; None where it is done, or none began."""
    begun = last_beginning(past)
    return None if begun is None or is_done(past, begun) else goal_of_beginning(begun)


def goes_in_stages(past: Sequence[Entry], env: Environment) -> bool:
    """Return whether the last run leads visitors back in stages: by its plan, or because the environment demands it."""
    begun = last_beginning(past)
    planned = begun.plan_steps if begun is not None else ()
    shifts = [step for step in planned if role_of(Goal.FAILBACK, str(step["id"])) is Role.TRAFFIC]
    # by the share of visitors that a step leads back, not by the number of steps: each zone has its own step
    return env.failback.staged or any(step.get("after", {}).get("percent", ALL) < ALL for step in shifts)


def is_done(past: Sequence[Entry], begun: Entry) -> bool:
    """Whether the run that began was finished."""
    return any(e.kind is EntryKind.END and e.data.get("outcome") == "done" for e in past if e.seq > begun.seq)


def outage_since(report: Report | None, past: Sequence[Entry]) -> datetime | None:
    """When the outage began: by the run's own assessment, or by the record of the run that is gone on with."""
    if report is not None:
        outage = report.assessment.outage if report.assessment else None
        return outage.since if outage else None
    detected = [entry.data for entry in past if entry.kind is EntryKind.DETECTED]
    return moment(detected[-1]["since"]) if detected and detected[-1].get("since") else None


def before_values(past: Sequence[Entry]) -> Mapping[str, Mapping[str, Any]]:
    """Return the before-values of each step of the incident's last move to the DR region; empty where none is recorded.

    Where that move was planned again on the way, the before-values of a step are those of the first plan that had it.
    """
    recorded: dict[str, Mapping[str, Any]] = {}
    failed_back = False
    for begun in (entry for entry in past if entry.kind is EntryKind.BEGIN):
        if goal_of_beginning(begun) in (Goal.RELEASE, Goal.ABORT):
            continue  # before it all was fenced, or failing back
        if goal_of_beginning(begun) is Goal.FAILBACK:
            failed_back = True
            continue
        earlier = {} if failed_back else recorded
        # The first plan's values win: a later plan saw what the first one had changed already.
        recorded = {step["id"]: step["before"] for step in begun.plan_steps} | earlier
        failed_back = False
    return recorded


def split_end(past: Sequence[Entry]) -> datetime | None:
    """When the incident's fence of a SPLIT ended; None where there was none, or where it was released."""
    of_split, ended = False, None
    begun = [entry for entry in past if entry.kind is EntryKind.BEGIN]
    for entry, following in itertools.zip_longest(begun, begun[1:]):
        goal = goal_of_beginning(entry)
        if goal is Goal.FENCE:
            of_split = of_split or entry.data["plan"]["posture"] == PostureName.SPLIT
            # Until its last entry: where it ended before its time, the database may have taken writes so long.
            last = max(other.at for other in past if following is None or other.seq < following.seq)
            ended = last if of_split else None
        elif goal not in (Goal.FAILBACK, Goal.ABORT):
            of_split, ended = False, None
    return ended


def refusal_of(app: AppContext, incident: str, execution: str = "") -> RefusedStart | None:
    """The last run that AWS started for the incident, where its task refused it; None where it did not.

    ``execution``: of that one alone. What cannot be read of the control table says nothing of it.
    """
    with contextlib.suppress(SendFailed):
        refused = app.control.in_force().refused_start
        if refused is not None and refused.incident == incident and execution in ("", refused.execution):
            return refused
    return None


def record_pause(
    options: PauseOptions | UnpauseOptions | RepairOptions,
    env: Environment,
    app: AppContext,
    note: Callable[[str], None],
) -> None:
    """Put what was done with the stop switch into the open incident's journal, while no run is at work.

    A run that is at work, or that begins meanwhile, does so itself. ``note`` hears that it could not be anchored.
    Raises what keeps the journal from being written.
    """
    control_state = app.control.in_force()
    incident, last = control_state.known_incident, control_state.known_run
    if incident is None or last is None or last.ended_at is None:
        return
    who, run = person_of(app.caller.arn, env), f"{app.clock.now():%Y%m%dT%H%M%S}-{options.command}"
    fence = Fence(last.run, last.token)  # refused as soon as a run takes the lock
    mirror = AnchoredMirror(TableMirror(app.control, fence), app.anchors, note)
    with (
        tempfile.TemporaryDirectory(prefix="aws-dr-manager-") as folder,
        contextlib.suppress(Fenced),
        Journal.open(
            Path(folder), env.name, incident.id, run, app.clock.now, mirror, who, world=app.world.id
        ) as journal,
    ):
        record_pauses(journal, app.control)
    own, world = journals(options, app.world.id), app.world.id
    if journal_path(own, env.name, incident.id).exists():  # completed from the mirror
        Journal.open(own, env.name, incident.id, run, app.clock.now, TableMirror(app.control), who, world=world).close()
