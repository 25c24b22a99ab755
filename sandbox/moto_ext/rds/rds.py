"""RDS instances and cross-region read replicas (AWS: USER_ReadRepl.XRgn, API_PromoteReadReplica; T22, T23).

The emulator copies the primary object as a replica (its zone, its resource id, no replication status, at once
available), promotes by a flag alone, and knows one resource id for all instances.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore import xform_name
from moto.rds.exceptions import DBInstanceAlreadyExists
from moto.rds.models import DBInstance, DBSnapshot, Event, RDSBackend
from moto.rds.utils import valid_preferred_maintenance_window

from sandbox.core import truth
from sandbox.core.patching import attach, attach_property, attribute, refused, wrap
from sandbox.core.state import broken_since, ill, replicated_until
from sandbox.core.timing import TimedStatus, begin, is_stopped, lag_s, to_the_second
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest
from sandbox.moto_ext.iam.role_access import said_to
from sandbox.moto_ext.rds.deletion import detach, sweep

# Transaction logs go to S3 every five minutes (RDS guide, point-in-time recovery).
LOG_UPLOAD_S = 300
# backing-up is not among them: RDS refuses a promotion then (T22).
_PROMOTABLE = ("available", "storage-initialization", "storage-optimization")
# No parameter group and no option group: a restore without a name takes the defaults (T56).
INHERITED = (
    "engine",
    "engine_version",
    "db_instance_class",
    "port",
    "allocated_storage",
    "storage_type",
    "storage_encrypted",
    "iops",
    "license_model",
    "master_username",
    "db_name",
    "copy_tags_to_snapshot",
    "auto_minor_version_upgrade",
    "preferred_backup_window",
    "preferred_maintenance_window",
    "backup_retention_period",
)

# RDS-EVENT-0006, which the emulator does not know.
_RESTARTED = "DB_INSTANCE_RESTART"
# RDS chooses the maintenance window of a replica itself: here one that the estate's own backup window overlaps.
OF_A_REPLICA = "mon:01:00-mon:01:30"


def log_upload_s() -> float:
    """How far automated backups trail the instance, in seconds."""
    return lag_s("log_upload_s", LOG_UPLOAD_S, "rds.upload-logs")


def facts_of(instance: DBInstance) -> dict[str, Any]:
    """What a replica or restored copy takes over from an instance, as arguments of the emulator's constructor."""
    return {name: getattr(instance, name) for name in INHERITED}


def gib_of(instance: DBInstance) -> float:
    """The storage of an instance, in GiB: what its operations take their time by."""
    return float(instance.allocated_storage or 0)


def create_copy(backend: RDSBackend, facts: Mapping[str, Any], params: Mapping[str, Any], how: str) -> DBInstance:
    """Create an instance of ``backend``'s own region from ``facts``, with what the caller asked for on top.

    ``how`` is the operation that it comes about by (``rds.restore-from-snapshot``).
    """
    wanted = {**facts, **{key: value for key, value in params.items() if value is not None}}
    # First: an instance that is gone by now must not hold its name.
    sweep(backend)
    require_option_group(backend, str(wanted.get("option_group_name") or ""), wanted)
    if wanted["db_instance_identifier"] in backend.databases:
        raise DBInstanceAlreadyExists
    instance = backend.create_db_instance(wanted)
    # Over the state that create_db_instance has begun: the operation is another, and takes another time.
    begin_creating(instance, how)
    return instance


def require_option_group(backend: RDSBackend, name: str, wanted: Mapping[str, Any]) -> None:
    """Refuse an option group that the region has not, or that is of another engine or major version."""
    if not name or name.startswith("default:"):
        return
    group = backend.option_groups.get(name)
    if group is None:
        raise refused("OptionGroupNotFoundFault", f"Specified OptionGroupName: {name} not found.")
    # With a dot: 8.0 must not fit 8.01.
    fits = f"{wanted['engine_version']}.".startswith(f"{group.major_engine_version}.")
    if group.engine_name != wanted["engine"] or not fits:
        message = f"The option group {name} is for {group.engine_name} {group.major_engine_version}."
        raise refused("InvalidParameterCombination", message)


def begin_creating(instance: DBInstance, how: str) -> None:
    """Let the instance be created, as the operation ``how`` does it."""
    begin(instance, "creating", how, instance.db_instance_identifier, gib=gib_of(instance))


