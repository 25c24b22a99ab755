"""Faster replacements of parts of botocore; DR_NO_SPEEDUPS=1 leaves botocore as it is (measured in docs/why.md).

JSON answers are read by a plan made once for each shape: botocore's own parser looks up every member that a shape might
have in every object, a plan visits what the answer has. What it gives is what botocore gives.
"""

from __future__ import annotations

import gzip
import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.httpsession
import botocore.session
import orjson
from botocore.loaders import JSONFileLoader
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import BaseJSONParser, JSONParser, ResponseParser, ResponseParserFactory, RestJSONParser
from botocore.utils import parse_timestamp
from urllib3.util.ssl_ import create_urllib3_context

from dr_estate.aws.planned_xml import PlannedEc2Parser, PlannedQueryParser, PlannedRestXmlParser

Convert = Callable[[Any], Any]


def are_on() -> bool:
    """Return whether this process may replace parts of other libraries for speed."""
    return not os.environ.get("DR_NO_SPEEDUPS")


class IssuersOnce(ssl.SSLContext):
    """A TLS context that reads a file of issuers once: urllib3 has it read again for each connection (5 ms of CPU)."""

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        """Trust the issuers of these places. What was not read to its end is read again, and what fails raises."""
        known: set[Any] = vars(self).setdefault("known_places", set())
        if cadata is not None or (cafile, capath) not in known:
            super().load_verify_locations(cafile, capath, cadata)
            known.add((cafile, capath))


def read_issuers_once() -> None:
    """Let botocore's clients that are made from now on read their issuers once each."""
    if are_on():
        botocore.httpsession.create_urllib3_context = _issuers_once


def _issuers_once(*arguments: Any, **named: Any) -> ssl.SSLContext:
    context = create_urllib3_context(*arguments, **named)
    if are_on():
        context.__class__ = IssuersOnce
    return context


class FastFiles(JSONFileLoader):
    """Reads botocore's JSON files with orjson; plain dictionaries keep their order too."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of ``file_path`` with the ending .json or .json.gz, None where there is neither."""
        for path, opened in ((Path(f"{file_path}.json"), open), (Path(f"{file_path}.json.gz"), gzip.open)):
            if path.is_file():
                with opened(path, "rb") as file:
                    return orjson.loads(file.read())
        return None


def use_fast_parsing(session: botocore.session.Session) -> None:
    """Let ``session`` read AWS's answers by plans, and their timestamps in a hundredth of botocore's time."""
    if are_on():
        session.register_component("response_parser_factory", PlannedParsers(fast_timestamp))


def fast_timestamp(value: Any) -> datetime:
    """Parse an AWS timestamp (epoch seconds, ISO 8601, or RFC 822) into an aware datetime."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)  # type: ignore[no-any-return] # botocore publishes no types


class PlannedParsers(ResponseParserFactory):
    """Makes the parsers of a session: planned ones for answers in JSON and XML, botocore's for every other protocol."""

    def __init__(self, timestamp_parser: Convert) -> None:
        super().__init__()
        self.set_parser_defaults(timestamp_parser=timestamp_parser)
        self._planned: dict[str, ResponseParser] = {
            "json": PlannedJsonParser(timestamp_parser),
            "rest-json": PlannedRestJsonParser(timestamp_parser),
            "query": PlannedQueryParser(timestamp_parser),
            "ec2": PlannedEc2Parser(timestamp_parser),
            "rest-xml": PlannedRestXmlParser(timestamp_parser),
        }

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Return the parser of ``protocol_name``. botocore asks for one with each answer: the plans outlive it."""
        return self._planned.get(protocol_name) or super().create_parser(protocol_name)


class _PlannedBodies(BaseJSONParser):
    """Reads a body by a plan for each shape; tagged unions and documents are read as botocore does.

    A plan is made when its shape is first met: a shape that holds itself has as many as its answers are deep.
    """

    def __init__(self, timestamp_parser: Convert) -> None:
        super().__init__(timestamp_parser=timestamp_parser)
        self._plans: dict[Shape, Convert] = {}

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        try:
            return orjson.loads(body_contents)
        except ValueError:  # nothing, NaN, or no JSON at all: botocore knows what to make of it
            return super()._parse_body_as_json(body_contents)

    def _parse_shape(self, shape: Shape, node: Any) -> Any:
        return self._plan_of(shape)(node)

    def _plan_of(self, shape: Shape) -> Convert:
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = self._plan(shape)
        return plan

    def _plan(self, shape: Shape) -> Convert:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape.member)
        if isinstance(shape, MapShape):
            of_value = self._plan_of(shape.value)
            return lambda node: {name: of_value(value) for name, value in node.items()}
        parsers: dict[str, Convert] = {"timestamp": self._timestamp_parser, "blob": self._blob_parser}
        return parsers.get(shape.type_name, _as_it_is)

    def _structure(self, shape: StructureShape) -> Convert:
        if shape.is_document_type or shape.is_tagged_union:
            return lambda node: self._handle_structure(shape, node)
        members = dict[str, tuple[str, Convert | None]]()

        def met(key: str, name: str, member: Shape) -> Convert:
            """What reads the member when it is first met: shapes that hold themselves have no last one."""

            def convert_first(value: Any) -> Any:
                plan = self._plan_of(member)
                members[key] = name, plan
                return plan(value)

            return convert_first

        for name, member in shape.members.items():
            key = member.serialization.get("name", name)
            members[key] = name, None if _stays(member) else met(key, name, member)

        def convert(node: Any) -> Any:
            if node is None:
                return None
            parsed = {}
            for key, value in node.items():
                if value is not None and (found := members.get(key)) is not None:
                    name, plan = found
                    parsed[name] = value if plan is None else plan(value)
            return parsed

        return convert

    def _list(self, item: Shape) -> Convert:
        if _stays(item):
            return list
        of_item = self._plan_of(item)
        return lambda node: [None if value is None else of_item(value) for value in node]


class PlannedJsonParser(_PlannedBodies, JSONParser):
    """botocore's parser of the JSON protocol, with plans."""


class PlannedRestJsonParser(_PlannedBodies, RestJSONParser):
    """botocore's parser of the REST protocol with JSON, with plans for bodies: headers and the status are its own."""

    def _plan(self, shape: Shape) -> Convert:
        if "location" in shape.serialization:
            return lambda node: ResponseParser._parse_shape(self, shape, node)
        return super()._plan(shape)


def _stays(shape: Shape) -> bool:
    """Whether a value of the shape is in Python what it is in JSON."""
    return shape.type_name not in {"structure", "list", "map", "timestamp", "blob"}


def _as_it_is(node: Any) -> Any:
    return node
