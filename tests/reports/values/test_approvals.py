"""What became of an approval follows from its times, its withdrawal and the runs that began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reports.values.report import ApprovalState, state_of

AT = datetime(2026, 1, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAN, OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("now", "begun", "withdrawn", "state"),
    [
        (AT, (), False, ApprovalState.NOT_RUN),
        (AT + HOUR - timedelta(seconds=1), ((OTHER, AT),), False, ApprovalState.NOT_RUN),
        (AT + HOUR, (), False, ApprovalState.LAPSED),
        (AT + HOUR, ((PLAN, AT),), False, ApprovalState.RUN),
        (AT + 2 * HOUR, ((PLAN, AT + HOUR),), False, ApprovalState.LAPSED),
        (AT, ((PLAN, AT - HOUR),), False, ApprovalState.NOT_RUN),
        (AT, ((PLAN, AT),), True, ApprovalState.WITHDRAWN),
    ],
)
def test_an_approval_is_run_withdrawn_lapsed_or_not_run(
    now: datetime, begun: tuple[tuple[str, datetime], ...], withdrawn: bool, state: ApprovalState
) -> None:
    assert state is state_of((PLAN, AT, AT + HOUR), now, begun, withdrawn=withdrawn)
