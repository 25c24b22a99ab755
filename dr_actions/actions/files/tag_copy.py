"""Names the restored file system: as a restore test's own, or as the estate's in place of the previous file system.

In a recovery its first name is its creation token: IAM decides by that name what may be opened and mounted in it. The
previous file system is renamed before the restored file system takes the estate's name, so that no two have that name,
and is never deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.file_copies import restored_copy
from dr_actions.model.action import PlanContext, StepStatus, action, present
from dr_actions.model.action_ids import part_of
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.restored_names import replaced_name
from dr_estate.readers import efs, restored_files

_OLD = "replaced"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A restore test's one step; a recovery's two, the old file system first."""
    restore = restored_copy.planned(context)
    if restore is None:
        return
    if restore.replaces is None:
        yield restored_copy.tag_step(context, __name__, restore.token)
        return
    name, token = restored_copy.name_of(context.env), restore.token
    new, old = restored_copy.pending_file_system(token), restore.replaces
    yield _step(context, "restored", token, new, ("", token))
    yield _step(context, _OLD, token, old.id, (old.name, replaced_name(name, token)))
    yield _step(context, "", token, new, (token, name))


def _step(context: PlanContext, part: str, token: str, system: str, names: tuple[str, str]) -> Step:
    which = f"{system}, which nothing replicates into" if part == _OLD else f"the restored file system {token}"
    return context.step(
        __name__,
        system if part == _OLD else token,
        label=restored_copy.name_of(context.env),
        part=part,
        side=Side.DR,
        says=f"Name {which}, {names[1]} in {context.env.regions.dr}.",
        danger=Danger.REVERSIBLE,
        undo=f"Name it {names[0] or 'nothing'} again by hand: the services mount it by its id.",
        budget_s=300,
        call=Call(
            "efs",
            "TagResource",
            context.env.regions.dr,
            {"ResourceId": system, "Tags": restored_copy.tags(context, Name=names[1])},
        ),
        before={"name": names[0], **({} if part == _OLD else {"files": token})},
        after={"name": names[1]},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the file system bears the name that the step gives."""
    if part_of(step.id) != _OLD:
        return restored_copy.observe_tag(step, context)
    known = (*context.snapshot.get(efs.file_systems, Side.DR), *context.snapshot.get(restored_files.systems, Side.DR))
    found = next((system for system in known if system.id == step.subject), None)
    system = present(found, f"The file system {step.subject} is gone.")
    return restored_copy.named(system, str(step.before["name"]), str(step.after["name"]))


def build_call(step: Step, context: PlanContext) -> Call:
    """The planned call; that of a restored file system with its id. Raises ValueError where there is none."""
    return step.planned_call if part_of(step.id) == _OLD else restored_copy.build_call(step, context)


ACTION = action(
    globals(), {restored_copy.TAG_IT}, (efs.of_drills, restored_files.systems, efs.file_systems, efs.replications)
)
