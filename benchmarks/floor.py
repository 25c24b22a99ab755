"""The floor: the requests of one observation again, by bare asyncio that signs them and parses the answers.

No models, no checks of parameters, no retries, no order: what nobody who reads AWS from Python can do without.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import orjson

CONNECTIONS = 64
_SENT = {"content-type", "x-amz-target", "smithy-protocol", "accept"}


class RequestFile:
    """Hears the requests of a session as they leave, and writes them."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []

    def attach(self, session: Any) -> None:
        """Hear the botocore ``session``."""
        session.register("before-send", self._record_request)

    def write(self, path: Path) -> None:
        """Write all that was heard."""
        path.write_bytes(orjson.dumps(self.requests))

    def _record_request(self, request: Any, **_: Any) -> None:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        names = {str(name): _text(value) for name, value in request.headers.items()}
        # Region and service stand in the credential's scope (Signature Version 4): the floor signs each again.
        scope = names.get("Authorization", "").partition("Credential=")[2].split("/")
        wanted = {name: value for name, value in names.items() if name.lower() in _SENT}
        headers = orjson.dumps(wanted).decode()
        self.requests.append([request.method, request.url, *scope[2:4], headers, base64.b64encode(raw).decode()])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@dataclass(frozen=True)
class Replay:
    """The requests that are left, and the keys to sign them with."""

    requests: Iterator[list[str]]
    key_id: str
    secret: str

    async def run(self, host: str, port: int) -> int:
        """Send one after another on one connection until none is left; returns how many."""
        reader, writer = await asyncio.open_connection(host, port)
        count = 0
        for method, url, region, service, headers, body in self.requests:
            writer.write(
                self._signed_request(method, url, region, service, orjson.loads(headers), base64.b64decode(body))
            )
            await _answer(reader, method)
            count += 1
        writer.close()
        return count

    def _signed_request(
        self, method: str, url: str, region: str, service: str, headers: dict[str, str], body: bytes
    ) -> bytes:
        """The request with AWS's signature, version 4."""
        parts, moment = urlsplit(url), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        sent = {"host": parts.netloc, "x-amz-date": moment, "x-amz-content-sha256": digest}
        sent |= {name.lower(): value for name, value in headers.items()}
        names = sorted(sent)
        signed = ";".join(names)
        lines = [method, parts.path or "/", "&".join(sorted(parts.query.split("&")))]
        canonical = "\n".join([*lines, *(f"{name}:{sent[name]}" for name in names), "", signed, digest])
        scope = f"{moment[:8]}/{region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(_key(self.secret, *scope.split("/")), text.encode(), "sha256").hexdigest()
        credential = f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        return (
            "\r\n".join([*head, f"authorization: {credential}", f"content-length: {len(body)}", "", ""]).encode() + body
        )


@cache
def _key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in scope:
        key = hmac.new(key, word.encode(), "sha256").digest()
    return key


async def _answer(reader: asyncio.StreamReader, method: str) -> Any:
    """The parsed answer: JSON, XML, or bytes of another kind."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].split("\r\n", 1)[0]
    body = b"" if method == "HEAD" else await reader.readexactly(int(length or 0))
    if body.startswith((b"{", b"[")):
        return orjson.loads(body)
    return ET.fromstring(body) if body.startswith(b"<") else body  # noqa: S314 - our own loopback's


async def _replay_all(path: Path) -> int:
    url = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    replay = Replay(iter(orjson.loads(path.read_bytes())), *keys)
    runs = (replay.run(url.hostname or "", url.port or 80) for _ in range(CONNECTIONS))
    return sum(await asyncio.gather(*runs))


def replay(path: Path) -> dict[str, float | int | str]:
    """Send what ``path`` has; seconds and calls."""
    began = time.monotonic()
    calls = asyncio.run(_replay_all(path))
    return {"look_s": time.monotonic() - began, "calls": calls, "unseen": 0}


if __name__ == "__main__":
    sys.stdout.write(f"{orjson.dumps(replay(Path(sys.argv[1]))).decode()}\n")
