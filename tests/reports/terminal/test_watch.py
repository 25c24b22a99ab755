"""The watched screen says what is due, shows the run of the open incident, and rings where a person is needed."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dr_checks.core.model import Status
from dr_checks.posture.posture import Posture, PostureName
from dr_checks.posture.visitor_access import Access, VisitorAccess
from dr_estate.model.invocation import Invocation
from reports.terminal import console as commands
from reports.terminal.parts import Page
from reports.terminal.watch import WatchScreen
from reports.values.watched_estate import WatchedEstate, WatchedRegion
from tests.dr_actions.journal.test_timeline import EntryRow
from tests.dr_checks.worlds import NOW
from tests.reports.values.test_run_view import ASKED, BEGUN, MYSQL, SERVED, WHOLE, viewed


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
    assert shown(screen)[-1] == row


def looked(rows: Sequence[EntryRow], minute: float, posture: PostureName = PostureName.PRIMARY_LOST) -> WatchedEstate:
    """What is seen of an estate whose incident has these entries."""
    regions = tuple(WatchedRegion(name, "DR", "answers", "no", "0 of 12", "0 of 12", "no") for name in ("one", "two"))
    counts = dict.fromkeys(Status, 0)
    estate = WatchedEstate("sit", "sandbox", NOW, Posture(posture, "it is."), regions, (), counts, "r", "", "INC-1")
    return replace(estate, view=viewed(rows, minute), next_step="`dr_cli.py attach --incident INC-1` watches the run.")


def shown(screen: WatchScreen, columns: int = 80, rows: int = 24) -> list[str]:
    """The lines of the screen; a long one takes several rows."""
    commands.begin(Invocation())  # what another test of this process began says how commands are printed
    lines = screen.lines(Page(file=io.StringIO(), width=columns), rows)
    assert sum(line.rows(columns) for line in lines) < rows, "a row more would scroll the first one away"
    return [line.text for line in lines]


def test_a_run_at_work_shows_its_countdown_and_next_within_24_rows() -> None:
    screen = WatchScreen(next_look_s=time.monotonic() + 20)
    for minute in (21, 22):
        screen.show(looked([*BEGUN, MYSQL, *SERVED, ASKED], minute))
    rows = shown(screen)
    assert "failover of INC-1: step 5 of 5" in rows
    assert "BY HAND (13 min left): zone runs 2 healthy tasks." in rows
    assert rows[-3:-1] == ["Next     Watches the run.", "python utils/aws_mgmt/dr_cli.py attach --incident INC-1"]
    assert rows[-1] in {f"q leaves; looks again in {seconds} s" for seconds in (20, 19)}


def test_the_bell_rings_for_a_manual_step_the_end_and_a_new_posture_only() -> None:
    screen, rung = WatchScreen(), []
    for estate in (
        looked([*BEGUN, MYSQL], 16),
        looked([*BEGUN, MYSQL, SERVED[0]], 19),
        looked([*BEGUN, MYSQL, *SERVED, ASKED], 21),
        looked([*BEGUN, MYSQL, *SERVED, ASKED], 22),
        looked(WHOLE, 31),
        looked(WHOLE, 32, PostureName.ON_DR),
    ):
        screen.show(estate)
        rung.append(screen.rings)
        screen.rings = False
    assert rung == [False, False, True, False, True, True]
    assert "Served   12 of 12 tenants by eu-west-1" in shown(screen)


def test_an_outage_says_its_one_command_once_and_whole_on_a_low_screen() -> None:
    screen, ends = WatchScreen(), "failback --staged --execute --incident INC-1 --confirm " + 90 * "x"
    visitors = VisitorAccess(Access.ALL, Access.NONE, NOW, command=f"dr_cli.py {ends}")
    screen.show(replace(looked([*BEGUN, MYSQL], 16), visitors=visitors, next_step=f"`dr_cli.py {ends}` goes on."))
    rows = shown(screen, rows=16)
    assert rows[0] == "OUTAGE: nobody can write, seen at 10:00 UTC; visitors read. To end it:", rows
    assert [row for row in rows if "dr_cli.py" in row] == [f"python utils/aws_mgmt/dr_cli.py {ends}"]
