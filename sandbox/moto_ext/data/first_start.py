"""The first start of a site in a world that began empty: its schema is filled, and its folder.

WordPress' image copies itself into an empty folder, and a team's installer fills the schema. It happens once in a
world: a copy of a moment before that has no site, and gets none by a start (T54).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from moto.ecs.models import EC2ContainerServiceBackend

from sandbox.core.state import STATE, now
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.data.mounts import WRITE, may
from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores
from sandbox.moto_ext.data.tenant_pages import NAME_VARIABLE
from sandbox.moto_ext.ecs.tasks import RunningTask
from sandbox.moto_ext.rds.changes import refuses_writes


def install_sites(backend: EC2ContainerServiceBackend, running: Iterable[RunningTask]) -> None:
    """Install the site of running tasks in the stores that take writes, where it never was before."""
    # A seeded world has its sites already.
    if STATE.tenants:
        return
    for definition in {str(task.definition.arn): task.definition for task in running}.values():
        stores = TaskStores(backend.account_id, backend.region_name, definition)
        for install_part in (_schema, _folder):
            # Tried again at the next look: the database may still be made.
            with suppress(StoreUnavailable):
                install_part(stores)


def _schema(stores: TaskStores) -> None:
    schema = stores.variable(NAME_VARIABLE)
    if not schema or _is_installed(f"{stored_data.SCHEMA}{schema}"):
        return
    instance = stores.database()
    if not instance.is_replica and not refuses_writes(instance):
        stored_data.install_schema(instance, schema, stores.definition.family, now())
        _remember(f"{stored_data.SCHEMA}{schema}")


def _folder(stores: TaskStores) -> None:
    if not stores.volume():
        return
    (efs, system), path = stores.file_system(), stores.folder()
    if path == "/" or _is_installed(f"{stored_data.FOLDER}{path}") or stored_data.incoming(efs, system) is not None:
        return
    if may(efs, efs.file_systems_by_id[system], stores.definition, WRITE):
        stored_data.install_folder(efs, system, path, stores.definition.family, now())
        _remember(f"{stored_data.FOLDER}{path}")


def _is_installed(site: str) -> bool:
    return site in STATE.extras.get("installed_sites", ())


def _remember(site: str) -> None:
    STATE.extras["installed_sites"] = [*STATE.extras.get("installed_sites", ()), site]
