"""Answers in XML, read by a plan made once for each shape: what comes out is what botocore's own parsers give.

botocore takes the namespace off each element by a regular expression, and looks up each member's name in each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.model import Shape, StructureShape
from botocore.parsers import BaseXMLResponseParser, EC2QueryParser, QueryParser, RestXMLParser


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
