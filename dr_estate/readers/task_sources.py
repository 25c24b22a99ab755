"""Sources of the DR region's task definitions: the secrets and parameters that their containers are started with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import SecretSource, by_named_arn, source_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, secretsmanager
from dr_estate.readers.secretsmanager import stages_of
from dr_estate.reading.reader import ReadContext, part

READS = frozenset({"secretsmanager:ListSecrets", "ssm:DescribeParameters"})
BUCKET_READS = frozenset({"s3:HeadBucket", "s3:ListObjectsV2"})
_NO_BUCKET = ("NoSuchBucket", "404")
_SECRETS_A_CALL, _PARAMETERS_A_CALL = 10, 50


@dataclass(frozen=True, slots=True)
class TaskSources:
    """What there is of all that task definitions name: ARNs of secrets that are not deleted, names of parameters.

    ``keys`` is (name, key) of each SecureString under a customer's key, which AWS names by id, ARN or alias.
    ``stages`` is (ARN, labels and ids of its versions) of each secret.
    """

    secrets: tuple[str, ...]
    parameters: tuple[str, ...]
    keys: tuple[tuple[str, str], ...] = ()
    stages: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class TaskBucket:
    """A bucket of files of variables; ``region`` is "" where there is no such bucket.

    ``absent`` are the keys of named files that it has not; None where nobody looked, as in the primary
    region's bucket.
    """

    name: str
    region: str
    absent: tuple[str, ...] | None = None


@part(Side.DR, reads=BUCKET_READS)
def file_buckets(context: ReadContext) -> tuple[TaskBucket | Unavailable, ...]:
    """Return the regions of the buckets that containers fetch variables from, and the files they lack.

    One call per bucket and one per file, no matter how many containers share it: they are few. A list shows that a file
    is there without the right to read it.
    """
    rows = [row for row in context.part(ecs.task_definitions) if isinstance(row, ecs.TaskDefinition)]
    files = {file.partition("/")[::2] for row in rows for container in row.containers for file in container.files}

    def read(name: str) -> TaskBucket:
        found = context.find("s3", "head_bucket", _NO_BUCKET, Bucket=name)
        region = str((found or {}).get("BucketRegion") or "")
        # The primary's bucket is a finding by itself: its files are gone with the region, whatever they are.
        if region in ("", context.env.regions.primary):
            return TaskBucket(name, region)
        keys = sorted(key for bucket, key in files if bucket == name)
        return TaskBucket(name, region, tuple(key for key in keys if not _is_there(context, name, key)))

    return tuple(context.maybe(read, sorted({bucket for bucket, _ in files})))


def _is_there(context: ReadContext, bucket: str, key: str) -> bool:
    """Whether the bucket has the key: of those that begin with it, it comes first."""
    found = context.call("s3", "list_objects_v2", Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents") or []
    # Keys are listed in order, so the key itself comes before all that begin with it (S3 API, ListObjectsV2).
    return any(row.get("Key") == key for row in found)


@part(Side.DR, reads=READS)
def sources(context: ReadContext) -> TaskSources:
    """Which of the named secrets and parameters exist here; those of the estate's own names are known already.

    Others are listed by name, ten secrets and fifty parameters a call. Source: ListSecrets, DescribeParameters.
    """
    listed = {secret.arn: secret.stages for secret in context.part(secretsmanager.secrets) if not secret.deleted_at}
    named = [source for source in _named_sources(context) if source.region in ("", context.region)]
    known = by_named_arn(listed.items())
    strange = sorted({s.name for s in named if s.is_secret and s.arn not in known})
    parameters = sorted({s.name for s in named if not s.is_secret})

    def secrets(names: Sequence[str]) -> Sequence[tuple[str, tuple[str, ...]]]:
        # The filter finds names that begin so, too (Secrets Manager API, Filter): more is read than was asked for.
        filters = [{"Key": "name", "Values": list(names)}]
        rows = context.pages("secretsmanager", "list_secrets", "SecretList", Filters=filters, MaxResults=100)
        return context.rows(rows, lambda row: (str(row["ARN"]), stages_of(row)), "Name")

    def parameter_keys(names: Sequence[str]) -> Sequence[tuple[str, str]]:
        filters = [{"Key": "Name", "Option": "Equals", "Values": list(names)}]
        rows = context.pages("ssm", "describe_parameters", "Parameters", ParameterFilters=filters)
        return context.rows(rows, lambda row: (str(row["Name"]), str(row.get("KeyId") or "")), "Name")

    stages = tuple(sorted((listed | dict(context.batches(secrets, strange, _SECRETS_A_CALL))).items()))
    there = context.batches(parameter_keys, parameters, _PARAMETERS_A_CALL)
    keys = tuple(sorted((name, key) for name, key in there if key and not key.startswith("alias/aws/")))
    return TaskSources(tuple(arn for arn, _ in stages), tuple(sorted(name for name, _ in there)), keys, stages)


def _named_sources(context: ReadContext) -> list[SecretSource]:
    """What the task definitions of this side name, without those that were not read."""
    definitions = [d for d in ecs.run_definitions(context) if isinstance(d, ecs.TaskDefinition)]
    return [source_of(value) for d in definitions for container in d.containers for _, value in container.sources]
