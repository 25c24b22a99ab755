"""Logs that cannot be written, and alarms that would notify nobody (T40)."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World

_ALARM_KEYS = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "Dimensions",
    "Period",
    "EvaluationPeriods",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
)


def _log_group(world: World) -> str:
    return world.environment.named(world.environment.names.log_group, tenant=world.tenants[-1])


def _alarm(world: World) -> dict[str, Any]:
    """The last alarm the environment names, in the DR region, as PutMetricAlarm takes it."""
    name = world.environment.named(world.environment.names.alarms[-1])
    found = world.call(Side.DR, "cloudwatch", "DescribeAlarms", AlarmNames=[name])["MetricAlarms"][0]
    tags = world.call(Side.DR, "cloudwatch", "ListTagsForResource", ResourceARN=found["AlarmArn"])["Tags"]
    return {key: found[key] for key in _ALARM_KEYS if key in found} | {"Tags": tags}


@disaster(
    "log-group-deleted",
    "One tenant's log group is missing in the DR region: its tasks would not start",
    trips=("logs.groups-exist",),
)
def log_group_deleted(world: World) -> None:
    """Delete the last tenant's log group."""
    name = _log_group(world)
    rows = world.call(Side.DR, "logs", "DescribeLogGroups", logGroupNamePrefix=name)["logGroups"]
    group = next(row for row in rows if row["logGroupName"] == name)
    if days := group.get("retentionInDays"):
        world.undo(Side.DR, "logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
    key = {"kmsKeyId": group["kmsKeyId"]} if group.get("kmsKeyId") else {}
    arn = group["arn"].removesuffix(":*")
    tags = world.call(Side.DR, "logs", "ListTagsForResource", resourceArn=arn)["tags"]
    # Its streams are not put back: a new group begins without any.
    world.undo(Side.DR, "logs", "CreateLogGroup", logGroupName=name, tags=tags, **key)
    world.call(Side.DR, "logs", "DeleteLogGroup", logGroupName=name)


@disaster(
    "log-key-disabled", "The key of one tenant's log group in the DR region is disabled", trips=("logs.keys-usable",)
)
def log_key_disabled(world: World) -> None:
    """Encrypt the last tenant's log group under a key that admits CloudWatch Logs, and disable the key."""
    name, env = _log_group(world), world.environment
    # Logs must be named in the key's policy (CloudWatch Logs guide, encrypt log data with KMS).
    who = {"AWS": f"arn:aws:iam::{env.account}:root", "Service": f"logs.{env.regions.dr}.amazonaws.com"}
    policy = {"Statement": [{"Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"}]}
    key = world.call(Side.DR, "kms", "CreateKey", Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    # KMS deletes no key at once; seven days are the least (API_ScheduleKeyDeletion).
    world.undo(Side.DR, "kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    world.undo(Side.DR, "logs", "DisassociateKmsKey", logGroupName=name)
    # Before the key is disabled: Logs takes no disabled key (API_AssociateKmsKey).
    world.call(Side.DR, "logs", "AssociateKmsKey", logGroupName=name, kmsKeyId=key)
    world.undo(Side.DR, "kms", "EnableKey", KeyId=key)
    world.call(Side.DR, "kms", "DisableKey", KeyId=key)


@disaster(
    "log-retention-short", "One tenant's log in the DR region is forgotten after a day", trips=("logs.retention",)
)
def log_retention_short(world: World) -> None:
    """Keep the last tenant's log for one day."""
    name = _log_group(world)
    world.undo(Side.DR, "logs", "DeleteRetentionPolicy", logGroupName=name)
    world.call(Side.DR, "logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=1)


@disaster("alarm-deleted", "An alarm of the DR region was deleted", trips=("alarms.exist",))
def alarm_deleted(world: World) -> None:
    """Delete the last of the named alarms in the DR region."""
    alarm = _alarm(world)
    world.undo(Side.DR, "cloudwatch", "PutMetricAlarm", **alarm)
    world.call(Side.DR, "cloudwatch", "DeleteAlarms", AlarmNames=[alarm["AlarmName"]])


@disaster("alarm-going-off", "An alarm of the DR region is going off", trips=("alarms.state",))
def alarm_going_off(world: World) -> None:
    """Set the last of the named alarms to ALARM."""
    name = _alarm(world)["AlarmName"]
    for turn, state in ((world.undo, "OK"), (world.call, "ALARM")):
        change = {"AlarmName": name, "StateValue": state, "StateReason": "set by a disaster of the sandbox"}
        # On AWS the next evaluation sets it back (API_SetAlarmState); here it stays.
        turn(Side.DR, "cloudwatch", "SetAlarmState", **change)


@disaster("alarm-deaf", "An alarm of the DR region has a limit that is never crossed", trips=("alarms.parity",))
def alarm_deaf(world: World) -> None:
    """Raise the threshold a thousandfold."""
    alarm = _alarm(world)
    world.undo(Side.DR, "cloudwatch", "PutMetricAlarm", **alarm)
    world.call(Side.DR, "cloudwatch", "PutMetricAlarm", **(alarm | {"Threshold": alarm["Threshold"] * 1000}))


@disaster("alarm-silent", "An alarm of the DR region goes off and notifies nobody", trips=("alarms.actions",))
def alarm_silent(world: World) -> None:
    """Disable the actions of the last of the named alarms."""
    names = [_alarm(world)["AlarmName"]]
    world.undo(Side.DR, "cloudwatch", "EnableAlarmActions", AlarmNames=names)
    world.call(Side.DR, "cloudwatch", "DisableAlarmActions", AlarmNames=names)
