"""Removes each tenant's marker file, by the tenant's own task.

After the move it is removed in the primary region, and the next sync of the primary's files removes the copy in the DR
region. An abort removes it in the DR region.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.common.unavailable_handling import TenantService, tenant_services
from dr_actions.actions.files import tenant_folders, write_marker
from dr_actions.actions.files.tenant_folders import REMOVING
from dr_actions.actions.markers import file_scripts, marker_task
from dr_actions.model.action import PlanContext, StepDetails, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose marker file is written; in an abort for those that the failback wrote."""
    if context.goal is Goal.ABORT:
        yield from _aborted(context)
        return
    yield from tenant_folders.marker_steps(context, __name__, REMOVING, **_details(Side.PRIMARY))


def _aborted(context: PlanContext) -> Iterator[Step]:
    for tenant_service in tenant_services(context, Side.DR):
        recorded = context.before(write_marker.__name__, tenant_service.tenant.id)
        if recorded:
            yield _of_recorded(context, tenant_service, recorded["variables"][file_scripts.FOLDER])


def _of_recorded(context: PlanContext, tenant_service: TenantService, path: str) -> Step:
    tenant, details = tenant_service.tenant.id, _details(Side.DR)
    details["says"] = details["says"].format(tenant=tenant, region=context.env.regions.dr, file=file_scripts.FILE)
    variables = {file_scripts.FOLDER: path}
    return marker_task.tenant_step(context, __name__, REMOVING, tenant_service, variables, subject=tenant, **details)


def _details(side: Side) -> StepDetails:
    return StepDetails(
        side=side,
        says="Remove {file} from the folder of {tenant} in {region}, by a task of {tenant}.",
        danger=Danger.COMPENSABLE,
        undo="The next marker makes its file again.",
        budget_s=900,
        after={"marker file": "gone"},
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the run's own marker."""
    return marker_task.filled_call(step, context, REMOVING)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once such a task ended well."""
    task = marker_task.task_of(context, REMOVING, step)
    what = f"remove {file_scripts.FILE} of {step.subject}"
    if unfinished := marker_task.unfinished(context, step.side, task, what):
        return unfinished
    return StepStatus(StepState.DONE, f"{file_scripts.FILE} is gone from the folder of {step.subject}.")


ACTION = action(globals(), {RUN}, (efs.file_systems, *marker_task.PARTS), send=send, essential=False)
