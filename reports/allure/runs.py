"""An executed run as a result of the Allure report: its phases as steps, and its whole account attached."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from dr_estate.model.durations import duration
from reports.render.assessment_markdown import of_run
from reports.values import run_record
from reports.values.run_summary import RunSummary, sentences


def result_of(summary: RunSummary, environment: str, ended: datetime, folder: Path) -> dict[str, Any]:
    """The result; its attachment is written into ``folder``. It passed only where the run is done."""
    stop = _ms(ended)
    identity = hashlib.md5(f"run#{summary.goal}#{environment}".encode(), usedforsecurity=False).hexdigest()
    source = f"{uuid.uuid4()}-attachment.md"
    (folder / source).write_text("\n".join(of_run(summary)), encoding="utf-8")
    # A run that stepped back or was paused has not reached its goal: no green.
    done = summary.outcome == "done"
    steps = list(_steps(summary, stop))
    return {
        "uuid": str(uuid.uuid4()),
        "historyId": identity,
        "testCaseId": identity,
        "name": f"{summary.goal} {summary.incident} of {environment}",
        "fullName": f"run#{summary.goal}",
        "description": "  \n".join(sentences(summary)),
        "status": "passed" if done else "failed",
        "statusDetails": {} if done else {"message": f"{summary.outcome}: {summary.says}"},
        "start": min([stop, *(step["start"] for step in steps)]),
        "stop": stop,
        "steps": steps,
        "attachments": [{"name": "Account of the run", "source": source, "type": "text/markdown"}],
        "labels": [
            {"name": "epic", "value": f"DR readiness of {environment}"},
            {"name": "feature", "value": "Runs"},
            {"name": "parentSuite", "value": "Runs"},
            {"name": "severity", "value": "critical"},
        ],
    }


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


def _steps(summary: RunSummary, stop: int) -> Iterator[dict[str, Any]]:
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


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
