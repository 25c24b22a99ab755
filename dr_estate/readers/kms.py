"""KMS: keys of what is stored, copied, read and started, in each region, and whom they allow (T19)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.model import stores
from dr_estate.model.references import arn_region
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.model.visible import document
from dr_estate.readers import backup, control_table, dynamodb, ecr, ecs, efs, rds, s3, task_sources
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, part

KEY_READS = frozenset({"kms:DescribeKey", "kms:GetKeyPolicy"})
_RESERVED = ":role/aws-reserved/"  # with the region of the identity centre in its path, whatever region the key is of
ACCOUNT = "the account"
# What is encrypted by a key and is no store.
CONTROL, TASKS, BACKUPS = "control records", "storage of tasks", "backups"
_AWS_OWN = "alias/aws/"
_ARN_REGION = 3
_Used = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A key as a resource names it. ``state`` is KMS's word (Enabled, Disabled, PendingDeletion ...), "absent" where
    there is none, "elsewhere" where its ARN is of another region.

    ``uses`` are the nouns encrypted under it; ``related_regions`` are those of a multi-Region key; ``admits`` are the
    principals its policy allows, ACCOUNT where it leaves the decision to IAM, regions in service names as ``{region}``;
    ``policy`` is the policy as it is. ``material_until`` is when imported key material expires, None for never.
    """

    ref: str
    arn: Annotated[str, At("Arn", demanded=True)]
    state: Annotated[str, At("KeyState")]
    uses: tuple[str, ...]
    multi_region: Annotated[str, At("MultiRegionConfiguration.MultiRegionKeyType")]
    related_regions: tuple[str, ...]
    deletion_at: Annotated[datetime | None, At("DeletionDate")]
    admits: tuple[str, ...] | Unavailable
    policy: str = ""
    material_until: Annotated[datetime | None, At("ValidTo")] = None


@part(*REGIONAL, reads=KEY_READS)
def keys(context: ReadContext) -> tuple[KmsKey | Unavailable, ...]:
    """Every customer key in use, with two calls each: they are few, whatever the number of tenants.

    Keys of copies of the database and of files are read with them, in the DR region. A noun whose own part is unseen
    leaves its Unavailable here: its keys are not known to be usable.
    """
    used: _Used = {}
    unavailable: list[Unavailable] = []
    for noun, refs in _sources(context):
        try:
            for ref in refs():
                used.setdefault(ref, set()).add(noun)
        except DataUnavailable as unseen:
            unavailable.append(unseen.unavailable)
    wanted = sorted(ref for ref in used if ref and not is_of_aws(ref))
    return (*context.maybe(lambda ref: find_key(context, ref, used[ref]), wanted), *unavailable)


@part(Side.DR, reads=KEY_READS)
def replica_keys(context: ReadContext) -> tuple[KmsKey | Unavailable, ...]:
    """The keys under which objects arrive in the copies; none of a primary region that is dark: it replicates nothing.

    They are a part of their own, so that a primary region that is silent delays no other key. A rule may lead elsewhere
    too, as to an archive: its key is that region's matter.
    """
    buckets = context.part_if_seen(s3.buckets, Side.PRIMARY) or ()
    copies = dict(s3.pairs(context.env))
    pairs = [(row, copies.get(row.name)) for row in buckets if isinstance(row, s3.Bucket)]
    rules = [rule for row, copy in pairs for rule in row.rules if rule.enabled and rule.destination == copy]
    wanted = sorted({rule.replica_key for rule in rules if rule.replica_key and not is_of_aws(rule.replica_key)})
    return tuple(context.maybe(lambda ref: find_key(context, ref, {"replicated objects"}), wanted))


def is_of_aws(ref: str) -> bool:
    """Whether the alias is of a key that AWS manages for a service: its policy cannot be changed."""
    return ref.startswith(_AWS_OWN) or f":{_AWS_OWN}" in ref


def _sources(context: ReadContext) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    yield stores.FILES.id, lambda: [system.key for system in context.part(efs.file_systems)]
    yield stores.OBJECTS.id, lambda: [row.key for row in context.part(s3.buckets) if isinstance(row, s3.Bucket)]
    yield (
        stores.TABLES.id,
        lambda: [row.key for row in context.part(dynamodb.tables) if isinstance(row, dynamodb.Table)],
    )
    if context.side is Side.DR:
        yield CONTROL, lambda: [context.part(control_table.table).key]
        yield "parameters", lambda: [key for _, key in context.part(task_sources.sources).keys]
        yield TASKS, lambda: [row.storage_key for row in _clusters(context)]
        yield stores.IMAGES.id, lambda: [_key_of(repository) for repository in context.part(ecr.repositories)]
    else:
        name, vault = context.env.named(context.env.names.database), backup.vault_name(context.env, context.side)
        yield stores.DATABASE.id, lambda: [row.key_arn for row in context.part(rds.instances) if row.identifier == name]
        yield BACKUPS, lambda: [row.key_arn for row in context.part(backup.vaults) if row.name == vault]
    yield stores.SECRETS.id, lambda: [secret.key for secret in context.part(readers_secretsmanager.secrets)]


def _clusters(context: ReadContext) -> tuple[ecs.Cluster, ...]:
    others = context.part(ecs.other_clusters) if len(context.env.clusters) > 1 else ()
    return context.part(ecs.cluster), *others


