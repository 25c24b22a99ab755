"""Which region's database takes writes where a failback ended early, and until when it can be aborted."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.assessment.abort import way_back
from dr_actions.execution.run import ALL_SIDES, PlanRun
from dr_actions.model.plan import Goal
from dr_checks.posture.writers import WRITERS, writers_sentence
from dr_estate.model.unavailable import DataUnavailable
from utils.aws_mgmt.app.run_result import RunResult

_SILENT = {Goal.FAILBACK: ("done", "lost", "waiting"), Goal.ABORT: ("lost", "waiting")}


def with_writers(result: RunResult, run: PlanRun) -> RunResult:
    """The result of a failback that is not over, or of its abort, with who takes writes, looked at just now."""
    if run.plan.goal not in (Goal.FAILBACK, Goal.ABORT) or result.outcome in _SILENT[run.plan.goal]:
        return result
    try:
        seen = run.read(WRITERS, run.snapshot, ALL_SIDES)
    except DataUnavailable:
        writes = "Which region's database takes writes could not be seen: `dr_cli.py status` looks again."
    else:
        writes = f"Writes: {writers_sentence(seen, run.env)}"
    return replace(
        result, message=f"{result.message} {writes} {way_back(run.plan, run.env, run.journal.entries)}".rstrip()
    )
