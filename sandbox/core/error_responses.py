"""Errors in the wire shape botocore parses for each protocol, with the codes AWS gives them."""

from __future__ import annotations

import json
from http import HTTPStatus
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from sandbox.core.request_parser import ApiCall

XML_PROTOCOLS = ("query", "ec2", "rest-xml")
XML, JSON = "text/xml", "application/json"

# Kind of failure -> protocol family -> (status, code), from the common errors of each service's API reference.
CODES: dict[str, dict[str, tuple[int, str]]] = {
    # EC2 and S3 have words of their own for a limit: API throttling (EC2
    # API reference), error responses (S3 API reference).
    "throttle": {
        "json": (400, "ThrottlingException"),
        "rest-json": (429, "ThrottlingException"),
        "ec2": (503, "RequestLimitExceeded"),
        "s3": (503, "SlowDown"),
        "": (400, "Throttling"),
    },
    "deny": {
        # JSON 1.x services answer errors with status 400 and say the kind
        # in the body alone; REST services by the status.
        "json": (400, "AccessDeniedException"),
        "rest-json": (403, "AccessDeniedException"),
        "ec2": (403, "UnauthorizedOperation"),
        "": (403, "AccessDenied"),
    },
    "expired": {
        "json": (400, "ExpiredTokenException"),
        "rest-json": (403, "ExpiredTokenException"),
        "ec2": (400, "RequestExpired"),
        "s3": (400, "ExpiredToken"),
        "": (403, "ExpiredToken"),
    },
    "error": {
        "json": (503, "ServiceUnavailableException"),
        "rest-json": (503, "ServiceUnavailableException"),
        "": (503, "ServiceUnavailable"),
    },
}


def failure(call: ApiCall, kind: str, message: str) -> Response:
    """Return the answer AWS gives for ``kind`` (throttle, deny, expired, error) to ``call``."""
    family = "s3" if call.service == "s3" else _family(call.protocol)
    codes = CODES[kind]
    status, code = codes.get(family, codes[""])
    return error(call, status, code, message)


def not_implemented(call: ApiCall, reason: str = "") -> Response:
    """Answer 501 and name what the sandbox lacks: never as if AWS were sick."""
    message = f"The sandbox does not implement {call.service}:{call.operation or 'this request'}"
    return error(call, 501, "NotImplementedInSandbox", f"{message} ({reason})" if reason else message)


def defect(call: ApiCall, reason: str) -> Response:
    """Answer 501 for an exception inside the emulator: an error of the sandbox, not of the caller's estate."""
    message = f"The sandbox failed inside {call.service}:{call.operation or 'this request'}: {reason}"
    # 501, which no AWS service sends: botocore does not retry it as it would a 500 or 503.
    return error(call, 501, "SandboxDefect", message)


def in_its_protocol(call: ApiCall, response: Response) -> Response:
    """Return an error of the emulator in the call's own protocol, and a wrong token with the service's own code.

    The emulator answers some errors as JSON whatever the service speaks, and calls each wrong token InvalidToken.
    """
    # XML answers are in the call's own protocol already; the JSON ones are moto's (core/exceptions.py, JsonRESTError).
    if response.status_code < HTTPStatus.BAD_REQUEST or "json" not in (response.mimetype or ""):
        return response
    body = json.loads(response.get_data() or b"{}")
    code = str(body.get("__type") or "").rpartition("#")[2]
    wrong_token = code == "InvalidToken"
    if not code or not (wrong_token or call.protocol in XML_PROTOCOLS):
        return response
    code = _code_of_wrong_token(call) if wrong_token else code
    return error(call, response.status_code, code, str(body.get("message") or ""))


def _code_of_wrong_token(call: ApiCall) -> str:
    """The error that the service's model declares for a token nobody was given, else for a wrong value."""
    from moto.core.utils import get_service_model  # not before its settings are made

    model = get_service_model(call.service).operation_model(call.operation)
    declared = [str(shape.error_code) for shape in model.error_shapes]
    own = [code for code in declared if "Token" in code and code.startswith("Invalid")]
    values = [code for code in declared if code.startswith(("InvalidParameter", "Validation"))]
    family = "InvalidParameterValue" if call.protocol in XML_PROTOCOLS else "ValidationException"
    return next(iter([*own, *values]), family)


def error(call: ApiCall, status: int, code: str, message: str) -> Response:
    """Return an error of ``code`` in the wire shape of the call's protocol."""
    family = _family(call.protocol)
    # Both names: S3 calls the id of a request by the second, all others by the first.
    headers = {"x-amzn-RequestId": "sandbox", "x-amz-request-id": "sandbox"}
    if family == "cbor":
        # botocore reads an answer as CBOR by this header (Smithy RPC v2 CBOR protocol); CloudWatch speaks it.
        headers["smithy-protocol"] = "rpc-v2-cbor"
        body = _cbor_map({"__type": code, "message": message})
        return Response(body, status, headers, content_type="application/cbor")
    if family in ("json", "rest-json"):
        headers["x-amzn-errortype"] = code
        kind = f"application/x-amz-json-{call.json_version}" if family == "json" else JSON
        if call.query_compatible:
            # SQS and CloudWatch keep the codes of their query protocol
            # (awsQueryCompatible): botocore takes the code from here.
            headers["x-amzn-query-error"] = f"{code};Receiver"
        return Response(json.dumps({"__type": code, "message": message}), status, headers, content_type=kind)
    return Response(_xml(call, code, message), status, headers, content_type=XML)


def _family(protocol: str) -> str:
    return "cbor" if protocol == "smithy-rpc-v2-cbor" else protocol


def _xml(call: ApiCall, code: str, message: str) -> str:
    what = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if call.protocol == "ec2":
        return f"<Response><Errors><Error>{what}</Error></Errors><RequestID>sandbox</RequestID></Response>"
    if call.service == "s3":
        return f"<Error>{what}<RequestId>sandbox</RequestId></Error>"
    who = "<Type>Sender</Type>"
    return f"<ErrorResponse><Error>{who}{what}</Error><RequestId>sandbox</RequestId></ErrorResponse>"


def _cbor_map(texts: dict[str, str]) -> bytes:
    """Encode a small map of texts as CBOR (RFC 8949: map 0xa0, text with a two-byte length 0x79)."""
    body = bytes([0xA0 | len(texts)])
    for text in (part for pair in texts.items() for part in pair):
        raw = text.encode()[:0xFFFF]
        body += b"\x79" + len(raw).to_bytes(2, "big") + raw
    return body
