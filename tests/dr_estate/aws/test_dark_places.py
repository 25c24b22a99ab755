"""Regions that let a look wait in vain: no more is asked of them, and the next look waits for them less."""

from __future__ import annotations

import contextlib
import operator
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.aws.read_rules import CALLS_BEFORE_DARK, DarkPlaces, service_in
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from sandbox.client.endpoint import Endpoint

ENVIRONMENTS = Path(__file__).parents[3] / "environments"
CLUSTERS = operator.methodcaller("describe_clusters")
REGION = "eu-west-1"
SERVICES = ("ecs", "efs", "elbv2", "rds")


@pytest.fixture
def sit() -> Environment:
    return load_environment(ENVIRONMENTS, "sit")


@pytest.mark.parametrize(("timed_out", "silent"), [(True, {REGION}), (False, set())])
def test_several_failed_services_make_a_place_dark_and_waits_are_kept(timed_out: bool, silent: set[str]) -> None:
    remembered: set[str] = set()
    look = DarkPlaces(remembered)
    for service in SERVICES:
        assert look.reason(REGION) is None
        look.note_failure(REGION, service, timed_out)
    assert look.reason(REGION)
    assert remembered == silent
    later = DarkPlaces(remembered)
    assert later.reason(REGION) is None, "each look asks anew"
    later.note_answer(REGION, "sts")
    assert not remembered


def test_a_place_that_answered_once_stays_up_and_services_fail_one_by_one() -> None:
    look = DarkPlaces(set())
    look.note_answer(REGION, "sts")
    for service in SERVICES:
        assert look.reason(service_in(service, REGION)) is None
        look.note_failure(REGION, service, timed_out=True)
    assert (look.reason(REGION), look.silent) == (None, set())
    # The fourth that fails is asked no more at once: a look would wait for each of four calls to each of thirty.
    assert [s for s in SERVICES if look.reason(service_in(s, REGION))] == ["rds"]
    look.note_answer(REGION, "ecs")
    look.note_failure(REGION, "s3", timed_out=True)
    look.note_failure(REGION, "ecs", timed_out=True)
    assert [s for s in (*SERVICES, "s3") if look.reason(service_in(s, REGION))] == ["ecs", "rds", "s3"]


def test_some_services_that_fail_before_the_others_answer_darken_no_region() -> None:
    look = DarkPlaces(set())
    for service in SERVICES[1:] * CALLS_BEFORE_DARK:
        look.note_failure(REGION, service, timed_out=True)
    assert (look.reason(REGION), look.silent) == (None, set())
    assert look.reason(service_in("rds", REGION)) == f"rds in {REGION} does not answer: 4 calls in a row failed."


def test_an_answer_between_failures_keeps_a_service_lit() -> None:
    look = DarkPlaces(set())
    for _ in range(2 * CALLS_BEFORE_DARK):
        look.note_failure(REGION, "rds", timed_out=True)
        look.note_answer(REGION, "rds")
    assert look.reason(service_in("rds", REGION)) is None


def test_a_silent_service_gets_one_try_and_all_once_it_answers(
    sandbox_world: Endpoint, sit: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    region, patient = sit.region(Side.PRIMARY), sit.observation.model_copy(update={"read_timeout_s": 1})
    env = sit.model_copy(update={"observation": patient})
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setblocking(False)
        client = _read_client(env, f"http://127.0.0.1:{deaf.getsockname()[1]}", sandbox_world, {region})
        with pytest.raises(DataUnavailable) as dark:
            client.call("ecs", region, CLUSTERS)
        assert dark.value.unavailable.kind is UnavailableKind.UNREACHABLE
        assert _connections(deaf) == 1
    healthy = _read_client(env, sandbox_world.url, sandbox_world, {region})
    assert healthy.call("ecs", region, CLUSTERS)
    assert healthy.credentials.silent_places == set()


class Failing(BaseHTTPRequestHandler):
    """Answers the first call at its second try, and lets all later ones wait."""

    tries: ClassVar[list[str]] = []
    over = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.tries.append(self.path)
        if len(self.tries) > 2:
            self.over.wait()
            return
        self.send_response(503 if len(self.tries) == 1 else 200)
        for name, value in (("x-amzn-RequestId", "1"), ("Content-Length", "2")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_service_ill_before_its_region_fell_silent_gets_one_try_too(
    sandbox_world: Endpoint, sit: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    region, patient = sit.region(Side.PRIMARY), sit.observation.model_copy(update={"read_timeout_s": 1})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        env = sit.model_copy(update={"observation": patient})
        client = _read_client(env, f"http://127.0.0.1:{server.server_port}", sandbox_world, set())
        client.call("ecs", region, CLUSTERS)
        assert len(Failing.tries) == 2
        client.credentials.silent_places.add(region)
        client.open()
        with pytest.raises(DataUnavailable):
            client.call("ecs", region, CLUSTERS)
        assert len(Failing.tries) == 3
    finally:
        Failing.over.set()
        server.shutdown()
        serving.join()
        server.server_close()


def _read_client(env: Environment, url: str, world: Endpoint, silent: set[str]) -> ReadClient:
    keys = world.people["reader"]
    credentials = Credentials(url, keys.access_key_id, keys.secret_access_key, silent_places=silent)
    return ReadClient(env, frozenset({"ecs:DescribeClusters"}), credentials)


def _connections(deaf: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            deaf.accept()[0].close()
            count += 1
    return count
