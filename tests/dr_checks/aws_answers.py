"""Reads a part from answers written down in a test, each held against botocore's model of its operation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar, cast

import botocore.session
from botocore.validate import ParamValidator

from dr_estate.aws.read_client import ReadClient
from dr_estate.config.environment import Environment, Side
from dr_estate.reading.reader import ReadContext, Reader, Section
from dr_estate.reading.workers import PoolWorkers
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

T = TypeVar("T")
Answers = Mapping[str, Any]
"""By operation as boto3 spells it, such as ``describe_vpcs``; or what is called with the parameters."""


def _encoded(answer: Any) -> Any:
    """The answer with each policy document as AWS sends it, which botocore decodes."""
    if isinstance(answer, list):
        return [_encoded(member) for member in answer]
    if not isinstance(answer, dict):
        return answer
    documents = {name: json.dumps(value) for name, value in answer.items() if name.endswith("PolicyDocument")}
    return {name: _encoded(value) for name, value in answer.items()} | documents


class _OnePage:
    """The test's answer is the only page."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def paginate(self, **params: Any) -> list[Any]:
        return [self._ask(**params)]


class _Client:
    """Answers every call of a service from the test's answers."""

    def __init__(self, service: str, answers: Answers) -> None:
        self._service, self._answers = service, answers

    def can_paginate(self, _operation: str) -> bool:
        return False

    def get_paginator(self, operation: str) -> _OnePage:
        return _OnePage(getattr(self, operation))

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if callable(self._answers[operation]):
            return cast(Callable[..., Any], self._answers[operation])
        model = botocore.session.get_session().get_service_model(self._service)
        names = {name.lower(): name for name in model.operation_names}
        shape = model.operation_model(names[operation.replace("_", "")]).output_shape
        problems = ParamValidator().validate(_encoded(self._answers[operation]), shape)
        assert not problems.has_errors(), problems.generate_report()
        return lambda **_params: self._answers[operation]


class _ReadClient:
    seconds_left = 1.0

    def __init__(self, answers: Answers, environment: Environment) -> None:
        self._answers, self.environment = answers, environment

    def call(self, service: str, _region: str, ask: Callable[[Any], Any], _absent: tuple[str, ...] = ()) -> Any:
        return ask(_Client(service, self._answers))


def read(reader: Reader[T], side: Side, answers: Answers, upon: Snapshot | None = None, env: Environment = SIT) -> T:
    """What the reader makes of the answers; the other parts it asks for are those of ``upon``, or all is healthy."""
    return reader.read(reading(reader, side, answers, upon, env))


def reading(
    reader: Reader[Any], side: Side, answers: Answers, upon: Snapshot | None = None, env: Environment = SIT
) -> ReadContext:
    """What ``read`` gives the reader: it collects the rows that were not understood."""
    seen = upon or healthy()

    def part(name: str, of: Side) -> Future[Section]:
        future: Future[Section] = Future()
        future.set_result(Section(seen.parts[name, of].value))
        return future

    return ReadContext(
        client=cast(ReadClient, _ReadClient(answers, env)),
        side=side,
        region=SIT.region(side),
        now=seen.taken_at,
        workers=PoolWorkers(1),
        parts=part,
        followed=seen.followed,
        name=reader.name,
    )
