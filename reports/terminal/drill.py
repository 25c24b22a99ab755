"""A drill's account on a terminal: the end, measured times, what is left, and what is kept by rule."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from dr_estate.model.durations import duration
from reports.terminal.parts import indented, table
from reports.values import drill_summary as told
from reports.values.drill_summary import Drilled

_SHOWN = 12


def show(drilled: Drilled, console: Console) -> None:
    """Print the account to ``console``."""
    good = drilled.verdict == "done" and not drilled.exit
    indented(console, told.headline(drilled), 0, "bold green" if good else "bold red")
    for sentence in told.sentences(drilled):
        indented(console, sentence, 2)
    if drilled.phases:
        rows = table("\nMeasured", "part", "phase", "took")
        for phase in drilled.phases:
            rows.add_row(phase.part, phase.phase, duration(phase.seconds))
        console.print(rows)
    _residue(drilled, console)
    console.print()


def _residue(drilled: Drilled, console: Console) -> None:
    if drilled.left:
        rows = table("\nLeft over", "where", "what", "why")
        for row in drilled.left[:_SHOWN]:
            rows.add_row(row.place, row.subject, row.says)
        console.print(rows)
        for row in drilled.left[:_SHOWN]:
            if row.command:
                indented(console, f"{row.subject} by hand: {row.command}", 2)
        if len(drilled.left) > _SHOWN:
            indented(console, f"... and {len(drilled.left) - _SHOWN} more (--format markdown)", 2, "dim")
    if drilled.kept:
        console.print(Text("\nKept by rule", "bold"))
        for row in drilled.kept:
            indented(console, f"{row.subject}: {row.says}", 2)
            if row.command:
                indented(console, f"by hand, once it is not needed: {row.command}", 4)
