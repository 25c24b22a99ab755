"""What stands behind a tenant's running task: the database its definition names and the file system it mounts."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from moto.ecs.models import TaskDefinition
from moto.efs.models import EFSBackend, efs_backends
from moto.rds.models import DBInstance, rds_backends
from moto.route53.models import route53_backends

from dr_estate.model.engines import MARIADB, MYSQL, POSTGRES, engine_of
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.data.mounts import MOUNT, WRITE, may
from sandbox.moto_ext.ecs.task_network import NetworkPeer, TaskNetwork
from sandbox.moto_ext.ecs.tasks import containers_of
from sandbox.moto_ext.rds.changes import refuses_writes
from sandbox.moto_ext.route53.names import plain
from sandbox.moto_ext.route53.records import in_order

HOST_VARIABLE = "WORDPRESS_DB_HOST"
_READ = re.compile(r'(?:got\("|\$\{)(\w*DB_HOST)\b')
# RDS serves in these states: backups, changes and the optimization of storage close no connection.
OPEN = ("available", "backing-up", "modifying", "storage-optimization")
KINDS = ("rows", "files")
# A CNAME to a CNAME of the private zone, and one that comes back to its begin.
HOPS = 4
_REFUSED = {MYSQL: "MySQL: 1290", MARIADB: "MariaDB: 1290", POSTGRES: "PostgreSQL: 25006"}
"""How each engine says that it refuses a write: ER_OPTION_PREVENTS_STATEMENT, read_only_sql_transaction."""


def asked_host(script: str, variables: Mapping[str, str]) -> str:
    """The host that a script connects to: by the variable that it reads itself."""
    found = _READ.search(script)
    return variables.get(found[1], "").partition(":")[0] if found else ""


def server_uuid(instance: DBInstance) -> str:
    """What the server calls itself: another for each copy (MySQL, server_uuid)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(instance.dbi_resource_id)))


class StoreUnavailable(Exception):
    """A store cannot do what was requested. The message is the reason, which the site returns with 503.

    ``absent``: there is no such store in this region at all.
    """

    def __init__(self, reason: str, absent: bool = False) -> None:
        super().__init__(reason)
        self.absent = absent


