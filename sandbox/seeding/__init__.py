"""The healthy estate of an environment file, built in the emulator: both regions, N tenants, everything green.

Order matters where AWS makes it matter: image replication before the push (T21), bucket rules before the objects
(T30), replicas before the task definitions that name them. Where the environment expects no replication there are no
copies of data in the DR region: no database backups, file replication, bucket copies, table replicas, secret replicas
or recovery points. Infrastructure stands there as ``standby`` says, with secrets of its own; images and Terraform
state are copied everywhere, for infrastructure cannot be raised without them (T21, T39).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import MYSQL, Engine
from sandbox.client.launcher import Progress, no_progress
from sandbox.core.state import STATE
from sandbox.seeding import (
    access,
    alerting,
    automation,
    backups,
    credentials,
    database,
    edge,
    errands,
    files,
    images,
    load_balancers,
    network,
    objects,
    permissions,
    run_history,
    services,
    tables,
    traffic,
)
from sandbox.seeding.site import Estate, SeedClients, Site, tenant_list

BUILDERS: tuple[Callable[[Estate], None], ...] = (
    access.build,
    network.build,
    # Before the services: CreateService and load balancers count against the quotas as AWS does (T33).
    services.build_quotas,
    images.build,
    database.build,
    files.build,
    objects.build,
    tables.build,
    run_history.build,
    # Before services and after the database: task definitions name secrets, secrets the database's user.
    credentials.build,
    edge.build_certificates,
    load_balancers.build,
    # After the load balancers: a service registers its tasks in a target group that some listener uses.
    services.build,
    # Before traffic: the tenants' records are aliases of the distribution's own name.
    edge.build,
    traffic.build,
    alerting.build,
    errands.build,
    # After all data: the selection plays the past day of the plan over what stands there.
    backups.build,
    # Needs the copies that the plan made.
    backups.build_restore_tests,
    automation.build_runbook,
    permissions.build,
    automation.build_starts,
    # Last: the function reads the control table's stream from now on.
    automation.build_anchors,
)


def seed(environment: Environment, tenants: int, progress: Progress = no_progress, engine: Engine = MYSQL) -> None:
    """Build the whole estate of ``environment`` with ``tenants`` tenants in this process's emulator.

    ``progress`` is called at each of the calls by which it is built.

    The emulator must be repaired (``sandbox.moto_ext.install()``) and hold nothing of this estate. ``STATE.tenants`` is
    set to the tenants' names as AWS names spell them. Raises ClientError where the emulator refuses a call.
    """
    clients = SeedClients(environment.account)
    sides = (Side.PRIMARY, Side.DR)
    primary, dr = (Site(side, environment.region(side), environment.on(side), clients, engine) for side in sides)
    estate = Estate(environment, tenant_list(tenants), primary, dr)
    with _at_once():
        for done, build in enumerate(BUILDERS):
            estate.primary.clients.on_call = partial(progress, f"seeding {tenants} tenants", done, len(BUILDERS))
            build(estate)
    STATE.tenants = tuple(tenant.name for tenant in estate.tenants)


@contextmanager
def _at_once() -> Iterator[None]:
    """Let nothing be left half made, and collect no garbage in between: a world is all new objects that stay."""
    transition_s, collecting = STATE.extras.get("transition_s"), gc.isenabled()
    STATE.extras["transition_s"] = 0
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        del STATE.extras["transition_s"]
        if transition_s is not None:
            STATE.extras["transition_s"] = transition_s
