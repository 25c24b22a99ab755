"""The screen of a run: its journal's lines, plain where nobody watches, and its place pinned at a terminal."""

from __future__ import annotations

import io
import os
import pty
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import Call, Goal
from dr_estate.aws.read_client import Credentials
from reports.terminal.manual_step import ManualStepWriter
from reports.terminal.pinned import PinnedLine, PinnedLines
from reports.terminal.run_progress import RunProgress
from reports.terminal.run_screen import RunScreen, pinned_lines
from reports.values.run_view import RunFollower
from tests.dr_actions.deciding import SIT, step
from tests.dr_actions.journal.test_timeline import EntryRow, at, entries
from tests.reports.values.test_run_view import ASKED, BEGUN, MYSQL, SERVED, SERVICES, SHIFT, begin, viewed

LONG = Call("route53", "ChangeResourceRecordSets", "us-east-1", {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": []}})


class Run:
    """A run whose journal grows."""

    def __init__(self, folder: Path) -> None:
        self.entries: Sequence[Entry] = ()
        writer = ManualStepWriter(folder, Credentials())
        self.progress = RunProgress(RunFollower(SIT, "INC-1"), lambda: self.entries, lambda: at(20), False, writer)

    def has(self, rows: Sequence[EntryRow]) -> None:
        self.entries = entries(rows)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    with closing(run.progress):
        yield run


def test_steps_are_numbered_by_their_place_and_those_alike_are_counted(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.has([*BEGUN, MYSQL, *SERVED])
    run.progress.done(SERVICES[-1], "runs")
    first, done, alike, done_alike, by_hand = capsys.readouterr().err.splitlines()
    assert first.startswith(
        "step 1 of 5 mysql runs 2 healthy tasks. (outage 10 min of 4 h, run 0 s, about 13 min to go)"
    )
    assert done == "  done database/restore_dr:mysql: it is available"
    assert alike.startswith("steps 2 to 4 of 5 tenant1 runs 2 healthy tasks. (and 2 alike)")
    assert done_alike == "  done compute/scale_dr_services: 3 of 3"
    assert by_hand.startswith("step 5 of 5 ")


def test_a_log_has_no_escape_codes(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.has([*BEGUN, MYSQL])
    run.progress.waits(SERVICES[0], 5.0, 60.0, "starting")
    run.progress.by_hand(SHIFT)
    run.progress.note("noted")
    assert "\x1b" not in capsys.readouterr().err


def test_a_manual_change_is_shown_with_its_command_early_and_when_due(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = step("ahead", 35, "notifications/manual_step", number=4, id="notifications/manual_step.ahead:10.dr")
    shift = step(
        "zone", 50, "traffic/shift_to_primary", number=4, id="traffic/shift_to_primary:10", call=LONG, manual=True
    )
    rows = [begin([ahead, shift], Goal.FAILBACK)]
    run.has(rows)
    run.progress.begins([ahead])
    announced = capsys.readouterr().err
    assert "CHECK IT NOW, RUN IT WHEN THE RUN ASKS" in announced
    assert "aws route53 change-resource-record-sets" in announced
    run.has([*rows, (11, EntryKind.CONFIRMED, ahead.id, {"says": "sent"})])
    run.progress.begins([shift])
    assert "CHECK IT NOW" not in capsys.readouterr().err
    run.progress.by_hand(shift)
    assert "BY HAND" in (due := capsys.readouterr().err)
    assert announced.splitlines()[-1] == due.splitlines()[-1]
    run.progress.by_hand(shift, "The records could not be read.")
    unread = capsys.readouterr().err.splitlines()
    assert unread[-1] == due.splitlines()[-1]
    assert unread[1:3] == [
        "The records could not be read.",
        f"aws route53 list-resource-record-sets --region us-east-1 --hosted-zone-id {LONG.params['HostedZoneId']}",
    ]


def test_without_a_terminal_a_slow_step_is_waited_for_and_said_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.progress.gives_up(step("a"), "it takes long.", threading.Event()) is False
    output = capsys.readouterr().err
    assert "it takes long." in output
    assert "The run goes on waiting." in output


def test_the_pinned_part_fits_a_small_screen_with_the_command_last() -> None:
    view = viewed([*BEGUN, MYSQL, *SERVED, ASKED], 22)
    lines = [line.text for line in pinned_lines(view, "", "aws route53 ...")]
    assert lines[0] == "failover of INC-1: step 5 of 5"
    assert lines[-2:] == ["BY HAND (13 min left): zone runs 2 healthy tasks.", "aws route53 ..."]
    assert "Outage 22 min of 4 h, run 12 min, about 0 s to go" in lines
    assert max(map(len, lines)) <= 80


@pytest.fixture
def terminal() -> Iterator[tuple[io.TextIOWrapper, int]]:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    with os.fdopen(slave, "w") as stream:
        yield stream, master
    os.close(master)


def test_an_unchanged_pinned_line_is_not_redrawn_so_a_selection_stays(
    terminal: tuple[io.TextIOWrapper, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, master = terminal
    monkeypatch.setenv("NO_COLOR", "1")
    pinned, command = PinnedLines(stream), PinnedLine("aws " + "x" * 200, "hand")
    pinned.show([PinnedLine("run 1 s"), command])
    first = os.read(master, 10_000).decode()
    assert f"{command.text}\r\n" in first, "no newline of its own is in the command"
    assert "\x1b[1;33m" not in first, "NO_COLOR"
    pinned.show([PinnedLine("run 2 s"), command])
    second = os.read(master, 10_000).decode()
    assert ("run 2 s" in second, "aws" in second) == (True, False)
    pinned.take_down()
    assert os.read(master, 10_000).decode().endswith("\x1b[J")


def test_the_name_of_a_step_is_no_emoji(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with closing(RunScreen(ManualStepWriter(tmp_path, Credentials()), lambda: None)) as screen:
        screen.print("traffic/shift_to_primary:100: the change is there")
    assert capsys.readouterr().err == "traffic/shift_to_primary:100: the change is there\n"


def test_what_visitors_cannot_do_is_pinned_above_the_run_until_they_can(
    terminal: tuple[io.TextIOWrapper, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stream, master = terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", stream)
    view, outage = viewed([*BEGUN, MYSQL, *SERVED, ASKED], 22), ["OUTAGE: nobody can write."]
    screen = RunScreen(ManualStepWriter(tmp_path, Credentials()), lambda: view, lambda: outage[0])
    with closing(screen):
        screen.draw()
        first = os.read(master, 10_000).decode()
        outage[0] = ""
        screen.draw()
        second = os.read(master, 10_000).decode()
    assert first.index("nobody can write") < first.index("step 5 of 5"), first
    assert ("nobody can write" in second, "step 5 of 5" in second) == (False, True)
