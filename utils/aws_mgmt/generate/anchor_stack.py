"""The stack by which AWS itself anchors each change of the control table; Terraform makes it by the same template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.stream_records import (
    HANDLER,
    RUNTIME,
    TRUST,
    bucket_statements,
    folder_of,
    role_statements,
)

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
                "ObjectLockConfiguration": {
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": retention},
                },
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
