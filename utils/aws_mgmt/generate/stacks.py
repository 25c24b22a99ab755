"""The stacks by which AWS starts the weekly start test and anchors the control table, for CloudFormation and Terraform.

EventBridge Scheduler runs the tool as a Fargate task in the DR region, with the policies of the drill role and no
other: it may start tasks of tenants with a drill's tag, and nothing of a recovery. Source: EventBridge Scheduler User
Guide, "Templated targets" (ECS RunTask).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dr_actions.iam.policies import IamRole
from dr_estate.config.environment import Environment, Side
from dr_estate.iam import scopes
from dr_estate.iam.statements import SCHEDULER, TASKS, service_trust
from dr_estate.model.recovery_document import CONTAINER, CPU_UNITS, MEMORY_MIB, STOP_S, WRITABLE
from dr_estate.model.stream_records import HANDLER, RUNTIME, TRUST, bucket_statements, folder_of, role_statements
from utils.aws_mgmt.generate.automation_stack import role_resource, task_resources

# The stack by which AWS itself anchors each change of the control table; Terraform makes it by the same template.

_TIMEOUT_S, _MEMORY_MIB, _LOG_DAYS = 60, 256, 365
_BATCH = 100  # records: each is an object, some 30 ms
_ARN = "arn:${AWS::Partition}"


def anchor_variables(env: Environment) -> dict[str, str] | None:
    """Return Terraform's variables; None where the environment names no bucket."""
    if not env.names.stream_bucket:
        return None
    names = env.named(env.names.stream_bucket), env.named(env.names.stream_function)
    return {"bucket": names[0], "function": names[1], "folder": folder_of(env)}


def anchor_parameters(env: Environment) -> dict[str, str]:
    """Return those of the template that the environment file decides."""
    variables = anchor_variables(env) or {}
    return {f"Stream{name.title()}": value for name, value in variables.items()}


def anchor_template(source: Path) -> dict[str, Any]:
    """One template for every environment. ``source`` is the function's."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Anchors that AWS writes of the control table; after dr-region.yaml. Generated: do not edit.",
        "Parameters": {
            "StreamArn": _text("ARN of the control table's stream: output ControlStreamArn of dr-region.yaml."),
            "StreamBucket": _text("Name of the bucket that is made (names.stream_bucket)."),
            "StreamFunction": _text("Name of the function, and of its role (names.stream_function)."),
            "StreamFolder": _text("Folder of the environment in the bucket."),
            "RetentionYears": {**_text("How long nobody deletes an anchor, root neither."), "Type": "Number"}
            | {"Default": 1, "MinValue": 1},
        },
        "Resources": {**_bucket(), **_function(source)},
    }


def _text(description: str) -> dict[str, Any]:
    return {"Type": "String", "Description": description}


def _sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _bucket() -> dict[str, Any]:
    # COMPLIANCE: under GOVERNANCE who has s3:BypassGovernanceRetention deletes (S3 Guide, "Locking objects").
    retention = {"Mode": "COMPLIANCE", "Years": {"Ref": "RetentionYears"}}
    bucket, objects = (_sub(f"{_ARN}:s3:::${{StreamBucket}}{end}") for end in ("", "/*"))
    role = _sub(f"{_ARN}:iam::${{AWS::AccountId}}:role/${{StreamFunction}}")
    return {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            # CloudFormation deletes empty buckets alone, and locked objects cannot be deleted.
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketName": {"Ref": "StreamBucket"},
                "ObjectLockEnabled": True,
                "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},
                "VersioningConfiguration": {"Status": "Enabled"},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": dict.fromkeys(
                    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
                ),
            },
        },
        "FunctionAlone": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": _document(bucket_statements(bucket, objects, role)),
            },
        },
    }


def _function(source: Path) -> dict[str, Any]:
    logs = _sub(f"{_ARN}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/lambda/${{StreamFunction}}:*")
    objects = _sub(f"{_ARN}:s3:::${{StreamBucket}}/${{StreamFolder}}/*")
    allowed = role_statements(objects, {"Ref": "StreamArn"}, logs)
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {"Ref": "StreamFunction"},
                "AssumeRolePolicyDocument": _document([TRUST]),
                "Policies": [{"PolicyName": "anchor", "PolicyDocument": _document(allowed)}],
            },
        },
        # Made here and not by Lambda, whose own group never expires: the function depends on it.
        "Log": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": _sub("/aws/lambda/${StreamFunction}"), "RetentionInDays": _LOG_DAYS},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": {"Ref": "StreamFunction"},
                "Runtime": RUNTIME,
                "Handler": HANDLER,
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Timeout": _TIMEOUT_S,
                "MemorySize": _MEMORY_MIB,
                "Environment": {"Variables": {"BUCKET": {"Ref": "Bucket"}, "FOLDER": {"Ref": "StreamFolder"}}},
                # Inline: no bucket of code has to be there before the first deployment.
                "Code": {"ZipFile": source.read_text(encoding="utf-8")},
            },
            "DependsOn": ["Log"],
        },
        # One shard, one function at a time: objects arrive in the order of the records. What fails is sent again until
        # it is a day old; one record that fails alone holds up no other in its batch.
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Ref": "StreamArn"},
                "FunctionName": {"Ref": "Function"},
                # With LATEST what is written while the mapping is made is missed (Lambda Guide, "Starting positions").
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": _BATCH,
                "BisectBatchOnFunctionError": True,
            },
        },
    }


Documents = dict[str, dict[str, Any]]
# Mondays, in the hours of those who read what failed; thresholds.start_test_age_days has room for one that is late.
CRON = "cron(47 5 ? * MON *)"
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
        {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": [family, f"{family}:*"], "Condition": in_cluster},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": roles, "Condition": to_tasks},
    ]
    role = role_resource(f"{name}-schedule", [service_trust(env, SCHEDULER)], [])
    document = {"Version": "2012-10-17", "Statement": statements}
    role["Properties"]["Policies"] = [{"PolicyName": "run", "PolicyDocument": document}]
    return role


def _schedule(env: Environment, name: str) -> dict[str, Any]:
    network = {"AwsvpcConfiguration": {"Subnets": {"Ref": "Subnets"}, "SecurityGroups": {"Ref": "SecurityGroups"}}}
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
