"""What a tenant's page answers, by the stores behind the task that serves it.

WordPress answers 500 where its database cannot be reached or refuses the password, and the web server 403 where the
site's files are not mounted, 404 where the tenant's folder is empty (T54). The password is the one of the task's start.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from moto.ecs.models import ecs_backends
from moto.rds.models import DBInstance

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


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a database holds: the ids of its rows, and the digest of each user's password."""

    ids: frozenset[str]
    digests: dict[str, str]


class TenantPages:
    """What the tasks of a region answer at the moment it is made; stores that several share are looked at once.

    Tasks of one definition that hold the same secrets answer alike.
    """

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region
        self._pages: dict[tuple[str, tuple[str, ...]], PageAnswer] = {}
        self._databases: dict[tuple[str, str, tuple[str, ...]], DBInstance | PageAnswer] = {}
        self._contents: dict[str, _Contents] = {}
        self._files: dict[str, frozenset[str]] = {}

    def of(self, task: RunningTask) -> PageAnswer:
        """What the task answers to a stranger to the site's password. One that names no store needs none."""
        # By what can differ: definition, secrets and network. The tasks of one service are looked at once.
        key = (str(task.definition.arn), (*task.secrets.values(), task.subnet, *task.groups))
        if key not in self._pages:
            network = network_of(ecs_backends[self._account][self._region], task)
            stores = TaskStores(self._account, self._region, task.definition, network)
            self._pages[key] = (
                self._without_files(stores) or self._without_database(stores, task) or PageAnswer(_usual(stores))
            )
        return self._pages[key]

    def _without_files(self, stores: TaskStores) -> PageAnswer | None:
        if not stores.volume():
            return None
        try:
            path = stores.folder()
            backend, name = stores.file_system()
        except StoreUnavailable as reason:
            return PageAnswer(FORBIDDEN, str(reason))
        if name not in self._files:
            self._files[name] = frozenset(file.id for file in stored_data.files_of(backend, name))
        # An access point makes its folder empty where it is not there (EFS guide, creating access points).
        installed = path == "/" or f"{stored_data.FOLDER}{path}" in self._files[name]
        return None if installed else PageAnswer(NOT_FOUND, f"{path} is empty.")

    def _without_database(self, stores: TaskStores, task: RunningTask) -> PageAnswer | None:
        host = stores.variable(HOST_VARIABLE)
        if not host:
            return None
        instance = self._database(host, stores, task)
        if isinstance(instance, PageAnswer):
            return instance
        name = instance.db_instance_identifier
        if name not in self._contents:
            rows = stored_data.rows_of(instance)
            self._contents[name] = _Contents(frozenset(row.id for row in rows), stored_data.digests(rows))
        contents = self._contents[name]
        schema = stores.variable(NAME_VARIABLE)
        # A restored database of a moment before the site was installed has no schema for it.
        if schema and f"{stored_data.SCHEMA}{schema}" not in contents.ids:
            return PageAnswer(BROKEN, f"{instance.db_instance_identifier} has no schema {schema}.")
        user, digest = task.secrets.get(USER_VARIABLE, ""), digest_of(task.secrets.get(PASSWORD_VARIABLE, ""))
        # The password of the task's start against that of the restored
        # moment: a rotation between them locks the site out.
        if user and contents.digests.get(user, digest) != digest:
            return PageAnswer(BROKEN, f"Access denied for user {user} (MySQL: 1045).")
        return None

    def _database(self, host: str, stores: TaskStores, task: RunningTask) -> DBInstance | PageAnswer:
        key = (host, task.subnet, task.groups)
        if key not in self._databases:
            try:
                self._databases[key] = stores.database()
            except StoreUnavailable as reason:
                self._databases[key] = PageAnswer(BROKEN, str(reason))
        return self._databases[key]


def _usual(stores: TaskStores) -> int:
    """A whole site asks for a password where the environment expects that; a plug-in does so, after the database."""
    expected = (STATE.environment.get("traffic") or {}).get("expected_probe_statuses") or ()
    # What was built in an empty world is no shipped environment's.
    return UNAUTHORISED if STATE.tenants and UNAUTHORISED in expected and stores.variable(HOST_VARIABLE) else FINE


def digest_of(password: str) -> str:
    """How the database keeps a password."""
    return hashlib.sha256(password.encode()).hexdigest()[:16]
