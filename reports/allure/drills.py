"""A drill as a result of the Allure report: its steps with what each took, and its whole account attached."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line, visible
from reports.render.markdown_report import of_drill
from reports.values.drill_summary import DrillSummary, headline

# Broken, as a check that was not seen: whether anything is left over is not known. Any other verdict is failed.
_STATUS = {"done": "passed", "not compared": "broken", "waiting": "broken", "lost": "broken"}


def result_of(summary: DrillSummary, environment: str, ended: datetime, folder: Path) -> dict[str, Any]:
    """The result; its attachment is written into ``folder``. Left over is failed, not compared is broken."""
    stop = int(ended.timestamp() * 1000)
    # The same for each drill of a kind: by it Allure draws their history.
    identity = hashlib.md5(f"drill#{summary.kind}#{environment}".encode(), usedforsecurity=False).hexdigest()
    source = f"{uuid.uuid4()}-attachment.md"
    (folder / source).write_text("\n".join(of_drill(summary)), encoding="utf-8")
    status = _STATUS.get(summary.verdict, "failed")
    return {
        "uuid": str(uuid.uuid4()),
        "historyId": identity,
        "testCaseId": identity,
        "name": f"{summary.kind} of {environment}",
        "fullName": f"drill#{summary.kind}",
        "status": status,
        "statusDetails": {} if status == "passed" else {"message": visible(headline(summary))},
        "start": stop - int(summary.took_s * 1000),
        "stop": stop,
        "steps": list(_steps(summary, stop)),
        "attachments": [{"name": "Account of the drill", "source": source, "type": "text/markdown"}],
        "labels": [
            {"name": "epic", "value": f"DR readiness of {environment}"},
            {"name": "feature", "value": "Drills"},
            {"name": "parentSuite", "value": "Drills"},
            {"name": "severity", "value": "critical"},
            {"name": "tag", "value": "REL13-BP03"},
        ],
    }


def _steps(summary: DrillSummary, stop: int) -> Iterator[dict[str, Any]]:
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
