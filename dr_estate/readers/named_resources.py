"""What variables, their files, parameters and secrets of the DR region lead to there: whether each thing exists.

Each is asked for by that name, of another team too: one call a thing, of which an estate names a handful.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.references import Reference, ReferenceKind, references
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, environment_files, secretsmanager, ssm_parameters
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

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
    files = [row for row in context.part(environment_files.files) if isinstance(row, environment_files.VariablesFile)]
    variables = [variable for file in files for variable in file.variables or ()]
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
    absent = ("LoadBalancerNotFound", "LoadBalancerNotFoundException")
    answer = context.find("elbv2", "describe_load_balancers", absent, Names=[row.name]) or {}
    hosts = [str(found.get("DNSName")).lower() for found in answer.get("LoadBalancers") or ()]
    # By its host: a load balancer that was made again under the same name has another one.
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
