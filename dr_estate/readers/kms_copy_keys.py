"""KMS: keys that encrypt the copies in the DR region (T19)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.model.regional_names import arn_region
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import backup, kms, rds
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

KEY_READS = frozenset({"kms:DescribeKey", "kms:GetKeyPolicy"})


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
    deletion_at: datetime | None
    dark: Unavailable | None = None
    policy: str | Unavailable = ""
    material_until: datetime | None = None
    usage: str = ""
    target: str = ""


@part(Side.DR, reads=KEY_READS)
def keys(context: ReadContext) -> tuple[CopyKey, ...]:
    """The keys of replicated backups, instances, the DR vault and its recovery points. One call a key: they are few.

    The alias for copies to come is asked for too, by its name, where it is not AWS's own.
    """
    alias = context.env.named(context.env.names.db_copy_key_alias)
    sources: tuple[Callable[[], set[str]], ...] = (
        lambda: {backup.key_arn for backup in context.part(rds.automated_backups)},
        lambda: {instance.key_arn for instance in context.part(rds.instances)},
        lambda: {vault.key_arn for vault in context.part(backup.vaults)},
        lambda: {point.key_arn for point in context.part(backup.recovery_points)},
        lambda: set() if kms.is_of_aws(alias) or not context.env.replicates else {alias},
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
    state, ends = metadata.get("KeyState") or "", metadata.get("DeletionDate")
    # A key of AWS's own has a policy that nobody of the account may change.
    policy = _policy(context, metadata["Arn"]) if metadata.get("KeyManager") == "CUSTOMER" else ""
    more = (metadata.get("ValidTo"), metadata.get("KeyUsage") or "", metadata["Arn"])
    return CopyKey(arn, arn_region(metadata["Arn"]), state, ends, None, policy, *more)


def _policy(context: ReadContext, arn: str) -> str | Unavailable:
    """The key's own policy, where it is of this region."""
    if arn_region(arn) != context.region:
        return ""
    (found,) = context.maybe(
        lambda key: str(context.call("kms", "get_key_policy", KeyId=key, PolicyName="default")["Policy"]), [arn]
    )
    return found
