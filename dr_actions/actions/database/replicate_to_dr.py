"""Replicates the database at home to the DR region again, by the mechanism that the failover had relied on.

Automated backups are replicated by a call in the DR region; a read replica is made there anew; AWS Backup copies by its
own plan what bears the tags, which the new instance took over. Source: RDS API,
StartDBInstanceAutomatedBackupsReplication (T24).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.actions.database.copy_selection import RESTORED_FROM
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.action_ids import part_of
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, REPLICA
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE, DATABASE_REPLICATION
from dr_estate.readers import rds

START, CREATE = "rds:StartDBInstanceAutomatedBackupsReplication", "rds:CreateDBInstanceReadReplica"
MODIFY = "rds:ModifyDBInstance"
_KEEPS = "replica_backups"
_BUDGET_S, _REPLICA_S, _BACKUPS_S = 3600, 10800, 1800
_WORDS = {AUTOMATED: "its automated backups are replicated", REPLICA: "a read replica follows it"}


def mechanism(sight: Sight, source: rds.Instance) -> str:
    """What the failover relied on: as recorded, as the restored instance says, else what the environment prefers."""
    recorded = sight.before("database/restore_dr", source.identifier)
    if recorded.get("source"):
        return REPLICA
    restored_from = dict(source.tags).get(RESTORED_FROM, "")
    if restored_from:
        return AUTOMATED if ":auto-backup:" in restored_from else BACKUP
    return sight.env.replication.database[0]


def foresee(sight: Sight) -> Iterator[Step]:
    """The step of that mechanism; none for AWS Backup, whose plan acts by itself."""
    source = home.writer(sight)
    if source is None or not sight.env.replicates:
        return
    how = mechanism(sight, source)
    if how == AUTOMATED:
        yield _step(sight, source, how, home.own_name(sight), _backups_call(sight), _BUDGET_S)
    elif how == REPLICA:
        name = source.identifier
        yield _step(sight, source, how, name, _replica_call(sight, source), _REPLICA_S)
        if source.retention_days:
            yield _keeping(sight, source)


def _step(sight: Sight, source: rds.Instance, how: str, subject: str, call: Call, budget_s: int) -> Step:
    name, dr = home.own_name(sight), sight.env.regions.dr
    return sight.step(
        __name__,
        subject,
        side=Side.DR,
        says=f"Protect {name} of {sight.env.regions.primary} in {dr} again: {_WORDS[how]} there.",
        danger=Danger.COMPENSABLE,
        undo="Left on: replication harms nobody.",
        budget_s=budget_s,
        call=call,
        before={"mechanism": how, "source": _arn(sight), "resource": source.resource_id},
        after={"replicates": _arn(sight)},
    )


def _arn(sight: Sight) -> str:
    """The ARN of the database at home, also before it is there: the old one's was the same."""
    env = sight.env
    return f"arn:aws:rds:{env.regions.primary}:{env.account}:db:{home.own_name(sight)}"


def _backups_call(sight: Sight) -> Call:
    """With the key and retention of the copies of before, else the environment's."""
    env = sight.env
    before = [b for b in sight.snapshot.get(rds.automated_backups, Side.DR) if b.source_region == env.regions.primary]
    copies = max(before, key=lambda backup: (backup.latest is not None, backup.latest, backup.arn), default=None)
    params = {
        "SourceDBInstanceArn": _arn(sight),
        "BackupRetentionPeriod": copies.retention_days if copies else env.thresholds.backup_retention_days,
        "KmsKeyId": (copies.key_arn if copies else "") or env.named(env.names.db_copy_key_alias),
        "SourceRegion": env.regions.primary,
    }
    return Call("rds", "StartDBInstanceAutomatedBackupsReplication", env.regions.dr, params)


def _replica_call(sight: Sight, source: rds.Instance) -> Call:
    """As the replica of before was: its class, key and groups are those of the database it was promoted to."""
    env = sight.env
    tags = [{"Key": k, "Value": v} for k, v in source.tags if not k.lower().startswith("aws:")]
    params: dict[str, Json] = {
        "DBInstanceIdentifier": source.identifier,
        "SourceDBInstanceIdentifier": _arn(sight),
        "SourceRegion": env.regions.primary,
        "DBInstanceClass": source.instance_class,
        "DBSubnetGroupName": source.subnet_group,
        "DBParameterGroupName": home.group_of(source),
        "VpcSecurityGroupIds": list(source.security_groups),
        "MultiAZ": source.multi_az,
        "DeletionProtection": source.deletion_protection,
        "CopyTagsToSnapshot": True,
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": source.auto_minor_upgrade,
        "StorageType": source.storage_type,
        "Tags": tags,
    }
    if source.encrypted:
        params["KmsKeyId"] = source.key_arn
    if source.log_exports:
        params["EnableCloudwatchLogsExports"] = list(source.log_exports)
    return Call("rds", "CreateDBInstanceReadReplica", env.regions.dr, params)


