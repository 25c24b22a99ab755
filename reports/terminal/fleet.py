"""A fleet on a terminal: a row an environment, the worst first, then what to do in each that is not ready."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from dr_estate.model.world_id import REHEARSAL
from reports.terminal.parts import NEXT, in_short, print_with_indent, table
from reports.terminal.status import COLOUR, console_for
from reports.values.fleet import COLUMNS, Fleet


def render(fleet: Fleet, page: Path, stream: TextIO) -> None:
    """Print the fleet to ``stream``; ``page`` is its HTML page."""
    if stream.isatty():
        _print(fleet, page, console_for(stream))
        return
    plain = io.StringIO()
    _print(fleet, page, console_for(plain))
    stream.write("\n".join(line.rstrip() for line in plain.getvalue().splitlines()) + "\n")


def _print(fleet: Fleet, page: Path, console: Console) -> None:
    for alarm in fleet.alarms:
        print_with_indent(console, alarm, 0, "bold red")
    rehearsed = [member.environment for member in fleet.members if member.is_rehearsal]
    if rehearsed:
        print_with_indent(
            console, f"{REHEARSAL}: {', '.join(rehearsed)}: nothing here is of their live accounts.", 0, "bold yellow"
        )
    grid = table(fleet.title, *COLUMNS[:-1])
    for member in fleet.members:
        row = dict(zip(COLUMNS, member.cells, strict=True))
        row.pop(COLUMNS[-1])
        grid.add_row(*(Text(text, COLOUR[member.tone] if name == "answer" else "") for name, text in row.items()))
    console.print(grid)
    console.print(Text("\nNext", "bold"))
    for member in fleet.members:
        print_with_indent(console, f"{member.environment}: {member.next_step}", 2)
    for note in fleet.notes:
        print_with_indent(console, note, 0)
    console.print(f"\nReport: {page}", soft_wrap=True)
    # The fleet is sorted, the worst first: the answer of the page is its answer.
    worst = fleet.members[0]
    answer = f"{worst.answer} in {worst.environment}, the worst of {len(fleet.members)}; exit {fleet.exit}"
    in_short((("Answer", answer), *([(NEXT, worst.next_step)] if worst.next_step else [])), console)
