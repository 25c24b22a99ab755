"""Secrets Manager: the resource policies of the secrets that tasks of the DR region are started with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dr_estate.config.environment import Side
from dr_estate.model.secret_sources import source_of, without_suffix
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, task_sources
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"secretsmanager:GetResourcePolicy"})
_NO_POLICY = ("ResourceNotFoundException", "InvalidParameterException")
"""There is no such secret, or it is a replica and not to be asked: which of both AWS answers of one is assumed."""


@dataclass(frozen=True, slots=True)
class SecretPolicy:
    """The policy of the secret ``arn``, as it is; ``text`` is "" where it has none."""

    arn: str
    text: str


@part(Side.DR, reads=READS)
def policies(context: ReadContext) -> tuple[SecretPolicy | Unavailable, ...]:
    """The policy of each secret that a task definition names here: one call a secret, for no batch read tells it.

    A replica has the policy of the secret it is copied from; where it refuses to tell it, that one is asked in the
    primary region. Source: GetResourcePolicy; Secrets Manager User Guide, "Replicate secrets across Regions".
    """
    definitions = [row for row in context.part(ecs.task_definitions) if isinstance(row, ecs.TaskDefinition)]
    values = {value for row in definitions for container in row.containers for _, value in container.secrets}
    named = {source.arn for source in map(source_of, values) if source.is_secret}
    known = context.part(task_sources.sources).secrets
    wanted = [arn for arn in known if not named.isdisjoint((arn, without_suffix(arn)))]

    home = replace(context, region=context.env.regions.primary)

    def read(arn: str) -> SecretPolicy:
        found = context.find("secretsmanager", "get_resource_policy", _NO_POLICY, SecretId=arn)
        if found is None:
            original = arn.replace(f":{context.region}:", f":{home.region}:", 1)
            found = home.find("secretsmanager", "get_resource_policy", _NO_POLICY, SecretId=original)
        return SecretPolicy(arn, str((found or {}).get("ResourcePolicy") or ""))

    return tuple(context.maybe(read, wanted))
