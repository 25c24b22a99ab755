"""What a trial may make, ask and take away, and that nothing of the estate can be named by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_actions.guard.context import GuardContext
from dr_actions.guard.drill_exemptions import CLEANING
from dr_actions.guard.guard import refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Side, load_environment

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
STAMP, TRIAL = "20260107-101500", "TRIAL-20260107-101500"
DATABASE, FILES = f"sit-mysql-drill-{STAMP}", f"sit-efs-drill-{STAMP}"
HOST = f"{DATABASE}.abc.{DR}.rds.amazonaws.com:3306"
ZONE, CANARY = "Z0TRAFFIC", f"canary-{STAMP}.{SIT.traffic.test_prefix}.{SIT.traffic.canary_zones[0]}"
TASK = f"arn:aws:ecs:{DR}:{SIT.account}:task/sit-cluster/1"
MADE = frozenset({"fs-drill", "fsap-drill", "fsmt-drill", "sit-mysql-before-1", TASK})
CONFINED, NEVER = "guard.drill-confined", "guard.never-delete"
TRYING = frozenset({Goal.RESTORE_TEST, Goal.CLEAN_UP})


def judged(name: str, goal: Goal | None = Goal.CLEAN_UP, region: str = DR, /, **params: Any) -> str:
    """The rule by which a declared call is refused, "" where it passes."""
    service, operation = name.split(":")
    call = Call(service, operation, region, params)
    found = refusal(call, GuardContext(SIT, frozenset({name}), ZONE, own_resources=MADE, goal=goal))
    return found.rule if found else ""


def named(value: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": value}]


def restored(**changed: Any) -> dict[str, Any]:
    metadata = {"newFileSystem": "true", "CreationToken": FILES, "file-system-id": "fs-of-the-point"} | changed
    return {"Metadata": {key: value for key, value in metadata.items() if value is not None}}


def asked(**changed: Any) -> dict[str, Any]:
    environment = [{"name": "DR_DB_HOST", "value": changed.pop("host", HOST)}]
    container = {
        "name": "wordpress",
        "command": changed.pop("command", ["php", "-r", "1;"]),
        "environment": environment,
    }
    params = {
        "startedBy": TRIAL,
        "cluster": "sit-cluster",
        "count": 1,
        "overrides": {"containerOverrides": [container]},
    }
    return {**params, **changed}


def record(name: str, action: str = "DELETE") -> dict[str, Any]:
    change = {"Action": action, "ResourceRecordSet": {"Name": name, "Type": "A"}}
    return {"HostedZoneId": ZONE, "ChangeBatch": {"Changes": [change]}}


OWN: dict[str, tuple[str, dict[str, Any]]] = {
    "a restored database": ("rds:DeleteDBInstance", {"DBInstanceIdentifier": DATABASE}),
    "one that a drill's failback set aside": ("rds:DeleteDBInstance", {"DBInstanceIdentifier": "sit-mysql-before-1"}),
    "its protection": ("rds:ModifyDBInstance", {"DBInstanceIdentifier": DATABASE, "DeletionProtection": False}),
    "restored files": ("efs:DeleteFileSystem", {"FileSystemId": "fs-drill"}),
    "their access point": ("efs:DeleteAccessPoint", {"AccessPointId": "fsap-drill"}),
    "their mount target": ("efs:DeleteMountTarget", {"MountTargetId": "fsmt-drill"}),
    "the canary's record": ("route53:ChangeResourceRecordSets", record(CANARY)),
    "its own task": ("ecs:StopTask", {"task": TASK}),
}
OF_THE_ESTATE: dict[str, tuple[str, dict[str, Any]]] = {
    "the database": ("rds:DeleteDBInstance", {"DBInstanceIdentifier": "sit-mysql"}),
    "another environment's": ("rds:DeleteDBInstance", {"DBInstanceIdentifier": f"prod-mysql-drill-{STAMP}"}),
    "one that only looks like a drill's": ("rds:DeleteDBInstance", {"DBInstanceIdentifier": f"{DATABASE}-2"}),
    "the database's protection": (
        "rds:ModifyDBInstance",
        {"DBInstanceIdentifier": "sit-mysql", "DeletionProtection": False},
    ),
    "the files": ("efs:DeleteFileSystem", {"FileSystemId": "fs-estate"}),
    "files without an id": ("efs:DeleteFileSystem", {}),
    "an access point": ("efs:DeleteAccessPoint", {"AccessPointId": "fsap-estate"}),
    "a mount target": ("efs:DeleteMountTarget", {"MountTargetId": "fsmt-estate"}),
    "a tenant's record": ("route53:ChangeResourceRecordSets", record("tenant1.wpsit.kimmyai.io")),
    "a tenant's task": ("ecs:StopTask", {"task": TASK.replace("/1", "/2")}),
}
KEPT_BY_NAME = {"a bucket": "s3:DeleteBucket", "a table": "dynamodb:DeleteTable", "a cluster": "ecs:DeleteCluster"}


@pytest.mark.parametrize("what", OWN)
def test_what_a_drill_made_may_be_taken_away_in_the_dr_region(what: str) -> None:
    name, params = OWN[what]
    region = GLOBAL if name.startswith("route53:") else DR
    assert "" == judged(name, Goal.CLEAN_UP, region, **params)


@pytest.mark.parametrize("what", OWN)
@pytest.mark.parametrize("goal", [*(g for g in Goal if g not in CLEANING), None])
def test_a_recovery_takes_nothing_of_a_drill_away(what: str, goal: Goal | None) -> None:
    name, params = OWN[what]
    assert NEVER == judged(name, goal, GLOBAL if name.startswith("route53:") else DR, **params)


@pytest.mark.parametrize("what", [name for name in OWN if name != "the canary's record"])
@pytest.mark.parametrize("goal", sorted(CLEANING))
def test_in_the_primary_region_a_drill_takes_nothing_away(what: str, goal: Goal) -> None:
    name, params = OWN[what]
    assert CONFINED == judged(name, goal, PRIMARY, **params)


@pytest.mark.parametrize("what", OF_THE_ESTATE)
@pytest.mark.parametrize("goal", sorted(CLEANING))
def test_nothing_of_the_estate_is_taken_away_by_a_drill(what: str, goal: Goal) -> None:
    name, params = OF_THE_ESTATE[what]
    region = GLOBAL if name.startswith("route53:") else DR
    assert judged(name, goal, region, **params) in {CONFINED, NEVER}


@pytest.mark.parametrize("name", KEPT_BY_NAME.values(), ids=KEPT_BY_NAME)
def test_what_no_drill_makes_no_drill_takes_away(name: str) -> None:
    assert judged(name) in {CONFINED, NEVER}


GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "a database to a point in time": (
        "rds:RestoreDBInstanceToPointInTime",
        {"TargetDBInstanceIdentifier": DATABASE, "SourceDBInstanceAutomatedBackupsArn": "arn:copy"},
    ),
    "a database of a snapshot": ("rds:RestoreDBInstanceFromDBSnapshot", {"DBInstanceIdentifier": DATABASE}),
    "files": ("backup:StartRestoreJob", restored()),
    "their mark": ("efs:TagResource", {"ResourceId": "fs-drill", "Tags": named(FILES)}),
    "an access point": ("efs:CreateAccessPoint", {"FileSystemId": "fs-drill", "Tags": named(FILES)}),
    "a question": ("ecs:RunTask", asked()),
    "a question whose task is not counted": ("ecs:RunTask", {k: v for k, v in asked().items() if k != "count"}),
    "the record": ("dynamodb:PutItem", {"TableName": "sit-dr-control"}),
}
STRAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "the estate's name, to a point in time": (
        "rds:RestoreDBInstanceToPointInTime",
        {"TargetDBInstanceIdentifier": "sit-mysql"},
    ),
    "the estate's name, of a snapshot": ("rds:RestoreDBInstanceFromDBSnapshot", {"DBInstanceIdentifier": "sit-mysql"}),
    "the estate's name, by renaming": (
        "rds:ModifyDBInstance",
        {"DBInstanceIdentifier": DATABASE, "NewDBInstanceIdentifier": "sit-mysql"},
    ),
    "into the estate's files": ("backup:StartRestoreJob", restored(newFileSystem="false")),
    "into the estate's files, by a misspelt key": (
        "backup:StartRestoreJob",
        restored(newFileSystem=None, newFilesystem="true"),
    ),
    "into files of either spelling": ("backup:StartRestoreJob", restored(newFilesystem="false")),
    "into files without its name": ("backup:StartRestoreJob", restored(CreationToken="sit-efs")),
    "with the estate's tags": ("backup:StartRestoreJob", {**restored(), "CopySourceTagsToRestoredResource": True}),
    "a mark on the estate's files": ("efs:TagResource", {"ResourceId": "fs-estate", "Tags": named(FILES)}),
    "the estate's name on its own files": ("efs:TagResource", {"ResourceId": "fs-drill", "Tags": named("sit-efs")}),
    "an access point of the estate's files": (
        "efs:CreateAccessPoint",
        {"FileSystemId": "fs-estate", "Tags": named(FILES)},
    ),
    "an access point without its name": ("efs:CreateAccessPoint", {"FileSystemId": "fs-drill"}),
    "a question to the estate's database": ("ecs:RunTask", asked(host=f"sit-mysql.abc.{DR}.rds.amazonaws.com:3306")),
    "a site of the tenant's": ("ecs:RunTask", asked(command=[])),
    "a task without overrides": ("ecs:RunTask", asked(overrides={})),
    "a task that nobody started": ("ecs:RunTask", asked(startedBy="")),
    "a task elsewhere": ("ecs:RunTask", asked(cluster="prod-cluster")),
    "many tasks": ("ecs:RunTask", asked(count=10)),
    "a service of the estate": ("ecs:UpdateService", {"service": "sit-tenant-1-service", "desiredCount": 0}),
    "a secret of the estate": ("secretsmanager:PutSecretValue", {"SecretId": "sit-tenant-1-db-credentials"}),
    "the files' protection": ("efs:UpdateFileSystemProtection", {"FileSystemId": "fs-estate"}),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_restore_test_makes_and_asks_what_bears_its_name(what: str) -> None:
    name, params = GOOD[what]
    assert "" == judged(name, Goal.RESTORE_TEST, DR, **params)


@pytest.mark.parametrize("what", [name for name in GOOD if name != "the record"])
def test_in_the_primary_region_a_restore_test_makes_nothing(what: str) -> None:
    name, params = GOOD[what]
    assert CONFINED == judged(name, Goal.RESTORE_TEST, PRIMARY, **params)


@pytest.mark.parametrize("what", STRAYS)
@pytest.mark.parametrize("goal", sorted(TRYING))
def test_a_trial_makes_and_changes_nothing_that_does_not_bear_its_name(what: str, goal: Goal) -> None:
    name, params = STRAYS[what]
    assert CONFINED == judged(name, goal, DR, **params)


def test_a_recovery_is_not_confined_to_a_drills_names() -> None:
    name, params = STRAYS["the estate's name, to a point in time"]
    assert "" == judged(name, Goal.FAILOVER, DR, **params)
