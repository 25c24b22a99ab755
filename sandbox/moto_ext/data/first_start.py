"""The first start of a site in a world that began empty: its schema is filled, and its folder.

WordPress' image copies itself into an empty folder, and a team's installer fills the schema. It happens once in a
world: a copy of a moment before that has no site, and gets none by a start (T54). WordPress keeps the host under which
it was installed, and its pages speak of that one: here it is the host of the rule that leads to the service.
"""

from __future__ import annotations

from contextlib import suppress

from moto.ecs.models import EC2ContainerServiceBackend, Service
from moto.elbv2.models import elbv2_backends

from sandbox.core.state import STATE, now
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.data.mounts import WRITE, may
from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores
from sandbox.moto_ext.data.tenant_pages import NAME_VARIABLE
from sandbox.moto_ext.ecs.service_tasks import tasks_of
from sandbox.moto_ext.ecs.tasks import RunningTask, alive
from sandbox.moto_ext.elbv2.rule_matching import groups_of, hosts_of
from sandbox.moto_ext.rds.changes import refuses_writes


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
