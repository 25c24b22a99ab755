"""Shapes stand where their numbers say, within their picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dr_actions.journal.timeline import Phase, Span, Timeline, Wait
from reports.page.charts import TARGET_AT, age_width, lengths, phase_bars, polyline, shares

BEGAN = datetime(2026, 1, 7, 18, tzinfo=UTC)


def _after(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def _timeline(reached_s: float | None) -> Timeline:
    return Timeline(
        goal="failover",
        digests=("d",),
        phases={Phase.DETECT: Span(BEGAN, _after(10)), Phase.EXECUTE: Span(_after(10), None)},
        reached_s=reached_s,
        objective_s=2400,
        waits=(Wait("s", "DNS", Span(_after(20), _after(30))),),
        changes=(),
        overrides=(),
        runs=(),
        idle_s=0.0,
        since=BEGAN,
    )


@pytest.mark.parametrize(("seconds", "width"), [(0, 0.6), (1800, TARGET_AT / 2), (3600, TARGET_AT), (360_000, 100)])
def test_an_age_is_drawn_against_its_objective_and_cut_far_beyond(seconds: float, width: float) -> None:
    assert age_width(seconds, 3600) == pytest.approx(width)


def test_the_parts_of_a_bar_fill_it() -> None:
    assert shares([1, 1, 2]) == [(0, 25), (25, 25), (50, 50)]
    assert shares([0, 0]) == [(0, 0), (0, 0)]


def test_a_phase_that_was_not_measured_has_no_length() -> None:
    assert lengths([30.0, None, 60.0]) == [50, 0, 100]
    assert lengths([None]) == [0]
    assert lengths([]) == []


def test_the_objective_stands_on_the_scale_of_the_run_that_reached_it() -> None:
    bars = {bar.name: bar for bar in phase_bars(_timeline(1800.0))}
    assert (bars["detect"].at, bars["detect"].width) == (0, 25)
    assert (bars["execute"].width, bars["execute"].seconds) == (0, None), "its end was not recorded"
    assert (bars["waited for: DNS"].at, bars["waited for: DNS"].width) == (50, 25)
    assert bars["objective"].at == 100


def test_an_objective_far_beyond_the_run_leaves_the_scale_to_the_run() -> None:
    bars = {bar.name: bar for bar in phase_bars(replace(_timeline(1800.0), objective_s=14_400))}
    assert bars["waited for: DNS"].at + bars["waited for: DNS"].width == pytest.approx(100)
    assert bars["objective"].at > 100, "outside of the picture: it is not drawn"


def test_a_run_without_an_end_has_no_objective_in_its_picture() -> None:
    assert "objective" not in {bar.name for bar in phase_bars(_timeline(None))}


def test_a_curve_stays_in_its_frame() -> None:
    assert polyline([5.0]) == "4.0,24.0"
    assert polyline([0.0, 10.0]) == "4.0,24.0 116.0,4.0"
