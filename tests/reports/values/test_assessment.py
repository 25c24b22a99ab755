"""What is printed of an assessment reads as a sentence."""

from __future__ import annotations

import pytest

from dr_actions.planning.estimate import PlanGrowth
from reports.values.assessment import growth_sentence

NOW, HUNDRED, THOUSAND = PlanGrowth(12, 2298, 1), PlanGrowth(100, 2430, 57), PlanGrowth(1000, 3060, 687)


@pytest.mark.parametrize(
    ("growth", "sentence"),
    [
        (
            (NOW, HUNDRED, THOUSAND),
            "AWS's published rates alone take 1 s of the steps; with 100 such tenants the steps take about 40 min 30 s "
            "(57 s of it by AWS's published rates), with 1,000 about 51 min (11 min 27 s)",
        ),
        (
            (PlanGrowth(2, 2160, 0), HUNDRED),
            "with 100 such tenants the steps take about 40 min 30 s (57 s of it by AWS's published rates)",
        ),
        ((PlanGrowth(20_000, 9000, 4000),), "AWS's published rates alone take 1 h 6 min of the steps"),
        ((PlanGrowth(20_000, 9000, 0),), ""),
    ],
)
def test_the_time_for_more_tenants_is_shown_beside_the_share_of_the_rates(
    growth: tuple[PlanGrowth, ...], sentence: str
) -> None:
    assert growth_sentence(growth) == sentence
