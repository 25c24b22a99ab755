"""Answers in JSON are read by plans: what comes out is what botocore's own parser makes of them, for every read."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import JSONParser, ResponseParser, ResponseParserError, RestJSONParser
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.aws.speedups import PlannedJsonParser, PlannedRestJsonParser, fast_timestamp
from tests.dr_estate.contracts.answering import Answered, operations
from tests.dr_estate.contracts.shapes import drawn, full

ANSWERED = Answered()
BOTOCORES = {
    "json": JSONParser(timestamp_parser=fast_timestamp),
    "rest-json": RestJSONParser(timestamp_parser=fast_timestamp),
}
OURS = {"json": PlannedJsonParser(fast_timestamp), "rest-json": PlannedRestJsonParser(fast_timestamp)}
IN_JSON = [name for name in operations() if ANSWERED.model(name).service_model.resolved_protocol in OURS]
HEADERS = {"x-amzn-requestid": "1", "Location": "there", "ETag": "e", "X-Amz-Function-Error": "Unhandled"}


def on_the_wire(shape: Shape, value: Any) -> Any:
    """The answer as AWS sends it, and in every object a member that no model knows and one that is null."""
    if isinstance(shape, StructureShape):
        known = {
            member.serialization.get("name", name): on_the_wire(member, value[name])
            for name, member in shape.members.items()
            if name in value
        }
        nulls = {} if shape.is_tagged_union else {"Unheard": [1], **dict.fromkeys(set(shape.members) - set(value))}
        return {**nulls, **known}
    if isinstance(shape, ListShape):
        return [on_the_wire(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: on_the_wire(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def answer(body: bytes, status: int = 200) -> dict[str, Any]:
    return {"status_code": status, "headers": HEADERS, "body": body, "context": {}}


def parsed(parsers: dict[str, ResponseParser], response: dict[str, Any], operation: str) -> Any:
    """What the operation's parser makes of the answer, or the class of what it raises."""
    model = ANSWERED.model(operation)
    try:
        return parsers[model.service_model.resolved_protocol].parse(response, model.output_shape)
    except (AttributeError, ResponseParserError) as odd:
        return type(odd)


@pytest.mark.parametrize("operation", IN_JSON)
def test_every_read_gets_what_botocore_would_have_given_it(operation: str) -> None:
    shape = ANSWERED.model(operation).output_shape
    response = answer(json.dumps(on_the_wire(shape, full(operation, shape))).encode())
    assert parsed(OURS, response, operation) == parsed(BOTOCORES, response, operation)


@settings(max_examples=150)
@given(st.data())
def test_answers_of_any_content_are_read_alike(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(IN_JSON))
    shape = ANSWERED.model(operation).output_shape
    response = answer(json.dumps(on_the_wire(shape, data.draw(drawn(operation, shape)))).encode())
    assert parsed(OURS, response, operation) == parsed(BOTOCORES, response, operation)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b'{"services": null}', b'{"services": [null]}', b"{NaN", b"[1]"]
)
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("operation", ["ecs:DescribeServices", "backup:ListBackupJobs"])
def test_odd_bodies_are_read_as_botocore_reads_them(operation: str, body: bytes, status: int) -> None:
    assert parsed(OURS, answer(body, status), operation) == parsed(BOTOCORES, answer(body, status), operation)


def test_what_stands_in_headers_and_the_status_is_read_as_botocore_reads_it() -> None:
    shape = botocore.session.get_session().get_service_model("lambda").operation_model("Invoke").output_shape
    response = answer(b"null", 202)
    ours, botocores = (parsers["rest-json"].parse(response, shape) for parsers in (OURS, BOTOCORES))
    assert ours == botocores
    assert (ours["StatusCode"], ours["FunctionError"]) == (202, "Unhandled")


def test_threads_that_meet_a_shape_for_the_first_time_together_all_read_it() -> None:
    shape = ANSWERED.model("dynamodb:Query").output_shape
    nested = {"Items": [{"a": {"M": {"b": {"L": [{"S": "deep"}, {"B": "eA=="}]}}}}]}
    response = answer(json.dumps(nested).encode())
    for _ in range(20):
        fresh = PlannedJsonParser(fast_timestamp)
        with ThreadPoolExecutor(8) as threads:
            read = list(threads.map(lambda _: fresh.parse(response, shape)["Items"], range(16)))  # noqa: B023 - waits
        assert read == [[{"a": {"M": {"b": {"L": [{"S": "deep"}, {"B": b"x"}]}}}}]] * 16
