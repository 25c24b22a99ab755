"""The replication of the database in a failback: the old one ended, the data copied back, the DR region covered again.

The old primary keeps its rows, but not its name: two replicated backups would have the same name, and a later failover
could use the older one (T57). Their replication ends while the old primary still has the ARN with which it began. What
was replicated stays until it expires (RDS User Guide, Stopping automated backup replication).

The data comes back by a read replica with the estate's own name. Its endpoint is made of name, account and region, so
it answers at the same host that the primary's task definitions name. It gets the old instance's key, groups and class:
by name alone it would share what was frozen, and a key of another region cannot be used there (T19). A source needs
automated backups (API_CreateDBInstanceReadReplica).

The DR region is covered by the mechanism that the failover had relied on. Automated backups are replicated by a call in
the DR region; a read replica is created there from scratch; AWS Backup copies by its own plan what has the tags, which
the new instance took over. Source: RDS API, StartDBInstanceAutomatedBackupsReplication (T24).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.actions.database.restore_dr import provisioned_iops
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Json, Step, part_of
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, REPLICA
from dr_estate.config.environment import Side
from dr_estate.model.aws_durations import limit_s
from dr_estate.model.recovery_names import RESTORED_FROM
from dr_estate.model.states import DATABASE, DATABASE_REPLICATION
from dr_estate.readers import rds, vpc

_STOP = "StopDBInstanceAutomatedBackupsReplication"
# How replicated backups stand that RDS adds to still.
RUNNING = ("replicating", "pending")
CREATE, MODIFY = "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"
START = "rds:StartDBInstanceAutomatedBackupsReplication"
_SOURCE = "source_backups"
_AWS_KEY = "alias/aws/rds"
_GROUPS = "VpcSecurityGroupIds"
_KEEPS = "replica_backups"
_REPLICATION_S, _REPLICA_S, _BACKUPS_S = 3600, 10800, 1800
_WORDS = {AUTOMATED: "its automated backups are replicated", REPLICA: "a read replica follows it"}


def end_stale_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the DR region still replicates the old primary's backups."""
    copies = _stale(context) if failback.writer(context) else None
    if copies is None:
        return
    region, name = context.env.regions.dr, failback.own_name(context)
    old = failback.instance_of_resource(context, Side.PRIMARY, copies.resource_id)  # maybe under another name
    rest = "the old database stays, and its own backups with it" if old else "that database is gone"
    yield context.step(
        END_STALE_REPLICATION.name,
        name,
        side=Side.DR,
        says=f"End the replication of the backups of the old {name} into {region}: the new one's take its "
        "place at the end. What was replicated stays until it expires.",
        danger=Danger.COMPENSABLE,
        undo=f"Not taken back: {rest}.",
        budget_s=600,
        call=Call("rds", _STOP, region, {"SourceDBInstanceArn": copies.instance_arn}),
        before={"resource": copies.resource_id, "copies": copies.arn},
        after={"replicates": ""},
    )


def _stale(context: PlanContext) -> rds.AutomatedBackup | None:
    """What is replicated of the old primary, or under its name of one that is gone (T57). Raises DataUnavailable."""
    old, name = failback.old_primary(context), failback.own_name(context)
    # By resource id: the ARN is made of the name, which the copy bears afterwards (T57).
    if old is not None:
        return _copies(context, old.resource_id)
    copied_back = failback.instance_by_name(context, Side.PRIMARY, name)
    own = copied_back.resource_id if copied_back else ""
    found = context.snapshot.get(rds.automated_backups, Side.DR)
    arn = failback.primary_arn(context)
    return next((r for r in found if r.instance_arn == arn and r.resource_id != own and r.status in RUNNING), None)


def _copies(context: PlanContext, resource: str) -> rds.AutomatedBackup | None:
    """The backups of that database that are being replicated. Raises DataUnavailable."""
    found = context.snapshot.get(rds.automated_backups, Side.DR)
    return next((row for row in found if row.resource_id == resource and row.status in RUNNING), None)


