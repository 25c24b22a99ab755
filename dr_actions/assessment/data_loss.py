"""What a failover now would lose: per store and tenant, in seconds and in what can be counted. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dr_actions.actions.database.verify_zero_loss import FILES as BY_FILES
from dr_actions.model.plan import Plan
from dr_actions.model.sequence import Role, role_of
from dr_checks.core.model import Lag
from dr_checks.core.verdict import best_lags
from dr_checks.derived.database_copies import BACKUP
from dr_estate.config.environment import Side
from dr_estate.model.stores import DATABASE, FILES, STORES
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import dynamodb, s3
from dr_estate.snapshot.snapshot import Snapshot

_SHARED = frozenset(store.id for store in STORES if store.shared)
_PROVEN = "writers are stopped, and zero loss is proven, before promotion"


@dataclass(frozen=True, slots=True)
class Loss:
    """The estimate for one store. ``tenant`` None means all of them. ``seconds`` is at most what was written since the
    newest usable copy and before an outage, None where it could not be measured; ``items`` what can be counted, None
    where nothing can.

    ``missing``: there is no copy at all. ``unseen``: what kept it from being measured.
    """

    store: str
    subject: str
    tenant: str | None
    seconds: float | None
    items: int | None
    basis: str
    missing: bool = False
    unseen: Unavailable | None = None


def losses_of(
    lags: Sequence[Lag], tenants: Sequence[str], counted: Mapping[str, int], outage_s: float = 0.0
) -> tuple[Loss, ...]:
    """Return each store's freshest usable copy as a loss; a store that tenants share is listed for each tenant.

    ``counted`` gives the items that are known to be missing, by table or bucket. ``outage_s`` is how long the primary
    region is seen to serve nobody: a copy grows older meanwhile, and nothing more is lost. A copy that came since then
    proves that something is still written there, so its whole age counts.
    """
    return tuple(loss for lag in best_lags(lags) for loss in _losses(lag, tenants, counted.get(lag.subject), outage_s))


def planned_losses(losses: Sequence[Loss], plan: Plan) -> tuple[Loss, ...]:
    """What a switchover loses: nothing of the stores whose writers it stops and whose copies its plan proves whole."""
    ways = {step.before["mechanism"] for step in plan.steps if role_of(plan.goal, step.id) is Role.ZERO_LOSS}
    proven = {FILES.id if way == BY_FILES else DATABASE.id for way in ways - {BACKUP}}
    return tuple(
        replace(loss, seconds=0.0, items=0, basis=_PROVEN)
        if loss.store in proven and loss.seconds is not None
        else loss
        for loss in losses
    )


def _losses(lag: Lag, tenants: Sequence[str], items: int | None, outage_s: float) -> Iterator[Loss]:
    owners = tenants if lag.tenant is None and lag.store in _SHARED and tenants else (lag.tenant,)
    trails_s = lag.at_most_s if lag.seconds is None else lag.seconds
    # While the primary serves nobody nothing is written there, so that time loses nothing, though the copy ages.
    seconds = trails_s if trails_s is None or trails_s <= outage_s else trails_s - outage_s
    for owner in owners:
        yield Loss(lag.store, lag.subject, owner, seconds, items, lag.basis, lag.missing, lag.unseen)


def missing_items(snapshot: Snapshot) -> dict[str, int]:
    """What can be counted: items a table's replica has fewer than its primary, and buckets with nothing pending."""
    found: dict[str, int] = {}
    try:
        here, there = snapshot.get(dynamodb.tables, Side.PRIMARY), snapshot.get(dynamodb.tables, Side.DR)
        copies = {table.name: table.items for table in there if not isinstance(table, Unavailable)}
        for table in here:
            if not isinstance(table, Unavailable) and table.name in copies:
                # ItemCount is updated every six hours or so (DynamoDB API): it counts, and proves nothing by itself.
                found[table.name] = max(0, table.items - copies[table.name])
    except DataUnavailable:
        found.clear()
    return found | _nothing_pending(snapshot)


def _nothing_pending(snapshot: Snapshot) -> dict[str, int]:
    try:
        readings = snapshot.get(s3.lag_metrics, Side.DR)
    except DataUnavailable:
        return {}
    pending = (reading for reading in readings if reading.name == "BytesPendingReplication" and reading.value == 0)
    return {dict(reading.dimensions)["SourceBucket"]: 0 for reading in pending}
