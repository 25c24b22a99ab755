"""What a failover now would lose: per store and tenant, in seconds and in what can be counted. Pure.

What an hour of running in the DR region costs, from list prices of the environment file and what was seen. Pure.

Tasks by the size their DR task definitions name, the database with its storage, and the files. Left out: traffic,
requests, load balancer units and support: they cost the same in either region.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dr_actions.actions.database.failback import is_retained
from dr_actions.actions.database.verify_zero_loss import FILES as BY_FILES
from dr_actions.model.plan import Plan
from dr_actions.model.sequence import Role, role_of
from dr_checks.core.model import Lag
from dr_checks.core.verdict import best_lags
from dr_checks.derived.database_copies import BACKUP
from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import DATABASE, FILES, STORES, TABLE
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import dynamodb, ecs, efs, rds, s3
from dr_estate.snapshot.snapshot import Snapshot

_SHARED = frozenset(store.id for store in STORES if store.shared)
_PROVEN = "writers are stopped, and zero loss is proven, before promotion"
_UNITS_A_VCPU = 1024
_MIB_A_GIB = 1024
_BYTES_A_GIB = 1 << 30


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
    readings = snapshot.get_if_seen(s3.lag_metrics, Side.DR) or ()
    pending = (reading for reading in readings if reading.name == "BytesPendingReplication" and reading.value == 0)
    return found | {dict(reading.dimensions)["SourceBucket"]: 0 for reading in pending}


def hourly_cost(snapshot: Snapshot, env: Environment, tenants: int) -> float:
    """The estimate in costs.currency; what cannot be seen counts nothing."""
    gib = 0
    for side in (Side.DR, Side.PRIMARY):
        found = snapshot.get_if_seen(rds.instances, side) or ()
        # The primary's size stands for the restored one's where the DR region has no database yet.
        gib = max([gib, *(i.storage_gib for i in found if i.identifier == env.database_on(side))])
    return round(_tasks(snapshot, env, tenants) + _instance_cost(gib, env) + _files(snapshot, env), 4)


def _tasks(snapshot: Snapshot, env: Environment, tenants: int) -> float:
    rows = snapshot.get_if_seen(ecs.task_definitions, Side.DR) or ()
    definitions = [row for row in rows if not isinstance(row, Unavailable)]
    if not definitions:
        return 0.0
    vcpus = sum(d.cpu for d in definitions) / len(definitions) / _UNITS_A_VCPU
    gibs = sum(d.memory for d in definitions) / len(definitions) / _MIB_A_GIB
    each = vcpus * env.costs.vcpu + gibs * env.costs.memory_gib
    return tenants * env.capacity.tasks_per_service * each


def _instance_cost(gib: int, env: Environment) -> float:
    return env.costs.database_instance + gib * env.costs.database_gib


def _files(snapshot: Snapshot, env: Environment) -> float:
    found = snapshot.get_if_seen(efs.file_systems, Side.DR) or ()
    size = sum(f.size_bytes for f in found if f.name == env.named(env.names.file_system))
    return size / _BYTES_A_GIB * env.costs.files_gib


def leftovers_sentence(snapshot: Snapshot, env: Environment, marked: Collection[str] = ()) -> str:
    """Return the databases that failbacks kept beside the estate's, with their hourly costs; "" where there is none.

    A region that could not be read is named.

    ``marked`` are the resource ids of those that still have a marker's table: only the primary region's was removed.
    """
    costs = env.costs
    found: list[tuple[str, float]] = []
    unseen: list[str] = []
    for side in (Side.PRIMARY, Side.DR):
        try:
            retained = [i for i in snapshot.get(rds.instances, side) if is_retained(i, env.database_on(side))]
        except DataUnavailable:
            unseen.append(env.region(side))
            continue
        for instance in retained:
            marker = f" with the table {TABLE}" if instance.resource_id in marked else ""
            subject = f"{instance.identifier} in {env.region(side)}{marker}"
            found.append((subject, _instance_cost(instance.storage_gib, env)))
    message = f"What {' and '.join(unseen)} keeps beside the estate was not seen." if unseen else ""
    if not found:
        return message
    listed = ", ".join(f"{subject} ({cost:.2f} {costs.currency} an hour)" for subject, cost in found)
    total = sum(cost for _, cost in found)
    return f"Kept until people delete it: {listed}; {total:.2f} {costs.currency} an hour together. {message}".rstrip()
