"""A run that is stopped at a terminal stops in its own way: at once, on record, with its lock given back, resumable."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import read
from dr_estate.config.environment import Environment, load_environment
from dr_estate.readers.control_table import ControlState
from sandbox.client.endpoint import Endpoint
from tests.utils.pseudo_terminal import CTRL_C, CTRL_D, Terminal, at_terminal
from tests.utils.running import Ran, at_endpoint, journal_of, rules, signed_in
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app.connections import connect

QUICK = "[execution]\npoll_s = 0.1\ncool_down_minutes = 0\n[observation]\nattempts = 1"
INCIDENT = "INC-9"
ASKS = "Type sit-efs to go on:"
AT_ONCE_S = 120.0
WAYS: dict[str, Callable[[Terminal], None]] = {
    "Ctrl-C": lambda terminal: terminal.press(CTRL_C),
    "SIGTERM": lambda terminal: terminal.signal(signal.SIGTERM),
    "SIGHUP": lambda terminal: terminal.signal(signal.SIGHUP),
    "Ctrl-D": lambda terminal: terminal.press(CTRL_D),
    "the connection drops": lambda terminal: terminal.hang_up(),
}


@dataclass(frozen=True)
class Sit:
    """SIT with a dark primary, and where its commands keep their files."""

    world: Endpoint
    home: Path
    config: Path
    env: Environment

    def at_terminal(self, words: str) -> AbstractContextManager[Terminal]:
        """Run a command as the operator at a terminal."""
        return at_terminal(f"-e sit --config {self.config} {words}", self.home, signed_in(self.world, "operator"))

    def run(self, words: str, home: Path) -> Ran:
        """Run a command as the operator on a machine of its own."""
        home.mkdir(exist_ok=True)
        return at_endpoint(self.world, home, f"-e sit --config {self.config} {words}", "operator")

    @property
    def record(self) -> tuple[Entry, ...]:
        """What is in the journal's file."""
        path = journal_of(self.home, "sit", INCIDENT)
        assert path is not None
        return read(path, "sit", INCIDENT).entries

    def in_force(self) -> ControlState:
        """What stands in the control table."""
        return connect(world_of(self.world, "operator"), self.env).control.in_force()


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Sit]:
    config = rules(tmp_path, "sit", QUICK)
    env = load_environment(config, "sit")
    with borrowed(env, tenants=1) as world:
        world.inject("primary-dark")
        yield Sit(world, tmp_path, config, env)


def _stopped_in_order(sit: Sit, terminal: Terminal, since: int) -> None:
    """It ended as a run that was stopped, and with nothing held."""
    assert 130 == terminal.wait(AT_ONCE_S), terminal.shown
    added = sit.record[since:]
    kinds = [entry.kind for entry in added]
    assert [EntryKind.STOPPED, EntryKind.END] == kinds[-2:], kinds
    assert EntryKind.FAILED not in kinds
    assert EntryKind.NOTIFIED not in kinds, "nobody is alarmed"
    assert "stopped" == added[-1].data["outcome"]
    run = sit.in_force().known_run
    assert run is not None
    assert (True, "stopped") == (run.ended_at is not None, run.outcome), "the lock is given back"


@pytest.mark.proof
def test_ctrl_c_at_an_irreversible_question_stops_the_run_at_once(sit: Sit) -> None:
    with sit.at_terminal(f"failover --execute --incident {INCIDENT}") as terminal:
        terminal.until(ASKS)
        terminal.press(CTRL_C)
        _stopped_in_order(sit, terminal, 0)
        assert "Stopped between two calls" in terminal.shown
        assert "FAILED" not in terminal.shown


@pytest.mark.proof
def test_a_name_typed_before_its_question_confirms_nothing(sit: Sit) -> None:
    with sit.at_terminal(f"failover --execute --incident {INCIDENT}") as terminal:
        terminal.press(b"sit-efs\n")
        terminal.until(ASKS)
        terminal.press(b"sit-esf\n")
        terminal.until("That is not sit-efs.")
        while terminal.shown.count(ASKS) < 2:  # what is typed before it is asked is dropped
            assert terminal.read(1.0), terminal.shown
        terminal.press(b"\n")
        assert 5 == terminal.wait(), terminal.shown
        assert 2 == terminal.shown.count(ASKS)
    assert [] == [entry for entry in sit.record if entry.step == "files/restore_dr:sit-efs" and entry.kind == "sending"]


@pytest.mark.proof
def test_nothing_begins_while_the_question_for_the_ticket_is_open(sit: Sit) -> None:
    file = sit.config / "sit.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("ticket = false", "ticket = true"), encoding="utf-8")
    for way in ("Ctrl-C", "SIGTERM", "SIGHUP"):
        with sit.at_terminal("failover --execute") as terminal:
            terminal.until("Enter confirmation code")
            WAYS[way](terminal)
            assert 130 == terminal.wait(AT_ONCE_S), terminal.shown
            assert "Traceback" not in terminal.shown
    assert sit.in_force().known_run is None, "no lock was taken"


@pytest.mark.proof
def test_a_run_stopped_at_the_question_resumes_at_it(sit: Sit) -> None:
    since = 0
    for way, stop in WAYS.items():
        with sit.at_terminal(f"failover --execute --incident {INCIDENT}") as terminal:
            terminal.until(ASKS)
            stop(terminal)
            _stopped_in_order(sit, terminal, since)
        since = len(sit.record)
        assert since, way


@pytest.mark.proof
def test_pause_and_unpause_are_in_the_log_with_or_without_a_run(sit: Sit) -> None:
    with sit.at_terminal(f"failover --execute --incident {INCIDENT}") as terminal:
        terminal.until(ASKS)
        assert 0 == sit.run("pause --reason storm", sit.home / "elsewhere").code
        assert EntryKind.PAUSED not in {entry.kind for entry in sit.record}, (
            "the run itself records it: it holds the lock"
        )
        WAYS["Ctrl-C"](terminal)
        assert 130 == terminal.wait(AT_ONCE_S), terminal.shown
    assert [EntryKind.PAUSED, EntryKind.STOPPED, EntryKind.END] == [entry.kind for entry in sit.record[-3:]]
    unpaused = sit.run("unpause", sit.home / "elsewhere")
    assert (0, "") == (unpaused.code, unpaused.err)
    log = sit.run(f"log --incident {INCIDENT} --verify --format json", sit.home / "elsewhere")
    assert (0, True) == (log.code, log.report["chain"]["intact"])
    assert "unpaused" == log.report["entries"][-1]["kind"], "nobody was at work: the command itself recorded it"
    assert "operator stopped all runs: storm" in {entry["data"].get("says") for entry in log.report["entries"]}
    assert 1 == len(log.report["timelines"][0]["runs"]), "to turn a switch is no run"
    with sit.at_terminal(f"failover --execute --incident {INCIDENT}") as terminal:
        terminal.until(ASKS)
        WAYS["Ctrl-C"](terminal)
        assert 130 == terminal.wait(AT_ONCE_S), terminal.shown
    kinds = [entry.kind for entry in sit.record]
    assert (1, 1) == (kinds.count(EntryKind.PAUSED), kinds.count(EntryKind.UNPAUSED)), "each stands there once"
