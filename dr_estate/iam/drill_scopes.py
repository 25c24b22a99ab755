"""Resources and conditions of what a drill may do beyond a recovery, or without a recovery's rights. Pure.

What is deleted bears the drill's tag and its name; neither can be put on what is somebody else's.
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.iam import scopes
from dr_estate.model.drill_names import TAG

# EFS deletes the interface of a mount target with the caller's rights (forward access sessions); its own call cannot.
# Source: IAM User Guide, aws:ViaAWSService; EFS API, DeleteMountTarget.
_BY_A_SERVICE = {"Bool": {"aws:ViaAWSService": "true"}}


def of_drilling(action: str, env: Environment, region: str) -> scopes.Scope:
    """Where ``action`` is a drill's beyond what a recovery may: on what bears a drill's name or tag. Raises KeyError.

    Name and tag are both asked for: anybody who may tag a thing may put the tag alone on it. A network interface is
    deleted by EFS in the caller's name, and by no call of the caller's own.
    """
    files = [scopes.arn(env, region, "elasticfilesystem", "file-system/*")]
    points = [scopes.arn(env, region, "elasticfilesystem", "access-point/*")]
    of_task = [scopes.arn(env, region, "ecs", f"task/{name}/*") for name in env.in_region(region).clusters]
    known: dict[str, scopes.Scope] = {
        "ec2:DeleteNetworkInterface": ([scopes.arn(env, region, "ec2", "network-interface/*")], _BY_A_SERVICE),
        "ecs:RunTask": (scopes.run_definitions(env, region), scopes.in_cluster(env, region) | _drills("RequestTag")),
        "ecs:StopTask": (of_task, _drills("ResourceTag")),
        # Tags are given at the start alone: nobody makes a running task look like a drill's, to stop it.
        "ecs:TagResource": (of_task, _drills("RequestTag") | {"StringEquals": {"ecs:CreateAction": "RunTask"}}),
        "elasticfilesystem:CreateAccessPoint": (files, _drills_files(env, "ResourceTag")),
        "elasticfilesystem:DeleteAccessPoint": (points, _drills_files(env, "ResourceTag")),
        "elasticfilesystem:DeleteFileSystem": (files, _drills_files(env, "ResourceTag")),
        "elasticfilesystem:DeleteMountTarget": (files, _drills_files(env, "ResourceTag")),
        "rds:DeleteDBInstance": (drills_databases(env), {}),
        "route53:ChangeResourceRecordSets": _canaries(env),
    }
    return known[action]


def of_trying(action: str, env: Environment, region: str) -> scopes.Scope:
    """Where a restore test acts whose driller has no recovery's rights: it restores to names of a drill alone.

    AWS Backup's own recovery points are of files; those of a database are RDS snapshots, which RDS restores by name.
    """
    if action == "backup:StartRestoreJob":
        return [scopes.arn(env, region, "backup", "recovery-point:*")], {}
    if not action.startswith("rds:"):
        return scopes.of_writing(action, env, region)
    if not action.startswith("rds:Restore"):
        return drills_databases(env), {}
    # A restore names a source besides its target: snapshots, backups, groups, but never the estate's own instance.
    beside = [resource for resource in scopes.databases(env) if ":db:" not in resource]
    return [*drills_databases(env), *beside], {}


def drills_databases(env: Environment) -> list[str]:
    """Databases of the DR region that a drill restored, or that a full drill's failback set aside."""
    database, words = env.database_on(Side.DR), ("before", "drill") if env.approvals.full_drill else ("drill",)
    return [scopes.arn(env, env.regions.dr, "rds", f"db:{database}-{word}-*") for word in words]


def of_marking_files(env: Environment, region: str) -> dict[str, scopes.Scope]:
    """What a drill may mark as its own with its tag and its name, by the statement that lets it.

    An access point as it is made, and what bears a drill's name already. A file system that AWS Backup restored bears
    no tag at all: one that bears any of ``scopes.WHOSE`` is another's. IAM has no other word for what a restore made:
    a file system of the DR region without a single one of these tags may be marked too.
    """
    files, points = (
        scopes.arn(env, region, "elasticfilesystem", f"{kind}/*") for kind in ("file-system", "access-point")
    )
    given = _drills_files(env, "RequestTag")
    known = {"StringLike": given["StringLike"] | {"aws:ResourceTag/Name": drills_files(env)}}
    return {
        "MarkAccessPoint": ([points], given | scopes.AS_IT_IS_MADE),
        "MarkAgain": ([files], known),
        "MarkRestored": ([files], given | scopes.of_nobody(env)),
    }


def drills_files(env: Environment) -> list[str]:
    """Names of the file systems that drills restored, and of their access points."""
    return [f"{env.named(env.names.file_system)}-drill-*"]


def _drills_files(env: Environment, where: str) -> dict[str, Any]:
    return {"StringLike": {**_drills(where)["StringLike"], f"aws:{where}/Name": drills_files(env)}}


def _drills(where: str) -> dict[str, Any]:
    return {"StringLike": {f"aws:{where}/{TAG}": ["DRILL-*", "TRIAL-*"]}}


def _canaries(env: Environment) -> scopes.Scope:
    """The canary's records, in the zones that are listed for it: made, changed and deleted."""
    key = "route53:ChangeResourceRecordSets"
    names = [f"canary-*.{env.traffic.test_prefix}.{zone}" for zone in env.traffic.canary_zones]
    condition = {
        "ForAllValues:StringEquals": {f"{key}RecordTypes": scopes.CUT_OVER_TYPES},
        "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": names},
        "Null": {f"{key}NormalizedRecordNames": "false"},
    }
    return ["arn:aws:route53:::hostedzone/*"], condition
