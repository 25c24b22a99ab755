"""A log of each request that is sent: when, where, what, how it ended, how long it took, and AWS's id of it.

It holds no parameter, no URL and no answer, so no secret; its file is its owner's alone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_CONTEXT = "dr_sent"
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
        request.context[_CONTEXT] = time.monotonic()

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
            f"{1000 * (time.monotonic() - context[_CONTEXT]):.1f}ms",
            f"request-id={about.get('RequestId', '-')}",
            *([f"error={code}"] if code else []),
        ]
        with self._lock:
            # One write a line, at the end of the file (O_APPEND): lines of two commands do not mix.
            os.write(self._file, " ".join(word.replace("\n", "") for word in words).encode() + b"\n")
