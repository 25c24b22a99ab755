"""Readers over answers that are given inside botocore: its clients, paginators and error classes are the real ones.

Parts that a reader builds on are those of saved evidence, so that one part alone asks, and nothing leaves the process.
"""

from __future__ import annotations

import io
import lzma
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from botocore.model import OperationModel

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.aws.recording import ExchangeRecorder
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import (
    cloudfront,
    drill_resources,
    ecs,
    efs,
    elbv2,
    marker_tasks,
    rds,
    restored_files,
    secretsmanager,
    sns_topics,
    task_sources,
)
from dr_estate.reading.reader import ReadContext, Reader, Section, TrackedChanges
from dr_estate.reading.workers import PoolWorkers
from dr_estate.snapshot.registry import readers, reads
from dr_estate.snapshot.snapshot import Snapshot, from_json
from tests.dr_checks.worlds import SIT
from tests.dr_estate.contracts.shapes import full

ROOT = Path(__file__).parents[3]
Params = Mapping[str, Any]
Answer = Callable[[str, Params, str], dict[str, Any]]
Key = tuple[str, Side]
Sections = dict[Key, Section]
_REPLICATED = SIT.failback.model_copy(update={"objects_batch_role": "arn:aws:iam::222222222222:role/sit-batch"})
AUTOMATED = SIT.model_copy(
    update={
        "automation": SIT.automation.model_copy(update={"enabled": True}),
        "failback": _REPLICATED,
        "names": SIT.names.model_copy(update={"stream_bucket": "stream-{env}"}),
    }
)
_ON_THE_NETWORK = {"dns_answers", "http_sites"}
_FOLLOWED = TrackedChanges(changes=("C1",), families=("sit-tenant-1",), tables=("sit-tenant-state",))


@cache
def evidence(world: str = "sit-on-dr") -> Snapshot:
    """The estate of SIT as it was saved; while its DR region serves, everything is read that is read at all."""
    path = ROOT / "tests" / "golden" / "evidence" / f"{world}.json.xz"
    return from_json(lzma.decompress(path.read_bytes()), str(path))


def asking() -> dict[str, Reader[Any]]:
    """The readers by name, without those that ask name servers and sites besides."""
    return {name: reader for name, reader in readers().items() if name.partition(".")[0] not in _ON_THE_NETWORK}


def operations() -> list[str]:
    """What they ask of AWS, in order."""
    return sorted(frozenset().union(*(reader.reads for reader in asking().values())))


class GivenAnswers(ExchangeRecorder):
    """Answers all calls of a session by its events; a lean client, which has none, would look for a server first."""

    def __init__(self, answered: Callable[..., tuple[Any, dict[str, Any]]]) -> None:
        super().__init__()
        self._answered_by = answered

    def attach(self, session: Any) -> None:
        session.register("provide-client-params", _keep)
        session.register("before-call", self._answered_by)


def nowhere(given: GivenAnswers, **more: Any) -> Credentials:
    """The keys to a world that is nowhere: all its answers are given."""
    return Credentials("http://127.0.0.1:9", "AKIDCONTRACT", "none", recorder=given, **more)


