"""A failback of PROD, run by AWS, that waits in its write pause for a change by hand: the first line of every screen.

One run is watched at a terminal of 100 and one of 80 columns. ``attach`` and ``status --watch`` stand open before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from tests.proofs.test_automation import (
    EXECUTE,
    INCIDENT,
    PATIENCE_S,
    Prod,
    change_by_hand,
    with_primary_dark,
)
from tests.utils.forking import Command
from tests.utils.pseudo_terminal import Terminal, at_terminal
from tests.utils.running import rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

SETTINGS = """[execution]
poll_s = 0.2
cool_down_minutes = 0
[observation]
attempts = 1
"""
SHORT = "[failback]\nbake_minutes = 0.01\nstable_minutes = 0\nfiles_freeze_minutes = 0\ndns_samples = 20\n"
CONFIRMED = ("files/allow_overwrite_primary", "files/replicate_to_primary")
CONFIRM = " ".join(f"--confirm {step}:prod-efs" for step in CONFIRMED)
FAILBACK = f"failback --staged --execute --incident {INCIDENT} {CONFIRM} --confirm database/promote_primary:prod-mysql"
COLUMNS = (100, 80)
MOST_S = 10.0
LOOKS = 3
"""On a machine that is busy a screen may take this many times as long as one look at the estate takes there."""
OUTAGE = re.compile(r"OUTAGE: nobody can write since \d\d:\d\d UTC")


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prod]:
    """PROD in its DR region, its primary region repaired, and a failback asked for and not approved yet."""
    home = tmp_path_factory.mktemp("paused")
    config = rules(home, "prod", SETTINGS)
    file = config / "prod.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[failback]\n", SHORT), encoding="utf-8")
    with borrowed(load_environment(config, "prod"), 1) as world:
        prod = with_primary_dark(world, home, config)
        with killed(prod.asked(EXECUTE, "laptop")[0]) as laptop:
            assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
            change_by_hand(prod, laptop)
            assert laptop.wait(PATIENCE_S) == 0, laptop.err
        world.repair("primary-dark")
        with killed(prod.asked(FAILBACK, "failback")[0]):
            yield prod


@contextmanager
def killed(command: Command) -> Iterator[Command]:
    """A command that does not outlive the block."""
    try:
        yield command
    finally:
        with suppress(ValueError):  # it ended, and was closed
            command.kill()


def terminal_of(stack: ExitStack, prod: Prod, home: Path, words: str, columns: int) -> Terminal:
    """A command of the reader's, at a terminal that is ``columns`` wide."""
    place = home / f"{words.replace(' ', '-')}-{columns}"
    place.mkdir()
    variables: Mapping[str, str] = {**signed_in(prod.world, "reader"), "LINES": "24", "COLUMNS": str(columns)}
    line = f"-e prod --config {prod.config} {words}"
    return stack.enter_context(at_terminal(line, place, variables, columns=columns))


def text_of(terminal: Terminal) -> str:
    """What was shown, however its lines were broken."""
    return " ".join(" ".join(terminal.lines).split())


def seconds_until_outage(terminals: Mapping[str, Terminal], since_s: float) -> dict[str, float]:
    """After how many seconds each of the terminals says that nobody can write."""
    seconds: dict[str, float] = {}
    while len(seconds) < len(terminals):
        assert time.monotonic() - since_s < PATIENCE_S, {
            name: terminals[name].shown for name in terminals if name not in seconds
        }
        for name, terminal in terminals.items():
            terminal.read(0.05)
            if name not in seconds and OUTAGE.search(text_of(terminal)):
                seconds[name] = time.monotonic() - since_s
    return seconds


def test_in_the_write_pause_every_screen_says_so_first_within_seconds(waiting: Prod, tmp_path: Path) -> None:
    approved = waiting.run(f"approve --failback --staged --incident {INCIDENT}", "approver")
    assert "AWS runs it now" in approved.out, approved.err
    attach, watch = f"attach --incident {INCIDENT}", "status --watch 2"
    with ExitStack() as stack:
        screens = {
            f"{words} at {columns}": terminal_of(stack, waiting, tmp_path, words, columns)
            for columns in COLUMNS
            for words in (attach, watch)
        }
        screens[f"{attach} at 100"].until("nobody can write", 2 * PATIENCE_S)
        seconds = seconds_until_outage(screens, time.monotonic())
        screens[f"{attach} at 80"].until("BY HAND", PATIENCE_S)
        looks: list[float] = []
        for columns in COLUMNS:
            began_s = time.monotonic()
            status = terminal_of(stack, waiting, tmp_path, "status", columns)
            status.wait()
            looks.append(time.monotonic() - began_s)
            above, title, _ = text_of(status).partition(f"incident {INCIDENT} is open")
            last = [line.strip() for line in status.lines if line.strip()][-1]
            assert title, status.shown
            assert OUTAGE.search(above), status.shown
            assert f"To end it: {last}" in text_of(status), status.shown
            assert last.endswith(f" attach --incident {INCIDENT}"), "it shows the change by hand, which ends it"
        assert max(seconds.values()) < max(MOST_S, LOOKS * max(looks)), (seconds, looks)
    log = waiting.run(f"log --incident {INCIDENT}", "reader")
    assert re.search(rf"critical was notified: {OUTAGE.pattern}", " ".join(log.out.split())), log.out
