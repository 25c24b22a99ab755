"""Asks the restored database as the tenants do: one task each, of the tenant's own definition of the DR region.

The task runs where the tenant's service runs (subnets, security groups), with the tenant's own secrets, and asks one
question (``probing``). What it found stands in its log: an exit code alone proves nothing. Source: ECS API, RunTask
(startedBy, clientToken, failures); DescribeTasks (stoppedReason, exitCode).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.common.unavailable_handling import TenantService, name_list
from dr_actions.actions.restore_test import probe, run_task, shared
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import drill_resources, rds


@shared.trial_only
def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each sampled tenant with a service in the DR region, where a database is tried."""
    if shared.newest(context) is not None:
        yield from (_step(context, tenant_service) for tenant_service in shared.querying_tenants(context))


def _step(context: PlanContext, tenant_service: TenantService) -> Step:
    env, name = context.env, shared.database_name(context.env, context.incident)
    schema = env.named(env.names.tenant_schema, tenant=tenant_service.tenant.id)
    return context.step(
        __name__,
        name,
        label=tenant_service.tenant.id,
        side=Side.DR,
        says=f"Ask {name} as {tenant_service.tenant.id}: a task of its own connects with its secrets "
        f"and counts {schema}.",
        danger=Danger.COMPENSABLE,
        undo="The task ends by itself; the clean-up stops one that does not.",
        budget_s=900,
        call=_call(context, tenant_service, name),
        tenant=tenant_service.tenant.id,
        before={"definition": tenant_service.service.task_definition, "incident": context.incident},
        after={"schema": schema, "rows": "at least one"},
    )


def _call(context: PlanContext, tenant_service: TenantService, name: str) -> Call:
    container = run_task.container_of(context, tenant_service.service)
    overrides = probe.overrides(context.env, container, context.incident, tenant_service.tenant, pending_host(name))
    return run_task.call_of(context, tenant_service, overrides)


def pending_host(name: str) -> str:
    """Stands for the host of the restored database, while it is not there yet."""
    return f"<the host of {name}, once restored>"


def observe(step: Step, context: PlanContext) -> StepStatus:
    """How the tenant's task stands, and what it found."""
    task = _task(step, context)
    if task is None:
        instance = shared.database_of(context, step.subject)
        if instance is None or not instance.host or not DATABASE[instance.status].serves:
            how = instance.status if instance else "not there"
            return StepStatus(StepState.DRIFTED, f"{step.subject} is {how}: nothing can be asked of it.")
        return StepStatus(StepState.READY, f"{step.subject} can be asked as {step.tenant}.")
    if task.status != drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"The task of {step.tenant} is {task.status}.")
    if task.exit_code is None:
        message = f"The task of {step.tenant} did not start: {task.reason or 'ECS gives no reason'}"
        return StepStatus(StepState.FAILED, message, (("task", task.arn),))
    return _of_ended(step, context, task)


def _task(step: Step, context: PlanContext) -> drill_resources.Probe | None:
    """The tenant's task of this trial; the newest, where there should be several. Raises DataUnavailable."""
    ours = [
        task
        for task in context.snapshot.get(drill_resources.tasks, Side.DR)
        if (task.incident, task.task_definition) == (step.before["incident"], step.before["definition"])
        and task.group != drill_resources.STARTING
    ]
    return ours[-1] if ours else None


def _of_ended(step: Step, context: PlanContext, task: drill_resources.Probe) -> StepStatus:
    answer = _answer(context, task)
    if task.exit_code != 0:
        reason = answer.said if answer and answer.said else task.reason
        if answer is not None and answer.heard:
            reason = _reason_to_doubt(step, context, answer)
        message = (
            f"{step.subject} does not answer {step.tenant} (exit code {task.exit_code}): {reason or 'it says nothing'}"
        )
        return StepStatus(StepState.FAILED, message, (("task", task.arn),))
    if answer is None or not answer.heard:
        return StepStatus(StepState.UNAVAILABLE, f"What {task.arn} found is not in its log yet.")
    cause = _reason_to_doubt(step, context, answer)
    facts = [
        ("task", task.arn),
        ("host", answer.host),
        ("server", answer.server),
        ("schema", answer.schema),
        ("tables", str(answer.tables)),
        ("rows", str(answer.rows)),
    ]
    facts += [("newest", answer.newest)] if answer.newest else []
    if cause:
        message = f"{step.subject} answers {step.tenant}, but {cause}."
        return StepStatus(StepState.FAILED, message, tuple(facts))
    found = f"{answer.tables} tables of {answer.schema} with {answer.rows} rows"
    return StepStatus(StepState.DONE, f"{step.subject} answers {step.tenant}: {found}.", tuple(facts))


def _reason_to_doubt(step: Step, context: PlanContext, answer: drill_resources.ProbeAnswer) -> str:
    instance, incident = shared.database_of(context, step.subject), str(step.before["incident"])
    seen = context.snapshot.get(drill_resources.answers, Side.DR)
    known = [row for row in seen if isinstance(row, drill_resources.ProbeAnswer) and row.incident == incident]
    servers = {row.server for row in known if row.server}
    host = instance.host if instance else ""
    return probe.reason_to_doubt(answer, incident, str(step.tenant), step.after["schema"], host, servers)


def _answer(context: PlanContext, task: drill_resources.Probe) -> drill_resources.ProbeAnswer | None:
    """What the task's log says, None where it was not read.

    Raises DataUnavailable with the reason of one that is unseen.
    """
    seen = context.snapshot.get(drill_resources.answers, Side.DR)
    known = next(
        (answer for answer in seen if isinstance(answer, drill_resources.ProbeAnswer) and answer.task == task.arn), None
    )
    unavailable = next((answer for answer in seen if isinstance(answer, Unavailable)), None)
    if known is None and unavailable is not None and task.exit_code == 0:
        raise DataUnavailable(unavailable)
    return known


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the restored database's host. Raises ValueError where there is none."""
    try:
        instance = shared.database_of(context, step.subject)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if instance is None or not instance.host:
        raise ValueError(f"{pending_host(step.subject)} is still absent")
    return replace(step.planned_call, params=probe.with_host(step.planned_call.params, instance.host))


def notes(context: PlanContext) -> Iterator[str]:
    """Whom nobody can ask as."""
    try:
        asking, voiceless = shared.querying_tenants(context), shared.tenants_without_query(context)
    except DataUnavailable as error:
        yield f"No tenant asks the restored database: {error.unavailable.why}"
        return
    if voiceless:
        names = name_list([tenant.id for tenant in voiceless])
        yield (
            f"{names}: without a service in {context.env.regions.dr} the restored database is not asked as that tenant."
        )
    if not asking:
        yield "No tenant asks the restored database: that it answers is not proved."


ACTION = action(globals(), {RUN}, (rds.instances, drill_resources.tasks, drill_resources.answers), send=send)
