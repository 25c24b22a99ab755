"""What a person reads of a run that AWS holds."""

from __future__ import annotations

from dr_estate.config.environment import load_environment
from tests.dr_checks.worlds import NOW
from tests.utils.running import ROOT
from utils.aws_mgmt.app.automation import ExecutionState, RecoveryExecution, describe

PROD = load_environment(ROOT / "environments", "prod")
RAISED = "succeed: Exception: The run did not succeed: exit 137. `dr log --incident INC-1` has its record."


def described(state: ExecutionState, failure: str, exit_code: int | None) -> str:
    execution = RecoveryExecution(
        "e-1", state, "", NOW, "failback", "INC-1", "d" * 64, False, failure, exit_code=exit_code
    )
    return describe(execution, PROD).partition("(e-1) ")[2]


def test_a_task_ended_with_its_exit_code() -> None:
    assert described(ExecutionState.ENDED, RAISED, 137) == "ended: its task ended with exit 137"
    assert described(ExecutionState.ENDED, "", 0) == "ended"
    assert described(ExecutionState.FAILED, "run: no capacity", None) == "failed: run: no capacity"
