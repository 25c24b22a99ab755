"""A service's way to its size: the call that sets it, its tasks and rollout, and what the load balancer sees of them.

A FAILED deployment launches no task, a changed desired count makes no new one, and a task keeps the secrets of its
start (T53): then the call that scales makes a new deployment. What it made is known by its id. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Any

from dr_actions.actions import shared
from dr_actions.actions.compute.task_revisions import revision
from dr_actions.actions.shared import FORCE_NEW_DEPLOYMENT, tenant_services, unavailable_reasons
from dr_actions.model.action import PlanContext, Sender, StepState, StepStatus, present
from dr_actions.model.plan import Call, Json, Step
from dr_checks.derived.site_visits import part_or
from dr_estate.aws.pace import launch_s, shortest_s
from dr_estate.config.environment import Environment, Side
from dr_estate.model.states import ROLLOUT, SERVICE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, ecs_stopped_tasks, elbv2, elbv2_targets
from dr_estate.readers import secretsmanager as readers_secretsmanager

UPDATE = "ecs:UpdateService"
# What a task that starts goes through, by the rows of aws_durations.toml.
STARTS = ("ecs.start-task", "ecs.warm-up", "elb.first-check", "cloudwatch.publish")
# A Fargate task pulls its image, boots, and passes its first health checks, whose counts are published a minute later.
START_S = 420
# Old tasks of a new deployment drain (300 s by default) and stop (120 s at most) before it is COMPLETED.
DRAIN_S = 420
# ECS repeats a sentence while its cause lasts, ever more seldom.
_REPORTED_SINCE = timedelta(hours=1)


def service_of(step: Step, context: PlanContext) -> ecs.Service:
    """The service that the step is about, as seen now. Raises Drifted, DataUnavailable."""
    # DRAINING and INACTIVE services are answered too (ECS API, Service): they are no service to change.
    found = context.snapshot.find(ecs.services, step.side, name=step.subject)
    found = found if found is not None and SERVICE[found.status].serves else None
    return present(found, f"{step.subject} is not there any more.")


def update_call(env: Environment, side: Side, service: str, **changes: Json) -> Call:
    """``ecs:UpdateService`` of the service."""
    return Call("ecs", "UpdateService", env.region(side), {**env.on(side).ecs_names(service), **changes})


def scale_out_s(env: Environment, services: int, tasks: int) -> int:
    """Seconds AWS takes to let ``tasks`` more of ``services`` start: a floor that no tool lowers (T35).

    Calls, launches and registrations overlap, so the slowest counts.
    """
    launched_s = launch_s(tasks, env.capacity.launch_burst, env.capacity.launch_per_s)
    return round(max(launched_s, shortest_s({UPDATE: services})))


def primary_tasks(context: PlanContext, tenant_service: shared.TenantService) -> int:
    """How many tasks the tenant's primary service is to run: as before the failover.

    Where that was not recorded (the primary was dark) or was 0 (a scheduled night), as many as it runs by itself now;
    where that is 0, capacity.tasks_per_service.
    """
    desired_count = int(context.before("compute/fence_services", tenant_service.service.name).get("desiredCount", 0))
    # `or` and not a default: a recorded 0 is no size that visitors could be served with.
    return desired_count or tenant_service.service.desired or context.env.tasks_of(tenant_service.tenant.id)


class RedeploymentReason(StrEnum):
    """Why a service needs a new deployment; the value is the reason in words."""

    FAILED = "its newest deployment failed and launches no task"
    OLD_SECRETS = "its tasks started before its secrets changed"


def redeployment_reason(step: Step, context: PlanContext, service: ecs.Service) -> RedeploymentReason | None:
    """Why the service needs a new deployment, None where it does not, or where the step's own call made its newest."""
    if service.deployment and service.deployment == context.deployments.get(step.id):
        return None
    return reason_of(context, service, step.side)


def reason_of(context: PlanContext, service: ecs.Service, side: Side) -> RedeploymentReason | None:
    """Why the service needs a new deployment. Secrets that cannot be seen are no reason: the notes say so."""
    if ROLLOUT[service.rollout].broken:
        return RedeploymentReason.FAILED
    try:
        return RedeploymentReason.OLD_SECRETS if _has_old_secrets(context, service, side) else None
    except DataUnavailable:
        return None


def _has_old_secrets(context: PlanContext, service: ecs.Service, side: Side) -> bool:
    """Whether a task of the service, and its deployment, are older than a secret it reads. Raises DataUnavailable."""
    definition = revision(context, service.task_definition, side)
    sources = [source for c in definition.containers for _, source in c.sources] if definition is not None else []
    # A source is an ARN that a JSON key, a stage and a version may follow.
    # Seven parts are the secret's ARN: a JSON key, a stage and a version may follow (ECS Developer Guide, "Secrets").
    read = {":".join(source.split(":")[:7]) for source in sources}
    known = context.snapshot.get(readers_secretsmanager.secrets, side)
    changed_at = max((secret.changed_at for secret in known if secret.arn in read and secret.changed_at), default=None)
    if changed_at is None or (service.deployed_at is not None and service.deployed_at > changed_at):
        return False
    own = (task for task in context.snapshot.get(ecs.tasks, side) if task.group == f"service:{service.name}")
    # A task keeps the value of its start: ECS injects it once (ECS Developer Guide, "Pass sensitive data").
    return any(task.created_at is not None and task.created_at < changed_at for task in own)


