"""The jobs of S3 Batch Replication that a failback starts: what they are asked for, and by what they are known.

A job replicates what the rules of its source bucket take, and was not replicated yet: replicas of the primary's own
objects are none of these. Sources: S3 API, CreateJob; S3 User Guide, "Replicating existing objects".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dr_estate.config.environment import Environment

NOT_REPLICATED = ("NONE", "FAILED")
# What distinguishes a job from other jobs of the same buckets.
OWN = frozenset({"ClientRequestToken", "Description", "Tags"})
_PRIORITY = 10
CREATED_AFTER = "CreatedAfter"


def request_of(env: Environment, copy: str, created_after: str = "") -> dict[str, Any]:
    """Return the request of CreateJob that replicates the bucket ``copy`` to the primary region, without ``OWN``.

    Of versions created until ``created_after`` (ISO 8601) the job takes none; "": of all.
    """
    chosen: dict[str, Any] = {"EligibleForReplication": True, "ObjectReplicationStatuses": list(NOT_REPLICATED)}
    chosen |= {CREATED_AFTER: created_after} if created_after else {}
    source = {"ExpectedBucketOwner": env.account, "SourceBucket": f"arn:aws:s3:::{copy}"}
    return {
        "AccountId": env.account,
        "ConfirmationRequired": False,
        "Operation": {"S3ReplicateObject": {}},
        "Report": {"Enabled": False},
        "ManifestGenerator": {"S3JobManifestGenerator": {**source, "Filter": chosen, "EnableManifestOutput": False}},
        "Priority": _PRIORITY,
        "RoleArn": env.failback.objects_batch_role,
    }


def created_after(request: Mapping[str, Any]) -> str:
    """The moment that ``request_of`` made the request with; "" where there is none, or it is none."""
    generator = (request.get("ManifestGenerator") or {}).get("S3JobManifestGenerator") or {}
    return str((generator.get("Filter") or {}).get(CREATED_AFTER) or "")


def of_failbacks(env: Environment) -> str:
    """How the description of every job of the environment's failbacks begins."""
    return f"{env.name} failback "


def of_bucket(env: Environment, incident: str, bucket: str, copy: str) -> str:
    """How the description of a job of the incident's failback begins that replicates ``copy`` into ``bucket``."""
    return f"{of_failbacks(env)}{incident}: {copy} to {bucket}, run of "
