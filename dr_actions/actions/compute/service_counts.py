"""How many tasks each service runs: the failover's size in the DR region, the recorded count in the primary, standby.

A service is done when its tasks run, its rollout is complete, and the load balancer sees as many healthy targets:
traffic moves only after that (T07). One tenant's failure leaves a failover degraded, and does not stop it. A DR service
that is shrunk again keeps its repointed task definition: it names the DR region's own database, files and secrets,
which is what the next failover needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions import shared
from dr_actions.actions.compute.rollout import (
    DRAIN_S,
    START_S,
    STARTS,
    UPDATE,
    evidence_of,
    primary_tasks,
    progress,
    reason_of,
    redeployment_reason,
    scale_out_s,
    send_update,
    service_of,
    unavailable_secrets,
    update_call,
    wanted_parameters,
)
from dr_actions.actions.compute.task_revisions import family_of, is_repointed, newest_for
from dr_actions.actions.shared import name_list
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits, if_seen
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import ROLLOUT
from dr_estate.readers import ecs, ecs_stopped_tasks, elbv2, elbv2_targets
from dr_estate.readers import secretsmanager as readers_secretsmanager

_DEFINITION = "taskDefinition"


def scale_dr_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's DR service; one that is as wanted already is DONE without a call."""
    services = shared.tenant_services(context, Side.DR)
    # Only what is added is launched: the standby's tasks run already.
    more = sum(max(0, context.env.tasks_of(row.tenant.id) - row.service.desired) for row in services)
    budget_s = START_S + scale_out_s(context.env, len(services), more)
    for tenant_service in services:
        name, service, region = tenant_service.service.name, tenant_service.service, context.env.regions.dr
        needed = context.env.tasks_of(tenant_service.tenant.id)
        before: dict[str, Json] = {"desiredCount": service.desired, "taskDefinition": service.task_definition}
        after: dict[str, Json] = {"desiredCount": needed}
        # Never lower: auto scaling may have grown the service for the load of this incident.
        wanted: dict[str, Json] = {"desiredCount": max(needed, service.desired)}
        moves = is_repointed(context, tenant_service)
        if moves:
            newest_sentence = f"<the newest revision of {family_of(service.task_definition)}>"
            wanted["taskDefinition"] = after["taskDefinition"] = newest_sentence
        reason = reason_of(context, service, Side.DR)
        if reason:
            wanted[shared.FORCE_NEW_DEPLOYMENT] = True
        undo = f"Set its desired count to {service.desired} again"
        yield context.step(
            SCALE_DR.name,
            name,
            side=Side.DR,
            says=f"{name} runs {needed} healthy tasks in {region} ({service.desired} wanted now)"
            + (", of its repointed task definition" if moves else "")
            + (f". It is deployed again: {reason}." if reason else "."),
            danger=Danger.REVERSIBLE,
            undo=undo + (f", and its task definition to {service.task_definition}." if moves else "."),
            budget_s=budget_s + (DRAIN_S if service.running and (moves or reason) else 0),
            call=update_call(context.env, Side.DR, name, **wanted),
            tenant=tenant_service.tenant.id,
            before=before,
            after=after,
        )


def scale_dr_call(step: Step, context: PlanContext) -> Call:
    """The call with the revision's ARN, and a desired count that never lowers what runs. Raises ValueError,
    DataUnavailable.

    A ValueError says that no revision was registered that the service could move to.
    """
    service = service_of(step, context)
    changes = wanted_parameters(step, context, service)
    if _moves(step):
        changes["taskDefinition"] = _newest(step, context, service)
        if changes["taskDefinition"] == step.before["taskDefinition"]:
            raise ValueError(f"{step.id}: no newer revision of its task definition was registered")
    return step.call_with(changes)


def _moves(step: Step) -> bool:
    return "taskDefinition" in step.after


def _newest(step: Step, context: PlanContext, service: ecs.Service) -> str:
    """The ARN of the revision to move to: the newest. Raises DataUnavailable."""
    newest = newest_for(step, context).arn
    # Moved already, by an earlier call of this step: it is not moved once more to a revision made since.
    return newest if service.task_definition == step.before["taskDefinition"] else service.task_definition


