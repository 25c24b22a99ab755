"""tour: the product in three minutes, in a sandbox of its own. Each screen is the command, in its own process.

Three screens are shown whole, of the others the answer, and of a run its facts: the commands themselves show more.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Program
from reports.terminal import console
from sandbox.client import daemon, played_people
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import INSTALLED, ROOT, TourOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli.terminal import Terminal

INCIDENT = "INC-20260107-001"
_TENANTS, _SPEED = 3, 60
_FAST, _STABLE_S, _TICK_S = 900, 2400.0, 0.2
_READING_S, _AGAIN_S = 2.0, 20.0
_DISASTER = "primary-dark"
_NEXT = "`dr_cli.py doctor` is the first command on an account of your own."
_ANY = frozenset(Exit)


@dataclass(frozen=True)
class Screen:
    """One screen: what it is about, the words of its command, and the exit codes that it may end with.

    ``asks``: the command asks AWS for a run, and is ended once AWS waits for an approver: the run needs it no more.
    ``whole``: all that it prints is shown, and not its answer alone, or a run's closing lines.
    """

    title: str
    about: str
    words: tuple[str, ...]
    codes: frozenset[int] = frozenset({0})
    asks: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Tour:
    """Where the tour plays: its ``folder`` holds the sandbox and the results of every screen."""

    options: TourOptions
    environment: Environment
    folder: Path

    @property
    def results(self) -> Path:
        """Where the screens leave their reports."""
        return self.folder / "results"

    def screens(self) -> Iterator[Screen]:
        """Each screen, made when its turn comes: approvals and confirmations are of the plan that stands then."""
        sandboxed, ticket = ("--sandbox",), ("--incident", INCIDENT)
        yield Screen("A healthy estate", "Could the DR region take over now?", (*sandboxed, "status"), whole=True)
        yield Screen("The region dies", "Now nothing there answers.", ("sandbox", "break", _DISASTER))
        yield Screen("Assess", "Shall we? It changes nothing.", (*sandboxed, "failover"), whole=True)
        run = (*sandboxed, "failover", "--execute", *ticket, *self._irreversible_steps())
        yield from self._run("Approve", (), Screen("Fail over", "DNS is changed by a person.", run, whole=True))
        validate = (*sandboxed, "failover", "--validate")
        yield Screen("Validate", "Does the DR region serve, as itself and by itself?", validate)
        yield Screen("The region is back", "It has to be stable for a while first.", ("sandbox", "mend", _DISASTER))
        self.let_pass(_STABLE_S)
        staged = ("--staged",) if self.environment.failback.staged else ()
        yield Screen(
            "Assess the return", "Nobody writes for how long?", (*sandboxed, "failback", *staged), frozenset({0, 1})
        )
        back = (*sandboxed, "failback", *staged, "--execute", *ticket, *self._irreversible_steps())
        about = "The primary region is filled again, then traffic returns in stages."
        yield from self._run("Approve the return", ("--failback", *staged), Screen("Fail back", about, back))
        yield Screen("Review", "What happened, from the journal.", (*sandboxed, "log", *ticket, "--review"))
        yield Screen("The report", "What an auditor gets.", (*sandboxed, "status", "--report"), _ANY)

    def let_pass(self, seconds: float) -> None:
        """Let the sandbox's clock run on by ``seconds`` of its world."""
        console.result(f"\n(In the sandbox {duration(seconds)} pass.)\n")
        world = self.world()
        until_s = world.clock()["world"] + seconds
        world.set_speed(_FAST)
        while world.clock()["world"] < until_s:
            threading.Event().wait(_TICK_S)
        world.set_speed(_SPEED)

    def read_on(self) -> bool:
        """Ask whether to go on. Who reads is not hurried: the sandbox's clock runs as the reader's meanwhile."""
        self.world().set_speed(1)
        goes_on = console.ask("\nEnter goes on, q leaves: ").strip() != "q"
        self.world().set_speed(_SPEED)
        return goes_on

    def world(self) -> Endpoint:
        """The tour's sandbox. Raises SandboxError where somebody ended it."""
        world = daemon.find(self.environment)
        if world is None:
            raise SandboxError("The tour's sandbox is gone: begin again with `dr_cli.py tour`.")
        return world

    def _run(self, title: str, goal: tuple[str, ...], screen: Screen) -> Iterator[Screen]:
        """A run with its approval: after it was asked for where AWS starts the runs, else before."""
        if not self.environment.automation.enabled:
            if self.environment.approvals.people > 1:
                yield self._approval(title, goal)
            yield screen
            return
        about = "The operator asks AWS for the run; then this machine is lost, and it does not matter."
        yield Screen(f"{screen.title}: ask", about, screen.words, frozenset({int(Exit.INTERRUPTED)}), asks=True)
        yield self._approval(title, goal)
        yield replace(screen, words=("--sandbox", "attach", "--incident", INCIDENT))

    def _approval(self, title: str, goal: tuple[str, ...]) -> Screen:
        digest = ("--digest", self._plan()["digest"][:12])
        words = ("--sandbox", "approve", *goal, "--incident", INCIDENT, *digest)
        return Screen(title, "The second person signs in and approves exactly this plan.", words)

    def _irreversible_steps(self) -> tuple[str, ...]:
        """The steps that cannot be undone, confirmed beforehand: at a real incident a person types each."""
        steps = [step["id"] for step in self._plan()["steps"] if step["danger"] == "irreversible"]
        return tuple(word for step in steps for word in ("--confirm", step))

    def _plan(self) -> dict[str, Any]:
        """The plan of the newest report that has one."""
        for path in sorted(self.results.glob("*/report.json"), key=lambda path: path.stat().st_mtime, reverse=True):
            report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if plan := report.get("plan"):
                return dict(plan)
        raise SandboxError("No plan was assessed yet.")

    def command(self, words: tuple[str, ...]) -> list[str]:
        """The whole command line of this tool, with ``words``."""
        begins = ["-m", "aws_dr_manager"] if INSTALLED else [str(ROOT / Program.CHECKOUT.removeprefix("python "))]
        where = ["-e", self.environment.name, "--config", str(self.options.config), "--output", str(self.results)]
        return [sys.executable, *begins, *where, *words]

    def play(self, screen: Screen) -> int:
        """Run one command of this tool as a user does, on this terminal. Returns its exit code."""
        names = [name for name in os.environ if not name.startswith("AWS_")]
        variables = {name: os.environ[name] for name in names} | {"XDG_STATE_HOME": str(self.folder)}
        sys.stdout.flush()
        with tempfile.TemporaryFile() as output, nullcontext() if screen.whole else console.working(screen.title):
            shown: dict[str, Any] = {} if screen.whole else {"stdout": output, "stderr": output}
            line = self.command(screen.words)
            with subprocess.Popen(line, env=variables, stdin=subprocess.DEVNULL, **shown) as command:
                if screen.asks:
                    self._interrupt_at_question(command)
                code = command.wait()
            output.seek(0)
            text = output.read().decode()
        if text:
            console.result(f"{_closing_text(text, screen) if code in screen.codes else text}\n")
        return code

    def _interrupt_at_question(self, command: subprocess.Popen[bytes]) -> None:
        region = self.environment.regions.dr
        while command.poll() is None:
            if played_people.waiting(self.world(), region):
                threading.Event().wait(_READING_S)
                # Python drops an interrupt that meets it in a destructor: the command would watch on for ever.
                while command.poll() is None:
                    command.send_signal(signal.SIGINT)
                    with suppress(subprocess.TimeoutExpired):
                        command.wait(_AGAIN_S)
                return
            threading.Event().wait(_TICK_S)


