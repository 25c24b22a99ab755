"""One request to a site: an answer is judged by its status, and what lets nobody in from here is not down."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.network.http_probe import NoAnswerInTime, handshake, visit, visitor_context

HOST = "tenant1.example.org"
_DROP_EVERY_S, _MOST_DROPS = 0.1, 100


@contextmanager
def listening(reply: bytes | None, waits: bool = False, after_s: float = 0) -> Iterator[int]:
    """The port of a server that sends ``reply`` to its one visitor, or hangs up; with ``waits`` it does neither."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if waits:
                    done.wait(10)
                elif reply:
                    connection.recv(4096)
                    done.wait(after_s)
                    connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        done.set()
        thread.join(5)


@contextmanager
def dripping(begin: bytes, drop: bytes) -> Iterator[int]:
    """The port of a server that sends ``begin``, then ``drop`` again and again for ten seconds, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):  # the visitor leaves first
                connection.recv(4096)
                connection.sendall(begin)
                for _ in range(_MOST_DROPS):
                    connection.sendall(drop)
                    if done.wait(_DROP_EVERY_S):
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        done.set()
        thread.join(5)


def refusal(port: int, tls: ssl.SSLContext | None = None) -> UnavailableKind:
    with pytest.raises(DataUnavailable) as refused:
        visit("127.0.0.1", port, HOST, "/", 0.3, "eu-west-1", tls)
    assert refused.value.unavailable.region == "eu-west-1"
    return refused.value.unavailable.kind


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_an_error_page_is_an_answer() -> None:
    with listening(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as port:
        answer = visit("127.0.0.1", port, HOST, "/", 2)
    assert (answer.status, answer.cached) == (503, False)


@pytest.mark.parametrize(
    ("header", "cached"),
    [("Hit", True), ("RefreshHit", True), ("Miss", False), ("Error", False)],
)
def test_a_page_out_of_cloudfronts_cache_is_marked_as_cached(header: str, cached: bool) -> None:
    with listening(f"HTTP/1.1 200 OK\r\nX-Cache: {header} from cloudfront\r\n\r\npage".encode()) as port:
        assert visit("127.0.0.1", port, HOST, "/", 2).cached is cached


def test_no_connection_is_not_reachable_from_here() -> None:
    assert refusal(closed_port()) is UnavailableKind.NOT_REACHABLE


def test_a_connection_that_is_cut_off_is_not_reachable_from_here() -> None:
    with listening(None) as port:
        assert refusal(port) is UnavailableKind.NOT_REACHABLE


def test_a_handshake_that_fails_is_not_reachable_from_here() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert refusal(port, visitor_context(public=True)) is UnavailableKind.NOT_REACHABLE


def test_a_handshake_cut_by_the_balancer_shows_no_certificate_to_judge() -> None:
    with listening(None) as cut:
        for port in (closed_port(), cut):
            with pytest.raises(DataUnavailable) as refused:
                handshake("127.0.0.1", port, HOST, (0.3, 0.3), public=True)
            assert refused.value.unavailable.kind is UnavailableKind.NOT_REACHABLE


def test_an_accepted_visitor_has_as_long_for_the_handshake_as_for_a_page() -> None:
    with listening(b"no handshake", after_s=0.6) as port:
        assert handshake("127.0.0.1", port, HOST, (0.3, 5), public=True).problem.startswith("no handshake")


def test_a_connection_that_stands_and_gives_no_answer_in_time_is_no_answer() -> None:
    with listening(None, waits=True) as port:
        assert refusal(port) is UnavailableKind.UNREACHABLE


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 65000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "body-without-length", "chunks", "head", "continue"],
)
def test_an_answer_that_drips_gets_no_more_time_than_any_other(begin: bytes, drop: bytes) -> None:
    """Each drop comes long before the time limit; read to the end, the page would be a whole one."""
    with dripping(begin, drop) as port, pytest.raises(NoAnswerInTime) as late:
        visit("127.0.0.1", port, HOST, "/", 0.5, "eu-west-1")
    assert (late.value.unavailable.kind, late.value.unavailable.region) == (UnavailableKind.UNREACHABLE, "eu-west-1")


def test_a_handshake_that_drips_gets_no_more_time_than_any_other() -> None:
    record = b"\x16\x03\x03\x40\x00"  # a handshake's record of 16 KiB begins
    with dripping(record, b"\x02") as port, pytest.raises(NoAnswerInTime) as late:
        visit("127.0.0.1", port, HOST, "/", 0.5, tls=visitor_context(public=True))
    assert late.value.unavailable.kind is UnavailableKind.NOT_REACHABLE
    with dripping(record, b"\x02") as port, pytest.raises(NoAnswerInTime) as late:
        handshake("127.0.0.1", port, HOST, (0.5, 0.5), public=True)
    assert late.value.unavailable.kind is UnavailableKind.NOT_REACHABLE


def test_what_refuses_or_hangs_up_was_not_late() -> None:
    with listening(None) as cut:
        for port in (closed_port(), cut):
            with pytest.raises(DataUnavailable) as refused:
                visit("127.0.0.1", port, HOST, "/", 2)
            assert not isinstance(refused.value, NoAnswerInTime)


def test_a_whole_answer_in_several_pieces_is_read_to_its_end() -> None:
    page = b"x" * 3000 + HOST.encode()
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page), page[:1000]) as port:
        assert visit("127.0.0.1", port, HOST, "/", 10).status == 200
