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

from benchmarks.measuring import ResourceUsage, in_turn, take
from benchmarks.peers import Peer, installed_peers
from benchmarks.worlds import BenchmarkWorld, both_worlds
from dr_estate.config.environment import load_environment

DR_CLI = "utils/aws_mgmt/dr_cli.py"
ENVIRONMENTS = Path(__file__).parents[1] / "environments"
# At 40 ms a call 2,000 tenants take over twenty minutes one by one; each costs the same, so the rest is scaled.
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
    taken = in_turn([partial(take, words, {}) for words in commands.values()], times)
    return [
        BenchmarkRow(name, "", 0, 0, usage.wall_s, usage.cpu_s, usage.peak_mib, 0)
        for name, usage in zip(commands, taken, strict=True)
    ]


def measured_rows(
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
    yield throttled_row(worlds[1], tenants, latencies_ms[-1])


@dataclass(frozen=True)
class Contestant:
    """One row to be: ``run`` is what is measured, ``describe`` gives its row."""

    run: Callable[[], ResourceUsage]
    describe: Callable[[ResourceUsage], BenchmarkRow]


def rows_of(
    world: BenchmarkWorld, tenants: int, latency_ms: int, times: int, with_baselines: bool
) -> Iterator[BenchmarkRow]:
    """Measure the whole command in ``world``, and in the canned one its reader and the baselines too."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(world, tenants, latency_ms, Path(folder))
        contestants = [_status(place)]
        if world.kind == "canned":
            ways = (way for way in _WAYS if way == _READER or with_baselines)
            contestants += [_reading(place, way, _WAYS[way]) for way in ways]
            contestants += [_again(place), _floor(place)]
        for contestant in contestants:
            # All of them before any is measured: each cans answers that the others ask for too.
            _warm(world, contestant.run)
        world.latency(latency_ms / _MS)
        taken = in_turn([contestant.run for contestant in contestants], times)
        if world.kind == "canned" and (misses := world.counts().misses):
            print(f"{misses} requests were not canned: the timing holds some of the emulator's", file=sys.stderr)
        yield from (c.describe(usage) for c, usage in zip(contestants, taken, strict=True))
        if world.kind == "canned" and with_baselines and latency_ms:
            yield from (_peer(place, peer) for peer in installed_peers(tenants))


@dataclass(frozen=True)
class Place:
    """Where a row is measured, and a folder for what its runs leave."""

    world: BenchmarkWorld
    tenants: int
    latency_ms: int
    folder: Path

    def row(self, what: str, taken: ResourceUsage, calls: int, note: str = "") -> BenchmarkRow:
        """A row of this place."""
        times = (taken.wall_s, taken.cpu_s, taken.peak_mib)
        return BenchmarkRow(what, self.world.kind, self.tenants, self.latency_ms, *times, calls, note)


def _status(place: Place) -> Contestant:
    home = place.folder / "status"
    # A deadline of an hour: parts that were given up would make the run look fast.
    words = [DR_CLI, "-e", "sit", "--output", f"{home}/out", "--deadline", "3600", "status", "--format", "json"]

    def describe(taken: ResourceUsage) -> BenchmarkRow:
        report = json.loads(taken.out)
        note = "" if taken.code == 0 else f"exit {taken.code}: {', '.join(_not_passed(report))}"
        return place.row("status, the whole command", taken, report["api_calls"], note)

    return Contestant(lambda: take(words, {**place.world.variables, "XDG_STATE_HOME": str(home)}), describe)


def _not_passed(report: dict[str, Any]) -> list[str]:
    return [row["check"] for row in report["results"] if row["status"] not in {"pass", "not-applicable"}]


def _reading(place: Place, way: str, what: str) -> Contestant:
    tenants = place.tenants
    sample = _NAIVE_SAMPLE if way == "naive" and tenants > _NAIVE_SAMPLE and place.latency_ms else tenants
    words = ["-m", "benchmarks.readers", way, *([str(sample)] if way == "naive" else [])]

    def describe(taken: ResourceUsage) -> BenchmarkRow:
        document = json.loads(taken.out)
        note = f"{document['unseen']} parts unseen" if document["unseen"] else ""
        if sample == tenants:
            return place.row(what, taken, document["calls"], note)
        factor = tenants / sample
        scaled = ResourceUsage(taken.wall_s * factor, taken.cpu_s * factor, taken.peak_mib, taken.code, taken.out)
        return place.row(what, scaled, round(document["calls"] * factor), f"scaled from {sample}")

    return Contestant(lambda: take(words, place.world.variables), describe)


def _peer(place: Place, peer: Peer) -> BenchmarkRow:
    """Another tool, measured once."""
    world, home = place.world, place.folder / peer.what.replace(" ", "-").replace("/", "-")
    home.mkdir()
    environment = load_environment(ENVIRONMENTS, "sit")
    words = peer.words(environment, home)
    # Peers keep settings and answers there: nothing of an earlier run is to be used.
    variables = {**world.variables, "HOME": str(home), "AWS_DEFAULT_REGION": environment.regions.primary}

    def run() -> ResourceUsage:
        return take(words, variables, str(peer.program))

    _warm(world, run)
    world.latency(place.latency_ms / _MS)
    taken = run()
    world.latency(0)
    world.counts()
    run()
    counts = world.counts()
    note = "once" if taken.code == 0 else f"once; exit {taken.code}"
    return place.row(peer.what, taken, counts.hits + counts.misses, note)


def _again(place: Place) -> Contestant:
    words = ["-m", "benchmarks.readers", "again", str(place.folder / "answers.json")]
    what = "the reader alone, with what it keeps of an earlier look"
    note = "not policies of secrets younger than an hour"

    def describe(taken: ResourceUsage) -> BenchmarkRow:
        return place.row(what, taken, json.loads(taken.out)["calls"], note)

    return Contestant(lambda: take(words, place.world.variables), describe)


def _floor(place: Place) -> Contestant:
    file = str(place.folder / "requests.json")
    place.world.latency(0)
    take(["-m", "benchmarks.readers", "record", file], place.world.variables)

    def describe(taken: ResourceUsage) -> BenchmarkRow:
        return place.row("the floor: the same requests, bare asyncio", taken, json.loads(taken.out)["calls"])

    return Contestant(lambda: take(["-m", "benchmarks.floor", file], place.world.variables), describe)


def throttled_row(world: BenchmarkWorld, tenants: int, latency_ms: int) -> BenchmarkRow:
    """The reader alone where AWS's published rates are enforced; run after ``rows_of``."""
    world.latency(latency_ms / _MS)
    world.throttle(1)
    world.counts()
    taken = take(["-m", "benchmarks.readers", "paced"], world.variables)
    counts = world.counts()
    world.throttle(0)
    document = json.loads(taken.out)
    shortest = f"the rates alone take {counts.shortest_s:.1f} s"
    note = f"once; {counts.throttled} throttled, {document['unseen']} parts unseen; {shortest}"
    what = "the reader, paced, AWS's published rates enforced"
    return Place(world, tenants, latency_ms, Path()).row(what, taken, document["calls"], note)


def _warm(world: BenchmarkWorld, run: Callable[[], ResourceUsage]) -> None:
    """Run without latency until the answers are canned: new requests spoil a measurement.

    An answer that came too late for one run is there for the next, which asks what hangs on it.
    """
    if world.kind != "canned":
        return
    world.latency(0)
    world.counts()
    for _ in range(_WARMING):
        run()
        if not world.counts().misses:
            break


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
    parser.add_argument("--times", type=int, default=3, help="the median of so many (over a minute: once)")
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
        with both_worlds(environment, tenants) as worlds:
            with_baselines = tenants <= arguments.baselines_up_to
            for row in measured_rows(worlds, tenants, arguments.latency_ms, times, with_baselines):
                print(f"{row.what}: {row.tenants} tenants, {row.wall_s:.2f} s", file=sys.stderr)
                rows.append(row)
                _keep(rows, arguments.json)
    Console(width=170).print(table(rows))


def _keep(rows: list[BenchmarkRow], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
