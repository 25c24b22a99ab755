"""Completes an Allure results folder: environment, categories, executor, and a result for each check that had none."""

from __future__ import annotations

import hashlib
import json
import platform
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dr_checks.core.model import CheckResult, Status
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line, visible
from dr_estate.model.world_id import report_title
from reports.allure.html import scenario_ids
from reports.page import render as page_render
from reports.page.render import VALUES, pieces, report_from
from reports.render import crosswalk as walk
from reports.render import csv_report, json_report, markdown_report
from reports.render.markdown_report import of_drill, of_run
from reports.terminal import console
from reports.values import run_summary
from reports.values.drill_summary import DrillSummary, headline
from reports.values.report import RUN_FOLDER, Report
from reports.values.run_summary import RunSummary, sentences

# A run or a drill as a result of the Allure report: its phases as steps, and its whole account attached.

# Broken, as a check that was not seen: whether anything is left over is not known. Any other verdict is failed.
_STATUS = {"done": "passed", "not compared": "broken", "waiting": "broken", "lost": "broken"}


def result_of_run(summary: RunSummary, environment: str, ended: datetime, folder: Path) -> dict[str, Any]:
    """The result; its attachment is written into ``folder``. It passed only where the run is done."""
    # A run that stepped back or was paused has not reached its goal: no green.
    done, steps = summary.outcome == "done", list(_run_steps(summary, _ms(ended)))
    result = _result("run", summary.goal, environment, ended, steps)
    return {
        **result,
        "name": f"{summary.goal} {summary.incident} of {environment}",
        "description": "  \n".join(sentences(summary)),
        "status": "passed" if done else "failed",
        "statusDetails": {} if done else {"message": f"{summary.outcome}: {summary.says}"},
        "start": min([result["stop"], *(step["start"] for step in steps)]),
        "attachments": [_account("run", of_run(summary), folder)],
    }


def result_of_drill(summary: DrillSummary, environment: str, ended: datetime, folder: Path) -> dict[str, Any]:
    """The result; its attachment is written into ``folder``. Left over is failed, not compared is broken."""
    status = _STATUS.get(summary.verdict, "failed")
    result = _result("drill", summary.kind, environment, ended, list(_drill_steps(summary, _ms(ended))))
    result["labels"].append({"name": "tag", "value": "REL13-BP03"})
    return {
        **result,
        "name": f"{summary.kind} of {environment}",
        "status": status,
        "statusDetails": {} if status == "passed" else {"message": visible(headline(summary))},
        "start": result["stop"] - int(summary.took_s * 1000),
        "attachments": [_account("drill", of_drill(summary), folder)],
    }


def _result(what: str, kind: str, environment: str, ended: datetime, steps: list[dict[str, Any]]) -> dict[str, Any]:
    # The same for each run or drill of a kind: by it Allure draws their history.
    identity = hashlib.md5(f"{what}#{kind}#{environment}".encode(), usedforsecurity=False).hexdigest()
    group = f"{what.capitalize()}s"
    labels = {"epic": f"DR readiness of {environment}", "feature": group, "parentSuite": group, "severity": "critical"}
    return {
        "uuid": str(uuid.uuid4()),
        "historyId": identity,
        "testCaseId": identity,
        "fullName": f"{what}#{kind}",
        "stop": _ms(ended),
        "steps": steps,
        "labels": [{"name": name, "value": value} for name, value in labels.items()],
    }


def _account(what: str, lines: Iterable[str], folder: Path) -> dict[str, str]:
    """The attachment of the whole account, written into ``folder``."""
    source = f"{uuid.uuid4()}-attachment.md"
    (folder / source).write_text("\n".join(lines), encoding="utf-8")
    return {"name": f"Account of the {what}", "source": source, "type": "text/markdown"}


def properties(runs: tuple[RunSummary, ...]) -> dict[str, object]:
    """Incident, people, plan and record of each run, for the report's environment."""
    rows: dict[str, object] = {}
    for summary in runs:
        timeline = summary.record.timeline
        of = f" of {summary.goal}" if len(runs) > 1 else ""
        rows |= {f"Incident{of}": summary.incident, f"Outcome{of}": summary.outcome, f"Run{of}": summary.run}
        rows |= {f"Operator{of}": summary.operator, f"Approver{of}": summary.approver or "none needed"}
        rows |= {
            f"Plan digest{of}": summary.digest,
            f"Rules with overrides and version, digest{of}": summary.rules,
            f"Journal{of}": summary.journal or "",
            f"Journal head{of}": summary.record.head,
        }
        rows[f"Recovery time{of}"] = duration(timeline.reached_s if timeline else None)
        rows |= {f"{name.capitalize()}{of}": value for name, value in run_summary.clocks(timeline)} if timeline else {}
        if summary.approved_at:
            rows[f"Approved at{of}"] = summary.approved_at
    return rows


