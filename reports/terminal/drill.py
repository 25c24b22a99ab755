"""A drill's account on a terminal: the end, measured times, what is left, and what is kept by rule."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from dr_estate.model.durations import duration
from reports.terminal.parts import print_with_indent, table
from reports.values import drill_summary as summary_texts
from reports.values.drill_summary import DrillSummary

# As many as leave room for the phases on a screen; Markdown has them all.
_SHOWN = 12


def show(summary: DrillSummary, console: Console) -> None:
    """Print the account to ``console``."""
    good = summary.verdict == "done" and not summary.exit
    print_with_indent(console, summary_texts.headline(summary), 0, "bold green" if good else "bold red")
    for sentence in summary_texts.sentences(summary):
        print_with_indent(console, sentence, 2)
    if summary.phases:
        rows = table("\nMeasured", "part", "phase", "took")
        for phase in summary.phases:
            rows.add_row(phase.part, phase.phase, duration(phase.seconds))
        console.print(rows)
    _residue(summary, console)
    console.print()


def _residue(summary: DrillSummary, console: Console) -> None:
    if summary.left:
        rows = table("\nLeft over", "where", "what", "why")
        for row in summary.left[:_SHOWN]:
            rows.add_row(row.place, row.subject, row.says)
        console.print(rows)
        for row in summary.left[:_SHOWN]:
            if row.command:
                print_with_indent(console, f"{row.subject} by hand: {row.command}", 2)
        if len(summary.left) > _SHOWN:
            print_with_indent(console, f"... and {len(summary.left) - _SHOWN} more (--format markdown)", 2, "dim")
    if summary.kept_by_rule:
        console.print(Text("\nKept by rule", "bold"))
        for row in summary.kept_by_rule:
            print_with_indent(console, f"{row.subject}: {row.says}", 2)
            if row.command:
                print_with_indent(console, f"by hand, once it is not needed: {row.command}", 4)
