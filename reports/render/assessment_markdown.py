"""A failover's or failback's assessment, and what a run did, as Markdown for tickets and the Allure report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from dr_actions.assessment.failover import Assessment
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Plan
from dr_estate.config.environment import Environment
from reports.incident.log import PHASE_HEADS, phase_rows
from reports.values import assessment as values_assessment
from reports.values import run_summary
from reports.values.escaping import code, markdown, table_lines
from reports.values.run_record import JournaledRun, loss_in_words
from reports.values.run_summary import RunSummary


def of_assessment(assessment: Assessment, env: Environment, command: str, observed_at: datetime) -> list[str]:
    """The answer, why, what would be lost, the gates, and the whole plan with each call."""
    lines = [f"# {command.capitalize()} of {env.name.upper()}: {assessment.advice}", ""]
    lines += [
        f"- {markdown(sentence)}" for sentence in values_assessment.sentences(assessment, env, observed_at, growth=True)
    ]
    lines += [f"- **Plan:** `{assessment.plan.digest}`", ""]
    lines += _section("Why", (f"- {markdown(reason)}" for reason in assessment.reasons))
    lines += _section("What would be lost", _losses(assessment))
    lines += _section("Gates", _gates(assessment.gates))
    lines += _section("Plan", _steps(assessment.plan))
    lines += _section("Notes", (f"- {markdown(note)}" for note in assessment.plan.notes))
    return lines


def of_run(summary: RunSummary) -> list[str]:
    """How the run ended, how long each phase took, what it was cleared upon, and the whole plan with each call."""
    record = summary.record
    lines = [f"# Run {markdown(summary.run)}: {summary.outcome}", ""]
    lines += [*(f"- {markdown(sentence)}" for sentence in run_summary.sentences(summary)), ""]
    lines += _section("Phases", _phases(record))
    lines += _section("What would be lost", _recorded_losses(record))
    lines += _section("Gates", _gates(record.gates) if record.gates else ())
    lines += _section("Plan", (f"`{summary.digest}`", "", *_steps(record.plan)))
    lines += _section("Notes", (f"- {markdown(note)}" for note in record.plan.notes))
    return lines


def _section(title: str, rows: Iterable[str]) -> list[str]:
    lines = list(rows)
    return [f"## {title}", "", *lines, ""] if lines else []


def _losses(assessment: Assessment) -> Iterator[str]:
    if assessment.losses:
        rows = (map(markdown, row) for row in values_assessment.loss_rows(assessment))
        yield from table_lines(("store", "of", "written since", "items", "basis"), rows)


def _phases(record: JournaledRun) -> Iterator[str]:
    if record.timeline is not None:
        yield from table_lines(PHASE_HEADS, phase_rows(record.timeline))


def _recorded_losses(record: JournaledRun) -> Iterator[str]:
    if record.losses:
        rows = ((loss.store, loss.subject, loss_in_words(loss), loss.basis) for loss in record.losses)
        yield from table_lines(("store", "of", "written since", "basis"), (map(markdown, row) for row in rows))


def _gates(gates: Sequence[Gate]) -> Iterator[str]:
    """Those that are not met, and how many are."""
    for gate in gates:
        if not gate.met:
            yield f"- {code(gate.id)} {'relaxed' if gate.relaxed else 'NOT MET'}: {markdown(gate.says)}"
    yield f"- {sum(gate.met for gate in gates)} of {len(gates)} gates are met"


def _steps(plan: Plan) -> Iterator[str]:
    rows = []
    for step in plan.steps:
        # The terminal's own cells, so that a ticket and the screen never say two things of a step.
        ((number, message, danger, planes, budget),) = values_assessment.step_rows([step])
        call = "none"
        if step.call:
            call = f"`{step.call.name}` in {step.call.region}: {code(json.dumps(step.call.params))}"
        rows.append((number, markdown(message), danger, planes, budget, call))
    yield from table_lines(("#", "step", "danger", "control plane", "budget", "call"), rows)