def _run_steps(summary: RunSummary, stop: int) -> Iterator[dict[str, Any]]:
    timeline = summary.record.timeline
    for phase, span in timeline.phases.items() if timeline else ():
        took = "no end recorded" if span.seconds is None else duration(span.seconds)
        yield {
            "name": f"{phase} ({took})",
            # A phase without an end neither passed nor failed: the run stopped in it, or never came to it.
            "status": "skipped" if span.seconds is None else "passed",
            "stage": "finished",
            "start": _ms(span.start) if span.start else stop,
            "stop": _ms(span.end) if span.end else stop,
        }


def _drill_steps(summary: DrillSummary, stop: int) -> Iterator[dict[str, Any]]:
    for phase in summary.phases:
        took = int((phase.seconds or 0) * 1000)
        name = f"{phase.part}: {phase.phase} ({duration(phase.seconds)})"
        # Without an end nobody knows how long the phase took: that is no pass.
        status = "passed" if phase.seconds is not None else "broken"
        yield {"name": name, "status": status, "stage": "finished", "start": stop - took, "stop": stop}
    for row in summary.left:
        yield {
            "name": one_line(f"left over: {row.subject} ({row.place})"),
            "status": "failed",
            "start": stop,
            "stop": stop,
        }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


RESULTS = "allure-results"
PAGE, ALLURE_PAGE = "report.html", "allure.html"
CROSSWALKS = {"controls.md": walk.markdown, "controls.csv": walk.as_csv, "controls.oscal.json": walk.oscal}
# Which file keeps the report in which format; a terminal is shown the Markdown, which needs nothing to draw with.
FORMS = {"terminal": "report.md", "markdown": "report.md", "json": "report.json", "csv": "report.csv"}


def finish_results(report: Report, folder: Path, *, html: bool) -> Report:
    """Write Allure's files, the HTML where asked for, and the report in each form. Returns the report that they hold.

    Nothing is added to the report afterwards: what is printed and what is kept are one.
    """
    results = folder / RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / "environment.properties").write_text(_environment(report), encoding="utf-8")
    _write_globals(report, results)
    _write_json(results / "executor.json", {"name": "AWS DR Manager", "type": "dr_cli", "buildName": folder.name})
    for result in report.verdict.results:
        # A check whose scenario crashed has no result of pytest's: without this one it would be missing from the page.
        if not result.scenario and result.status is Status.UNKNOWN:
            _write_json(results / f"{uuid.uuid4()}-result.json", _missing_result(result, report))
    for summary in report.drills:
        drill = result_of_drill(summary, report.environment.name, report.observed_at, results)
        _write_json(results / f"{uuid.uuid4()}-result.json", drill)
    if report.ran is not None:
        run = result_of_run(report.ran, report.environment.name, report.observed_at, results)
        _write_json(results / f"{uuid.uuid4()}-result.json", run)
    paths = {RUN_FOLDER: folder, "Evidence": folder / "evidence.json", "Report": folder / PAGE}
    if report.is_record:  # nothing was observed for it
        del paths["Evidence"]
    report = replace(report, files=paths)
    # Before the forms: what is kept names the page, or the note that it was not built.
    report = _with_allure(report, folder) if html else report
    with (folder / "report.json").open("w", encoding="utf-8") as file:
        file.writelines(json_report.pieces(report))
    (folder / "report.md").write_text(markdown_report.render(report), encoding="utf-8")
    with (folder / "report.csv").open("w", encoding="utf-8") as file:
        csv_report.write(report, file)
    for name, form in CROSSWALKS.items():
        (folder / name).write_text(form(report), encoding="utf-8")
    with (folder / VALUES).open("w", encoding="ascii") as file:
        file.writelines(pieces(report))
    # Last: its gaps lead to Allure's page, so it has to be known whether there is one.
    _draw_page(report, folder, linked="Allure" in report.files)
    return report


def redraw_page(folder: Path, *, linked: bool) -> None:
    """Draw a run's page again from the values beside it; ``linked``: its gaps lead to Allure's page.

    Raises StoredPageError, and FileNotFoundError where they are not there.
    """
    _draw_page(report_from((folder / VALUES).read_bytes()), folder, linked=linked)


def _draw_page(report: Report, folder: Path, *, linked: bool) -> None:
    ids = scenario_ids(folder / RESULTS) if linked else {}
    scenarios = {check: f"{ALLURE_PAGE}#{shown}" for check, shown in ids.items()}
    (folder / PAGE).write_text(page_render.render(report, scenarios), encoding="utf-8")


