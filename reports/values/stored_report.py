"""A report that an earlier run kept as JSON, read back as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dr_checks.core.model import CheckResult, Lag, Severity
from dr_checks.core.verdict import Recommendation, RecoveryPointResult, verdict_of
from dr_checks.posture.until_failback import deciding
from dr_estate.config.given_file import bytes_of
from reports.values.report import SCHEMA


class StoredReportError(ValueError):
    """The file is no report of this tool; the message says which file, and what is wrong."""


@dataclass(frozen=True)
class StoredReport:
    """What an earlier run reported. ``recommendation`` is the scenarios' own, ``observed_at`` UTC.

    ``version`` is the tool's, ``next_step`` what it said to do: "" where an older run kept none. ``folder`` is the
    run's, as the run named it. ``posture_severity`` says how bad the posture is by itself, None where it is no fault.
    ``gated`` is whether the exit code is by the rules of a pipeline's gate.
    """

    environment: str
    account: str
    world: str
    observed_at: datetime
    posture: str
    score: int
    recommendation: str
    results: tuple[CheckResult, ...]
    exit: int
    rpo: RecoveryPointResult
    lags: tuple[Lag, ...]
    command: str
    version: str = ""
    next_step: str = ""
    folder: Path | None = None
    posture_severity: Severity | None = None
    gated: bool = False

    @property
    def recommendation_by_results(self) -> Recommendation:
        """The recommendation by its results alone, whatever else the file says."""
        blocker = self.posture if self.posture_severity is Severity.BLOCKER else ""
        rest = deciding(self.results, self.posture)
        return verdict_of(self.results, self.lags, self.rpo.target_s, blocker, unexpected=rest).recommendation


@cache
def _codec() -> TypeAdapter[StoredReport]:
    return TypeAdapter(StoredReport)


def read_report(path: Path) -> StoredReport:
    """The report in ``path``, a JSON file or a run's folder. Raises StoredReportError."""
    file = path
    try:
        file = path / "report.json" if path.is_dir() else path
        stored = json.loads(bytes_of(file))
    except OSError as unreadable:
        raise StoredReportError(f"{file}: cannot be read: {unreadable.strerror}.") from unreadable
    except (ValueError, RecursionError) as wrong:
        raise StoredReportError(f"{file} is no JSON.") from wrong
    if not isinstance(stored, Mapping) or stored.get("schema") != SCHEMA:
        raise StoredReportError(f"{file} is no report of this tool ({SCHEMA}): `status --format json` prints one.")
    try:
        # The report's fields; of an unknown finding the cause is left out, which JSON has in short
        results = [
            {**result, "findings": [{**f, "check": result["check"], "unseen": None} for f in result["findings"]]}
            for result in stored["results"]
        ]
        recommendation = stored.get("readiness", stored["recommendation"])
        version = (stored.get("rules") or {}).get("version", "")
        folder = stored.get("files", {}).get("Results")
        gated = bool(stored.get("gate"))
        read = {"recommendation": recommendation, "results": results, "version": version, "folder": folder}
        return _codec().validate_python({**stored, **read, "gated": gated})
    except (ValidationError, KeyError, TypeError, AttributeError) as wrong:
        raise StoredReportError(f"{file} is no whole report of this tool ({SCHEMA}).") from wrong
