"""What a run did, for the report: its outcome, its people, what went wrong, and what its journal holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from dr_actions.journal.entries import CONFIRMED_BY, REFUSED_EXECUTION, Entry, EntryKind
from dr_actions.journal.timeline import Timeline, Wait, timelines
from dr_actions.model.gates import Gate
from dr_actions.model.plan import NO_RECOVERY, Plan, to_json
from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration, lost_writes
from reports.values.run_view import RunFacts, RunFollower


@dataclass(frozen=True)
class RunSummary:
    """One run's ending. ``degraded`` and ``undone`` are sentences; ``mutations`` counts the answered calls.

    ``approved_at`` is when the second person approved (ISO 8601, UTC), "" where nobody had to.
    ``rules`` is the digest of all that it was judged by, overrides and version too: another one than that of the rules
    that are pinned.
    ``to_confirm`` are the irreversible steps that nobody could be asked about: the one that ended it, and later ones.
    ``goal`` is what its plan was to reach, ``record`` what the journal holds of it.
    """

    incident: str
    run: str
    outcome: str
    says: str
    digest: str
    operator: str
    approver: str
    degraded: tuple[str, ...]
    undone: tuple[str, ...]
    overrides: tuple[str, ...]
    mutations: int
    journal: Path | None
    exit: int
    goal: str
    record: JournaledRun
    approved_at: str = ""
    rules: str = ""
    to_confirm: tuple[str, ...] = ()
    stands_otherwise: bool = False


def to_dict(summary: RunSummary) -> dict[str, Any]:
    """The key ``run`` of the JSON report (docs/json.md)."""
    own = {field.name: getattr(summary, field.name) for field in fields(summary) if field.name != "record"}
    return own | {"journal": str(summary.journal or "")} | _record_to_dict(summary.record)


def sentences(summary: RunSummary) -> Iterator[str]:
    """The ending as an operator reads it."""
    yield f"{summary.outcome.upper()}: {summary.says}"
    yield f"incident {summary.incident}, run {summary.run}, plan {summary.digest[:12]}, {summary.mutations} calls"
    if summary.rules:
        yield f"rules with the run's overrides and version {summary.rules[:12]}"
    yield (
        f"operator {summary.operator}"
        + (f", approved by {summary.approver}" if summary.approver else "")
        + (f" at {summary.approved_at}" if summary.approved_at else "")
    )
    # What failed and what was taken back stands before the record: it is part of the verdict (T46).
    yield from (f"FAILED: {sentence}" for sentence in summary.degraded)
    yield from (f"compensation: {sentence}" for sentence in summary.undone)
    yield from (f"overridden: {gate}" for gate in summary.overrides)
    yield f"journal: {summary.journal or 'the mirror in the control table'}"
    yield from _record_sentences(summary.record)


@dataclass(frozen=True)
class RecordedLoss:
    """At most what was written in these ``seconds`` was expected to be lost; None where it was not measured."""

    store: str
    subject: str
    seconds: float | None
    basis: str


@dataclass(frozen=True)
class Confirmation:
    """Who confirmed an irreversible step, when (UTC) and how: typed at the terminal, or beforehand."""

    step: str
    by: str
    at: datetime
    way: str

    @property
    def sentence(self) -> str:
        """The confirmation as an operator reads it."""
        return f"{self.step} confirmed by {self.by}, {self.way}, {self.at:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class JournaledRun:
    """A run by its journal. ``head`` is the digest of the last entry, "" where nothing was recorded.

    ``timeline`` is that of the plan's goal, over all runs it took; None where no plan began. ``facts`` are there once
    the run has ended. ``confirmations`` are the incident's, ``refusals`` its starts that AWS's task refused, and
    ``earlier`` the timelines of its other goals: the failover, in the account of its failback.
    """

    plan: Plan
    gates: tuple[Gate, ...] = ()
    losses: tuple[RecordedLoss, ...] = ()
    head: str = ""
    timeline: Timeline | None = None
    facts: RunFacts | None = None
    confirmations: tuple[Confirmation, ...] = ()
    refusals: tuple[str, ...] = ()
    earlier: tuple[Timeline, ...] = ()


def journaled_run(entries: Sequence[Entry], plan: Plan, env: Environment, incident: str = "") -> JournaledRun:
    """The account of the run whose entries are the last ones; a run that went on was cleared by an earlier one."""
    detected = max((number for number, entry in enumerate(entries) if entry.kind is EntryKind.DETECTED), default=0)
    own, objective_s = entries[detected:], env.objectives.rto_minutes * 60
    follower = RunFollower(env, incident)
    follower.follow(entries)
    view = follower.view(entries[-1].at) if entries else None
    lines = timelines(entries, objective_s)
    timeline = next((line for line in reversed(lines) if line.goal == plan.goal), None)
    return JournaledRun(
        plan=plan,
        gates=tuple(Gate(**gate) for gate in _last(own, "gates")),
        losses=tuple(RecordedLoss(**loss) for loss in _last(own, "losses")),
        head=entries[-1].digest if entries else "",
        timeline=timeline,
        facts=view.facts if view else None,
        confirmations=tuple(
            Confirmation(entry.step, str(entry.data[CONFIRMED_BY]), entry.at, str(entry.data.get("way", "")))
            for entry in entries
            if entry.step and CONFIRMED_BY in entry.data
        ),
        refusals=tuple(str(entry.data.get("says", "")) for entry in entries if REFUSED_EXECUTION in entry.data),
        earlier=tuple(line for line in lines if line is not timeline),
    )


def _last(entries: Sequence[Entry], name: str) -> Sequence[dict[str, Any]]:
    return next((entry.data[name] for entry in reversed(entries) if name in entry.data), ())


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """The key ``plan`` of the JSON report; whose plan it is stands in the report itself."""
    values = to_json(plan)
    return {"digest": plan.digest} | {name: values[name] for name in ("goal", "posture", "notes", "leaves", "steps")}


def _record_to_dict(record: JournaledRun) -> dict[str, Any]:
    """What the journal adds to ``run`` in the JSON report (docs/json.md)."""
    timeline = record.timeline
    phases = timeline.phases.items() if timeline else ()
    return {
        "plan": plan_to_dict(record.plan),
        "gates": [asdict(gate) for gate in record.gates],
        "data_loss": [asdict(loss) for loss in record.losses],
        "journal_head": record.head,
        "confirmations": [asdict(confirmation) for confirmation in record.confirmations],
        "refusals": list(record.refusals),
        "earlier": [
            {"goal": line.goal, "rto": rto_to_dict(line), "waits": [_wait(wait) for wait in line.waits]}
            for line in record.earlier
        ],
        "phases": [
            {"phase": phase, "start": span.start, "end": span.end, "seconds": span.seconds} for phase, span in phases
        ],
        "rto": rto_to_dict(timeline) if timeline and record.plan.goal not in NO_RECOVERY else None,
    }


def _wait(wait: Wait) -> dict[str, Any]:
    return {"step": wait.step, "start": wait.span.start, "end": wait.span.end, "seconds": wait.span.seconds}


def rto_to_dict(line: Timeline) -> dict[str, Any]:
    """Both clocks: the outage's, by which the objective is judged, and the run's; and the draining."""
    return {
        "objective_s": line.objective_s,
        "reached_s": line.reached_s,
        "met": line.met,
        "since": line.since,
        "since_by": line.since_by,
        "run_s": line.run_s,
        "fenced_s": line.fenced.seconds,
        "drained_s": line.drained.seconds,
    }


def overridden(record: JournaledRun) -> list[str]:
    """What the incident's runs set aside, by whom and until when, an exception that was used too."""
    lines = (*record.earlier, *([record.timeline] if record.timeline else []))
    rows = (row for line in lines for row in line.overrides)
    return [f"{row['gate']} by {row['by']} until {row['until']}: {row['why']}" for row in rows]


