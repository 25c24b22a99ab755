"""RDS automated backups: those of the own region, and their replication to another (AWS: USER_ReplicateBackups; T24).

``backend.__dict__["automated_backup_replications"]`` of the DR region maps a backup's ARN to its
:class:`ReplicatedBackup`. A disaster may set ``frozen_at`` there: the restore window then ends at that moment.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.rds.models import DBInstance, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from sandbox.core import truth
from sandbox.core.patching import attach_property, operation, refused, state, wrap
from sandbox.core.state import now, replicated_until
from sandbox.core.timing import soon, to_the_second
from sandbox.moto_ext.rds.rds import facts_of, gib_of, log_upload_s, require_key

# Cross-region automated backups an account by default (T24).
QUOTA = 20


@dataclass
class ReplicatedBackup:
    """Automated backups of one instance, kept in another region. ``facts`` rebuild the instance when it is gone."""

    arn: str
    source_arn: str
    identifier: str
    resource_id: str
    retention_days: int
    kms_key_id: str | None
    facts: dict[str, Any]
    created_at: datetime
    replicating_from: datetime
    frozen_at: datetime | None = None

    @property
    def status(self) -> str:
        """The word for it."""
        return "replicating" if now() >= self.replicating_from else "pending"

    @property
    def source_region(self) -> str:
        """The region the backups come from."""
        return self.source_arn.split(":")[3]

    def latest(self) -> datetime:
        """The newest restorable time in this region: about five minutes behind the source, still when it is dark."""
        # RDS uploads transaction logs every five minutes (RDS guide, point-in-time recovery).
        reached = replicated_until(self.source_region, log_upload_s())
        return to_the_second(min(reached, self.frozen_at) if self.frozen_at else reached)

    def describe(self) -> dict[str, Any]:
        """As DescribeDBInstanceAutomatedBackups answers."""
        latest = self.latest()
        window = {"EarliestTime": latest - timedelta(days=self.retention_days), "LatestTime": latest}
        # default:mysql-8-0, the option group that the source's engine has by default.
        major = "-".join(str(self.facts["engine_version"]).split(".")[:2])
        return _common(self.facts) | {
            "OptionGroupName": f"default:{self.facts['engine']}-{major}",
            "DBInstanceArn": self.source_arn,
            "DBInstanceIdentifier": self.identifier,
            "DbiResourceId": self.resource_id,
            "Region": self.source_region,
            "InstanceCreateTime": self.created_at,
            # Nothing can be restored before the first snapshot has arrived.
            "RestoreWindow": None if self.status == "pending" else window,
            "Status": self.status,
            "KmsKeyId": self.kms_key_id,
            "BackupRetentionPeriod": self.retention_days,
            "DBInstanceAutomatedBackupsArn": self.arn,
        }


class RetainedBackup(ReplicatedBackup):
    """Automated backups that outlive their instance, in its own region, until the last of them is too old (T24)."""

    status = "retained"


def retained_backups(backend: RDSBackend) -> dict[str, RetainedBackup]:
    """The backups kept of instances that are gone; those of an instance that is still being deleted are its own."""
    backups: dict[str, RetainedBackup] = state(backend, "retained_automated_backups")
    for arn, backup in list(backups.items()):
        # Each of them expires; the whole is gone with the last.
        if backup.latest() < now() - timedelta(days=backup.retention_days):
            del backups[arn]
    # By resource id: another instance may bear the name by now.
    there = {instance.dbi_resource_id for instance in backend.databases.values()}
    return {arn: backup for arn, backup in backups.items() if backup.resource_id not in there}


@wrap(RDSResponse, "delete_db_instance")
def _retain(original: Any, self: RDSResponse) -> Any:
    answer = original(self)
    gone = answer.result["DBInstance"]
    # RDS deletes automated backups with the instance unless this is false (API_DeleteDBInstance).
    if self.params.get("DeleteAutomatedBackups") is False and gone.backup_retention_period:
        arn = _arn_of(gone)
        state(self.backend, "retained_automated_backups")[arn] = RetainedBackup(
            arn=arn,
            source_arn=gone.db_instance_arn,
            identifier=gone.db_instance_identifier,
            resource_id=gone.dbi_resource_id,
            retention_days=gone.backup_retention_period,
            kms_key_id=gone.kms_key_id,
            facts=facts_of(gone),
            created_at=gone.instance_create_time,
            replicating_from=now(),
            # Nothing is added to it: the window's end stands still.
            frozen_at=replicated_until(gone.region, log_upload_s()),
        )
    return answer


@operation(RDSResponse, "delete_db_instance_automated_backup")
def _delete(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    names = {params.get("DbiResourceId"), params.get("DBInstanceAutomatedBackupsArn")}
    found = [copy for copy in retained_backups(response.backend).values() if names & {copy.resource_id, copy.arn}]
    if not found:
        raise refused("DBInstanceAutomatedBackupNotFound", "No retained automated backup is called so.")
    del state(response.backend, "retained_automated_backups")[found[0].arn]
    return {"DBInstanceAutomatedBackup": found[0].describe() | {"Status": "deleting"}}


def replications(backend: RDSBackend) -> dict[str, ReplicatedBackup]:
    """What is replicated to this region. A source that switched its backups off (retention 0) ends it (T24)."""
    replicated_backups: dict[str, ReplicatedBackup] = state(backend, "automated_backup_replications")
    ending = truth.answer("rds.retention-zero-ends-replicated-backup")
    for arn, copy in list(replicated_backups.items()) if ending else ():
        sources = rds_backends[backend.account_id][copy.source_region].databases.values()
        source = next((database for database in sources if database.dbi_resource_id == copy.resource_id), None)
        if source is not None and source.backup_retention_period == 0:
            del replicated_backups[arn]
    return replicated_backups


def _common(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Engine": facts["engine"],
        "EngineVersion": facts["engine_version"],
        "AllocatedStorage": facts["allocated_storage"],
        "StorageType": facts["storage_type"],
        "Port": facts["port"],
        "MasterUsername": facts["master_username"],
        "LicenseModel": facts["license_model"],
        "Encrypted": facts["storage_encrypted"],
        "IAMDatabaseAuthenticationEnabled": False,
    }


def _arn_of(instance: DBInstance) -> str:
    name = instance.dbi_resource_id.replace("db-", "ab-").lower()
    return f"arn:aws:rds:{instance.region}:{instance.account_id}:auto-backup:{name}"


def _own_backup(instance: DBInstance) -> dict[str, Any]:
    latest = to_the_second(replicated_until(instance.region, log_upload_s()))
    return _common(facts_of(instance)) | {
        "DBInstanceArn": instance.db_instance_arn,
        "DBInstanceIdentifier": instance.db_instance_identifier,
        "DbiResourceId": instance.dbi_resource_id,
        "Region": instance.region,
        "InstanceCreateTime": instance.instance_create_time,
        "RestoreWindow": {
            "EarliestTime": latest - timedelta(days=instance.backup_retention_period),
            "LatestTime": latest,
        },
        "Status": "active",
        "AvailabilityZone": instance.availability_zone,
        "KmsKeyId": instance.kms_key_id,
        "BackupRetentionPeriod": instance.backup_retention_period,
        "PreferredBackupWindow": instance.preferred_backup_window,
        "OptionGroupName": instance.option_group_name,
        "DBInstanceAutomatedBackupsArn": _arn_of(instance),
        "DBInstanceAutomatedBackupsReplications": db_instance_automated_backups_replications(instance),
    }


@attach_property(DBInstance)
def db_instance_automated_backups_replications(self: DBInstance) -> list[dict[str, str]]:
    """Where this instance's automated backups are replicated to."""
    return [
        {"DBInstanceAutomatedBackupsArn": copy.arn}
        for backend in list(rds_backends[self.account_id].values())
        for copy in replications(backend).values()
        if copy.source_arn == self.db_instance_arn
    ]


