"""What a tenant's page answers, by the stores behind the task that serves it.

WordPress answers 500 where its database cannot be reached or refuses the password, and the web server 403 where the
site's files are not mounted, 404 where the tenant's folder is empty (T54). The password is the one of the task's start.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from moto.ecs.models import ecs_backends

from sandbox.core.state import STATE
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.data.task_data import HOST_VARIABLE, StoreUnavailable, TaskStores
from sandbox.moto_ext.ecs.tasks import RunningTask, network_of

FINE, UNAUTHORISED, FORBIDDEN, NOT_FOUND, BROKEN = 200, 401, 403, 404, 500
NAME_VARIABLE, USER_VARIABLE, PASSWORD_VARIABLE = "WORDPRESS_DB_NAME", "WORDPRESS_DB_USER", "WORDPRESS_DB_PASSWORD"


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """The status of a page and, where it is no good one, the reason as the task's log has it."""

    status: int
    reason: str = ""


def page_of(account: str, region: str, task: RunningTask) -> PageAnswer:
    """What the task answers at this moment, a stranger to the site's password. One that names no store needs none."""
    network = network_of(ecs_backends[account][region], task)
    stores = TaskStores(account, region, task.definition, network)
    return _without_files(stores) or _without_database(stores, task) or PageAnswer(_usual(stores))


def _usual(stores: TaskStores) -> int:
    """A whole site asks for a password where the environment expects that; a plug-in does so, after the database."""
    expected = (STATE.environment.get("traffic") or {}).get("expected_probe_statuses") or ()
    return UNAUTHORISED if UNAUTHORISED in expected and stores.variable(HOST_VARIABLE) else FINE


def _without_files(stores: TaskStores) -> PageAnswer | None:
    if not stores.volume():
        return None
    try:
        path = stores.folder()
        files = stored_data.files_of(*stores.file_system())
    except StoreUnavailable as reason:
        return PageAnswer(FORBIDDEN, str(reason))
    installed = path == "/" or any(file.id == f"{stored_data.FOLDER}{path}" for file in files)
    return None if installed else PageAnswer(NOT_FOUND, f"{path} is empty.")


def _without_database(stores: TaskStores, task: RunningTask) -> PageAnswer | None:
    if not stores.variable(HOST_VARIABLE):
        return None
    try:
        instance = stores.database()
    except StoreUnavailable as reason:
        return PageAnswer(BROKEN, str(reason))
    rows = stored_data.rows_of(instance)
    schema = stores.variable(NAME_VARIABLE)
    if schema and not any(row.id == f"{stored_data.SCHEMA}{schema}" for row in rows):
        return PageAnswer(BROKEN, f"{instance.db_instance_identifier} has no schema {schema}.")
    user = task.secrets.get(USER_VARIABLE, "")
    if user and not stored_data.accepts(rows, user, digest_of(task.secrets.get(PASSWORD_VARIABLE, ""))):
        return PageAnswer(BROKEN, f"Access denied for user {user} (MySQL: 1045).")
    return None


def digest_of(password: str) -> str:
    """How the database keeps a password."""
    return hashlib.sha256(password.encode()).hexdigest()[:16]
