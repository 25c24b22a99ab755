"""The report as Markdown, for tickets, wikis and pull requests; the accounts of a drill, an assessment and a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from dr_actions.assessment.failover import Assessment
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Plan
from dr_checks.core.model import Remedy, Status
from dr_checks.core.verdict import with_findings
from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration
from dr_estate.model.playbook import FAILBACK, FAILOVER, Plane, PlaybookStep
from dr_estate.model.world_id import report_title
from reports.incident.log import PHASE_HEADS, phase_rows
from reports.values import assessment as values_assessment
from reports.values import drill_summary as summary_texts
from reports.values import run_summary
from reports.values.drill_summary import DrillSummary
from reports.values.escaping import code, markdown, table_lines
from reports.values.report import Report, gate_sentence, objective_answer
from reports.values.run_summary import RunSummary, loss_in_words

# A drill's account as Markdown, for tickets, the record and the Allure report.


def of_drill(summary: DrillSummary) -> list[str]:
    """The end, measured times, what is left or kept, each with its command, and each part as a run."""
    lines = [f"# {markdown(summary_texts.headline(summary))}", ""]
    lines += [*(f"- {markdown(sentence)}" for sentence in summary_texts.sentences(summary)), ""]
    if summary.phases:
        rows = ((phase.part, phase.phase, duration(phase.seconds)) for phase in summary.phases)
        lines += _section("Measured", table_lines(("part", "phase", "took"), rows))
    lines += _residue(summary)
    return lines + [line for part in summary.parts for line in of_run(part)]


def _residue(summary: DrillSummary) -> Iterator[str]:
    # What is left over first: it is billed until somebody deletes it (T47).
    for title, rows in (("Left over", summary.left), ("Kept by rule", summary.kept_by_rule)):
        if rows:
            cells = (
                (*map(markdown, (row.place, row.subject, row.says)), code(row.command) if row.command else "")
                for row in rows
            )
            yield from (f"## {title}", "", *table_lines(("where", "what", "why", "by hand"), cells), "")


# A ticket is read by people; the CSV has every row.
_SHOWN = 50
_LOSS_HEADS = ("store", "of", "written since", "basis")
_TITLES = {Status.FAIL: "Gaps", Status.UNKNOWN: "Not seen", Status.WARN: "Warnings", Status.EXCEPTED: "Exceptions"}


def render(report: Report) -> str:
    """The whole report; findings beyond fifty a check are counted, not listed."""
    verdict, env = report.verdict, report.environment
    first_lines = [text for line in (report.first_line, report.alarm) if line for text in (f"**{markdown(line)}**", "")]
    lines: list[str] = [*first_lines, *(of_run(report.ran) if report.ran else [])]
    lines += [line for drill in report.drills for line in of_drill(drill)]
    if report.assessment is not None:
        lines += of_assessment(report.assessment, env, report.command, report.observed_at)
    lines += [
        f"# {report.title} of {env.name.upper()}: {verdict.recommendation}, score {verdict.score}/100",
        "",
        f"- **World:** {markdown(report.world)}, account {env.account}, {env.regions.primary} (primary) and "
        f"{env.regions.dr} (DR)",
        f"- **Observed at:** {report.observed_at.isoformat(timespec='seconds')}, {report.api_calls} API calls",
        f"- **Posture:** {report.posture}: {markdown(report.posture_says)}",
        *([f"- **Served:** {markdown(report.served_sentence)}"] if report.served else []),
        f"- **Writes:** {markdown(report.writers)}",
        *([f"- **Oldest copy (RPO):** {_rpo(report)}"] if report.measures_copies else []),
        *([f"- **Rules:** {report.rules.digest[:12]}, version {report.rules.version}"] if report.rules else []),
        *([f"- **Gate:** {markdown(gate_sentence(report.gate, report.verdict.score))}"] if report.gate else []),
        "",
    ]
    # Before the checks: an override or a pause changes what all of them mean.
    lines += _section(
        "In force", [f"- {markdown(sentence)}" for sentence in (*report.in_force, *report.loose_exceptions)]
    )
    changes = report.gate.changes if report.gate else ()
    sentences = [f"- {markdown(change.sentence)}: {markdown(change.summary)}" for change in changes]
    lines += _section("Changed since the baseline", sentences)
    lines += _section("Checks by area", _areas(report))
    lines += _section("Causes", _causes(report))
    lines += _section("Lag by store", _lags(report))
    for status, title in _TITLES.items():
        lines += _section(title, _findings(report, status))
    lines += _section(
        "Not applicable", [f"- `{r.check}`: {markdown(r.reason)}" for r in verdict.with_status(Status.NOT_APPLICABLE)]
    )
    todo = [report.before_remedies, ""] if report.before_remedies else []
    todo += [line for n, remedy in enumerate(report.recommendations(), 1) for line in _recommendation(n, remedy)]
    lines += _section("Recommendations", todo)
    unseen = [f"- {p.name} ({p.side}): {markdown(p.value.why)}" for p in report.unseen]
    lines += _section("Parts that could not be read", unseen)
    lines += _section("Control planes", control_planes())
    lines = [f"# {report_title(line[2:], report.world)}" if line.startswith("# ") else line for line in lines]
    return report.invocation.complete("\n".join(lines).rstrip() + "\n")


def _recommendation(number: int, remedy: Remedy) -> list[str]:
    """The sentence, and its commands in a block of code, where they stand as they are pasted."""
    if not remedy.commands:
        return [f"{number}. {markdown(remedy.sentence)}"]
    return [
        f"{number}. {markdown(remedy.sentence)}",
        "",
        "   ```sh",
        *(f"   {c}" for c in remedy.commands),
        "   ```",
        "",
    ]


def _rpo(report: Report) -> str:
    rpo = report.verdict.rpo
    met = objective_answer(rpo, report.verdict.lags)
    return f"worst {duration(rpo.worst_s)} against {duration(rpo.target_s)}: {met}"


def _section(title: str, body: Iterable[str]) -> list[str]:
    rows = list(body)
    return [f"## {title}", "", *rows, ""] if rows else []


def _areas(report: Report) -> list[str]:
    rows = [
        (area, *(sum(r.status is status for r in results) for status in _COLUMNS))
        for area, results in report.by_area().items()
    ]
    return table_lines(("area", "pass", "warn", "fail", "unknown", "excepted", "not applicable"), rows)


_COLUMNS = (Status.PASS, Status.WARN, Status.FAIL, Status.UNKNOWN, Status.EXCEPTED, Status.NOT_APPLICABLE)


def _lags(report: Report) -> list[str]:
    rows = [
        (markdown(lag.store), markdown(lag.subject), duration(lag.seconds), markdown(lag.basis))
        for lag in report.verdict.lags
    ]
    return table_lines(("store", "subject", "lag", "basis"), rows) if rows else []


def _causes(report: Report) -> list[str]:
    """Each cause with the checks that it explains, and what only the failback ends."""
    lines = []
    for cause in report.causes:
        since = f" since {cause.since:%Y-%m-%d %H:%M} UTC" if cause.since else ""
        explained = ", ".join(f"`{result.check}`" for result in cause.effects)
        explains = f", explains {explained}" if explained else ""
        lines.append(f"- `{cause.result.check}` ({cause.result.grade}){since}{explains}")
    expected = ", ".join(f"`{result.check}`" for result in report.failback_gaps)
    return [*lines, *([f"- expected until the failback: {expected}"] if expected else [])]


def _findings(report: Report, status: Status) -> list[str]:
    lines: list[str] = []
    for result in with_findings(report.verdict.results, status):
        rows = [f for f in result.findings if f.status is status]
        lines += [f"### {result.check} ({result.grade})", ""]
        if not rows:
            lines += [markdown(result.reason), ""]
            continue
        heads = ("side", "subject", "measured", "wanted", "because", "remedy")
        lines += table_lines(heads, [[markdown(str(getattr(f, head))) for head in heads] for f in rows[:_SHOWN]])
        lines += [f"... and {len(rows) - _SHOWN} more", ""] if len(rows) > _SHOWN else [""]
    return lines


def of_assessment(assessment: Assessment, env: Environment, command: str, observed_at: datetime) -> list[str]:
    """The answer, why, what would be lost, the gates, and the whole plan with each call."""
    lines = [f"# {command.capitalize()} of {env.name.upper()}: {assessment.advice}", ""]
    lines += [
        f"- {markdown(sentence)}" for sentence in values_assessment.sentences(assessment, env, observed_at, growth=True)
    ]
    lines += [f"- **Plan:** `{assessment.plan.digest}`", ""]
    lines += _section("Why", (f"- {markdown(reason)}" for reason in assessment.reasons))
    losses = [map(markdown, row) for row in values_assessment.loss_rows(assessment)] if assessment.losses else []
    lines += _section("What would be lost", table_lines((*_LOSS_HEADS[:3], "items", "basis"), losses) if losses else ())
    lines += _section("Gates", _gates(assessment.gates))
    lines += _section("Plan", _steps(assessment.plan))
    lines += _section("Notes", (f"- {markdown(note)}" for note in assessment.plan.notes))
    return lines


def of_run(summary: RunSummary) -> list[str]:
    """How the run ended, how long each phase took, what it was cleared upon, and the whole plan with each call."""
    record = summary.record
    lines = [f"# Run {markdown(summary.run)}: {summary.outcome}", ""]
    lines += [*(f"- {markdown(sentence)}" for sentence in run_summary.sentences(summary)), ""]
    timeline = record.timeline
    lines += _section("Phases", table_lines(PHASE_HEADS, phase_rows(timeline)) if timeline is not None else ())
    losses = [map(markdown, (loss.store, loss.subject, loss_in_words(loss), loss.basis)) for loss in record.losses]
    lines += _section("What would be lost", table_lines(_LOSS_HEADS, losses) if losses else ())
    lines += _section("Gates", _gates(record.gates) if record.gates else ())
    lines += _section("Plan", (f"`{summary.digest}`", "", *_steps(record.plan)))
    lines += _section("Notes", (f"- {markdown(note)}" for note in record.plan.notes))
    return lines


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


def still_works(step: PlaybookStep, down: Plane) -> str:
    """``yes``, or what is done instead (``no`` where nothing is), when the control plane ``down`` does not answer."""
    # Data planes answer while their control plane does not: a step that needs none goes on.
    if down not in step.needs:
        return "yes"
    return step.emergency or "no"


def control_planes() -> list[str]:
    """The map as Markdown lines: one table a playbook, one row a step, one column a control plane that is down."""
    lines: list[str] = []
    for title, steps in (("Failover", FAILOVER), ("Failback", FAILBACK)):
        lines += [f"**{title}: still works when the control plane of ... is down**", "", *_planes_table(steps), ""]
    return lines[:-1]


def _planes_table(steps: Sequence[PlaybookStep]) -> list[str]:
    planes = list(Plane)
    rows = [
        (f"{step.number} {step.name}", step.owner, *(still_works(step, plane) for plane in planes)) for step in steps
    ]
    return table_lines(("step", "owner", *planes), rows)
