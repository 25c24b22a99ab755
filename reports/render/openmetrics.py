"""The report as metrics: OpenMetrics, and the text that node exporter's textfile collector takes (names in ``.prom``).

What was not measured has no sample, and is 0 in the ``_known`` series beside it: an alert must ask for that one too.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from dr_checks.core.model import Severity, Status
from dr_checks.core.verdict import Recommendation, best_lags
from dr_checks.posture.posture import PostureName
from dr_estate.model.visible import visible
from dr_estate.model.world_id import is_sandbox
from reports.values.report import Report

NODE_EXPORTER = ".prom"
_ABOUT = ("environment", "rehearsal")


class ReportMetrics(Collector):
    """The metrics of one report; every series says whose it is, and whether it is a sandbox's (``rehearsal``)."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._about = [report.environment.name, "true" if is_sandbox(report.world) else "false"]

    def collect(self) -> Iterator[Metric]:
        """Every family that the report has something for."""
        yield from self._judgement()
        yield from self._copies()
        yield from self._practice()
        yield from self._control()
        about = InfoMetricFamily("dr_report", "Whose judgement it is: account, world and version.", labels=_ABOUT)
        version = self._report.rules.version if self._report.rules else ""
        values = {"account": self._report.environment.account, "world": visible(self._report.world), "version": version}
        about.add_metric(self._about, values)
        yield about

    def _judgement(self) -> Iterator[Metric]:
        verdict = self._report.verdict
        observed_at_s = self._report.observed_at.timestamp()
        yield self._single("dr_observed_timestamp_seconds", "When the estate was observed (Unix time).", observed_at_s)
        yield self._single("dr_readiness_score", "Readiness, 0 to 100 (docs/score.md).", verdict.score)
        yield self._single("dr_exit_code", "The exit code of the command.", self._report.exit)
        yield self._states(
            "dr_posture", "Where the estate stands (docs/posture.md).", PostureName, self._report.posture
        )
        recommendation = verdict.recommendation
        yield self._states("dr_recommendation", "What the checks amount to.", Recommendation, recommendation)
        results = Counter((r.area, r.severity, r.status) for r in verdict.results)
        checks = self._gauge("dr_checks", "Checks by area, severity and status.", "area", "severity", "status")
        for area in dict.fromkeys(r.area for r in verdict.results):
            # Zeros too: an alert on a series that is absent does not fire.
            for key in ((area, severity, status) for severity in Severity for status in Status):
                checks.add_metric([*self._about, *key], results[key])
        yield checks
        yield self._single("dr_unseen_parts", "Parts of the estate that could not be read.", len(self._report.unseen))

    def _copies(self) -> Iterator[Metric]:
        """The worst subject of each store by its best mechanism. A store with one unmeasured subject has no age."""
        verdict = self._report.verdict
        yield self._single("dr_recovery_point_objective_seconds", "The recovery point objective.", verdict.rpo.target_s)
        stores = defaultdict[str, list[float | None]](list)
        lag = self._gauge("dr_replication_lag_seconds", "Age of a subject's newest copy.", "store", "subject", "tenant")
        for row in best_lags(verdict.lags):
            stores[row.store].append(row.seconds)
            if row.seconds is not None:
                lag.add_metric([*self._about, row.store, visible(row.subject), row.tenant or ""], row.seconds)
        age = self._gauge("dr_copy_age_seconds", "Age of the oldest newest copy of a store.", "store")
        known = self._gauge("dr_copy_age_known", "Whether the age of every copy of a store was measured.", "store")
        for store, ages_s in stores.items():
            measured = [seconds for seconds in ages_s if seconds is not None]
            whole = len(measured) == len(ages_s)
            known.add_metric([*self._about, store], whole)
            # The oldest of the copies that were measured would be too young.
            if whole:
                age.add_metric([*self._about, store], max(measured))
        yield from (lag, age, known)

    def _practice(self) -> Iterator[Metric]:
        tests = self._report.scheduled_tests
        yield self._single("dr_schedule_known", "Whether the runs on record could be read.", tests is not None)
        overdue = self._gauge("dr_test_overdue", "Whether a scheduled test is overdue or was never run.", "test")
        due = self._gauge("dr_test_due_timestamp_seconds", "The day on which a test is due (Unix time).", "test")
        for test in tests or ():
            overdue.add_metric([*self._about, test.test], test.state.late)
            if test.due is not None:
                midnight = datetime.combine(test.due, time(), UTC)
                due.add_metric([*self._about, test.test], midnight.timestamp())
        yield from (overdue, due)

    def _control(self) -> Iterator[Metric]:
        state = self._report.standing
        yield self._single("dr_control_known", "Whether the control table could be read.", state is not None)
        if state is None:
            return
        in_force = sum(override.in_force(self._report.observed_at) for override in state.overrides)
        yield self._single("dr_paused", "Whether the stop switch is on.", state.pause is not None)
        yield self._single("dr_incident_open", "Whether an incident is open.", state.incident is not None)
        yield self._single("dr_overrides_in_force", "Gates that are overridden now.", in_force)

    def _gauge(self, name: str, about: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, about, labels=[*_ABOUT, *labels])

    def _single(self, name: str, about: str, value: float) -> Metric:
        family = self._gauge(name, about)
        family.add_metric(self._about, value)
        return family

    def _states(self, name: str, about: str, names: type[PostureName | Recommendation], state: str) -> Metric:
        family = StateSetMetricFamily(name, about, labels=_ABOUT)
        family.add_metric(self._about, {str(other): other == state for other in names})
        return family


def render(report: Report, *, node_exporter: bool = False) -> str:
    """The metrics as OpenMetrics 1.0, or as the text format 0.0.4 that node exporter reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ReportMetrics(report))
    generate = exposition.generate_latest if node_exporter else openmetrics.generate_latest
    return generate(registry).decode()


def write_metrics(report: Report, path: Path) -> None:
    """Write the metrics into ``path`` at once: who scrapes meanwhile reads the whole file of before. Raises OSError.

    A pipe, a device or a link stays what it is: it is written to, and no file is put in its place.
    """
    text = render(report, node_exporter=path.suffix == NODE_EXPORTER)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_text(text, encoding="utf-8")
        return
    # In the same folder, where a rename is one step, and under a name that no collector reads.
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
