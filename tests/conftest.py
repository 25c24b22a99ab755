"""The order of the tests, and which of them are played when.

What takes longest begins first, so that no process is left to play out a long file alone; in CI, whole runs of commands
before it, for a slow machine may have no time for the rest. What is marked ``proof`` is
reported as skipped unless DR_PROOFS asks for the proofs: for them alone (``1``, `make proofs`), for those that CI plays
today (``chosen``, `.ci/run`: tests/choice.py), or for both kinds (``all``, `make exhaustive`). `make test` leaves the
proofs out. DR_SHARD=2/4 plays the second quarter of them, for machines that share them out;
DR_WITHOUT="browser shells" leaves out those that ask these judges from outside.
"""

from __future__ import annotations

import gc
import os
import signal
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from sandbox.moto_ext import speedups
from sandbox.world.moto_app import SETTINGS
from tests import choice, forked_session
from tests.sampling import SEED

LONG = (
    *("tests/proofs/", "tests/utils/", "tests/dr_actions/", "tests/benchmarks/", "tests/sandbox/", "tests/house/"),
    *("tests/dr_estate/", "tests/golden/", "tests/deploy/"),
)
PROOFS = os.environ.get("DR_PROOFS", "")
SHARD = os.environ.get("DR_SHARD", "")
WITHOUT = frozenset(os.environ.get("DR_WITHOUT", "").split())
"""Judges from outside that are not asked: their proofs are left out."""
DURATIONS = choice.recorded_durations() if PROOFS else {}
GARBAGE = (100_000, 50, 100)  # an emulator and 7,000 tests stay as they are: looking for garbage costs a tenth
# No profile of Hypothesis beside this one: a slow machine fails no test. In `make test`, CI tries the same examples
# each time; proofs try those of the day, by --hypothesis-seed (tests/sampling.py).
settings.register_profile(
    "house",
    deadline=None,
    max_examples=100 if PROOFS else 40,
    derandomize="CI" in os.environ and not PROOFS,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")
EMULATED = "tests/sandbox/moto_ext/"
"""AWS's behaviour in the emulator, call by call: proofs all, since few changes reach it."""
LATER = pytest.mark.skip(reason="a proof: `make proofs` plays it")


def pytest_configure(config: pytest.Config) -> None:
    """Read botocore's models fast, and let the workers share what forks their sandboxes; forked ones, commands too."""
    gc.set_threshold(*GARBAGE)  # from the start: what is imported and collected is no garbage either
    speedups.install()
    # A shell starts what it runs in the background with Ctrl-C switched off, and proofs press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("GITHUB_ACTIONS", None)  # the tests' own CI may run there; its annotations are not under test
    os.environ.update(SETTINGS)  # moto reads them at import
    several = getattr(config.option, "numprocesses", None) or getattr(config.option, "processes", None)
    if several and not hasattr(config, "workerinput"):
        from tests import hosting

        hosting.begin()
    if getattr(config.option, "processes", None):
        from tests.utils import forking

        forking.begin_server()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole runs first, then what asks a sandbox, and what only reckons fills the gaps."""
    _sort(items)
    for item in items:
        if item.nodeid.startswith(EMULATED):
            item.add_marker(pytest.mark.proof)
    gc.freeze()
    if PROOFS == "all":
        return
    proofs = [item for item in items if item.get_closest_marker("proof") is not None]
    if not PROOFS and not getattr(config.option, "processes", None):
        for item in proofs:
            item.add_marker(LATER)
        return
    played = set(_played_proofs(proofs) if PROOFS else set(items) - set(proofs))
    config.hook.pytest_deselected(items=[item for item in items if item not in played])
    items[:] = [item for item in items if item in played]


def _played_proofs(proofs: list[pytest.Item]) -> list[pytest.Item]:
    files = sorted({choice.file_of(item.nodeid) for item in proofs})
    if PROOFS == "chosen":
        chosen = choice.chosen_today(files, DURATIONS, datetime.now(UTC).date())
        choice.LEFT_OUT.parent.mkdir(exist_ok=True)
        not_asked = f" Not asked, by DR_WITHOUT: {', '.join(sorted(WITHOUT))}." if WITHOUT else ""
        choice.LEFT_OUT.write_text(f"{chosen.summary(DURATIONS)}{not_asked}\n", encoding="utf-8")
        files = list(chosen.played)
    if SHARD:
        part, parts = map(int, SHARD.split("/"))
        files = choice.dealt(files, DURATIONS, parts)[part - 1]
    always = PROOFS == "chosen" and not SHARD
    return [
        item
        for item in proofs
        if choice.file_of(item.nodeid) in files or (always and item.get_closest_marker("whole_run"))
        if not WITHOUT & _judges(item)
    ]


def _judges(item: pytest.Item) -> set[str]:
    return {str(name) for mark in item.iter_markers("judge") for name in mark.args}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say by what the samples of the proofs were drawn."""
    if PROOFS:
        terminalreporter.write_line(f"Samples were drawn by DR_SEED={SEED}.")
    if late := terminalreporter.config.stash.get(forked_session.NOT_BEGUN, []):
        sentence = f"Not begun, for want of time on this machine: {len(late)} files ({', '.join(sorted(late))})."
        terminalreporter.write_line(sentence)
        if PROOFS == "chosen":
            choice.LEFT_OUT.write_text(f"{choice.LEFT_OUT.read_text('utf-8').strip()} {sentence}\n", encoding="utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Look once, at the end, for what only the garbage collector ends: pytest looks twice, through all that stands."""
    gc.collect()
    gc.freeze()


def _sort(items: list[pytest.Item]) -> None:
    whole = {
        choice.file_of(item.nodeid) for item in items if PROOFS == "chosen" and item.get_closest_marker("whole_run")
    }

    def rank(item: pytest.Item) -> tuple[bool, float, int]:
        file = choice.file_of(item.nodeid)
        # What no recorded run has played yet may be long: it begins early.
        recorded_s = DURATIONS.get(file, float("inf")) if PROOFS else 0
        folder = next((rank for rank, folder in enumerate(LONG) if item.nodeid.startswith(folder)), len(LONG))
        return file not in whole, -recorded_s, folder

    items.sort(key=rank)
