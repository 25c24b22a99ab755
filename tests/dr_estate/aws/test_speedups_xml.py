"""Answers in XML are read by plans: what comes out is what botocore's own parsers make of them, for every read."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.parsers import EC2QueryParser, QueryParser, ResponseParser, ResponseParserError, RestXMLParser
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.aws.speedups import PlannedEc2Parser, PlannedQueryParser, PlannedRestXmlParser, fast_timestamp
from tests.dr_estate.contracts.answering import Answered, operations
from tests.dr_estate.contracts.shapes import drawn, full

ANSWERED = Answered()
BOTOCORES: dict[str, ResponseParser] = {
    "query": QueryParser(fast_timestamp),
    "ec2": EC2QueryParser(fast_timestamp),
    "rest-xml": RestXMLParser(fast_timestamp),
}
OURS: dict[str, ResponseParser] = {
    "query": PlannedQueryParser(fast_timestamp),
    "ec2": PlannedEc2Parser(fast_timestamp),
    "rest-xml": PlannedRestXmlParser(fast_timestamp),
}
IN_XML = [name for name in operations() if ANSWERED.model(name).service_model.resolved_protocol in OURS]
HEADERS = {"x-amzn-requestid": "1", "Location": "there", "ETag": "e", "x-amz-bucket-region": "eu-west-1"}
NAMESPACE = ' xmlns="http://a.example/doc/2015-12-01/"'


def element(name: str, shape: Shape, value: Any) -> Iterator[str]:
    """The value as AWS sends it, and in every structure an element that no model knows."""
    if isinstance(shape, ListShape):
        flat, inner = shape.serialization.get("flattened"), shape.member.serialization.get("name")
        each = (inner or name) if flat else (inner or "member")
        items = [part for item in value for part in element(each, shape.member, item)]
        yield from items if flat else [f"<{name}>", *items, f"</{name}>"]
        return
    yield f"<{name}>"
    if isinstance(shape, StructureShape):
        yield "<Unheard><member>1</member></Unheard>"
        for member_name, member in shape.members.items():
            if member_name in value:
                yield from element(member.serialization.get("name", member_name), member, value[member_name])
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield "<entry>"
            yield from element(shape.key.serialization.get("name", "key"), shape.key, key)
            yield from element(shape.value.serialization.get("name", "value"), shape.value, item)
            yield "</entry>"
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, datetime):
        yield value.isoformat()
    else:
        yield base64.b64encode(value).decode() if isinstance(value, bytes) else escape(str(value))
    yield f"</{name}>"


def document(model: OperationModel, value: Any) -> bytes:
    """The answer to the operation."""
    shape = model.output_shape
    wrapper = shape.serialization.get("resultWrapper")
    payload = shape.serialization.get("payload")
    if payload and payload in value:
        shape, value = shape.members[payload], value[payload]
    inner = "".join(element(wrapper or "Whole", shape, value))
    if not wrapper:
        return inner.replace("<Whole>", f"<Whole{NAMESPACE}>", 1).encode()
    metadata = "<ResponseMetadata><RequestId>7</RequestId></ResponseMetadata>"
    return f"<Answer{NAMESPACE}>{inner}{metadata}</Answer>".encode()


def parsed(parsers: dict[str, ResponseParser], response: dict[str, Any], operation: str) -> Any:
    """What the operation's parser makes of the answer, or the class of what it raises."""
    model = ANSWERED.model(operation)
    try:
        found = parsers[model.service_model.resolved_protocol].parse(response, model.output_shape)
    except (AttributeError, KeyError, TypeError, ValueError, ResponseParserError) as odd:
        return type(odd)
    return spelled(found)


def spelled(value: Any) -> Any:
    """Without what only is what it is: an element of XML by its text, a body to be read by its class."""
    if isinstance(value, dict):
        return {name: spelled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [spelled(inner) for inner in value]
    return (value.tag, value.text) if isinstance(value, Element) else str(value) if hasattr(value, "read") else value


def answer(body: bytes, status: int = 200) -> dict[str, Any]:
    return {"status_code": status, "headers": HEADERS, "body": body, "context": {}}


def _is_read_here(operation: str) -> bool:
    shape = ANSWERED.model(operation).output_shape
    return shape is not None and not ANSWERED.model(operation).has_streaming_output


@pytest.mark.parametrize("operation", [name for name in IN_XML if _is_read_here(name)])
def test_every_read_gets_what_botocore_would_have_given_it(operation: str) -> None:
    model = ANSWERED.model(operation)
    response = answer(document(model, full(operation, model.output_shape)))
    assert parsed(OURS, response, operation) == parsed(BOTOCORES, response, operation)


@settings(max_examples=150)
@given(st.data())
def test_answers_of_any_content_are_read_alike(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from([name for name in IN_XML if _is_read_here(name)]))
    model = ANSWERED.model(operation)
    response = answer(document(model, data.draw(drawn(operation, model.output_shape))))
    assert parsed(OURS, response, operation) == parsed(BOTOCORES, response, operation)


BODIES = [
    b"",
    b"<html>",
    b"<a/>",
    b"<DescribeRulesResponse><DescribeRulesResult/></DescribeRulesResponse>",
    b"<A><DescribeRulesResult><Rules/><Rules><member/></Rules></DescribeRulesResult></A>",
    b"<A><DescribeRulesResult><Rules><member><RuleArn>1</RuleArn><RuleArn>2</RuleArn></member></Rules>"
    b"</DescribeRulesResult></A>",
    b"<A><DescribeRulesResult><Rules><member><IsDefault><x/></IsDefault></member></Rules></DescribeRulesResult></A>",
    b"<E><Error><Code>C</Code><Message>M</Message></Error><RequestId>7</RequestId></E>",
    b"<R><Errors><Error><Code>C</Code></Error></Errors><RequestID>7</RequestID></R>",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("operation", ["elbv2:DescribeRules", "ec2:DescribeVpcs", "route53:ListHostedZones"])
def test_odd_bodies_are_read_as_botocore_reads_them(operation: str, body: bytes, status: int) -> None:
    assert parsed(OURS, answer(body, status), operation) == parsed(BOTOCORES, answer(body, status), operation)
