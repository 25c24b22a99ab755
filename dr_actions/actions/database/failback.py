"""The database in a failback: which one has the newest data, what the old primary was like, and both names. Pure.

Of the two methods, a cross-region read replica is used: it is made while the DR database stays as it is, RDS itself
reports its progress, and its promotion is the only moment without a writer. Snapshots would have to be copied after the
freeze, without a measure of their progress, and the DR database would be frozen for all of that time.
"""

from __future__ import annotations

from datetime import datetime

from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal, Params, label_of, step_id
from dr_actions.model.sequence import SEEN_FREEZES, Role, role_of
from dr_checks.posture import writers
from dr_estate.config.environment import Side
from dr_estate.model.engines import Engine, engine_of, is_on
from dr_estate.model.recovery_names import ASIDE, RESTORED_FROM, is_isolated, is_set_aside, own_group
from dr_estate.model.states import DATABASE_REPLICATION
from dr_estate.readers import rds, rds_groups

COME_FROM = writers.COME_FROM
READ_ONLY, FROZEN = "read_only", "1"
"""What a step and the journal call the parameter by which a group refuses writes, whatever the engine calls it."""
PROMOTION = "database/promote_primary"
_OURS = (COME_FROM, RESTORED_FROM)


def own_name(context: PlanContext, side: Side = Side.PRIMARY) -> str:
    """The estate's own name of the side's database: the task definitions there name the host that comes of it."""
    return context.env.database_on(side)


def primary_arn(context: PlanContext) -> str:
    """Return the ARN of the primary region's database, also before it exists: the old one had the same."""
    env = context.env
    return f"arn:aws:rds:{env.regions.primary}:{env.account}:db:{own_name(context)}"


def instance_by_name(context: PlanContext, side: Side, identifier: str) -> rds.Instance | None:
    """The instance of that identifier on ``side``, None where there is none. Raises DataUnavailable."""
    return context.snapshot.find(rds.instances, side, identifier=identifier)


def instance_of_resource(context: PlanContext, side: Side, resource: str) -> rds.Instance | None:
    """The instance of that resource id, whatever it is called now. Raises DataUnavailable."""
    return context.snapshot.find(rds.instances, side, resource_id=resource)


def writer(context: PlanContext) -> rds.Instance | None:
    """The DR region's database that took the writes: as the failover recorded it, else by its name.

    None where there is none, or where several might be meant. Raises DataUnavailable.
    """
    standing = [instance for instance in context.snapshot.get(rds.instances, Side.DR) if not instance.source]
    recorded = {label_of(step) for step in context.recorded if role_of(Goal.FAILOVER, step) is Role.DATABASE}
    name = own_name(context, Side.DR)
    # The record goes before the name: one of that name may be left over, and only the record knows which one served.
    for meant in (
        [instance for instance in standing if instance.identifier in recorded],
        [instance for instance in standing if instance.identifier == name],
        [
            instance
            for instance in standing
            if instance.identifier.startswith(f"{name}-")
            and not (is_retained(instance, name) or is_isolated(instance.identifier, name))
        ],
    ):
        # Two candidates are none: a copy made of the wrong one would lose the writes of the other.
        if len(meant) == 1:
            return meant[0]
    return None


def old_primary(context: PlanContext) -> rds.Instance | None:
    """The primary's own database of before, which still bears the estate's name; None where it does not (any more)."""
    instance, source = instance_by_name(context, Side.PRIMARY, own_name(context)), writer(context)
    if instance is None or (source is not None and is_of(instance, source)):
        return None
    return instance


def model(context: PlanContext) -> rds.Instance | None:
    """What the new primary database is to be like: the old one, also where it was set aside already."""
    found = old_primary(context)
    if found is not None:
        return found
    name = own_name(context)
    instances = [row for row in context.snapshot.get(rds.instances, Side.PRIMARY) if is_retained(row, name)]
    # The flag first: a moment cannot be compared with None.
    return max(instances, key=lambda row: (row.created_at is not None, row.created_at, row.identifier), default=None)


def is_of(copy: rds.Instance, source: rds.Instance) -> bool:
    """Return whether ``copy`` is the failback copy of ``source``: it replicates from it, or was promoted after that."""
    # RDS forgets the source at the promotion; the tag that the copy was made with still names it.
    return copy.source == source.arn if copy.source else dict(copy.tags).get(COME_FROM) == source.resource_id


