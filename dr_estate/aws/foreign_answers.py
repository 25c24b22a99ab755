"""Answers that are not AWS's: a proxy's page, a sign-in page of the network, half an answer, nothing at all.

Botocore would read some of them as an answer without content, and so as an estate without resources: of JSON that ends
in the middle it makes an empty answer. So every answer is whole before it is parsed, or it is none. Answers that its
parsers fail on are distinguished from a fault of this program. A lone surrogate in an answer is spelled out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.parsers import ResponseParserError

from dr_estate.model.unavailable import ODD
from dr_estate.model.visible import json_without_surrogates

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape
    from botocore.parsers import ResponseParser, ResponseParserFactory
    from botocore.session import Session

_ROOT = re.compile(rb"\s*(?:<\?.*?\?>\s*)?<([^\s<>/!?]+)", re.DOTALL)
_PAGE = (b"<!doctype html", b"<html")
_JSON = ("json", "rest-json")
_BEGINS = {**dict.fromkeys(_JSON, (b"{", b"[")), **dict.fromkeys(("query", "ec2", "rest-xml"), (b"<",))}
# 511 is the answer of a network that wants a sign-in first (RFC 6585, "Network Authentication Required").
_REDIRECT, _ERROR, _SERVER_FAULT, _SIGN_IN_FIRST = 300, 400, 500, 511


class NotAws(BotoCoreError):
    """Something between here and AWS answered in its place."""

    fmt = "HTTP {status}, {content}"


class CutAnswer(HTTPClientError):
    """An answer of AWS that ends in the middle: as good as a connection that broke."""

    fmt = "{operation}: {missing}"


HALF = (CutAnswer, ResponseParserError)
"""Half an answer arrived: it is asked for once more. The second is the parser's, of XML that ends in the middle."""


class UnknownShape(BotoCoreError):
    """An answer in the service's protocol, but with a text for a number, a list for an object or the like."""

    fmt = "{error}"


def refuse_foreign_answers(session: Session) -> None:
    """Let every client of ``session`` raise NotAws for an answer that AWS cannot have given, CutAnswer for half a one.

    What its parsers make nothing of is an UnknownShape. To be called after the session's parsers are chosen.
    """
    session.register("before-parse", refuse_foreign_answer, unique_id="foreign-answers")
    careful = _CarefulParsers(session.get_component("response_parser_factory"))
    session.register_component("response_parser_factory", careful)


class _CarefulParsers:
    """Makes the parsers of another factory, each of which names an answer that it makes nothing of."""

    def __init__(self, factory: ResponseParserFactory) -> None:
        self._factory = factory

    def set_parser_defaults(self, **defaults: Any) -> None:
        self._factory.set_parser_defaults(**defaults)

    def create_parser(self, protocol_name: str) -> _CarefulParser:
        return _CarefulParser(self._factory.create_parser(protocol_name))


class _CarefulParser:
    def __init__(self, parser: ResponseParser) -> None:
        self._parser = parser

    def parse(self, response: dict[str, Any], shape: Shape | None) -> Any:
        try:
            return self._parser.parse(response, shape)
        except (*ODD, RuntimeError, UnboundLocalError) as odd:  # botocore's: an odd time, an entry without its key
            raise UnknownShape(error=f"{type(odd).__name__}: {odd}") from odd


def refuse_foreign_answer(operation_model: OperationModel, response_dict: dict[str, Any], **_: Any) -> None:
    """Raise NotAws for an answer that AWS cannot have given, CutAnswer for half a one. Both before botocore parses it.

    In JSON a lone surrogate is spelled out: nothing that is made of the answer could be written.
    """
    status, body = int(response_dict["status_code"]), response_dict.get("body")
    if not isinstance(body, bytes):
        return
    if not _is_foreign(operation_model, status, body, response_dict["headers"]):
        if _protocol(operation_model) in _JSON and not _is_free(operation_model):
            response_dict["body"] = json_without_surrogates(body)
        if missing := _flaw_of(operation_model, status, response_dict["body"], body, response_dict["headers"]):
            raise CutAnswer(operation=operation_model.name, missing=missing)
        return
    kind = str(response_dict["headers"].get("content-type") or "no content type") if body else "an empty body"
    raise NotAws(status=status, content=kind)


def _is_foreign(model: OperationModel, status: int, body: bytes, headers: Any) -> bool:
    if status >= _SERVER_FAULT:  # AWS's own front doors answer with a page too when a service is down
        return status == _SIGN_IN_FIRST
    start = body.lstrip()[: len(_PAGE[0])].lower()
    if start:
        begins = (b"",) if _is_free(model) else _BEGINS.get(_protocol(model), (b"",))
        return start.startswith(_PAGE) or not start.startswith(begins)
    names = {str(name).lower() for name in headers}
    if model.http.get("method") == "HEAD":  # S3 says where a bucket is: without that botocore asks HEAD again, for ever
        return _REDIRECT <= status < _ERROR and "x-amz-bucket-region" not in names
    if any(name.startswith("x-amz") for name in names):
        return False
    return _REDIRECT <= status < _ERROR or (status < _REDIRECT and _has_content(model))


def _flaw_of(model: OperationModel, status: int, body: bytes, received: bytes, headers: Any) -> str:
    """What an answer lacks that it says, or that its protocol has; "" where it is whole.

    A proxy that cuts an answer may count its bytes again: so JSON and XML have to end, whatever the length says.
    """
    length = str(headers.get("content-length") or "")
    # The body is unpacked by now, and the header counted it packed; HEAD has a length and no body.
    is_counted = length.isdigit() and "content-encoding" not in headers and model.http.get("method") != "HEAD"
    if is_counted and len(received) < int(length):
        return f"{len(received)} of {length} bytes arrived"
    if status >= _SERVER_FAULT or _is_free(model):
        return ""
    if _protocol(model) not in _JSON:
        # Whether the root of XML is not closed: it ends with its own name, or is one tag alone.
        root = _ROOT.match(body)
        is_open_xml = root is not None and not body.rstrip().endswith((b"</" + root[1] + b">", b"/>"))
        return "its XML ends in the middle" if is_open_xml else ""
    if not body:
        return "no JSON arrived" if status < _REDIRECT and _has_content(model) else ""
    return "" if _is_json(body) else "its JSON ends in the middle"


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            json.loads(body)  # botocore's own, which takes NaN
        except ValueError:
            return False
    return True


def _protocol(model: OperationModel) -> str:
    return str(model.service_model.resolved_protocol)


def _is_free(model: OperationModel) -> bool:
    """Whether the body is a text of the caller's own, such as a bucket's policy, and in no protocol."""
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    return bool(payload) and shape is not None and shape.members[str(payload)].type_name in ("string", "blob")


def _has_content(model: OperationModel) -> bool:
    """Whether an answer to the operation has a body: members that are neither headers nor the status."""
    shape = model.output_shape
    return shape is not None and any("location" not in member.serialization for member in shape.members.values())
