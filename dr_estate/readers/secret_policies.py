"""Secrets Manager: the resource policies of the secrets that tasks of the DR region are started with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import source_of, without_suffix
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, secretsmanager, task_sources
from dr_estate.reading.reader import ReadContext, part

READS = frozenset({"secretsmanager:GetResourcePolicy"})
# There is no such secret, or it is a replica and not to be asked: which of both AWS answers of one is assumed.
_NO_POLICY = ("ResourceNotFoundException", "InvalidParameterException")
# One call may show a later change before another does: ListSecrets lags by up to five minutes.
_SETTLED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SecretPolicy:
    """The policy of the secret ``arn``, as it is; ``text`` is "" where it has none."""

    arn: str
    text: str


@part(Side.DR, reads=READS)
def policies(context: ReadContext) -> tuple[SecretPolicy | Unavailable, ...]:
    """Return the policy of each secret that a task definition names here, and of the master credentials.

    This takes one call per secret, because no batch read returns policies. A policy that was read today (UTC), of a
    secret that has not changed since, is known: a secret's LastChangedDate is when it "was modified in any way"
    (SecretListEntry). It is kept for a day at most, because what AWS does with the date of a replica is assumed.

    A replica has the policy of the secret it is copied from; where it refuses to return the policy, the original is
    asked in the primary region. Source: GetResourcePolicy; Secrets Manager User Guide, "Replicate secrets across
    Regions".
    """
    # Only where the replica's own region refuses it: this read is lost with the primary region.
    home = replace(context, region=context.env.regions.primary)

    def read(arn: str) -> SecretPolicy:
        found = context.find("secretsmanager", "get_resource_policy", _NO_POLICY, SecretId=arn)
        if found is None:
            original = arn.replace(f":{context.region}:", f":{home.region}:", 1)
            found = home.find("secretsmanager", "get_resource_policy", _NO_POLICY, SecretId=original)
        return SecretPolicy(arn, str((found or {}).get("ResourcePolicy") or ""))

    # A version of each secret's policy by the secret's ARN, without secrets that changed recently.
    versions = {
        # The day is a part of the version: after midnight UTC each policy is read once more.
        secret.arn: f"{secret.changed_at.isoformat()}, read {context.now.date()}"
        for secret in context.part(secretsmanager.secrets)
        if secret.changed_at and context.now - secret.changed_at > _SETTLED
    }

    def ask(arns: Sequence[str]) -> dict[str, SecretPolicy | Unavailable]:
        return dict(
            zip(arns, context.maybe(lambda arn: _cached_policy(context, arn, versions, read), arns), strict=True)
        )

    found = ask(_of_tenants(context))  # first: definitions of many tenants take longest of all reads
    wanted = _secrets_at_start(context)
    found |= ask([arn for arn in wanted if arn not in found])
    return tuple(found[arn] for arn in wanted)


def _of_tenants(context: ReadContext) -> list[str]:
    """The secrets that the tenants' tasks are started with by the naming rule."""
    names = (secret for secret in context.part(secretsmanager.secrets) if secret.deleted_at is None)
    return [secret.arn for secret in names if secretsmanager.tenant_of(context.env, secret.name)]


def _secrets_at_start(context: ReadContext) -> list[str]:
    """The secrets that a task definition names, and the master credentials, which a run reads."""
    definitions = [row for row in context.part(ecs.task_definitions) if isinstance(row, ecs.TaskDefinition)]
    values = {value for row in definitions for container in row.containers for _, value in container.sources}
    named = {source.arn for source in map(source_of, values) if source.is_secret}
    known = context.part(task_sources.sources).secrets
    master = context.env.named(context.env.names.master_secret)
    run = [row.arn for row in context.part(secretsmanager.secrets) if row.name == master and row.deleted_at is None]
    started = [arn for arn in known if not named.isdisjoint((arn, without_suffix(arn)))]
    return started + [arn for arn in run if arn not in started]


def _cached_policy(
    context: ReadContext, arn: str, versions: Mapping[str, str], read: Callable[[str], SecretPolicy]
) -> SecretPolicy:
    version = versions.get(arn)
    return context.immutable(arn, SecretPolicy, lambda: read(arn), version) if version else read(arn)
