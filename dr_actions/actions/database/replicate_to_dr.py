"""Replicates the primary region's database to the DR region again, by the mechanism that the failover had relied on.

Automated backups are replicated by a call in the DR region; a read replica is created there from scratch; AWS Backup
copies by its own plan what has the tags, which the new instance took over. Source: RDS API,
StartDBInstanceAutomatedBackupsReplication (T24).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.size_limits import limit_s
from dr_actions.actions.database import failback
from dr_actions.actions.database.end_stale_replication import RUNNING
from dr_actions.actions.database.restore_calls import provisioned
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import part_of
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, REPLICA
from dr_estate.config.environment import Side
from dr_estate.model.restored_names import RESTORED_FROM
from dr_estate.model.states import DATABASE, DATABASE_REPLICATION
from dr_estate.readers import rds

START, CREATE = "rds:StartDBInstanceAutomatedBackupsReplication", "rds:CreateDBInstanceReadReplica"
MODIFY = "rds:ModifyDBInstance"
_KEEPS = "replica_backups"
_BUDGET_S, _REPLICA_S, _BACKUPS_S = 3600, 10800, 1800
_WORDS = {AUTOMATED: "its automated backups are replicated", REPLICA: "a read replica follows it"}


def mechanism(context: PlanContext, source: rds.Instance) -> str:
    """What the failover relied on: as recorded, as the restored instance says, else what the environment prefers."""
    recorded = context.before("database/restore_dr", source.identifier)
    if recorded.get("source"):
        return REPLICA
    restored_from = dict(source.tags).get(RESTORED_FROM, "")
    if restored_from:
        return AUTOMATED if ":auto-backup:" in restored_from else BACKUP
    return context.env.replication.database[0]


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The step of that mechanism; none for AWS Backup, whose plan acts by itself."""
    source = failback.writer(context)
    if source is None or not context.env.replicates:
        return
    how = mechanism(context, source)
    if how == AUTOMATED:
        budget_s = limit_s("rds.replicate-backups", _BUDGET_S, source.storage_gib)
        yield _step(context, source, how, failback.own_name(context), _backups_call(context), budget_s)
    elif how == REPLICA:
        name = source.identifier
        budget_s = limit_s("rds.create-replica", _REPLICA_S, source.storage_gib)
        yield _step(context, source, how, name, _replica_call(context, source), budget_s)
        if source.retention_days:
            yield _retention(context, source)


def _step(context: PlanContext, source: rds.Instance, how: str, subject: str, call: Call, budget_s: int) -> Step:
    name, dr = failback.own_name(context), context.env.regions.dr
    return context.step(
        __name__,
        subject,
        side=Side.DR,
        says=f"Protect {name} of {context.env.regions.primary} in {dr} again: {_WORDS[how]} there.",
        danger=Danger.COMPENSABLE,
        undo="Left on: replication harms nobody.",
        budget_s=budget_s,
        call=call,
        before={"mechanism": how, "source": failback.primary_arn(context), "resource": source.resource_id},
        after={"replicates": failback.primary_arn(context)},
    )


def _backups_call(context: PlanContext) -> Call:
    """With the key and retention of the copies of before, else the environment's."""
    env = context.env
    before = [b for b in context.snapshot.get(rds.automated_backups, Side.DR) if b.source_region == env.regions.primary]
    copies = max(before, key=lambda backup: (backup.latest is not None, backup.latest, backup.arn), default=None)
    params = {
        "SourceDBInstanceArn": failback.primary_arn(context),
        "BackupRetentionPeriod": copies.retention_days if copies else env.thresholds.backup_retention_days,
        "KmsKeyId": (copies.key_arn if copies else "") or env.named(env.names.db_copy_key_alias),
        "SourceRegion": env.regions.primary,
    }
    return Call("rds", "StartDBInstanceAutomatedBackupsReplication", env.regions.dr, params)


def _replica_call(context: PlanContext, source: rds.Instance) -> Call:
    """As the replica of before was: its class, key and groups are those of the database it was promoted to."""
    env = context.env
    tags = [{"Key": k, "Value": v} for k, v in source.tags if not k.lower().startswith("aws:")]
    params: dict[str, Json] = {
        "DBInstanceIdentifier": source.identifier,
        "SourceDBInstanceIdentifier": failback.primary_arn(context),
        "SourceRegion": env.regions.primary,
        "DBInstanceClass": source.instance_class,
        "DBSubnetGroupName": source.subnet_group,
        "DBParameterGroupName": failback.group_of(source),
        "VpcSecurityGroupIds": list(source.security_groups),
        "MultiAZ": source.multi_az,
        "DeletionProtection": source.deletion_protection,
        "CopyTagsToSnapshot": True,
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": source.auto_minor_upgrade,
        "StorageType": source.storage_type,
        "Tags": tags,
        **provisioned(source, source.storage_gib),
    }
    if source.encrypted:
        params["KmsKeyId"] = source.key_arn
    if source.log_exports:
        params["EnableCloudwatchLogsExports"] = list(source.log_exports)
    return Call("rds", "CreateDBInstanceReadReplica", env.regions.dr, params)


