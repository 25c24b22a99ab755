"""Everything the tool says beside its reports: complaints and notes on stderr, results on stdout, progress."""

from __future__ import annotations

import os
import select
import shutil
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, TextIO

from dr_estate.model.invocation import Invocation
from dr_estate.model.visible import commanding_nobody, one_line, visible, without_credentials
from reports.values.escaping import lines_around_commands

if TYPE_CHECKING:  # rich takes 70 ms to import, and is silent where there is no terminal
    from rich.progress import TaskID

WIDTH = 100
Advance = Callable[[str, int, int], None]
_STOPPED_WITHIN_S = 0.1
_TRIES = 3
REPORT_EVERY_S = 10.0
_PLAIN = ("dumb", "unknown")  # a terminal that cannot take a line back
_BEGINNING = "Getting ready"
_invocation = Invocation()
_aside: Callable[[], AbstractContextManager[None]] = nullcontext
_bar_aside: Callable[[], AbstractContextManager[None]] = nullcontext


def begin(invocation: Invocation) -> None:
    """Set how this process was called: every command that is printed from now on is completed with it."""
    global _invocation  # noqa: PLW0603 - one process is one command line, and its errors are printed outside of it
    _invocation = invocation


def write_within(aside: Callable[[], AbstractContextManager[None]] | None = None) -> None:
    """Let everything that is written from now on be written within ``aside()``, which takes down what is pinned."""
    global _aside  # noqa: PLW0603 - one process has one terminal
    _aside = aside or nullcontext


def complete_commands(text: str) -> str:
    """Return ``text`` with each command of this tool as it is to be typed."""
    return _invocation.complete(text) if _invocation.options else _invocation.name(text)


def complain(sentence: str, stream: TextIO | None = None) -> None:
    """Say what went wrong, on stderr: on ``stream``, where another library has its place for a while."""
    shown = commanding_nobody(visible(without_credentials(complete_commands(sentence))))
    place = stream or sys.stderr  # a progress bar has taken its place, and makes room for what is written there
    with _aside():
        place.write(f"{_wrap(shown, place)}\n")
        place.flush()


def _wrap(text: str, place: TextIO) -> str:
    """The lines of ``text``; those that a terminal would break within a word are broken before it."""
    if not place.isatty():
        return text
    return "\n".join(part for line in text.split("\n") for part in _line_parts(line, width_of(place)))


def _line_parts(line: str, width: int) -> list[str]:
    """The line in parts of at most ``width``, each with the indent of the first; commands stay whole."""
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return [f"{indent}{part}" for part in lines_around_commands(line.strip(), width - len(indent))]


def width_of(place: TextIO) -> int:
    """How many columns a text may have there: as many as its terminal, and no more than a page."""
    return min(shutil.get_terminal_size().columns, WIDTH) if place.isatty() else WIDTH


def ask(prompt: str) -> str:
    """Ask a person at the terminal, on stderr so that stdout stays the result; returns the line they typed."""
    return ask_unless(lambda: False, prompt) or ""


def ask_unless(stopped: Callable[[], bool], prompt: str) -> str | None:
    """Ask as ``ask`` does, until ``stopped``. Returns None then, and where nobody can answer: the input has ended."""
    with suppress(OSError), _aside(), _bar_aside():  # the terminal is gone
        # The blank that ends a question stands before what is typed.
        sys.stderr.write(f"{_wrap(one_line(prompt).rstrip(), sys.stderr)} ")
        sys.stderr.flush()
        while not stopped():
            if select.select([sys.stdin], [], [], _STOPPED_WITHIN_S)[0]:  # noqa: TID251 - always file 0
                line = sys.stdin.readline()
                return None if stopped() or not line else line.rstrip("\n")
    return None


