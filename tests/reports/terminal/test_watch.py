"""The last row of the watched screen says that a command is due, and which key leads to it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dr_checks.core.model import Status
from dr_checks.posture.posture import Posture, PostureName
from reports.terminal.watch import WatchScreen
from reports.values.watched_estate import WatchedEstate
from tests.dr_checks.worlds import NOW


@pytest.mark.parametrize(
    ("next_step", "row"),
    [
        ("", "q leaves"),
        ("`dr_cli.py fence` plans it.", "q leaves, and prints the command that comes first"),
    ],
)
def test_a_posture_with_an_urgent_command_says_how_to_get_it(next_step: str, row: str) -> None:
    posture = Posture(PostureName.SPLIT, "both regions write.", next_step=next_step)
    counts = dict.fromkeys(Status, 0)
    screen = WatchScreen(WatchedEstate("sit", "sandbox", NOW, posture, (), (), counts, "", "", ""))
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as shown:
        console.print(screen)
    assert shown.get().splitlines()[-1] == row