def unavailable_secrets(context: PlanContext, side: Side) -> Iterator[str]:
    """Say why it is not known whether the tasks of services hold the current secrets. Raises DataUnavailable."""
    if tenant_services(context, side):
        for reason in unavailable_reasons(context, side, ecs.tasks, readers_secretsmanager.secrets):
            region = context.env.region(side)
            yield f"Tasks of {region} are not replaced for secrets that changed since they started: {reason}"


def wanted_parameters(step: Step, context: PlanContext, service: ecs.Service) -> dict[str, Json]:
    """The desired count, which never lowers what runs, and what makes a new deployment, where one is needed."""
    count = {"desiredCount": max(step.after["desiredCount"], service.desired)}
    # Also while an older deployment is under way: that one may still fail, whatever this call scales.
    renewed = ROLLOUT[service.rollout].busy or redeployment_reason(step, context, service)
    return {**count, FORCE_NEW_DEPLOYMENT: True} if renewed else count


def send_update(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Send the call; returns the id of the deployment that it made, if it made one."""
    service = sender.send(call).get("service", {})
    # A changed count makes no deployment: the newest would be one that the step did not make.
    if not {FORCE_NEW_DEPLOYMENT, "taskDefinition"} & call.params.keys():
        return {}
    newest = next((row for row in service.get("deployments", ()) if row.get("status") == "PRIMARY"), None)
    return {"deployment": newest["id"]} if newest else {}


def progress(context: PlanContext, service: ecs.Service, needed: int, message: str, side: Side) -> StepStatus:
    """How far a service is: DONE when as many targets as needed are healthy (T07). Raises DataUnavailable."""
    facts = evidence_of(service)
    if ROLLOUT[service.rollout].broken:
        message = f"{message}: ECS gave its deployment up.{_event(context, service, side)}"
        return StepStatus(StepState.FAILED, message, facts)
    # Counted before the load balancer is asked: its numbers are a minute behind ECS's.
    if service.running < needed or (service.rollout and not ROLLOUT[service.rollout].serves):
        how, moves = service.rollout or "unknown", _progress_values(service)
        message = f"{message}, its rollout is {how}.{_event(context, service, side)}"
        return StepStatus(StepState.IN_PROGRESS, message, facts, progress=moves)
    if not service.target_groups:
        return StepStatus(StepState.DONE, f"{message}; it is attached to no target group.", facts)
    # Running is not serving: only the load balancer's own view shows that requests are answered (T07).
    healthy = healthy_targets(context, service, side) or 0
    facts = (*facts, ("healthy", str(healthy)))
    if healthy < needed:
        reason = reason_of_targets(context, service, side)
        seen = f"the load balancer sees {healthy} healthy{f' ({reason})' if reason else ''}"
        message = f"{message}; {seen}.{_event(context, service, side)}"
        return StepStatus(StepState.IN_PROGRESS, message, facts, progress=(*_progress_values(service), str(healthy)))
    return StepStatus(StepState.DONE, f"{message}; the load balancer sees {healthy} healthy.", facts)


def _event(context: PlanContext, service: ecs.Service, side: Side) -> str:
    """What ECS says of the service's newest failed task, else of the service; "" where both are long ago."""
    since = context.snapshot.taken_at - _REPORTED_SINCE
    failed = part_or(context.snapshot, ecs_stopped_tasks.failures, side, ())
    own = [task for task in failed if task.group == f"{ecs.GROUP_OF}{service.name}" and task.at >= since]
    if own and service.running < service.desired:
        return f" ECS says of its newest task: {own[0].reason}"
    if service.event_at is None or service.event_at < since:
        return ""
    return f" ECS says: {service.event}"


def _progress_values(service: ecs.Service) -> tuple[str, ...]:
    return str(service.running), str(service.pending), service.rollout


def evidence_of(service: ecs.Service) -> tuple[tuple[str, str], ...]:
    """The service's counts, rollout and revision, as they are kept in the journal."""
    counts = tuple((name, str(getattr(service, name))) for name in ("desired", "running", "pending"))
    return (*counts, ("rollout", service.rollout), ("task definition", service.task_definition))


def healthy_targets(context: PlanContext, service: ecs.Service, side: Side) -> int | None:
    """Return the number of healthy targets in the group that has the fewest; None where a group's number is unknown.

    The numbers are CloudWatch's of the last minutes, else the load balancer's own. Raises DataUnavailable.
    """
    since = context.snapshot.taken_at - elbv2_targets.FRESH
    answers = part_or(context.snapshot, elbv2_targets.health, side, ())  # who may not ask has CloudWatch's word alone
    seen = {group.group: group.healthy for group in answers}
    seen |= {
        reading.dimension("TargetGroup"): int(reading.value)
        for part, _ in context.snapshot.of_entrances(context.env)
        for reading in part.get(elbv2.healthy_hosts, side)
        if reading.value is not None and reading.at is not None and reading.at >= since
    }
    counts = [seen.get(elbv2_targets.dimension_of(arn)) for arn in service.target_groups]
    known = [count for count in counts if count is not None]
    # A service behind several groups serves where the weakest does; one that is unknown proves nothing.
    return min(known) if known and len(known) == len(counts) else None


def reason_of_targets(context: PlanContext, service: ecs.Service, side: Side) -> str:
    """Return the load balancer's reason why a target of the service is unhealthy, "" where it was not queried."""
    own = {elbv2_targets.dimension_of(arn) for arn in service.target_groups}
    answers = part_or(context.snapshot, elbv2_targets.health, side, ())
    return next((group.reason for group in answers if group.group in own and group.reason), "")