class Answered:
    """The product's own read client, answered by ``answer`` (operation, parameters, region) instead of the network."""

    def __init__(self, environment: Environment = AUTOMATED) -> None:
        self.env = environment
        self.answer: Answer = lambda _operation, _params, _region: {}
        self.calls: Counter[str] = Counter()
        self._client = ReadClient(environment, reads(), nowhere(GivenAnswers(self._answered)))
        self._workers = PoolWorkers(4)

    def model(self, operation: str) -> OperationModel:
        """botocore's model of ``service:Operation``."""
        service, _, name = operation.partition(":")
        client = self._client.caller(service, self.env.region(Side.GLOBAL))
        model: OperationModel = client.meta.service_model.operation_model(name)
        return model

    def give(self, operation: str, given: Answer) -> Sections:
        """What is read by ``operation`` while it is answered so, and every other one by a full answer of its model."""

        def answer(name: str, params: Params, region: str) -> dict[str, Any]:
            if name == operation:
                return given(name, params, region)
            if name == _INSTEAD.get(operation):
                return {"Error": {"Code": "NoSuchResourceException", "Message": ""}}
            return dict(full(name, self.model(name).output_shape))

        self.answer = answer
        self.calls.clear()
        return self.read_by(operation)

    def read(self, names: Iterable[str]) -> Sections:
        """Each of these parts on each of its sides. Raises what a reader raises, unless that is DataUnavailable."""
        self._client.open()
        return {(name, side): self._read(name, side) for name in names for side in readers()[name].sides}

    def read_by(self, operation: str) -> Sections:
        """Every part that calls ``operation``."""
        return self.read(name for name, reader in asking().items() if operation in reader.reads)

    def _read(self, name: str, side: Side) -> Section:
        region = self.env.region(side)
        context = ReadContext(self._client, side, region, evidence().taken_at, self._workers, _part_of, _FOLLOWED, name)
        try:
            value = readers()[name].read(context)
            return Section(value, **context.extras)
        except DataUnavailable as error:
            return Section(error.unavailable, **context.extras)

    def _answered(self, model: OperationModel, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        operation = f"{model.service_model.service_name}:{model.name}"
        self.calls[operation] += 1
        answer = self.answer(operation, context["params"], context["client_region"])
        if "Error" in answer:
            return _Refused, {**answer, "ResponseMetadata": {"HTTPStatusCode": _Refused.status_code}}
        if operation == "s3:GetObject":
            answer["Body"] = io.BytesIO(answer.get("Body", b""))
        answer.setdefault("ResponseMetadata", {"HTTPStatusCode": 200, "HTTPHeaders": {}})
        return _Ok, answer


_INSTEAD = {"service-quotas:GetAWSDefaultServiceQuota": "service-quotas:GetServiceQuota"}
"""What must be refused for the other to be asked."""


class _Ok:
    status_code = 200


class _Refused:
    status_code = 400


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["params"] = dict(params)


def unseen(section: Section) -> list[Unavailable]:
    """Every Unseen of a section, wherever it stands."""
    return [*_unseen(section.value), *(row.unseen for row in section.unreadable)]


def _unseen(value: Any) -> Iterator[Unavailable]:
    if isinstance(value, Unavailable):
        yield value
    elif isinstance(value, tuple):
        yield from (found for item in value for found in _unseen(item))
    elif is_dataclass(value):
        yield from (found for part in fields(value) for found in _unseen(getattr(value, part.name)))


TOKEN = "sit-efs-restored-1a2b3c4d"


@cache
def _part_of(name: str, side: Side) -> Future[Section]:
    """A part that another is read from; the primary region was dark while the DR region served."""
    known = evidence("sit-healthy" if side is Side.PRIMARY else "sit-on-dr").parts.get((name, side))
    value = known.value if known else ()
    future: Future[Section] = Future()
    future.set_result(Section(_CHANGED[name](value) if name in _CHANGED else value))
    return future


def _with_drill(instances: tuple[rds.Instance, ...]) -> tuple[rds.Instance, ...]:
    restored = f"{SIT.named(SIT.names.database)}-drill-20260107-101500"
    return *instances, replace(instances[0], identifier=restored)


def _probed(_: tuple[drill_resources.Probe, ...]) -> tuple[drill_resources.Probe, ...]:
    used = [row for row in evidence().get(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition)]
    task = "arn:aws:ecs:xx:1:task/c/1"
    times = (None, None)
    return (drill_resources.Probe(task, "TRIAL-1", used[0].arn, "STOPPED", "STOPPED", "wordpress", 0, "", *times),)


def _moved(_: tuple[drill_resources.Probe, ...]) -> tuple[drill_resources.Probe, ...]:
    return tuple(replace(task, incident=TOKEN) for task in _probed(()))


def _restored(_: tuple[efs.FileSystem, ...]) -> tuple[efs.FileSystem, ...]:
    return tuple(replace(system, token=TOKEN) for system in evidence().get(efs.file_systems, Side.DR))


def _with_own_policies(rows: tuple[cloudfront.Distribution, ...]) -> tuple[cloudfront.Distribution, ...]:
    own = cloudfront.Behaviour("default", "origin", "own-request-policy", "own-cache-policy", False, False)
    assets = cloudfront.Origin(
        "assets", f"assets.s3.{SIT.regions.dr}.amazonaws.com", "", 3, 10, "s3", access_control="c"
    )
    return tuple(
        replace(row, behaviours=(own,), origins=(*row.origins, assets), other_targets=("assets",)) for row in rows
    )


def _with_parameter(rows: tuple[ecs.TaskDefinition, ...]) -> tuple[ecs.TaskDefinition, ...]:
    """Definitions that read a parameter and a secret, and lead to something of every kind."""
    salted = (("SALT", "/shared/salt"), ("PASSWORD", evidence().get(secretsmanager.secrets, Side.DR)[0].arn))
    arn, domain = f"{SIT.regions.dr}:{SIT.account}", f"{SIT.regions.dr}.amazonaws.com"
    services = ("secretsmanager:{}:secret:a", "ssm:{}:parameter/a", "kms:{}:key/a", "sns:{}:a", "dynamodb:{}:table/a")
    named = (
        *(f"arn:aws:{service.format(arn)}" for service in services),
        *("a-1.serverless.euw1.cache.amazonaws.com", "s3://assets", "fs-0123456789abcdef0", "fsap-0123456789abcdef0"),
        *(f"https://sqs.{domain}/1/jobs", f"a-1.{SIT.regions.dr}.elb.amazonaws.com"),
    )
    more: dict[str, Any] = {"secrets": salted, "named": tuple(("X", name) for name in named)}
    return tuple(replace(row, containers=tuple(replace(c, **more) for c in row.containers)) for row in rows)


def _heard(rows: tuple[sns_topics.TopicSubscription, ...]) -> tuple[sns_topics.TopicSubscription, ...]:
    arn = f"{SIT.regions.dr}:{SIT.account}"
    ends = (("sqs", f"arn:aws:sqs:{arn}:pager"), ("lambda", f"arn:aws:lambda:{arn}:function:pager"))
    return tuple(replace(row, who=who, endpoint=endpoint) for row in rows for who, endpoint in ends)


def _sources(_: tuple[()]) -> task_sources.TaskSources:
    listed = evidence().get(secretsmanager.secrets, Side.DR)
    return task_sources.TaskSources(
        tuple(row.arn for row in listed), ("/shared/salt",), (("/shared/salt", "alias/salt"),)
    )


def _rewritten(rows: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values that were written after all tasks had started."""
    late = evidence().taken_at
    return tuple(replace(row, written_at=late) if isinstance(row, secretsmanager.Content) else row for row in rows)


_CHANGED: dict[str, Callable[[Any], Any]] = {
    cloudfront.distributions.name: _with_own_policies,
    drill_resources.tasks.name: _probed,
    ecs.services.name: lambda services: tuple(replace(service, desired=0) for service in services),
    ecs.task_definitions.name: _with_parameter,
    elbv2.healthy_hosts.name: lambda readings: tuple(replace(reading, at=None) for reading in readings),
    efs.of_drills.name: lambda _: evidence().get(efs.file_systems, Side.DR),
    marker_tasks.tasks.name: _probed,
    rds.instances.name: _with_drill,
    secretsmanager.contents.name: _rewritten,
    restored_files.definitions.name: lambda _: evidence().get(ecs.task_definitions, Side.DR)[:1],
    restored_files.systems.name: _restored,
    restored_files.tasks.name: _moved,
    sns_topics.listeners.name: _heard,
    task_sources.sources.name: _sources,
}
"""What stands in no saved evidence: resources of drills, own policies, parameters, idle services, old metrics."""
