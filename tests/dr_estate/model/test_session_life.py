"""What a session means for a plan: long-lived keys last, a profile's are renewed, the others end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dr_estate.model.session_life import Coverage, SessionLife, coverage_of

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWO_HOURS_S = 7200


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (SessionLife("", trouble="no AWS credentials were found"), Coverage.NONE),
        (SessionLife("shared-credentials-file"), Coverage.LASTS),
        (SessionLife("shared-credentials-file", temporary=True), Coverage.UNKNOWN),
        (SessionLife("env", True, NOW + HOUR), Coverage.ENDS),
        (SessionLife("env", True, NOW + 2 * HOUR), Coverage.LASTS),
        (SessionLife("assume-role", True, NOW + HOUR, renewed=True), Coverage.RENEWED),
        (SessionLife("sso", True, NOW + HOUR, renewed=True, renewed_until=NOW + 1.5 * HOUR), Coverage.ENDS),
        (SessionLife("sso", True, NOW + HOUR, renewed=True, renewed_until=NOW + 3 * HOUR), Coverage.RENEWED),
    ],
)
def test_a_session_is_compared_with_the_time_a_plan_takes(life: SessionLife, expected: Coverage) -> None:
    covered = coverage_of(life, NOW, TWO_HOURS_S)
    assert covered.coverage is expected
    assert covered.is_enough is (expected in (Coverage.LASTS, Coverage.RENEWED))


@pytest.mark.parametrize(("needed_s", "enough"), [(3600, True), (3601, False)])
def test_keys_of_unknown_end_are_enough_for_a_plan_of_an_hour(needed_s: float, enough: bool) -> None:
    unknown = coverage_of(SessionLife("env", temporary=True), NOW, needed_s)
    assert (unknown.is_enough, "AWS_CREDENTIAL_EXPIRATION" in unknown.remedy) == (enough, True)


def test_the_sentence_names_plan_source_end_and_what_to_do() -> None:
    ends = coverage_of(SessionLife("env", True, NOW + HOUR), NOW, TWO_HOURS_S)
    assert ends.says == (
        "with validation and DNS the plan takes about 2 h; this session (env) ends at 2026-01-07 13:00 UTC, in 1 h"
    )
    assert "use a profile that renews them" in ends.remedy
