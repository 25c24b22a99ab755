"""What every page on a terminal is made of: indented text that keeps its indent, and tables without boxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dr_estate.model.visible import one_line, visible
from reports.values.escaping import holds_command, lines_around_commands
from reports.values.report import next_line

# rich's console without its own idea of how a process ends.


class Printer(Console):
    """A console that raises OSError where nobody reads any more; rich would end the process with exit code 1."""

    def on_broken_pipe(self) -> None:
        """Raise the BrokenPipeError that is being handled."""
        raise  # noqa: PLE0704 - called within rich's except clause


NEXT, LABEL = "Next", 10
_INDENT = 2


class Page(Printer):
    """A console that shows every string as it is: nothing hidden in it, no markup, no emoji made of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string that is printed, or stands in a table, comes by here."""
        shown: Text = super().render_str(visible(text), **options)
        return shown


def print_with_indent(console: Console, text: str, by: int, style: str = "") -> None:
    """Print ``text`` indented; wrapped lines keep the indent, and no command is wrapped.

    Into a pipe, a text with a command stays one line, which a program finds whole.
    """
    line = one_line(text)
    if not holds_command(text):
        console.print(Padding(Text(line, style), (0, 0, 0, by)))
        return
    for part in lines_around_commands(line, console.width - by) if console.is_terminal else [line]:
        console.print(Text(f"{' ' * by}{part}", style), soft_wrap=True)


def rows_of(text: str, width: int) -> int:
    """How many rows of a terminal a printed text fills: a line that is longer than a row goes on in the next."""
    return sum(max(1, -(-Text.from_ansi(line).cell_len // width)) for line in text.splitlines())


def in_short(entries: Iterable[tuple[str, str]], console: Console, *, brief: bool = False) -> None:
    """Print the closing lines, each a label and its text; what is longer than a line goes on below its begin.

    ``brief``: the explanation of the next command stands whole above, and is one line here.
    """
    console.print(Text("\nIn short", "bold"))
    for label, text in entries:
        if label == NEXT:
            next_command(console, text, brief=brief)
        else:
            # At 80 columns the cause of an outage, and what was lost, would end in the middle.
            print_with_label(console, label, text)


def print_with_label(console: Console, label: str, text: str, style: str = "") -> None:
    """Print ``text`` beside its label; wrapped lines stand below its begin."""
    grid = Table.grid()
    grid.add_column(width=_INDENT + LABEL, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(f"  {label}:", Text(one_line(text), style))
    console.print(grid)


def next_command(console: Console, text: str, *, brief: bool = False) -> None:
    """Print what comes next: what it does, and below it the command, a line of its own that is never wrapped."""
    explanation, command = next_line(text)
    if brief and explanation:
        line = Text(f"  {NEXT + ':':{LABEL}}{one_line(explanation)}")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    elif explanation or not command:
        print_with_label(console, NEXT, explanation)
    if command:
        console.print(Text(f"  {'' if explanation else f'{NEXT}: '}{one_line(command)}", "bold"), soft_wrap=True)


def table(title: str, *columns: str) -> Table:
    """An empty table with its title on the left; a title that is wider than a row may be is printed before it."""
    grid = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        grid.add_column(column, header_style="underline", overflow="fold")
    return grid
