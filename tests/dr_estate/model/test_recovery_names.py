"""What belongs to a drill is known by its name alone, and nothing else has such a name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import (
    FULL,
    TRIAL,
    begin_of,
    canary_name,
    canary_of,
    canary_target,
    is_canary,
    is_drill,
    is_full,
    is_isolated,
    is_trial,
    isolated_name,
    new_id,
)
from tests.dr_checks.worlds import SIT

CANARY = "canary-20260107-101500.wpdr.wpsit.kimmyai.io"

MOMENTS = some.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31), timezones=some.just(UTC))  # noqa: DTZ001


@given(MOMENTS, some.sampled_from([FULL, TRIAL]))
def test_whatever_the_moment_a_drills_things_are_known_as_its_own(moment: datetime, kind: str) -> None:
    incident = new_id(kind, moment)
    assert is_drill(incident)
    assert (is_full(incident), is_trial(incident)) == (kind == FULL, kind == TRIAL)
    name = isolated_name("sit-mysql", incident)
    assert is_isolated(name, "sit-mysql")
    assert not is_isolated(name, "prod-mysql")
    assert len(name) < 64  # RDS: at most 63 characters
    assert is_canary(canary_name(SIT, SIT.traffic.zone, incident), SIT)


@pytest.mark.parametrize(
    "incident", ["INC-123", "RUN-20260107-030000", "DRILL-1", "TRIAL-20260107-030000x", "", "DRILL-"]
)
def test_no_other_incident_is_a_drill_nor_gives_its_name_to_anything(incident: str) -> None:
    assert not is_drill(incident)
    with pytest.raises(ValueError, match="no drill"):
        isolated_name("sit-mysql", incident)
    with pytest.raises(ValueError, match="no drill"):
        canary_name(SIT, SIT.traffic.zone, incident)


@pytest.mark.parametrize(
    "name",
    [
        "sit-mysql",
        "sit-mysql-before-db-abcde",
        "sit-mysql-drill-",
        "sit-mysql-drill-20260107-0300001",
        "x-sit-mysql-drill-20260107-030000",
    ],
)
def test_the_estates_own_names_are_no_drills(name: str) -> None:
    assert not is_isolated(name, "sit-mysql")


@pytest.mark.parametrize(
    "name",
    [
        "origin.wpsit.kimmyai.io",
        "tenant1.wpdr.wpsit.kimmyai.io",
        "canary-20260107-030000.wpsit.kimmyai.io",
        "canary-20260107-030000.wpdr.kimmyai.io",
        "canary-20260107-101500-global.wpdr.wpsit.kimmyai.io",
        "canary-20260107-101500-primary-dr.wpdr.wpsit.kimmyai.io",
        "x.canary-20260107-101500.wpdr.wpsit.kimmyai.io",
        "canary-20260107-101500.wpdrxwpsit.kimmyai.io",
        "canary-20260107-030000.wpdr.wpsit.kimmyai.io.example.org",
    ],
)
def test_no_other_record_is_a_canary_and_none_in_an_unlisted_zone(name: str) -> None:
    assert not is_canary(name, SIT)


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_what_stands_beside_a_canary_is_known_as_its_own(side: Side) -> None:
    target = canary_target(CANARY, side)
    assert target == CANARY.replace(".wpdr", f"-{side}.wpdr", 1)
    assert (is_canary(target, SIT), canary_of(target), canary_of(CANARY)) == (True, CANARY, CANARY)


def test_a_name_says_when_its_drill_began() -> None:
    assert datetime(2026, 1, 7, 10, 15, tzinfo=UTC) == begin_of(CANARY)
    assert begin_of("sit-mysql-drill-20260107-101500") == begin_of(CANARY)
    assert begin_of("sit-mysql") is None
    assert begin_of("canary-20261399-101500") is None
