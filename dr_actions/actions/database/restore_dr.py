"""Brings the database up in the DR region: promotes the replica, or restores the newest copy, whichever is supported.

One mechanism, chosen by ``copy_selection.choose``. Nothing that stands in the DR region is deleted or renamed, ever. An
instance that already has the name is ours where it was absent when the plan was made and bears the tag of what it was
restored from; where it was there already it is done only if it holds the newest data (``copy_selection.newest_data``),
else it is left over from a drill and the run stops.

AWS Backup's copies of an RDS instance are RDS snapshots of type awsbackup, encrypted with the DR vault's key. They are
restored through RDS itself: the instance's name is taken in the very moment of the call, so a call that was made before
a crash is seen at once, and every parameter is checked by RDS. StartRestoreJob would need a role to pass, takes all
parameters as text, and creates the instance some time later. Source: RDS API, RestoreDBInstanceFromDBSnapshot. What a
restore does not name it takes from AWS's defaults (T56), so it names all that the primary database had, as it was last
seen. It starts in one zone, for the second one's copy takes its time and nobody waits for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from dr_actions.actions.database import copy_selection
from dr_actions.actions.database.copy_selection import CopyChoice, view_of
from dr_actions.model.action import Action, PlanContext, Sender, StepState, StepStatus, Waits, if_seen
from dr_actions.model.plan import Call, Danger, Json, Params, SendFailed, Step
from dr_checks.derived.database_copies import AUTOMATED, REPLICA, DatabaseCopy, known_database
from dr_estate.config.environment import Environment, Side
from dr_estate.model.aws_durations import limit_s
from dr_estate.model.control_items import DatabaseRecord
from dr_estate.model.recovery_names import RESTORED_FROM
from dr_estate.model.states import DATABASE
from dr_estate.readers import backup, kms, rds, rds_groups, vpc

GROUPS = "VpcSecurityGroupIds"
LOGS, STORAGE_LIMIT = "EnableCloudwatchLogsExports", "MaxAllocatedStorage"
_PROVISIONED = ("io1", "io2")
# RDS for MySQL takes IOPS and throughput of gp3 from this size on, and sets them itself below it (RDS: CHAP_Storage).
_GP3_PROVISIONED_GIB = 400
PROMOTE = "rds:PromoteReadReplica"
TO_POINT_IN_TIME = "rds:RestoreDBInstanceToPointInTime"
FROM_SNAPSHOT = "rds:RestoreDBInstanceFromDBSnapshot"
WRITES = frozenset({PROMOTE, TO_POINT_IN_TIME, FROM_SNAPSHOT})
_PROMOTION_S, _RESTORE_S = 900, 2700
ABSENT = "absent"
# The error's code, and the name of its shape in AWS's model.
_NO_CAPACITY = ("InsufficientDBInstanceCapacity", "InsufficientDBInstanceCapacityFault")


def call_for(context: PlanContext, choice: CopyChoice) -> Call:
    """The one call that makes the chosen copy the DR region's database."""
    if choice.copy.mechanism == REPLICA:
        # Without it RDS keeps a promoted replica's backups for one day (API_PromoteReadReplica, default 1).
        backup_retention = {"BackupRetentionPeriod": context.env.thresholds.backup_retention_days}
        params = {"DBInstanceIdentifier": choice.identifier, **backup_retention}
        return Call("rds", "PromoteReadReplica", context.env.regions.dr, params)
    return _restore(context, choice.copy, choice.identifier, _common(context, choice.copy.name))


def isolated_restore(context: PlanContext, copy: DatabaseCopy, name: str, tags: Json) -> Call:
    """The one call that restores the copy as a recovery would, but under ``name``, unprotected and without backups."""
    own = {"DeletionProtection": False, "BackupRetentionPeriod": 0, "CopyTagsToSnapshot": False, "Tags": tags}
    common = {key: value for key, value in _common(context, copy.name).items() if key != LOGS}  # they would stay behind
    return _restore(context, copy, name, {**common, **own})


def _restore(context: PlanContext, copy: DatabaseCopy, name: str, common: Params) -> Call:
    region = context.env.regions.dr
    if copy.mechanism == AUTOMATED:
        source = {
            "SourceDBInstanceAutomatedBackupsArn": copy.name,
            "UseLatestRestorableTime": True,
            "TargetDBInstanceIdentifier": name,
        }
        return Call("rds", "RestoreDBInstanceToPointInTime", region, {**source, **common})
    # AWS Backup's snapshots have a colon in their identifier: all behind the first `:snapshot:` is the name.
    snapshot = copy.name.partition(":snapshot:")[2]
    named = {"DBSnapshotIdentifier": snapshot, "DBInstanceIdentifier": name}
    common = {key: value for key, value in common.items() if key != STORAGE_LIMIT}  # a snapshot's restore takes none
    return Call("rds", "RestoreDBInstanceFromDBSnapshot", region, {**named, **common})


