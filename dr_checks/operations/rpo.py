"""Checks of data loss over all stores: recovery point objective and consistency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core import registry
from dr_checks.core.model import Area, Finding, Lag, NothingToJudge, Severity, View, check, cite, if_replicated, weigh
from dr_checks.core.verdict import best_lags
from dr_estate.config.environment import Side
from dr_estate.model.durations import duration
from dr_estate.model.stores import STORES, lacks

_MINUTE_S = 60
_SAME_TIME = frozenset(store.id for store in STORES if store.same_time)


def _lags(view: View) -> list[Lag]:
    return best_lags(registry.lags(view.snapshot, view.env, view.only_tenants))


def _subject(lag: Lag) -> str:
    return f"{lag.store} {lag.subject}"


def _remedy(lag: Lag) -> str:
    return f"See the checks of the {lag.store}: they name the cause and the command."


@check("no store would lose more data than its recovery point objective allows")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite("T23", "T25", "REL09-BP01", "REL13-BP01", "NIST CP-2", "NIST CP-9", "NIST CP-10", "ISO22301 8.4", "SOC2 A1.2")
def met(view: View) -> Iterator[Finding]:
    """The freshest usable copy of every store, and of each tenant's own, against the RPO; unmeasured is UNKNOWN."""
    found, wanted = _lags(view), f"{duration(view.rpo_s)} or less"
    good = 0
    for lag in found:
        if lag.missing:
            reason = "there is no copy: a failover now would lose all data"
            yield replace(view.gap(_subject(lag), "no copy", wanted, reason, _remedy(lag), lag.tenant), store=lag.store)
        elif lag.seconds is None:
            yield view.unknown(_subject(lag), wanted, lag.unseen or lag.basis, lag.tenant)
        elif lag.seconds > view.rpo_s:
            reason = f"a failover now would lose all later writes ({lag.basis})"
            gap = view.gap(_subject(lag), duration(lag.seconds), wanted, reason, _remedy(lag), lag.tenant)
            yield replace(gap, store=lag.store)
        # Tenants' own copies that are well are one line: 2,000 of them would hide the one that is not.
        elif lag.tenant is None:
            yield view.ok(_subject(lag), duration(lag.seconds), wanted, lag.basis)
        else:
            good += 1
    if good:
        yield view.ok("tenants' own", f"{good} within it", wanted, "every store is within its objective")
    if not found:
        yield view.unknown("all stores", wanted, "No store's lag is measured by any mechanism.")


@check("the newest copies of database, files, objects and tables are of about the same time")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("T24", "T25", "REL09-BP01", "REL13-BP02", "NIST CP-9", "NIST CP-10")
def skew(view: View) -> Iterator[Finding]:
    """Oldest against freshest copy of the stores that refer to each other, within store_skew_minutes.

    A page whose picture is missing, or a picture no page knows, is what a skew looks like to a tenant.
    """
    present = [store.id for store in STORES if store.same_time and not lacks(view.env, store.id)]
    if len(present) < 2:  # noqa: PLR2004 - a pair is what can be apart
        raise NothingToJudge("all stores", f"no two such stores could be apart: {', '.join(present) or 'none'}")
    measured = [(lag.seconds, lag) for lag in _lags(view) if lag.store in _SAME_TIME and lag.seconds is not None]
    limit = view.env.thresholds.store_skew_minutes
    wanted = f"{limit} min apart or less"
    if len({lag.store for _, lag in measured}) < 2:  # noqa: PLR2004 - a pair is what can be apart
        yield view.unknown("all stores", wanted, "Fewer than two stores are measured: see rpo.met.")
        return
    (young_s, young), (old_s, old) = min(measured, key=lambda m: m[0]), max(measured, key=lambda m: m[0])
    apart_s = old_s - young_s
    difference = f"{duration(apart_s)} ({_subject(old)} {duration(old_s)}, {_subject(young)} {duration(young_s)})"
    if apart_s <= limit * _MINUTE_S:
        yield view.ok("all stores", difference, wanted, "the restored stores are consistent")
    else:
        reason = f"the {old.store} would be older than the data that refers to it"
        remedy = (
            f"Fix what makes the {old.store} late. Where consistency counts more than the newest rows, restore the "
            f"database {view.env.database_on(Side.DR)} by hand in {view.env.regions.dr} to the time of the "
            "oldest store (RestoreDBInstanceToPointInTime of its automated backup, with RestoreTime)."
        )
        yield replace(view.gap("all stores", difference, wanted, reason, remedy), store=old.store)