def _key_of(repository: ecr.Repository) -> str:
    """The key of a repository. Raises DataUnavailable."""
    if isinstance(repository.key, Unavailable):
        raise DataUnavailable(repository.key)
    return repository.key


def find_key(context: ReadContext, ref: str, uses: set[str]) -> KmsKey:
    """The key that an ARN, an id or an alias names, with two calls."""
    if ref.startswith("arn:") and ref.split(":")[_ARN_REGION] != context.region:
        return KmsKey(ref, ref, "elsewhere", tuple(sorted(uses)), "", (), None, ())
    found = context.find("kms", "describe_key", ("NotFoundException",), KeyId=ref)
    if found is None:
        return KmsKey(ref, "", "absent", tuple(sorted(uses)), "", (), None, ())
    row = found["KeyMetadata"]
    config = row.get("MultiRegionConfiguration", {})
    related = [config.get("PrimaryKey", {}), *config.get("ReplicaKeys", [])]
    policy = _policy(context, row["Arn"]) if row.get("KeyManager") == "CUSTOMER" else ""
    return read(
        KmsKey,
        row,
        ref=ref,
        uses=tuple(sorted(uses)),
        related_regions=tuple(sorted(replica["Region"] for replica in related if replica.get("Region"))),
        admits=policy
        if isinstance(policy, Unavailable)
        else _admitted_principals(context, policy)
        if policy
        else (ACCOUNT,),
        policy=policy if isinstance(policy, str) else "",
    )


def _policy(context: ReadContext, arn: str) -> str | Unavailable:
    """The key's own policy; the key itself was seen, whether or not this is."""
    (found,) = context.maybe(
        lambda key: str(context.call("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"]), [arn]
    )
    return found


def _admitted_principals(context: ReadContext, policy: str) -> tuple[str, ...]:
    statements = document(policy).get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return tuple(sorted({who for row in listed if row.get("Effect") == "Allow" for who in _principals(context, row)}))


def _principals(context: ReadContext, statement: dict[str, Any]) -> Iterator[str]:
    given = statement.get("Principal", {})
    groups = given.values() if isinstance(given, dict) else [given]
    for group in groups:
        for who in group if isinstance(group, list) else [group]:
            root = who in (context.env.account, f"arn:aws:iam::{context.env.account}:root")
            yield ACCOUNT if root else who if _RESERVED in who else who.replace(context.region, "{region}")


# KMS: keys that encrypt the copies in the DR region (T19).


@dataclass(frozen=True, slots=True)
class CopyKey:
    """A key that a copy names, or the alias for copies to come. ``arn`` is the name; ``state`` is KMS's word (Enabled,
    Disabled, PendingDeletion ...), "absent" where gone.

    ``dark`` says why the key itself could not be seen; then ``state`` is None. ``policy`` is a customer key's own.
    ``material_until`` is when key material that was imported expires, None for never. ``usage`` is what it is for, and
    ``target`` the key's own ARN.
    """

    arn: str
    region: str
    state: str | None
    deletion_at: Annotated[datetime | None, At("DeletionDate")]
    dark: Unavailable | None = None
    policy: str | Unavailable = ""
    material_until: Annotated[datetime | None, At("ValidTo")] = None
    usage: Annotated[str, At("KeyUsage")] = ""
    target: Annotated[str, At("Arn", demanded=True)] = ""


@part(Side.DR, reads=KEY_READS)
def copy_keys(context: ReadContext) -> tuple[CopyKey, ...]:
    """The keys of replicated backups, instances, the DR vault and its recovery points. One call a key: they are few.

    The alias for copies to come is asked for too, by its name, where it is not AWS's own.
    """
    alias = context.env.named(context.env.names.db_copy_key_alias)
    sources: tuple[Callable[[], set[str]], ...] = (
        lambda: {backup.key_arn for backup in context.part(rds.automated_backups)},
        lambda: {instance.key_arn for instance in context.part(rds.instances)},
        lambda: {vault.key_arn for vault in context.part(backup.vaults)},
        lambda: {point.key_arn for point in context.part(backup.recovery_points)},
        lambda: set() if is_of_aws(alias) or not context.env.replicates else {alias},
    )
    arns: set[str] = set()
    for source in sources:
        try:
            arns |= source()
        except DataUnavailable:
            continue  # the checks of that source say themselves that it could not be seen
    wanted = sorted(arns - {""})
    seen = context.maybe(lambda arn: _describe(context, arn), wanted)
    return tuple(
        CopyKey(arn, arn_region(arn), None, None, key) if isinstance(key, Unavailable) else key
        for arn, key in zip(wanted, seen, strict=True)
    )


def _describe(context: ReadContext, arn: str) -> CopyKey:
    found = context.find("kms", "describe_key", ("NotFoundException",), KeyId=arn)
    if found is None:
        return CopyKey(arn, arn_region(arn) or context.region, "absent", None)
    metadata = found["KeyMetadata"]
    # A key of AWS's own has a policy that nobody of the account may change.
    is_here = arn_region(metadata["Arn"]) == context.region
    policy = _policy(context, metadata["Arn"]) if is_here and metadata.get("KeyManager") == "CUSTOMER" else ""
    state, region = metadata.get("KeyState") or "", arn_region(metadata["Arn"])
    return read(CopyKey, metadata, arn=arn, region=region, state=state, policy=policy)
