"""The gate of a pipeline: only new gaps stop where there is a baseline, and blindness never passes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dr_checks.core.model import Area, CheckResult, Finding, Severity, Status
from dr_checks.core.readiness_gate import Baseline, FailOn, GateCause, GateResult, GateRules, subjects_of, weigh_gate
from dr_checks.core.verdict import verdict_of
from dr_estate.config.environment import Side

BEFORE = datetime(2026, 3, 1, tzinfo=UTC)


def result(check: str, severity: Severity = Severity.CRITICAL, **statuses: Status) -> CheckResult:
    findings = tuple(Finding(check, Side.DR, s, None, status, "2 h", "1 h", "") for s, status in statuses.items())
    worst = max((f.status for f in findings), default=Status.UNKNOWN, key=[*Status].index)
    return CheckResult(check, severity, Area.DNS, worst, findings, reason="" if findings else "it did not report")


def weighed(rules: GateRules, *results: CheckResult, faulty_posture: bool = False) -> GateResult:
    return weigh_gate(verdict_of(results, [], 3600.0), rules, faulty_posture=faulty_posture)


def baseline(*results: CheckResult) -> Baseline:
    return Baseline("before.json", BEFORE, subjects_of(results))


@pytest.mark.parametrize(
    ("fail_on", "status", "causes"),
    [
        (FailOn.FAIL, Status.FAIL, {GateCause.GAP}),
        (FailOn.FAIL, Status.UNKNOWN, set()),
        (FailOn.UNKNOWN, Status.UNKNOWN, {GateCause.NOT_SEEN}),
        (FailOn.UNKNOWN, Status.WARN, set()),
        (FailOn.WARN, Status.WARN, {GateCause.GAP}),
        (FailOn.WARN, Status.UNKNOWN, {GateCause.NOT_SEEN}),
        (FailOn.WARN, Status.EXCEPTED, set()),
        (FailOn.WARN, Status.PASS, set()),
    ],
)
def test_each_limit_stops_for_what_it_names_and_for_all_that_is_worse(
    fail_on: FailOn, status: Status, causes: set[GateCause]
) -> None:
    assert causes == weighed(GateRules(fail_on), result("a.b", efs=status), result("a.c", efs=Status.PASS)).causes


def test_a_blocker_that_was_not_seen_stops_by_whatever_rules() -> None:
    blind = result("a.b", Severity.BLOCKER, efs=Status.UNKNOWN)
    assert {GateCause.NOT_SEEN} == weighed(GateRules(FailOn.FAIL), blind).causes
    assert {GateCause.NOT_SEEN} == weighed(GateRules(FailOn.FAIL, baseline=baseline(blind)), blind).causes


def test_nothing_judged_and_a_faulty_posture_stop_by_whatever_rules() -> None:
    assert {GateCause.NOTHING_JUDGED} == weighed(GateRules(FailOn.FAIL)).causes
    none = result("a.b", efs=Status.NOT_APPLICABLE)
    assert {GateCause.NOTHING_JUDGED} == weighed(GateRules(FailOn.FAIL), none).causes
    well = result("a.b", efs=Status.PASS)
    assert {GateCause.POSTURE} == weighed(GateRules(FailOn.FAIL), well, faulty_posture=True).causes


def test_a_score_below_the_least_stops_and_the_least_itself_does_not() -> None:
    half = result("a.b", efs=Status.WARN)
    assert {GateCause.SCORE} == weighed(GateRules(min_score=51), half).causes
    assert weighed(GateRules(min_score=50), half).passes


def test_with_a_baseline_a_known_gap_passes_and_a_new_subject_fails() -> None:
    before = baseline(result("a.b", one=Status.FAIL, two=Status.PASS))
    same = weighed(GateRules(baseline=before), result("a.b", one=Status.FAIL, two=Status.PASS))
    assert (same.passes, [row.key.subject for row in same.known]) == (True, ["one"])
    worse = weighed(GateRules(baseline=before), result("a.b", one=Status.FAIL, two=Status.FAIL))
    assert {GateCause.GAP} == worse.causes
    assert ["two"] == [row.key.subject for row in worse.stopping]


@pytest.mark.parametrize(("was", "now"), [(Status.FAIL, Status.UNKNOWN), (Status.UNKNOWN, Status.FAIL)])
def test_a_gap_that_becomes_unseen_or_seen_is_new(was: Status, now: Status) -> None:
    gate = weighed(GateRules(baseline=baseline(result("a.b", efs=was))), result("a.b", efs=now))
    assert not gate.passes


def test_a_check_that_did_not_report_is_a_subject_of_its_own() -> None:
    lost, seen = result("a.b", Severity.NORMAL), result("a.c", efs=Status.PASS)
    assert {GateCause.NOT_SEEN} == weighed(GateRules(), lost, seen).causes
    assert weighed(GateRules(baseline=baseline(lost)), lost, seen).passes


def test_changes_are_listed_worst_first_and_what_is_gone_last() -> None:
    before = baseline(result("a.b", mended=Status.FAIL, gone=Status.WARN, well=Status.PASS, same=Status.FAIL))
    after = result("a.b", mended=Status.PASS, well=Status.PASS, same=Status.FAIL, new=Status.FAIL, blind=Status.UNKNOWN)
    changes = weighed(GateRules(baseline=before), after).changes
    assert [(c.key.subject, c.before, c.after) for c in changes] == [
        ("new", None, Status.FAIL),
        ("blind", None, Status.UNKNOWN),
        ("mended", Status.FAIL, Status.PASS),
        ("gone", Status.WARN, None),
    ]


def test_a_subject_that_a_check_names_twice_has_its_worse_status() -> None:
    twice = [Finding("a.b", Side.DR, "efs", None, s, "", "", "") for s in (Status.FAIL, Status.PASS)]
    for findings in (twice, twice[::-1]):
        found = subjects_of([CheckResult("a.b", Severity.MINOR, Area.DNS, Status.FAIL, tuple(findings))])
        assert [Status.FAIL] == [row.status for row in found.values()]
