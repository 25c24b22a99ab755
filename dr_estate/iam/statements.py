"""IAM statements of the recovery roles: what they may do, and what is always denied. Pure.

The generated policies of an account and the sandbox's own role are made of these. An explicit deny wins. Source: IAM
User Guide, "Policy evaluation logic"; DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access
control".
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.iam import scopes
from dr_estate.model.playbook import (
    COPIED,
    DRILLING,
    FAILBACK_WRITES,
    FENCING,
    FORBIDDEN,
    MARKING,
    REPLACED,
    REPLICATING,
    TRYING,
    changing_actions,
)
from dr_estate.model.recovery_names import TAG, TRIAL

# Resources and conditions of what a drill may do beyond a recovery, or without a recovery's rights. Pure.
#
# What is deleted bears the drill's tag and its name; neither can be put on what is somebody else's.

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
    # The canary's records, in the zones that are listed for it: made, changed and deleted.
    key = "route53:ChangeResourceRecordSets"
    names = [f"canary-*.{env.traffic.test_prefix}.{zone}" for zone in env.traffic.canary_zones]
    condition = {
        "ForAllValues:StringEquals": {f"{key}RecordTypes": scopes.CUT_OVER_TYPES},
        "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": names},
        "Null": {f"{key}NormalizedRecordNames": "false"},
    }
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
        "route53:ChangeResourceRecordSets": (["arn:aws:route53:::hostedzone/*"], condition),
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


Statement = dict[str, Any]
Document = dict[str, Any]

LEADING = scopes.LEADING
_APPROVALS, _OWN_APPROVALS, _OWN_PAUSE = "APPROVAL#*", "APPROVAL#${aws:userid}", "PAUSE#${aws:userid}"
# A trial takes practice's own lock; what it records is its own, and no incident's: nothing that a recovery reads.
_OF_A_TRIAL = (
    *("DRILL#*", f"JOURNAL#{TRIAL}*", f"RUN#{TRIAL}*", _OWN_PAUSE),
    *("HISTORY#restore-test", "HISTORY#start-test", "HISTORY#test-dns", "HISTORY#test-infra"),
)
# What `repair` sets aside of what stands, or is on record, and where it is kept: an approver may, beside a recovery.
_REPAIRED = ("ASIDE#*", "DRILL#*", "HISTORY", "HISTORY#*", "LOCK", "STANDING")
_TABLE_WRITES = (
    *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PartiQLInsert", "dynamodb:PutItem"),
    "dynamodb:UpdateItem",
)
_TABLE_LOSSES = (
    *("dynamodb:BatchWriteItem", "dynamodb:Delete*", "dynamodb:PartiQLDelete", "dynamodb:PartiQLUpdate"),
    *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"),
)
# What would let false anchors in, or keep AWS from writing any: no recovery makes, changes or starts a function.
_ANCHOR_LOSSES = (
    *("lambda:CreateEventSourceMapping", "lambda:Delete*", "lambda:Invoke*", "lambda:Put*", "lambda:Update*"),
    *("logs:Delete*", "logs:PutRetentionPolicy"),
    *("s3:DeleteBucketPolicy", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketPolicy"),
)
TASKS, AUTOMATION = "ecs-tasks.amazonaws.com", "ssm.amazonaws.com"
SCHEDULER, STATES, EVENTS = "scheduler.amazonaws.com", "states.amazonaws.com", "events.amazonaws.com"
# What each service sends as aws:SourceArn when it takes a role. Scheduler sends the group, never the schedule: a
# condition on the schedule keeps it from starting (EventBridge Scheduler User Guide, "Confused deputy prevention").
_WORK_OF = {
    TASKS: ("ecs", "{}"),
    AUTOMATION: ("ssm", "automation-execution/{}"),
    SCHEDULER: ("scheduler", "schedule-group/default"),
    STATES: ("states", "stateMachine:{}"),
    EVENTS: ("events", "rule/{}"),
}
_SIGNAL, _TAGS = "ssm:SendAutomationSignal", ("iam:TagRole", "iam:UntagRole")
_ANCHORS = ("logs:CreateLogStream", "logs:PutLogEvents", "s3:PutObject")
_TAKEN_AWAY = {"elasticfilesystem:DeleteFileSystem", "rds:DeleteDBInstance"}
_MARK, _PASS, _START = "elasticfilesystem:TagResource", "iam:PassRole", "ssm:StartAutomationExecution"
_OF_FILES = ("elasticfilesystem:DeleteAccessPoint", "elasticfilesystem:DeleteMountTarget")
_SHIFTING = ("route53:ChangeResourceRecordSets", "route53:UpdateHealthCheck")


def document(statements: Iterable[Statement]) -> Document:
    """A policy document of ``statements``."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(
    sid: str, effect: str, actions: Iterable[str], resources: Iterable[str], condition: Any = None
) -> Statement:
    """One statement, in a fixed order."""
    policy = {"Sid": sid, "Effect": effect, "Action": sorted(set(actions)), "Resource": sorted(set(resources))}
    return {**policy, **({"Condition": condition} if condition else {})}


