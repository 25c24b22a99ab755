"""RDS: an instance that is renamed, and a parameter group that lets its instances refuse writes.

The emulator renames at once and over another instance of that name, and forgets what refers to the old name. A rename
reboots, and leaves resource id, rows, replicas and replicated backups as they are (AWS: USER_RenameInstance). A dynamic
parameter holds once the instance is in sync with its group again (AWS: USER_WorkingWithParamGroups).
"""

from __future__ import annotations

from typing import Any

from moto.rds.exceptions import DBInstanceAlreadyExists
from moto.rds.models import DBInstance, RDSBackend, rds_backends

from dr_estate.model.engines import engine_of, is_on
from sandbox.core import truth
from sandbox.core.patching import refused, wrap, wrap_property
from sandbox.core.timing import begin, is_real, moving
from sandbox.moto_ext.rds.backups import replications
from sandbox.moto_ext.rds.deletion import unless_leaving
from sandbox.moto_ext.rds.rds import gib_of, require_capacity

FORMER = "former_read_only"
# The group that an instance runs with until it is rebooted.
_UNTIL_REBOOT = "group_until_reboot"


@wrap(RDSBackend, "modify_db_instance")
def _modify(original: Any, self: RDSBackend, db_instance_identifier: str, db_kwargs: Any) -> DBInstance:
    name = db_instance_identifier
    unless_leaving(self, name)
    if wanted := db_kwargs.get("db_instance_class"):
        # A change of class is a new host: it can lack capacity as a creation can.
        require_capacity(self, str(wanted))
    to = db_kwargs.get("new_db_instance_identifier")
    if not to or to == name:
        before = self.databases.get(name)
        was = (bool(before.multi_az), gib_of(before)) if before is not None else (False, 0.0)
        former = before.db_parameter_groups()[0].name if before is not None else ""
        changed: DBInstance = original(self, name, db_kwargs)
        if port := db_kwargs.get("db_port_number"):  # the emulator drops it
            changed.port = int(port)
        # Another group's parameters hold after a reboot (AWS: USER_WorkingWithParamGroups).
        if db_kwargs.get("db_parameter_group_name", former) != former:
            changed.__dict__.setdefault(_UNTIL_REBOOT, former)
        if is_real():
            begin(changed, "", _kind_of_change(was, changed), name, gib=gib_of(changed))
        return changed
    if to in self.databases:
        raise DBInstanceAlreadyExists
    standing = self.describe_db_instances(name)[0]
    # RDS renames an available instance only (RDS guide, renaming a DB instance).
    if standing.status != "available":
        raise refused("InvalidDBInstanceState", f"Instance {name} is {standing.status}: it cannot be renamed now.")
    former = standing.db_instance_arn
    renamed: DBInstance = original(self, name, db_kwargs)
    # After the rename: by then the ARN is the new one.
    _follow(self, former, name, renamed)
    begin(renamed, "renaming", "rds.rename", name)
    return renamed


def _kind_of_change(was: tuple[bool, float], changed: DBInstance) -> str:
    """The operation that turns an instance with ``was`` (Multi-AZ, GiB) into the changed one."""
    # Storage first: a change of both takes as long as the storage does.
    if gib_of(changed) > was[1]:
        return "rds.modify-storage"
    return "rds.modify-multi-az" if changed.multi_az and not was[0] else "rds.modify"


def _follow(backend: RDSBackend, former_arn: str, former: str, renamed: DBInstance) -> None:
    """Let what refers to the instance by its old name refer to the new one."""
    # Replicas and replicated backups are in other regions too.
    for region in list(rds_backends[backend.account_id]):
        there = rds_backends[backend.account_id][region]
        for other in there.databases.values():
            if other.source_db_instance_identifier == former_arn:
                other.source_db_instance_identifier = renamed.db_instance_arn
            elif region == backend.region_name and other.source_db_instance_identifier == former:
                other.source_db_instance_identifier = renamed.db_instance_identifier
            known = {former_arn: renamed.db_instance_arn}
            if region == backend.region_name:
                known[former] = renamed.db_instance_identifier
            other.replicas = [known.get(name, name) for name in other.replicas]
        for copy in replications(there).values():
            # Whether the identifier follows is not documented (T57): truth.json decides.
            if copy.resource_id == renamed.dbi_resource_id and truth.answer("rds.replicated-backup-follows-rename"):
                copy.source_arn, copy.identifier = renamed.db_instance_arn, renamed.db_instance_identifier


