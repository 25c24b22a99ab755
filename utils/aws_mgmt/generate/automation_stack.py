"""The part of the control stack by which AWS starts runs, for CloudFormation and Terraform: document, task, roles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dr_actions.iam.policies import HOME, IamRole, StackRole, role_name
from dr_estate.config.environment import Environment
from dr_estate.iam.scopes import DEFAULT_VERSION, OPEN_FOR
from dr_estate.iam.statements import (
    AUTOMATION,
    SCHEDULER,
    TASKS,
    break_glass_trust,
    document,
    dry_starting,
    service_trust,
)
from dr_estate.model.recovery_document import (
    CONTAINER,
    CPU_UNITS,
    LOOK,
    MEMORY_MIB,
    STOP_S,
    WRITABLE,
    recovery_document,
)

# The schedule by which AWS starts the recovery's task dry each month, for CloudFormation and Terraform.
#
# EventBridge Scheduler starts the document that starts recoveries, with Goal=look: no approver is asked, and the task
# runs ``status``. The schedule's role may start that document and nothing else; a recovery would wait for an approver
# all the same. Source: EventBridge Scheduler User Guide, "Using universal targets".

# In the morning of each month's second day.
CRON = "cron(17 6 2 * ? *)"
_TARGET = "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution"
_RETRIES = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}


def dry_start_resources(env: Environment) -> dict[str, Any]:
    """The schedule and its role, for the template of what AWS starts."""
    role = {
        "RoleName": _name(env),
        "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [service_trust(env, SCHEDULER)]},
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


Documents = dict[str, dict[str, Any]]
# Policies that are there for automation alone, and who has each.
OWN: dict[str, IamRole | StackRole] = {
    "operator-start": IamRole.OPERATOR,
    "approver-start": IamRole.APPROVER,
    "automation-run": StackRole.AUTOMATION,
}
ATTACHED_AS_GIVEN: dict[str, Any] = {
    "Parameters": {
        "AttachHome": {
            "Type": "String",
            "AllowedValues": ["true", "false"],
            "Default": "false",
            "Description": "Whether a failback may run now: write in the primary region.",
        }
    },
    "Conditions": {"GoesHome": {"Fn::Equals": [{"Ref": "AttachHome"}, "true"]}},
}


def automation_variables(env: Environment, documents: Documents) -> dict[str, Any] | None:
    """Return Terraform's variables for automation; None where AWS would start neither recoveries nor full drills."""
    if env.approvals.people == 1 and not env.holds_full_drills:
        return None
    names = {role: role_name(role, env) for role in StackRole if role in documents}
    return {
        "break_glass_tag": OPEN_FOR,
        "container": CONTAINER,
        "cpu": CPU_UNITS,
        "document": env.named(env.names.recovery_document),
        "drills": env.holds_full_drills,
        "dry_start": {
            "cron": CRON,
            "input": _input(env),
            "name": _name(env),
            "policy": json.dumps(_policy(env), sort_keys=True),
            "timezone": env.schedule.timezone,
        },
        "enabled": env.automation.enabled,
        "family": env.named(env.names.recovery_task),
        "memory": MEMORY_MIB,
        "policies": {role: sorted(of_role) for role, of_role in documents.items()},
        "roles": names,
        "stop_s": STOP_S,
        "writable": WRITABLE,
    }


def automation_template(env: Environment, documents: Documents) -> dict[str, Any]:
    """A stack of its own, made after the policies': where automation.enabled is set, or AWS is to hold full drills."""
    image = {"Image": {"Type": "String", "Description": "The image of the tool in the DR region, by its digest."}}
    people = {
        **ATTACHED_AS_GIVEN["Parameters"],
        "Operators": {"Type": "CommaDelimitedList", "Description": "ARNs of the IAM users who run recoveries."},
        "Approvers": {"Type": "CommaDelimitedList", "Description": "ARNs of the IAM users who approve them."},
    }
    drills = env.holds_full_drills
    what = "Full drills of {} that AWS holds." if drills else "Runs of {} that AWS starts once an approver approved."
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{what.format(env.name)} Generated: do not edit.",
        "Parameters": image if drills else {**image, **people},
        **({} if drills else {"Conditions": ATTACHED_AS_GIVEN["Conditions"]}),
        "Resources": {**_roles(env, documents), **_task(env), **_policies(env, documents), **dry_start_resources(env)},
    }


