"""Which region's database takes writes where a failback ended early, its markers, and what a finished one leaves."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from dr_actions.actions.markers.marker_task import marked_databases, remains_sentence
from dr_actions.assessment.data_loss import leftovers_sentence
from dr_actions.assessment.failback import way_back
from dr_actions.execution.run import ALL_SIDES, PlanRun
from dr_actions.journal.point_of_no_return import point_of_no_return
from dr_actions.model.plan import Goal
from dr_checks.posture.visitor_access import ACCESS_PARTS, VisitorAccess, visitor_access
from dr_checks.posture.writers import WRITERS, is_gone, is_promoted, way_back_sentence, writers_sentence
from dr_estate.config.environment import Environment
from dr_estate.model.recovery_names import is_trial
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds
from utils.aws_mgmt.app.run_result import RunResult
from utils.aws_mgmt.app.target import ObservedWorld

RETURNING = (Goal.FAILBACK, Goal.ABORT)
_SILENT = {Goal.FAILBACK: ("done", "lost"), Goal.ABORT: ("lost",)}


def with_writers(result: RunResult, run: PlanRun) -> RunResult:
    """The result of a failback, or of its abort, with who takes writes, looked at just now; or with what it leaves."""
    if run.plan.goal is Goal.FAILBACK and result.outcome == "done":
        return _with_leftovers(result, run)
    if run.plan.goal not in RETURNING or result.outcome in _SILENT[run.plan.goal]:
        return result
    try:
        run.snapshot = run.read(WRITERS, run.snapshot, ALL_SIDES)
    except DataUnavailable:
        writes = "Which region's database takes writes could not be seen: `dr_cli.py status` looks again."
    else:
        writes = f"Writes: {writers_sentence(run.snapshot, run.env)}"
    entries = run.journal.entries
    sentences = (result.message, writes, _way_back(run), remains_sentence(entries))
    return replace(result, message=" ".join(sentence for sentence in sentences if sentence))


def visitors_now(run: PlanRun) -> VisitorAccess | None:
    """What visitors can do as the run ends; None for a trial, which changes nothing of theirs, and where not seen."""
    if is_trial(run.clearance.incident):
        return None
    try:
        run.snapshot = run.read(ACCESS_PARTS, run.snapshot, ALL_SIDES)
    except DataUnavailable:
        return None
    return visitor_access(run.snapshot, run.env)


def visitors_of(world: ObservedWorld, env: Environment) -> VisitorAccess | None:
    """What visitors can do now; None where nothing could be seen."""
    try:
        return visitor_access(world.observe(env, ACCESS_PARTS), env)
    except DataUnavailable:
        return None


def _way_back(run: PlanRun) -> str:
    """Until when the failback can be aborted: by the record, and where somebody else promoted, by what was seen."""
    sentence = way_back(run.plan, run.env, run.journal.entries)
    with suppress(DataUnavailable):
        otherwise = is_promoted(run.snapshot, run.env) or is_gone(run.snapshot, run.env)
        if sentence and point_of_no_return(run.journal.entries) is None and otherwise:
            return way_back_sentence(run.snapshot, run.env)
    return sentence


def _with_leftovers(result: RunResult, run: PlanRun) -> RunResult:
    """The result of a finished failback, with what it and earlier ones kept, and what that costs an hour."""
    try:
        seen = run.read(frozenset({rds.instances.name}), run.snapshot, ALL_SIDES)
    except DataUnavailable as error:
        message = f"What is kept beside the estate could not be seen: {error.unavailable.why}"
    else:
        message = leftovers_sentence(seen, run.env, marked_databases(run.plan, run.journal.entries))
    return replace(result, message=f"{result.message} {message}".rstrip())