class TaskStores:
    """The stores of one task definition in one region, as the task reaches them at this moment."""

    def __init__(
        self, account: str, region: str, definition: TaskDefinition, network: TaskNetwork | None = None
    ) -> None:
        """``network`` is the task's own end, None where no task asks."""
        self.account = account
        self.region = region
        self.definition = definition
        self.network = network

    def write(self, kind: str, row_id: str, tenant: str) -> stored_data.StoredRow:
        """Write a row or a file of the tenant. Raises StoreUnavailable where the store takes none."""
        if kind == "rows":
            instance = self.database()
            # A replica is read-only until its promotion (T22).
            if instance.is_replica:
                raise StoreUnavailable(f"{instance.db_instance_identifier} is a read replica and takes no writes.")
            # read_only in the parameter group is how a run fences a database.
            if group := refuses_writes(instance):
                name = instance.db_instance_identifier
                engine = engine_of(instance.engine)
                raise StoreUnavailable(
                    f"{name} is read-only: its parameter group {group} sets {engine.read_only} ({_REFUSED[engine]})."
                )
            return stored_data.write_row(instance, row_id, tenant)
        backend, name = self.file_system()
        # A destination of a replication is read-only (T27).
        if stored_data.incoming(backend, name) is not None:
            raise StoreUnavailable(f"{name} is the destination of a replication and read-only.")
        if not may(backend, backend.file_systems_by_id[name], self.definition, WRITE):
            raise StoreUnavailable(f"{name} is read-only: its file system policy refuses to write.")
        return stored_data.write_file(backend, name, row_id, tenant)

    def ids(self, kind: str, tenant: str) -> list[str]:
        """The ids of the tenant's rows or files, in the order of writing. Raises StoreUnavailable."""
        rows = stored_data.rows_of(self.database()) if kind == "rows" else stored_data.files_of(*self.file_system())
        return [row.id for row in rows if row.tenant == tenant and not row.id.startswith(stored_data.OWN)]

    def database(self) -> DBInstance:
        """The instance that WORDPRESS_DB_HOST leads to. Raises StoreUnavailable: none here, or not available."""
        return self.database_at(self._database_host())

    def database_at(self, host: str) -> DBInstance:
        """The instance that ``host`` leads to, as this region resolves it. Raises StoreUnavailable as above."""
        for name in self._names_of(plain(host)):
            for instance in list(rds_backends[self.account][self.region].databases.values()):
                if plain(instance.address) == name:
                    # A database that reboots, restores or is renamed has no open connection.
                    if instance.status not in OPEN:
                        raise StoreUnavailable(f"{instance.db_instance_identifier} is {instance.status}.")
                    self.require_way(instance)
                    return instance
        raise StoreUnavailable(f"{host} leads to no database of {self.region}.", absent=True)

    def require_way(self, instance: DBInstance) -> None:
        """Raise StoreUnavailable where the task's connection to the instance does not arrive."""
        groups, placed = tuple(instance.vpc_security_group_ids or ()), vars(instance).get("db_subnet_group")
        # A world of plain boto3 has no VPC with routes: the way is not judged.
        if self.network is None or not self.network.is_modelled or placed is None:
            return
        if not (self.network.resolves() and self.network.finds_host(plain(instance.address))):
            raise StoreUnavailable(f"{instance.address} is not resolved in the VPC.")
        port = int(instance.port or engine_of(instance.engine).port)
        # Each subnet of the group: after a failover of Multi-AZ the instance may stand in any of them.
        for row in placed.subnets:
            subnet = str(row["SubnetIdentifier"])
            peer = NetworkPeer(self.network.cidr_of(subnet), groups, subnet)
            if not self.network.is_beside(subnet) or not self.network.passes(peer, port):
                raise StoreUnavailable(
                    f"{instance.db_instance_identifier} is not reached: connection timed out (2002)."
                )

    def variable(self, name: str) -> str:
        """The value of the first container's variable of this name, "" where no container has it."""
        return next(
            (
                str(variable["value"])
                for container in containers_of(self.definition)
                for variable in container.get("environment") or ()
                if variable["name"] == name
            ),
            "",
        )

    def _database_host(self) -> str:
        if host := self.variable(HOST_VARIABLE):
            return plain(host.partition(":")[0])
        raise StoreUnavailable(f"The task definition {self.definition.family} names no {HOST_VARIABLE}.")

    def _names_of(self, host: str) -> Iterator[str]:
        """The name itself, then what the private zones of this region's network make of it."""
        for _ in range(HOPS):
            yield host
            following = self._alias(host)
            if following is None:
                return
            host = following

    def _alias(self, host: str) -> str | None:
        for zone in route53_backends[self.account]["aws"].zones.values():
            # A private zone is seen by the VPCs that it is associated with: each region's has its own.
            if zone.private_zone and any(vpc["vpc_region"] == self.region for vpc in zone.vpcs):
                for record in in_order(zone):
                    if plain(record["Name"]) == host and record["Type"] == "CNAME":
                        return plain(record["ResourceRecords"][0]["Value"])
        return None

    def file_system(self) -> tuple[EFSBackend, str]:
        """The region's EFS backend and the id of the file system that is mounted. Raises StoreUnavailable."""
        backend: EFSBackend = efs_backends[self.account][self.region]
        name = str(self.volume().get("fileSystemId") or "")
        if not name:
            raise StoreUnavailable(f"The task definition {self.definition.family} mounts no file system.")
        found = backend.file_systems_by_id.get(name)
        if found is None or found.life_cycle_state != "available":
            raise StoreUnavailable(f"{self.region} has no available file system {name}.")
        # Without a mount target nothing reaches a file system.
        if not found.number_of_mount_targets:
            raise StoreUnavailable(f"{name} has no mount target: the task cannot mount it.")
        if not may(backend, found, self.definition, MOUNT):
            raise StoreUnavailable(f"{name} cannot be mounted: its file system policy refuses it.")
        return backend, name

    def folder(self) -> str:
        """The path that the task's access point leads to, "/" without one. Raises StoreUnavailable where it is gone."""
        backend, name = self.file_system()
        wanted = (self.volume().get("authorizationConfig") or {}).get("accessPointId")
        if not wanted:
            return "/"
        point = backend.access_points.get(wanted)
        if point is None or point.file_system_id != name:
            raise StoreUnavailable(f"{name} has no access point {wanted}.", absent=True)
        return str(point.root_directory["Path"])

    def volume(self) -> dict[str, Any]:
        """The definition's mount of a file system; empty where it mounts none."""
        volumes: list[dict[str, Any]] = self.definition.volumes or []
        return next((dict(mount) for volume in volumes if (mount := volume.get("efsVolumeConfiguration"))), {})
