"""An environment that names a role for jobs of S3, and a world whose buckets are replicated back, by plain boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3

from dr_estate.config.environment import Environment, Side
from dr_estate.readers import s3
from sandbox.client.endpoint import Endpoint

make: Any = boto3
INITIATES = ("s3:GetReplicationConfiguration", "s3:InitiateReplication", "s3:PutInventoryConfiguration")


def batched(env: Environment, minutes: float = 60) -> Environment:
    """The environment with a role for jobs of S3, which have so many minutes."""
    role = f"arn:aws:iam::{env.account}:role/{env.name}-s3-batch"
    given = {"objects_batch_role": role, "objects_batch_minutes": minutes}
    return env.model_copy(update={"failback": env.failback.model_copy(update=given)})


def replicated_back(endpoint: Endpoint, env: Environment, written: str = "*") -> None:
    """Replicate each copy back by a role that may write objects of ``written`` ARNs; what is there is older."""
    allow(endpoint, f"{env.name}-s3-home", "s3.amazonaws.com", ("s3:ReplicateObject",), written)
    allow(endpoint, env.failback.objects_batch_role.rpartition("/")[2], "batchoperations.s3.amazonaws.com", INITIATES)
    client = admin(endpoint, "s3", env.region(Side.DR))
    for bucket, copy in s3.data_pairs(env):
        rule = {"ID": "home", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}}
        rule |= {"DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}}
        config = {"Role": f"arn:aws:iam::{env.account}:role/{env.name}-s3-home", "Rules": [rule]}
        client.put_bucket_replication(Bucket=copy, ReplicationConfiguration=config)


def allow(endpoint: Endpoint, role: str, service: str, actions: tuple[str, ...], resource: str = "*") -> None:
    """Make a role that ``service`` takes and that may do ``actions``."""
    iam = admin(endpoint, "iam", "us-east-1")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    allow_in(endpoint, role, actions, resource)


def allow_in(endpoint: Endpoint, role: str, actions: tuple[str, ...], resource: str = "*") -> None:
    """Let the role do ``actions``, and nothing else."""
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
    iam = admin(endpoint, "iam", "us-east-1")
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(own))


def admin(endpoint: Endpoint, service: str, region: str) -> Any:
    """A plain client of the account's administrator."""
    keys = endpoint.people["admin"]
    return make.client(
        service,
        region_name=region,
        endpoint_url=endpoint.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
