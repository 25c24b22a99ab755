"""The mutating calls of a run, in order, with their parameters: so that two runs can be compared as sets."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sandbox.core.request_parser import ApiCall, Environ
from sandbox.core.state import STATE

# Journals and templates are longer, and two runs are compared by their digest as well.
LONGEST = 4096
GOOD = 300
SECRET = ("SecretString", "SecretBinary", "MasterUserPassword")
# Where the world's state holds the training scene that is played (``sandbox.training.session``).
SCENARIO = "scene"


@dataclass(frozen=True)
class Mutation:
    """One mutating call that reached the world; one that an outage met before is none.

    ``params`` are the call's parameters as JSON (None where the request could not be read). ``control`` says that
    it writes to the control table of the runs alone, or to the anchors of their journals. ``done`` is whether the
    world carried it out; ``status`` is HTTP's.
    """

    region: str
    service: str
    operation: str
    person: str
    params: Any
    control: bool
    status: int
    done: bool


class Recorder:
    """Keeps the mutations since the last reset. ``records`` are the tool's: table, log group and bucket."""

    def __init__(self, records: frozenset[str]) -> None:
        self._lock = threading.Lock()
        self._records = records
        self._kept: list[Mutation] = []

    def add(self, call: ApiCall, person: str, environ: Environ, status: int) -> None:
        """Record one call."""
        params = parameters(call, environ)
        tables = set(_tables(params)) if call.service == "dynamodb" else set()
        named = {"logs": "logGroupName", "s3": "Bucket"}.get(call.service, "")
        written = {params.get(named)} if named else tables
        # Only where all that is named is the tool's own: a transaction
        # over a tenant's table too is a change of the estate.
        control = bool(written) and written <= self._records
        who = person or call.access_key
        mutation = Mutation(call.region, call.service, call.operation, who, params, control, status, status < GOOD)
        with self._lock:
            self._kept.append(mutation)
        # In the world's state: a scene goes on after the sandbox was stopped and started again.
        if scenario := played_scene():
            scenario["mutations"].append(asdict(mutation))

    def mutations(self) -> list[dict[str, Any]]:
        """The mutations in order, as JSON."""
        with self._lock:
            return [asdict(mutation) for mutation in self._kept]

    def reset(self) -> None:
        """Forget them."""
        with self._lock:
            self._kept.clear()


def played_scene() -> dict[str, Any]:
    """The record of the training scene that is played; empty where none is."""
    record: dict[str, Any] = STATE.extras.get(SCENARIO, {})
    return record


def count_try(call: ApiCall) -> None:
    """Count, for the scene that is played, a mutating call that an outage met."""
    if scenario := played_scene():
        scenario["tries"][call.key] = scenario["tries"].get(call.key, 0) + 1


def parameters(call: ApiCall, environ: Environ) -> Any:
    """The call's parameters by the names of its service model; None where the request does not fit the model."""
    from botocore.model import OperationNotFoundError
    from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
    from moto.core.request import Request, determine_request_protocol
    from moto.core.routing import get_service_router
    from moto.core.utils import get_service_model
    from werkzeug.exceptions import NotFound

    # The emulator has read the body already.
    environ["wsgi.input"].seek(0)
    request = Request(dict(environ), populate_request=False)
    try:
        model = get_service_model(call.service)
        operation = model.operation_model(call.operation)
        protocol = determine_request_protocol(model, request.content_type)
        rest = protocol in ("rest-json", "rest-xml")
        in_path = get_service_router(call.service).match(request)[1] if rest else {}
        parsed = PROTOCOL_PARSERS[protocol](operation).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": dict(in_path),
            }
        )
    except (OperationNotFoundError, RequestParserError, NotFound, NotImplementedError):
        return None
    return _plain(parsed)


def _plain(value: Any) -> Any:
    """JSON of it: moments as text, bytes, long texts and secrets by their digest."""
    if hasattr(value, "items"):
        # Not the real values: mutations are shown to everybody with the control token, and tests print them.
        return {str(key): _digest(member) if key in SECRET else _plain(member) for key, member in sorted(value.items())}
    if isinstance(value, (list, tuple, set)):
        return [_plain(member) for member in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    if isinstance(value, (str, bytes, bytearray)):
        return _digest(value)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _digest(value: str | bytes | bytearray) -> str:
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _tables(params: Any) -> list[str]:
    """Every table that a DynamoDB request names."""
    if isinstance(params, dict):
        own = [params["TableName"]] if isinstance(params.get("TableName"), str) else []
        batch = list(params["RequestItems"]) if isinstance(params.get("RequestItems"), dict) else []
        return own + batch + [name for value in params.values() for name in _tables(value)]
    return [name for value in params for name in _tables(value)] if isinstance(params, list) else []
