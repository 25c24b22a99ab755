"""How likely a count is, if each of so many trials succeeds with one probability. Pure."""

from __future__ import annotations

from math import exp, lgamma, log


def at_most(successes: int, trials: int, chance: float) -> float:
    """The probability of ``successes`` or fewer in ``trials``, ``chance`` being between 0 and 1."""
    return min(1.0, sum(_exactly(k, trials, chance) for k in range(max(0, successes + 1))))


def at_least(successes: int, trials: int, chance: float) -> float:
    """The probability of ``successes`` or more in ``trials``."""
    return min(1.0, sum(_exactly(k, trials, chance) for k in range(max(0, successes), trials + 1)))


def rarity(successes: int, trials: int, chance: float) -> float:
    """The probability of so few, or of so many: the smaller of the two. A count that is usual has one near a half."""
    return min(at_most(successes, trials, chance), at_least(successes, trials, chance))


def _exactly(k: int, trials: int, chance: float) -> float:
    if chance in (0.0, 1.0):
        return float(k == round(trials * chance))
    ways = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
    return exp(ways + k * log(chance) + (trials - k) * log(1 - chance))
