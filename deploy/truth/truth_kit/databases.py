"""Questions about RDS: a replica of another region and its promotion; replicated automated backups."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from truth_kit.account import Account
from truth_kit.scene import Answer

CLASS, ENGINE, STORAGE_GB = "db.t4g.micro", "mysql", 20
_DAY_MINUTES = 1440


def describe(account: Account, region: str, name: str) -> dict[str, Any]:
    """Return the instance. Raises DBInstanceNotFound."""
    rds = account.client("rds", region)
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


def _wait_available(account: Account, region: str, name: str) -> None:
    account.until(
        f"{name} in {region} is available", lambda: describe(account, region, name)["DBInstanceStatus"] == "available"
    )


def _create(account: Account, what: str) -> dict[str, Any]:
    name = account.prefix + what
    account.client("rds", account.primary).create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass=CLASS,
        Engine=ENGINE,
        AllocatedStorage=STORAGE_GB,
        StorageType="gp3",
        StorageEncrypted=True,
        KmsKeyId=account.standing["primary_key"],
        DBSubnetGroupName=account.standing["primary_subnet_group"],
        MasterUsername="truth",
        MasterUserPassword=secrets.token_hex(16),
        BackupRetentionPeriod=1,
        PubliclyAccessible=False,
        Tags=account.tags,
    )
    _wait_available(account, account.primary, name)
    return describe(account, account.primary, name)


def ask_of_a_replica(account: Account) -> Iterator[Answer]:
    """Make a replica in the DR region, look at its backups, promote it."""
    source = _create(account, "source")
    name, rds = account.prefix + "replica", account.client("rds", account.dr)
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier=name,
        SourceDBInstanceIdentifier=source["DBInstanceArn"],
        SourceRegion=account.primary,
        DBInstanceClass=CLASS,
        KmsKeyId=account.standing["dr_key"],
        DBSubnetGroupName=account.standing["dr_subnet_group"],
        PubliclyAccessible=False,
        Tags=account.tags,
    )
    _wait_available(account, account.dr, name)
    yield "rds.replica-retention-days", describe(account, account.dr, name)["BackupRetentionPeriod"]
    before = _restarts(account, name)
    rds.promote_read_replica(DBInstanceIdentifier=name)
    states: set[str] = set()

    def is_promoted() -> bool:
        instance = describe(account, account.dr, name)
        states.add(instance["DBInstanceStatus"])
        return instance["DBInstanceStatus"] == "available" and not instance.get("ReadReplicaSourceDBInstanceIdentifier")

    account.until(f"{name} is promoted", is_promoted)
    # A state that is shorter than poll_s is missed: only the events, which RDS keeps, can say that there was none.
    yield "rds.promotion-reboots", "rebooting" in states or account.shows(lambda: _restarts(account, name) > before)
    yield "rds.promoted-retention-days", describe(account, account.dr, name)["BackupRetentionPeriod"]


def _restarts(account: Account, name: str) -> int:
    """How many events of the last day say that the DR region's instance was shut down or restarted."""
    of_instance = {"SourceIdentifier": name, "SourceType": "db-instance", "Duration": _DAY_MINUTES}
    rows = account.pages("rds", account.dr, "describe_events", "Events", **of_instance)
    # RDS-EVENT-0004 and -0006 (RDS User Guide, event categories and messages).
    return sum("availability" in row["EventCategories"] for row in rows)


def ask_of_replicated_backups(account: Account) -> Iterator[Answer]:
    """Replicate an instance's automated backups, rename it, switch its backups off."""
    source = _create(account, "backed-up")
    resource, renamed = source["DbiResourceId"], account.prefix + "renamed"
    account.client("rds", account.dr).start_db_instance_automated_backups_replication(
        SourceDBInstanceArn=source["DBInstanceArn"],
        SourceRegion=account.primary,
        KmsKeyId=account.standing["dr_key"],
        BackupRetentionPeriod=1,
    )

    def copies() -> list[dict[str, Any]]:
        rows = account.pages("rds", account.dr, "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups")
        # By the resource id: whether the name follows is the question (T57).
        return [row for row in rows if row.get("DbiResourceId") == resource and row["Status"] == "replicating"]

    account.until("the automated backups are replicated", lambda: bool(copies()))
    rds = account.client("rds", account.primary)
    rds.modify_db_instance(
        DBInstanceIdentifier=source["DBInstanceIdentifier"], NewDBInstanceIdentifier=renamed, ApplyImmediately=True
    )
    account.until(
        "the instance bears its new name",
        lambda: any(
            row["DBInstanceIdentifier"] == renamed and row["DBInstanceStatus"] == "available"
            for row in account.pages("rds", account.primary, "describe_db_instances", "DBInstances")
        ),
    )
    follows = account.shows(lambda: any(row["DBInstanceIdentifier"] == renamed for row in copies()))
    yield "rds.replicated-backup-follows-rename", follows
    rds.modify_db_instance(DBInstanceIdentifier=renamed, BackupRetentionPeriod=0, ApplyImmediately=True)
    account.until(
        "automated backups are off", lambda: describe(account, account.primary, renamed)["BackupRetentionPeriod"] == 0
    )
    yield "rds.retention-zero-ends-replicated-backup", account.shows(lambda: not copies())