def require_key(backend: RDSBackend, encrypted: bool, key: str | None) -> str | None:
    """The key of the destination region, which an encrypted copy from another region must name and be able to use.

    Raises KMSKeyNotAccessibleFault (T19).
    """
    if not encrypted:
        return None
    # The source's key is of another region: a copy cannot be encrypted with it (T19).
    if key is None:
        raise refused("KMSKeyNotAccessibleFault", "An encrypted copy in another region must name a key of that region.")
    arn = backend._validate_kms_key(key)
    found = backend.kms.keys[backend.kms.any_id_to_key_id(key)]
    if found.key_state != "Enabled":
        raise refused("KMSKeyNotAccessibleFault", f"The KMS key [{key}] is not enabled.")
    # RDS makes its grant in the caller's name: the key's policy must let the account do it.
    root = (f"arn:aws:iam::{backend.account_id}:root",)
    context = {"kms:ViaService": (f"rds.{backend.region_name}.amazonaws.com",)}
    for action in ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"):
        if said_to(found.policy, root, AccessRequest(action, found.arn, context)) != ALLOWED:
            raise refused(
                "KMSKeyNotAccessibleFault", f"The KMS key [{key}] cannot be used: its policy refuses {action}."
            )
    return arn


@wrap(DBInstance, "__init__")
def _own_resource_id(original: Any, self: DBInstance, *args: Any, **kwargs: Any) -> None:
    if kwargs.get("backup_retention_period", 1) is None:  # CloudFormation passes what a template leaves out
        del kwargs["backup_retention_period"]
    original(self, *args, **kwargs)
    # moto has one constant for all instances: backups and rows go by this id.
    self.dbi_resource_id = "db-" + base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=")


def require_capacity(backend: RDSBackend, instance_class: str) -> None:
    """Refuse a class of which an outage left the region none (RDS API, InsufficientDBInstanceCapacityFault)."""
    # InsufficientDBInstanceCapacity names the zone, and is answered for each zone here (T56).
    if any(o.detail in ("", instance_class) for o in ill(backend.region_name, "no-capacity", "rds")):
        message = "The specified DB instance class isn't available in the specified Availability Zone."
        raise refused("InsufficientDBInstanceCapacity", message)


@wrap(RDSBackend, "create_db_instance")
def _created_in_time(original: Any, self: RDSBackend, db_kwargs: Any) -> DBInstance:
    sweep(self)
    require_capacity(self, str(db_kwargs.get("db_instance_class") or ""))
    instance: DBInstance = original(self, db_kwargs)
    begin_creating(instance, "rds.create")
    return instance