def end_stale_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing replicates them."""
    copies = _copies(context, step.before["resource"])
    if copies is None:
        return StepStatus(StepState.DONE, f"Nothing replicates the backups of the old {step.subject}.")
    return StepStatus(StepState.READY, f"The backups of the old {step.subject} are {copies.status}.")


def to_primary_steps(context: PlanContext) -> Iterator[Step]:
    """The replica; before it, where the DR region's database keeps none, the backups that it cannot do without."""
    source = failback.writer(context)
    if source is None:
        return
    if not source.retention_days:
        days, region = context.env.thresholds.backup_retention_days, context.env.regions.dr
        params = {"DBInstanceIdentifier": source.identifier, "BackupRetentionPeriod": days, "ApplyImmediately": True}
        yield context.step(
            REPLICATE_TO_PRIMARY.name,
            source.identifier,
            part=_SOURCE,
            side=Side.DR,
            says=f"Let {source.identifier} in {region} keep backups for {days} days: without them nothing "
            "replicates it.",
            danger=Danger.REVERSIBLE,
            undo="Left on: backups harm nobody.",
            budget_s=_BACKUPS_S,
            call=Call("rds", "ModifyDBInstance", region, params),
            before={"resource": source.resource_id, "days": 0},
            after={"days": days},
        )
    name, region = failback.own_name(context), context.env.regions.primary
    before, taken = failback.old_primary(context), failback.instance_by_name(context, Side.PRIMARY, name)
    yield context.step(
        REPLICATE_TO_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Replicate {source.identifier} of {context.env.regions.dr} into a new {name} in {region}.",
        danger=Danger.COMPENSABLE,
        undo=f"The new instance {name} is left where it is: this tool deletes no database. Delete it by hand.",
        budget_s=limit_s("rds.create-replica", _REPLICA_S, source.storage_gib),
        call=_replica_call(context, source),
        before={
            "source": source.arn,
            "resource": source.resource_id,
            "old": before.resource_id if before else "",
            "here": taken.resource_id if taken and not before else "",
        },
        after={"source": source.arn},
    )


def _replica_call(context: PlanContext, source: rds.Instance) -> Call:
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
        # Required for an encrypted source of another region (API_CreateDBInstanceReadReplica, T19).
        params["KmsKeyId"] = (model.key_arn if model else "") or _AWS_KEY
    if like.storage_limit_gib:
        params["MaxAllocatedStorage"] = like.storage_limit_gib
    params |= provisioned_iops(like, source.storage_gib)
    if like.log_exports:
        params["EnableCloudwatchLogsExports"] = list(like.log_exports)
    # Default groups belong to an engine version of a region: RDS gives the replica the one that fits.
    options = [name for name, _ in model.option_groups if not name.startswith("default:")] if model else []
    if options:
        params["OptionGroupName"] = options[0]
    return Call("rds", "CreateDBInstanceReadReplica", env.regions.primary, params)


def _security_groups(context: PlanContext, model: rds.Instance | None) -> list[str]:
    """The old instance's own; else the estate's by name, a sentence while it is not there."""
    if model is not None and model.security_groups:
        return list(model.security_groups)
    name = context.env.named(context.env.names.db_security_group)
    known = context.snapshot.get_if_seen(vpc.security_groups, Side.PRIMARY) or ()
    found = sorted(group.id for group in known if group.name == name)
    return found[:1] or [f"<the security group {name} of {context.env.regions.primary}, once it is there>"]


def to_primary_status(step: Step, context: PlanContext) -> StepStatus:
    """How the source's backups, or the new instance, stand."""
    source = failback.instance_of_resource(context, Side.DR, step.before["resource"])
    if source is None or source.source:
        gone = "is gone from the DR region" if source is None else "is a replica itself now"
        return StepStatus(StepState.DRIFTED, f"The database {step.before['resource']} {gone}.")
    if part_of(step.id) == _SOURCE:
        if source.retention_days and DATABASE[source.status].serves:
            return StepStatus(StepState.DONE, f"{source.identifier} keeps backups.", failback.evidence_of(source))
        if DATABASE[source.status].changeable:
            return StepStatus(StepState.READY, f"{source.identifier} keeps no backups.")
        return _changing_status(source)
    instance = failback.instance_by_name(context, Side.PRIMARY, step.subject)
    if instance is None:
        return _absent_replica_status(step, source)
    # The name alone would take the old primary for the finished copy.
    if instance.resource_id == step.before["old"]:
        return StepStatus(StepState.DRIFTED, f"The old {instance.identifier} still has its name: it is not set aside.")
    if not failback.is_of(instance, source):
        message = f"Another {instance.identifier} stands in the primary region."
        return StepStatus(StepState.DRIFTED, message, failback.evidence_of(instance))
    return _replica_status(context, instance)


def _changing_status(source: rds.Instance) -> StepStatus:
    message = f"{source.identifier} is {source.status}."
    return StepStatus(StepState.IN_PROGRESS, message, works=DATABASE[source.status].busy)


def _absent_replica_status(step: Step, source: rds.Instance) -> StepStatus:
    if step.before["here"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} of the primary region is gone.")
    if not source.retention_days:
        return StepStatus(StepState.DRIFTED, f"{source.identifier} keeps no backups any more: nothing replicates it.")
    if not DATABASE[source.status].changeable:
        return _changing_status(source)
    return StepStatus(StepState.READY, f"{step.subject} is absent and can be made.", failback.evidence_of(source))