def _retention(context: PlanContext, source: rds.Instance) -> Step:
    name, region, days = source.identifier, context.env.regions.dr, source.retention_days
    params = {"DBInstanceIdentifier": name, "BackupRetentionPeriod": days, "ApplyImmediately": True}
    return context.step(
        __name__,
        name,
        part=_KEEPS,
        side=Side.DR,
        says=f"Let the read replica {name} in {region} keep backups of its own for {days} days: it begins without.",
        danger=Danger.REVERSIBLE,
        undo="Left on: backups harm nobody.",
        budget_s=_BACKUPS_S,
        call=Call("rds", "ModifyDBInstance", region, params),
        before={"source": failback.primary_arn(context)},
        after={"days": days},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """How the copies in the DR region stand."""
    if part_of(step.id) == _KEEPS:
        return _of_retention(step, context)
    primary = failback.named(context, Side.PRIMARY, failback.own_name(context))
    if primary is None or primary.source:
        message = "is gone from the primary region" if primary is None else f"still replicates from {primary.source}"
        return StepStatus(StepState.DRIFTED, f"{failback.own_name(context)} {message}.")
    status = _of_backups(context, primary) if step.before["mechanism"] == AUTOMATED else _of_replica(step, context)
    if status is not None:
        return status
    if not primary.retention_days:
        return StepStatus(StepState.DRIFTED, f"{primary.identifier} keeps no backups: nothing can be replicated.")
    if not DATABASE[primary.status].changeable:
        works = DATABASE[primary.status].busy
        return StepStatus(StepState.IN_PROGRESS, f"{primary.identifier} is {primary.status}.", works=works)
    return StepStatus(StepState.READY, f"{primary.identifier} is not protected in the DR region yet.")


def _of_backups(context: PlanContext, primary: rds.Instance) -> StepStatus | None:
    """By resource id: the copies of the old instance stay, and are no protection of the new one."""
    copies = context.snapshot.find(rds.automated_backups, Side.DR, resource_id=primary.resource_id)
    if copies is None:
        return _of_another(context, primary)
    facts = (("copies", copies.arn), ("status", copies.status))
    if copies.status == "replicating" and copies.latest is not None:
        message = f"{primary.identifier} can be restored to {copies.latest:%Y-%m-%dT%H:%M:%SZ} in the DR region."
        return StepStatus(StepState.DONE, message, facts)
    message = f"The copies of {primary.identifier} are {copies.status or 'in an unknown state'}."
    return StepStatus(StepState.IN_PROGRESS, message, facts)


def _of_another(context: PlanContext, primary: rds.Instance) -> StepStatus | None:
    """DRIFTED while those of another database of this name are replicated: RDS takes one replication of a name."""
    for row in context.snapshot.get(rds.automated_backups, Side.DR):
        if row.instance_arn == primary.arn and row.status in RUNNING:
            region = context.env.regions.dr
            message = (
                f"{region} still replicates the backups of {row.resource_id}, which bore the name {row.identifier} "
                "before: end that first (`aws rds stop-db-instance-automated-backups-replication "
                f"--region {region} --source-db-instance-arn {row.instance_arn}`); what was replicated stays."
            )
            return StepStatus(StepState.DRIFTED, message, (("copies", row.arn), ("status", row.status)))
    return None


def _of_replica(step: Step, context: PlanContext) -> StepStatus | None:
    instance = failback.named(context, Side.DR, step.subject)
    if instance is None:
        return None
    facts, state, link = (
        failback.evidence_of(instance),
        DATABASE[instance.status],
        DATABASE_REPLICATION[instance.replication],
    )
    if instance.source != step.after["replicates"]:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} of the DR region is another database.", facts)
    if state.broken or link.broken:
        return StepStatus(
            StepState.FAILED, f"{instance.identifier} is {instance.status}, {instance.replication}.", facts
        )
    if state.serves and link.serves:
        return StepStatus(StepState.DONE, f"{instance.identifier} replicates {instance.source}.", facts)
    return StepStatus(StepState.IN_PROGRESS, f"{instance.identifier} is {instance.status}.", facts, works=state.busy)


def _of_retention(step: Step, context: PlanContext) -> StepStatus:
    instance = failback.named(context, Side.DR, step.subject)
    if instance is None or instance.source != step.before["source"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is no replica of the database at home.")
    if instance.retention_days >= step.after["days"]:
        return StepStatus(StepState.DONE, f"{instance.identifier} keeps backups for {instance.retention_days} days.")
    state = DATABASE[instance.status]
    how = StepState.READY if state.changeable else StepState.IN_PROGRESS
    return StepStatus(how, f"{instance.identifier} is {instance.status}.", works=state.busy)


def notes(context: PlanContext) -> Iterator[str]:
    """What is left out, and what of the old copies stays."""
    source = failback.writer(context)
    if source is None or not context.env.replicates:
        return
    name, dr = failback.own_name(context), context.env.regions.dr
    how = mechanism(context, source)
    if how == BACKUP:
        yield f"{name} is protected by AWS Backup's own plan again: its first copy in {dr} comes with the next backup."
    elif how == AUTOMATED:
        yield f"The replicated backups of the old {name} in {dr} stay until they expire: they are no copy of the new."


ACTION = action(globals(), {START, CREATE, MODIFY}, (rds.instances, rds.automated_backups))
