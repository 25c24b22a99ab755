"""Scenarios in the command's own process: results as they are, and an interrupt ends the run as an interrupt."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.utils.running import ROOT
from utils.aws_mgmt.app.scenario_runner import minding_interrupts

_JUDGING = """
import sys
from pathlib import Path
from dr_checks.core.model import Area
from dr_checks.core.observation import Observation
from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT
from utils.aws_mgmt.app.scenario_runner import ScenarioSelection, run_scenarios

snapshot = healthy()
selection = ScenarioSelection((Area.INFRASTRUCTURE,), Path(sys.argv[1]), only=frozenset({"ecs.service-exists"}))
(result,) = run_scenarios(selection, Observation(SIT, snapshot))
names = {id(sys.intern(service.name)) for service in snapshot.get(ecs.services, Side.DR)}
found = [id(finding.subject) in names for finding in result.findings]
print(result.status, bool(result.scenario), *found)
"""


@minding_interrupts()
def _swallowing(went_on: list[bool]) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    went_on.append(True)


def test_an_interrupt_that_was_swallowed_is_raised_at_the_end() -> None:
    went_on: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        _swallowing(went_on)
    assert went_on


def test_without_one_nothing_is_raised_and_the_next_is_handled_as_before() -> None:
    usual = signal.getsignal(signal.SIGINT)
    with minding_interrupts():
        assert signal.getsignal(signal.SIGINT) is not usual
    assert signal.getsignal(signal.SIGINT) is usual


def test_a_run_that_stops_in_its_own_way_is_left_to_it() -> None:
    stopped: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    try:
        with minding_interrupts():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert stopped == [signal.SIGINT]


def test_what_a_check_found_is_not_written_and_read_again(tmp_path: Path) -> None:
    """A text of it, and what is read from that, are two copies of each string, of some 200 findings a tenant."""
    command = [sys.executable, "-c", _JUDGING, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pass", "True", "True", "True"]