def _replica_status(context: PlanContext, instance: rds.Instance) -> StepStatus:
    facts, state = failback.evidence_of(instance), DATABASE[instance.status]
    if state.broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is {instance.status}.", facts)
    if state.serves and (broken := failback.broken_link(context, instance)):
        return StepStatus(StepState.FAILED, f"{broken}.", facts)
    replicates = DATABASE_REPLICATION[instance.replication].serves
    if state.serves and instance.host and (not instance.source or replicates):
        how = f"replicates {instance.source}" if instance.source else "was promoted already"
        return StepStatus(StepState.DONE, f"{instance.identifier} {how}.", facts)
    message = f"{instance.identifier} is {instance.status}."
    return StepStatus(StepState.IN_PROGRESS, message, progress=(instance.status,), works=state.busy)


def to_primary_call(step: Step, context: PlanContext) -> Call:
    """The planned call, its security group as it is now. Raises ValueError where there is none."""
    planned = step.planned_call.params.get(_GROUPS, ())
    if not any(str(group).startswith("<") for group in planned):
        return step.planned_call
    found = _security_groups(context, None)
    if found[0].startswith("<"):
        raise ValueError(f"{found[0]} is still absent")
    return step.call_with({_GROUPS: found})


def to_primary_notes(context: PlanContext) -> Iterator[str]:
    """Why this way, and what the new instance is like where there is no old one."""
    source = failback.writer(context)
    if source is None:
        return
    yield (
        f"The database is copied back as a read replica of {source.identifier} of {context.env.regions.dr}, which is "
        "then promoted: RDS reports its progress, and the DR region serves pages meanwhile. Snapshots would have to be "
        "copied after the freeze, and report no progress."
    )
    if failback.model(context) is None:
        name, region = failback.own_name(context), context.env.regions.primary
        yield f"{region} has no old {name}: the new one is made as the copy is."


def mechanism(context: PlanContext, source: rds.Instance) -> str:
    """What the failover relied on: as recorded, as the restored instance says, else what the environment prefers."""
    recorded = context.before("database/restore_dr", source.identifier)
    # A promotion's step was planned upon its replica's source; a restore's has none.
    if recorded.get("source"):
        return REPLICA
    restored_from = dict(source.tags).get(RESTORED_FROM, "")
    if restored_from:
        # ARNs of replicated automated backups hold auto-backup, those of snapshots hold snapshot.
        return AUTOMATED if ":auto-backup:" in restored_from else BACKUP
    return context.env.replication.database[0]


def to_dr_steps(context: PlanContext) -> Iterator[Step]:
    """The step of that mechanism; none for AWS Backup, whose plan acts by itself."""
    source = failback.writer(context)
    if source is None or not context.env.replicates:
        return
    how = mechanism(context, source)
    if how == AUTOMATED:
        budget_s = limit_s("rds.replicate-backups", _REPLICATION_S, source.storage_gib)
        yield _to_dr_step(context, source, how, failback.own_name(context), _backups_call(context), budget_s)
    elif how == REPLICA:
        name = source.identifier
        budget_s = limit_s("rds.create-replica", _REPLICA_S, source.storage_gib)
        yield _to_dr_step(context, source, how, name, _dr_replica_call(context, source), budget_s)
        if source.retention_days:
            yield _retention_step(context, source)


def _to_dr_step(context: PlanContext, source: rds.Instance, how: str, subject: str, call: Call, budget_s: int) -> Step:
    name, dr = failback.own_name(context), context.env.regions.dr
    return context.step(
        REPLICATE_TO_DR.name,
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
    # Copies of the old instance stay until they expire: from them come the key and the retention that the estate had.
    before = [b for b in context.snapshot.get(rds.automated_backups, Side.DR) if b.source_region == env.regions.primary]
    copies = max(before, key=lambda backup: (backup.latest is not None, backup.latest, backup.arn), default=None)
    params = {
        "SourceDBInstanceArn": failback.primary_arn(context),
        "BackupRetentionPeriod": copies.retention_days if copies else env.thresholds.backup_retention_days,
        "KmsKeyId": (copies.key_arn if copies else "") or env.named(env.names.db_copy_key_alias),
        "SourceRegion": env.regions.primary,
    }
    return Call("rds", "StartDBInstanceAutomatedBackupsReplication", env.regions.dr, params)


def _dr_replica_call(context: PlanContext, source: rds.Instance) -> Call:
    """As the replica of before was: its class, key and groups are those of the database it was promoted to."""
    env = context.env
    # AWS refuses tags that begin with "aws:" (RDS API, Tag).
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
        **provisioned_iops(source, source.storage_gib),
    }
    if source.encrypted:
        params["KmsKeyId"] = source.key_arn
    if source.log_exports:
        params["EnableCloudwatchLogsExports"] = list(source.log_exports)
    return Call("rds", "CreateDBInstanceReadReplica", env.regions.dr, params)


