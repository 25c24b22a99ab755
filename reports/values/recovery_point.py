"""Whether the recovery point's objective is met, in words, with the reason that no age of a copy shows."""

from __future__ import annotations

from collections.abc import Iterable

from dr_checks.core.model import Lag
from dr_checks.core.verdict import RecoveryPointResult, best_lags

_MANY = 3


def objective_met(rpo: RecoveryPointResult, lags: Iterable[Lag]) -> str:
    """Met, not met or not known. A store without any copy is named: the worst age beside it may be good."""
    lags = tuple(lags)
    if rpo.compliant is not False:
        return "met" if rpo.compliant else "not known"
    # Before the ages: a blocker of a copy is why it is not met, however young the copy is.
    if rpo.blocked_by:
        more = f" and {len(rpo.blocked_by) - 1} more" if len(rpo.blocked_by) > 1 else ""
        return f"NOT MET, blocker {rpo.blocked_by[0]}{more}"
    best = best_lags(lags)
    lost = sorted({f"{lag.store} {lag.subject}" for lag in lags if lag.missing and _is_unmeasured(lag, best)})
    named = ", ".join(lost[:_MANY]) + (f" and {len(lost) - _MANY} more" if len(lost) > _MANY else "")
    return f"NOT MET, no copy of {named}" if lost else "NOT MET"


def _is_unmeasured(missing: Lag, best: Iterable[Lag]) -> bool:
    store = (missing.store, missing.subject, missing.tenant)
    return any(lag.seconds is None for lag in best if (lag.store, lag.subject, lag.tenant) == store)
