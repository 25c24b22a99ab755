"""What variables, their files, parameters and secrets of the DR region lead to there: whether each thing exists.

Each is asked for by that name, of another team too: one call a thing, of which an estate names a handful.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from secrets import token_bytes

from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.references import Reference, ReferenceKind, neutral, references
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, secretsmanager, ssm_parameters
from dr_estate.reading.reader import REGIONAL, ReadContext, part

# What the files of variables that containers fetch from S3 name; no value is kept.
#
# Source: ECS Developer Guide, "Pass environment variables to an Amazon ECS container" (one VARIABLE=VALUE a line).

_ABSENT = ("NoSuchKey", "NoSuchBucket", "404")
_MOST = 1_000_000
_PROCESS_KEY = token_bytes(32)


@dataclass(frozen=True, slots=True)
class FileVariable:
    """A variable of a file. ``leads`` are the things of AWS, the private addresses and the hosts that it names.

    ``neutral`` digests the value without its region, keyed for this process; ``names_primary``: it holds the primary
    region's name.
    """

    name: str
    neutral: str
    leads: tuple[str, ...] = ()
    names_primary: bool = False


@dataclass(frozen=True, slots=True)
class VariablesFile:
    """A file of variables, as ``bucket/key``; ``variables`` is None where there is no such file."""

    name: str
    variables: tuple[FileVariable, ...] | None


@part(*REGIONAL, reads=frozenset({"s3:GetObject"}))
def files(context: ReadContext) -> tuple[VariablesFile | Unavailable, ...]:
    """Every file that a container definition of this side names, one call each: tenants share them, they are few."""
    rows = [row for row in context.part(ecs.task_definitions) if isinstance(row, ecs.TaskDefinition)]
    names = {file for row in rows for container in row.containers for file in container.files}
    return tuple(context.maybe(lambda name: _file(context, name), sorted(names)))


def _file(context: ReadContext, name: str) -> VariablesFile:
    bucket, _, key = name.partition("/")
    found = context.find("s3", "get_object", _ABSENT, Bucket=bucket, Key=key)
    if found is None:
        return VariablesFile(name, None)
    body = found["Body"].read(_MOST + 1)
    if len(body) > _MOST:
        reason = f"The file of variables {name} is longer than {_MOST} bytes: it was not read to its end."
        raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason, context.region))
    lines = (line.strip() for line in body.decode("utf-8", "replace").splitlines())
    pairs = (line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
    return VariablesFile(name, tuple(_variable(context, variable.strip(), value.strip()) for variable, value in pairs))


def _variable(context: ReadContext, name: str, value: str) -> FileVariable:
    text = neutral(value, context.region)
    digest = hmac.new(_PROCESS_KEY, f"{name}\0{text}".encode(), "sha256").hexdigest()[:16]
    leads = tuple(found.written for found in references(value))
    return FileVariable(name, digest, leads, context.env.regions.primary in value)


READS = frozenset(
    {
        *("elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters", "sqs:GetQueueUrl"),
        *("elasticache:DescribeServerlessCaches", "efs:DescribeFileSystems", "efs:DescribeAccessPoints"),
        *("s3:HeadBucket", "kms:DescribeKey", "secretsmanager:DescribeSecret", "ssm:DescribeParameters"),
        *("sns:GetTopicAttributes", "dynamodb:DescribeTable", "elbv2:DescribeLoadBalancers"),
    }
)


@dataclass(frozen=True, slots=True)
class NamedResource:
    """A thing that is named. ``region`` is where it was found, "" where it is not there."""

    kind: ReferenceKind
    name: str
    region: str | Unavailable


@part(Side.DR, reads=READS)
def found(context: ReadContext) -> tuple[NamedResource, ...]:
    """What is named, by kind and name. Source: one describing call of each service."""
    wanted = {(row.kind, row.name): row for row in _references(context) if row.kind in _LOOKS}
    rows = [wanted[key] for key in sorted(wanted)]
    regions = context.maybe(lambda row: _LOOKS[row.kind](context, row), rows)
    return tuple(NamedResource(row.kind, row.name, region) for row, region in zip(rows, regions, strict=True))


def _references(context: ReadContext) -> Iterator[Reference]:
    """The things of this region, and those whose text names no region."""
    definitions = [row for row in context.part(ecs.task_definitions) if isinstance(row, ecs.TaskDefinition)]
    rows = [row for found in definitions for container in found.containers for _, row in container.references]
    contents = [row for row in context.part(secretsmanager.contents) if isinstance(row, secretsmanager.Content)]
    rows += [row for found in contents for field in found.fields for text in field.leads for row in references(text)]
    parameters = context.part(ssm_parameters.parameters)
    rows += [row for found in parameters for text in found.leads for row in references(text)]
    read = [row for row in context.part(files) if isinstance(row, VariablesFile)]
    variables = [variable for file in read for variable in file.variables or ()]
    rows += [row for variable in variables for text in variable.leads for row in references(text)]
    # What names another region is judged by that, and never asked for here.
    yield from (row for row in rows if not row.region or row.is_in(context.region))


def _cache(context: ReadContext, row: Reference) -> str:
    groups = context.pages("elasticache", "describe_replication_groups", "ReplicationGroups")
    clusters = context.pages("elasticache", "describe_cache_clusters", "CacheClusters")
    names = {str(group.get("ReplicationGroupId")) for group in groups}
    names |= {str(cluster.get("CacheClusterId")) for cluster in clusters}
    if row.name not in names and ".serverless." in row.written:
        caches = context.pages("elasticache", "describe_serverless_caches", "ServerlessCaches")
        names |= {str(cache.get("ServerlessCacheName")) for cache in caches}
    return context.region if row.name in names else ""


def _asking(
    service: str, operation: str, absent: tuple[str, ...], member: str
) -> Callable[[ReadContext, Reference], str]:
    """Ask for one thing by ``member``, its name: it is in the region unless AWS answers that it is ``absent``."""

    def look(context: ReadContext, row: Reference) -> str:
        answer = context.find(service, operation, absent, **{member: row.name})
        # DescribeSecret still answers a secret that is marked for deletion (Secrets Manager API): it cannot be read.
        return context.region if answer is not None and not answer.get("DeletedDate") else ""

    return look


def _bucket(context: ReadContext, row: Reference) -> str:
    answer = context.find("s3", "head_bucket", ("NoSuchBucket", "404"), Bucket=row.name)
    return str((answer or {}).get("BucketRegion") or "")


def _key(context: ReadContext, row: Reference) -> str:
    answer = context.find("kms", "describe_key", ("NotFoundException",), KeyId=row.name)
    usable = answer is not None and states.KEY[str(answer["KeyMetadata"].get("KeyState"))].serves
    return context.region if usable else ""


def _parameter(context: ReadContext, row: Reference) -> str:
    name = row.name.removeprefix("parameter")
    # Both spellings: in an ARN the slash that begins a name stands for the one behind "parameter".
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name, name.removeprefix("/")]}]
    return context.region if context.pages("ssm", "describe_parameters", "Parameters", ParameterFilters=filters) else ""


def _topic(context: ReadContext, row: Reference) -> str:
    absent = ("NotFound", "NotFoundException")
    return "" if context.find("sns", "get_topic_attributes", absent, TopicArn=row.written) is None else context.region


def _balancer(context: ReadContext, row: Reference) -> str:
    # By its host: one that was made again under the same name has another, and a host has no capitals.
    found = context.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    hosts = [str(balancer.get("DNSName")).lower() for balancer in found]
    return context.region if row.written.lower().removeprefix("dualstack.") in hosts else ""


_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_LOOKS: Mapping[ReferenceKind, Callable[[ReadContext, Reference], str]] = {
    ReferenceKind.CACHE: _cache,
    ReferenceKind.QUEUE: _asking("sqs", "get_queue_url", _NO_QUEUE, "QueueName"),
    ReferenceKind.BUCKET: _bucket,
    ReferenceKind.KEY: _key,
    ReferenceKind.SECRET: _asking("secretsmanager", "describe_secret", ("ResourceNotFoundException",), "SecretId"),
    ReferenceKind.PARAMETER: _parameter,
    ReferenceKind.TOPIC: _topic,
    ReferenceKind.TABLE: _asking("dynamodb", "describe_table", ("ResourceNotFoundException",), "TableName"),
    ReferenceKind.FILES: _asking("efs", "describe_file_systems", ("FileSystemNotFound",), "FileSystemId"),
    ReferenceKind.ACCESS_POINT: _asking("efs", "describe_access_points", ("AccessPointNotFound",), "AccessPointId"),
    ReferenceKind.BALANCER: _balancer,
}
