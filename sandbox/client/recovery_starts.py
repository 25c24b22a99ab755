"""Runs that AWS was asked for and that wait for an approver, as a plain client of Systems Manager sees them."""

from __future__ import annotations

import boto3

from sandbox.client.endpoint import Endpoint


def waiting(world: Endpoint, region: str) -> frozenset[str]:
    """The ids of the executions that wait in the region."""
    keys = world.people["admin"]
    client = boto3.client(
        "ssm",
        endpoint_url=world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        region_name=region,
    )
    # Waiting is the status of an execution whose aws:approve step is open.
    only = [{"Key": "ExecutionStatus", "Values": ["Waiting"]}]
    rows = client.describe_automation_executions(Filters=only)["AutomationExecutionMetadataList"]
    return frozenset(row["AutomationExecutionId"] for row in rows)
