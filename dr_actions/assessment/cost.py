"""What an hour of running in the DR region costs, from list prices of the environment file and what was seen. Pure.

Tasks by the size their DR task definitions name, the database with its storage, and the files. Left out: traffic,
requests, load balancer units and support: they cost the same in either region.
"""

from __future__ import annotations

from collections.abc import Collection

from dr_actions.actions.database.failback import is_retained
from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import TABLE
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, efs, rds
from dr_estate.snapshot.snapshot import Snapshot

_UNITS_A_VCPU = 1024
_MIB_A_GIB = 1024
_BYTES_A_GIB = 1 << 30


def hourly_cost(snapshot: Snapshot, env: Environment, tenants: int) -> float:
    """The estimate in costs.currency; what cannot be seen counts nothing."""
    return round(_tasks(snapshot, env, tenants) + _database(snapshot, env) + _files(snapshot, env), 4)


def _tasks(snapshot: Snapshot, env: Environment, tenants: int) -> float:
    try:
        definitions = [d for d in snapshot.get(ecs.task_definitions, Side.DR) if not isinstance(d, Unavailable)]
    except DataUnavailable:
        return 0.0
    if not definitions:
        return 0.0
    vcpus = sum(d.cpu for d in definitions) / len(definitions) / _UNITS_A_VCPU
    gibs = sum(d.memory for d in definitions) / len(definitions) / _MIB_A_GIB
    each = vcpus * env.costs.vcpu + gibs * env.costs.memory_gib
    return tenants * env.capacity.tasks_per_service * each


def _database(snapshot: Snapshot, env: Environment) -> float:
    gib = 0
    for side in (Side.DR, Side.PRIMARY):
        try:
            found = snapshot.get(rds.instances, side)
        except DataUnavailable:
            continue
        # The primary's size stands for the restored one's where the DR region has no database yet.
        gib = max([gib, *(i.storage_gib for i in found if i.identifier == env.database_on(side))])
    return _instance_cost(gib, env)


def _instance_cost(gib: int, env: Environment) -> float:
    return env.costs.database_instance + gib * env.costs.database_gib


def _files(snapshot: Snapshot, env: Environment) -> float:
    try:
        found = snapshot.get(efs.file_systems, Side.DR)
    except DataUnavailable:
        return 0.0
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
        found += [(_instance_text(i, env.region(side), marked), _instance_cost(i.storage_gib, env)) for i in retained]
    message = f"What {' and '.join(unseen)} keeps beside the estate was not seen." if unseen else ""
    if not found:
        return message
    listed = ", ".join(f"{subject} ({cost:.2f} {costs.currency} an hour)" for subject, cost in found)
    total = sum(cost for _, cost in found)
    return f"Kept until people delete it: {listed}; {total:.2f} {costs.currency} an hour together. {message}".rstrip()


def _instance_text(instance: rds.Instance, region: str, marked: Collection[str]) -> str:
    marker = f" with the table {TABLE}" if instance.resource_id in marked else ""
    return f"{instance.identifier} in {region}{marker}"
