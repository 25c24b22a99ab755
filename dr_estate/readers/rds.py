"""RDS: instances, automated backups (replicated ones too), snapshots, read replicas' lag and free storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

INSTANCE_READS = frozenset({"rds:DescribeDBInstances"})
AUTOMATED_BACKUP_READS = frozenset({"rds:DescribeDBInstanceAutomatedBackups"})
SNAPSHOT_READS = frozenset({"rds:DescribeDBSnapshots"})


@dataclass(frozen=True, slots=True)
class Instance:
    """One DB instance. ``parameter_groups`` and ``option_groups`` are (name, apply status) pairs.

    ``source`` is what a read replica replicates from: an identifier, or an ARN where that is in another region.
    ``replication`` is the status of "read replication" (replicating, error, stopped ...), "" where AWS gives none.
    ``created_at`` is None until it was created; for a restored instance it is the time of the restore.
    ``security_groups`` are ids of this region; ``log_exports`` the logs that go to CloudWatch Logs. ``throughput`` is
    in MiB/s; ``becomes_multi_az`` is whether RDS is about to make, or makes, the second zone's copy.
    ``cluster`` is the DB cluster that it is a member of, "" for none.
    ``managed_secret`` is the ARN of the secret in which RDS keeps the master password and rotates it, "" for none.
    """

    identifier: str
    arn: str
    resource_id: str
    status: str
    engine: str
    engine_version: str
    instance_class: str
    license_model: str
    storage_gib: int
    storage_limit_gib: int
    storage_type: str
    iops: int
    encrypted: bool
    key_arn: str
    multi_az: bool
    deletion_protection: bool
    retention_days: int
    latest_restorable: datetime | None
    parameter_groups: tuple[tuple[str, str], ...]
    option_groups: tuple[tuple[str, str], ...]
    subnet_group: str
    vpc: str
    host: str
    source: str
    replication: str
    replication_message: str
    created_at: datetime | None = None
    tags: tuple[tuple[str, str], ...] = ()
    security_groups: tuple[str, ...] = ()
    log_exports: tuple[str, ...] = ()
    backup_window: str = ""
    auto_minor_upgrade: bool = False
    throughput: int = 0
    iam_authentication: bool = False
    copy_tags: bool = False
    becomes_multi_az: bool = False
    maintenance_window: str = ""
    master_user: str = ""
    managed_secret: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class AutomatedBackup:
    """Automated backups kept in the region that was asked; ``source_region`` is the instance's own.

    ``earliest`` and ``latest`` are the restore window as this region knows it (T24), None while there is none.
    ``created_at`` is when the instance was created.
    """

    arn: str
    instance_arn: str
    identifier: str
    resource_id: str
    source_region: str
    status: str
    earliest: datetime | None
    latest: datetime | None
    retention_days: int
    engine_version: str
    key_arn: str
    storage_gib: int = 0
    created_at: datetime | None = None
    master_user: str = ""


@dataclass(frozen=True, slots=True)
class DbSnapshot:
    """A snapshot of the database; ``kind`` is automated, manual, or awsbackup. ``source_arn`` is set on copies."""

    identifier: str
    kind: str
    status: str
    created_at: datetime | None
    engine_version: str
    key_arn: str
    source_arn: str
    resource_id: str = ""
    master_user: str = ""


@part(*REGIONAL, reads=INSTANCE_READS)
def instances(context: ReadContext) -> tuple[Instance, ...]:
    """All DB instances of the region, a hundred a page."""
    rows = context.pages("rds", "describe_db_instances", "DBInstances")
    return context.rows(rows, _instance, "DBInstanceIdentifier", context.env.names.database)


@part(Side.DR, reads=AUTOMATED_BACKUP_READS)
def automated_backups(context: ReadContext) -> tuple[AutomatedBackup, ...]:
    """The automated backups kept in this region for the environment's database, wherever it runs.

    Asked without a name: with one, AWS answers an error where there is none.
    """
    names = {context.env.database_on(side) for side in REGIONAL}
    # Replicated backups are listed in the DR region, also while the primary is dark: what they reach is read here
    # (T24).
    rows = context.pages("rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups")
    ours = [row for row in rows if row.get("DBInstanceIdentifier") in names]
    return context.rows(ours, _automated_backup, "DBInstanceIdentifier")


@part(Side.DR, reads=SNAPSHOT_READS)
def snapshots(context: ReadContext) -> tuple[DbSnapshot, ...]:
    """The snapshots of the primary region's database in this region, those that AWS Backup made too."""
    name = context.env.database_on(Side.PRIMARY)
    rows = context.pages("rds", "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=name)
    return context.rows(rows, _snapshot, "DBSnapshotIdentifier")


@part(*REGIONAL, reads=SNAPSHOT_READS)
def manual_snapshots(context: ReadContext) -> tuple[DbSnapshot, ...]:
    """The manual snapshots of the region, of which an account has 100 at most unless it asked AWS for more.

    A failback makes one where no vault is named: none where one is, or without a database, for then nobody asks.
    Source: RDS User Guide, "Quotas in Amazon RDS".
    """
    names = context.env.names
    vault = names.primary_vault if context.side is Side.PRIMARY else names.dr_vault
    if vault or not context.env.database_on(context.side):
        return ()
    rows = context.pages("rds", "describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
    return context.rows(rows, _snapshot, "DBSnapshotIdentifier")


def _instance(row: dict[str, Any]) -> Instance:
    subnets = row.get("DBSubnetGroup") or {}
    infos = row.get("StatusInfos") or []
    replication: dict[str, Any] = next((i for i in infos if i.get("StatusType") == "read replication"), {})
    parameters, options = row.get("DBParameterGroups") or [], row.get("OptionGroupMemberships") or []
    guarding = row.get("VpcSecurityGroups") or []
    return Instance(
        identifier=row["DBInstanceIdentifier"],
        arn=row["DBInstanceArn"],
        resource_id=row.get("DbiResourceId") or "",
        status=row.get("DBInstanceStatus") or "",
        engine=row["Engine"],
        engine_version=row.get("EngineVersion") or "",
        instance_class=row["DBInstanceClass"],
        license_model=row.get("LicenseModel") or "",
        storage_gib=row.get("AllocatedStorage") or 0,
        storage_limit_gib=row.get("MaxAllocatedStorage") or 0,
        storage_type=row.get("StorageType") or "",
        iops=row.get("Iops") or 0,
        encrypted=bool(row.get("StorageEncrypted")),
        key_arn=row.get("KmsKeyId") or "",
        multi_az=bool(row.get("MultiAZ")),
        deletion_protection=bool(row.get("DeletionProtection")),
        retention_days=row.get("BackupRetentionPeriod") or 0,
        latest_restorable=row.get("LatestRestorableTime"),
        parameter_groups=tuple((g["DBParameterGroupName"], g.get("ParameterApplyStatus") or "") for g in parameters),
        option_groups=tuple((g["OptionGroupName"], g.get("Status") or "") for g in options),
        subnet_group=subnets.get("DBSubnetGroupName") or "",
        vpc=subnets.get("VpcId") or "",
        host=(row.get("Endpoint") or {}).get("Address") or "",
        source=row.get("ReadReplicaSourceDBInstanceIdentifier") or "",
        replication=replication.get("Status") or "",
        replication_message=replication.get("Message") or "",
        created_at=row.get("InstanceCreateTime"),
        tags=tuple(sorted((tag["Key"], tag.get("Value") or "") for tag in row.get("TagList") or [])),
        security_groups=tuple(sorted(group["VpcSecurityGroupId"] for group in guarding)),
        log_exports=tuple(sorted(row.get("EnabledCloudwatchLogsExports") or [])),
        backup_window=row.get("PreferredBackupWindow") or "",
        **_newer_facts(row),
    )


def _newer_facts(row: dict[str, Any]) -> dict[str, Any]:
    """The fields that saved evidence may lack."""
    return {
        "auto_minor_upgrade": bool(row.get("AutoMinorVersionUpgrade")),
        "throughput": row.get("StorageThroughput") or 0,
        "iam_authentication": bool(row.get("IAMDatabaseAuthenticationEnabled")),
        "copy_tags": bool(row.get("CopyTagsToSnapshot")),
        "maintenance_window": row.get("PreferredMaintenanceWindow") or "",
        "master_user": row.get("MasterUsername") or "",
        "cluster": row.get("DBClusterIdentifier") or "",
        "managed_secret": (row.get("MasterUserSecret") or {}).get("SecretArn") or "",
        # MultiAZ says false until the second zone's copy is made, which takes hours for a large database.
        "becomes_multi_az": bool((row.get("PendingModifiedValues") or {}).get("MultiAZ")),
    }


def _automated_backup(row: dict[str, Any]) -> AutomatedBackup:
    window = row.get("RestoreWindow") or {}
    return AutomatedBackup(
        arn=row.get("DBInstanceAutomatedBackupsArn") or "",
        instance_arn=row.get("DBInstanceArn") or "",
        identifier=row["DBInstanceIdentifier"],
        resource_id=row.get("DbiResourceId") or "",
        source_region=row.get("Region") or "",
        status=row.get("Status") or "",
        earliest=window.get("EarliestTime"),
        latest=window.get("LatestTime"),
        retention_days=row.get("BackupRetentionPeriod") or 0,
        engine_version=row.get("EngineVersion") or "",
        key_arn=row.get("KmsKeyId") or "",
        storage_gib=row.get("AllocatedStorage") or 0,
        created_at=row.get("InstanceCreateTime"),
        master_user=row.get("MasterUsername") or "",
    )


def _snapshot(row: dict[str, Any]) -> DbSnapshot:
    return DbSnapshot(
        identifier=row["DBSnapshotIdentifier"],
        kind=row.get("SnapshotType") or "",
        status=row.get("Status") or "",
        # A copied snapshot has a new creation time of its own: the original one says how old the data is.
        created_at=row.get("OriginalSnapshotCreateTime") or row.get("SnapshotCreateTime"),
        engine_version=row.get("EngineVersion") or "",
        key_arn=row.get("KmsKeyId") or "",
        source_arn=row.get("SourceDBSnapshotIdentifier") or "",
        resource_id=row.get("DbiResourceId") or "",
        master_user=row.get("MasterUsername") or "",
    )


# Free storage of the primary database.

_STORAGE_WINDOW_MINUTES = 60


@part(Side.PRIMARY, reads=METRIC_READS)
def free_space(context: ReadContext) -> tuple[Reading, ...]:
    """FreeStorageSpace (bytes, the least of each minute) of the environment's database. Source: RDS User Guide."""
    name = context.env.named(context.env.names.database)
    if not name:
        return ()
    dimensions = (("DBInstanceIdentifier", name),)
    return read_metrics(
        context, [MetricQuery("AWS/RDS", "FreeStorageSpace", dimensions, "Minimum", _STORAGE_WINDOW_MINUTES)]
    )


# RDS read replicas and their ReplicaLag; in the primary region only during a failback.

DIMENSION = "DBInstanceIdentifier"
# Long enough to find the last value before a metric stopped: its age shows that replication broke (T23).
_LAG_WINDOW_MINUTES = 180


@part(*REGIONAL, reads=METRIC_READS)
def lags(context: ReadContext) -> tuple[Reading, ...]:
    """ReplicaLag of every read replica of this region, in seconds; -1 means that replication does not run.

    No call where there is no replica. Source: RDS User Guide, Monitoring read replication.
    """
    names = [instance.identifier for instance in context.part(instances) if instance.source]
    wanted = [
        MetricQuery("AWS/RDS", "ReplicaLag", ((DIMENSION, name),), "Average", _LAG_WINDOW_MINUTES) for name in names
    ]
    return read_metrics(context, wanted)