def lost_copy(context: PlanContext, source: rds.Instance) -> str:
    """What became of the copy that this failback made of ``source``, where it follows it no more; "" while it does.

    "" too where this run made none, or promotes it itself. Raises DataUnavailable.
    """
    name, home = own_name(context), context.env.regions.primary
    is_ours = step_id("database/replicate_to_primary", name) in context.confirmed_at
    # From the promotion's intent on the link may be gone because of this run, whatever its answer was.
    if context.goal is not Goal.FAILBACK or not is_ours or step_id(PROMOTION, name) in context.begun_sending_at:
        return ""
    copy = instance_by_name(context, Side.PRIMARY, name)
    if copy is not None and copy.source == source.arn:
        return broken_link(context, copy)
    how = "is gone" if copy is None else "was promoted, and not by this run"
    return f"{name} of {home} {how}: it follows {source.identifier} of {context.env.regions.dr} no more"


def broken_link(context: PlanContext, copy: rds.Instance) -> str:
    """Why the copy in the primary region replicates no more, as RDS reports it; "" where it does, or is no replica."""
    if not copy.source or not DATABASE_REPLICATION[copy.replication].broken:
        return ""
    message = f"{copy.identifier} of {context.env.regions.primary} does not replicate ({copy.replication})"
    return f"{message}: {copy.replication_message}".rstrip(" :.")


def retained_name(instance: rds.Instance) -> str:
    """Return the name under which ``instance`` is kept: unique, and always the same (RDS: at most 63 characters)."""
    mark = f"{ASIDE}{instance.resource_id[:8].lower().rstrip('-')}"
    # A name may neither end with a hyphen nor hold two in a row (API_ModifyDBInstance).
    return instance.identifier[: 63 - len(mark)].rstrip("-") + mark


def is_retained(instance: rds.Instance, name: str) -> bool:
    """Whether ``instance`` bears the name under which a database of that ``name`` is kept."""
    return is_set_aside(instance.identifier, name)


def group_of(instance: rds.Instance) -> str:
    """The name of the instance's parameter group, "" where it has none."""
    return instance.parameter_groups[0][0] if instance.parameter_groups else ""


def group_to_freeze(instance: rds.Instance) -> str:
    """The parameter group by which a failback freezes the instance: a new one where AWS made the one it has."""
    group = group_of(instance)
    return own_group(instance.identifier) if group.startswith(rds_groups.AWS_OWN) else group


def in_sync(instance: rds.Instance) -> bool:
    """Whether the instance runs with what its parameter group says."""
    return all(status == "in-sync" for _, status in instance.parameter_groups)


def is_applying(instance: rds.Instance) -> bool:
    """Whether a change of its parameter group is on its way to the instance."""
    return any(status == "applying" for _, status in instance.parameter_groups)


def read_only(context: PlanContext, side: Side, group: str) -> str | None:
    """The group's read-only parameter, or its engine's default; None without the group. Raises DataUnavailable."""
    found = context.snapshot.find(rds_groups.parameter_groups, side, name=group)
    if found is None:
        return None
    engine = engine_of(found.family)
    return dict(found.parameters).get(engine.read_only) or engine.writable


def engine_of_group(context: PlanContext, side: Side, group: str) -> Engine:
    """The engine of the parameter group, by its family. Raises DataUnavailable."""
    found = context.snapshot.find(rds_groups.parameter_groups, side, name=group)
    return engine_of(found.family if found else "")


def refuses_writes(context: PlanContext, instance: rds.Instance, side: Side = Side.DR) -> bool:
    """Return whether the instance's group refuses writes and is in sync with it. Raises DataUnavailable."""
    return in_sync(instance) and is_on(read_only(context, side, group_of(instance)))


def freeze_time(context: PlanContext) -> datetime | None:
    """From when on nothing was written in the DR region: its last freeze was seen in force; None without one."""
    seen = (at for step, at in context.confirmed_at.items() if role_of(Goal.FAILBACK, step) in SEEN_FREEZES)
    return max(seen, default=None)


def tags_for(instance: rds.Instance | None, source: rds.Instance) -> list[Params]:
    """The old instance's tags, or its copy's, and which database the new one comes from."""
    # AWS refuses tags that begin with "aws:" (RDS API, Tag); marks of an earlier copy would name another source.
    tags = {k: v for k, v in (instance or source).tags if k not in _OURS and not k.lower().startswith("aws:")}
    return [{"Key": key, "Value": value} for key, value in sorted({**tags, COME_FROM: source.resource_id}.items())]


def evidence_of(instance: rds.Instance) -> tuple[tuple[str, str], ...]:
    """What the journal keeps of an instance."""
    return (
        ("instance", instance.identifier),
        ("host", instance.host),
        ("arn", instance.arn),
        ("resource", instance.resource_id),
        ("status", instance.status),
    )
