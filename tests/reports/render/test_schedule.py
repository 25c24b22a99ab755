"""The schedule reads well at 100 columns, in Markdown and as JSON, and trends show how runs came out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dr_checks.derived.due import DueState, dues
from dr_estate.model.run_records import RunKind, RunRecord
from reports.render.schedule import WIDTH, DrillCalendar, render, sparkline, trends
from tests.dr_checks.worlds import NOW, SIT

LONG = "/somewhere/very/deep/" + "folder/" * 20 + "sit-test-20260227T100000"


def ran(kind: RunKind, days_ago: int, score: int | None = 100, lag_s: float | None = None) -> RunRecord:
    at = NOW - timedelta(days=days_ago)
    run_record = RunRecord(kind, at, "run-1", "a-person-with-a-very-long-name", "values", "NOT_READY", complete=True)
    return replace(run_record, score=score, worst_lag_s=lag_s, evidence="0123456789abcdef", report=LONG)


RUNS = (ran(RunKind.TEST_INFRA, 3, 90, 60.0), ran(RunKind.TEST_INFRA, 33, 70), ran(RunKind.TABLETOP, 300, None))
PLAN = DrillCalendar("sit", "values", NOW, "UTC", dues(SIT, RUNS, NOW), trends=trends(RUNS))


@pytest.mark.parametrize(
    "plan", [PLAN, replace(PLAN, blocked="no drill runs today"), DrillCalendar("sit", "w", NOW, "UTC", ())]
)
def test_nothing_is_wider_than_the_terminal(plan: DrillCalendar) -> None:
    assert [] == [line for line in render(plan, "terminal").splitlines() if len(line) > WIDTH]


def test_the_terminal_shows_last_next_state_evidence_and_late_commands() -> None:
    text = render(PLAN, "terminal")
    lines = {line[:14].strip(): line for line in text.splitlines()}
    assert all(part in lines["tabletop"] for part in ("monthly", "2025-05-06", "overdue"))
    assert all(part in lines["infrastructure"] for part in ("2026-02-27", "NOT_READY 90", "2026-03-27", "ok"))
    assert all(part in lines["full drill"] for part in ("never", "never run"))
    assert "evidence 0123456789ab in ..." in text
    assert "sit-test-20260227T100000\n" in text, "of a long path the end is told"
    assert "run: dr_cli.py test --tabletop" in text
    assert "run: dr_cli.py test --infra" not in text


def test_markdown_shows_the_same_in_a_table() -> None:
    rows = [line for line in render(PLAN, "markdown").splitlines() if line.startswith("|")]
    assert {9, 4} == {line.count(" | ") + 1 for line in rows if "---" not in line}
    assert any("| overdue |" in line and "`dr_cli.py test --tabletop`" in line for line in rows)


def test_json_holds_all_of_it_for_programs() -> None:
    document = json.loads(render(PLAN, "json"))
    assert "aws-dr-manager/schedule/1" == document["schema"]
    by_test = {row["test"]: row for row in document["tests"]}
    assert DueState.OVERDUE == by_test["tabletop"]["state"]
    assert ("never run", None) == (by_test["full drill"]["state"], by_test["full drill"]["last"])
    assert ("0123456789abcdef", LONG) == tuple(by_test["infrastructure"]["last"][k] for k in ("evidence", "report"))
    assert [70, 90] == [run["value"] for run in document["trend"][0]["runs"]]


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="csv"):
        render(PLAN, "csv")


def test_trends_are_by_kind_oldest_first_without_the_unmeasured() -> None:
    entries = [(t.kind, t.measure, [value for _, value in t.runs]) for t in trends(RUNS)]
    assert [("test-infra", "score", [70.0, 90.0]), ("test-infra", "worst lag", [60.0])] == entries


@pytest.mark.parametrize(("values", "bars"), [([0, 50, 100], "▁▅█"), ([100, 0], "█▁"), ([5, 5, 5], "▄▄▄"), ([7], "▄")])
def test_a_sparkline_goes_from_the_least_to_the_most(values: list[float], bars: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert bars == sparkline([(at, value) for value in values])
