"""Backup before sync: no call that copies data back is sent before backups of both sides' stores are proven. Pure.

Rule ``guard.backup-first``. It stops the call itself, whatever the order of the steps is, and whatever was approved:
each store of each side needs a complete recovery point that was created since the run began (T28). The DR region takes
writes meanwhile: what is written after its backup is in its own stores, which are kept.

Freeze before promotion: no store of the primary region becomes writable while the DR region's may take writes. Pure.

Rule ``guard.frozen-first``: in a failback the call that makes the primary's files writable is sent only once the freeze
of the DR region's files is confirmed in the journal, and the call that promotes its database only once every freeze of
the plan is. So at each moment one region writes to each store (T41).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from dr_actions.guard.context import STORES, GuardContext, Proof, Store
from dr_actions.guard.failback_exemptions import CREATE_JOB, END, LOCAL_ONLY
from dr_actions.model.gates import Refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment

RULE = "guard.backup-first"
# A point's time is AWS's, the run's is ours: so much they may be apart.
CLOCKS_APART = timedelta(minutes=1)
_PLACED = frozenset(
    {
        "rds:CreateDBInstanceReadReplica",
        "rds:PromoteReadReplica",
        "rds:RestoreDBInstanceFromDBSnapshot",
        "rds:RestoreDBInstanceFromS3",
        "rds:RestoreDBInstanceToPointInTime",
    }
)
_WRITES_OBJECTS = frozenset(
    {"s3:CompleteMultipartUpload", "s3:CopyObject", "s3:PutObject", "s3:UploadPart", "s3:UploadPartCopy"}
)
FROZEN_FIRST = "guard.frozen-first"
PROMOTE = "rds:PromoteReadReplica"


def unproven(proofs: Collection[Proof], begun_at: datetime | None, absent: Collection[Store] = ()) -> list[Store]:
    """Which stores have no point of the run's own; all, where it is not known when that began.

    ``absent`` are stores that do not exist: there is nothing to back up, and nothing to lose.
    """
    # Without a beginning on record every point is too old: a backup of yesterday is no way back from today's sync.
    since = begun_at - CLOCKS_APART if begun_at else None
    fresh = {(proof.side, proof.store) for proof in proofs if since is not None and proof.created_at >= since}
    return [store for store in STORES if store not in fresh and store not in absent]


def refusal(call: Call, context: GuardContext) -> Refusal | None:
    """Return why ``call`` must not be sent, None where it syncs nothing to the primary region or all is backed up."""
    env, begun_at = context.env, context.begun_at
    if not syncs(call, env):
        return None
    open_ = unproven(context.proofs, begun_at, context.absent)
    if not open_:
        return None
    if begun_at is None:
        reason = "when the run began is not on record, so no backup is known to be its own"
    else:
        missing = ", ".join(f"the {store} of {env.region(side)}" for side, store in open_)
        since = f"{begun_at:%Y-%m-%dT%H:%M:%SZ}"
        reason = f"no complete recovery point since the run began ({since}) is proven of {missing}"
    return Refusal(RULE, f"{call.name} in {call.region} copies data back: {reason} (T28).")


def syncs(call: Call, env: Environment) -> bool:
    """Whether ``call`` changes the primary's data, or makes way for that."""
    return any(test(call, env) for test in _TESTS)


def _instance(call: Call, env: Environment) -> bool:
    return call.name in _PLACED and call.region == env.regions.primary


def _is_rename(call: Call, env: Environment) -> bool:
    renames = call.name == "rds:ModifyDBInstance" and "NewDBInstanceIdentifier" in call.params
    return renames and call.region == env.regions.primary


def _protection(call: Call, env: Environment) -> bool:
    """Switching it on again takes no proof: that protects."""
    off = call.params.get("ReplicationOverwriteProtection") != "ENABLED"
    return call.name == "efs:UpdateFileSystemProtection" and off and call.region == env.regions.primary


def _replication(call: Call, env: Environment) -> bool:
    """A configuration is made in its source's region and names its destinations."""
    if call.name != "efs:CreateReplicationConfiguration":
        return False
    return any(_leads_to_primary(destination, env) for destination in call.params.get("Destinations", ()))


def _leads_to_primary(destination: Mapping[str, Any], env: Environment) -> bool:
    region = destination.get("Region") or str(destination.get("AvailabilityZoneName", ""))
    # A zone's name begins with its region's; what names neither counts as the primary.
    return str(region).startswith(env.regions.primary) or not region


def _objects(call: Call, env: Environment) -> bool:
    """Return whether the call writes objects into a bucket of the primary region.

    A bucket that is named by an access point or ARN is taken to be the primary's.
    """
    if call.name not in _WRITES_OBJECTS or _anchors(call, env):
        return False
    return call.region == env.regions.primary or call.text("Bucket") not in set(_dr_buckets(env))


def _job(call: Call, _env: Environment) -> bool:
    """A job of S3 writes where the rules of its source bucket lead, wherever it is started."""
    return call.name == CREATE_JOB


def _anchors(call: Call, env: Environment) -> bool:
    """Whether it adds a head or a run's file to the bucket of the anchors, and overwrites nothing there."""
    bucket = env.named(env.names.anchor_bucket)
    into = bool(bucket) and call.params.get("Bucket") == bucket and call.region == env.regions.dr
    # With If-None-Match `*` S3 refuses a name that exists (S3 User Guide, conditional writes).
    return into and call.name == "s3:PutObject" and call.params.get("IfNoneMatch") == "*"


def _dr_buckets(env: Environment) -> Iterator[str]:
    for pattern in (*env.names.buckets, env.names.state_bucket):
        yield env.named(env.names.bucket_copy, bucket=env.named(pattern))


_TESTS: tuple[Callable[[Call, Environment], bool], ...] = (
    _instance,
    _is_rename,
    _protection,
    _replication,
    _objects,
    _job,
)


def freeze_refusal(call: Call, context: GuardContext) -> Refusal | None:
    """Why ``call`` must not leave, None where it makes nothing writable or the DR region is frozen."""
    env = context.env
    frozen_at = context.files_frozen_at if call.name == END else context.frozen_at
    if context.goal is not Goal.FAILBACK or frozen_at is not None or not makes_writable(call, env):
        return None
    reason = f"{env.regions.dr} is not frozen, so two regions would take writes (T41)"
    return Refusal(FROZEN_FIRST, f"{call.name} in {call.region} lets {env.regions.primary} take writes: {reason}.")


def makes_writable(call: Call, env: Environment) -> bool:
    """Whether ``call`` lets the primary's database or files take writes."""
    if call.name == PROMOTE:
        return call.region == env.regions.primary
    return call.name == END and call.region == env.regions.dr and call.params.get("DeletionMode") != LOCAL_ONLY
