"""What deploy/cloudformation/stream-anchors.json makes: a locked bucket, and the function that alone writes into it.

It reads the control table's stream from now on: what was seeded before was written long ago.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from dr_estate.model import stream_records
from sandbox.core.deployed import ROOT
from sandbox.seeding.objects import locked_bucket
from sandbox.seeding.site import Estate, as_list, tag_map

SOURCE = ROOT / "deploy" / "anchors" / "index.py"


def build(estate: Estate) -> None:
    """Make them where the environment names the bucket. Needs the control table."""
    env, dr = estate.environment, estate.dr
    bucket, name = env.named(env.names.stream_bucket), env.named(env.names.stream_function)
    if not bucket:
        return
    table = dr.client("dynamodb").describe_table(TableName=env.named(env.names.control_table))["Table"]
    arn, role = f"arn:aws:s3:::{bucket}", f"arn:aws:iam::{env.account}:role/{name}"
    folder = stream_records.folder_of(env)
    locked_bucket(dr, bucket)
    policy = _document(stream_records.bucket_statements(arn, f"{arn}/*", role))
    dr.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    iam, tags = estate.world_wide("iam"), as_list(tag_map(env, name))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([stream_records.TRUST]), Tags=tags)
    log = f"arn:aws:logs:{dr.region}:{env.account}:log-group:/aws/lambda/{name}:*"
    # The stream's ARN holds the moment of its creation: it is read from the table.
    allowed = stream_records.role_statements(f"{arn}/{folder}/*", table["LatestStreamArn"], log)
    iam.put_role_policy(RoleName=name, PolicyName="anchor", PolicyDocument=_document(allowed))
    functions = dr.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime=stream_records.RUNTIME,
        Handler=stream_records.HANDLER,
        Role=role,
        Code={"ZipFile": _source_archive()},
        Environment={"Variables": {"BUCKET": bucket, "FOLDER": folder}},
        Tags=tag_map(env, name),
    )
    functions.create_event_source_mapping(
        EventSourceArn=table["LatestStreamArn"], FunctionName=name, StartingPosition="LATEST"
    )


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _source_archive() -> bytes:
    """The source as CloudFormation packs it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", SOURCE.read_text(encoding="utf-8"))
    return packed.getvalue()
