"""Gives the DR region's database a parameter group of its own in a failback, where it has one that AWS made.

A failback freezes that database by a parameter of its group, and nobody can change a group of AWS's own. The new group
holds AWS's defaults as that one does, so the database runs as before. It holds only after a reboot, of about a minute
(RDS User Guide, Working with DB parameter groups): that is taken long before the write pause, where what a visitor
writes is acknowledged or refused as in any reboot. The group stays with the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step, part_of
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds, rds_groups

_CREATE, _USE = "create", "use"


def own_group_steps(context: PlanContext) -> Iterator[Step]:
    """Make the group, give it to the database, reboot that."""
    instance = failback.writer(context)
    was = failback.group_of(instance) if instance is not None else ""
    if instance is None or not was.startswith(rds_groups.AWS_OWN):
        return
    name, group, region = instance.identifier, failback.group_to_freeze(instance), context.env.regions.dr
    family = {"DBParameterGroupFamily": was.removeprefix(rds_groups.AWS_OWN)}
    described = {"Description": f"Parameters of {name}, by which a failback freezes it"}
    database = {"DBInstanceIdentifier": name}
    used = database | {"DBParameterGroupName": group, "ApplyImmediately": True}
    for part, message, operation, params in (
        (
            *(_CREATE, f"Create the parameter group {group} with AWS's defaults: {was} cannot be changed"),
            *("CreateDBParameterGroup", {"DBParameterGroupName": group, **family, **described}),
        ),
        (_USE, f"Give {name} the parameter group {group}: by it the failback freezes it", "ModifyDBInstance", used),
        ("", f"Reboot {name}, so that it uses {group}: pages fail for about a minute", "RebootDBInstance", database),
    ):
        yield context.step(
            OWN_GROUP.name,
            name,
            part=part,
            side=Side.DR,
            says=f"{message} ({region}).",
            danger=Danger.COMPENSABLE,
            undo=f"Not taken back: {group} holds what {was} does.",
            budget_s=1800,
            call=Call("rds", operation, region, params),
            before={"group": was, "resource": instance.resource_id},
            after={"group": group},
        )


def own_group_status(step: Step, context: PlanContext) -> StepStatus:
    """How the group, or the database with it, stands. Raises DataUnavailable."""
    instance, group = failback.instance_of_resource(context, Side.DR, step.before["resource"]), step.after["group"]
    if instance is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from {context.env.regions.dr}.")
    part, used = part_of(step.id), failback.group_of(instance)
    if part == _CREATE:
        is_made = context.snapshot.find(rds_groups.parameter_groups, Side.DR, name=group) is not None
        return StepStatus(*((StepState.DONE, f"{group} is there.") if is_made else (StepState.READY, f"No {group}.")))
    facts, state = failback.evidence_of(instance), DATABASE[instance.status]
    message = f"{instance.identifier} is {instance.status}, its group {used}."
    if used not in (group, step.before["group"]) or (used != group and part != _USE):
        return StepStatus(StepState.DRIFTED, message, facts)
    if not state.changeable or failback.is_applying(instance):
        return StepStatus(StepState.IN_PROGRESS, message, works=state.busy)
    is_done = used == group and (part == _USE or failback.in_sync(instance))
    return StepStatus(StepState.DONE if is_done else StepState.READY, message, facts)


OWN_GROUP = Action(
    "database/own_group",
    "Gives the DR region's database a parameter group of its own, where it has one of AWS's, which cannot be frozen.",
    {"rds:CreateDBParameterGroup", "rds:ModifyDBInstance", "rds:RebootDBInstance"},
    (rds.instances, rds_groups.parameter_groups),
    own_group_steps,
    own_group_status,
)
