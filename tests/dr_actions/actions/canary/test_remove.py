"""Whatever canary is seen is taken away exactly as it is, and is gone when no name server answers with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.canary.canary import REMOVE
from dr_actions.actions.canary.model import states
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import canary_name
from dr_estate.readers import route53
from tests.dr_actions.actions.canary.canary_values import AWAY, BY_HAND, CANARY, FAILOVER, ZONE_ID, judged, poll, sight
from tests.dr_checks.worlds import DENIED, SIT

NXDOMAIN, NODATA = ("NXDOMAIN", (), 4), ("NOERROR", (), 4)
OF_LAST_WEEK = canary_name(SIT, SIT.traffic.zone, "TRIAL-20251231-080000")


def rows(env: Environment = SIT, name: str = CANARY, state: int = 0) -> list[dict[str, Any]]:
    """A canary's records in one of its states."""
    return list(states(env, name, ZONE_ID)[state].records)


def cleaning(env: Environment = SIT, records: Any = (), polls: Any = (), **more: Any) -> PlanContext:
    return sight(env, records, polls, goal=Goal.CLEAN_UP, **more)


def step_of(env: Environment = SIT, state: int = 0) -> Step:
    (step,) = REMOVE.plan_steps(cleaning(env, rows(env, state=state)))
    return step


def gone(*counts: tuple[str, tuple[str, ...], int], env: Environment = SIT, silent: int = 0) -> PlanContext:
    """The zone without the canary, of each of whose names the servers said ``counts``."""
    polls = tuple(poll(name, *counts, ttls_s=(), silent=silent) for name in step_of(env).after["asks"])
    return cleaning(env, (), polls)


@pytest.mark.parametrize("env", [SIT, FAILOVER], ids=lambda env: env.traffic.policy)
def test_a_canary_is_deleted_exactly_as_it_is_in_whatever_state_it_was_left_aliases_first(env: Environment) -> None:
    for state in range(len(states(env, CANARY, ZONE_ID))):
        step = step_of(env, state)
        assert step.call is not None
        changes = step.call.params["ChangeBatch"]["Changes"]
        assert {change["Action"] for change in changes} == {"DELETE"}
        deleted = [change["ResourceRecordSet"] for change in changes]
        assert sorted(map(str, deleted)) == sorted(map(str, rows(env, state=state)))
        aliases = ["AliasTarget" in rrset for rrset in deleted]
        assert aliases == sorted(aliases, reverse=True)


def test_every_canary_that_is_seen_gets_a_step_of_its_own_and_nothing_else_does() -> None:
    estate = {
        "Name": f"{SIT.traffic.origin_record}.",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "1.2.3.4"}],
    }
    seen = cleaning(records=[*rows(), *rows(name=OF_LAST_WEEK), estate], incident="")
    assert [step.subject for step in REMOVE.plan_steps(seen)] == [OF_LAST_WEEK, CANARY]
    assert list(REMOVE.plan_steps(cleaning(records=[estate]))) == []


def test_half_a_canary_is_taken_away_as_half() -> None:
    (step,) = REMOVE.plan_steps(cleaning(records=rows()[:1]))
    assert step.before["records"] == rows()[:1]


def test_a_simple_record_under_a_canarys_name_is_deleted_as_it_is() -> None:
    simple = {"Name": f"{CANARY}.", "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": '"left"'}]}
    (step,) = REMOVE.plan_steps(cleaning(records=[simple]))
    assert step.before["records"] == [simple]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "NS", "weight": None, "set_identifier": None}, "delegates"),
        ({"other_policy": "Region", "weight": None}, "Region"),
    ],
)
def test_what_no_drill_made_is_left_and_named(changes: dict[str, Any], reason: str) -> None:
    record = replace(route53.record(rows()[0]), **changes)
    seen = cleaning(records=[record])
    assert list(REMOVE.plan_steps(seen)) == []
    assert [reason in note for note in REMOVE.cleanup_notes(seen)] == [True]


def test_what_cannot_be_looked_for_is_said() -> None:
    seen = replace(cleaning(), snapshot=replace(cleaning().snapshot, parts={}))
    assert list(REMOVE.plan_steps(seen)) == []
    assert ["cannot be seen" in note for note in REMOVE.notes(seen)] == [True]


def test_where_dns_is_manual_a_person_takes_it_away() -> None:
    assert (step_of(BY_HAND).manual, step_of().manual) == (True, False)
    seen = replace(gone(NXDOMAIN), env=BY_HAND)
    assert judged(REMOVE, step_of(BY_HAND), seen, since_s=None, change=None).state is StepState.IN_PROGRESS
    assert judged(REMOVE, step_of(BY_HAND), seen, since_s=1, change=None).state is StepState.DONE


def test_it_is_ready_while_it_is_there_and_changed_when_it_is_there_in_another_way() -> None:
    first, second = rows()
    assert judged(REMOVE, step_of(), cleaning(records=rows())).state is StepState.READY
    assert judged(REMOVE, step_of(), cleaning(records=[first])).state is StepState.DRIFTED
    assert judged(REMOVE, step_of(), cleaning(records=[first, second | {"Weight": 9}])).state is StepState.DRIFTED


@pytest.mark.parametrize("env", [SIT, FAILOVER], ids=lambda env: env.traffic.policy)
@pytest.mark.parametrize("nothing", [NXDOMAIN, NODATA])
def test_it_is_done_when_every_server_says_that_there_is_nothing(env: Environment, nothing: Any) -> None:
    status = judged(REMOVE, step_of(env), gone(nothing, env=env))
    assert status.state is StepState.DONE, status.message
    assert len([name for name, _ in status.evidence if name.startswith("answers")]) == len(step_of(env).after["asks"])


def test_a_server_that_still_answers_with_it_fails_it_and_is_quoted() -> None:
    status = judged(REMOVE, step_of(), gone(NXDOMAIN, ("NOERROR", AWAY, 1)))
    assert (status.state, "198.51.100.1" in status.message) == (StepState.FAILED, True)
    assert judged(REMOVE, step_of(), gone(("SERVFAIL (not authoritative)", (), 4))).state is StepState.FAILED


def test_until_the_change_is_everywhere_and_every_server_answered_it_is_waited_for() -> None:
    assert judged(REMOVE, step_of(), gone(NXDOMAIN), change="PENDING").state is StepState.IN_PROGRESS
    assert judged(REMOVE, step_of(), gone(NXDOMAIN, silent=1)).state is StepState.IN_PROGRESS
    assert judged(REMOVE, step_of(), cleaning()).state is StepState.IN_PROGRESS


def test_where_a_wildcard_covers_the_name_its_answer_stands_in_the_canarys_place() -> None:
    star = {"Name": f"*.{SIT.traffic.zone}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "203.0.113.9"}]}
    covered = poll(CANARY, ("NOERROR", ("203.0.113.9",), 4))
    assert judged(REMOVE, step_of(), cleaning(records=[star], polls=(covered,))).state is StepState.DONE
    assert judged(REMOVE, step_of(), cleaning(polls=(covered,))).state is StepState.FAILED
    still = poll(CANARY, ("NOERROR", AWAY, 4))
    assert judged(REMOVE, step_of(), cleaning(records=[star], polls=(still,))).state is StepState.FAILED


def test_what_cannot_be_seen_is_unseen() -> None:
    assert judged(REMOVE, step_of(), cleaning(polls=DENIED)).state is StepState.UNAVAILABLE


def test_it_is_not_made_again_by_an_undoing() -> None:
    assert REMOVE.rollback_call(step_of()) is None
