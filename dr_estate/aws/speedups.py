"""Faster replacements of parts of botocore; DR_NO_SPEEDUPS=1 leaves botocore as it is.

JSON answers are read by a plan made once for each shape: botocore's own parser looks up every member that a shape might
have in every object, a plan visits what the answer has. What it gives is what botocore gives. So it is with XML, where
botocore takes the namespace off each element by a regular expression, too.
"""

from __future__ import annotations

import gzip
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.httpsession
import botocore.session
import orjson
from botocore.loaders import JSONFileLoader
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import (
    BaseJSONParser,
    BaseXMLResponseParser,
    EC2QueryParser,
    JSONParser,
    QueryParser,
    ResponseParser,
    ResponseParserFactory,
    RestJSONParser,
    RestXMLParser,
)
from botocore.utils import parse_timestamp
from urllib3.util.ssl_ import create_urllib3_context

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
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        as_they_are = all(key == name for key, name in names.items())
        plans = dict[str, Convert]()

        def converter_of(name: str, member: Shape) -> Convert:
            """What reads the member when it is first met: shapes that hold themselves have no last one."""

            def convert_first(value: Any) -> Any:
                plan = plans[name] = self._plan_of(member)
                return plan(value)

            return convert_first

        plans |= {name: converter_of(name, member) for name, member in shape.members.items() if not _stays(member)}

        def convert(node: Any) -> Any:
            if node is None:
                return None
            if not (as_they_are and node.keys() <= names.keys()) or None in node.values():
                node = {names[key]: value for key, value in node.items() if value is not None and key in names}
            for name in plans.keys() & node.keys():
                node[name] = plans[name](node[name])
            return node

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


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a structure, the name of its element, and whether its value is the element's text."""

    name: str
    element: str
    shape: Shape
    is_text: bool


class _PlannedXml(BaseXMLResponseParser):
    """Structures by plans; exceptions, tagged unions and what stands in attributes are read as botocore does."""

    def __init__(self, timestamp_parser: Any = None, blob_parser: Any = None) -> None:
        super().__init__(timestamp_parser, blob_parser)
        self._tags: dict[str, str] = {}
        self._plans: dict[Shape, tuple[_Member, ...] | None] = {}

    def _node_tag(self, node: Any) -> str:
        tag = self._tags.get(node.tag)
        if tag is None:
            tag = self._tags[node.tag] = super()._node_tag(node)
        return tag

    def _build_name_to_xml_node(self, parent_node: Any) -> dict[str, Any]:
        if isinstance(parent_node, list):
            return self._build_name_to_xml_node(parent_node[0])
        found: dict[str, Any] = {}
        for item in parent_node:
            tag = self._tags.get(item.tag) or self._node_tag(item)
            if tag not in found:
                found[tag] = item
            elif isinstance(found[tag], list):
                found[tag].append(item)
            else:
                found[tag] = [found[tag], item]
        return found

    def _handle_structure(self, shape: Shape, node: Any) -> Any:
        if shape not in self._plans:
            self._plans[shape] = self._plan(shape)
        plan = self._plans[shape]
        if plan is None:
            return super()._handle_structure(shape, node)
        elements, parsed = self._build_name_to_xml_node(node), {}
        for member in plan:
            found = elements.get(member.element)
            if found is not None:
                is_text = member.is_text and not isinstance(found, list)
                parsed[member.name] = (found.text or "") if is_text else self._parse_shape(member.shape, found)
        return parsed

    def _plan(self, shape: Shape) -> tuple[_Member, ...] | None:
        if not isinstance(shape, StructureShape) or shape.is_tagged_union or shape.metadata.get("exception"):
            return None
        members = shape.members.items()
        if any(member.serialization.get("xmlAttribute") for _, member in members):
            return None
        return tuple(
            _Member(name, self._member_key_name(member, name), member, member.type_name == "string")
            for name, member in members
            if member.serialization.get("location") not in self.KNOWN_LOCATIONS
            and not member.serialization.get("eventheader")
        )


class PlannedQueryParser(_PlannedXml, QueryParser):
    """botocore's parser of the query protocol, with plans."""


class PlannedEc2Parser(_PlannedXml, EC2QueryParser):
    """botocore's parser of EC2's protocol, with plans."""


class PlannedRestXmlParser(_PlannedXml, RestXMLParser):
    """botocore's parser of the REST protocol with XML, with plans for bodies."""


def _stays(shape: Shape) -> bool:
    """Whether a value of the shape is in Python what it is in JSON."""
    return shape.type_name not in {"structure", "list", "map", "timestamp", "blob"}


def _as_it_is(node: Any) -> Any:
    return node
