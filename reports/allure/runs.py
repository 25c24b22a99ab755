"""A run or a drill as a result of the Allure report: its phases as steps, and its whole account attached."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line, visible
from reports.render.assessment_markdown import of_run
from reports.render.markdown_report import of_drill
from reports.values import run_record
from reports.values.drill_summary import DrillSummary, headline
from reports.values.run_summary import RunSummary, sentences

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
            f"Journal{of}": summary.journal,
            f"Journal head{of}": summary.record.head,
        }
        rows[f"Recovery time{of}"] = duration(timeline.reached_s if timeline else None)
        rows |= {f"{name.capitalize()}{of}": value for name, value in run_record.clocks(timeline)} if timeline else {}
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
