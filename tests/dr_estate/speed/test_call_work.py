"""How much of Python one small read takes: counted, since times measure the machine."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dr_estate.speed.test_connections import ANSWERS, REGION, SocketServer, _client

MOST_CALLS = 1_500
"""Functions called for one read, those of C included; botocore calls 2,773."""


@pytest.fixture(name="server")
def _server() -> Iterator[SocketServer]:
    server = SocketServer()
    yield server
    server.close()


def test_a_small_read_calls_few_functions(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    server.answer, _ = ANSWERS["an answer"]
    client, called = _client(server.url), Counter[str]()

    def ask() -> Any:
        return client.call("ecs", REGION, lambda ecs: ecs.describe_clusters(clusters=["c"]))

    def count(_frame: Any, event: str, _what: Any) -> None:
        called[event] += event in {"call", "c_call"}

    for _ in range(2):  # plans are made once
        ask()
    sys.setprofile(count)
    try:
        answer = ask()
    finally:
        sys.setprofile(None)
    assert answer["clusters"] == [{"clusterName": "c"}]
    assert 0 < called.total() <= MOST_CALLS
