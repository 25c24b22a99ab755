"""On the wire: a shared connection sends what botocore's own session sends, and gives its answers and errors.

The server is a socket, so it sees the bytes, and answers as no server of a library would.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import botocore.exceptions
import pytest
from botocore import xform_name

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side
from dr_estate.snapshot.registry import reads
from tests.dr_checks.worlds import SIT
from tests.dr_estate.aws.least_params import least

pytestmark = pytest.mark.proof

REGION = SIT.region(Side.DR)
PATIENCE_S, IMPATIENCE_S = 10, 0.3
OF_THE_MOMENT = re.compile(rb"(?im)^(authorization|x-amz-date|amz-sdk-invocation-id|amz-sdk-request): .*\r\n|ttl=\w+; ")
AGENT = re.compile(rb"(?im)^user-agent: .*\r\n")
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
_TIMEOUTS = ("connect_timeout_s", "read_timeout_s")
CLUSTERS = b'{"clusters": [{"clusterName": "c"}]}'
ABSENT = b'{"__type": "com.amazonaws.ecs#ClusterNotFoundException", "message": "no"}'
THROTTLED = b'{"__type": "ThrottlingException", "message": "slower"}'


class SocketServer:
    """Answers every request with the bytes of ``answer``, None: not at all; ``requests`` are what came."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.is_last = False
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = threading.Semaphore(0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more; who waits for a connection is woken."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._answer(connection)
        self.closed.release()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while head := b"".join(iter(lines.readline, b"\r\n")) if lines.peek(1) else b"":
                length = LENGTH.search(head)
                self.requests.append(head + b"\r\n" + lines.read(int(length[1]) if length else 0))
                if self.answer is None:
                    lines.read()  # until the client has waited enough, and closes
                    return
                connection.sendall(self.answer)
                if self.is_last:
                    return


@pytest.fixture(name="server")
def _server() -> Iterator[SocketServer]:
    server = SocketServer()
    yield server
    server.close()


def _client(url: str, timeout_s: float = PATIENCE_S) -> ReadClient:
    limits = SIT.observation.model_copy(update={"attempts": 1, **dict.fromkeys(_TIMEOUTS, timeout_s)})
    return ReadClient(SIT.model_copy(update={"observation": limits}), reads(), Credentials(url, "AKIDWIRE", "none"))


def _asked(client: ReadClient, operation: str) -> Any:
    """What the read gives: the parsed answer, or the class and the content of its error."""
    service, _, name = operation.partition(":")
    shape = client.account.ordinary(service, REGION).meta.service_model.operation_model(name).input_shape
    try:
        answer = getattr(client.caller(service, REGION), xform_name(name))(**least(shape))
        answer["ResponseMetadata"].pop("MaxAttemptsReached", None)  # of one attempt
        return {name: part.read() if hasattr(part, "read") else part for name, part in answer.items()}
    except botocore.exceptions.ClientError as refused:
        refused.response["ResponseMetadata"].pop("MaxAttemptsReached", None)
        return type(refused).__name__, refused.response
    except botocore.exceptions.BotoCoreError as failed:
        return type(failed).__name__


class TwoWays:
    """A read client with shared connections, and one with botocore's own sessions."""

    def __init__(self, url: str, patch: pytest.MonkeyPatch, timeout_s: float = PATIENCE_S) -> None:
        self._patch = patch
        self.clients = {switch: _client(url, timeout_s) for switch in ("", "1")}

    def ask(self, operation: str) -> list[Any]:
        """How the read ends by each of them."""
        ends = []
        for switch, client in self.clients.items():
            self._patch.setenv("DR_NO_SPEEDUPS", switch)
            ends.append(_asked(client, operation))
        return ends


@pytest.fixture(name="ways")
def _ways(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> TwoWays:
    return TwoWays(server.url, monkeypatch)


def test_every_declared_read_is_sent_alike_and_understood_alike(server: SocketServer, ways: TwoWays) -> None:
    body = b'{"__type": "Strange", "message": "no"}'
    server.answer = b"HTTP/1.1 400 Bad Request\r\nx-amzn-requestid: 7\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for operation in sorted(reads()):
        server.requests.clear()
        own, botocores = ways.ask(operation)
        assert own == botocores, operation
        assert server.requests, operation
        sent = [sorted(AGENT.sub(b"", OF_THE_MOMENT.sub(b"", request)).split(b"\r\n")) for request in server.requests]
        half = len(sent) // 2  # S3's redirector asks for the region, too
        assert sent[:half] == sent[half:], operation


ANSWERS: dict[str, tuple[bytes, bool]] = {
    "an answer": (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CLUSTERS), CLUSTERS), False),
    "a header twice": (b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n{}", False),
    "until the end": (b"HTTP/1.0 200 OK\r\n\r\n" + CLUSTERS, True),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", False),
    "in chunks, cut": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}", True),
    "cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + CLUSTERS[:9], True),
    "the beginning of a head": (b"HTTP/1.1 200 OK\r\nX-A: 1\r\n", True),
    "nothing": (b"", True),
    "no HTTP": (b"hello\r\n\r\n", True),
    "a refusal": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(ABSENT), ABSENT), False),
    "a throttle": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(THROTTLED), THROTTLED), False),
    "a page": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n<html></html>", False),
    "a fault": (b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n", False),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("operation", ["ecs:DescribeClusters", "s3:HeadBucket", "s3:GetObject"])
def test_every_end_of_a_call_is_the_same(server: SocketServer, ways: TwoWays, operation: str, answer: str) -> None:
    server.answer, server.is_last = ANSWERS[answer]
    own, botocores = ways.ask(operation)
    assert own == botocores


def test_silence_is_the_same(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = None
    assert TwoWays(server.url, monkeypatch, IMPATIENCE_S).ask("ecs:DescribeClusters") == ["ReadTimeoutError"] * 2


def test_a_connection_that_nobody_takes_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        ways = TwoWays(url, monkeypatch, IMPATIENCE_S)
        assert ways.ask("ecs:DescribeClusters") == ["ConnectTimeoutError"] * 2


def test_a_closed_port_is_the_same(server: SocketServer, ways: TwoWays) -> None:
    server.close()
    assert ways.ask("ecs:DescribeClusters") == ["EndpointConnectionError"] * 2


def test_all_services_of_a_host_share_a_connection(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    server.answer, _ = ANSWERS["an answer"]
    client = _client(server.url)
    for operation in ("ecs:DescribeClusters", "rds:DescribeDBInstances", "s3:HeadBucket", "acm:ListCertificates"):
        _asked(client, operation)
    assert (len(server.requests), server.connections) == (4, 1)


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(
    server: SocketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    (server.answer, _), server.is_last = ANSWERS["an answer"], True
    client = _client(server.url)
    for number in (1, 2, 3):
        assert _asked(client, "ecs:DescribeClusters")["clusters"] == [{"clusterName": "c"}]
        assert server.closed.acquire(timeout=10)
        assert server.connections == number


def test_a_proxy_is_asked_by_botocores_own_session(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DR_NO_SPEEDUPS": "", "http_proxy": server.url, "no_proxy": ""}.items():
        monkeypatch.setenv(name, value)
    server.answer, _ = ANSWERS["an answer"]
    assert "clusters" in _asked(_client("http://aws.invalid"), "ecs:DescribeClusters")
    assert server.requests[0].startswith(b"POST http://aws.invalid/ HTTP/1.1")


def test_what_only_botocores_session_knows_is_left_to_it(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clients share no connection: that shows who sent."""
    for name, value in {"DR_NO_SPEEDUPS": "", "BOTOCORE_TCP_KEEPALIVE": "true"}.items():
        monkeypatch.setenv(name, value)
    server.answer, _ = ANSWERS["an answer"]
    client = _client(server.url)
    for operation in ("ecs:DescribeClusters", "acm:ListCertificates"):
        _asked(client, operation)
    assert server.connections == 2
