"""How long AWS takes for an operation, by size: ``aws_durations.toml`` beside this file, each row with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

_NORMAL = NormalDist()
_Z90 = _NORMAL.inv_cdf(0.9)
MEDIAN = 0.5
# inv_cdf is infinite at 0 and 1.
_LEAST, _MOST = 0.02, 0.98
STANDINGS = ("documented", "measured by others", "assumed")


@dataclass(frozen=True, slots=True)
class OperationPhase:
    """A state that a resource passes through: ``base_s`` seconds, and more for each unit of size (``gib``, ...)."""

    state: str
    base_s: float
    per_unit_s: Mapping[str, float] = field(default_factory=dict)

    def median_s(self, sizes: Mapping[str, float]) -> float:
        """The median in seconds; a size that is not known counts nothing."""
        return self.base_s + sum(share * sizes.get(unit, 0.0) for unit, share in self.per_unit_s.items())


@dataclass(frozen=True, slots=True)
class AwsOperation:
    """One row of the table. ``p90`` is what nine of ten take, as a multiple of the median.

    ``calls`` are the API calls (``service:Operation``) that begin it; ``done_in`` is the state from which a run goes
    on, "" for the settled one.
    """

    id: str
    phases: tuple[OperationPhase, ...]
    p90: float
    standing: str
    source: str
    calls: tuple[str, ...] = ()
    done_in: str = ""

    def phases_s(self, quantile: float = MEDIAN, **sizes: float) -> tuple[tuple[str, float], ...]:
        """Each state with its seconds, at this quantile of a log-normal distribution through median and p90."""
        factor = spread(quantile, self.p90)
        return tuple((phase.state, factor * phase.median_s(sizes)) for phase in self.phases)

    def seconds(self, quantile: float = MEDIAN, **sizes: float) -> float:
        """Seconds until it has settled."""
        return sum(seconds for _, seconds in self.phases_s(quantile, **sizes))

    def wait_seconds(self, quantile: float = MEDIAN, **sizes: float) -> float:
        """Seconds until a run can go on: what the states before ``done_in`` take."""
        total = 0.0
        for state, seconds in self.phases_s(quantile, **sizes):
            if state == self.done_in:
                break
            total += seconds
        return total


def spread(quantile: float, p90: float) -> float:
    """The value at this quantile, as a multiple of the median, where that at nine of ten is ``p90`` (log-normal)."""
    z = _NORMAL.inv_cdf(min(max(quantile, _LEAST), _MOST))
    return float(p90 ** (z / _Z90))


@cache
def operations() -> Mapping[str, AwsOperation]:
    """Every row by its id."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    rows = [_row(row) for row in tomllib.loads(text)["operation"]]
    return {row.id: row for row in rows}


def operation(name: str) -> AwsOperation:
    """The row of this id. Raises KeyError."""
    return operations()[name]


@cache
def of_call(call: str) -> AwsOperation | None:
    """The operation that the API call ``service:Operation`` begins; None where it is over with its answer."""
    return next((row for row in operations().values() if call in row.calls), None)


def _row(row: dict[str, Any]) -> AwsOperation:
    phases = tuple(
        OperationPhase(state["state"], state["s"], {unit: s for unit, s in state.items() if unit not in ("state", "s")})
        for state in row["states"]
    )
    calls = tuple(row.get("calls", ()))
    return AwsOperation(row["id"], phases, row["p90"], row["standing"], row["source"], calls, row.get("done_in", ""))


_NINE_OF_TEN = 0.9
_MARGIN = 1.4  # by the table's spreads fewer than one in a hundred take longer; what is not seen, as how many files
GIB = 1024**3


def limit_s(name: str, least_s: int, gib: float) -> int:
    """How long work that shows no progress is waited for, by the size of what AWS copies: ``least_s`` at least.

    It is what the operation ``name`` of the table takes in nine of ten cases, and a margin.
    """
    return max(least_s, round(_MARGIN * operation(name).wait_seconds(_NINE_OF_TEN, gib=gib)))
