"""What a recovery itself needs, gone: the region's opt-in, control table, runbook, permissions, topics (T14, T16, T40).

A region whose STS knows the caller in another account cannot be played: the keys alone decide that. STS that answers
nobody in one region can.

What would make the evidence of a run worth less: its key, and the anchors of its journal.
"""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import PEOPLE_TAG
from dr_estate.model.control_items import RULES
from sandbox.core.errors import SandboxError
from sandbox.disasters import disaster
from sandbox.world.world import World

_ACT = "{env}-dr-operator-act"


@disaster("sts-refuses-in-dr", "STS of the DR region answers nobody", trips=("prerequisites.credentials-work",))
def sts_refuses(world: World) -> None:
    """Refuse every call to STS in the DR region."""
    world.outage(Side.DR, "refuse", "sts")


@disaster("region-opted-out", "The account was opted out of a region of the estate", trips=("prerequisites.opted-in",))
def opted_out(world: World) -> None:
    """Disable the first region of the estate that needs an opt-in (T16). SandboxError where none does."""
    for region in (world.environment.regions.primary, world.environment.regions.dr):
        region_opt_status = world.call(Side.GLOBAL, "account", "GetRegionOptStatus", RegionName=region)[
            "RegionOptStatus"
        ]
        if region_opt_status == "ENABLED":
            world.undo(Side.GLOBAL, "account", "EnableRegion", RegionName=region)
            world.call(Side.GLOBAL, "account", "DisableRegion", RegionName=region)
            return
    raise SandboxError("Both regions are enabled by default: AWS lets nobody opt out of them.")


@disaster(
    "control-item-unreadable",
    "The open incident in the control table is of no shape that can be read",
    trips=("prerequisites.control-items",),
)
def control_item_unreadable(world: World) -> None:
    """Put an item in the place of the open incident as no version writes it; the repair puts back what was there."""
    name, key = _control_table(world), {"pk": {"S": "STANDING"}, "sk": {"S": "INCIDENT"}}
    found = world.call(Side.DR, "dynamodb", "GetItem", TableName=name, Key=key).get("Item")
    undo = ("PutItem", {"Item": found}) if found else ("DeleteItem", {"Key": key})
    world.undo(Side.DR, "dynamodb", undo[0], TableName=name, **undo[1])
    # A number where every version writes the name of an incident.
    world.call(Side.DR, "dynamodb", "PutItem", TableName=name, Item={**key, "incident": {"N": "1" * 31}})


@disaster(
    "control-table-deleted", "The control table of recoveries was deleted", trips=("prerequisites.control-table",)
)
def control_table_deleted(world: World) -> None:
    """Delete the table of locks, approvals and the incident log (T42); the repair restores its contents."""
    name = _control_table(world)
    for item in world.call(Side.DR, "dynamodb", "Scan", TableName=name)["Items"]:
        world.undo(Side.DR, "dynamodb", "PutItem", TableName=name, Item=item)
    table = world.call(Side.DR, "dynamodb", "DescribeTable", TableName=name)["Table"]
    tags = world.call(Side.DR, "dynamodb", "ListTagsOfResource", ResourceArn=table["TableArn"])["Tags"]
    # Items, then recovery, then the table are recorded: the last is replayed first.
    definition = {key: table[key] for key in ("AttributeDefinitions", "KeySchema", "StreamSpecification")}
    definition["GlobalSecondaryIndexes"] = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in table["GlobalSecondaryIndexes"]
    ]
    world.undo(Side.DR, "dynamodb", "UpdateContinuousBackups", TableName=name, **_recovery(True))
    world.undo(
        Side.DR,
        "dynamodb",
        "CreateTable",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
        Tags=tags,
        **definition,
    )
    # A protected table cannot be deleted.
    world.call(Side.DR, "dynamodb", "UpdateTable", TableName=name, DeletionProtectionEnabled=False)
    world.call(Side.DR, "dynamodb", "DeleteTable", TableName=name)


