"""The posture: a silent primary is a symptom; lost needs two witnesses, and blindness is never loss."""

from __future__ import annotations

import pytest

from dr_actions.posture import TABLE, Api, Signals, Traffic

HEALTHY = Signals(Api.ANSWERS, Api.ANSWERS, Traffic.HEALTHY, Traffic.HEALTHY, 24)


def _posture(**change: object) -> str:
    signals = Signals(**{**{name: getattr(HEALTHY, name) for name in Signals.__slots__}, **change})
    return next(row.posture.name for row in TABLE if row.holds(signals))


@pytest.mark.parametrize(
    ("signals", "posture"),
    [
        ({}, "NORMAL"),
        ({"primary_traffic": Traffic.UNKNOWN}, "NORMAL"),
        ({"primary_traffic": Traffic.UNHEALTHY}, "DEGRADED"),
        ({"primary_running": 0}, "DEGRADED"),
        ({"primary_api": Api.SILENT, "primary_traffic": Traffic.UNHEALTHY}, "PRIMARY_LOST"),
        ({"primary_api": Api.SILENT, "primary_traffic": Traffic.HEALTHY}, "DEGRADED"),
        ({"primary_api": Api.SILENT, "primary_traffic": Traffic.UNKNOWN}, "BLIND"),
        ({"primary_api": Api.REFUSES, "primary_traffic": Traffic.UNHEALTHY}, "BLIND"),
        ({"dr_api": Api.SILENT}, "DR_UNSEEN"),
        ({"primary_api": Api.SILENT, "dr_api": Api.SILENT, "primary_traffic": Traffic.UNHEALTHY}, "BLIND"),
    ],
)
def test_the_table_tells_the_posture(signals: dict[str, object], posture: str) -> None:
    assert posture == _posture(**signals)