def scale_dr_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE when running, rolled out and healthy. A deployment of this step's own call that ECS gave up is FAILED.

    A desired count between the planned and the wanted one is auto scaling's, and READY; a lower one is DRIFTED:
    somebody shrank the service since.
    """
    service = service_of(step, context)
    needed, planned = step.after["desiredCount"], step.before["taskDefinition"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    facts = evidence_of(service)
    if service.task_definition != planned and not _moves(step):
        return StepStatus(StepState.DRIFTED, f"{message}; it was moved to {service.task_definition} since.", facts)
    if _moves(step) and service.task_definition == planned:
        if _newest(step, context, service) == step.before["taskDefinition"]:
            lacks = "its task definition points into the primary region, and no newer revision was registered"
            return StepStatus(StepState.FAILED, f"{message}: {lacks}.", evidence_of(service))
        return StepStatus(StepState.READY, f"{message}, and is to move to the newest revision.", evidence_of(service))
    if service.desired < min(step.before["desiredCount"], needed):
        return StepStatus(StepState.DRIFTED, f"{message}: it was shrunk since the plan was made.", facts)
    if service.desired < needed:
        return StepStatus(StepState.READY, f"{message}.", facts)
    if reason := redeployment_reason(step, context, service):
        return StepStatus(StepState.READY, f"{message}, and must be deployed again: {reason}.", facts)
    return progress(context, service, needed, message, Side.DR)


def scale_dr_rollback(step: Step) -> Call | None:
    """Desired count and, where it was moved, task definition as they were."""
    recorded = step.before if _moves(step) else {"desiredCount": step.before["desiredCount"]}
    return shared.reversing_call(step, **recorded)


def scale_dr_notes(context: PlanContext) -> Iterator[str]:
    """Tenants that are left out, and services that would start badly."""
    for reason in shared.unavailable_reasons(context, Side.DR, ecs.services):
        yield f"No service of the DR region can be scaled: {reason}"
    yield from if_seen(lambda context: unavailable_secrets(context, Side.DR))(context)
    yield from _absent_tenants(context)
    yield from _doubtful(context)


@if_seen
def _absent_tenants(context: PlanContext) -> Iterator[str]:
    tenants = shared.tenants_without_service(context, Side.DR)
    if names := [shared.service_name(context.env, tenant, Side.DR) for tenant in tenants]:
        yield (
            f"There is no service {name_list(names)} in {context.env.regions.dr}: {len(names)} tenants are left out. "
            "Terraform creates services (aws_ecs_service with the DR provider); then make the plan again."
        )


@if_seen
def _doubtful(context: PlanContext) -> Iterator[str]:
    rows = shared.tenant_services(context, Side.DR)
    services = [row.service for row in rows]
    workers = {row.service.name for row in rows if context.env.is_worker(row.tenant.id)}
    if apart := [s.name for s in services if not (s.target_groups or s.name in workers)]:
        yield f"No request would reach {name_list(apart)} in {context.env.regions.dr}: attached to no target group."
    if broken := [service.name for service in services if ROLLOUT[service.rollout].broken]:
        region = context.env.regions.dr
        yield f"The newest deployment of {name_list(broken)} in {region} failed: the step deploys it again."


def start_primary_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service in the primary region; one that is as wanted already is DONE without a call."""
    tenant_services = shared.tenant_services(context, Side.PRIMARY)
    counts = {tenant_service.service.name: primary_tasks(context, tenant_service) for tenant_service in tenant_services}
    budget_s = START_S + scale_out_s(context.env, len(tenant_services), sum(counts.values()))
    for service_of_tenant in tenant_services:
        needed = counts[service_of_tenant.service.name]
        name, service, region = service_of_tenant.service.name, service_of_tenant.service, context.env.regions.primary
        after: dict[str, Json] = {"desiredCount": needed}
        if is_repointed(context, service_of_tenant, Side.PRIMARY):
            after[_DEFINITION] = f"<the newest revision of {family_of(service.task_definition)}>"
        reason = reason_of(context, service, Side.PRIMARY)
        again_too: dict[str, Json] = {shared.FORCE_NEW_DEPLOYMENT: True} if reason else {}
        yield context.step(
            START_PRIMARY.name,
            name,
            side=Side.PRIMARY,
            says=f"{name} runs {needed} healthy tasks in {region} again ({service.desired} wanted now)."
            + (f" It is deployed again: {reason}." if reason else ""),
            danger=Danger.REVERSIBLE,
            undo=f"Set its desired count to {service.desired} again: no visitor was led there yet.",
            budget_s=budget_s + (DRAIN_S if service.running and (reason or _DEFINITION in after) else 0),
            call=update_call(context.env, Side.PRIMARY, name, **after, **again_too),
            tenant=service_of_tenant.tenant.id,
            before={"desiredCount": service.desired, _DEFINITION: service.task_definition},
            after=after,
        )


def start_primary_call(step: Step, context: PlanContext) -> Call:
    """The call with the revision's ARN, never lowering what runs. Raises ValueError, DataUnavailable."""
    service = service_of(step, context)
    changes = wanted_parameters(step, context, service)
    if _DEFINITION in step.after:
        changes[_DEFINITION] = newest_for(step, context).arn
    return step.call_with(changes)


