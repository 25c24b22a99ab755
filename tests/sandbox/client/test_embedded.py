"""An embedded sandbox lives as long as the process that started it, and not longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dr_estate.config.environment import Environment
from sandbox.client.launcher import running

ROOT = Path(__file__).parents[3]
STARTER = """
import time
from pathlib import Path
from dr_estate.config.environment import load_environment
from sandbox.client.launcher import running
with running(load_environment(Path("environments"), "sit"), 2, seeded=False) as endpoint:
    print(endpoint.pid, flush=True)
    time.sleep(60)
"""


def gone(pid: int, within_s: float = 60) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.proof
def test_it_ends_with_its_block_even_when_the_block_fails(sandbox_home: Path, sit: Environment) -> None:
    with pytest.raises(RuntimeError, match="the test's own"), running(sit, 2, seeded=False) as endpoint:
        raise RuntimeError("the test's own")
    assert gone(endpoint.pid)
    assert sandbox_home.exists()


@pytest.mark.proof
def test_it_ends_when_its_starter_is_killed(sandbox_home: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DR_SANDBOX_HOME": str(sandbox_home)}
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, cwd=ROOT, env=environment
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
    assert gone(pid)