def _common(context: PlanContext, copy_arn: str) -> Params:
    env, like = context.env.on(Side.DR), known_database(view_of(context))
    return {
        **(_equal(context, like) if like is not None else {}),
        "DBSubnetGroupName": env.named(env.names.db_subnet_group),
        "DBParameterGroupName": env.named(env.names.db_parameter_group),
        GROUPS: [group_id(context) or pending_group(env)],
        # One zone is up sooner; protect_dr asks for the second one once visitors are served.
        "MultiAZ": False,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        # Left out, RDS decides by the subnet group whether the database gets a public address.
        "PubliclyAccessible": False,
        "BackupRetentionPeriod": env.thresholds.backup_retention_days,
        "Tags": [
            {"Key": "Environment", "Value": env.name},
            {"Key": "ManagedBy", "Value": "aws-dr-manager"},
            {"Key": "DR", "Value": "enabled"},
            {"Key": "Backup", "Value": "Required"},
            {"Key": RESTORED_FROM, "Value": copy_arn},
        ],
    }


def _equal(context: PlanContext, like: DatabaseRecord) -> Params:
    """What makes the restored instance the equal of the database that is ``like``."""
    params: dict[str, Json] = {
        "DBInstanceClass": like.instance_class,
        "StorageType": like.storage_type,
        "AutoMinorVersionUpgrade": like.auto_minor_upgrade,
        "EnableIAMDatabaseAuthentication": like.iam_authentication,
    }
    params |= provisioned_iops(like, like.storage_gib)
    if like.storage_limit_gib:
        params[STORAGE_LIMIT] = like.storage_limit_gib
    if like.log_exports:
        params[LOGS] = list(like.log_exports)
    if like.option_group and not lacks_option_group(context, like):
        params["OptionGroupName"] = like.option_group
    return params


def provisioned_iops(like: DatabaseRecord | rds.Instance, gib: int) -> Params:
    """IOPS and throughput of a copy of ``gib`` GiB: without them RDS refuses io1 and io2, and gives gp3 its least.

    Source: RDS API, StorageType of CreateDBInstanceReadReplica and RestoreDBInstanceFromDBSnapshot.
    """
    chosen = like.storage_type == "gp3" and min(gib, like.storage_gib) >= _GP3_PROVISIONED_GIB
    if not chosen and like.storage_type not in _PROVISIONED:
        return {}
    return {key: value for key, value in (("Iops", like.iops), ("StorageThroughput", like.throughput)) if value}


def lacks_option_group(context: PlanContext, like: DatabaseRecord) -> bool:
    """Whether the DR region is seen to lack the option group: RDS would refuse to restore with it."""
    groups = context.snapshot.get_if_seen(rds_groups.option_groups, Side.DR)
    return groups is not None and all(group.name != like.option_group for group in groups)


def classes(context: PlanContext) -> list[str]:
    """The instance classes to try in order: the primary database's own, then database.classes.

    The own one is "" where it is not known: a restore that names no class takes the original's.
    """
    like = known_database(view_of(context))
    return list(dict.fromkeys([like.instance_class if like else "", *context.env.database.classes]))


def pending_group(env: Environment) -> str:
    """Stands for the id of the database's security group while it is not there yet: provisioning may make it."""
    name = env.named(env.on(Side.DR).names.db_security_group)
    return f"<the security group {name} of {env.regions.dr}, once provisioned>"


def group_id(context: PlanContext) -> str:
    """The id of the database's security group in the DR region, "" where it is absent or unseen."""
    name = context.env.named(context.env.on(Side.DR).names.db_security_group)
    groups = context.snapshot.get_if_seen(vpc.security_groups, Side.DR) or ()
    return next((group.id for group in groups if group.name == name), "")


def filled_call(call: Call, context: PlanContext) -> Call:
    """The planned call with the security group as it is now.

    Raises ValueError where that is absent: RDS would take the VPC's default group, out of the tasks' reach.
    """
    if GROUPS not in call.params:
        return call
    found = group_id(context)
    if not found:
        raise ValueError(f"{pending_group(context.env)} is still absent")
    params: dict[str, Json] = {**call.params, GROUPS: [found]}
    return Call(call.service, call.operation, call.region, params)


class DataAge(StrEnum):
    """What an instance held that was there when the plan was made, as plans store it."""

    NEWEST = "the newest data"
    OLDER = "older data"


