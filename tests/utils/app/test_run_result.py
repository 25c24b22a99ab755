"""What a run says of its end is what became of it."""

from __future__ import annotations

import pytest

from dr_actions.execution.executor import Outcome
from dr_actions.execution.rollback import RollbackResult
from dr_actions.execution.run import FailureCause, ManualPending, StepFailed
from dr_actions.journal.mirror import MirrorFailed
from dr_estate.model.invocation import Command
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, NextStep
from utils.aws_mgmt.app.run_result import result_of, result_of_error

AGAIN = NextStep(DRILL_CLEAN, "brings the drill to its end")
HALF = "traffic/shift_to_primary:50"
SAYS = f"{HALF}: gate.targets: too few healthy targets in af-south-1: sit-tenant2-service has 0 of 1."
FAILED = StepFailed(HALF, SAYS, FailureCause.GATE)


@pytest.mark.parametrize(
    ("undone", "message"),
    [
        ([RollbackResult(HALF, True, f"{HALF}: undone")], "traffic went back to the last good weights"),
        ([RollbackResult(HALF, False, f"{HALF}: could NOT be undone: denied")], "traffic could NOT be led back"),
        ([], "this run changed no weights"),
    ],
    ids=["led back", "not led back", "never led on"],
)
def test_a_failed_gate_names_where_the_visitors_are(undone: list[RollbackResult], message: str) -> None:
    result = result_of_error(FAILED, Outcome(undone=undone), AGAIN)
    assert result is not None
    assert ("stepped back", Exit.VALIDATION_FAILED, True) == (result.outcome, result.exit, result.alarms)
    assert result.message.startswith(f"A gate failed, and {message}")
    assert ".." not in result.message
    assert result.message.endswith("`dr_cli.py drill clean` brings the drill to its end.")
    assert all(rollback.message in result.message for rollback in undone)


def test_a_step_that_failed_is_no_gate_however_its_sentence_ends() -> None:
    message = (
        "database/restore_dr:sit-mysql: The restore failed: restore.gate.internal says no. Ask AWS to investigate."
    )
    result = result_of_error(StepFailed("database/restore_dr:sit-mysql", message), Outcome(), AGAIN)
    assert result is not None
    assert ("failed", Exit.ACTION_FAILED) == (result.outcome, result.exit)
    assert result.message.startswith("database/restore_dr:sit-mysql: ")


def test_a_late_manual_change_is_waited_for_with_whole_sentences() -> None:
    late = ManualPending(HALF, f"{HALF} was not done by hand in time: Lead 50 percent to af-south-1.")
    result = result_of_error(late, Outcome(), AGAIN)
    assert result is not None
    assert ("waiting", Exit.ACTION_FAILED) == (result.outcome, result.exit)
    assert "to af-south-1. `dr_cli.py drill clean`" in result.message


@pytest.mark.parametrize(("failed", "words"), [(["a"], "1 step failed."), (["a", "b"], "2 steps failed.")])
def test_a_degraded_run_counts_its_failed_steps(failed: list[str], words: str) -> None:
    result = result_of(Outcome(finished=True, degraded=failed), False, AGAIN)
    assert result.message.startswith(f"Done, but degraded: {words}")


@pytest.mark.parametrize(
    "trouble", [MirrorFailed("Neither can be written."), OSError(28, "No space left on device", "/x")], ids=str
)
def test_a_run_without_a_record_failed_as_an_action_and_is_not_undone(trouble: Exception) -> None:
    result = result_of_error(trouble, Outcome(), AGAIN)
    assert result is not None
    assert ("failed", Exit.ACTION_FAILED, True) == (result.outcome, result.exit, result.alarms)
    assert str(trouble.args[-1]) in result.message
    assert "Taken back" not in result.message


def test_a_run_that_left_the_old_primary_unfenced_is_done_and_says_so() -> None:
    result = result_of(Outcome(finished=True, unfenced="The old primary is UNFENCED: it is sick."), True, AGAIN)
    assert (result.outcome, result.exit) == ("done", Exit.READY)
    assert result.message.endswith("The old primary is UNFENCED: it is sick.")