@wrap(RDSBackend, "reboot_db_instance")
def _reboot(original: Any, self: RDSBackend, db_instance_identifier: str) -> DBInstance:
    """From a reboot on the instance runs with the group that it was given."""
    instance: DBInstance = original(self, db_instance_identifier)
    instance.__dict__.pop(_UNTIL_REBOOT, None)
    return instance


@wrap(RDSBackend, "create_auto_snapshot")
def _first_snapshot(original: Any, self: RDSBackend, db_instance_identifier: str, db_snapshot_identifier: str) -> Any:
    """The snapshot of a new instance is called by its name and the minute: another may have had that name until now."""
    name = db_snapshot_identifier
    # moto names it by name and minute: a database that was renamed a moment ago has taken that name.
    if name in self.database_snapshots:
        name += f"-{self.databases[db_instance_identifier].dbi_resource_id[-6:].lower()}"
    return original(self, db_instance_identifier, name)


@wrap(RDSBackend, "modify_db_parameter_group")
def _modify_group(
    original: Any, self: RDSBackend, db_parameter_group_name: str, db_parameter_group_parameters: Any
) -> Any:
    name, changes = db_parameter_group_name, list(db_parameter_group_parameters)
    # AWS's own groups cannot be changed (RDS guide, DB parameter groups).
    if name.startswith("default."):
        raise refused("InvalidParameterValue", f"The parameter group {name} is AWS's own and cannot be modified.")
    group = self.db_parameter_groups.get(name)
    # What holds until the change has been applied.
    before = _read_only_value(group) if group is not None else ""
    changed = original(self, name, changes)
    if any(change.get("ParameterName") == engine_of(changed.family).read_only for change in changes):
        changed.__dict__[FORMER] = before
    # A static parameter waits for a reboot, which is not played.
    if any(change.get("ApplyMethod") != "pending-reboot" for change in changes):
        begin(changed, "applying", "rds.apply-parameters", name)
    return changed


def _read_only_value(group: Any) -> str:
    return str(group.parameters.get(engine_of(group.family).read_only, {}).get("ParameterValue") or "")


def _applying(group: Any) -> bool:
    return bool(moving(group))


@wrap_property(DBInstance, "db_parameter_group_status_list")
def _statuses(_original: Any, self: DBInstance) -> list[dict[str, str]]:
    as_is = "pending-reboot" if _UNTIL_REBOOT in self.__dict__ else "in-sync"
    return [
        {"DBParameterGroupName": group.name, "ParameterApplyStatus": "applying" if _applying(group) else as_is}
        for group in self.db_parameter_groups()
    ]


def refuses_writes(instance: DBInstance) -> str:
    """The parameter group by which the instance refuses writes at this moment, "" where it takes them."""
    former = instance.backend.db_parameter_groups.get(instance.__dict__.get(_UNTIL_REBOOT, ""))
    for group in [former] if former is not None else instance.db_parameter_groups():
        # The fence holds only once the group is in sync: a write before that still goes through.
        value = group.__dict__.get(FORMER, "") if _applying(group) else _read_only_value(group)
        if is_on(value):
            return str(group.name)
    return ""


@wrap(RDSBackend, "modify_db_subnet_group")
def _modify_subnets(original: Any, self: RDSBackend, *args: Any, **kwargs: Any) -> Any:
    """Leave the group where it is: the emulator loses one that it changes."""
    found = original(self, *args, **kwargs)
    self.subnet_groups[found.name] = found
    return found
