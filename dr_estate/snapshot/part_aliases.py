"""Former names of the snapshot's parts: evidence that was saved under them still loads. Pure."""

from __future__ import annotations

_READERS = {
    "alarms": "cloudwatch_alarms",
    "answers": "dns_answers",
    "autoscaling": "application_autoscaling",
    "canaries": "dns_canary_polls",
    "control": "control_table",
    "copy_keys": "kms_copy_keys",
    "definitions": "ecs_newest_definitions",
    "documents": "runbook",
    "drills": "drill_resources",
    "health_checks": "route53_health_checks",
    "identity": "sts_identity",
    "leading": "serving_side",
    "logs": "cloudwatch_logs",
    "parameters": "ssm_parameters",
    "permissions": "iam_simulation",
    "presence": "other_regions",
    "pulse": "region_heartbeat",
    "quotas": "service_quotas",
    "regions": "account_regions",
    "sampling": "dns_weight_samples",
    "secrets": "secretsmanager",
    "served": "elbv2_request_counts",
    "sites": "http_sites",
    "stopped": "ecs_stopped_tasks",
    "stopping": "ecs_stopping_tasks",
    "terraform": "terraform_state",
    "topics": "sns_topics",
}
"""Modules of readers by their names before 2026-11-26; what follows the dot stayed."""


def current_name(part: str) -> str:
    """Return the present name of ``part``; a name that is present already stays."""
    module, dot, function = part.partition(".")
    return f"{_READERS.get(module, module)}{dot}{function}"
