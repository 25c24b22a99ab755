"""Which region's database takes writes where a failback ended early: its last line says so."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.execution.run import ALL_SIDES, PlanRun
from dr_actions.model.plan import Goal
from dr_checks.posture.writers import WRITERS, writers_sentence
from dr_estate.model.unavailable import DataUnavailable
from utils.aws_mgmt.app.run_result import RunResult

_SILENT = ("done", "lost", "waiting")


def with_writers(result: RunResult, run: PlanRun) -> RunResult:
    """The result of a failback that is not over, with who takes writes, looked at just now; any other as it is."""
    if run.plan.goal is not Goal.FAILBACK or result.outcome in _SILENT:
        return result
    try:
        seen = run.read(WRITERS, run.snapshot, ALL_SIDES)
    except DataUnavailable:
        writes = "Which region's database takes writes could not be seen: `dr_cli.py status` looks again."
    else:
        writes = f"Writes: {writers_sentence(seen, run.env)}"
    return replace(result, message=f"{result.message} {writes}")