def tour_command(options: TourOptions, environment: Environment) -> Exit:
    """Play every screen. Returns 0, or 5 where a screen ended otherwise than it should."""
    goes_on = Terminal().has_person and not options.non_interactive
    with run_folder(options) as folder, _own_sandbox(Tour(options, environment, folder)) as tour:
        for number, screen in enumerate(tour.screens(), 1):
            console.result(f"\n=== {number}. {screen.title}. {screen.about}\n")
            console.result(f"$ dr -e {environment.name} {shlex.join(screen.words)}\n")
            person = _zone_administrator(tour) if {"--execute", "attach"} & {*screen.words} else nullcontext()
            with person:
                code = tour.play(screen)
            if code not in screen.codes:
                console.complain(f"The tour ends here: exit {code} was not expected. Its files are in {folder}.")
                return Exit.ACTION_FAILED
            if goes_on and not tour.read_on():
                return Exit.READY
    _open_report(tour, goes_on)
    return Exit.READY


def _closing_text(text: str, screen: Screen) -> str:
    """The closing lines of a run; of another command the answer, or what an interrupt left, else its last line."""
    _, _, closing = text.rpartition("\nIn short\n")
    if closing and "attach" in screen.words:
        return closing.rstrip()
    lines = [line for line in text.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if line.startswith(("  Answer:", "Interrupted."))), lines[-1])


@contextmanager
def _own_sandbox(tour: Tour) -> Iterator[Tour]:
    """Start a sandbox that nobody else uses; it and its world are gone afterwards."""
    home = tour.folder / "sandbox"
    former = os.environ.get("DR_SANDBOX_HOME")
    os.environ["DR_SANDBOX_HOME"] = str(home)
    try:
        with console.progress() as progress:
            daemon.up(tour.environment, _TENANTS, progress=progress, speed=_SPEED).put_image(tour.options.config)
        yield tour
    finally:
        daemon.down(tour.environment, save=False)
        shutil.rmtree(home, ignore_errors=True)
        os.environ.pop("DR_SANDBOX_HOME")
        if former is not None:
            os.environ["DR_SANDBOX_HOME"] = former


@contextmanager
def _zone_administrator(tour: Tour) -> Iterator[None]:
    def report(path: Path) -> None:
        console.complain(f"(In the tour somebody sends it for you: {path.name}.)")

    with played_people.zone_administrator(tour.world(), tour.results, _READING_S, report):
        yield


def _open_report(tour: Tour, goes_on: bool) -> None:
    """Name the newest report, and open it where a person looks."""
    pages = sorted(tour.results.glob("*/report.html"), key=lambda path: path.stat().st_mtime)
    written = sorted(tour.results.glob("*/report.md"), key=lambda path: path.stat().st_mtime)
    newest = (pages or written)[-1]
    if goes_on and pages:
        import webbrowser

        webbrowser.open(newest.as_uri())
    console.result(f"\nThe last report: {newest}\n")
    console.conclude("terminal", "the tour is over, and its sandbox is gone", _NEXT)
