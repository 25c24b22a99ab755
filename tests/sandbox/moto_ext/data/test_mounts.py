"""A file system's policy decides who writes and who reads: the sites of the tenants follow it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from tests.sandbox.conftest import client_of

CLIENT, POINT = "elasticfilesystem:Client", "elasticfilesystem:AccessPointArn"


def statement(effect: str, *actions: str, principal: str = "*", **more: Any) -> dict[str, Any]:
    action_names = [f"{CLIENT}{action}" for action in actions]
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": action_names, **more}


@pytest.mark.parametrize(
    ("statements", "writes", "reads"),
    [
        ([], 201, 200),
        ([statement("Allow", "Mount"), statement("Deny", "Write")], 503, 200),
        ([statement("Deny", "Write", principal="arn:aws:iam::{account}:role/sit-ecs-task-role")], 503, 200),
        ([statement("Deny", "Write", principal="arn:aws:iam::{account}:role/another")], 201, 200),
        ([statement("Deny", "Mount")], 503, 503),
        ([statement("Deny", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})], 201, 200),
        ([statement("Deny", "*", Condition={"StringNotLike": {POINT: "arn:*:access-point/*"}})], 201, 200),
        ([statement("Deny", "*", Condition={"StringNotLike": {POINT: "arn:*:access-point/another"}})], 503, 503),
        ([statement("Allow", "Mount", principal="arn:aws:iam::{account}:role/another")], 201, 200),
    ],
    ids=[
        "no policy",
        "read alone",
        "the role's own",
        "somebody else",
        "no mount",
        "unencrypted",
        "by an access point",
        "by another access point",
        "the role may anyway",
    ],
)
def test_writes_and_reads_follow_the_policy(
    seeded: Endpoint, sit: Environment, statements: list[dict[str, Any]], writes: int, reads: int
) -> None:
    sites, region = Sites(seeded, sit), sit.region(Side.PRIMARY)
    efs = client_of(seeded, "efs", region, person="admin")
    (system,) = efs.describe_file_systems()["FileSystems"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace("{account}", sit.account)
        efs.put_file_system_policy(FileSystemId=system["FileSystemId"], Policy=policy)
    answer = sites.ask(region, "POST", sites.hosts[0], "files", {"id": "one"})
    assert writes == answer[0], answer
    assert reads == sites.ask(region, "GET", sites.hosts[0], "files")[0]
    if statements:
        efs.delete_file_system_policy(FileSystemId=system["FileSystemId"])


def test_a_boundary_without_client_rights_closes_unguarded_files(estate: Endpoint, sit: Environment) -> None:
    sites, region, iam = Sites(estate, sit), sit.region(Side.PRIMARY), client_of(estate, "iam", person="admin")
    text = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    arn = iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(text))["Policy"]["Arn"]
    assert sites.ask(region, "GET", sites.hosts[0], "files")[0] == 200
    iam.put_role_permissions_boundary(RoleName="sit-ecs-task-role", PermissionsBoundary=arn)
    assert sites.ask(region, "GET", sites.hosts[0], "files")[0] == 503
