"""Why a call did not come back with success."""

from __future__ import annotations

from dr_actions.model.plan import FailureKind, SendFailed


def test_a_call_without_an_answer_has_no_code_of_aws() -> None:
    lost = SendFailed(FailureKind.UNCERTAIN, "no answer came.")
    assert (FailureKind.UNCERTAIN, "", "no answer came.") == (lost.trouble, lost.code, str(lost))
