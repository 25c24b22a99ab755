"""A sandbox for one command's own life, or one test's: a child process that ends with the ``with`` block.

The world is in another process because the emulator's state is global to one, and because its work should not take
the client's share of the interpreter. It ends too when its starter dies: it watches the pipe between them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dr_estate.config.environment import Environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.launch_options import LaunchOptions
from sandbox.client.launcher import end, start

DEFAULT_TENANTS = 12
# Timing of a world in which a whole run is played while its operator waits: copies trail by seconds, not minutes.
HURRIED = {"transition_s": 0.3, "log_upload_s": 1, "files_lag_s": 1, "replica_lag_s": 0, "lag_published_s": 1}


@contextmanager
def running(
    environment: Environment,
    tenants: int = DEFAULT_TENANTS,
    latency_s: float = 0.0,
    port: int = 0,
    seeded: bool = True,
    speed: float = 1.0,
    pace: str = "",
) -> Iterator[Endpoint]:
    """Run the healthy world of ``environment`` with ``tenants`` tenants, each call delayed by ``latency_s``.

    ``speed`` seconds of the world pass in a real one.

    A world that is not ``seeded`` holds the people alone. Raises SandboxError where it does not come up.
    """
    settings = environment.model_dump(mode="json")
    order = LaunchOptions(settings, tenants, port=port, latency_s=latency_s, seeded=seeded, speed=speed, pace=pace)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        child, endpoint = start(order, Path(folder) / "log")
        try:
            yield endpoint
        finally:
            end(child)