def test_a_move_that_was_not_seen_to_arrive_is_not_green_and_not_undone() -> None:
    unseen = "traffic/verify_arrival:eu-west-1: not seen within its 600 s: 0 requests."
    result = result_of(Outcome(finished=True, unseen=[unseen]), True, AGAIN)
    assert (result.outcome, result.exit, result.alarms) == ("unconfirmed", Exit.COULD_NOT_SEE, True)
    assert "not seen: traffic/verify_arrival:eu-west-1" in result.message


def test_a_run_that_owes_a_change_is_done_alarms_and_says_what_is_owed() -> None:
    owed = Outcome(finished=True, owed=["traffic/shift_to_dr:kimmyai.io: ServiceUnavailable"])
    result = result_of(owed, True, AGAIN, by_health="Visitors reach eu-west-1 by health alone.")
    assert (result.outcome, result.exit, result.alarms) == ("done", Exit.READY, True)
    assert result.message.startswith("Every step is done but 1, and what serves now was validated.")
    assert result.message.endswith("Visitors reach eu-west-1 by health alone.")


def test_an_earlier_failure_is_reported_with_the_step_that_needed_it() -> None:
    denied = "compute/scale_dr_services:sit-a: ecs:UpdateService in eu-west-1 is denied."
    outcome = Outcome(degraded=[denied, "compute/scale_dr_services:sit-b: ecs:UpdateService in eu-west-1 is denied."])
    result = result_of_error(StepFailed("traffic/verify_targets:eu-west-1", "no healthy target"), outcome, AGAIN)
    assert result is not None
    assert result.message.startswith(f"no healthy target. Not done before, 2 steps: {denied} ")


def test_work_under_way_is_reported_with_the_step_that_waited_for_it() -> None:
    scarce = "compute/scale_dr_services:sit-a: nothing moved: Capacity is unavailable at this time"
    late = StepFailed("traffic/verify_targets:eu-west-1", "no healthy target", FailureCause.LATE)
    result = result_of_error(late, Outcome(under_way=[scarce]), AGAIN)
    assert result is not None
    assert f"no healthy target. Not done before, 1 step: {scarce}. Nothing was taken back" in result.message


def test_a_degraded_run_reports_its_first_failure_and_the_validation() -> None:
    gone = "database/protect_dr.second_zone:sit-mysql: sit-mysql is gone."
    served = result_of(Outcome(finished=True, degraded=[gone]), False, AGAIN).message
    assert served.startswith(f"Done, but degraded: 1 step failed. {gone} ")
    unserved = result_of(Outcome(finished=True, degraded=[gone]), False, AGAIN, serves=False).message
    assert unserved.startswith("Done, but degraded: 1 step failed, and so did the validation: see what it found.")


def test_a_drill_part_ended_by_the_posture_still_names_the_clean_up() -> None:
    """No posture refuses it, and what the drill made is there as long as nobody runs it."""
    ended = StepFailed("traffic/shift_to_dr:wpsit", "the posture is SPLIT now.", FailureCause.POSTURE)
    result = result_of_error(ended, Outcome(), AGAIN)
    assert result is not None
    assert (result.stands_otherwise, result.outcome) == (False, "failed")
    assert result.message == "the posture is SPLIT now. `dr_cli.py drill clean` brings the drill to its end."


def test_a_run_ended_by_the_posture_names_no_command_that_is_refused() -> None:
    ended = StepFailed("traffic/shift_to_dr:wpsit", "the posture is SPLIT now.", FailureCause.POSTURE)
    result = result_of_error(ended, Outcome(), NextStep(Command(("failover", "--execute")), "goes on from here"))
    assert result is not None
    assert result.stands_otherwise
    assert "`dr_cli.py status`" in result.message
    assert "--execute" not in result.message
