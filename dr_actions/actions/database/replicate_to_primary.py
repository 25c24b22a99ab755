"""Copies the DR region's database back to the primary region as a read replica with the estate's own name.

Its endpoint is made of name, account and region, so it answers at the same host that the primary's task definitions
name. It gets the old instance's key, groups and class: by name alone it would share what was frozen, and a key of
another region cannot be used there (T19). A source needs automated backups (API_CreateDBInstanceReadReplica).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.size_limits import limit_s
from dr_actions.actions.database import failback
from dr_actions.actions.database.restore_calls import provisioned
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import part_of
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE, DATABASE_REPLICATION
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds, vpc

CREATE, MODIFY = "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"
_BUDGET_S, _BACKUPS_S = 10800, 1800
_SOURCE = "source_backups"
_AWS_KEY = "alias/aws/rds"
_GROUPS = "VpcSecurityGroupIds"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The replica; before it, where the DR region's database keeps none, the backups that it cannot do without."""
    source = failback.writer(context)
    if source is None:
        return
    if not source.retention_days:
        yield _backups(context, source)
    yield _replica(context, source)


def _backups(context: PlanContext, source: rds.Instance) -> Step:
    days, region = context.env.thresholds.backup_retention_days, context.env.regions.dr
    params = {"DBInstanceIdentifier": source.identifier, "BackupRetentionPeriod": days, "ApplyImmediately": True}
    return context.step(
        __name__,
        source.identifier,
        part=_SOURCE,
        side=Side.DR,
        says=f"Let {source.identifier} in {region} keep backups for {days} days: without them nothing replicates it.",
        danger=Danger.REVERSIBLE,
        undo="Left on: backups harm nobody.",
        budget_s=_BACKUPS_S,
        call=Call("rds", "ModifyDBInstance", region, params),
        before={"resource": source.resource_id, "days": 0},
        after={"days": days},
    )


def _replica(context: PlanContext, source: rds.Instance) -> Step:
    name, region = failback.own_name(context), context.env.regions.primary
    before, taken = failback.old(context), failback.named(context, Side.PRIMARY, failback.own_name(context))
    return context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Replicate {source.identifier} of {context.env.regions.dr} into a new {name} in {region}.",
        danger=Danger.COMPENSABLE,
        undo=f"The new instance {name} is left where it is: this tool deletes no database. Delete it by hand.",
        budget_s=limit_s("rds.create-replica", _BUDGET_S, source.storage_gib),
        call=_call(context, source),
        before={
            "source": source.arn,
            "resource": source.resource_id,
            "old": before.resource_id if before else "",
            "here": taken.resource_id if taken and not before else "",
        },
        after={"source": source.arn},
    )


def _call(context: PlanContext, source: rds.Instance) -> Call:
    """The call, as the old instance was; without one as the source is, in the estate's own groups."""
    env, model = context.env, failback.model(context)
    like = model or source
    params: dict[str, Json] = {
        "DBInstanceIdentifier": failback.own_name(context),
        "SourceDBInstanceIdentifier": source.arn,
        "SourceRegion": env.regions.dr,
        "DBInstanceClass": like.instance_class,
        "DBSubnetGroupName": model.subnet_group if model else env.named(env.names.db_subnet_group),
        "DBParameterGroupName": (failback.group_of(model) if model else "") or env.named(env.names.db_parameter_group),
        _GROUPS: _security_groups(context, model),
        "MultiAZ": like.multi_az,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": like.auto_minor_upgrade,
        "StorageType": like.storage_type,
        "Tags": failback.tags_for(model, source),
    }
    if source.encrypted:
        params["KmsKeyId"] = (model.key_arn if model else "") or _AWS_KEY
    if like.storage_limit_gib:
        params["MaxAllocatedStorage"] = like.storage_limit_gib
    params |= provisioned(like, source.storage_gib)
    if like.log_exports:
        params["EnableCloudwatchLogsExports"] = list(like.log_exports)
    options = [name for name, _ in model.option_groups if not name.startswith("default:")] if model else []
    if options:
        params["OptionGroupName"] = options[0]
    return Call("rds", "CreateDBInstanceReadReplica", env.regions.primary, params)


