"""The schedule by which AWS starts the recovery's task dry each month, for CloudFormation and Terraform.

EventBridge Scheduler starts the document that starts recoveries, with Goal=look: no approver is asked, and the task
runs ``status``. The schedule's role may start that document and nothing else; a recovery would wait for an approver all
the same. Source: EventBridge Scheduler User Guide, "Using universal targets".
"""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.iam.scopes import DEFAULT_VERSION
from dr_estate.iam.statements import document, dry_starting
from dr_estate.model.recovery_document import LOOK

# In the morning of each month's second day.
CRON = "cron(17 6 2 * ? *)"
_TARGET = "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution"
_SCHEDULER = "scheduler.amazonaws.com"
_RETRIES = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}


def dry_start_variables(env: Environment) -> dict[str, Any]:
    """Terraform's variables for the schedule."""
    return {
        "cron": CRON,
        "input": _input(env),
        "name": _name(env),
        "policy": json.dumps(_policy(env), sort_keys=True),
        "timezone": env.schedule.timezone,
    }


def dry_start_resources(env: Environment) -> dict[str, Any]:
    """The schedule and its role, for the template of what AWS starts."""
    account = {"StringEquals": {"aws:SourceAccount": env.account}}
    trust = {"Effect": "Allow", "Principal": {"Service": _SCHEDULER}, "Action": "sts:AssumeRole", "Condition": account}
    role = {
        "RoleName": _name(env),
        "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Policies": [{"PolicyName": "start", "PolicyDocument": _policy(env)}],
    }
    schedule = {
        "Name": _name(env),
        "ScheduleExpression": CRON,
        "ScheduleExpressionTimezone": env.schedule.timezone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": _TARGET,
            "RoleArn": {"Fn::GetAtt": ["DryStarter", "Arn"]},
            "Input": _input(env),
            "RetryPolicy": _RETRIES,
        },
    }
    return {
        "DryStarter": {"Type": "AWS::IAM::Role", "Properties": role},
        "DryStart": {"Type": "AWS::Scheduler::Schedule", "DependsOn": "Document", "Properties": schedule},
    }


def _name(env: Environment) -> str:
    return f"{env.name}-dr-dry-start"


def _policy(env: Environment) -> dict[str, Any]:
    return document(dry_starting(env))


def _input(env: Environment) -> str:
    parameters = {
        "Goal": [LOOK],
        "Incident": ["LOOK-MONTHLY"],
        "PlanDigest": ["0" * 64],
        "Summary": ["A dry start: it runs status as the task."],
    }
    named = {"DocumentName": env.named(env.names.recovery_document), "DocumentVersion": DEFAULT_VERSION}
    return json.dumps({**named, "Parameters": parameters}, sort_keys=True)