def title_of(environment: str, answer: str, score: int | None, left_out: int = 0) -> str:
    """Return the title of Allure's page, which holds the verdict; ``score`` is None for a run or a drill.

    The title of a verdict without all checks states how many were left out (``left_out``).
    """
    if score is None:
        return f"DR of {environment.upper()}: {answer}"
    narrowed = f" ({left_out} {'check' if left_out == 1 else 'checks'} left out)" if left_out else ""
    return f"DR of {environment.upper()}: {answer.replace('_', ' ')}{narrowed}, score {score} of 100"


def _with_allure(report: Report, folder: Path) -> Report:
    """The report with Allure's page. Where it was not built, a note and a line on stderr say so: no exit code does."""
    from reports.allure.html import build_html

    with console.working("Building Allure's page"):
        built = build_html(folder / RESULTS, folder / ALLURE_PAGE, _title(report))
    for note in built.notes:
        console.complain(note)
    files = {**report.files, "Allure": built.path} if built.path else report.files
    return replace(report, files=files, notes=(*report.notes, *built.notes))


def _title(report: Report) -> str:
    ended = _outcome(report)
    # How a run ended is no readiness: a score beside it would be read as that of the run.
    score = None if ended else report.verdict.score
    return title_of(report.environment.name, ended or report.verdict.recommendation, score, report.left_out)


def _outcome(report: Report) -> str:
    """What became of the run or of the drills, "" where there was none."""
    if report.ran is not None:
        return f"{report.ran.goal} {report.ran.outcome}"
    return ", ".join(f"{drill.kind} {drill.verdict}" for drill in report.drills)


def _environment(report: Report) -> str:
    env, verdict = report.environment, report.verdict
    rows = {
        "Verdict": _outcome(report) or verdict.recommendation,
        "Posture": report.posture,
        "Readiness score": f"{verdict.score} of 100"
        + (" (prerequisites)" if report.judges_prerequisites_alone else ""),
        "Oldest copy": f"{duration(verdict.rpo.worst_s)} (objective {duration(verdict.rpo.target_s)})",
        "Environment": env.name,
        "Account": env.account,
        "Primary region": env.regions.primary,
        "DR region": env.regions.dr,
        "World": report_title(report.world, report.world),
        "Observed at": report.observed_at.isoformat(timespec="seconds"),
        "API calls": report.api_calls,
        "Python": platform.python_version(),
    }
    rows |= _assessment_values(report)
    return "".join(f"{key.replace(' ', '_')} = {one_line(str(value))}\n" for key, value in rows.items())


def _assessment_values(report: Report) -> dict[str, object]:
    """What a failover or failback adds: the answer, the plan and who ran it."""
    rows: dict[str, object] = {}
    if (weighed := report.assessment) is not None:
        rows["Answer"], rows["Plan digest"] = weighed.advice, weighed.plan.digest
        rows["Recovery time estimate"] = duration(weighed.rto_estimate_s)
    runs = (*([report.ran] if report.ran else []), *(part for summary in report.drills for part in summary.parts))
    return rows | properties(runs)


def _missing_result(result: CheckResult, report: Report) -> dict[str, Any]:
    """A broken result for a check whose scenario never reported (crash, collection error): nothing is lost silently."""
    moment_ms = int(report.observed_at.timestamp() * 1000)
    identity = hashlib.md5(result.check.encode(), usedforsecurity=False).hexdigest()
    return {
        "uuid": str(uuid.uuid4()),
        "historyId": identity,
        "testCaseId": identity,
        "name": f"{result.check} was not judged",
        "fullName": f"lost#{result.check}",
        "status": "broken",
        "statusDetails": {"message": visible(result.reason)},
        "start": moment_ms,
        "stop": moment_ms,
        "labels": [
            {"name": "epic", "value": f"DR readiness of {report.environment.name}"},
            {"name": "feature", "value": "Scenarios that did not report"},
            {"name": "severity", "value": "blocker"},
            {"name": "parentSuite", "value": "Assessment"},
            {"name": "suite", "value": "Scenarios that did not report"},
            {"name": "verdict", "value": str(Status.UNKNOWN)},
        ],
    }


def _write_globals(report: Report, results: Path) -> None:
    """Attach the whole account and the control-plane map to the run, and say each blind spot as an error of the run."""
    moment_ms = int(report.observed_at.timestamp() * 1000)
    attachments = []
    documents = {
        "DR status": markdown_report.render(report),
        "Control planes: what still works when one is down": "\n".join(markdown_report.control_planes()) + "\n",
    }
    for title, text in documents.items():
        source = f"{uuid.uuid4()}-attachment.md"
        (results / source).write_text(text, encoding="utf-8")
        attachments.append({"name": title, "source": source, "type": "text/markdown", "timestamp": moment_ms})
    errors = [
        {"message": visible(why), "timestamp": moment_ms}
        for why in dict.fromkeys(part.value.why for part in report.unseen)
    ]
    _write_json(results / f"{uuid.uuid4()}-globals.json", {"attachments": attachments, "errors": errors})


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
