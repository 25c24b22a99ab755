"""Which calls delete, stop or overwrite: by the words of the operation's name, by name, and by parameters. Pure.

The words are derived from the operation names of botocore's service models; a test compares them with every operation
of every service of the estate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dr_actions.model.plan import Call

Params = Mapping[str, Any]
Test = Callable[[Params], bool]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")
_LOOKS = {
    *("Check", "Decode", "Describe", "Filter", "Get", "Head", "List", "Query", "Scan", "Search", "Select", "Simulate"),
    *("Test", "Validate", "Verify"),
}
_LOOKS_AT_MANY = {
    ("Batch", "Check"),
    ("Batch", "Describe"),
    ("Batch", "Get"),
    ("Condition", "Check"),
    ("Transact", "Get"),
}

# A word anywhere in the name: CreateReplaceRootVolumeTask and ScheduleKeyDeletion destroy too.
_DESTROYS = {
    *(
        "Abort",
        "Backtrack",
        "Cancel",
        "Cancellation",
        "Clear",
        "Deactivate",
        "Delete",
        "Deletion",
        "Deprovision",
        "Deregister",
    ),
    *("Destroy", "Detach", "Disable", "Disassociate", "Discard", "Disconnect", "Drop", "Empty", "Erase", "Evict"),
    *("Expire", "Flush", "Overwrite", "Purge", "Reboot", "Reject", "Release", "Remove", "Rename", "Replace", "Reset"),
    *("Retire", "Revoke", "Rollback", "Stop", "Terminate", "Truncate", "Unassign", "Unlabel", "Unlock", "Unmonitor"),
    *("Unregister", "Unsubscribe", "Untag", "Wipe", "Withdraw"),
}

# Harmless by name, and yet what was there before is gone: never where the primary's data is.
OVERWRITES = {
    "backup:UpdateRecoveryPointLifecycle": "lets recovery points expire",
    "dynamodb:BatchWriteItem": "overwrites items",
    "dynamodb:ImportTable": "writes a table's items",
    "dynamodb:PutItem": "overwrites an item",
    "dynamodb:TransactWriteItems": "overwrites items",
    "dynamodb:UpdateItem": "overwrites an item",
    "ecr:PutLifecyclePolicy": "lets images expire",
    "efs:PutFileSystemPolicy": "decides who may use the files",
    "kms:PutKeyPolicy": "can lock everybody out of what the key encrypts",
    "logs:PutRetentionPolicy": "lets log events expire",
    "s3:CompleteMultipartUpload": "overwrites an object",
    "s3:CopyObject": "overwrites an object",
    "s3:PutBucketLifecycle": "lets objects expire",
    "s3:PutBucketLifecycleConfiguration": "lets objects expire",
    "s3:PutObject": "overwrites an object",
    "s3:UploadPartCopy": "copies a part of an upload that overwrites an object",
    "secretsmanager:PutSecretValue": "overwrites a secret",
    "secretsmanager:UpdateSecret": "overwrites a secret",
    "ssm:PutParameter": "overwrites a parameter",
}

# Of no recovery, in whatever region: who may use what, what is backed up, whose password it is.
NEVER_DONE = {
    "backup:CreateBackupPlan": "decides what is backed up",
    "backup:PutBackupVaultAccessPolicy": "decides who may use the copies",
    "backup:PutBackupVaultLockConfiguration": "locks a vault, in compliance mode for ever",
    "backup:UpdateBackupPlan": "decides what is backed up, and for how long",
    "backup:UpdateGlobalSettings": "decides what is backed up",
    "backup:UpdateRegionSettings": "decides what is backed up",
    "ecs:ExecuteCommand": "runs what nobody sees in a container",
    "s3:PutBucketAcl": "decides who may use a bucket",
    "s3:PutBucketOwnershipControls": "decides who may use a bucket",
    "s3:PutBucketPolicy": "decides who may use a bucket",
    "s3:PutObjectAcl": "decides who may use an object",
    "s3:PutPublicAccessBlock": "decides who may use a bucket",
    "s3control:CreateJob": "lets S3 make calls that are not seen here",
    "s3control:UpdateJobStatus": "lets S3 begin or end calls that are not seen here",
    "secretsmanager:PutResourcePolicy": "decides who may use a secret",
    "secretsmanager:RotateSecret": "makes a password of its own",
    "secretsmanager:UpdateSecretVersionStage": "decides which value of a secret counts",
}

# All that may ever leave which only adds, and what is refused or exempted by a rule of its own. Whatever else an action
# declares is refused: nobody weighed it, also where AWS adds it later. A test compares it with what the code declares.
WEIGHED = frozenset(
    {
        *("application-autoscaling:RegisterScalableTarget", "backup:StartBackupJob", "backup:StartRestoreJob"),
        *("dynamodb:PutItem", "dynamodb:TransactWriteItems", "dynamodb:UpdateItem"),
        *("ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:TagResource", "ecs:UpdateService"),
        *("efs:CreateAccessPoint", "efs:CreateMountTarget", "efs:CreateReplicationConfiguration", "efs:TagResource"),
        *("efs:PutFileSystemPolicy", "efs:UpdateFileSystemProtection", "elbv2:ModifyListener", "kms:Sign"),
        *("logs:CreateLogStream", "logs:PutLogEvents", "rds:CreateDBInstanceReadReplica"),
        *("rds:CreateDBParameterGroup", "rds:CreateDBSnapshot", "rds:ModifyDBInstance", "rds:RebootDBInstance"),
        *("rds:ModifyDBParameterGroup", "rds:PromoteReadReplica", "rds:RestoreDBInstanceFromDBSnapshot"),
        *("rds:RestoreDBInstanceToPointInTime", "rds:StartDBInstanceAutomatedBackupsReplication"),
        *("route53:ChangeResourceRecordSets", "route53:UpdateHealthCheck", "s3:CompleteMultipartUpload"),
        *("s3:CopyObject", "s3:CreateMultipartUpload", "s3:PutObject", "s3:UploadPartCopy"),
        *("secretsmanager:PutSecretValue", "secretsmanager:ReplicateSecretToRegions", "sns:Publish"),
    }
)

# Services that carry out what they are handed: what that is, no guard sees.
CARRIERS = frozenset({"batch", "cloudformation", "codebuild", "events", "lambda", "scheduler", "ssm", "stepfunctions"})
_CARRIES_NOTHING = frozenset({"ssm:PutParameter"})

# PartiQL hides what it does in a text, so it is never sent.
_UNREADABLE = ("dynamodb:BatchExecuteStatement", "dynamodb:ExecuteStatement", "dynamodb:ExecuteTransaction")


def is_read(operation: str) -> bool:
    """Whether an operation's name says that it only looks, as ``DescribeTable`` and ``BatchGetItem`` do."""
    words = words_of(operation)
    return words[:1] != [] and (words[0] in _LOOKS or tuple(words[:2]) in _LOOKS_AT_MANY)


