"""The gate of running a plan with the credentials in use."""

from __future__ import annotations

import pytest

from dr_estate.model.session_life import Coverage, SessionCoverage
from utils.aws_mgmt.app.assessment import session_gate


@pytest.mark.parametrize("is_enough", [True, False])
def test_only_keys_that_may_end_before_the_plan_does_stop_it(is_enough: bool) -> None:
    gate = session_gate(SessionCoverage(Coverage.UNKNOWN, "the plan takes about 2 h", "Log in.", is_enough))
    assert (gate.met, gate.stops) == (is_enough, True)
