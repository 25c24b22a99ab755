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
from sandbox.client import embedded
from sandbox.client.endpoint import Endpoint


@dataclass(frozen=True)
class BenchmarkWorld:
    """An endpoint to look at, and the environment variables that make any AWS client look at it as the reader."""

    kind: str
    url: str
    variables: dict[str, str]
    emulator: Endpoint

    def latency(self, seconds: float) -> None:
        """Delay every answer by ``seconds``."""
        if self.kind == "emulator":
            self.emulator.latency(seconds)
        else:
            self._tell(f"latency/{seconds}")

    def throttle(self, rate: float, burst: float) -> None:
        """Throttle each operation as AWS does, in each region: ``burst`` calls at once, then ``rate`` a second."""
        self._tell(f"throttle/{rate}/{burst}")

    def counts(self) -> tuple[int, int, int]:
        """Canned answers given, requests that were new, and requests throttled, since last asked."""
        hits, misses, throttled = (int(word) for word in self._tell("counts").split())
        return hits, misses, throttled

    def _tell(self, what: str) -> str:
        with urllib.request.urlopen(f"{self.url}/_canned/{what}", timeout=10) as answer:  # noqa: S310 - our own loopback
            return str(answer.read().decode())


@contextlib.contextmanager
def both(environment: Environment, tenants: int) -> Iterator[tuple[BenchmarkWorld, BenchmarkWorld]]:
    """The emulator with ``tenants`` tenants, and a server of its canned answers, until the block ends."""
    with embedded.running(environment, tenants) as endpoint, canned(endpoint) as repeating:
        yield (
            BenchmarkWorld(
                "emulator", endpoint.url, {**repeating.variables, "AWS_ENDPOINT_URL": endpoint.url}, endpoint
            ),
            repeating,
        )


@contextlib.contextmanager
def canned(endpoint: Endpoint) -> Iterator[BenchmarkWorld]:
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
