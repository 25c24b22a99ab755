"""What only a failback may overwrite: each call by name, in its one direction, and only with proven backups. Pure.

A replication onto an existing file system discards what was written there (T28). So the exemption from
``guard.never-delete`` applies to the goal FAILBACK, while completed backups of the files of both sides are proven, and
to calls that copy from the DR region to the primary region. The opposite direction is allowed for the file system of
the DR region alone, whose files are in the primary region by then. A failback and its abort alike take off the tool's
own freeze of the DR region's files and remove its own markers, without proven backups. A failback reboots the DR
region's database, so that it uses the parameter group by which it is frozen.

Of S3 Batch it may start one job, and cancel it. The job replicates a bucket of tenants' data in the DR region as that
bucket's own rules say, with the one role that the environment file names; it is compared field by field. From which
moment on it takes versions is free: fewer do no harm. Only a job that was seen under the description of the
environment's failbacks is cancelled: an account has others.

Of secrets, the primary's gets the value that the DR region's has (its former version stays as AWSPREVIOUS); afterwards
the DR region's becomes a replica of the primary's again, which ``secrets/replicate_to_dr`` allows only where the
primary's says all that it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from dr_actions.guard.context import GuardContext, Proof
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.model.replication_job import OWN, created_after, request_of
from dr_estate.model.stores import DATABASE, FILES, KEY, ONLY_A_MARKER
from dr_estate.readers import dynamodb, s3

PROTECT, REPLICATE = "efs:UpdateFileSystemProtection", "efs:CreateReplicationConfiguration"
END, UNFREEZE = "efs:DeleteReplicationConfiguration", "efs:DeleteFileSystemPolicy"
UNMARK, REBOOT = "dynamodb:DeleteItem", "rds:RebootDBInstance"
COPY, COPY_PART = "s3:CopyObject", "s3:UploadPartCopy"
# The end of a copy in parts: what those are made of is judged where each is copied.
COMPLETE = "s3:CompleteMultipartUpload"
_OBJECTS = ("s3", "s3control")
LOCAL_ONLY = "LOCAL_CONFIGURATION_ONLY"
Params = Mapping[str, Any]
CREATE_JOB, UPDATE_JOB = "s3control:CreateJob", "s3control:UpdateJobStatus"
ENDED = "Cancelled"
PUT_SECRET, REPLICATE_SECRET = "secretsmanager:PutSecretValue", "secretsmanager:ReplicateSecretToRegions"


def exempt(call: Call, context: GuardContext) -> bool:
    """Whether ``call`` is one of a failback's own, which overwrite or remove what is proven to be kept elsewhere."""
    env, proofs = context.env, context.proofs
    if call.name == UNFREEZE and context.goal in (Goal.FAILBACK, Goal.ABORT):
        return call.region == env.region(Side.DR)  # the tool's own freeze is taken off; no file is touched
    if call.name == UNMARK and context.goal in (Goal.FAILBACK, Goal.ABORT):
        return _is_marker(call, env)
    if context.goal is not Goal.FAILBACK:
        return False
    if call.name == REBOOT:
        # what a failover restored may have more behind the name
        own = (env.region(Side.DR), env.database_on(Side.DR))
        return bool(own[1]) and call.region == own[0] and call.text("DBInstanceIdentifier").startswith(own[1])
    of_objects = call.service in _OBJECTS
    leads_to_primary = _leads_to_primary(call, env) or is_replication_job(call, context)
    return (leads_to_primary and _has_backups(proofs, not of_objects)) or copies_secret(call, context)


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
    sides = {proof.side for proof in proofs if proof.arn and (proof.store == FILES.id or not files)}
    return sides >= {Side.PRIMARY, Side.DR}


def _leads_to_primary(call: Call, env: Environment) -> bool:
    primary, dr, params = env.region(Side.PRIMARY), env.region(Side.DR), call.params
    if call.name == PROTECT:
        return call.region in (primary, dr) and params.get("ReplicationOverwriteProtection") == "DISABLED"
    if call.name == REPLICATE:
        # Exactly one destination: onto a second one in the list would be replicated too.
        return call.region == dr and [row.get("Region") for row in params.get("Destinations", ())] == [primary]
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


def is_replication_job(call: Call, context: GuardContext) -> bool:
    """Whether ``call`` starts such a job in the DR region, or cancels one there."""
    env = context.env
    if not env.failback.objects_batch_role or call.region != env.region(Side.DR):
        return False
    if call.name == UPDATE_JOB:
        is_own = call.params.get("AccountId") == env.account and call.params.get("JobId") in context.own_jobs
        return is_own and call.params.get("RequestedJobStatus") == ENDED
    request = {name: value for name, value in call.params.items() if name not in OWN}
    since = created_after(request)
    return call.name == CREATE_JOB and request in [request_of(env, copy, since) for _, copy in s3.data_pairs(env)]


def copies_secret(call: Call, context: GuardContext) -> bool:
    """Return whether ``call`` copies a secret of the estate back, or makes the DR region's a replica of it again."""
    env = context.env
    backed_up = {proof.side for proof in context.proofs if proof.store == DATABASE.id and proof.arn}
    if context.goal is not Goal.FAILBACK or backed_up < {Side.PRIMARY, Side.DR} or call.region != env.regions.primary:
        return False
    if not _of_the_estate(call.text("SecretId"), env):
        return False
    if call.name == REPLICATE_SECRET:
        return [row.get("Region") for row in call.params.get("AddReplicaRegions", ())] == [env.regions.dr]
    return call.name == PUT_SECRET


def _of_the_estate(name: str, env: Environment) -> bool:
    return name == env.named(env.names.master_secret) or bool(env.tenant_of(env.names.tenant_secret, name))
