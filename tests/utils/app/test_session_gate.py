"""The gate of running a plan with the credentials in use."""

from __future__ import annotations

import pytest

from dr_estate.model.session_life import Coverage, SessionCoverage
from utils.aws_mgmt.app.assessment import session_gate


@pytest.mark.parametrize("coverage", Coverage)
def test_only_keys_that_end_before_the_plan_does_stop_it(coverage: Coverage) -> None:
    gate = session_gate(SessionCoverage(coverage, "the plan takes about 2 h", "Log in."))
    assert gate.met is (coverage not in (Coverage.ENDS, Coverage.NONE))
    assert gate.stops