def restore_steps(context: PlanContext) -> Iterator[Step]:
    """The one step; before a promotion another that waits until the replica can be promoted (T22)."""
    choice = copy_selection.choose(context)
    if choice is None:
        return
    if choice.copy.mechanism == REPLICA:
        replica = copy_selection.instance(context, choice.identifier)
        if replica is not None:
            name, region = choice.identifier, context.env.regions.dr
            before = {"resource": replica.resource_id, "source": replica.source}
            yield context.step(
                RESTORE_DR.name,
                name,
                part="promotable",
                side=Side.DR,
                says=f"Wait until the read replica {name} is available: promotion is refused while it backs up.",
                budget_s=_PROMOTION_S,
                before=before,
                after={"status": "available"},
            )
            yield context.step(
                RESTORE_DR.name,
                name,
                side=Side.DR,
                says=f"Promote the read replica {name} in {region} to the primary database; it reboots and "
                "follows no more.",
                danger=Danger.IRREVERSIBLE,
                undo="None: a promoted replica can never follow its source again; failback makes a new one.",
                budget_s=_PROMOTION_S,
                call=call_for(context, choice),
                before=before,
                after={"resource": replica.resource_id, "source": ""},
            )
    else:
        yield _restore_step(context, choice)


def _restore_step(context: PlanContext, choice: CopyChoice) -> Step:
    name, region = choice.identifier, context.env.regions.dr
    there, like = copy_selection.instance(context, name), known_database(copy_selection.view_of(context))
    what = "the latest restorable time" if choice.copy.mechanism == AUTOMATED else "the newest complete recovery point"
    # Known when the plan is made: a later instance of this name is ours only where none was there before.
    before: dict[str, object] = {"instance": there.resource_id if there else ABSENT}
    before["classes"] = classes(context)
    if there is not None:
        newest = not there.source and copy_selection.newest_data(context, there)
        before["holds"] = (DataAge.NEWEST if newest else DataAge.OLDER).value
    gib = like.storage_gib if like is not None else 0
    return context.step(
        RESTORE_DR.name,
        name,
        side=Side.DR,
        says=f"Restore the database {name} in {region} to {what} of {choice.copy.name}.",
        danger=Danger.COMPENSABLE,
        undo=f"The new instance {name} is left where it is: this tool deletes no database. Delete it by hand.",
        budget_s=limit_s("rds.restore-to-point-in-time", _RESTORE_S, gib),
        call=call_for(context, choice),
        before=before,
        after={"instance": name, RESTORED_FROM: choice.copy.name},
    )


def restore_status(step: Step, context: PlanContext) -> StepStatus:
    """How the replica, or the instance to be restored, stands. Source: RDS User Guide, DB instance status."""
    instance = copy_selection.instance(context, step.subject)
    if "resource" in step.before:
        return _promotion_status(step, instance)
    if instance is None:
        return _absent_status(step, context)
    if instance.source:
        message = f"{instance.identifier} is a read replica of {instance.source}, which cannot be relied on"
        return StepStatus(StepState.DRIFTED, f"{message}, and has the name. {_rename(instance)}", _evidence(instance))
    if step.before["instance"] == instance.resource_id:
        if step.before["holds"] == DataAge.NEWEST:
            return _instance_status(instance, "restored already")
        message = (
            f"{instance.identifier} was there before this plan and holds older data than the copies do. If an "
            f"interrupted recovery made it, resume that incident. Is it left over from a drill? {_rename(instance)}"
        )
        return StepStatus(StepState.DRIFTED, message, _evidence(instance))
    made_from = dict(instance.tags).get(RESTORED_FROM)
    # The tag is set by the restore's own call, so it is there from the first moment that the instance is listed.
    if made_from != step.after[RESTORED_FROM]:
        origin = made_from or "nothing this tool knows"
        message = f"{instance.identifier} appeared meanwhile and was restored from {origin}"
        return StepStatus(StepState.DRIFTED, f"{message}: find out who made it, then assess again.")
    return _instance_status(instance, "restored")


def _promotion_status(step: Step, instance: rds.Instance | None) -> StepStatus:
    if instance is None or instance.resource_id != step.before["resource"]:
        return StepStatus(StepState.DRIFTED, f"The replica {step.subject} that was planned upon is gone.")
    if not instance.source:
        return _instance_status(instance, "promoted")
    if instance.source != step.before["source"]:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} replicates from {instance.source} now.")
    if step.call is None and DATABASE[instance.status].promotable:
        return StepStatus(StepState.DONE, f"{instance.identifier} is available and can be promoted.")
    if DATABASE[instance.status].promotable:
        message = f"{instance.identifier} is a read replica and can be promoted."
        return StepStatus(StepState.READY, message, _evidence(instance))
    if DATABASE[instance.status].broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is {instance.status}.", _evidence(instance))
    message, works = f"{instance.identifier} is {instance.status}.", DATABASE[instance.status].busy
    return StepStatus(StepState.IN_PROGRESS, message, progress=(instance.status,), works=works)