def read_statements(env: Environment, actions: Iterable[str]) -> Iterator[Statement]:
    """Let ``actions``, which only look, look."""
    yield from _scoped_statements("Look", actions, env, env.region(Side.DR), None, scopes.of_reading)


def acting(env: Environment, actions: Iterable[str]) -> Iterator[Statement]:
    """Let ``actions``, which change something, do so where a recovery does it: on the environment's own things.

    In the DR region all of them, in the primary region those that fence; of the control table all but approvals. What
    is done in the primary region alone is ``failback_statements``'s.
    """
    changing = set(actions) - REPLICATING - (FAILBACK_WRITES - set(changing_actions()))
    data = {a for a in changing if a.startswith("dynamodb:")} - {"dynamodb:DeleteItem"}
    world = {a for a in changing if a.startswith("route53:")}
    primary, dr = env.region(Side.PRIMARY), env.region(Side.DR)
    yield from _scoped_statements("Recover", changing - data - world - MARKING, env, dr, _only(dr), scopes.of_writing)
    yield from _tag_statements(scopes.of_naming(env, dr) if _MARK in changing else {}, dr)
    yield from _scoped_statements("Fence", FENCING & changing, env, primary, _only(primary), scopes.of_writing)
    yield from _scoped_statements("Shift", world, env, dr, None, scopes.of_writing)
    yield _record_statement(env, data)
    yield from _scoped_statements("Mark", MARKING & changing, env, dr, None, scopes.of_marking)
    log, bucket = _ANCHORS[:2], _ANCHORS[2:]
    yield statement("Anchor", "Allow", log, scopes.anchors(env))
    if objects := scopes.anchor_objects(env):
        yield statement("AnchorInBucket", "Allow", bucket, objects)


def _tag_statements(given: dict[str, scopes.Scope], region: str) -> Iterator[Statement]:
    """Let file systems and access points of ``region`` be tagged as ``given`` says, a statement each."""
    for sid, (resources, condition) in given.items():
        where = {**condition.get("StringEquals", {}), **_only(region)["StringEquals"]}
        yield statement(sid, "Allow", [_MARK], resources, {**condition, "StringEquals": where})


def _record_statement(env: Environment, data: Iterable[str]) -> Statement:
    """Let ``data`` write in the control table all but approvals."""
    others = {"ForAllValues:StringNotLike": {LEADING: [_APPROVALS]}, "Null": {LEADING: "false"}}
    return statement("Record", "Allow", data, scopes.control_table(env), others)


def _leading_like(keys: Iterable[str]) -> dict[str, Any]:
    """Items under keys like one of these alone."""
    return {"ForAllValues:StringLike": {LEADING: list(keys)}, "Null": {LEADING: "false"}}


def failback_statements(env: Environment, actions: Iterable[str]) -> Iterator[Statement]:
    """Allow those of ``actions`` that copy data back: in the primary region, on the resources of the estate.

    Objects are read only by the call that writes them to the primary region: those of the DR region's copies, and
    those they replace. Jobs of S3 Batch Replication are started and ended in the DR region, where a role is named for
    them.
    """
    primary, dr = env.region(Side.PRIMARY), env.region(Side.DR)
    yield from _scoped_statements(
        "Home", FAILBACK_WRITES & set(actions), env, primary, _only(primary), scopes.of_writing
    )
    yield from _scoped_statements("CopyHome", COPIED, env, dr, None, scopes.of_copying)
    yield from _scoped_statements("ReplaceAtHome", REPLACED, env, primary, _only(primary), scopes.of_copying)
    if env.failback.objects_batch_role:
        yield from _scoped_statements("ReplicateHome", {*REPLICATING, _PASS}, env, dr, _only(dr), _of_jobs)


