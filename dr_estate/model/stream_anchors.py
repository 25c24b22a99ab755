"""Anchors that AWS writes: who may put them, for the stack that is deployed and for the sandbox alike. Pure.

DynamoDB's stream of the control table is read by a Lambda function (deploy/anchors/index.py), which keeps what each
record says in a bucket with Object Lock. Its role is Lambda's alone, and the bucket takes objects from that role
alone. Source: IAM User Guide, "aws:PrincipalArn"; S3 User Guide, "Object Lock considerations".
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Environment

Statement = dict[str, Any]
# The folder of the bucket: an environment's anchors are below its name in it.
FOLDER = "stream"
VIEW = "NEW_AND_OLD_IMAGES"
RUNTIME = "python3.13"
HANDLER = "index.handler"
TRUST: Statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
_WRITES = (
    *("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject", "s3:PutObjectLegalHold", "s3:PutObjectRetention"),
    *("s3:ReplicateDelete", "s3:ReplicateObject"),
)
_STREAM_READS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")


def folder_of(env: Environment) -> str:
    """The folder of the environment's anchors."""
    return f"{FOLDER}/{env.name}"


def role_statements(bucket: Any, stream: Any, logs: Any) -> list[Statement]:
    """What the function may: put objects, read its stream and write its own log. Each is an ARN, or a template's."""
    return [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": bucket},
        {"Effect": "Allow", "Action": list(_STREAM_READS), "Resource": stream},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": logs},
    ]


def bucket_statements(bucket: Any, objects: Any, role: Any) -> list[Statement]:
    """Deny everybody but the role to put an object, and everybody a way without TLS."""
    everybody = {"Effect": "Deny", "Principal": "*"}
    return [
        {"Sid": "TheFunctionAlone", **everybody, "Action": list(_WRITES), "Resource": objects}
        | {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}}},
        {"Sid": "EncryptedInTransit", **everybody, "Action": "s3:*", "Resource": [bucket, objects]}
        | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]
