"""A healthy database and its copies as plain values, for the examples of the database and backup checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.config.settings import ReplicationSettings
from dr_estate.readers import backup, ecs, kms, rds, rds_groups, vpc
from dr_estate.reading.cloudwatch_metrics import Reading
from dr_estate.reading.reader import Reader
from tests.dr_checks.worlds import NOW, SIT

HOME, AWAY, ACCOUNT = SIT.regions.primary, SIT.regions.dr, SIT.account
NAME = "sit-mysql"
ARN = f"arn:aws:rds:{HOME}:{ACCOUNT}:db:{NAME}"
KEY = f"arn:aws:kms:{AWAY}:{ACCOUNT}:key/1"
Rows = dict[tuple[Reader[Any], Side], Any]

PRIMARY = rds.Instance(
    identifier=NAME,
    arn=ARN,
    resource_id="db-ONE",
    status="available",
    engine="mysql",
    engine_version="8.0.40",
    instance_class="db.r6g.large",
    license_model="general-public-license",
    storage_gib=200,
    storage_limit_gib=500,
    storage_type="gp3",
    iops=3000,
    encrypted=True,
    key_arn=f"arn:aws:kms:{HOME}:{ACCOUNT}:key/0",
    multi_az=True,
    deletion_protection=True,
    retention_days=7,
    latest_restorable=NOW - timedelta(minutes=5),
    parameter_groups=(("sit-mysql-params", "in-sync"),),
    option_groups=(("sit-mysql-options", "in-sync"),),
    subnet_group="sit-db-subnet-group",
    vpc="vpc-1",
    host=f"{NAME}.x.{HOME}.rds.amazonaws.com",
    source="",
    replication="",
    replication_message="",
    port=3306,
)
REPLICATED = rds.AutomatedBackup(
    arn=f"arn:aws:rds:{AWAY}:{ACCOUNT}:auto-backup:ab-1",
    instance_arn=ARN,
    identifier=NAME,
    resource_id="db-ONE",
    source_region=HOME,
    status="replicating",
    earliest=NOW - timedelta(days=7),
    latest=NOW - timedelta(minutes=7),
    retention_days=7,
    engine_version="8.0.40",
    key_arn=KEY,
)
REPLICA = replace(
    PRIMARY,
    arn=ARN.replace(HOME, AWAY),
    resource_id="db-TWO",
    key_arn=KEY,
    source=ARN,
    replication="replicating",
)
LAG = Reading("ReplicaLag", (("DBInstanceIdentifier", NAME),), 4.0, NOW - timedelta(minutes=1), 60.0)
SILENT = Reading("ReplicaLag", (("DBInstanceIdentifier", NAME),), None, None, 0.0)
ENABLED = kms.CopyKey(KEY, AWAY, "Enabled", None)
COPY = backup.RecoveryPoint(
    arn=f"arn:aws:rds:{AWAY}:{ACCOUNT}:snapshot:awsbackup:copyjob-1",
    resource_arn=ARN,
    resource_type="RDS",
    status="COMPLETED",
    created_at=NOW - timedelta(minutes=50),
    completed_at=NOW - timedelta(minutes=45),
    key_arn=KEY,
    source_vault_arn=f"arn:aws:backup:{HOME}:{ACCOUNT}:backup-vault:bbws-backup-vault-sit",
    delete_after_days=14,
)
SNAPSHOT = rds.DbSnapshot("old", "manual", "available", NOW - timedelta(days=9), "8.0.40", KEY, "")
PARAMETERS = rds_groups.ParameterGroup("sit-mysql-params", "mysql8.0", (("binlog_format", "ROW"),))
OPTIONS = rds_groups.OptionGroup("sit-mysql-options", "mysql", "8.0", ("MARIADB_AUDIT_PLUGIN",))
SUBNETS = rds_groups.SubnetGroup("sit-db-subnet-group", "Complete", "vpc-2", ("subnet-a", "subnet-b"), ("a", "b"))
NETWORK = vpc.Vpc("vpc-2", "available", "default", is_default=False, cidrs=(("10.20.0.0/16", "associated"),))
OFFER = rds_groups.Offer(NAME, "mysql", "8.0.40", "db.r6g.large", "available", True, True, ("gp3", "io1"))


def database(**changed: Any) -> Rows:
    """A healthy database with replicated automated backups and an AWS Backup copy, but for the parts named.

    Parts are ``<reader>_<side>``; a value of None leaves the part unread.
    """
    values: dict[str, Any] = {
        "instances_primary": (PRIMARY,),
        "instances_dr": (),
        "automated_backups_dr": (REPLICATED,),
        "snapshots_dr": (SNAPSHOT,),
        "lags_dr": (),
        "copy_keys_dr": (ENABLED,),
        "recovery_points_dr": (COPY,),
        "parameter_groups_primary": (PARAMETERS,),
        "parameter_groups_dr": (PARAMETERS,),
        "option_groups_primary": (OPTIONS,),
        "option_groups_dr": (OPTIONS,),
        "subnet_groups_dr": (SUBNETS,),
        "offers_dr": (OFFER,),
        "vpc_dr": NETWORK,
        "services_dr": (),
        **changed,
    }
    named = [(*key.rsplit("_", 1), value) for key, value in values.items() if value is not None]
    return {(_reader(name), Side(side)): value for name, side, value in named}


def _reader(name: str) -> Reader[Any]:
    for module in (rds, rds_groups, kms, backup, vpc, ecs):
        if isinstance(found := vars(module).get(name), Reader):
            return found
    raise LookupError(name)


def accepting(*mechanisms: Any, files: tuple[Any, ...] = ("replication", "backup-copy")) -> Environment:
    """SIT, accepting these mechanisms for the database, the first preferred."""
    rules = ReplicationSettings(expectation=SIT.replication.expectation, database=mechanisms, files=files)
    return SIT.model_copy(update={"replication": rules})