@attach(RDSBackend)
def create_db_instance_read_replica(self: RDSBackend, db_kwargs: Any) -> DBInstance:
    """Create a replica with its own identity; the source must keep automated backups (InvalidDBInstanceState)."""
    params = {key: db_kwargs[key] for key in db_kwargs}
    source_id = db_kwargs["source_db_instance_identifier"]
    source = self.find_db_from_id(source_id)
    # A replica needs automated backups of its source (RDS guide, read replicas).
    if not source.backup_retention_period:
        raise refused("InvalidDBInstanceState", "Automated backups are not enabled for the source instance.")
    elsewhere = source.region != self.region_name
    if str(db_kwargs.get("storage_type")) in ("io1", "io2") and not db_kwargs.get("iops"):
        raise refused("InvalidParameterCombination", "You must specify Iops for this storage type.")
    # A replica keeps no backups of its own at first (API_CreateDBInstanceReadReplica).
    facts = facts_of(source) | {"backup_retention_period": truth.answer("rds.replica-retention-days")}
    facts |= {"preferred_backup_window": "05:00-05:30", "preferred_maintenance_window": OF_A_REPLICA}
    if elsewhere:
        facts["kms_key_id"] = require_key(self, source.storage_encrypted, db_kwargs.get("kms_key_id"))
        params.pop("kms_key_id", None)
    else:
        # In the same region it has the source's key and parameter group.
        facts |= {"kms_key_id": source.kms_key_id, "db_parameter_group_name": source.db_parameter_group_name}
    replica = create_copy(self, facts, plain(params), "rds.create-replica")
    replica.is_replica = True
    # An ARN across regions, a name within one: what DescribeDBInstances shows.
    replica.source_db_instance_identifier = source.db_instance_arn if elsewhere else source.db_instance_identifier
    source.add_replica(replica)
    return replica


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's parameters by the names the emulator's constructor knows, nothing twice."""
    return {xform_name(key): value for key, value in params.items()}


@attach(RDSBackend)
def promote_read_replica(self: RDSBackend, db_kwargs: Any) -> DBInstance:
    """Detach the replica on both sides and reboot it; irreversible, refused while it is backing up (T22)."""
    replica = self.describe_db_instances(db_kwargs["db_instance_identifier"])[0]
    if not replica.is_replica:
        raise refused("InvalidDBInstanceState", f"DB instance {replica.db_instance_identifier} is not a read replica.")
    if replica.status not in _PROMOTABLE:
        raise refused("InvalidDBInstanceState", f"DB instance is {replica.status}: promotion needs an available one.")
    window = db_kwargs.get("preferred_backup_window")
    # The backup window must not overlap the maintenance window (API_PromoteReadReplica).
    if wrong := window and valid_preferred_maintenance_window(replica.preferred_maintenance_window, window):
        raise refused("InvalidParameterValue", wrong)
    # While it is still a replica: what has arrived by now is all that it will have (T22).
    stored_data.settle_rows(replica)
    detach(self, replica)
    replica.is_replica = False
    replica.source_db_instance_identifier = None
    days = truth.answer("rds.promoted-retention-days")
    replica.backup_retention_period = db_kwargs.get("backup_retention_period", days)
    if window:
        replica.preferred_backup_window = window
    # Documented: the promotion reboots the instance.
    reboots = truth.answer("rds.promotion-reboots")
    if reboots:
        replica.add_event(_RESTARTED)
    word = "rebooting" if reboots else "modifying"
    begin(replica, word, "rds.promote", replica.db_instance_identifier, gib=gib_of(replica))
    return replica


@attach(DBInstance)
def remove_replica(self: DBInstance, replica: DBInstance) -> None:
    """Forget a replica, by whichever name the source knew it."""
    # moto files it by name, this module by ARN where the region differs.
    names = (replica.db_instance_identifier, replica.db_instance_arn)
    self.replicas = [name for name in self.replicas if name not in names]


@attach_property(DBInstance)
def status_infos(self: DBInstance) -> list[dict[str, Any]]:
    """Replication's health: replicating, or error once the source region went dark or the link broke.

    ``instance.__dict__["replication_state"]`` (stopped, error, terminated) lets a disaster say otherwise, and
    ``["replication_frozen_at"]`` since when.
    """
    if not self.is_replica or not self.source_db_instance_identifier:
        return []
    source = self.source_db_instance_identifier
    source_region = source.split(":")[3] if source.startswith("arn:") else self.region
    # The region of the source dark, or the link between the two broken.
    broken = is_stopped(source_region) or broken_since(self.region) is not None
    state = self.__dict__.get("replication_state") or ("error" if broken else "replicating")
    info = {"StatusType": "read replication", "Normal": state == "replicating", "Status": state}
    return [info if info["Normal"] else info | {"Message": f"Replication from {source} is not running."}]


@attach_property(DBInstance)
def latest_restorable_time(self: DBInstance) -> datetime | None:
    """Transaction logs reach S3 every five minutes (AWS: USER_PIT); none without automated backups."""
    if not self.backup_retention_period:
        return None
    return to_the_second(replicated_until(self.region, log_upload_s()))


@wrap(RDSBackend, "reboot_db_instance")
def _reboot(original: Any, self: RDSBackend, db_instance_identifier: str) -> DBInstance:
    instance: DBInstance = original(self, db_instance_identifier)
    # RDS reboots an available instance alone (API_RebootDBInstance).
    if instance.status != "available":
        raise refused("InvalidDBInstanceState", f"Instance {db_instance_identifier} is not in available state.")
    instance.add_event(_RESTARTED)
    begin(instance, "rebooting", "rds.reboot", db_instance_identifier)
    return instance


attribute(DBInstance, status=TimedStatus(), replication_state=None, replication_frozen_at=None)
attribute(DBSnapshot, status=TimedStatus())
Event.EVENT_MAP[_RESTARTED] = {"Categories": ["availability"], "Message": "DB instance restarted"}