def _absent_status(step: Step, context: PlanContext) -> StepStatus:
    """Absent is as the plan wants it, also where a leftover was taken away by hand, if what it needs is there."""
    env = context.env
    if not group_id(context):
        # group_id answers "" for both: reading it again raises where the groups could not be seen.
        context.snapshot.get(vpc.security_groups, Side.DR)  # unseen is not absent
        group = env.named(env.on(Side.DR).names.db_security_group)
        message = f"the security group {group} is absent in {env.regions.dr}: RDS would put the database out of reach"
        return StepStatus(StepState.DRIFTED, f"{message}. Provision it, or correct names.db_security_group.")
    source = step.after[RESTORED_FROM]
    moment = restorable_to(context, source)
    if moment is None:
        return StepStatus(StepState.DRIFTED, f"The copy {source} is gone, or can no longer be restored.")
    facts = (("restorable to", f"{moment:%Y-%m-%dT%H:%M:%SZ}"), ("source", str(source)))
    return StepStatus(StepState.READY, f"{step.subject} is absent and can be restored.", facts)


def restorable_to(context: PlanContext, source: str) -> datetime | None:
    """Until when the copy of that ARN holds what was written, None where it is gone. Raises DataUnavailable."""
    backups = context.snapshot.find(rds.automated_backups, Side.DR, arn=source)
    if backups is not None:
        return backups.latest
    point = context.snapshot.find(backup.recovery_points, Side.DR, arn=source)
    return point.created_at if point else None


def _rename(instance: rds.Instance) -> str:
    region, name = instance.arn.split(":")[3], instance.identifier
    command = f"aws rds modify-db-instance --region {region} --db-instance-identifier {name}"
    options = f"--new-db-instance-identifier {instance.identifier}-old --apply-immediately"
    return f"Rename or delete it by hand (`{command} {options}`), then run again."


def _instance_status(instance: rds.Instance, how: str) -> StepStatus:
    state, message, facts = DATABASE[instance.status], f"{instance.identifier} is {how}", _evidence(instance)
    if state.broken:
        return StepStatus(StepState.FAILED, f"{message}, but {instance.status}.", facts)
    if state.changeable and instance.host:
        return StepStatus(StepState.DONE, f"{message} and answers at {instance.host}.", facts)
    message = f"{message} and {instance.status or 'in an unknown state'}."
    return StepStatus(StepState.IN_PROGRESS, message, progress=(instance.status,), works=state.busy)


def _evidence(instance: rds.Instance) -> tuple[tuple[str, str], ...]:
    return (
        ("host", instance.host),
        ("arn", instance.arn),
        ("resource", instance.resource_id),
        ("status", instance.status),
        ("class", instance.instance_class),
    )


def send_restore(step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Send the call with each class in turn until RDS has capacity for one. Raises what ``sender.send`` raises.

    Returns the class that was taken. Where none has capacity the last refusal passes through: the run asks again.
    """
    refused: SendFailed | None = None
    for instance_class in step.before.get("classes", ()):
        try:
            own = {"DBInstanceClass": instance_class} if instance_class else {}
            sender.send(replace(call, params={**call.params, **own}))
        except SendFailed as failed:
            # Capacity is by class: RDS may have another one at once (T56). Any other refusal would come for each.
            if failed.code not in _NO_CAPACITY:
                raise
            refused = failed
        else:
            return {"class": instance_class}
    if refused is not None:
        raise refused
    return sender.send(call)


def restore_notes(context: PlanContext) -> Iterator[str]:
    """Why this mechanism, what stands in the way, and what the restored database would lack."""
    yield from copy_selection.notes(context)
    yield from _unequal(context)


@if_seen
def _unequal(context: PlanContext) -> Iterator[str]:
    choice, like = copy_selection.choose(context), known_database(copy_selection.view_of(context))
    if choice is None or choice.copy.mechanism == REPLICA:
        return
    name, region = copy_selection.name_of(context), context.env.regions.dr
    if like is None:
        yield (
            f"What {name} was like is neither seen nor remembered: RDS gives the restored one default storage, "
            "and the default option group (T56). Compare them with the Terraform of the primary region."
        )
    elif like.option_group and lacks_option_group(context, like):
        yield f"{region} has no option group {like.option_group}: {name} is restored with the default one there."


RESTORE_DR = Action(
    "database/restore_dr",
    "Brings the database up in the DR region: promotes the replica, or restores the newest copy, "
    "whichever is supported.",
    WRITES,
    (rds.instances, rds.automated_backups, rds.lags, backup.recovery_points, kms.copy_keys, vpc.security_groups),
    restore_steps,
    restore_status,
    build_call=lambda step, context: filled_call(step.planned_call, context),
    omissions=restore_notes,
    send=send_restore,
    waits=Waits(()),
)