def has_typed(name: str, prompt: str, stopped: Callable[[], bool] = lambda: False) -> bool | None:
    """Ask for ``name``, typed now: a line of before the question answers nothing, and a typo is asked again twice.

    Enter alone is no. None as ``ask_unless``.
    """
    for _ in range(_TRIES):
        with suppress(termios.error, OSError, ValueError):  # what is piped in is kept
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
        typed = ask_unless(stopped, prompt)
        if typed is None or typed.strip() in ("", name):
            return None if typed is None else bool(typed.strip())
        complain(f"That is not {name}.")
    return False


def result(text: str, form: str = "terminal") -> None:
    """Write a result to stdout and hide nothing of it. JSON keeps its commands as they are, a document its lines."""
    with naming_stdout():
        shown = visible(text if form == "json" else complete_commands(text))
        sys.stdout.write(_wrap(shown, sys.stdout) if form == "terminal" else shown)
        sys.stdout.flush()


def conclude(
    form: str, answer: str, next_step: str, *, beside: bool = False, facts: Iterable[tuple[str, str]] = ()
) -> None:
    """Print the closing lines of a command without a report: ``answer``, and what to do next. For people alone.

    ``beside``: on stderr, where stdout is a document that is sent to a file. ``facts`` stand between, with labels.
    """
    if form != "terminal":
        return
    from reports.terminal.parts import NEXT, Page, in_short

    page = Page(file=sys.stderr if beside else sys.stdout)
    with suppress(OSError) if beside else naming_stdout():
        in_short((("Answer", answer), *facts, *([(NEXT, complete_commands(next_step))] if next_step else [])), page)
        page.file.flush()


@contextmanager
def naming_stdout() -> Iterator[None]:
    """Let an OSError of writing say that it was standard output which could not be written."""
    try:
        yield
    except OSError as unwritable:
        unwritable.filename = unwritable.filename or "Standard output"
        raise


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Show that ``doing`` is under way, where nobody knows how far it is."""
    with progress() as advance:
        advance(doing, 0, 0)
        yield


@contextmanager
def progress() -> Iterator[Advance]:
    """Show how far long work is, on stderr: at a terminal in place, elsewhere by a line every ten seconds.

    Yields ``advance(doing, done, total)``; a ``total`` of 0 is one that nobody knows.
    """
    stream = sys.stderr  # pytest's run of the scenarios takes its place
    redraws = stream.isatty() and os.environ.get("TERM", "") not in _PLAIN
    with _bar(stream) if redraws else _lines(stream) as advance:
        yield advance


@contextmanager
def _lines(stream: TextIO) -> Iterator[Advance]:
    """Print the progress every ten seconds: a log shows that the command is alive."""
    began_s, over, latest = time.monotonic(), threading.Event(), [_BEGINNING]

    def advance(doing: str, done: int, total: int) -> None:
        latest[0] = f"{doing}: {done} of {total}" if total else doing

    def report() -> None:
        while not over.wait(REPORT_EVERY_S):
            with suppress(OSError):  # nobody reads any more
                complain(f"{latest[0]} ({time.monotonic() - began_s:.0f} s)", stream)

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield advance
    finally:
        over.set()
        reporter.join()


@contextmanager
def _bar(stream: TextIO) -> Iterator[Advance]:
    global _bar_aside  # noqa: PLW0603 - one process has one terminal
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from reports.terminal.parts import Printer

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    console = Printer(file=stream)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {"": bar.add_task(_BEGINNING, total=None, count="")}

        def advance(doing: str, done: int, total: int) -> None:
            if "" in tasks:
                bar.remove_task(tasks.pop(""))
            if doing not in tasks:
                tasks[doing] = bar.add_task(doing, total=total or None, count="")
            bar.update(tasks[doing], completed=done, total=total or None, count=f"{done} of {total}" if total else "")

        @contextmanager
        def aside() -> Iterator[None]:
            # Else the bar is drawn below the question, and what is typed stands behind the bar.
            bar.stop()
            yield
            bar.start()

        _bar_aside = aside
        try:
            yield advance
        finally:
            _bar_aside = nullcontext
