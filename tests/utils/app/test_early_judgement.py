"""What is judged while the rest is read is judged as it would be afterwards, and what needs the rest waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dr_checks.core.model import Area, CheckResult, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import application_autoscaling, ecs, route53
from dr_estate.snapshot.observer import Key, NotReadYet, PartsSoFar
from dr_estate.snapshot.registry import readers
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.early_judgement import EarlyJudgement
from utils.aws_mgmt.app.evaluation import CommandRun, read
from utils.aws_mgmt.app.evaluation import judge as judge_snapshot
from utils.aws_mgmt.app.options import StatusOptions
from utils.aws_mgmt.cli.terminal import Terminal

POLICIES = (application_autoscaling.policies.name, Side.DR)
AUTOSCALING = "application-autoscaling"
DARK = Unavailable(UnavailableKind.UNREACHABLE, "ecs does not answer.", "eu-west-1")
ALL = tuple(Area)


class Look:
    """A look at ``whole`` of which all was read but ``missing``."""

    def __init__(self, whole: Snapshot, missing: Iterable[Key] = ()) -> None:
        self.read = {key: part for key, part in whole.parts.items() if key not in set(missing)}
        self.so_far = replace(whole, parts=PartsSoFar(self.read))

    def judge(self, early: EarlyJudgement, remembered_tenants: tuple[str, ...] = ()) -> None:
        while early.judge_one(self.so_far, remembered_tenants):
            pass


def complete() -> Snapshot:
    """A healthy estate in a snapshot that has every part, as a look's has."""
    whole = healthy()
    keys = [(reader.name, side) for reader in readers().values() for side in reader.sides]
    beside = {key: SnapshotPart(*key, SIT.region(key[1]), whole.taken_at, DARK) for key in keys}
    return replace(whole, parts={**beside, **whole.parts})


def early_results(whole: Snapshot, missing: Iterable[Key] = ()) -> dict[str, CheckResult]:
    early = EarlyJudgement(SIT, ALL)
    Look(whole, missing).judge(early)
    return dict(early.results(whole))


def judged(whole: Snapshot, names: Iterable[str]) -> dict[str, CheckResult]:
    return {name: judge(checks()[name], whole, SIT) for name in names}


def dark(whole: Snapshot, key: Key) -> dict[Key, SnapshotPart]:
    return {**whole.parts, key: replace(whole.parts[key], value=DARK)}


@pytest.mark.parametrize("first", [3, 17, 29])
def test_each_result_is_what_the_whole_snapshot_gives(first: int) -> None:
    whole = complete()
    results = early_results(whole, sorted(whole.parts)[first::40])
    assert 0 < len(results) < len(checks())
    assert results == judged(whole, results)


@pytest.mark.proof
def test_whatever_part_is_read_last_each_result_is_what_the_whole_snapshot_gives() -> None:
    whole = complete()
    right = judged(whole, checks())
    for key in whole.parts:
        results = early_results(whole, {key})
        assert results == {name: right[name] for name in results}, key


def test_a_part_that_was_not_seen_is_judged_as_such_and_not_waited_for() -> None:
    whole = complete()
    unseen = replace(whole, parts=dark(whole, (ecs.services.name, Side.DR)))
    assert early_results(unseen) == judged(unseen, checks()) != judged(whole, checks())


def test_what_waits_for_a_part_is_judged_once_that_was_read_and_nothing_twice() -> None:
    whole, early = complete(), EarlyJudgement(SIT, ALL)
    look = Look(whole, {POLICIES})
    look.judge(early)
    before = dict(early.results(whole))
    assert not early.judge_one(look.so_far)
    look.read[POLICIES] = whole.parts[POLICIES]
    look.judge(early)
    after = early.results(whole)
    assert set(before) < set(after) == set(checks())
    assert all(after[name] is result for name, result in before.items())


def test_only_what_was_asked_for_is_judged() -> None:
    whole, chosen = complete(), frozenset(sorted(checks())[:2])
    dns, narrowed = EarlyJudgement(SIT, (Area.DNS,)), EarlyJudgement(SIT, ALL, chosen)
    Look(whole).judge(dns)
    Look(whole).judge(narrowed)
    assert {result.area for result in dns.results(whole).values()} == {Area.DNS}
    assert set(narrowed.results(whole)) == chosen


def test_the_results_are_of_the_tenants_that_were_asked_for() -> None:
    whole, tenants = complete(), frozenset({"tenant-1"})
    early = EarlyJudgement(SIT, ALL, only_tenants=tenants)
    Look(whole).judge(early)
    assert early.results(whole) == {name: judge(check, whole, SIT, tenants) for name, check in checks().items()}


def test_where_all_is_dark_the_remembered_tenants_are_judged() -> None:
    whole, early = complete(), EarlyJudgement(SIT, ALL)
    parts = whole.parts
    for key in ((ecs.services.name, Side.PRIMARY), (ecs.services.name, Side.DR), (route53.records.name, Side.GLOBAL)):
        parts = dark(replace(whole, parts=parts), key)
    known = replace(whole, parts=parts, remembered_tenants=("tenant-7",))
    Look(replace(known, remembered_tenants=())).judge(early, ("tenant-7",))
    assert early.results(known) == judged(known, checks())


def test_a_check_that_fails_early_is_left_to_its_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str | None:
        raise ZeroDivisionError

    whole, early, name = complete(), EarlyJudgement(SIT, ALL), min(checks())
    monkeypatch.setitem(checks(), name, replace(checks()[name], applies=fail))
    Look(whole).judge(early)
    assert set(early.results(whole)) == checks().keys() - {name}


def test_another_look_takes_no_result_of_this_one() -> None:
    whole, early = complete(), EarlyJudgement(SIT, ALL)
    Look(whole).judge(early)
    assert early.results(replace(whole, taken_at=whole.taken_at + timedelta(seconds=1))) == {}


def test_whoever_asks_for_all_parts_or_for_one_that_is_not_read_yet_waits() -> None:
    parts = Look(healthy(), {POLICIES}).so_far.parts
    for ask in (lambda: parts[POLICIES], lambda: parts.get(POLICIES), lambda: POLICIES in parts, lambda: list(parts)):
        with pytest.raises(NotReadYet):
            ask()


@pytest.mark.proof
def test_a_look_at_a_service_that_crawls_reports_what_was_judged_meanwhile(
    sandbox_world: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys, crawling = sandbox_world.people["reader"], Outage(SIT.regions.dr, "slow", AUTOSCALING, seconds=4)
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox_world.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)
    options, early = StatusOptions(environment=SIT.name), EarlyJudgement(SIT, READINESS)
    run = CommandRun(tmp_path, Terminal(), early=early)
    sandbox_world.begin(crawling)
    try:
        snapshot = read(options, SIT, run)
    finally:
        sandbox_world.end(crawling)
    meanwhile = early.results(snapshot)
    reported = {
        result.check: result for result in judge_snapshot(options, SIT, READINESS, snapshot, run).verdict.results
    }
    assert len(meanwhile) > 0.8 * len(reported)
    assert all(reported[name].status is result.status for name, result in meanwhile.items())
    passed = [name for name, result in meanwhile.items() if result.status is Status.PASS]
    assert all(
        a is b for name in passed for a, b in zip(reported[name].findings, meanwhile[name].findings, strict=True)
    )
