"""The bytes of a plain HTTP/1.1 exchange; whatever is not plain is left to http.client, which reads the same bytes.

http.client reads a head line by line and parses it as an e-mail: half of a small call's time.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast
from urllib.parse import SplitResult

from botocore.awsrequest import AWSResponse

Place = tuple[str, str, int]
"""Scheme, host and port of an endpoint."""
_CHUNK = 65_536
_MOST_HEAD = 65_536
_END = b"\r\n\r\n"
# http.client takes a hundred lines, and the empty one is one of them
_HEAD = re.compile(rb"HTTP/1\.1 (2\d\d|[45]\d\d)(?: [^\r\n]*)?\r\n((?:[\w-]+:[^\r\n]*\r\n){1,99})\r\n", re.ASCII)
_BODILESS = frozenset({204})
_PORTS = {"http": 80, "https": 443}


class LowerCaseHeaders(dict[str, str]):
    """Headers by their names in lower case, found by any spelling, as botocore's are."""

    def __getitem__(self, name: str) -> str:
        """The value of the header ``name``. Raises KeyError."""
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        """Whether there is a header ``name``."""
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the header ``name``, else ``default``."""
        return super().get(name.lower(), default)


class ReceivedAnswer(AWSResponse):
    """An answer that has arrived whole, as botocore's own session returns it."""

    def __init__(self, url: str, status: int, headers: dict[str, str], content: bytes) -> None:
        self.url, self.status_code, self.headers = url, status, LowerCaseHeaders(headers)
        self.raw = io.BytesIO(content)  # botocore reads a bucket's location from no answer whose raw is None
        self._content = content


def place_at(url: SplitResult) -> Place:
    """Where a request to ``url`` goes; port 0 where the scheme is of no HTTP."""
    return url.scheme, url.hostname or "", url.port or _PORTS.get(url.scheme, 0)


def host_header(place: Place) -> str:
    """The header Host of a request to ``place``."""
    scheme, host, port = place
    name = f"[{host}]" if ":" in host else host
    return name if port == _PORTS.get(scheme) else f"{name}:{port}"


def request_bytes(method: str, target: str, place: Place, headers: Mapping[str, Any], body: bytes) -> bytes | None:
    """The request as http.client would send it; None where that one has to look at it."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host_header(place)}"]
    lines += [f"{key}: {value.decode() if isinstance(value, bytes) else value}" for key, value in headers.items()]
    head = "\r\n".join([*lines, "Accept-Encoding: identity", "", ""])
    is_plain = head.isascii() and head.count("\n") == head.count("\r") == len(lines) + 2 and target.isprintable()
    return head.encode() + body if is_plain and " " not in target else None


def exchange(sock: socket.socket, request: bytes, method: str) -> tuple[int, dict[str, str], bytes, bool]:
    """Send ``request``; returns status, headers, body, and whether the connection may be used again.

    Raises OSError and HTTPException as http.client does. As urllib3, it hears an answer of who hung up early.
    """
    with suppress(BrokenPipeError):
        sock.sendall(request)
    received = sock.recv(_CHUNK)
    while (end := received.find(_END)) < 0 and len(received) < _MOST_HEAD:
        more = sock.recv(_CHUNK)
        if not more:
            break
        received += more
    plain = _plain(received, end + len(_END), method) if 0 < end < _MOST_HEAD else None
    if plain is None:
        return _by_http_client(sock, received, method)
    status, headers, length = plain
    start = received[end + len(_END) :]
    content = start[:length] if len(start) >= length else _whole(sock, start, length)
    is_whole = len(content) == length >= len(start)  # what follows a body is of no request
    return status, headers, content, is_whole and "close" not in headers.get("connection", "").lower()


def _plain(received: bytes, end: int, method: str) -> tuple[int, dict[str, str], int] | None:
    """Status, headers and the body's length of a head that ends at ``end``; None where it is not plain."""
    found = _HEAD.fullmatch(received, 0, end)
    if found is None or method == "HEAD":
        return None
    status, headers = int(found[1]), dict[str, str]()
    for line in found[2].decode("latin-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        lower = name.lower()
        if lower in headers:
            return None
        headers[lower] = value.lstrip(" \t")
    length = headers.get("content-length", "")
    if status in _BODILESS or "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        return None
    return status, headers, int(length)


def _whole(sock: socket.socket, start: bytes, length: int) -> bytes:
    """The whole body, or as far as it came: botocore's session does not count."""
    parts, missing = [start], length - len(start)
    while missing and (part := sock.recv(min(missing, _CHUNK * 16))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


class _Rest(io.RawIOBase):
    """What was received already, and what is still to come."""

    def __init__(self, sock: socket.socket, received: bytes) -> None:
        self._sock, self._received = sock, received

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``; 0 at the end."""
        if not self._received:
            return self._sock.recv_into(buffer)
        part, self._received = self._received[: len(buffer)], self._received[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def makefile(self, *_: Any) -> io.BufferedReader:
        """The file that http.client reads an answer from."""
        return io.BufferedReader(self)


def _by_http_client(sock: socket.socket, received: bytes, method: str) -> tuple[int, dict[str, str], bytes, bool]:
    # Closed here: Python 3.13 complains on stderr of one that the garbage collector closes after its file.
    with http.client.HTTPResponse(cast(socket.socket, _Rest(sock, received)), method=method) as answer:
        answer.begin()
        try:
            content = answer.read()
        except http.client.IncompleteRead as cut:
            if answer.chunked:
                raise
            content = cut.partial
        goes_on = answer.isclosed() and not answer.will_close
    headers = dict[str, str]()
    for name, value in answer.getheaders():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return answer.status, headers, content, goes_on
