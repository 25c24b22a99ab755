"""Runs a command as a process of its own and measures what it took: wall time, CPU, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
_KIB = 1024
# The peak only grows: between two looks no more than that of the last moments is missed.
_TICK_S = 0.005


@dataclass(frozen=True)
class ResourceUsage:
    """What one run took; ``cpu_s`` is user and system time, ``peak_mib`` the largest resident set of the process.

    The peak is Linux's VmHWM, asked again and again: getrusage's maximum starts from the memory of the caller.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    code: int
    out: str


def take(words: Sequence[str], variables: Mapping[str, str], program: str = sys.executable) -> ResourceUsage:
    """Run ``program`` with ``words``, without the caller's AWS settings. Raises RuntimeError on a crash."""
    # The caller's profile could lead the run to a real account.
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {"AWS_EC2_METADATA_DISABLED": "true", **variables}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.monotonic()
        process = subprocess.Popen([program, *words], cwd=ROOT, env=env, stdout=out, stderr=err)
        peak_kib, ended = 0, 0
        while not ended:
            peak_kib = max(peak_kib, _peak_kib(process.pid))
            # wait4 gives the times of this child alone, getrusage those of all.
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0 if ended else _TICK_S)
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, complaint = out.read(), err.read()
    if process.returncode < 0 or "Traceback" in complaint:
        raise RuntimeError(f"{' '.join(words)} crashed ({process.returncode}): {complaint[-2000:]}")
    return ResourceUsage(wall_s, used.ru_utime + used.ru_stime, peak_kib / _KIB, process.returncode, text)


def _peak_kib(pid: int) -> int:
    """The process's largest resident set so far; 0 once it has ended."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")), 0)


def in_turn(runs: Sequence[Callable[[], ResourceUsage]], times: int) -> list[ResourceUsage]:
    """Run each ``times`` times, one after the other and all of them again; return the median of each.

    A machine that becomes slower meanwhile slows all of them. What runs for over a minute is not run again.
    """
    found: list[list[ResourceUsage]] = [[] for _ in runs]
    for _ in range(times):
        for run, usages in zip(runs, found, strict=True):
            if sum(usage.wall_s for usage in usages) < _LONG_S:
                usages.append(run())
    return [_median(usages) for usages in found]


def _median(usages: Sequence[ResourceUsage]) -> ResourceUsage:
    """The medians of wall time, CPU and peak; the rest is the last run's."""
    wall_s, cpu_s, peak_mib = (
        statistics.median(getattr(usage, name) for usage in usages) for name in ("wall_s", "cpu_s", "peak_mib")
    )
    return replace(usages[-1], wall_s=wall_s, cpu_s=cpu_s, peak_mib=peak_mib)


_LONG_S = 60
