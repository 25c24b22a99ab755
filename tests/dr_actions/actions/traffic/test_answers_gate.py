"""How rare a count is: against values that anybody can reckon by hand."""

from __future__ import annotations

import pytest

from dr_actions.actions.traffic.answers_gate import at_least, at_most, rarity


@pytest.mark.parametrize(
    ("successes", "trials", "chance", "expected"),
    [(0, 2, 0.5, 0.25), (1, 2, 0.5, 0.75), (2, 2, 0.5, 1.0), (0, 200, 0.1, 0.9**200), (-1, 5, 0.5, 0.0)],
)
def test_so_few_or_fewer(successes: int, trials: int, chance: float, expected: float) -> None:
    assert at_most(successes, trials, chance) == pytest.approx(expected)


def test_so_many_or_more_is_what_fewer_leave() -> None:
    for k in range(1, 21):
        assert at_least(k, 20, 0.3) == pytest.approx(1 - at_most(k - 1, 20, 0.3))


def test_certainties_are_certain() -> None:
    assert (at_least(5, 5, 1.0), at_most(4, 5, 1.0), at_most(0, 5, 0.0), at_least(1, 5, 0.0)) == (1, 0, 1, 0)


def test_a_usual_count_is_not_rare_and_none_of_two_hundred_at_a_tenth_is() -> None:
    assert rarity(20, 200, 0.1) > 0.4
    assert rarity(0, 200, 0.1) < 1e-8
    assert rarity(50, 200, 0.1) < 1e-6
