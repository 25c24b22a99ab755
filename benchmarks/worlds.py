"""The worlds that are measured against: the emulator itself, and its canned answers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measuring import ROOT
from dr_estate.config.environment import Environment
from sandbox.client import launcher
from sandbox.client.endpoint import Endpoint


@dataclass(frozen=True)
class AnswerCounts:
    """Canned answers given, requests that were new, those throttled; seconds that AWS's rates make all of them take."""

    hits: int
    misses: int
    throttled: int
    shortest_s: float


@dataclass(frozen=True)
class BenchmarkWorld:
    """An endpoint to look at, and the environment variables that make any AWS client look at it as the reader."""

    kind: str
    url: str
    variables: dict[str, str]
    emulator: Endpoint

    def latency(self, seconds: float) -> None:
        """Delay every answer by ``seconds``."""
        # The emulator is asked through its own endpoint; the canned server has a path for it.
        if self.kind == "emulator":
            self.emulator.latency(seconds)
        else:
            self._ask(f"latency/{seconds}")

    def throttle(self, share: float) -> None:
        """Throttle as AWS does: ``share`` of its published rates, 0 for no limit."""
        self._ask(f"throttle/{share}")

    def counts(self) -> AnswerCounts:
        """How requests fared since last asked."""
        hits, misses, throttled, shortest_s = self._ask("counts").split()
        return AnswerCounts(int(hits), int(misses), int(throttled), float(shortest_s))

    def _ask(self, what: str) -> str:
        with urllib.request.urlopen(f"{self.url}/_canned/{what}", timeout=10) as answer:  # noqa: S310 - our own loopback
            return str(answer.read().decode())


@contextlib.contextmanager
def both_worlds(environment: Environment, tenants: int) -> Iterator[tuple[BenchmarkWorld, BenchmarkWorld]]:
    """The emulator with ``tenants`` tenants, and a server of its canned answers, until the block ends."""
    with launcher.running(environment, tenants) as endpoint, canned_world(endpoint) as repeating:
        yield (
            BenchmarkWorld(
                "emulator", endpoint.url, {**repeating.variables, "AWS_ENDPOINT_URL": endpoint.url}, endpoint
            ),
            repeating,
        )


@contextlib.contextmanager
def canned_world(endpoint: Endpoint) -> Iterator[BenchmarkWorld]:
    """A server of the canned answers of ``endpoint``, in a process of its own."""
    keys = endpoint.people["reader"]
    command = [sys.executable, "-m", "benchmarks.canned", endpoint.url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().strip() if server.stdout else ""
        url = f"http://127.0.0.1:{port}"
        whose = {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
        try:
            yield BenchmarkWorld("canned", url, {"AWS_ENDPOINT_URL": url, **whose}, endpoint)
        finally:
            server.terminate()
