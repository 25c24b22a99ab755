"""What a run says of its end is what became of it."""

from __future__ import annotations

import pytest

from dr_actions.execution.executor import Outcome
from dr_actions.execution.rollback import Undoing
from dr_actions.execution.run import Cause, StepFailed
from dr_actions.journal.journal import MirrorFailed
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, NextStep
from utils.aws_mgmt.app.run_result import ending_of

AGAIN = NextStep(DRILL_CLEAN, "brings the drill to its end")
HALF = "traffic/shift_to_primary:50"
SAYS = f"{HALF}: gate.targets: too few healthy targets at home: sit-tenant2-service has 0 of 1."
FAILED = StepFailed(HALF, SAYS, Cause.GATE)


@pytest.mark.parametrize(
    ("undone", "message"),
    [
        ([Undoing(HALF, True, f"{HALF}: undone")], "traffic went back to the last good weights"),
        ([Undoing(HALF, False, f"{HALF}: could NOT be undone: denied")], "traffic could NOT be led back"),
        ([], "this run changed no weights"),
    ],
    ids=["led back", "not led back", "never led on"],
)
def test_a_failed_gate_tells_where_the_visitors_are(undone: list[Undoing], message: str) -> None:
    ending = ending_of(FAILED, Outcome(undone=undone), AGAIN)
    assert ending is not None
    assert ("stepped back", Exit.VALIDATION_FAILED, True) == (ending.outcome, ending.exit, ending.alarms)
    assert ending.says.startswith(f"A gate failed, and {message}")
    assert ".." not in ending.says
    assert ending.says.endswith("`dr_cli.py drill clean` brings the drill to its end.")
    assert all(rollback.says in ending.says for rollback in undone)


def test_a_step_that_failed_is_no_gate_however_its_sentence_ends() -> None:
    says = "database/restore_dr:sit-mysql: The restore failed: restore.gate.internal says no. Ask AWS to investigate."
    ending = ending_of(StepFailed("database/restore_dr:sit-mysql", says), Outcome(), AGAIN)
    assert ending is not None
    assert ("failed", Exit.ACTION_FAILED) == (ending.outcome, ending.exit)
    assert ending.says.startswith("database/restore_dr:sit-mysql: ")


@pytest.mark.parametrize(
    "trouble", [MirrorFailed("Neither can be written."), OSError(28, "No space left on device", "/x")], ids=str
)
def test_a_run_that_cannot_be_recorded_failed_as_an_action_and_nothing_was_undone(trouble: Exception) -> None:
    ending = ending_of(trouble, Outcome(), AGAIN)
    assert ending is not None
    assert ("failed", Exit.ACTION_FAILED, True) == (ending.outcome, ending.exit, ending.alarms)
    assert str(trouble.args[-1]) in ending.says
    assert "Taken back" not in ending.says
