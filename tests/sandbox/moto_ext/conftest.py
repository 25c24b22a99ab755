"""An emulated account of two regions, in this process or on a real socket, with every repair installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
import time_machine
from moto import mock_aws
from moto.server import ThreadedMotoServer

from sandbox import moto_ext
from sandbox.core.state import STATE, now

PRIMARY = "eu-north-1"
DR = "eu-west-3"
ACCOUNT = "123456789012"
Clients = Callable[..., Any]
Clock = time_machine.Traveller
make: Any = boto3


@pytest.fixture(autouse=True)
def fresh_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No outage, no extras, and credentials that belong to nobody."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a thousand images that no test needs
    moto_ext.install()
    for state in (STATE.stopped, STATE.extras, STATE.outages, STATE.past):
        state.clear()
    STATE.extras["transition_s"] = 0.0
    yield
    STATE.stopped.clear()
    STATE.past.clear()
    STATE.extras.clear()


@cache
def _client(service: str, region: str, **more: Any) -> Any:
    """A client that every world meets again: making one costs more than most of what it is asked."""
    return make.client(service, region, **more)


@pytest.fixture
def aws() -> Iterator[Clients]:
    """``aws("rds", DR)``: a client of the world in this process."""
    with mock_aws():
        yield lambda *where, **more: make.client(*where, **more) if more else _client(*where)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that stands still until a test moves it: what is short is seen on a slow machine too."""
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield clock


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server of the world in this process."""
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield f"http://{host}:{port}"
    served.stop()


@pytest.fixture
def served(server: str) -> Iterator[Clients]:
    """``served("efs", DR)``: a client of a world served over HTTP on loopback."""
    with mock_aws():
        pass
    yield lambda service, region: _client(service, region, endpoint_url=server)
    with mock_aws():
        pass


def go_dark(region: str, minutes_ago: float = 0) -> None:
    """Let replication from and to ``region`` stand still since then."""
    STATE.stopped[region] = now() - timedelta(minutes=minutes_ago)
