"""Judging: the unseen is UNKNOWN, what was seen before it is kept, and nothing passes by looking at nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import Area, Check, Finding, Severity, Status, View, if_replicated
from dr_checks.core.observation import result_from_json, result_to_json
from dr_checks.core.registry import judge, lags
from dr_estate.config.environment import Side
from dr_estate.config.settings import Expectation
from dr_estate.readers import ecs
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT, service, world


def _check(judge_: object, sides: tuple[Side, ...] = (Side.DR,)) -> Check:
    return Check("a.b", "says", Severity.CRITICAL, Area.DNS, sides, judge_)  # type: ignore[arg-type]


def _nothing(_: View) -> Iterator[Finding]:
    yield from ()


def _two_looks(view: View) -> Iterator[Finding]:
    yield view.gap("first", 1, 2, "was judged", "mend it")
    view.get(ecs.tasks)


def test_a_check_that_found_nothing_to_look_at_is_unknown() -> None:
    assert judge(_check(_nothing), world({}), SIT).status is Status.UNKNOWN


def test_findings_made_before_the_view_went_dark_are_kept() -> None:
    result = judge(_check(_two_looks), world({(ecs.tasks, Side.DR): DENIED}), SIT)
    assert [f.status for f in result.findings] == [Status.FAIL, Status.UNKNOWN]
    assert result.status is Status.UNKNOWN
    assert result.findings[1].because == DENIED.why
    assert result.findings[1].unseen == replace(DENIED, part=ecs.tasks.name)
    assert result_from_json(result_to_json(result)) == result


def test_a_check_whose_subject_is_missing_is_not_applicable() -> None:
    def of_tasks(view: View) -> Iterator[Finding]:
        view.need(view.get(ecs.tasks), "all tasks", "none runs")
        yield view.ok("first", 1, 1, "was judged")

    result = judge(_check(of_tasks), world({(ecs.tasks, Side.DR): ()}), SIT)
    assert [(f.status, f.subject, f.because) for f in result.findings] == [
        (Status.NOT_APPLICABLE, "all tasks", "none runs")
    ]
    assert result.status is Status.NOT_APPLICABLE


def test_a_check_that_crashes_is_unknown_and_says_that_it_is_a_defect() -> None:
    def crashes(view: View) -> Iterator[Finding]:
        yield view.ok("first", 1, 1, "was judged")
        raise KeyError("gone")

    result = judge(_check(crashes), world({}), SIT)
    assert [f.status for f in result.findings] == [Status.PASS, Status.UNKNOWN]
    assert "KeyError: 'gone'). This is a defect" in result.findings[1].because


def test_a_side_that_is_seen_is_judged_although_the_other_is_not() -> None:
    def each_side(view: View) -> Iterator[Finding]:
        yield view.ok(view.region, len(view.get(ecs.services)), "any", "it was seen")

    seen = world({(ecs.services, Side.DR): (service("x"),), (ecs.services, Side.PRIMARY): DENIED})
    result = judge(_check(each_side, (Side.PRIMARY, Side.DR)), seen, SIT)
    assert {f.side: f.status for f in result.findings} == {Side.PRIMARY: Status.UNKNOWN, Side.DR: Status.PASS}


def test_a_check_that_does_not_apply_says_why_and_looks_at_nothing() -> None:
    fields = {"expectation": Expectation.NONE, "reason": "rebuilt from fixtures"}
    replication = SIT.replication.model_copy(update=fields)
    env = SIT.model_copy(update={"replication": replication})
    check = Check("a.b", "says", Severity.CRITICAL, Area.DNS, (Side.DR,), _two_looks, applies=if_replicated)
    result = judge(check, world({}), env)
    assert result.status is Status.NOT_APPLICABLE
    assert "rebuilt from fixtures" in result.reason


def test_tenants_narrow_to_the_chosen_by_either_spelling() -> None:
    def per_tenant(view: View) -> Iterator[Finding]:
        for tenant in view.tenants:
            yield view.ok(tenant.id, 1, 1, "seen", tenant.id)

    seen = world({}, tenants=("tenant-1", "tenant2"))
    result = judge(_check(per_tenant), seen, SIT, frozenset({"tenant1"}))
    assert [f.tenant for f in result.findings] == ["tenant-1"]


def test_copies_of_a_chosen_tenant_and_of_all_together_are_measured() -> None:
    everybody, chosen = (
        {lag.tenant for lag in lags(healthy(), SIT, only)} for only in (frozenset[str](), frozenset({"tenant2"}))
    )
    assert (everybody, chosen) == ({None, "tenant-1", "tenant2"}, {None, "tenant2"})


def test_what_is_said_of_many_is_one_text() -> None:
    def each(view: View) -> Iterator[Finding]:
        for name in ("first", "second"):
            yield view.ok(name, f"in {view.region}", f"{view.region} it is", "it was seen")

    first, second = judge(_check(each), world({}), SIT).findings
    assert first.measured is second.measured
    assert first.wanted is second.wanted
