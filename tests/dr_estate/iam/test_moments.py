"""Conditions on dates and on numbers: four digits are a year of the one, and a number of the other."""

from __future__ import annotations

import pytest

from dr_estate.iam.moments import TESTS


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "is_met"),
    [
        ("DateGreaterThan", "2020", "2026-11-28T00:00:00Z", True),
        ("DateLessThan", "2020", "1795824000", False),
        ("NumericGreaterThan", "2000", "20000", True),
        ("NumericLessThanEquals", "3600", "3600", True),
        ("NumericGreaterThan", "2000", "900", False),
    ],
)
def test_a_year_is_a_date_and_no_number(operator: str, wanted: str, value: str, is_met: bool) -> None:
    assert TESTS[operator](wanted, value) is is_met