def _of_jobs(action: str, env: Environment, region: str) -> scopes.Scope:
    """What a job of S3 Batch Replication takes in ``region``: its one operation, and its one role."""
    keys = {"s3:CreateJob": "s3:RequestJobOperation", "s3:UpdateJobStatus": "s3:ExistingJobOperation"}
    if action == _PASS:
        service = {"iam:PassedToService": ["batchoperations.s3.amazonaws.com"]}
        return [env.failback.objects_batch_role], {"StringEquals": service}
    jobs = "*" if action == "s3:CreateJob" else f"arn:aws:s3:{region}:{env.account}:job/*"
    return [jobs], {"StringEquals": {keys[action]: ["S3ReplicateObject"]}} if action in keys else {}


def never(env: Environment, reading: Iterable[str]) -> Iterator[Statement]:
    """Deny the operator all that is neither ``reading`` nor a recovery's, region by region.

    A failback is not denied in the primary region; without the statements of ``failback_statements`` it is not allowed
    either.
    """
    allowed = set(reading)
    primary, dr, everywhere = (env.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
    in_primary = allowed | FENCING | FAILBACK_WRITES | (set(_SHIFTING) if primary == everywhere else set())
    yield _all_but("OnlyFenceAndGoHome", in_primary, _only(primary))
    # The primary region lets _SHIFTING through above; of the DR region nothing is denied here.
    if everywhere not in (primary, dr):
        yield _all_but("OnlyShiftTraffic", {*allowed, *_SHIFTING}, _only(everywhere))
    known = sorted({primary, dr, everywhere})
    yield _all_but("NowhereElse", allowed, {"StringNotEquals": {"aws:RequestedRegion": known}})
    yield statement("NeverDelete", "Deny", FORBIDDEN, ["*"])
    approvals = {"ForAnyValue:StringLike": {LEADING: [_APPROVALS]}}
    yield statement("NeverApprove", "Deny", _TABLE_WRITES, scopes.control_table(env), approvals)
    yield statement("NeverSign", "Deny", ["kms:Sign"], ["*"])
    # A task that was handed the recovery's role would outlive the session that started it.
    yield statement("NeverHandOn", "Deny", [_PASS], scopes.stack_roles(env))
    yield statement("KeepTheRecord", "Deny", _TABLE_LOSSES, scopes.control_table(env))
    yield statement("KeepTheAnchors", "Deny", _ANCHOR_LOSSES, ["*"])


def drilling(env: Environment) -> Iterator[Statement]:
    """Let a drill make, ask and take away what bears its name: in the DR region, and the canary's records.

    Without a zone for the canary nobody may write its records. Where full drills can be held AWS may be asked to hold
    one. Where none is allowed nobody who holds drills has a recovery's rights beside these: ``trying`` is added.
    """
    if env.holds_full_drills:
        yield from dry_starting(env)
    dr, actions = env.region(Side.DR), set(DRILLING)
    world = {action for action in actions if action.startswith("route53:")}
    yield from _scoped_statements("Drill", actions - world - {_MARK}, env, dr, _only(dr), of_drilling)
    yield from _tag_statements(of_marking_files(env, dr), dr)
    if env.traffic.canary_zones:
        yield from _scoped_statements("Canary", world, env, dr, None, of_drilling)
    if not env.approvals.full_drill:
        yield from _scoped_statements("Try", TRYING, env, dr, _only(dr), of_trying)
        yield statement("Record", "Allow", _of_the_record(), scopes.control_table(env), _leading_like(_OF_A_TRIAL))
        yield statement("Anchor", "Allow", _ANCHORS[:2], scopes.anchors(env, f"{TRIAL}*"))
        if objects := scopes.anchor_objects(env, f"{TRIAL}*"):
            yield statement("AnchorInBucket", "Allow", _ANCHORS[2:], objects)


def _of_the_record() -> set[str]:
    """What a run writes its record with."""
    return {action for action in changing_actions() if action.startswith("dynamodb:")} - {"dynamodb:DeleteItem"}


def never_in_drills(env: Environment, reading: Iterable[str]) -> Iterator[Statement]:
    """Deny the drill role what an operator is denied, except deleting a drill's resources in the DR region.

    Where no full drill is allowed, deny it everything that a restore test and a canary do not need too.
    """
    allowed = set(reading)
    for denial in never(env, allowed):
        if denial["Sid"] == "NeverHandOn" and env.holds_full_drills:
            # the document's role, which starts the one task that has no more rights than this role
            handed = scopes.automation_scope(env)[0]
            yield {**denial, "Resource": [role for role in denial["Resource"] if role not in handed]}
        elif denial["Sid"] != "NeverDelete":
            yield denial
    yield statement("NeverDelete", "Deny", set(FORBIDDEN) - _TAKEN_AWAY, ["*"])
    database, files = "rds:DeleteDBInstance", "elasticfilesystem:DeleteFileSystem"
    yield {"Sid": "KeepDatabases", "Effect": "Deny", "Action": [database], "NotResource": drills_databases(env)}
    # A negated operator holds without the tag too (IAM User Guide, "Condition operators"): what has none is kept.
    unmarked = {"StringNotLike": {f"aws:ResourceTag/{TAG}": ["DRILL-*", "TRIAL-*"]}}
    yield statement("KeepFilesAndTasks", "Deny", [files, *_OF_FILES, "ecs:StopTask"], ["*"], unmarked)
    unnamed = {"StringNotLike": {"aws:ResourceTag/Name": drills_files(env)}}
    yield statement("KeepFilesOfOtherNames", "Deny", [files, *_OF_FILES], ["*"], unnamed)
    if not env.approvals.full_drill:
        trial = allowed | {*DRILLING, *TRYING, *_of_the_record(), *_ANCHORS}
        yield _all_but("OnlyTry", trial)
        yield _all_but("NothingAtHome", allowed | (set(_SHIFTING) & trial), _only(env.region(Side.PRIMARY)))


def approving(env: Environment, reading: Iterable[str], more: Iterable[str] = ()) -> Iterator[Statement]:
    """Let an approver look, write approvals and pauses of their own, sign evidence, and nothing else but ``more``.

    What cannot be read of the control table they set aside: who keeps a recovery from running must not be able to hold
    it up by what stands there.
    """
    put, table, sign = ["dynamodb:PutItem"], scopes.control_table(env), ["kms:GetPublicKey", "kms:Sign"]
    own = [_OWN_APPROVALS, _OWN_PAUSE, *_REPAIRED]
    yield statement("Approve", "Allow", put, table, _leading_like(own))
    yield statement("SignEvidence", "Allow", sign, *scopes.evidence_key(env))
    yield _all_but("OnlyApprove", {*reading, *put, *sign, *more} - {_PASS})
    anothers = {"ForAnyValue:StringNotLike": {LEADING: own}}
    yield statement("NotForOthers", "Deny", put, table, anothers)
    yield {"Sid": "NowhereElse", "Effect": "Deny", "Action": put, "NotResource": table}


def approving_starts(env: Environment, reading: Iterable[str]) -> Iterator[Statement]:
    """What ``approving`` allows, and to answer what the document asks, and to open the break-glass role by its tag."""
    yield from approving(env, reading, (_SIGNAL, *_TAGS))
    yield statement("ApproveAStart", "Allow", [_SIGNAL], scopes.executions(env))
    yield statement("BreakTheGlass", "Allow", _TAGS, *scopes.break_glass(env))


def starting(env: Environment, reading: Iterable[str]) -> Iterator[Statement]:
    """Let an operator look, start the recovery's document, pause under the own key, and nothing else at all.

    Nobody who may start it may approve it: a signal is denied by name.
    """
    start, put, table = [_START], ["dynamodb:PutItem"], scopes.control_table(env)
    yield from dry_starting(env)
    # The condition that all items of a call are of that partition.
    leading = {"ForAllValues:StringEquals": {LEADING: [_OWN_PAUSE]}, "Null": {LEADING: "false"}}
    yield statement("Pause", "Allow", put, table, leading)
    yield _all_but("OnlyStart", {*reading, *start, *put, _PASS})
    yield statement("NeverApproveAStart", "Deny", [_SIGNAL], ["*"])
    yield statement("NotForOthers", "Deny", put, table, {"ForAnyValue:StringNotEquals": {LEADING: [_OWN_PAUSE]}})
    yield {"Sid": "NowhereElse", "Effect": "Deny", "Action": put, "NotResource": table}


def dry_starting(env: Environment) -> Iterator[Statement]:
    """Let the recovery's document be started, with its role; what it starts waits for an approver, but for a look."""
    yield statement("Start", "Allow", [_START], *scopes.automation_document(env))
    yield statement("StartDefinition", "Allow", [_START], scopes.automation_definition(env))
    yield statement("HandOn", "Allow", [_PASS], *scopes.automation_scope(env))


def running_the_task(env: Environment) -> Iterator[Statement]:
    """Let the document run the recovery's task and wait for it, with the roles that the task has; nothing else."""
    family, cluster = scopes.recovery_task(env)
    yield statement("Alone", "Allow", ["ssm:DescribeAutomationExecutions", "ssm:GetAutomationExecution"], ["*"])
    yield statement("Network", "Allow", ["ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListServices"], ["*"])
    yield statement("Run", "Allow", ["ecs:RunTask"], family, cluster)
    yield statement("HandOn", "Allow", [_PASS], *scopes.task_scope(env))
    yield statement("Tell", "Allow", ["sns:Publish"], scopes.topics(env))


def service_trust(env: Environment, service: str, name: str = "*") -> Statement:
    """Let the service take a role for this account's own work in the DR region alone: the one of this name.

    Sources: "Cross-service confused deputy prevention" in the guides of Systems Manager and EventBridge; ECS Developer
    Guide, "Task IAM role"; Step Functions Developer Guide, "Creating an IAM role for your state machine".
    """
    account = {"StringEquals": {"aws:SourceAccount": env.account}}
    prefix, work = _WORK_OF[service]
    condition = {**account, "ArnLike": {"aws:SourceArn": scopes.arn(env, env.regions.dr, prefix, work.format(name))}}
    principal = {"Service": service}
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}