def _roles(env: Environment, documents: Documents) -> dict[str, Any]:
    # Fetching the image and writing logs has a role of its own, which the run itself never holds.
    execution = f"{role_name(StackRole.RECOVERY, env)}-execution"
    task, automation = service_trust(env, TASKS), service_trust(env, AUTOMATION)
    arns = [f"arn:aws:iam::{env.account}:policy/{name}" for name in sorted(documents[StackRole.RECOVERY])]
    drills = env.holds_full_drills  # a drill fails back by itself, and nobody is there to attach what it needs for it
    managed = arns if drills else {"Fn::If": ["GoesHome", arns, [arn for arn in arns if HOME not in arn]]}
    broken = break_glass_trust({"Ref": "Operators"}, {"Ref": "Approvers"})
    break_glass = {"BreakGlass": role_resource(role_name(StackRole.BREAK_GLASS, env), broken, managed)}
    pull = ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"]
    return {
        "Recovery": role_resource(role_name(StackRole.RECOVERY, env), [task], managed),
        "Execution": role_resource(execution, [task], pull),
        "Automation": role_resource(role_name(StackRole.AUTOMATION, env), [automation], []),
        **({} if drills else break_glass),
    }


def role_resource(name: str, trust: list[dict[str, Any]], managed: Any) -> dict[str, Any]:
    """A role of the template, with the ``managed`` policies."""
    properties = {
        "RoleName": name,
        # IAM's least, and its default (IAM API, CreateRole).
        "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
        **({"ManagedPolicyArns": managed} if managed else {}),
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _task(env: Environment) -> dict[str, Any]:
    document = {
        "Name": env.named(env.names.recovery_document),
        "DocumentType": "Automation",
        "DocumentFormat": "JSON",
        # With Replace, the default, each update fails: CloudFormation replaces nothing that has a name of its own.
        "UpdateMethod": "NewVersion",
        "Content": recovery_document(env),
    }
    task = task_resources(env, env.named(env.names.recovery_task), "Recovery")
    return {**task, "Document": {"Type": "AWS::SSM::Document", "Properties": document}}


def task_resources(env: Environment, family: str, role: str, command: Sequence[str] = ()) -> dict[str, Any]:
    """The tool's task with the template's ``role``, and its log; without a ``command`` who runs it says what to do."""
    group = f"/ecs/{family}"
    definition = {
        "Family": family,
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Volumes": [{"Name": name} for name in WRITABLE],
        "Cpu": str(CPU_UNITS),
        "Memory": str(MEMORY_MIB),
        "TaskRoleArn": {"Fn::GetAtt": [role, "Arn"]},
        "ExecutionRoleArn": {"Fn::GetAtt": ["Execution", "Arn"]},
        "ContainerDefinitions": [{**_container(env, group), **({"Command": list(command)} if command else {})}],
    }
    # The log outlives its stack: it is the only screen that a task of AWS has.
    retention = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "Log": {
            "Type": "AWS::Logs::LogGroup",
            **retention,
            "Properties": {"LogGroupName": group, "RetentionInDays": 365},
        },
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": definition},
    }


def _container(env: Environment, group: str) -> dict[str, Any]:
    """The tool's container, which logs to ``group``."""
    log = {"awslogs-group": group, "awslogs-region": env.regions.dr, "awslogs-stream-prefix": CONTAINER}
    return {
        "Name": CONTAINER,
        "Image": {"Ref": "Image"},
        "Essential": True,
        # Nothing is written into the image's own files: the volumes of WRITABLE hold all that a run keeps.
        "ReadonlyRootFilesystem": True,
        "MountPoints": [{"SourceVolume": name, "ContainerPath": path} for name, path in WRITABLE.items()],
        # An init process passes SIGTERM on, also to Terraform, and reaps what it started (ECS API, LinuxParameters).
        "LinuxParameters": {"InitProcessEnabled": True},
        # 120 s is the most that Fargate takes (ECS API, ContainerDefinition): a run ends its call and its record.
        "StopTimeout": STOP_S,
        "LogConfiguration": {"LogDriver": "awslogs", "Options": log},
    }


def _policies(env: Environment, documents: Documents) -> dict[str, Any]:
    """The policies that are there for automation alone: those of ENV-policies.json are referred to."""
    found = {}
    for name, role in OWN.items():
        if role not in documents:
            continue
        document = json.loads(json.dumps(documents[role][f"{env.name}-dr-{name}"]))
        properties = {
            "ManagedPolicyName": f"{env.name}-dr-{name}",
            "PolicyDocument": document,
            "Roles": [{"Ref": "Automation"} if role is StackRole.AUTOMATION else role_name(role, env)],
        }
        found[name.title().replace("-", "")] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    return found