def _security_groups(context: PlanContext, model: rds.Instance | None) -> list[str]:
    """The old instance's own; else the estate's by name, a sentence while it is not there."""
    if model is not None and model.security_groups:
        return list(model.security_groups)
    name = context.env.named(context.env.names.db_security_group)
    try:
        known = context.snapshot.get(vpc.security_groups, Side.PRIMARY)
    except DataUnavailable:
        known = ()
    found = sorted(group.id for group in known if group.name == name)
    return found[:1] or [f"<the security group {name} of {context.env.regions.primary}, once it is there>"]


def observe(step: Step, context: PlanContext) -> StepStatus:
    """How the source's backups, or the new instance, stand."""
    source = failback.by_resource(context, Side.DR, step.before["resource"])
    if source is None or source.source:
        gone = "is gone from the DR region" if source is None else "is a replica itself now"
        return StepStatus(StepState.DRIFTED, f"The database {step.before['resource']} {gone}.")
    if part_of(step.id) == _SOURCE:
        return _of_backups(source)
    instance = failback.named(context, Side.PRIMARY, step.subject)
    if instance is None:
        return _of_absent(step, source)
    if instance.resource_id == step.before["old"]:
        return StepStatus(StepState.DRIFTED, f"The old {instance.identifier} still has its name: it is not set aside.")
    if not failback.is_of(instance, source):
        return StepStatus(
            StepState.DRIFTED,
            f"Another {instance.identifier} stands in the primary region.",
            failback.evidence_of(instance),
        )
    return _of_replica(context, instance)


def _of_backups(source: rds.Instance) -> StepStatus:
    if source.retention_days and DATABASE[source.status].serves:
        return StepStatus(StepState.DONE, f"{source.identifier} keeps backups.", failback.evidence_of(source))
    if DATABASE[source.status].changeable:
        return StepStatus(StepState.READY, f"{source.identifier} keeps no backups.")
    return _of_changing(source)


def _of_changing(source: rds.Instance) -> StepStatus:
    message = f"{source.identifier} is {source.status}."
    return StepStatus(StepState.IN_PROGRESS, message, works=DATABASE[source.status].busy)


def _of_absent(step: Step, source: rds.Instance) -> StepStatus:
    if step.before["here"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} of the primary region is gone.")
    if not source.retention_days:
        return StepStatus(StepState.DRIFTED, f"{source.identifier} keeps no backups any more: nothing replicates it.")
    if not DATABASE[source.status].changeable:
        return _of_changing(source)
    return StepStatus(StepState.READY, f"{step.subject} is absent and can be made.", failback.evidence_of(source))


def _of_replica(context: PlanContext, instance: rds.Instance) -> StepStatus:
    facts, state = failback.evidence_of(instance), DATABASE[instance.status]
    if state.broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is {instance.status}.", facts)
    if state.serves and (broken := failback.broken_link(context, instance)):
        return StepStatus(StepState.FAILED, f"{broken}.", facts)
    replicates = DATABASE_REPLICATION[instance.replication].serves
    if state.serves and instance.host and (not instance.source or replicates):
        how = f"replicates {instance.source}" if instance.source else "came home already"
        return StepStatus(StepState.DONE, f"{instance.identifier} {how}.", facts)
    return StepStatus(
        *(StepState.IN_PROGRESS, f"{instance.identifier} is {instance.status}."),
        progress=(instance.status,),
        works=state.busy,
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The planned call, its security group as it is now. Raises ValueError where there is none."""
    planned = step.planned_call.params.get(_GROUPS, ())
    if not any(str(group).startswith("<") for group in planned):
        return step.planned_call
    found = _security_groups(context, None)
    if found[0].startswith("<"):
        raise ValueError(f"{found[0]} is still absent")
    return step.call_with({_GROUPS: found})


def notes(context: PlanContext) -> Iterator[str]:
    """Why this way, and what the new instance is like where there is no old one."""
    source = failback.writer(context)
    if source is None:
        return
    yield (
        f"The database comes home as a read replica of {source.identifier} of {context.env.regions.dr}, which is then "
        "promoted: RDS reports its progress, and the DR region serves pages meanwhile. Snapshots would have to be "
        "copied after the freeze, and report no progress."
    )
    if failback.model(context) is None:
        yield (
            f"{context.env.regions.primary} has no old {failback.own_name(context)}: the new one is made as the "
            f"copy is."
        )


ACTION = action(globals(), {CREATE, MODIFY}, (rds.instances, vpc.security_groups))