def words_of(operation: str) -> list[str]:
    """The words of an operation's name: ``DeleteDBInstance`` is Delete, DB, Instance."""
    return _WORD.findall(operation)


def destruction(call: Call, home: bool) -> str:
    """Why ``call`` destroys something, "" where not; the flag: it reaches the primary region or a global service."""
    if is_read(call.operation):
        return ""
    found = _DESTROYS.intersection(words_of(call.operation))
    if found:
        return f"its name says '{min(found)}'"
    if call.name in _UNREADABLE:
        return "what its statement changes is unknown"
    if call.service in CARRIERS and call.name not in _CARRIES_NOTHING:
        return f"what {call.service} does then is not seen here"
    if call.name in NEVER_DONE:
        return f"it {NEVER_DONE[call.name]}"
    for test, reason in BY_PARAMETERS.get(call.name, ()):
        if test(call.params):
            return reason
    return OVERWRITES.get(call.name, "") if home else ""


def _is(*path: str, to: Any) -> Test:
    """Whether the parameter at ``path`` is given as ``to``."""
    # By type too: in Python 1 == True, and 0 == False.
    return lambda params: any(found == to and type(found) is type(to) for found in _at(params, path))


def _has(*path: str) -> Test:
    """Whether there is a parameter at ``path``, in any element of a list on the way."""
    return lambda params: any(True for _ in _at(params, path))


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for member in value:
            yield from _at(member, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _unprotects(params: Params) -> bool:
    # A call that leaves it out counts as one that switches it off.
    return bool(params.get("ReplicationOverwriteProtection") != "ENABLED")


_PASSWORDS = ("MasterUserPassword", "ManageMasterUserPassword", "RotateMasterUserPassword")
_PUBLIC = (_is("PubliclyAccessible", to=True), "lets the internet reach a database")
_DATABASE = (
    _PUBLIC,
    (_has("EngineVersion"), "upgrades a database, which nothing undoes"),
    # RDS: 0 also deletes the automated backups there are (User Guide, "Disabling automated backups").
    (_is("BackupRetentionPeriod", to=0), "switches the backups off and deletes them"),
    (_is("DeletionProtection", to=False), "takes the deletion protection off"),
    *((_has(name), "changes the master password") for name in _PASSWORDS),
)
_IN_CONTAINERS = (_is("enableExecuteCommand", to=True), "opens containers to what nobody sees")
_REPLICA_GONE = (_has("ReplicaUpdates", "Delete"), "deletes a replica")
_RULES_OFF = ("ReplicationConfiguration", "Rules", "Status")
_RECOVERY = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
BY_PARAMETERS: Mapping[str, tuple[tuple[Test, str], ...]] = {
    "cloudfront:UpdateDistribution": ((_is("DistributionConfig", "Enabled", to=False), "switches it off"),),
    # Anywhere in the text: a value of that name is refused too, which does no harm.
    "dynamodb:BatchWriteItem": ((lambda params: "DeleteRequest" in str(params), "deletes items"),),
    "dynamodb:TransactWriteItems": ((_has("TransactItems", "Delete"), "deletes an item"),),
    "dynamodb:UpdateContinuousBackups": ((_is(*_RECOVERY, to=False), "switches point-in-time recovery off"),),
    "dynamodb:UpdateGlobalTable": (_REPLICA_GONE,),
    "dynamodb:UpdateTable": (
        _REPLICA_GONE,
        (_has("GlobalSecondaryIndexUpdates", "Delete"), "deletes an index"),
        (_is("DeletionProtectionEnabled", to=False), "takes the deletion protection off"),
    ),
    "dynamodb:UpdateTimeToLive": ((_is("TimeToLiveSpecification", "Enabled", to=True), "lets items expire"),),
    "ecs:RunTask": (_IN_CONTAINERS,),
    "ecs:UpdateService": (_IN_CONTAINERS,),
    "efs:PutBackupPolicy": ((_is("BackupPolicy", "Status", to="DISABLED"), "switches the backups off"),),
    "efs:UpdateFileSystemProtection": ((_unprotects, "takes the overwrite protection off (T28)"),),
    "rds:CreateDBInstanceReadReplica": (_PUBLIC,),
    "rds:FailoverGlobalCluster": ((_is("AllowDataLoss", to=True), "accepts the loss of data"),),
    "rds:ModifyDBCluster": _DATABASE,
    "rds:ModifyDBInstance": _DATABASE,
    "rds:RestoreDBInstanceFromDBSnapshot": (_PUBLIC,),
    "rds:RestoreDBInstanceToPointInTime": (_PUBLIC,),
    "route53:ChangeResourceRecordSets": ((_is("ChangeBatch", "Changes", "Action", to="DELETE"), "deletes a record"),),
    "s3:PutBucketReplication": ((_is(*_RULES_OFF, to="Disabled"), "switches replication off"),),
    "s3:PutBucketVersioning": (
        (_is("VersioningConfiguration", "Status", to="Suspended"), "lets old versions be overwritten"),
    ),
    "secretsmanager:ReplicateSecretToRegions": ((_is("ForceOverwriteReplicaSecret", to=True), "overwrites a secret"),),
}
