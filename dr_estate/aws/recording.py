"""What AWS answered, call by call: kept for ``doctor`` and for ``--record``, in the form that contract tests replay."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.exceptions

from dr_estate.aws.clock import clock_skew_s
from dr_estate.aws.errors import explain, kind_of
from dr_estate.model.unavailable import UnavailableKind

_CONTEXT = "dr_recorded"
# S3 answers 301 where the bucket is in another region: that is not what was asked for.
_ERRORS_FROM = 300


@dataclass(frozen=True, slots=True)
class Exchange:
    """One API call and its end, retries included. ``kind`` is None where AWS gave what was asked for.

    ``status`` is the HTTP status (0: no answer), ``code`` AWS's error code or the name of botocore's error.
    ``skew_s`` is this machine's clock minus the answer's Date header, in seconds; None where there was none.
    """

    operation: str
    region: str
    params: Mapping[str, Any]
    status: int
    code: str
    kind: UnavailableKind | None
    answer: Mapping[str, Any]
    took_s: float
    skew_s: float | None = None


@dataclass
class ExchangeRecorder:
    """Collects the exchanges of every session it is attached to. Thread-safe."""

    exchanges: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def attach(self, session: Any) -> None:
        """Hear every call of every client that ``session`` makes from now on."""
        session.register("before-parameter-build", self._began, unique_id="recorded-began")
        session.register("after-call", self._record_answer, unique_id="recorded-answer")
        session.register("after-call-error", self._record_failure, unique_id="recorded-error")

    def _began(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        operation = f"{model.service_model.service_name}:{model.name}"
        context[_CONTEXT] = (operation, dict(params), time.monotonic())

    def _record_answer(
        self, http_response: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any
    ) -> None:
        status, error = http_response.status_code, parsed.get("Error", {})
        failed = status >= _ERRORS_FROM
        code = str(error.get("Code", status)) if failed else ""
        answer = {} if failed else {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        if "Body" in answer:  # a stream that only its reader may read
            answer["Body"] = b""
        skew_s = clock_skew_s(http_response.headers)
        self._add(
            context,
            status,
            code,
            kind_of(code, status, context[_CONTEXT][0].partition(":")[0]) if failed else None,
            answer,
            skew_s,
        )

    def _record_failure(self, exception: Exception, context: Mapping[str, Any], **_: Any) -> None:
        known = isinstance(exception, botocore.exceptions.BotoCoreError)
        kind = explain(exception, "", "").kind if known else UnavailableKind.ERROR
        self._add(context, 0, type(exception).__name__, kind, {}, None)

    def _add(
        self,
        context: Mapping[str, Any],
        status: int,
        code: str,
        kind: UnavailableKind | None,
        answer: Mapping[str, Any],
        skew_s: float | None,
    ) -> None:
        operation, params, began_s = context[_CONTEXT]
        took_s = time.monotonic() - began_s
        region = str(context["client_region"])
        with self._lock:
            self.exchanges.append(Exchange(operation, region, params, status, code, kind, answer, took_s, skew_s))


def save(exchanges: Iterable[Exchange], folder: Path, shown: Callable[[Any], Any] = lambda value: value) -> int:
    """Write each answer as ``<service>.<Operation>/<n>.json`` below ``folder``, each error to ``errors.json``.

    ``shown`` maps every value before it is written. Files are the user's own (0600). Returns the number of answers.
    """
    numbers: defaultdict[str, int] = defaultdict(int)
    errors = []
    for exchange in exchanges:
        body = {"operation": exchange.operation, "region": exchange.region, "params": plain(exchange.params)}
        if exchange.kind is not None:
            errors.append({**body, "status": exchange.status, "code": exchange.code, "kind": exchange.kind.value})
            continue
        numbers[exchange.operation] += 1
        path = folder / exchange.operation.replace(":", ".") / f"{numbers[exchange.operation]}.json"
        _write(path, shown({**body, "kind": "recording", "data": plain(exchange.answer)}))
    _write(folder / "errors.json", shown(errors))
    return sum(numbers.values())


def plain(value: Any) -> Any:
    """As JSON can hold it: times as ``{"__datetime__": ISO}``, bytes as ``{"__bytes__": base64}``."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return {"__datetime__": value.astimezone(UTC).isoformat()}
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")


# A log of each request that is sent: when, where, what, how it ended, how long it took, and AWS's id of it.
#
# It holds no parameter, no URL and no answer, so no secret; its file is its owner's alone.

_SENT = "dr_sent"
_PRIVATE = 0o600


class CallLog:
    """Appends a line for each request, retries included, of every session it is attached to. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _PRIVATE)
        self._lock = threading.Lock()

    def attach(self, session: Any) -> None:
        """Log every request of every client that ``session`` makes from now on."""
        session.register("request-created", self._note_start, unique_id="logged-request")
        session.register("response-received", self._write_call, unique_id="logged-answer")

    def _note_start(self, request: Any, **_: Any) -> None:
        request.context[_SENT] = time.monotonic()

    def _write_call(
        self,
        event_name: str,
        parsed_response: Mapping[str, Any] | None,
        context: Mapping[str, Any],
        exception: Exception | None,
        **_: Any,
    ) -> None:
        service, operation = event_name.split(".", 2)[1:]
        about = (parsed_response or {}).get("ResponseMetadata", {})
        code = type(exception).__name__ if exception else (parsed_response or {}).get("Error", {}).get("Code", "")
        words = [
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            str(context.get("client_region", "-")),
            f"{service}:{operation}",
            str(about.get("HTTPStatusCode", "-")),
            f"{1000 * (time.monotonic() - context[_SENT]):.1f}ms",
            f"request-id={about.get('RequestId', '-')}",
            *([f"error={code}"] if code else []),
        ]
        with self._lock:
            # One write a line, at the end of the file (O_APPEND): lines of two commands do not mix.
            os.write(self._file, " ".join(word.replace("\n", "") for word in words).encode() + b"\n")
