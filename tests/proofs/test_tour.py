"""dr tour: the whole way there and back in a sandbox of its own, which is gone afterwards."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from sandbox.client import daemon
from tests.utils.pseudo_terminal import begun
from tests.utils.running import ROOT, command_of
from tests.worlds import home_with_seeds
from utils.aws_mgmt.cli.commands.tour import INCIDENT

pytestmark = pytest.mark.proof

SCREENS = (
    *(
        "A healthy estate",
        "The region dies",
        "Assess",
        "Fail over: ask",
        "Approve",
        "Fail over",
        "Validate",
        "The region is back",
    ),
    *("Assess the return", "Fail back: ask", "Approve the return", "Fail back", "Review", "The report"),
)
HALF_OF_IT_S = 600
MOST_LINES, PROGRESS = 300, "━"


def test_the_tour_plays_every_screen_and_leaves_reports_and_no_sandbox(tmp_path: Path) -> None:
    home_with_seeds(tmp_path / "sandbox")
    command, env = command_of("tour --non-interactive", tmp_path)
    with begun([sys.executable, *command], {**env, "TERM": "xterm"}) as terminal:
        terminal.until("=== 8.", HALF_OF_IT_S)
        terminal.until("the tour is over", HALF_OF_IT_S)
        assert terminal.wait() == 0
        text = "\n".join(terminal.lines)
    # What is taken back and drawn again, with another number in it, is one line.
    assert len({re.sub(r"\d+", "", line) for line in terminal.lines if PROGRESS not in line}) <= MOST_LINES
    assert re.findall(r"^=== \d+\. (.*?)\.", text, re.MULTILINE) == list(SCREENS)
    answers = re.findall(r"Answer:   (\w+),", text)
    assert (answers[0], answers[-1]) == ("READY", "READY")
    assert ["failover", "failback"] == re.findall(f"the (.*) of {INCIDENT} is complete, exit 0", text)
    assert "In the tour somebody sends it for you: change-batch-" in text
    (folder,) = (tmp_path / "out").glob("prod-tour-*")
    assert list((folder / "results").glob("prod-failback-*/report.json"))
    assert not (folder / "sandbox").exists()


def test_nothing_runs_out_while_a_screen_is_read_and_q_leaves_the_tour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, env = command_of("tour", tmp_path)
    with begun([sys.executable, *command], {**env, "TERM": "xterm"}) as terminal:
        terminal.until("Enter goes on, q leaves:")
        assert "READY, score 100" in terminal.shown
        (folder,) = (tmp_path / "out").glob("prod-tour-*")
        monkeypatch.setenv("DR_SANDBOX_HOME", str(folder / "sandbox"))
        world = daemon.find(load_environment(ROOT / "environments", "prod"))
        assert world is not None
        assert world.clock()["speed"] == 1, "a run in AWS waits an hour for a person, by this clock"
        terminal.press(b"q\n")
        assert terminal.wait() == 0
    assert not (folder / "sandbox").exists()
