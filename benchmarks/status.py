"""How fast is the main job? ``python -m benchmarks.status``: status, its reader alone, and two baselines.

Each row is a process of its own. ``emulator`` is the sandbox itself, which answers some 300 calls a second; ``canned``
repeats its answers at once, so it shows the reader. Baselines: the same readers one call after another, and an ordinary
boto3 script that reads the per-tenant facts one resource a call. Injected latency comes on top of each answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import ResourceUsage, best, take
from benchmarks.peers import Peer, installed
from benchmarks.worlds import BenchmarkWorld, both
from dr_estate.config.environment import load_environment

DR_CLI = "utils/aws_mgmt/dr_cli.py"
ENVIRONMENTS = Path(__file__).parents[1] / "environments"
_NAIVE_SAMPLE = 200
_MS = 1000
_WARMING = 6
_READER = "observe"
_WAYS = {
    _READER: "the reader alone",
    "one-by-one": "baseline: the same readers, one call after another",
    "naive": "baseline: boto3, one resource a call",
}


@dataclass(frozen=True)
class BenchmarkRow:
    """One measurement. ``calls`` are AWS API calls; ``note`` says what is not as it looks."""

    what: str
    world: str
    tenants: int
    latency_ms: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    calls: int
    note: str = ""


def start_up(times: int) -> list[BenchmarkRow]:
    """How long ``--help`` takes, beside Python itself."""
    commands = {"python -c pass": ["-c", "pass"], "dr_cli.py --help": [DR_CLI, "--help"]}
    taken = {name: best(partial(take, words, {}), times) for name, words in commands.items()}
    return [
        BenchmarkRow(name, "", 0, 0, measurement.wall_s, measurement.cpu_s, measurement.peak_mib, 0)
        for name, measurement in taken.items()
    ]


def measured(
    worlds: tuple[BenchmarkWorld, BenchmarkWorld],
    tenants: int,
    latencies_ms: list[int],
    times: int,
    with_baselines: bool,
) -> Iterator[BenchmarkRow]:
    """All that is measured with so many tenants; without baselines, of the canned world alone."""
    take(["-m", "benchmarks.readers", "patient"], worlds[1].variables)
    for latency_ms in latencies_ms:
        for world in worlds if with_baselines else worlds[1:]:
            yield from rows_of(world, tenants, latency_ms, times, with_baselines)
    yield throttled(worlds[1], tenants, latencies_ms[-1])


def rows_of(
    world: BenchmarkWorld, tenants: int, latency_ms: int, times: int, with_baselines: bool
) -> Iterator[BenchmarkRow]:
    """Measure the whole command in ``world``, and in the canned one its reader and the baselines too."""
    yield _status(world, tenants, latency_ms, times)
    if world.kind == "canned":
        for way, what in _WAYS.items():
            if way == _READER or with_baselines:
                yield _reading(world, way, what, tenants, latency_ms, times)
        if with_baselines and latency_ms:
            yield from (_peer(world, peer, tenants, latency_ms) for peer in installed(tenants))
        yield _again(world, tenants, latency_ms, times)
        yield _floor(world, tenants, latency_ms, times)


def _status(world: BenchmarkWorld, tenants: int, latency_ms: int, times: int) -> BenchmarkRow:
    with tempfile.TemporaryDirectory() as home:
        words = [DR_CLI, "-e", "sit", "--output", f"{home}/out", "--deadline", "3600", "status", "--format", "json"]

        def run() -> ResourceUsage:
            return take(words, {**world.variables, "XDG_STATE_HOME": home})

        taken = _warmed(world, run, latency_ms, times)
    report = json.loads(taken.out)
    note = "" if taken.code == 0 else f"exit {taken.code}: {', '.join(_not_passed(report))}"
    return _row("status, the whole command", world, tenants, latency_ms, taken, report["api_calls"], note)


def _not_passed(report: dict[str, Any]) -> list[str]:
    return [row["check"] for row in report["results"] if row["status"] not in {"pass", "not-applicable"}]


def _reading(world: BenchmarkWorld, way: str, what: str, tenants: int, latency_ms: int, times: int) -> BenchmarkRow:
    sample = _NAIVE_SAMPLE if way == "naive" and tenants > _NAIVE_SAMPLE and latency_ms else tenants
    words = ["-m", "benchmarks.readers", way, *([str(sample)] if way == "naive" else [])]
    taken = _warmed(world, lambda: take(words, world.variables), latency_ms, times)
    document = json.loads(taken.out)
    note = f"{document['unseen']} parts unseen" if document["unseen"] else ""
    if sample == tenants:
        return _row(what, world, tenants, latency_ms, taken, document["calls"], note)
    factor = tenants / sample
    scaled = ResourceUsage(taken.wall_s * factor, taken.cpu_s * factor, taken.peak_mib, taken.code, taken.out)
    return _row(what, world, tenants, latency_ms, scaled, round(document["calls"] * factor), f"scaled from {sample}")


def _peer(world: BenchmarkWorld, peer: Peer, tenants: int, latency_ms: int) -> BenchmarkRow:
    """Another tool, measured once."""
    with tempfile.TemporaryDirectory() as home:
        environment = load_environment(ENVIRONMENTS, "sit")
        words = peer.words(environment, Path(home))
        variables = {**world.variables, "HOME": home, "AWS_DEFAULT_REGION": environment.regions.primary}

        def run() -> ResourceUsage:
            return take(words, variables, str(peer.program))

        taken = _warmed(world, run, latency_ms, 1)
        world.latency(0)
        run()
        counts = world.counts()
    note = "" if taken.code == 0 else f"exit {taken.code}"
    return _row(peer.what, world, tenants, latency_ms, taken, counts.hits + counts.misses, note)


def _again(world: BenchmarkWorld, tenants: int, latency_ms: int, times: int) -> BenchmarkRow:
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "benchmarks.readers", "again", f"{folder}/answers.json"]
        taken = _warmed(world, lambda: take(words, world.variables), latency_ms, times)
    document = json.loads(taken.out)
    what = "the reader alone, with what it keeps of an earlier look"
    return _row(what, world, tenants, latency_ms, taken, document["calls"], "")


def _floor(world: BenchmarkWorld, tenants: int, latency_ms: int, times: int) -> BenchmarkRow:
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/requests.json"
        world.latency(0)
        take(["-m", "benchmarks.readers", "record", file], world.variables)
        taken = _warmed(world, lambda: take(["-m", "benchmarks.floor", file], world.variables), latency_ms, times)
    calls = json.loads(taken.out)["calls"]
    return _row("the floor: the same requests, bare asyncio", world, tenants, latency_ms, taken, calls, "")


def throttled(world: BenchmarkWorld, tenants: int, latency_ms: int) -> BenchmarkRow:
    """The reader alone where AWS's published rates are enforced; run after ``rows_of``."""
    world.latency(latency_ms / _MS)
    world.throttle(1)
    world.counts()
    taken = take(["-m", "benchmarks.readers", "paced"], world.variables)
    counts = world.counts()
    world.throttle(0)
    document = json.loads(taken.out)
    shortest = f"the rates alone take {counts.shortest_s:.1f} s"
    note = f"{counts.throttled} throttled, {document['unseen']} parts unseen; {shortest}"
    what = "the reader, paced, AWS's published rates enforced"
    return _row(what, world, tenants, latency_ms, taken, document["calls"], note)


