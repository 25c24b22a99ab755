"""The file systems that trials restored: marking one as the trial's own, and naming it in calls made beforehand. Pure.

AWS Backup makes the file system, so that it bears the trial's creation token from its first moment on and no tag. What
may be opened in it, and deleted of it, IAM tells by the tag.
"""

from __future__ import annotations

from dataclasses import replace

from dr_actions.actions.restore_test import shared
from dr_actions.model.action import PlanContext, StepState, StepStatus, present
from dr_actions.model.plan import Call, Danger, Params, Step
from dr_estate.config.environment import Side
from dr_estate.model.drill_names import trial_of
from dr_estate.model.unavailable import DataUnavailable

TAG_IT = "efs:TagResource"
_PLACE = "FileSystemId"


def pending_file_system(token: str) -> str:
    """Stands for the id of the file system of that token, while it is not there yet."""
    return f"<the id of the file system {token}, once restored>"


def tag_step(context: PlanContext, action: str, token: str) -> Step:
    """The step that tags the file system of ``token`` as its trial's."""
    incident = trial_of(token)
    return context.step(
        action,
        token,
        side=Side.DR,
        says=f"Tag the restored file system {token} as {incident}'s own.",
        danger=Danger.REVERSIBLE,
        undo="The tag stays for as long as the file system does: by it the clean-up knows what is the drill's.",
        budget_s=300,
        call=Call(
            "efs",
            "TagResource",
            context.env.regions.dr,
            {"ResourceId": pending_file_system(token), "Tags": shared.tags(context.env, incident, Name=token)},
        ),
        before={"name": ""},
        after={"name": token},
    )


def observe_tag(step: Step, context: PlanContext) -> StepStatus:
    """Whether the file system bears its trial's name. Raises CannotSee."""
    system = present(shared.files_of(context, step.subject), f"The file system {step.subject} is gone.")
    if system.name == step.subject:
        return StepStatus(StepState.DONE, f"{system.id} is tagged as {step.subject}.", (("file system", system.id),))
    if system.name:
        return StepStatus(StepState.DRIFTED, f"{system.id} is called {system.name}, and not {step.subject}.")
    return StepStatus(StepState.READY, f"{system.id} bears no name yet.")


def build_call(step: Step, context: PlanContext) -> Call:
    """The step's call with the id of its file system. Raises ValueError where there is none, or none is seen."""
    token = str(step.before.get("files") or step.subject)
    try:
        system = shared.files_of(context, token)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if system is None:
        raise ValueError(f"{pending_file_system(token)} is still absent")
    key = "ResourceId" if step.planned_call.operation == "TagResource" else _PLACE
    params: Params = {**step.planned_call.params, key: system.id}
    return replace(step.planned_call, params=params)
