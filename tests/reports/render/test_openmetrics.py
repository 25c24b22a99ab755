"""The metrics are what Prometheus' own parsers read, they say what the report says, and nothing unknown looks well."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from dr_checks.core.model import Lag
from dr_checks.core.verdict import verdict_of
from dr_checks.derived.due import DueState, ScheduledTest
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import Period
from dr_estate.model.run_records import RunKind
from dr_estate.readers.control_table import ControlState, Pause
from reports.render.openmetrics import render, write_metrics
from reports.values.report import Report
from tests.dr_checks.worlds import NOW
from tests.reports.render.test_ci_formats import hostile
from tests.reports.test_reports import LAGS, REPORT, RESULTS

TESTS = (
    ScheduledTest("tabletop", Period.QUARTERLY, None, date(2026, 4, 1), DueState.NEVER_RUN, "", RunKind.TABLETOP),
    ScheduledTest("full drill", Period.AS_NEEDED, None, None, DueState.OK, "", RunKind.FULL_DRILL),
)
WHOLE = replace(REPORT, scheduled_tests=TESTS, standing=ControlState(Pause("jane", "why", NOW), None, ()))


def families(report: Report) -> dict[str, Metric]:
    parse: Callable[[str], Iterator[Metric]] = openmetrics_parser.text_string_to_metric_families
    return {family.name: family for family in parse(render(report))}


def values(report: Report, name: str, label: str) -> dict[str, float]:
    """Value by one label of a family's samples."""
    return {sample.labels[label]: sample.value for sample in families(report)[name].samples}


def single(report: Report, name: str) -> float:
    """The value of a family with one sample."""
    ((sample,), labels) = families(report)[name].samples, ("environment", "rehearsal")
    assert set(labels) == set(sample.labels)
    return float(sample.value)


def test_score_posture_and_counts_are_the_reports() -> None:
    assert (REPORT.verdict.score, 3, 1) == (
        single(WHOLE, "dr_readiness_score"),
        single(WHOLE, "dr_exit_code"),
        single(WHOLE, "dr_unseen_parts"),
    )
    assert NOW == datetime.fromtimestamp(single(WHOLE, "dr_observed_timestamp_seconds"), UTC)
    statuses = [s for s in families(WHOLE)["dr_checks"].samples if s.labels["severity"] == "critical"]
    assert {"pass": 1, "warn": 1, "fail": 1, "unknown": 1, "not-applicable": 1, "excepted": 1} == {
        sample.labels["status"]: sample.value for sample in statuses
    }


def test_the_posture_is_a_state_set_of_which_one_is_true() -> None:
    assert "stateset" == families(WHOLE)["dr_posture"].type
    states = values(replace(WHOLE, posture=PostureName.SPLIT), "dr_posture", "dr_posture")
    assert set(states) == set(PostureName)
    assert ["SPLIT"] == [name for name, true in states.items() if true]


def test_a_store_is_as_old_as_its_oldest_subject_by_its_best_mechanism() -> None:
    ages = (("a", 60, "x"), ("b", 900, "x"), ("b", 90, "y"))
    lags = [Lag("files", name, None, Side.DR, age_s, how) for name, age_s, how in ages]
    report = replace(WHOLE, verdict=verdict_of(RESULTS, lags, 3600.0))
    assert {"files": 90.0} == values(report, "dr_copy_age_seconds", "store")
    assert {"a": 60.0, "b": 90.0} == values(report, "dr_replication_lag_seconds", "subject")


def test_an_unmeasured_age_is_unknown_and_not_zero() -> None:
    assert {"files": 600.0} == values(WHOLE, "dr_copy_age_seconds", "store")
    assert {"files": 1.0, "tables": 0.0} == values(WHOLE, "dr_copy_age_known", "store")
    blind = replace(WHOLE, verdict=verdict_of(RESULTS, [*LAGS, replace(LAGS[1], store="files")], 3600.0))
    assert {} == values(blind, "dr_copy_age_seconds", "store"), "one subject of the store has no age"


def test_a_test_that_was_never_run_is_overdue_and_one_as_needed_has_no_day() -> None:
    assert {"tabletop": 1.0, "full drill": 0.0} == values(WHOLE, "dr_test_overdue", "test")
    assert {"tabletop"} == set(values(WHOLE, "dr_test_due_timestamp_seconds", "test"))
    assert 1 == single(WHOLE, "dr_paused")


def test_a_control_table_that_was_not_read_has_no_state_and_says_so() -> None:
    blind = replace(WHOLE, standing=None, scheduled_tests=None)
    assert (0, 0) == (single(blind, "dr_control_known"), single(blind, "dr_schedule_known"))
    assert not {"dr_paused", "dr_incident_open", "dr_overrides_in_force"} & set(families(blind))
    assert [] == families(blind)["dr_test_overdue"].samples


def test_a_rehearsal_is_marked_on_every_series() -> None:
    assert {"true"} == {s.labels["rehearsal"] for family in families(WHOLE).values() for s in family.samples}
    live = families(replace(WHOLE, world="live AWS"))
    assert {"false"} == {s.labels["rehearsal"] for family in live.values() for s in family.samples}


@pytest.mark.parametrize("report", [WHOLE, hostile()], ids=["whole", "hostile names"])
def test_node_exporter_reads_the_same_series_in_its_own_format(report: Report) -> None:
    text = render(report, node_exporter=True)
    found = {(s.name, s.value) for family in text_string_to_metric_families(text) for s in family.samples}
    assert {(s.name, s.value) for family in families(report).values() for s in family.samples} == found
    kinds = {line.split(" ")[-1] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {"gauge"} == kinds, "node exporter knows no state sets"


def test_the_file_is_replaced_at_once_and_its_name_chooses_the_format(tmp_path: Path) -> None:
    for name, end in (("dr.prom", ""), ("dr.txt", "# EOF")):
        file = tmp_path / name
        file.write_text("before")
        before = file.open()
        write_metrics(WHOLE, file)
        assert "before" == before.read(), "who reads meanwhile has the whole file of before"
        before.close()
        assert file.read_text().rstrip().endswith(end)
    assert {"dr.prom", "dr.txt"} == {path.name for path in tmp_path.iterdir()}


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "dr.txt"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as reader:
        write_metrics(WHOLE, pipe)
        assert reader.read().rstrip().endswith("# EOF")
    assert (pipe.is_fifo(), [pipe]) == (True, list(tmp_path.iterdir()))
