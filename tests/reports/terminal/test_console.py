"""Long work is reported where nobody sees a bar: a line every so often names what is done and how far it is."""

from __future__ import annotations

import contextlib
import io
import sys
import time

import pytest

from dr_estate.model.invocation import Invocation
from reports.terminal import console
from reports.terminal.parts import Page, print_with_indent
from tests.utils.pseudo_terminal import begun
from tests.utils.running import ROOT


@pytest.mark.proof
def test_without_a_terminal_long_work_is_reported_by_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "REPORT_EVERY_S", 0.05)
    with console.progress() as advance:
        time.sleep(0.2)
        advance("Looking", 12, 96)
        time.sleep(0.2)
    output = capsys.readouterr().err
    assert ("Getting ready (" in output, "Looking: 12 of 96 (" in output) == (True, True)
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


class _Teletype(io.StringIO):
    """A terminal that prints on paper."""

    def isatty(self) -> bool:
        return True


@pytest.mark.proof
def test_a_terminal_that_takes_no_line_back_gets_lines_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "REPORT_EVERY_S", 0.05)
    monkeypatch.setattr(sys, "stderr", paper := _Teletype())
    monkeypatch.setenv("TERM", "dumb")
    with console.progress() as advance:
        advance("Looking", 12, 96)
        time.sleep(0.2)
    assert "Looking: 12 of 96 (" in paper.getvalue()


@pytest.mark.proof
def test_long_work_is_reported_while_another_library_has_the_streams(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "REPORT_EVERY_S", 0.05)
    with console.progress() as advance, contextlib.redirect_stderr(io.StringIO()) as taken:
        advance("Judging", 1, 2)
        time.sleep(0.2)
    assert ("Judging: 1 of 2" in capsys.readouterr().err, taken.getvalue()) == (True, "")


def test_what_takes_a_moment_is_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with console.working("Building the HTML page"):
        pass
    assert capsys.readouterr() == ("", "")


def test_the_closing_lines_are_for_people_and_hold_a_complete_command(capsys: pytest.CaptureFixture[str]) -> None:
    console.begin(Invocation(("-e", "sit")))
    console.conclude("json", "no test is late", "`dr_cli.py status` shows it.")
    assert capsys.readouterr().out == ""
    console.conclude("terminal", "no test is late", "`dr_cli.py status` shows it.")
    assert capsys.readouterr().out.splitlines() == [
        "",
        "In short",
        "  Answer:   no test is late",
        "  Next:     Shows it.",
        "  python utils/aws_mgmt/dr_cli.py -e sit status",
    ]


ASKING = """
import time
from reports.terminal import console
from reports.terminal.parts import Page, print_with_indent
print("ready", flush=True)
time.sleep(0.3)
print(console.has_typed("prod-mysql", "Type prod-mysql: "))
"""


def test_input_typed_before_a_question_is_no_answer_and_a_typo_asks_again() -> None:
    with begun([sys.executable, "-c", ASKING], {"PYTHONPATH": str(ROOT), "TERM": "xterm"}) as terminal:
        terminal.until("ready")
        terminal.press(b"prod-mysql\n")
        terminal.until("Type prod-mysql: ")
        terminal.press(b"prod-mysqk\n")
        terminal.until("That is not prod-mysql.")
        while terminal.shown.count("Type prod-mysql: ") < 2:
            assert terminal.read(30), "what is typed before the second question would not answer it either"
        terminal.press(b"prod-mysql\n")
        terminal.until("True")
        assert terminal.wait() == 0


def test_a_terminal_breaks_no_word_of_a_command_and_a_pipe_gets_it_whole() -> None:
    text = f"{'It reads no database. ' * 5}To end it: `dr_cli.py -e prod failover`"
    screens = []
    for out in (_Teletype(), io.StringIO()):
        page = Page(file=out, width=60, force_terminal=out.isatty())
        print_with_indent(page, text, 2)
        screens.append(out.getvalue().splitlines())
    on_paper, piped = screens
    assert max(map(len, on_paper)) <= 60
    assert "`dr_cli.py -e prod failover`" in on_paper[-1]
    assert piped == [f"  {text}"]
