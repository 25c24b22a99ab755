"""An exchange gives what http.client gives of the same bytes, however they are cut into pieces."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from typing import Any

import pytest

from dr_estate.speed.plain_http import exchange, request_bytes

OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "plain": OK + b"Content-Type: a/b\r\nContent-Length: 2\r\n\r\n{}",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "an empty body": OK + b"Content-Length: 0\r\n\r\n",
    "an empty value": OK + b"X-A:\r\nContent-Length: 2\r\n\r\n{}",
    "spaces": OK + b"X-A: \t a b  \r\nContent-Length: 2\r\n\r\n{}",
    "a colon": OK + b"X-A: a:b\r\nContent-Length: 2\r\n\r\n{}",
    "no ASCII": OK + b"X-A: \xe4\r\nContent-Length: 2\r\n\r\n{}",
    "a folded header": OK + b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a header twice": OK + b"X-A: a\r\nx-a: b\r\nContent-Length: 2\r\n\r\n{}",
    "an end of header lines that is none": OK + b"X-A: a\nX-B: b\r\nContent-Length: 2\r\n\r\n{}",
    "ends of lines by one character": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "a length that is none": OK + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -2\r\n\r\n{}",
    "no length": OK + b"X-A: a\r\n\r\n{}",
    "no headers": OK + b"\r\n{}",
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "a chunk that is cut": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}",
    "no content": b"HTTP/1.1 204 No Content\r\nX-A: a\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://a/\r\nContent-Length: 0\r\n\r\n",
    "a fault": b"HTTP/1.1 503 Slow Down\r\nContent-Length: 2\r\n\r\n{}",
    "the last": OK + b"Connection: Close\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP 1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a head that is cut": OK + b"Content-Le",
    "no HTTP": b"hello\r\n\r\n",
    "nothing": b"",
    "a long body": OK + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000,
    "too long a line": OK + b"X-A: " + b"x" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "too many headers": OK + b"".join(b"X-%d: a\r\n" % number for number in range(101)) + b"Content-Length: 0\r\n\r\n",
}


def _pieces(answer: bytes, size: int) -> socket.socket:
    """A connection on which ``answer`` arrives in pieces of ``size``, and then its end."""
    here, there = socket.socketpair()

    def send() -> None:
        with there, suppress(OSError):
            there.recv(9)
            for start in range(0, len(answer), size):
                there.sendall(answer[start : start + size])

    threading.Thread(target=send, daemon=True).start()
    here.settimeout(10)
    return here


def _own(answer: bytes, size: int, method: str) -> Any:
    with _pieces(answer, size) as sock:
        try:
            return exchange(sock, b"a request", method)
        except http.client.HTTPException as odd:
            return type(odd)


def _by_http_client(answer: bytes, size: int, method: str) -> Any:
    with _pieces(answer, size) as sock:
        sock.sendall(b"a request")
        response = http.client.HTTPResponse(sock, method=method)
        try:
            response.begin()
            content = response.read()
        except http.client.IncompleteRead as cut:
            if response.chunked:
                return type(cut)
            content = cut.partial
        except http.client.HTTPException as odd:
            return type(odd)
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return response.status, headers, content, response.isclosed() and not response.will_close


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_what_http_client_reads(answer: str, size: int, method: str) -> None:
    if size < len(ANSWERS[answer]) / 1000:
        size = 4096  # bytes alone would take minutes
    assert _own(ANSWERS[answer], size, method) == _by_http_client(ANSWERS[answer], size, method)


def test_a_connection_on_which_more_came_than_was_asked_for_is_not_used_again() -> None:
    assert _own(ANSWERS["plain"] + b"HTTP/1.1 200", 1 << 20, "POST")[2:] == (b"{}", False)


def test_a_body_that_is_cut_is_as_long_as_it_came_and_the_connection_is_over() -> None:
    assert _own(OK + b"Content-Length: 9\r\n\r\n{}", 1, "POST") == (200, {"content-length": "9"}, b"{}", False)


def test_who_hung_up_after_an_answer_is_heard() -> None:
    here, there = socket.socketpair()
    with here:
        there.sendall(ANSWERS["a fault"])
        there.shutdown(socket.SHUT_RD)
        assert exchange(here, b"a request", "POST")[0] == 503
    there.close()


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", {}),
        ("/a\r\nX-A: b", {}),
        ("/\u00e4", {}),
        ("/", {"X-A": "a\r\nX-B: b"}),
        ("/", {"X-A": "a\nX-B: b"}),
        ("/", {"X-A": "\u20ac"}),
    ],
)
def test_a_request_that_says_more_than_it_seems_is_left_to_http_client(target: str, headers: dict[str, str]) -> None:
    assert request_bytes("GET", target, ("http", "aws.example", 80), headers, b"") is None


def test_a_request_has_the_host_that_http_client_names() -> None:
    for place, host in {
        ("http", "aws.example", 80): b"aws.example",
        ("https", "aws.example", 443): b"aws.example",
        ("https", "aws.example", 8443): b"aws.example:8443",
        ("http", "::1", 4566): b"[::1]:4566",
    }.items():
        assert f"Host: {host.decode()}\r\n".encode() in (request_bytes("GET", "/", place, {}, b"") or b"")
