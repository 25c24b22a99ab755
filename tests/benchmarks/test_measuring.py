"""What a run took is measured correctly: its time, its memory, and whether it crashed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.measuring import ResourceUsage, in_turn, take
from benchmarks.peers import MOST_TENANTS, PEERS, installed_peers
from benchmarks.status import ENVIRONMENTS, BenchmarkRow, table
from dr_estate.config.environment import load_environment


@pytest.mark.proof
def test_time_cpu_and_memory_are_those_of_the_process() -> None:
    idle = take(["-c", "import time; time.sleep(0.2)"], {})
    assert idle.wall_s >= 0.2
    assert idle.cpu_s < idle.wall_s
    busy = take(["-c", "sum(range(6_000_000)); x = bytearray(200 << 20)"], {})
    assert busy.cpu_s > 0.02
    assert busy.peak_mib >= 200
    memory = bytearray(300 << 20)
    assert take(["-c", "pass"], {}).peak_mib < 100, "the memory of the caller is not the process's"
    assert len(memory) == 300 << 20


def test_a_crash_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        take(["-c", "1 / 0"], {})


def test_rows_are_measured_in_turn_each_by_its_median_and_a_long_one_once() -> None:
    turns: list[str] = []

    def runs(name: str, *taken: tuple[float, float, float]) -> Callable[[], ResourceUsage]:
        usages = iter(taken)

        def run() -> ResourceUsage:
            turns.append(name)
            return ResourceUsage(*next(usages), 0, name)

        return run

    short = runs("short", (3.0, 2.0, 10.0), (2.0, 1.5, 30.0), (2.5, 1.0, 20.0))
    found = in_turn([short, runs("long", (100.0, 9.0, 1.0))], 3)
    assert [(usage.wall_s, usage.cpu_s, usage.peak_mib) for usage in found] == [(2.5, 1.5, 20.0), (100.0, 9.0, 1.0)]
    assert turns == ["short", "long", "short", "short"]


def test_the_table_shows_every_row() -> None:
    screen = io.StringIO()
    rows = [
        BenchmarkRow("status", "canned", 12, 40, 1.234, 0.5, 150.4, 244),
        BenchmarkRow("dr_cli.py --help", "", 0, 0, 0.04, 0.04, 40, 0),
    ]
    Console(file=screen, width=150).print(table(rows))
    shown = screen.getvalue()
    assert all(word in shown for word in ("status", "canned", "12", "40", "1.23", "150", "244", "--help"))


def test_a_peer_is_asked_about_both_regions_and_only_where_it_is_installed(tmp_path: Path) -> None:
    sit = load_environment(ENVIRONMENTS, "sit")
    for peer in PEERS:
        words = peer.words(sit, tmp_path)
        assert {sit.regions.primary, sit.regions.dr} <= set(words)
        assert peer in installed_peers(MOST_TENANTS) or not peer.program.exists()
    assert installed_peers(MOST_TENANTS + 1) == []
    kinds = json.loads((tmp_path / "policies.json").read_text())["policies"]
    assert len({kind["name"] for kind in kinds}) == len(kinds) > 10