def _retention_step(context: PlanContext, source: rds.Instance) -> Step:
    name, region, days = source.identifier, context.env.regions.dr, source.retention_days
    params = {"DBInstanceIdentifier": name, "BackupRetentionPeriod": days, "ApplyImmediately": True}
    return context.step(
        REPLICATE_TO_DR.name,
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


def to_dr_status(step: Step, context: PlanContext) -> StepStatus:
    """How the copies in the DR region stand."""
    if part_of(step.id) == _KEEPS:
        return _retention_status(step, context)
    primary = failback.instance_by_name(context, Side.PRIMARY, failback.own_name(context))
    if primary is None or primary.source:
        message = "is gone from the primary region" if primary is None else f"still replicates from {primary.source}"
        return StepStatus(StepState.DRIFTED, f"{failback.own_name(context)} {message}.")
    # Only where nothing replicates yet does the primary's own state decide whether the call may be made.
    is_automated = step.before["mechanism"] == AUTOMATED
    status = _backups_status(context, primary) if is_automated else _dr_replica_status(step, context)
    if status is not None:
        return status
    if not primary.retention_days:
        return StepStatus(StepState.DRIFTED, f"{primary.identifier} keeps no backups: nothing can be replicated.")
    if not DATABASE[primary.status].changeable:
        return _changing_status(primary)
    return StepStatus(StepState.READY, f"{primary.identifier} is not protected in the DR region yet.")


def _backups_status(context: PlanContext, primary: rds.Instance) -> StepStatus | None:
    """By resource id: the copies of the old instance stay, and are no protection of the new one."""
    copies = context.snapshot.find(rds.automated_backups, Side.DR, resource_id=primary.resource_id)
    if copies is None:
        return _other_database_status(context, primary)
    facts = (("copies", copies.arn), ("status", copies.status))
    # `replicating` alone protects nothing: a restore needs a restorable time.
    if copies.status == "replicating" and copies.latest is not None:
        message = f"{primary.identifier} can be restored to {copies.latest:%Y-%m-%dT%H:%M:%SZ} in the DR region."
        return StepStatus(StepState.DONE, message, facts)
    message = f"The copies of {primary.identifier} are {copies.status or 'in an unknown state'}."
    return StepStatus(StepState.IN_PROGRESS, message, facts)


def _other_database_status(context: PlanContext, primary: rds.Instance) -> StepStatus | None:
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


def _dr_replica_status(step: Step, context: PlanContext) -> StepStatus | None:
    instance = failback.instance_by_name(context, Side.DR, step.subject)
    if instance is None:
        return None
    facts, state = failback.evidence_of(instance), DATABASE[instance.status]
    link = DATABASE_REPLICATION[instance.replication]
    if instance.source != step.after["replicates"]:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} of the DR region is another database.", facts)
    if state.broken or link.broken:
        message = f"{instance.identifier} is {instance.status}, {instance.replication}."
        return StepStatus(StepState.FAILED, message, facts)
    if state.serves and link.serves:
        return StepStatus(StepState.DONE, f"{instance.identifier} replicates {instance.source}.", facts)
    return StepStatus(StepState.IN_PROGRESS, f"{instance.identifier} is {instance.status}.", facts, works=state.busy)


def _retention_status(step: Step, context: PlanContext) -> StepStatus:
    instance = failback.instance_by_name(context, Side.DR, step.subject)
    if instance is None or instance.source != step.before["source"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is no replica of the database in the primary region.")
    if instance.retention_days >= step.after["days"]:
        return StepStatus(StepState.DONE, f"{instance.identifier} keeps backups for {instance.retention_days} days.")
    state = DATABASE[instance.status]
    how = StepState.READY if state.changeable else StepState.IN_PROGRESS
    return StepStatus(how, f"{instance.identifier} is {instance.status}.", works=state.busy)


def to_dr_notes(context: PlanContext) -> Iterator[str]:
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


END_STALE_REPLICATION = Action(
    "database/end_stale_replication",
    "Ends the replication of the old primary's automated backups, before that of the new primary database begins.",
    {f"rds:{_STOP}"},
    (rds.instances, rds.automated_backups),
    end_stale_steps,
    end_stale_status,
    essential=False,
)
REPLICATE_TO_PRIMARY = Action(
    "database/replicate_to_primary",
    "Copies the DR region's database back to the primary region as a read replica with the estate's own name.",
    {CREATE, MODIFY},
    (rds.instances, vpc.security_groups),
    to_primary_steps,
    to_primary_status,
    build_call=to_primary_call,
    omissions=to_primary_notes,
)
REPLICATE_TO_DR = Action(
    "database/replicate_to_dr",
    "Replicates the primary region's database to the DR region again, by the mechanism that the failover "
    "had relied on.",
    {START, CREATE, MODIFY},
    (rds.instances, rds.automated_backups),
    to_dr_steps,
    to_dr_status,
    omissions=to_dr_notes,
)