def _warmed(world: BenchmarkWorld, run: Callable[[], ResourceUsage], latency_ms: int, times: int) -> ResourceUsage:
    """Run without latency until the answers are canned, then measure; new requests spoil a measurement.

    An answer that came too late for one run is there for the next, which asks what hangs on it.
    """
    if world.kind == "canned":
        world.latency(0)
        world.counts()
        for _ in range(_WARMING):
            run()
            if not world.counts().misses:
                break
    world.latency(latency_ms / _MS)
    taken = best(run, times)
    if world.kind == "canned" and (misses := world.counts().misses):
        print(f"{misses} requests were not canned: the timing holds some of the emulator's", file=sys.stderr)
    return taken


def _row(
    what: str, world: BenchmarkWorld, tenants: int, latency_ms: int, taken: ResourceUsage, calls: int, note: str
) -> BenchmarkRow:
    return BenchmarkRow(what, world.kind, tenants, latency_ms, taken.wall_s, taken.cpu_s, taken.peak_mib, calls, note)


def table(rows: list[BenchmarkRow]) -> Table:
    """The rows for people."""
    drawn = Table("what", "world", "tenants", "latency ms", "wall s", "CPU s", "peak MiB", "API calls", "note")
    for row in rows:
        counts = (str(row.tenants), str(row.latency_ms)) if row.tenants else ("", "")
        times = (f"{row.wall_s:.2f}", f"{row.cpu_s:.2f}", f"{row.peak_mib:.0f}")
        drawn.add_row(row.what, row.world, *counts, *times, str(row.calls or ""), row.note)
    return drawn


def main() -> None:
    """Measure, print the table, and write JSON where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.status", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tenants", type=int, nargs="+", default=[12, 200, 2000], metavar="N")
    parser.add_argument("--latency-ms", type=int, nargs="+", default=[0, 40], metavar="MS")
    parser.add_argument("--times", type=int, default=3, help="take the best of so many (runs over a minute run once)")
    parser.add_argument(
        "--baselines-up-to",
        type=int,
        default=2000,
        metavar="N",
        help="of more tenants, measure neither the baselines nor the emulator itself: they take minutes",
    )
    parser.add_argument("--quick", action="store_true", help="12 tenants, once")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here too")
    arguments = parser.parse_args()
    sizes, times = ([12], 1) if arguments.quick else (arguments.tenants, arguments.times)
    rows = start_up(times + 2)
    environment = load_environment(ENVIRONMENTS, "sit")
    for tenants in sizes:
        with both(environment, tenants) as worlds:
            with_baselines = tenants <= arguments.baselines_up_to
            for row in measured(worlds, tenants, arguments.latency_ms, times, with_baselines):
                print(f"{row.what}: {row.tenants} tenants, {row.wall_s:.2f} s", file=sys.stderr)
                rows.append(row)
                _keep(rows, arguments.json)
    Console(width=170).print(table(rows))


def _keep(rows: list[BenchmarkRow], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
