"""What a run that AWS held came to, by its task's exit code and by its record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.journal.entries import EntryKind
from tests.reports.values.test_run_view import BEGUN, WHOLE, viewed
from tests.utils.cli.test_waiting_run import WAITS
from utils.aws_mgmt.app.automation import ExecutionState
from utils.aws_mgmt.cli.watching import with_recorded_end

ENDED = replace(WAITS, state=ExecutionState.ENDED, goal="failover", incident="INC-1", exit_code=0)
STOPPED = [*BEGUN, (16, EntryKind.END, None, {"outcome": "stopped", "says": "Stopped."})]
COMPLETE = "the failover of INC-1 is complete, exit 0"


@pytest.mark.parametrize(("code", "task"), [(137, "exit 137"), (3, "exit 3"), (None, "an end that AWS does not know")])
def test_a_task_killed_after_its_run_was_done_is_no_failure(code: int | None, task: str) -> None:
    found, answer = with_recorded_end(replace(ENDED, exit_code=code), viewed(WHOLE, 40), refused=False)
    assert (found.exit_code, answer) == (0, f"{COMPLETE}; its task came to {task} after that")


def test_a_run_whose_record_has_no_good_end_is_judged_by_its_task() -> None:
    assert with_recorded_end(ENDED, viewed(WHOLE, 40), refused=False) == (ENDED, COMPLETE)
    for view in (viewed(STOPPED, 20), viewed(BEGUN, 20), None):
        killed = replace(ENDED, exit_code=137)
        found, answer = with_recorded_end(killed, view, refused=False)
        assert (found, answer) == (killed, "the failover of INC-1 is not complete, exit 5")
    refused = replace(ENDED, exit_code=4)
    assert with_recorded_end(refused, None, refused=True) == (refused, "the failover of INC-1 was refused, exit 4")