def break_glass_trust(operators: Any, approvers: Any) -> list[Statement]:
    """Let an operator take the break-glass role with MFA, by the own name, while an approver's tag on it names them.

    Both are what a template calls the ARNs of the IAM users. No approver takes it, whatever the tag says.
    """
    name = "${aws:username}"
    condition = {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {f"aws:ResourceTag/{scopes.OPEN_FOR}": name, "sts:RoleSessionName": name},
    }
    take = {"Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Principal": {"AWS": operators}, **take, "Condition": condition}
    return [allowed, {"Effect": "Deny", "Principal": {"AWS": approvers}, **take}]


def _scoped_statements(
    sid: str,
    actions: Iterable[str],
    env: Environment,
    region: str,
    condition: Any,
    scope: Callable[[str, Environment, str], scopes.Scope],
) -> Iterator[Statement]:
    """One statement for all actions of the same resources and conditions; a ``condition`` on the region not for IAM's.

    IAM is global: no page of AWS says that passing a role bears the region of the call that passes it (T76).
    """
    grouped: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        grouped[json.dumps([*scope(action, env, region), {} if action == _PASS else condition or {}])].append(action)
    for number, (key, members) in enumerate(sorted(grouped.items()), 1):
        resources, own, where = json.loads(key)
        if not resources:
            continue  # the estate has none of it, and IAM takes no statement without a resource
        both = {op: {**where.get(op, {}), **own.get(op, {})} for op in {**where, **own}}
        yield statement(f"{sid}{number}", "Allow", members, resources, both)


def _all_but(sid: str, actions: Iterable[str], condition: Any = None) -> Statement:
    """Deny everything that is not among ``actions``: what AWS adds later is denied too.

    No region denies that a role is passed: where it may be is said by the role and the service (T76).
    """
    actions = {*actions, _PASS} if condition else actions
    policy = {"Sid": sid, "Effect": "Deny", "NotAction": sorted(set(actions)), "Resource": "*"}
    return {**policy, **({"Condition": condition} if condition else {})}


def _only(*regions: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:RequestedRegion": sorted(set(regions))}}
