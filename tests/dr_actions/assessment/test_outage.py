"""When an outage began: by the ticket, by the first failed minute of a health check, or by the first look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dr_actions.assessment.outage import OutageSource, OutageStart, outage_start
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_checks.edges import status, traffic
from tests.dr_checks.worlds import NOW, SIT, world

FAILED_AT = NOW - timedelta(minutes=7)
HEALTHY, FAILED = status("hc-1", 1.0), replace(status("hc-1", 0.0), lowest_at=FAILED_AT)
OF_DR = replace(status("hc-2", 0.0), lowest_at=FAILED_AT)
FIRST_LOOK = OutageStart(NOW, OutageSource.FIRST_LOOK)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((FAILED, status("hc-2", 1.0)), OutageStart(FAILED_AT, OutageSource.HEALTH_CHECK)),
        ((HEALTHY, OF_DR), FIRST_LOOK),
        ((status("hc-1", None),), FIRST_LOOK),
        ((replace(FAILED, lowest_at=None),), FIRST_LOOK),
        (Unavailable(UnavailableKind.UNREACHABLE, "us-east-1 does not answer."), FIRST_LOOK),
    ],
)
def test_the_first_failed_minute_of_the_primarys_check_is_the_beginning(
    statuses: tuple[Reading, ...] | Unavailable, expected: OutageStart
) -> None:
    snapshot = world(traffic(statuses=statuses))
    assert outage_start(snapshot, SIT, None) == expected


def test_the_tickets_time_goes_before_what_was_seen() -> None:
    snapshot = world(traffic(statuses=(FAILED,)))
    given = NOW - timedelta(hours=1)
    assert outage_start(snapshot, SIT, given) == OutageStart(given, OutageSource.TICKET)
