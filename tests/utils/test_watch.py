"""status --watch at a terminal of 80 columns: what changes is shown, trouble stands on the screen, and q leaves."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import psutil
import pytest

from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.utils.pseudo_terminal import at_terminal
from tests.utils.running import PATIENCE_S, at_endpoint, rules, signed_in

IMPATIENT = "[observation]\nattempts = 1\nconnect_timeout_s = 2"
LOOKS, LOOKED_AT = 8, re.compile(r"looked at (\d\d:\d\d:\d\d) UTC")
SMALL = {"LINES": "24", "COLUMNS": "80"}
ROOMY = SMALL | {"LINES": "40"}
"""An outage's command is six lines of a test's long paths."""


def test_without_a_terminal_the_watch_is_refused_in_a_sentence(sandbox_world: Endpoint, tmp_path: Path) -> None:
    ran = at_endpoint(sandbox_world, tmp_path, "-e sit status --watch")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "use it at a terminal, and `python utils/aws_mgmt/dr_cli.py -e sit" in ran.err


@pytest.mark.proof
@pytest.mark.parametrize("words", ["status --watch 1", "failover --validate --watch 1"])
def test_a_region_that_is_lost_changes_the_screen_and_q_leaves(
    sandbox_world: Endpoint, tmp_path: Path, words: str
) -> None:
    config = rules(tmp_path, "sit", IMPATIENT)
    dark = Outage("af-south-1", "refuse")
    variables = {**signed_in(sandbox_world, "reader"), **ROOMY}
    with at_terminal(f"-e sit --config {config} {words}", tmp_path, variables, columns=80) as terminal:
        terminal.until("NORMAL: the primary region answers")
        sandbox_world.begin(dark)
        try:
            terminal.until("posture: NORMAL -> PRIMARY_LOST")
        finally:
            sandbox_world.end(dark)
        terminal.until("posture: PRIMARY_LOST -> NORMAL")
        terminal.press(b"q")
        assert terminal.wait() == 0, terminal.shown
        ending = [line for line in terminal.lines if line.strip()][-4:]
        assert ending[0] == "In short"
        assert ending[1].startswith("  Answer:   NORMAL at ")
        assert ending[2].startswith("  Next:     Shows ")
        assert ending[3].startswith("  python utils/aws_mgmt/dr_cli.py -e sit ")


@pytest.mark.proof
def test_next_stands_on_a_line_of_its_own_that_is_pasted_as_it_stands(sandbox_world: Endpoint, tmp_path: Path) -> None:
    """Also beside an outage, whose first line says the command that ends it: nothing of it is cut or broken."""
    config = rules(tmp_path, "sit", IMPATIENT)
    variables, words = {**signed_in(sandbox_world, "reader"), **SMALL}, f"-e sit --config {config} status --watch 1"
    with at_terminal(words, tmp_path, variables, columns=80) as terminal:
        healthy = terminal.until_line(f"--output {tmp_path}/out status")
        sandbox_world.begin(Outage("af-south-1", "refuse"))
        try:
            weighs = terminal.until_line(f"--output {tmp_path}/out failover")
        finally:
            sandbox_world.end(Outage("af-south-1", "refuse"))
        terminal.press(b"q")
        assert terminal.wait() == 0, terminal.shown
    start = f"python utils/aws_mgmt/dr_cli.py -e sit --config {config} --output {tmp_path}/out"
    assert (healthy.strip(), weighs.strip()) == (f"{start} status", f"{start} failover")


@pytest.mark.proof
def test_credentials_that_end_during_the_watch_show_on_the_screen(sandbox_world: Endpoint, tmp_path: Path) -> None:
    config = rules(tmp_path, "sit", IMPATIENT)
    variables = {**signed_in(sandbox_world, "reader"), **ROOMY}
    with at_terminal(f"-e sit --config {config} status --watch 1", tmp_path, variables, columns=80) as terminal:
        terminal.until("NORMAL: the primary region answers")
        sandbox_world.inject("credentials-expired")
        try:
            terminal.until("CANNOT LOOK: sts:GetCallerIdentity in eu-west-1 refused the credentials")
        finally:
            sandbox_world.repair("credentials-expired")
        terminal.press(b"q")
        assert terminal.wait() == 0, terminal.shown


@pytest.mark.proof
def test_a_dark_region_is_watched_for_hours_by_a_constant_connection_count(
    sandbox_world: Endpoint, tmp_path: Path
) -> None:
    config, dark = rules(tmp_path, "sit", IMPATIENT), Outage("af-south-1", "refuse")
    variables = {**signed_in(sandbox_world, "reader"), **SMALL}
    sandbox_world.begin(dark)
    try:
        with at_terminal(f"-e sit --config {config} status --watch 1", tmp_path, variables, columns=80) as terminal:
            watching, fewest = psutil.Process(terminal.pid), dict[int, int]()
            ends = time.monotonic() + PATIENCE_S
            while (looks := len(set(LOOKED_AT.findall(terminal.shown)))) < LOOKS:
                assert time.monotonic() < ends, f"{looks} looks"
                assert terminal.read(0.1), terminal.shown
                fewest[looks] = min(watching.num_fds(), fewest.get(looks, sys.maxsize))
            terminal.press(b"q")
            assert terminal.wait() == 0, terminal.shown
    finally:
        sandbox_world.end(dark)
    seen = sorted(fewest)
    assert min(fewest[look] for look in seen[-3:]) <= min(fewest[look] for look in seen[:3]) + 5
