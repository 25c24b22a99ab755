"""What a recovery itself needs in the DR region: the control stack's document and task, the runbook, and the anchors of
the control table's stream."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from dr_estate.model import stream_records
from dr_estate.model.recovery_document import CONTAINER, recovery_document
from sandbox.core.deployed import ROOT
from sandbox.core.state import now
from sandbox.seeding.objects import location_of, locked_bucket
from sandbox.seeding.site import Estate, as_list, tag_map

SOURCE = ROOT / "deploy" / "anchors" / "index.py"


def build_starts(estate: Estate) -> None:
    """Make both in the DR region."""
    env = estate.environment
    if not (env.automation.enabled or env.holds_full_drills):
        return
    name, family = env.named(env.names.recovery_document), env.named(env.names.recovery_task)
    content = json.dumps(recovery_document(env))
    estate.dr.client("ssm").create_document(
        Name=name, Content=content, DocumentType="Automation", DocumentFormat="JSON", Tags=as_list(tag_map(env, name))
    )
    role = f"arn:aws:iam::{env.account}:role/{env.named(env.names.recovery_role)}"
    estate.dr.client("ecs").register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="2048",
        executionRoleArn=estate.roles["execution"],
        taskRoleArn=role,
        containerDefinitions=[{"name": CONTAINER, "image": estate.dr.image, "essential": True}],
        tags=as_list(tag_map(env, family), "key", "value"),
    )


def build_runbook(estate: Estate) -> None:
    """Put the reviewed runbook into its bucket in the DR region."""
    env, s3 = estate.environment, estate.dr.client("s3")
    place = env.named(env.people.runbook)
    if not place.startswith("s3://"):
        return
    bucket, _, key = place.removeprefix("s3://").partition("/")
    s3.create_bucket(Bucket=bucket, **location_of(estate.dr.region))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    text = f"# Recovery runbook of {env.name}\n\nReviewed: {now().date()}\n\nSee the steps of docs/runbook.md.\n"
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/markdown")


def build_anchors(estate: Estate) -> None:
    """Make what deploy/cloudformation/stream-anchors.json makes: a locked bucket, and the function that writes into it.

    It reads the control table's stream from now on: what was seeded before was written long ago.
    """
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
    # The source as CloudFormation packs it.
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", SOURCE.read_text(encoding="utf-8"))
    functions.create_function(
        FunctionName=name,
        Runtime=stream_records.RUNTIME,
        Handler=stream_records.HANDLER,
        Role=role,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"BUCKET": bucket, "FOLDER": folder}},
        Tags=tag_map(env, name),
    )
    functions.create_event_source_mapping(
        EventSourceArn=table["LatestStreamArn"], FunctionName=name, StartingPosition="LATEST"
    )


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
