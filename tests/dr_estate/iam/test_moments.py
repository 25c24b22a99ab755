"""Conditions on dates and on numbers: four digits are a year of the one, and a number of the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dr_estate.iam.moments import TESTS, turns_of

NOW = datetime(2026, 11, 28, tzinfo=UTC)


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


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:currenttime", "AWS:EpochTime"])
def test_a_policy_may_write_the_keys_of_time_in_any_case(key: str) -> None:
    policy = json.dumps({"Statement": {"Condition": {"DateGreaterThan": {key: "2026-12-01"}}}})
    assert turns_of(policy, NOW) == [datetime(2026, 12, 1, tzinfo=UTC)]
