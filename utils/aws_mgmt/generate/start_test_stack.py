"""The schedule by which AWS starts the weekly start test, for CloudFormation and Terraform.

EventBridge Scheduler runs the tool as a Fargate task in the DR region, with the policies of the drill role and no
other: it may start tasks of tenants with a drill's tag, and nothing of a recovery. Source: EventBridge Scheduler User
Guide, "Templated targets" (ECS RunTask).
"""

from __future__ import annotations

from typing import Any

from dr_actions.iam.policies import IamRole
from dr_estate.config.environment import Environment, Side
from dr_estate.iam import scopes
from dr_estate.iam.statements import TASKS, service_trust
from dr_estate.model.recovery_document import CONTAINER, CPU_UNITS, MEMORY_MIB, STOP_S, WRITABLE
from utils.aws_mgmt.generate.automation_stack import role_resource, task_resources

Documents = dict[str, dict[str, Any]]
# Mondays, in the hours of those who read what failed; thresholds.start_test_age_days has room for one that is late.
CRON = "cron(47 5 ? * MON *)"
_SCHEDULER = "scheduler.amazonaws.com"
_PULL = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def start_test_variables(env: Environment, documents: Documents) -> dict[str, Any] | None:
    """Terraform's variables for the schedule; None where nothing is replicated, and no tenant starts anywhere else."""
    if not env.replicates:
        return None
    return {
        "cluster": _cluster(env),
        "command": _command(env),
        "container": CONTAINER,
        "cpu": CPU_UNITS,
        "cron": CRON,
        "memory": MEMORY_MIB,
        "name": _name(env),
        "policies": sorted(documents[IamRole.DRILL]),
        "stop_s": STOP_S,
        "timezone": env.schedule.timezone,
        "writable": WRITABLE,
    }


def start_test_template(env: Environment, documents: Documents) -> dict[str, Any]:
    """A stack of its own, made after the policies'."""
    name = _name(env)
    attached = [f"arn:aws:iam::{env.account}:policy/{policy}" for policy in sorted(documents[IamRole.DRILL])]
    listed = {"Type": "CommaDelimitedList"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The weekly start test of {env.name} in the DR region. Generated: do not edit.",
        "Parameters": {
            "Image": {"Type": "String", "Description": "The image of the tool in the DR region, by its digest."},
            "Subnets": {**listed, "Description": "Subnets of the platform's services in the DR region."},
            "SecurityGroups": {**listed, "Description": "Security groups of the platform's services there."},
        },
        "Resources": {
            "Test": role_resource(name, [service_trust(env, TASKS)], attached),
            "Execution": role_resource(f"{name}-execution", [service_trust(env, TASKS)], [_PULL]),
            "Scheduler": _scheduler(env, name),
            **task_resources(env, name, "Test", _command(env)),
            "Schedule": _schedule(env, name),
        },
    }


def _name(env: Environment) -> str:
    return f"{env.name}-dr-start-test"


def _command(env: Environment) -> list[str]:
    return ["-e", env.name, "test", "--infra", "--start"]


def _cluster(env: Environment) -> str:
    return scopes.arn(env, env.regions.dr, "ecs", f"cluster/{env.on(Side.DR).clusters[0]}")


def _scheduler(env: Environment, name: str) -> dict[str, Any]:
    """The role of the schedule: it runs that one task in that one cluster, with its two roles."""
    family = scopes.arn(env, env.regions.dr, "ecs", f"task-definition/{name}")
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    roles = [{"Fn::GetAtt": [role, "Arn"]} for role in ("Test", "Execution")]
    in_cluster = {"ArnEquals": {"ecs:cluster": _cluster(env)}}
    statements = [
        {
            "Effect": "Allow",
            "Action": "ecs:RunTask",
            "Resource": [family, f"{family}:*"],
            "Condition": in_cluster,
        },
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": roles, "Condition": to_tasks},
    ]
    account = {"StringEquals": {"aws:SourceAccount": env.account}}
    trust = {"Effect": "Allow", "Principal": {"Service": _SCHEDULER}, "Action": "sts:AssumeRole", "Condition": account}
    role = role_resource(f"{name}-schedule", [trust], [])
    document = {"Version": "2012-10-17", "Statement": statements}
    role["Properties"]["Policies"] = [{"PolicyName": "run", "PolicyDocument": document}]
    return role


def _schedule(env: Environment, name: str) -> dict[str, Any]:
    network = {
        "AwsvpcConfiguration": {"Subnets": {"Ref": "Subnets"}, "SecurityGroups": {"Ref": "SecurityGroups"}},
    }
    target = {
        "Arn": _cluster(env),
        "RoleArn": {"Fn::GetAtt": ["Scheduler", "Arn"]},
        "EcsParameters": {
            "TaskDefinitionArn": {"Ref": "Task"},
            "LaunchType": "FARGATE",
            "TaskCount": 1,
            "NetworkConfiguration": network,
        },
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
    }
    properties = {
        "Name": name,
        "ScheduleExpression": CRON,
        "ScheduleExpressionTimezone": env.schedule.timezone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    return {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