def start_primary_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE when running, rolled out and healthy. Any lower count is READY: the fence of the same plan made it 0."""
    service = service_of(step, context)
    needed = step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running} of {needed}"
    if _DEFINITION in step.after and service.task_definition != newest_for(step, context).arn:
        return StepStatus(StepState.READY, f"{message}, and is to move to the newest revision.", evidence_of(service))
    if _DEFINITION not in step.after and service.task_definition != step.before[_DEFINITION]:
        moved = f"{message}; it was moved to {service.task_definition} since."
        return StepStatus(StepState.DRIFTED, moved, evidence_of(service))
    if service.desired < needed:
        return StepStatus(StepState.READY, f"{message}.", evidence_of(service))
    if reason := redeployment_reason(step, context, service):
        return StepStatus(StepState.READY, f"{message}, and must be deployed again: {reason}.", evidence_of(service))
    return progress(context, service, needed, message, Side.PRIMARY)


def start_primary_rollback(step: Step) -> Call | None:
    """The desired count as it was."""
    revision = {_DEFINITION: step.before[_DEFINITION]} if _DEFINITION in step.after else {}
    return shared.reversing_call(step, desiredCount=step.before["desiredCount"], **revision)


def start_primary_notes(context: PlanContext) -> Iterator[str]:
    """Yield the tenants that have no service in the primary region, and what could not be seen."""
    for reason in shared.unavailable_reasons(context, Side.PRIMARY, ecs.services):
        yield f"No service of the primary region can be started: {reason}"
    yield from if_seen(lambda context: unavailable_secrets(context, Side.PRIMARY))(context)
    yield from _absent_primary_tenants(context)


@if_seen
def _absent_primary_tenants(context: PlanContext) -> Iterator[str]:
    tenants = shared.tenants_without_service(context, Side.PRIMARY)
    if names := [shared.service_name(context.env, tenant, Side.PRIMARY) for tenant in tenants]:
        region = context.env.regions.primary
        yield f"There is no service {name_list(names)} in {region}: visitors of these tenants would find nobody there."


def stop_dr_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's DR service that runs more than it did before the failover."""
    for tenant_service in shared.tenant_services(context, Side.DR):
        # The count before the failover; where none was recorded, standby.tasks_per_service
        recorded = context.before("compute/scale_dr_services", tenant_service.service.name)
        standby = int(recorded.get("desiredCount", context.env.standby_of(tenant_service.tenant.id)))
        # Only down: a standby that somebody made smaller is the owner's decision.
        if tenant_service.service.desired > standby:
            name, service, region = tenant_service.service.name, tenant_service.service, context.env.regions.dr
            yield context.step(
                STOP_DR.name,
                name,
                side=Side.DR,
                says=f"{name} runs {standby} tasks in {region} again, as before the failover ({service.desired} "
                "wanted now).",
                danger=Danger.REVERSIBLE,
                undo=f"Set its desired count to {service.desired} again.",
                # Deregistration delay (ELB API, TargetGroupAttribute: 300 s) and stopTimeout (ECS API: 120 s at most).
                budget_s=480,
                call=update_call(context.env, Side.DR, name, desiredCount=standby),
                tenant=tenant_service.tenant.id,
                before={"desiredCount": service.desired},
                after={"desiredCount": standby},
            )


def stop_dr_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no more tasks run than are wanted. Any higher count is READY: it scaled by its load until now."""
    service = service_of(step, context)
    wanted = step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running}, starts {service.pending}"
    if service.desired > wanted:
        return StepStatus(StepState.READY, f"{message}.", evidence_of(service))
    if service.desired < wanted:
        return StepStatus(StepState.DRIFTED, f"{message}: somebody shrank it further since.", evidence_of(service))
    if service.running + service.pending > wanted:
        moves = (str(service.running), str(service.pending))
        message = f"{message}: its tasks drain and stop."
        return StepStatus(StepState.IN_PROGRESS, message, evidence_of(service), progress=moves)
    return StepStatus(StepState.DONE, f"{message}.", evidence_of(service))


def stop_dr_notes(context: PlanContext) -> Iterator[str]:
    """Why the DR region's services could not be seen."""
    for reason in shared.unavailable_reasons(context, Side.DR, ecs.services):
        yield f"Services of the DR region are not made smaller: {reason}"


SCALE_DR = Action(
    "compute/scale_dr_services",
    "Brings each tenant's DR service to its failover size, on a task definition that needs nothing of "
    "the primary region.",
    {UPDATE},
    (
        *(ecs.services, ecs.tasks, ecs.newest_definitions, elbv2.healthy_hosts, elbv2_targets.health),
        *(readers_secretsmanager.secrets, ecs_stopped_tasks.failures),
    ),
    scale_dr_steps,
    scale_dr_status,
    build_call=scale_dr_call,
    rollback=scale_dr_rollback,
    omissions=scale_dr_notes,
    send=send_update,
    essential=False,
    waits=Waits(STARTS),
)
START_PRIMARY = Action(
    "compute/start_primary_services",
    "Starts the primary's services at their recorded counts, before any visitor is led there (T07).",
    {UPDATE},
    (
        *(ecs.services, ecs.tasks, ecs.task_definitions, ecs.newest_definitions, ecs_stopped_tasks.failures),
        *(elbv2.healthy_hosts, elbv2_targets.health, readers_secretsmanager.secrets),
    ),
    start_primary_steps,
    start_primary_status,
    build_call=start_primary_call,
    rollback=start_primary_rollback,
    omissions=start_primary_notes,
    send=send_update,
    waits=Waits(STARTS),
)
STOP_DR = Action(
    "compute/stop_dr_services",
    "Shrinks the DR region's services to the standby that they were before the failover. Nothing is deleted.",
    {UPDATE},
    (ecs.services,),
    stop_dr_steps,
    stop_dr_status,
    omissions=stop_dr_notes,
    rollback=shared.as_before,
    essential=False,
)
