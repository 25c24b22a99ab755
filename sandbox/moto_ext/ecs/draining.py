"""How a task leaves its service: taken out of the load balancer, drained, then stopped (ELB: deregistration delay)."""

from __future__ import annotations

from datetime import datetime

from moto.ecs.models import Service
from moto.elbv2.models import elbv2_backends

from sandbox.core.timing import duration_s, is_real
from sandbox.moto_ext.ecs.tasks import RunningTask

DELAY = "deregistration_delay.timeout_seconds"


def drain(service: Service, task: RunningTask, moment: datetime, reason: str) -> None:
    """Let the task leave at ``moment``; at the quick pace it is stopped by that."""
    drains_s = _delay_s(service) + duration_s("ecs.stop-task", service.name) if is_real() else 0.0
    task.stop(moment, reason, drains_s)


def _delay_s(service: Service) -> float:
    """How long the service's target groups let a target drain, in seconds; 0 without a load balancer."""
    region, account = str(service.cluster_arn).split(":")[3:5]
    known = elbv2_backends[account][region].target_groups
    usual_s = duration_s("ecs.drain", service.name)
    groups = [known.get(balancer.get("targetGroupArn", "")) for balancer in service.load_balancers]
    return max((float(str(group.attributes.get(DELAY) or usual_s)) for group in groups if group), default=0.0)