def _source(backend: RDSBackend, arn: str) -> DBInstance:
    *_, region, _account, _kind, identifier = arn.split(":")
    # A backup is replicated from another region only (API_StartDBInstanceAutomatedBackupsReplication).
    if region == backend.region_name:
        raise refused("InvalidParameterValue", "Automated backups are replicated to another region than their own.")
    instance: DBInstance = rds_backends[backend.account_id][region].describe_db_instances(identifier)[0]
    if not instance.backup_retention_period:
        raise refused("InvalidDBInstanceState", "Automated backups are not enabled for the source instance.")
    return instance


@operation(RDSResponse, "start_db_instance_automated_backups_replication")
def _start(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    backend = response.backend
    replicated_backups = replications(backend)
    source = _source(backend, params["SourceDBInstanceArn"])
    if any(copy.source_arn == source.db_instance_arn for copy in replicated_backups.values()):
        raise refused("InvalidDBInstanceState", "Automated backups of this instance are already replicated here.")
    if len(replicated_backups) >= QUOTA:
        raise refused("DBInstanceAutomatedBackupQuotaExceeded", f"At most {QUOTA} replicated backups in a region.")
    name = "ab-" + base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower()
    copy = ReplicatedBackup(
        arn=f"arn:aws:rds:{backend.region_name}:{backend.account_id}:auto-backup:{name}",
        source_arn=source.db_instance_arn,
        identifier=source.db_instance_identifier,
        resource_id=source.dbi_resource_id,
        # The default of the API.
        retention_days=params.get("BackupRetentionPeriod") or 7,
        # An encrypted source needs a key of the region that keeps the backup.
        kms_key_id=require_key(backend, source.storage_encrypted, params.get("KmsKeyId")),
        facts=facts_of(source),
        created_at=source.instance_create_time,
        replicating_from=soon("rds.replicate-backups", source.db_instance_identifier, gib=gib_of(source)),
    )
    replicated_backups[copy.arn] = copy
    return {"DBInstanceAutomatedBackup": copy.describe()}


@operation(RDSResponse, "stop_db_instance_automated_backups_replication")
def _stop(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    replicated_backups = replications(response.backend)
    found = [copy for copy in replicated_backups.values() if copy.source_arn == params["SourceDBInstanceArn"]]
    if not found:
        raise refused("DBInstanceNotFound", f"No automated backups of {params['SourceDBInstanceArn']} are kept here.")
    return {"DBInstanceAutomatedBackup": replicated_backups.pop(found[0].arn).describe()}


@operation(RDSResponse, "describe_db_instance_automated_backups")
def _describe(response: RDSResponse, params: Mapping[str, Any]) -> dict[str, Any]:
    backend = response.backend
    # An instance with retention 0 has no automated backup.
    every = [_own_backup(instance) for instance in backend.databases.values() if instance.backup_retention_period]
    every += [copy.describe() for copy in (*retained_backups(backend).values(), *replications(backend).values())]
    identifiers = ("DBInstanceIdentifier", "DbiResourceId", "DBInstanceAutomatedBackupsArn")
    wanted = {name: [params[name]] for name in identifiers if params.get(name)}
    names = {"status": "Status", "db-instance-id": "DBInstanceIdentifier", "dbi-resource-id": "DbiResourceId"}
    wanted |= {
        names[query_filter["Name"]]: query_filter["Values"]
        for query_filter in params.get("Filters") or []
        if query_filter["Name"] in names
    }
    found = [backup for backup in every if all(backup.get(name) in values for name, values in wanted.items())]
    if not found and params.get("DBInstanceAutomatedBackupsArn"):
        raise refused("DBInstanceAutomatedBackupNotFound", "No automated backup has this ARN.")
    return {"DBInstanceAutomatedBackups": found}
