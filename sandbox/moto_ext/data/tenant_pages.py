"""What a tenant's page answers, by the stores behind the task that serves it.

WordPress answers 500 where its database cannot be reached or refuses the password, and the web server 403 where the
site's files are not mounted, 404 where the tenant's folder is empty (T54). The password is the one of the task's start.

The first start of a site in a world that began empty: its schema is filled, and its folder.

WordPress' image copies itself into an empty folder, and a team's installer fills the schema. It happens once in a
world: a copy of a moment before that has no site, and gets none by a start (T54). WordPress keeps the host under which
it was installed, and its pages speak of that one: here it is the host of the rule that leads to the service.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

from moto.ecs.models import EC2ContainerServiceBackend, Service, ecs_backends
from moto.elbv2.models import elbv2_backends
from moto.rds.models import DBInstance

from sandbox.core.state import STATE, now
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.data.mounts import WRITE, may
from sandbox.moto_ext.data.task_data import HOST_VARIABLE, StoreUnavailable, TaskStores
from sandbox.moto_ext.ecs.tasks import RunningTask, alive, network_of, tasks_of
from sandbox.moto_ext.elbv2.rule_matching import groups_of, hosts_of
from sandbox.moto_ext.rds.changes import refuses_writes

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


def install_sites(backend: EC2ContainerServiceBackend) -> None:
    """Install the sites of the region's running tasks in the stores that take writes, where they never were before."""
    moment = now()
    # A seeded world has its sites already.
    for service in () if STATE.tenants else backend.services.values():
        running = [task for task in alive(tasks_of(service)) if task.status(moment) == "RUNNING"]
        for definition in {str(task.definition.arn): task.definition for task in running}.values():
            stores = TaskStores(backend.account_id, backend.region_name, definition)
            for install_part in (_schema, _folder):
                # Tried again at the next look: the database may still be made.
                with suppress(StoreUnavailable):
                    install_part(stores, service)


def host_of(task: RunningTask) -> str:
    """The host of which the task's pages speak, "" where it is no site that was installed here."""
    schema = TaskStores("", "", task.definition).variable(NAME_VARIABLE)
    return str(STATE.extras.get("installed_sites", {}).get(f"{stored_data.SCHEMA}{schema}", ""))


def _schema(stores: TaskStores, service: Service) -> None:
    schema = stores.variable(NAME_VARIABLE)
    if not schema or _is_installed(f"{stored_data.SCHEMA}{schema}"):
        return
    instance = stores.database()
    if not instance.is_replica and not refuses_writes(instance):
        stored_data.install_schema(instance, schema, stores.definition.family, now())
        _remember(f"{stored_data.SCHEMA}{schema}", _host_in_rules(stores, service))


def _host_in_rules(stores: TaskStores, service: Service) -> str:
    groups = {str(row.get("targetGroupArn")) for row in service.load_balancers}
    balancers = elbv2_backends[stores.account][stores.region].load_balancers.values()
    rules = [r for balancer in balancers for listener in balancer.listeners.values() for r in listener.rules.values()]
    leading = [rule for rule in rules if groups & {arn for action in rule.actions for arn in groups_of(action)}]
    return next((host for rule in leading for host in hosts_of(rule.conditions or [])), "")


def _folder(stores: TaskStores, _: Service) -> None:
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


def _remember(site: str, host: str = "") -> None:
    STATE.extras["installed_sites"] = {**STATE.extras.get("installed_sites", {}), site: host}
