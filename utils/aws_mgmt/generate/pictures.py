"""Plays the tour at a terminal of its own and writes its screens as SVG, its report as PNG: `make pictures`."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from dr_estate.config.environment import load_environment
from dr_estate.model.invocation import Invocation
from reports.terminal.console import begin
from reports.terminal.watch import WatchScreen
from reports.values.watched_estate import watched_estate
from sandbox.client import launcher
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.options import ROOT, StatusOptions
from utils.aws_mgmt.app.target import world_of
from utils.aws_mgmt.generate.browser import CHROMIUM, LIBRARIES

PICTURES = ROOT / "docs" / "pictures"
WIDTH, ROWS = 100, 30
REPORT, _PIXELS = "report.png", (1000, 760)
_ASSESSED = "*-failover-*/report.html"  # the first of them is the assessment, in which most parts of the page stand
_SCREEN = re.compile(r"^=== \d+\. ", re.MULTILINE)
_HIDDEN = (
    (re.compile(r" --(config|output) \S+"), ""),
    (re.compile(r"AWS_\w+=\S* "), ""),
    (re.compile(r"/\S+/results/"), "reports/out/"),
    (re.compile(r" --endpoint-url \S+"), ""),
    (re.compile(r"^[A-Z][\w ]+(?:: \d+ of \d+)? \(\d+ s\)\n", re.MULTILINE), ""),  # how far it is, on a slow machine
)
# The picture's name, the title of the tour's screen, and how many of its first and last lines are shown.
_CHOSEN = {
    "status": ("A healthy estate", 22, 7),
    "assess": ("Assess", 22, 8),
    "fail-over": ("Fail over", 24, 5),
    "fail-back": ("Fail back", 10, 5),
}
_FONT_FACES = re.compile(r"@font-face \{.*?\}\n", re.DOTALL)


def main() -> None:
    """Write every picture. Takes as long as the tour."""
    PICTURES.mkdir(exist_ok=True)
    screens = {title: rest for title, _, rest in (screen.partition(". ") for screen in _screens())}
    for name, (title, first, last) in _CHOSEN.items():
        _write(name, f"dr: {title}", _screen_printer(screens[title], first, last))
    _write("watch", "dr -e prod status --watch", lambda console: console.print(_watch_screen()))


def _screens() -> list[str]:
    """What each screen of the tour shows, without its number."""
    return _SCREEN.split(_tour_output())[1:]


def _tour_output() -> str:
    """Everything that the tour writes: results as at a terminal, in colour, and beside them what it says on stderr."""
    with tempfile.TemporaryDirectory(prefix="dr-pictures-") as folder:
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (ROWS, WIDTH))
        words = [str(ROOT / "utils/aws_mgmt/dr_cli.py"), "--output", folder, "tour", "--non-interactive"]
        with subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color"},
        ) as playing:
            os.close(theirs)
            heard = [b""]
            beside = threading.Thread(target=_hear, args=(playing.stderr.fileno() if playing.stderr else 0, heard))
            beside.start()
            _hear(ours, heard)
            beside.join()
        photograph(min(Path(folder).rglob(_ASSESSED)), PICTURES / REPORT)
        return heard[0].decode().replace("\r\n", "\n")


def photograph(page: Path, picture: Path) -> None:
    """Write what a reader sees of a report's page first, without the folders of this machine."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        raise SystemExit("The report is drawn by Chromium: `make browser` installs it.")
    shown = page.with_name("shown.html")
    shown.write_text(_without_machine(page.read_text(encoding="utf-8")), encoding="utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--no-zygote"],
            env={**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES)},
        )
        width, height = _PIXELS
        window = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        window.goto(shown.as_uri())
        window.screenshot(path=picture)
        browser.close()


def _hear(source: int, heard: list[bytes]) -> None:
    with suppress(OSError):  # a terminal that nobody writes to any more
        while chunk := os.read(source, 1 << 16):
            heard[0] += chunk


def _without_machine(text: str) -> str:
    for pattern, replacement in _HIDDEN:
        text = pattern.sub(replacement, text)
    return text


def _screen_printer(screen: str, first: int, last: int) -> Callable[[Console], None]:
    """Print the command of a screen, its first lines and its last ones."""
    lines = _without_machine(screen).strip("\n").split("\n")[1:]
    cut = [*lines[:first], "...", *lines[-last:]] if len(lines) > first + last else lines

    def show(console: Console) -> None:
        for line in cut:
            console.print(Text.from_ansi(line), soft_wrap=False)

    return show


def _watch_screen() -> WatchScreen:
    """The watch as a region dies."""
    env = load_environment(ROOT / "environments", "prod")
    screen = WatchScreen()
    begin(Invocation(("-e", env.name)))
    with launcher.running(env, tenants=3) as sandbox:
        os.environ["AWS_ENDPOINT_URL"] = sandbox.url
        keys = sandbox.people["reader"]
        os.environ |= {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
        with world_of(StatusOptions(environment="prod"), env) as world:
            for disaster in ("", "primary-dark"):
                if disaster:
                    sandbox.inject(disaster)
                screen.show(watched_estate(world.observe(env), env, READINESS))
    return screen


def _write(name: str, title: str, show: Callable[[Console], None]) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    show(console)
    svg = console.export_svg(title=title, clear=False, unique_id=name)
    (PICTURES / f"{name}.svg").write_text(_FONT_FACES.sub("", svg), encoding="utf-8")


def names() -> Iterator[str]:
    """The files of all pictures; that of the performance is drawn by the benchmarks, where it was measured."""
    yield from (*(f"{name}.svg" for name in (*_CHOSEN, "watch", "performance")), REPORT)


if __name__ == "__main__":
    main()