def clocks(line: Timeline) -> Iterator[tuple[str, str]]:
    """What was measured besides the recovery time, as names and values."""
    if line.since is not None and line.since_by:
        yield "outage began", f"{line.since:%Y-%m-%d %H:%M:%S} UTC, by the {line.since_by}"
    if line.run_s is not None:
        yield "run took", duration(line.run_s)
    if line.fenced.seconds is not None:
        yield "tasks stopped within", duration(line.fenced.seconds)
    if line.unwritable_s is not None:
        yield "nobody could write", f"for {without_writes(line)}"
    if line.drained.seconds is not None:
        yield "last request in the old region after", duration(line.drained.seconds)


def without_writes(line: Timeline) -> str:
    """How long nobody could write, and where that may last: by which entry; "-" where somebody always could."""
    if line.unwritable_s is None:
        return "-"
    if line.unwritable.end is None and line.last_at:  # a run that ended within it: visitors may still be kept out
        return (
            f"{duration(line.unwritable_s)} when the last entry was written, {line.last_at:%Y-%m-%d %H:%M} UTC:"
            " `status` shows whether it lasts"
        )
    return duration(line.unwritable_s)


def _record_sentences(record: JournaledRun) -> Iterator[str]:
    """Recovery time, and by which digest the journal is known."""
    if record.timeline is not None and record.plan.goal not in NO_RECOVERY:
        yield recovery_time(record.timeline)
        yield from (f"{name} {value}" for name, value in clocks(record.timeline))
    yield from (confirmation.sentence for confirmation in record.confirmations)
    yield from record.refusals
    yield from (f"earlier in this incident, {line.goal}: {recovery_time(line)}" for line in record.earlier)
    if record.head:
        yield f"journal head: {record.head}"


def recovery_time(line: Timeline) -> str:
    """The measured recovery time against its objective; of a goal that ends no outage, from its begin to its end."""
    objective = duration(line.objective_s)
    if not line.recovers:
        return "not reached yet" if line.reached_s is None else f"reached in {duration(line.reached_s)}"
    if line.reached_s is None:
        return f"recovery time not known yet, objective {objective}"
    return f"recovered in {duration(line.reached_s)}, objective {objective}: {'met' if line.met else 'NOT MET'}"


def loss_in_words(loss: RecordedLoss) -> str:
    """How much was expected to be lost."""
    return lost_writes(loss.seconds)