def _keeping(sight: Sight, source: rds.Instance) -> Step:
    name, region, days = source.identifier, sight.env.regions.dr, source.retention_days
    params = {"DBInstanceIdentifier": name, "BackupRetentionPeriod": days, "ApplyImmediately": True}
    return sight.step(
        __name__,
        name,
        part=_KEEPS,
        side=Side.DR,
        says=f"Let the read replica {name} in {region} keep backups of its own for {days} days: it begins without.",
        danger=Danger.REVERSIBLE,
        undo="Left on: backups harm nobody.",
        budget_s=_BACKUPS_S,
        call=Call("rds", "ModifyDBInstance", region, params),
        before={"source": _arn(sight)},
        after={"days": days},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """How the copies in the DR region stand."""
    if part_of(step.id) == _KEEPS:
        return _of_keeping(step, sight)
    at_home = home.named(sight, Side.PRIMARY, home.own_name(sight))
    if at_home is None or at_home.source:
        message = "is gone from the primary region" if at_home is None else f"still replicates from {at_home.source}"
        return Confirmation(Standing.CHANGED, f"{home.own_name(sight)} {message}.")
    status = _of_backups(sight, at_home) if step.before["mechanism"] == AUTOMATED else _of_replica(step, sight)
    if status is not None:
        return status
    if not at_home.retention_days:
        return Confirmation(Standing.CHANGED, f"{at_home.identifier} keeps no backups: nothing can be replicated.")
    if not DATABASE[at_home.status].changeable:
        return Confirmation(Standing.WAITING, f"{at_home.identifier} is {at_home.status}.")
    return Confirmation(Standing.READY, f"{at_home.identifier} is not protected in the DR region yet.")


def _of_backups(sight: Sight, at_home: rds.Instance) -> Confirmation | None:
    """By resource id: the copies of the old instance stay, and are no protection of the new one."""
    copies = sight.snapshot.find(rds.automated_backups, Side.DR, resource_id=at_home.resource_id)
    if copies is None:
        return None
    facts = (("copies", copies.arn), ("status", copies.status))
    if copies.status == "replicating" and copies.latest is not None:
        message = f"{at_home.identifier} can be restored to {copies.latest:%Y-%m-%dT%H:%M:%SZ} in the DR region."
        return Confirmation(Standing.DONE, message, facts)
    message = f"The copies of {at_home.identifier} are {copies.status or 'in an unknown state'}."
    return Confirmation(Standing.WAITING, message, facts)


def _of_replica(step: Step, sight: Sight) -> Confirmation | None:
    instance = home.named(sight, Side.DR, step.subject)
    if instance is None:
        return None
    facts, state, link = home.facts_of(instance), DATABASE[instance.status], DATABASE_REPLICATION[instance.replication]
    if instance.source != step.after["replicates"]:
        return Confirmation(Standing.CHANGED, f"{instance.identifier} of the DR region is another database.", facts)
    if state.broken or link.broken:
        return Confirmation(
            Standing.FAILED, f"{instance.identifier} is {instance.status}, {instance.replication}.", facts
        )
    if state.serves and link.serves:
        return Confirmation(Standing.DONE, f"{instance.identifier} replicates {instance.source}.", facts)
    return Confirmation(Standing.WAITING, f"{instance.identifier} is {instance.status}.", facts)


def _of_keeping(step: Step, sight: Sight) -> Confirmation:
    instance = home.named(sight, Side.DR, step.subject)
    if instance is None or instance.source != step.before["source"]:
        return Confirmation(Standing.CHANGED, f"{step.subject} is no replica of the database at home.")
    if instance.retention_days >= step.after["days"]:
        return Confirmation(Standing.DONE, f"{instance.identifier} keeps backups for {instance.retention_days} days.")
    ready = DATABASE[instance.status].changeable
    return Confirmation(Standing.READY if ready else Standing.WAITING, f"{instance.identifier} is {instance.status}.")


def notes(sight: Sight) -> Iterator[str]:
    """What is left out, and what of the old copies stays."""
    source = home.writer(sight)
    if source is None or not sight.env.replicates:
        return
    name, dr = home.own_name(sight), sight.env.regions.dr
    how = mechanism(sight, source)
    if how == BACKUP:
        yield f"{name} is protected by AWS Backup's own plan again: its first copy in {dr} comes with the next backup."
    elif how == AUTOMATED:
        yield f"The replicated backups of the old {name} in {dr} stay until they expire: they are no copy of the new."


VERB = action(globals(), {START, CREATE, MODIFY}, (rds.instances, rds.automated_backups))
