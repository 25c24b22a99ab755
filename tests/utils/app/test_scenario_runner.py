"""An interrupt at the keyboard ends a run of scenarios as an interrupt, whoever kept it to themselves."""

from __future__ import annotations

import contextlib
import signal

import pytest

from utils.aws_mgmt.app.scenario_runner import minding_interrupts


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
