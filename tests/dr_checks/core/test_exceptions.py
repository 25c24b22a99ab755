"""Exceptions as code: accepted until a day, by a name, for a reason, and never counted as passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dr_checks.core.exceptions import (
    ExceptionRule,
    ExceptionsFileError,
    apply_exceptions,
    loose_exceptions,
    parse_exceptions,
)
from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs
from tests.dr_checks.worlds import DENIED, SIT, service, world

ENTRY = """
[[exception]]
check = "ecs.service-exists"
subject = "sit-tenant2-*"
who = "jane.doe"
why = "moves out in March"
until = 2026-03-31
"""
KNOWN = frozenset(checks())


def _judged(until_day: date, services: object = (service("sit-tenant1-service"),)) -> CheckResult:
    result = judge(checks()["ecs.service-exists"], world({(ecs.services, Side.DR): services}), SIT)
    return apply_exceptions(result, parse_exceptions(ENTRY, "exceptions.toml", KNOWN), until_day)


def test_an_accepted_gap_is_excepted_and_says_by_whom_and_until_when() -> None:
    result = _judged(date(2026, 3, 31))
    assert result.status is Status.EXCEPTED
    assert "accepted by jane.doe until 2026-03-31: moves out in March" in result.findings[1].because


def test_an_expired_exception_fails_again_and_says_that_it_expired() -> None:
    result = _judged(date(2026, 4, 1))
    assert result.status is Status.FAIL
    assert "an exception expired" in result.findings[1].because


@pytest.mark.parametrize("subjects", [("resources", "resources"), ("resources", "events:rule *", "sqs b")])
def test_an_exception_in_force_decides_beside_an_expired_one_in_any_order(subjects: tuple[str, ...]) -> None:
    today = date(2026, 3, 1)
    found = Finding("c", Side.DR, "resources", None, Status.FAIL, "2", "none", "b", members=("events:rule a", "sqs b"))
    result = CheckResult("c", Severity.NORMAL, Area.INFRASTRUCTURE, Status.FAIL, (found,))
    expired, *renewed = (
        ExceptionRule("c", subject, "jane.doe", "why", today + timedelta(days=30 if number else -1))
        for number, subject in enumerate(subjects)
    )
    assert apply_exceptions(result, [expired], today).status is Status.FAIL
    for rules in ([expired, *renewed], [*renewed, expired]):
        accepted = apply_exceptions(result, rules, today)
        assert accepted.status is Status.EXCEPTED
        assert "expired" not in accepted.findings[0].because


def test_only_the_subjects_of_the_pattern_are_accepted() -> None:
    result = _judged(date(2026, 3, 1), ())
    assert {f.subject: f.status for f in result.findings} == {
        "sit-tenant1-service": Status.FAIL,
        "sit-tenant2-service": Status.EXCEPTED,
    }


def _listed(*patterns: str, until_day: date = date(2026, 3, 1)) -> Status:
    """How a finding about a rule and a queue comes out where these patterns are accepted."""
    found = Finding("c", Side.DR, "resources", None, Status.FAIL, "2", "none", "b", members=("events:rule a", "sqs b"))
    result = CheckResult("c", Severity.NORMAL, Area.INFRASTRUCTURE, Status.FAIL, (found,))
    rules = [ExceptionRule("c", pattern, "jane.doe", "one region's own", date(2026, 3, 31)) for pattern in patterns]
    return apply_exceptions(result, rules, until_day).status


def test_a_finding_about_a_list_is_accepted_when_each_of_its_members_is() -> None:
    assert _listed("events:rule *") is Status.FAIL
    assert _listed("events:rule *", "sqs b") is Status.EXCEPTED
    assert _listed("events:rule *", "sqs b", until_day=date(2026, 4, 1)) is Status.FAIL
    assert _listed("resources") is Status.EXCEPTED


def test_what_could_not_be_seen_cannot_be_accepted() -> None:
    assert _judged(date(2026, 3, 1), DENIED).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("subject", "days", "fault"),
    [
        ("sit-tenant2-*", 366, ""),
        ("A", 1, ""),
        ("events:rule *", 1, ""),
        ("*", 1, "its subject fits whatever is found"),
        ("?*-*", 1, "its subject fits whatever is found"),
        ("[!x]*", 1, "its subject fits whatever is found"),
        ("*e*", 1, "its subject fits whatever is found"),
        ("sit-tenant2-*", 367, "it ends more than a year from now"),
        ("*", 367, "its subject fits whatever is found and it ends more than a year from now"),
        ("*", -1, ""),  # it expired
    ],
)
def test_an_exception_for_everything_or_for_ever_is_named_with_its_author(subject: str, days: int, fault: str) -> None:
    today = date(2026, 3, 1)
    rule = ExceptionRule("ecs.service-exists", subject, "jane.doe", "moves out", today + timedelta(days=days))
    named = f"the exception of ecs.service-exists for {subject}, accepted by jane.doe until {rule.until}: moves out"
    assert [*loose_exceptions([rule], today)] == ([f"{named}: {fault}"] if fault else [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('who = "jane.doe"', ""), "exception 1: who is missing"),
        (("until = 2026-03-31", 'until = "soon"'), "until is missing or not a date"),
        (("until = 2026-03-31", "until = 2026-03-31T10:00:00"), "until is missing or not a date"),
        (("ecs.service-exists", "ecs.service-exist"), "there is no check ecs.service-exist"),
        (('who = "jane.doe"', 'who = "jane.doe"\nticket = 1'), "unknown key ticket"),
        (("[[exception]]", "[[exceptions]]"), "unknown key exceptions"),
        (("[[exception]]", "[[exception]"), "not readable as TOML"),
    ],
)
def test_a_faulty_file_is_refused_with_the_entry_and_the_fix(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ExceptionsFileError, match=r"^exceptions.toml") as refused:
        parse_exceptions(ENTRY.replace(*change), "exceptions.toml", KNOWN)
    assert message in str(refused.value)


def _of(status: Status, unseen: Unavailable | None = None) -> Status:
    found = replace(Finding("c", Side.DR, "cache", None, status, "1", "2", "b"), unseen=unseen)
    result = CheckResult("c", Severity.NORMAL, Area.INFRASTRUCTURE, status, (found,))
    rule = ExceptionRule("c", "cache", "jane.doe", "one region's own", date(2026, 3, 31))
    return apply_exceptions(result, [rule], date(2026, 3, 1)).status


def test_warnings_and_undecided_rows_can_be_accepted_but_unread_ones_never() -> None:
    assert Status.EXCEPTED is _of(Status.WARN)
    assert Status.EXCEPTED is _of(Status.UNKNOWN)
    assert Status.UNKNOWN is _of(Status.UNKNOWN, DENIED)
