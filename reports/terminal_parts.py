"""What every page on a terminal is made of: indented text that keeps its indent, and tables without boxes."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def indented(console: Console, text: str | Text, by: int, style: str = "") -> None:
    """Print ``text`` indented; wrapped lines keep the indent."""
    told = Text(text, style) if isinstance(text, str) else text
    console.print(Padding(told, (0, 0, 0, by)))


def table(title: str, *columns: str) -> Table:
    """An empty table with its title on the left."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, header_style="underline", overflow="fold")
    return made