@disaster("control-table-unindexed", "The control table of recoveries lost its index", trips=("run-begin.possible",))
def control_table_unindexed(world: World) -> None:
    """Delete the index by which runs find approvals and pinned rules; the table itself stands."""
    name = _control_table(world)
    table = world.call(Side.DR, "dynamodb", "DescribeTable", TableName=name)["Table"]
    (index,) = table["GlobalSecondaryIndexes"]
    definition = {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
    types = table["AttributeDefinitions"]
    for turn, change in (
        (world.undo, {"Create": definition}),
        (world.call, {"Delete": {"IndexName": index["IndexName"]}}),
    ):
        # A key attribute of a new index must be defined in the same call.
        changes = {"AttributeDefinitions": types, "GlobalSecondaryIndexUpdates": [change]}
        turn(Side.DR, "dynamodb", "UpdateTable", TableName=name, **changes)


@disaster(
    "control-table-unrecoverable",
    "Point-in-time recovery of the control table was switched off",
    trips=("prerequisites.control-table-recoverable",),
)
def control_table_unrecoverable(world: World) -> None:
    """Switch point-in-time recovery off."""
    for turn, on in ((world.undo, True), (world.call, False)):
        turn(Side.DR, "dynamodb", "UpdateContinuousBackups", TableName=_control_table(world), **_recovery(on))


@disaster(
    "control-table-expires",
    "DynamoDB deletes items of the control table by an attribute of theirs",
    trips=("prerequisites.control-table-recoverable",),
)
def control_table_expires(world: World) -> None:
    """Switch time to live on, by an attribute that no item has yet."""
    for turn, on in ((world.undo, False), (world.call, True)):
        setting = {"Enabled": on, "AttributeName": "expires"}
        turn(Side.DR, "dynamodb", "UpdateTimeToLive", TableName=_control_table(world), TimeToLiveSpecification=setting)


@disaster(
    "control-table-narrow",
    "The control table takes one read and one write a second",
    trips=("prerequisites.control-table",),
)
def control_table_narrow(world: World) -> None:
    """Give the table and its index one unit each in place of on demand."""
    name, units = _control_table(world), {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    index = {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by-sk", "ProvisionedThroughput": units}}]}
    world.undo(Side.DR, "dynamodb", "UpdateTable", TableName=name, BillingMode="PAY_PER_REQUEST")
    narrow = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units, **index}
    world.call(Side.DR, "dynamodb", "UpdateTable", TableName=name, **narrow)


@disaster(
    "people-miscounted",
    "The control table asks for another number of people than the environment file",
    trips=("prerequisites.people",),
)
def people_miscounted(world: World) -> None:
    """Ask for one more person by the table's tag."""
    people = world.environment.approvals.people
    arn = world.call(Side.DR, "dynamodb", "DescribeTable", TableName=_control_table(world))["Table"]["TableArn"]
    for turn, count in ((world.undo, people), (world.call, people + 1)):
        turn(Side.DR, "dynamodb", "TagResource", ResourceArn=arn, Tags=[{"Key": PEOPLE_TAG, "Value": str(count)}])


@disaster("rules-unpinned", "No approver has pinned the rules of runs", trips=("prerequisites.rules-pinned",))
def rules_unpinned(world: World) -> None:
    """Delete what the approver pinned. Raises SandboxError where one person may run a plan."""
    env, table = world.environment, _control_table(world)
    if env.approvals.people == 1:
        raise SandboxError(f"One person may run a plan of {env.name}: nobody pins its rules.")
    values = {":rules": {"S": RULES}}
    found = world.call(
        Side.DR, "dynamodb", "Scan", TableName=table, FilterExpression="sk = :rules", ExpressionAttributeValues=values
    )
    for item in found["Items"]:
        world.undo(Side.DR, "dynamodb", "PutItem", TableName=table, Item=item)
        world.call(Side.DR, "dynamodb", "DeleteItem", TableName=table, Key={name: item[name] for name in ("pk", "sk")})


@disaster("runbook-deleted", "The recovery runbook was deleted", trips=("prerequisites.runbook-current",))
def runbook_deleted(world: World) -> None:
    """Delete the runbook; its bucket keeps versions."""
    hide_object(world, Side.DR, *_runbook(world))


@disaster("runbook-old", "Nobody has reviewed the recovery runbook for years", trips=("prerequisites.runbook-current",))
def runbook_old(world: World) -> None:
    """Put an old version of the runbook in its place."""
    replace_object(world, Side.DR, *_runbook(world), "# Recovery runbook\n\nReviewed: 2019-03-01\n")


@disaster(
    "operator-denied", "The operator's role may no longer move traffic", trips=("prerequisites.operator-allowed",)
)
def operator_denied(world: World) -> None:
    """Take Route 53 out of what the operator's role may do; what nobody may do stays denied."""
    document = _document(world)
    document["Statement"] = [s for s in document["Statement"] if not s["Action"][0].startswith("route53:")]
    _put_version(world, document)


@disaster(
    "operator-elsewhere",
    "The operator's policy was narrowed to the primary region",
    trips=("prerequisites.operator-allowed",),
)
def operator_elsewhere(world: World) -> None:
    """Let every statement of what the operator's role may do hold in the primary region alone."""
    regions = world.environment.regions
    _put_version(world, json.loads(json.dumps(_document(world)).replace(regions.dr, regions.primary)))


@disaster("operator-policy-detached", "The operator's role lost its policy", trips=("prerequisites.operator-allowed",))
def operator_policy_detached(world: World) -> None:
    """Detach what the operator's role may do."""
    _detach(world, _ACT)


@disaster(
    "operator-may-delete",
    "The operator's role may do everything, and so delete primary data",
    trips=("prerequisites.operator-cannot-delete",),
)
def operator_may_delete(world: World) -> None:
    """Detach what denies, and put a policy that allows everything."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    named = {"RoleName": _role(world), "PolicyName": "everything"}
    world.undo(Side.GLOBAL, "iam", "DeleteRolePolicy", **named)
    world.call(Side.GLOBAL, "iam", "PutRolePolicy", **named, PolicyDocument=json.dumps(document))
    # A deny wins over any allow: without this the role could still delete nothing.
    _detach(world, "{env}-dr-operator-never")


def hide_object(world: World, side: Side, bucket: str, key: str) -> None:
    """Delete an object of a bucket with versions; the repair deletes the marker that hides it."""
    marker = world.call(side, "s3", "DeleteObject", Bucket=bucket, Key=key)["VersionId"]
    world.undo(side, "s3", "DeleteObject", Bucket=bucket, Key=key, VersionId=marker)


def replace_object(world: World, side: Side, bucket: str, key: str, text: str) -> None:
    """Put another version of an object; the repair deletes that version."""
    version = world.call(side, "s3", "PutObject", Bucket=bucket, Key=key, Body=text.encode())["VersionId"]
    world.undo(side, "s3", "DeleteObject", Bucket=bucket, Key=key, VersionId=version)


def _recovery(on: bool) -> dict[str, Any]:
    return {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on}}


def _control_table(world: World) -> str:
    return world.environment.named(world.environment.names.control_table)


def _runbook(world: World) -> tuple[str, str]:
    place = world.environment.named(world.environment.people.runbook)
    if not place.startswith("s3://"):
        raise SandboxError(f"The runbook of {world.environment.name} is a file ({place}), not an object of AWS.")
    bucket, _, key = place.removeprefix("s3://").partition("/")
    return bucket, key


def _role(world: World) -> str:
    return world.environment.acting_role


def _arn(world: World, name: str) -> str:
    return f"arn:aws:iam::{world.environment.account}:policy/{world.environment.named(name)}"


def _detach(world: World, name: str) -> None:
    for turn, operation in ((world.undo, "AttachRolePolicy"), (world.call, "DetachRolePolicy")):
        turn(Side.GLOBAL, "iam", operation, RoleName=_role(world), PolicyArn=_arn(world, name))


def _document(world: World) -> dict[str, Any]:
    named = {"PolicyArn": _arn(world, _ACT)}
    version = world.call(Side.GLOBAL, "iam", "GetPolicy", **named)["Policy"]["DefaultVersionId"]
    document = world.call(Side.GLOBAL, "iam", "GetPolicyVersion", **named, VersionId=version)["PolicyVersion"][
        "Document"
    ]
    return dict(json.loads(document) if isinstance(document, str) else document)


def _put_version(world: World, document: dict[str, Any]) -> None:
    """Make ``document`` the version in force of the operator's policy; the repair restores the version before it."""
    named = {"PolicyArn": _arn(world, _ACT)}
    before = world.call(Side.GLOBAL, "iam", "GetPolicy", **named)["Policy"]["DefaultVersionId"]
    text = json.dumps(document, separators=(",", ":"))
    response = world.call(Side.GLOBAL, "iam", "CreatePolicyVersion", **named, PolicyDocument=text, SetAsDefault=True)
    world.undo(Side.GLOBAL, "iam", "DeletePolicyVersion", **named, VersionId=response["PolicyVersion"]["VersionId"])
    # Recorded last, so replayed first: IAM does not delete the default version (API_DeletePolicyVersion).
    world.undo(Side.GLOBAL, "iam", "SetDefaultPolicyVersion", **named, VersionId=before)


@disaster(
    "evidence-key-disabled",
    "The key that signs evidence was disabled by a clean-up of unused keys",
    trips=("evidence.signed",),
)
def key_disabled(world: World) -> None:
    """Disable the key behind the alias."""
    env = world.environment
    key = world.call(Side.DR, "kms", "DescribeKey", KeyId=env.named(env.names.evidence_key))["KeyMetadata"]["Arn"]
    world.undo(Side.DR, "kms", "EnableKey", KeyId=key)
    world.call(Side.DR, "kms", "DisableKey", KeyId=key)


@disaster(
    "evidence-key-closed", "A new policy of the key that signs evidence lets nobody sign", trips=("evidence.signed",)
)
def key_closed(world: World) -> None:
    """Add a denial to the key's policy."""
    env = world.environment
    key = world.call(Side.DR, "kms", "DescribeKey", KeyId=env.named(env.names.evidence_key))["KeyMetadata"]["Arn"]
    named = {"KeyId": key, "PolicyName": "default"}
    former = world.call(Side.DR, "kms", "GetKeyPolicy", **named)["Policy"]
    denial = {"Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*"}
    policy = json.loads(former)
    closed = json.dumps({**policy, "Statement": [*policy["Statement"], denial]})
    world.undo(Side.DR, "kms", "PutKeyPolicy", **named, Policy=former)
    world.call(Side.DR, "kms", "PutKeyPolicy", **named, Policy=closed)


@disaster(
    "anchors-expire",
    "A rule for all log groups of the account lets the anchors of journals expire after a week",
    trips=("evidence.anchored",),
)
def anchors_expire(world: World) -> None:
    """Give the log group a retention of seven days."""
    env = world.environment
    name = env.named(env.names.anchor_log)
    world.undo(Side.DR, "logs", "DeleteRetentionPolicy", logGroupName=name)
    world.call(Side.DR, "logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=7)
