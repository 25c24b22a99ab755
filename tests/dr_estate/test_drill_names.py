"""What a drill makes is known by its name, and nothing else is taken for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr_estate.drill_names import canary_name, canary_of, canary_target, is_canary, made_at
from dr_estate.environments import Side, load_environment

SIT = load_environment(Path(__file__).parents[2] / "environments", "sit")
CANARY = "canary-20260107-101500.wpdr.wpsit.kimmyai.io"


def test_a_canary_is_named_by_its_drill_below_the_reserved_name() -> None:
    assert CANARY == canary_name(SIT, "wpsit.kimmyai.io", "TRIAL-20260107-101500")
    with pytest.raises(ValueError, match="is no drill"):
        canary_name(SIT, "wpsit.kimmyai.io", "INC-1")


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_what_stands_beside_a_canary_is_known_as_its_own(side: Side) -> None:
    target = canary_target(CANARY, side)
    assert target == CANARY.replace(".wpdr", f"-{side}.wpdr", 1)
    assert (is_canary(target, SIT), canary_of(target), canary_of(CANARY)) == (True, CANARY, CANARY)


@pytest.mark.parametrize(
    "name",
    [
        "canary-20260107-101500.wpdr.kimmyai.io",
        "canary-20260107-101500-global.wpdr.wpsit.kimmyai.io",
        "canary-20260107-101500-primary-dr.wpdr.wpsit.kimmyai.io",
        "x.canary-20260107-101500.wpdr.wpsit.kimmyai.io",
        "canary-20260107.wpdr.wpsit.kimmyai.io",
        "canary-20260107-101500.wpdrxwpsit.kimmyai.io",
        "wpdr.wpsit.kimmyai.io",
    ],
)
def test_nothing_else_is_taken_for_a_canary(name: str) -> None:
    assert not is_canary(name, SIT)


def test_a_name_says_when_its_drill_began() -> None:
    assert datetime(2026, 1, 7, 10, 15, tzinfo=UTC) == made_at(CANARY)
    assert made_at("sit-mysql-drill-20260107-101500") == made_at(CANARY)
    assert made_at("sit-mysql") is None
    assert made_at("canary-20261399-101500") is None
