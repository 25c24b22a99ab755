"""What only a failback may overwrite: each call by name, in its one direction, and only with proven backups. Pure.

A replication onto an existing file system discards what was written there (T28). So the exemption from
``guard.never-delete`` applies to the goal FAILBACK, while completed backups of the files of both sides are proven, and
to calls that copy from the DR region to the primary region. The opposite direction is allowed for the file system of
the DR region alone, whose files are in the primary region by then. A failback and its abort alike take off the tool's
own freeze of the DR region's files and remove its own markers, without proven backups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from dr_actions.guard import batch_exemptions, secret_exemptions
from dr_actions.guard.context import GuardContext
from dr_actions.guard.evidence import Proof
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.model.stores import FILES, KEY, ONLY_A_MARKER
from dr_estate.readers import dynamodb, s3

PROTECT, REPLICATE = "efs:UpdateFileSystemProtection", "efs:CreateReplicationConfiguration"
END, UNFREEZE = "efs:DeleteReplicationConfiguration", "efs:DeleteFileSystemPolicy"
UNMARK = "dynamodb:DeleteItem"
COPY, COPY_PART = "s3:CopyObject", "s3:UploadPartCopy"
# The end of a copy in parts: what those are made of is judged where each is copied.
COMPLETE = "s3:CompleteMultipartUpload"
_OBJECTS = ("s3", "s3control")
LOCAL_ONLY = "LOCAL_CONFIGURATION_ONLY"
Params = Mapping[str, Any]


def exempt(call: Call, context: GuardContext) -> bool:
    """Whether ``call`` is one of a failback's own, which overwrite or remove what is proven to be kept elsewhere."""
    env, proofs = context.env, context.proofs
    if call.name == UNFREEZE and context.goal in (Goal.FAILBACK, Goal.ABORT):
        return call.region == env.region(Side.DR)  # the tool's own freeze is taken off; no file is touched
    if call.name == UNMARK and context.goal in (Goal.FAILBACK, Goal.ABORT):
        return _is_marker(call, env)
    if context.goal is not Goal.FAILBACK:
        return False
    of_objects = call.service in _OBJECTS
    leads_to_primary = _leads_to_primary(call, env) or batch_exemptions.exempt(call, context)
    return (leads_to_primary and _has_backups(proofs, not of_objects)) or secret_exemptions.exempt(call, context)


def _is_marker(call: Call, env: Environment) -> bool:
    """Whether the item to be deleted is a marker, and nothing else would be: in the DR region, under its own key."""
    key = call.params.get("Key", {})
    values = [value for typed in key.values() for value in typed.items()]
    return (
        call.region == env.region(Side.DR)
        and call.params.get("TableName") in dynamodb.names(env)
        and ("S", KEY) in values
        and call.params.get("ConditionExpression") == ONLY_A_MARKER
    )


def _has_backups(proofs: Sequence[Proof], files: bool) -> bool:
    """Whether both sides are backed up: the ``files`` themselves, or whatever the estate has (S3 keeps versions)."""
    return {proof.side for proof in proofs if proof.arn and (proof.store == FILES.id or not files)} >= {
        Side.PRIMARY,
        Side.DR,
    }


def _leads_to_primary(call: Call, env: Environment) -> bool:
    primary, dr, params = env.region(Side.PRIMARY), env.region(Side.DR), call.params
    if call.name == PROTECT:
        return call.region in (primary, dr) and params.get("ReplicationOverwriteProtection") == "DISABLED"
    if call.name == REPLICATE:
        # Exactly one destination: onto a second one in the list would be replicated too.
        return call.region == dr and [destination.get("Region") for destination in params.get("Destinations", ())] == [
            primary
        ]
    if call.name == END:
        # the half that a dark primary kept of a replication whose other half was deleted in the failover (T27)
        return call.region == primary and params.get("DeletionMode") == LOCAL_ONLY
    if call.region != primary or call.service != "s3":
        return False
    if call.name == COMPLETE:
        return params.get("Bucket") in {bucket for bucket, _ in s3.data_pairs(env)}
    return call.name in (COPY, COPY_PART) and _from_its_copy(params, env)


def _from_its_copy(params: Params, env: Environment) -> bool:
    """Whether an object is copied into a bucket of the estate from that bucket's own copy, under the same key."""
    bucket, key = _source(params.get("CopySource"))
    return key == params.get("Key") and (params.get("Bucket"), bucket) in s3.data_pairs(env)


def _source(copy_source: Any) -> tuple[str, str]:
    """Bucket and key of a CopySource: as it is given, or as botocore writes it (``bucket/quoted-key?versionId=x``)."""
    if isinstance(copy_source, Mapping):
        return str(copy_source.get("Bucket", "")), str(copy_source.get("Key", ""))
    bucket, _, key = str(copy_source or "").partition("?versionId=")[0].lstrip("/").partition("/")
    return bucket, unquote(key)
