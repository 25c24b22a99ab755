"""Deletes databases that a drill made or renamed in the DR region; nothing else has such a name (T47).

An instance is deleted only once its deletion protection is off, which is a step of its own. Neither its automated
backups nor a final snapshot are kept: the rows of a restore test are those of a copy, and the rows of a full drill are
in the primary region, and were backed up on both sides before the failback. Source: RDS API, DeleteDBInstance.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.drill_names import is_isolated
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

DELETE, MODIFY = "rds:DeleteDBInstance", "rds:ModifyDBInstance"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """For each instance of a drill: take its protection off, where it has any, and delete it."""
    for instance in sorted(_of_drills(context), key=lambda database: database.identifier):
        if instance.deletion_protection:
            yield _step(context, instance, protected=True)
        yield _step(context, instance, protected=False)


def _of_drills(context: PlanContext) -> list[rds.Instance]:
    """Those whose name is a drill's, and those that this drill's own failback set aside, known by resource id too."""
    name = context.env.named(context.env.names.database)
    found = context.snapshot.get(rds.instances, Side.DR)
    return [
        instance
        for instance in found
        if is_isolated(instance.identifier, name)
        or context.renamed_databases.get(instance.resource_id) == instance.identifier
    ]


def _step(context: PlanContext, instance: rds.Instance, protected: bool) -> Step:
    region, name = context.env.region(Side.DR), instance.identifier
    params = {"DBInstanceIdentifier": name}
    gone = {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    off = {"DeletionProtection": False, "ApplyImmediately": True}
    message = f"Take the deletion protection off {name} in {region}." if protected else f"Delete {name} in {region}."
    return context.step(
        __name__,
        name,
        label=f"{'unprotect.' if protected else ''}{name}",
        nth=0 if protected else 1,
        side=Side.DR,
        says=f"{message} A drill made it, or set it aside.",
        danger=Danger.COMPENSABLE if protected else Danger.IRREVERSIBLE,
        undo="None is needed: what a drill made is taken away." if protected else "None: the drill's copy is gone.",
        budget_s=1800,
        call=Call(
            "rds",
            "ModifyDBInstance" if protected else "DeleteDBInstance",
            region,
            params | (off if protected else gone),
        ),
        before={"resource": instance.resource_id},
        after={"protected": False} if protected else {"instance": "absent"},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """By resource id: another instance of the name is not the drill's, and is not touched (T43)."""
    instance = context.snapshot.find(rds.instances, Side.DR, resource_id=step.before["resource"])
    if instance is None:
        return StepStatus(StepState.DONE, f"{step.subject} is gone.")
    if instance.identifier != step.subject:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is called {instance.identifier} now.")
    state = DATABASE[instance.status]
    if state.gone:
        return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is being deleted.")
    unprotects = "protected" in step.after
    if unprotects and not instance.deletion_protection:
        return StepStatus(StepState.DONE, f"{step.subject} is protected no more.")
    if instance.deletion_protection and not unprotects:
        return StepStatus(StepState.DRIFTED, f"{step.subject} was protected meanwhile: somebody wants to keep it.")
    if state.changeable or state.broken or state.stopped:
        return StepStatus(StepState.READY, f"{step.subject} is {instance.status}, and can be taken away.")
    return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is {instance.status}.")


ACTION = action(globals(), {DELETE, MODIFY}, (rds.instances,))
