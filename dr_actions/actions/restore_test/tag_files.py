"""Tags the file system that a restore test made, so that everybody sees whose it is, IAM too."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.restore_test import restored_files, shared
from dr_actions.model.action import PlanContext, action
from dr_actions.model.plan import Step
from dr_estate.readers import efs


@shared.trial_only
def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The step, where files are tried."""
    if shared.files_point(context) is not None:
        yield restored_files.tag_step(context, __name__, shared.files_name(context.env, context.incident))


ACTION = action(
    globals(),
    {restored_files.TAG_IT},
    (efs.of_drills,),
    observe=restored_files.observe_tag,
    build_call=restored_files.build_call,
)
