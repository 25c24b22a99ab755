"""A world of canned answers: forwards a request it never met to the emulator, and repeats the answer ever after.

The emulator answers some 300 calls a second on one core, which hides what concurrency gains. This server answers
thousands, each after the injected latency, so a run against it measures the reader. Times inside a request (a metric's
window) do not make it another request. The tenants' sites that the world names are met through this server too.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.throttling import JSON_REFUSAL, XML_REFUSAL, PublishedLimits

CONTROL = b"/_canned/"
FORWARDERS = 8
FORWARD_TIMEOUT_S = 300
_TIMES = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d(?::|%3A)\d\d(?::|%3A)[\d.]+Z?"  # ISO 8601, as it is or in a form
    rb"|(?<![\w.])1[789]\d{8}(?:\.\d+)?(?![\w.])"  # seconds of the epoch
    rb"|\xc1(?:\xfb.{8}|\x1a.{4}|\x1b.{8})",  # CBOR's tagged time
    re.DOTALL,
)
_SCOPE = re.compile(rb"Credential=[^/]+/\d+/([^/]+/[^/]+)/")
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
SITES = "x-world-sites"
Forwarded = tuple[int, str, dict[str, str], bytes]
Key = tuple[int, bytes, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request as it came, and the upstream ``port`` it is for; names of headers are in lower case."""

    port: int
    method: bytes
    path: bytes
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def key(self) -> Key:
        """What makes two requests the same: region and service of the signature or the host, operation, path, body."""
        scope = _SCOPE.search(self.headers.get(b"authorization", b""))
        whose = scope[1] if scope else self.headers.get(b"host", b"")
        request_line = b"%s %s" % (self.method, _TIMES.sub(b"T", self.path))
        target = self.headers.get(b"x-amz-target", b"")
        return self.port, whose, target, request_line, _TIMES.sub(b"T", self.body)


class CannedAnswers:
    """The answers met so far, and how requests fared: from memory (hits), from the emulator (misses), or throttled."""

    def __init__(self, upstream: str) -> None:
        url = urlsplit(upstream)
        self.host, self.port = url.hostname or "", url.port or 80
        self.latency_s = 0.0
        self.counts: Counter[str] = Counter()
        self._answers: dict[Key, bytes] = {}
        self._forwarders = ThreadPoolExecutor(FORWARDERS)
        self._ports: dict[int, int] = {}
        self._limits: PublishedLimits | None = None

    async def answer(self, request: HttpRequest) -> bytes:
        """The whole HTTP response to ``request``."""
        if request.path.startswith(CONTROL):
            return self._control(request)
        key = request.key
        known = self._answers.get(key)
        if known is None:
            self.counts["misses"] += 1
            loop = asyncio.get_running_loop()
            status, reason, headers, body = await loop.run_in_executor(self._forwarders, self._forward, request)
            headers = {
                name: await self._sites(value) if name.lower() == SITES else value for name, value in headers.items()
            }
            known = _response(status, reason, headers, body, head=request.method == b"HEAD")
            self._answers[key] = known
            return known
        _, scope, target, _, body = key
        if self._limits and not self._limits.passes(scope, target, body):
            self.counts["throttled"] += 1
            return _refusal(is_json=bool(target))
        self.counts["hits"] += 1
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        return known

    def _control(self, request: HttpRequest) -> bytes:
        """``/_canned/latency/<seconds>`` or ``throttle/<share>``, 0 for none; any call returns and resets the counts.

        Last comes how many seconds AWS's rates alone make the calls take, where they are enforced.
        """
        what, *values = request.path.removeprefix(CONTROL).decode().split("/")
        if what == "latency":
            self.latency_s = float(values[0])
        elif what == "throttle":
            self._limits = PublishedLimits(float(values[0])) if float(values[0]) else None
        counts = [str(self.counts[name]) for name in ("hits", "misses", "throttled")]
        text = " ".join([*counts, str(self._limits.shortest_s if self._limits else 0.0)])
        self.counts.clear()
        return _response(200, "OK", {}, text.encode(), head=False)

    async def listen(self, upstream: int) -> int:
        """Serve what listens on port ``upstream`` of the emulator's host; returns the port here, one for each."""
        if upstream not in self._ports:
            server = await asyncio.start_server(
                lambda reader, writer: _serve_one(self, upstream, reader, writer), "127.0.0.1", 0, limit=1 << 20
            )
            self._ports[upstream] = server.sockets[0].getsockname()[1]
        return self._ports[upstream]

    async def _sites(self, text: str) -> str:
        """The world's ``region=address:http:https ...`` with the HTTP ports of this server."""
        here = []
        for place in text.split():
            address, plain, secure = place.rsplit(":", 2)
            here.append(f"{address}:{await self.listen(int(plain))}:{secure}")
        return " ".join(here)

    def _forward(self, request: HttpRequest) -> Forwarded:
        connection = http.client.HTTPConnection(self.host, request.port, timeout=FORWARD_TIMEOUT_S)
        try:
            headers = {name.decode(): value.decode() for name, value in request.headers.items()}
            connection.request(request.method.decode(), request.path.decode(), request.body or None, headers)
            answer = connection.getresponse()
            forwarded = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            if request.method == b"HEAD":
                forwarded["Content-Length"] = answer.getheader("Content-Length") or "0"
            return answer.status, answer.reason, forwarded, answer.read()
        finally:
            connection.close()


def _response(status: int, reason: str, headers: dict[str, str], body: bytes, head: bool) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    if not head:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _refusal(*, is_json: bool) -> bytes:
    kind = "application/x-amz-json-1.1" if is_json else "text/xml"
    body = JSON_REFUSAL if is_json else XML_REFUSAL
    return _response(400, "Bad Request", {"Content-Type": kind}, body, head=False)


async def _serve_one(
    canned: CannedAnswers, upstream: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer the requests of one kept-alive connection until its client leaves."""
    try:
        while request := await _next(upstream, reader):
            writer.write(await canned.answer(request))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        return  # the client left in the middle of a request
    finally:
        writer.close()


async def _next(upstream: int, reader: asyncio.StreamReader) -> HttpRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head[:-4].split(b"\r\n")
    pairs = (line.partition(b":") for line in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    method, path, _ = first.split(b" ")
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    return HttpRequest(upstream, method, path, headers, body)


async def serve(upstream: str) -> None:
    """Serve on a free port of loopback, say the port on stdout, and end when stdin closes (the starter has left)."""
    canned = CannedAnswers(upstream)
    sys.stdout.write(f"{await canned.listen(canned.port)}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
