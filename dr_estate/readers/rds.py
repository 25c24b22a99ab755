"""RDS: instances, automated backups (replicated ones too), snapshots, read replicas' lag and free storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.reading.answers import At, read
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.reader import REGIONAL, ReadContext, part

SNAPSHOT_READS = frozenset({"rds:DescribeDBSnapshots"})


@dataclass(frozen=True, slots=True)
class Instance:
    """One DB instance. ``parameter_groups`` and ``option_groups`` are (name, apply status) pairs.

    ``source`` is what a read replica replicates from: an identifier, or an ARN where that is in another region.
    ``replication`` is the status of "read replication" (replicating, error, stopped ...), "" where AWS gives none.
    ``created_at`` is None until it was created; for a restored instance it is the time of the restore.
    ``security_groups`` are ids of this region; ``log_exports`` the logs that go to CloudWatch Logs. ``throughput`` is
    in MiB/s; ``becomes_multi_az`` is whether RDS is about to make, or makes, the second zone's copy.
    ``cluster`` is the DB cluster that it is a member of, "" for none. ``public``: it has an address of the internet.
    ``managed_secret`` is the ARN of the secret in which RDS keeps the master password and rotates it, "" for none.
    """

    identifier: Annotated[str, At("DBInstanceIdentifier", demanded=True)]
    arn: Annotated[str, At("DBInstanceArn", demanded=True)]
    resource_id: Annotated[str, At("DbiResourceId")]
    status: Annotated[str, At("DBInstanceStatus")]
    engine: Annotated[str, At("Engine", demanded=True)]
    engine_version: Annotated[str, At("EngineVersion")]
    instance_class: Annotated[str, At("DBInstanceClass", demanded=True)]
    license_model: Annotated[str, At("LicenseModel")]
    storage_gib: Annotated[int, At("AllocatedStorage")]
    storage_limit_gib: Annotated[int, At("MaxAllocatedStorage")]
    storage_type: Annotated[str, At("StorageType")]
    iops: Annotated[int, At("Iops")]
    encrypted: Annotated[bool, At("StorageEncrypted")]
    key_arn: Annotated[str, At("KmsKeyId")]
    multi_az: Annotated[bool, At("MultiAZ")]
    deletion_protection: Annotated[bool, At("DeletionProtection")]
    retention_days: Annotated[int, At("BackupRetentionPeriod")]
    latest_restorable: Annotated[datetime | None, At("LatestRestorableTime")]
    parameter_groups: tuple[tuple[str, str], ...]
    option_groups: tuple[tuple[str, str], ...]
    subnet_group: Annotated[str, At("DBSubnetGroup.DBSubnetGroupName")]
    vpc: Annotated[str, At("DBSubnetGroup.VpcId")]
    host: Annotated[str, At("Endpoint.Address")]
    source: Annotated[str, At("ReadReplicaSourceDBInstanceIdentifier")]
    replication: str
    replication_message: str
    created_at: Annotated[datetime | None, At("InstanceCreateTime")] = None
    tags: tuple[tuple[str, str], ...] = ()
    security_groups: tuple[str, ...] = ()
    log_exports: tuple[str, ...] = ()
    backup_window: Annotated[str, At("PreferredBackupWindow")] = ""
    auto_minor_upgrade: Annotated[bool, At("AutoMinorVersionUpgrade")] = False
    throughput: Annotated[int, At("StorageThroughput")] = 0
    iam_authentication: Annotated[bool, At("IAMDatabaseAuthenticationEnabled")] = False
    copy_tags: Annotated[bool, At("CopyTagsToSnapshot")] = False
    # MultiAZ says false until the second zone's copy is made, which takes hours for a large database.
    becomes_multi_az: Annotated[bool, At("PendingModifiedValues.MultiAZ")] = False
    maintenance_window: Annotated[str, At("PreferredMaintenanceWindow")] = ""
    master_user: Annotated[str, At("MasterUsername")] = ""
    managed_secret: Annotated[str, At("MasterUserSecret.SecretArn")] = ""
    cluster: Annotated[str, At("DBClusterIdentifier")] = ""
    port: Annotated[int, At("Endpoint.Port")] = 0
    public: Annotated[bool, At("PubliclyAccessible")] = False


@dataclass(frozen=True, slots=True)
class AutomatedBackup:
    """Automated backups kept in the region that was asked; ``source_region`` is the instance's own.

    ``earliest`` and ``latest`` are the restore window as this region knows it (T24), None while there is none.
    ``created_at`` is when the instance was created.
    """

    arn: Annotated[str, At("DBInstanceAutomatedBackupsArn")]
    instance_arn: Annotated[str, At("DBInstanceArn")]
    identifier: Annotated[str, At("DBInstanceIdentifier", demanded=True)]
    resource_id: Annotated[str, At("DbiResourceId")]
    source_region: Annotated[str, At("Region")]
    status: Annotated[str, At("Status")]
    earliest: Annotated[datetime | None, At("RestoreWindow.EarliestTime")]
    latest: Annotated[datetime | None, At("RestoreWindow.LatestTime")]
    retention_days: Annotated[int, At("BackupRetentionPeriod")]
    engine_version: Annotated[str, At("EngineVersion")]
    key_arn: Annotated[str, At("KmsKeyId")]
    storage_gib: Annotated[int, At("AllocatedStorage")] = 0
    created_at: Annotated[datetime | None, At("InstanceCreateTime")] = None
    master_user: Annotated[str, At("MasterUsername")] = ""


@dataclass(frozen=True, slots=True)
class DbSnapshot:
    """A snapshot of the database; ``kind`` is automated, manual, or awsbackup. ``source_arn`` is set on copies."""

    identifier: Annotated[str, At("DBSnapshotIdentifier", demanded=True)]
    kind: Annotated[str, At("SnapshotType")]
    status: Annotated[str, At("Status")]
    created_at: datetime | None
    engine_version: Annotated[str, At("EngineVersion")]
    key_arn: Annotated[str, At("KmsKeyId")]
    source_arn: Annotated[str, At("SourceDBSnapshotIdentifier")]
    resource_id: Annotated[str, At("DbiResourceId")] = ""
    master_user: Annotated[str, At("MasterUsername")] = ""


@part(*REGIONAL, reads=frozenset({"rds:DescribeDBInstances"}))
def instances(context: ReadContext) -> tuple[Instance, ...]:
    """All DB instances of the region, a hundred a page."""
    rows = context.pages("rds", "describe_db_instances", "DBInstances")
    return context.rows(rows, _instance, "DBInstanceIdentifier", context.env.names.database)


@part(Side.DR, reads=frozenset({"rds:DescribeDBInstanceAutomatedBackups"}))
def automated_backups(context: ReadContext) -> tuple[AutomatedBackup, ...]:
    """The automated backups kept in this region for the environment's database, wherever it runs.

    Asked without a name: with one, AWS answers an error where there is none.
    """
    names = {context.env.database_on(side) for side in REGIONAL}
    # Replicated backups are listed in the DR region, also while the primary is dark: what they reach is read here
    # (T24).
    rows = context.pages("rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups")
    ours = [row for row in rows if row.get("DBInstanceIdentifier") in names]
    return context.rows(ours, partial(read, AutomatedBackup), "DBInstanceIdentifier")


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
    infos = row.get("StatusInfos") or []
    replication: dict[str, Any] = next((i for i in infos if i.get("StatusType") == "read replication"), {})
    parameters, options = row.get("DBParameterGroups") or [], row.get("OptionGroupMemberships") or []
    guarding = row.get("VpcSecurityGroups") or []
    return read(
        Instance,
        row,
        parameter_groups=tuple((g["DBParameterGroupName"], g.get("ParameterApplyStatus") or "") for g in parameters),
        option_groups=tuple((g["OptionGroupName"], g.get("Status") or "") for g in options),
        replication=replication.get("Status") or "",
        replication_message=replication.get("Message") or "",
        tags=tuple(sorted((tag["Key"], tag.get("Value") or "") for tag in row.get("TagList") or [])),
        security_groups=tuple(sorted(group["VpcSecurityGroupId"] for group in guarding)),
        log_exports=tuple(sorted(row.get("EnabledCloudwatchLogsExports") or [])),
    )


def _snapshot(row: dict[str, Any]) -> DbSnapshot:
    # A copied snapshot has a new creation time of its own: the original one says how old the data is.
    return read(DbSnapshot, row, created_at=row.get("OriginalSnapshotCreateTime") or row.get("SnapshotCreateTime"))


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
