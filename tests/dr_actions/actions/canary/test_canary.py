"""The canary is driven through every routing state, and removed regardless of who made it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.canary import DRIVE, REMOVE, states
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Plan, Step, from_json, to_json
from dr_actions.planning.planner import in_order
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import canary_name
from dr_estate.readers import dns_canary_polls, route53
from tests.dr_actions.actions.canary.canary_values import (
    AWAY,
    BY_HAND,
    CANARY,
    FAILOVER,
    ZONE_ID,
    judged,
    poll,
    sight,
    split,
    with_traffic,
)
from tests.dr_checks.worlds import DENIED, SIT

NXDOMAIN, NODATA = ("NXDOMAIN", (), 4), ("NOERROR", (), 4)
OF_LAST_WEEK = canary_name(SIT, SIT.traffic.zone, "TRIAL-20251231-080000")


def steps(env: Environment = SIT) -> dict[str, Step]:
    return {step.id.partition(":")[2]: step for step in in_order(Goal.CANARY, DRIVE.plan_steps(sight(env)))}


def batch(step: Step) -> list[tuple[str, str, Any]]:
    """(action, set identifier or name, weight, role or address) of each change."""
    assert step.call is not None
    rows = [(change["Action"], change["ResourceRecordSet"]) for change in step.call.params["ChangeBatch"]["Changes"]]
    return [
        (action, row.get("SetIdentifier", row["Name"]), row.get("Weight", row.get("Failover"))) for action, row in rows
    ]


def test_a_weighted_canary_goes_through_today_away_and_every_share_home() -> None:
    found = steps()
    assert list(found) == ["today", "away", "home-10", "home-50", "home-100"]
    home, away = SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier
    assert batch(found["today"]) == [("CREATE", home, 100), ("CREATE", away, 0)]
    assert batch(found["away"]) == [("UPSERT", home, 0), ("UPSERT", away, 100)]
    assert batch(found["home-10"]) == [("UPSERT", home, 10), ("UPSERT", away, 90)]
    assert batch(found["home-100"]) == [("UPSERT", home, 100), ("UPSERT", away, 0)]
    assert [step.stage for step in found.values()] == sorted({step.stage for step in found.values()})


def test_records_have_unused_addresses_the_ttl_of_the_rules_and_no_check() -> None:
    for step in steps().values():
        rows = step.after["records"]
        assert [row["ResourceRecords"][0]["Value"] for row in rows] == ["192.0.2.1", "198.51.100.1"]
        assert {row["TTL"] for row in rows} == {SIT.thresholds.record_ttl_s}
        assert {row["Name"] for row in rows} == {f"{CANARY}."}
        assert not any("HealthCheckId" in row for row in rows)


def test_a_failover_canary_swaps_its_aliases_and_uses_no_health_check() -> None:
    found = steps(FAILOVER)
    assert list(found) == ["today", "away", "home-100"]
    home, away = FAILOVER.traffic.primary_set_identifier, FAILOVER.traffic.secondary_set_identifier
    changes = batch(found["today"])
    assert [row[0] for row in changes] == ["CREATE"] * 4
    assert changes[2:] == [("CREATE", home, "PRIMARY"), ("CREATE", away, "SECONDARY")]
    assert batch(found["away"]) == [("UPSERT", home, "PRIMARY"), ("UPSERT", away, "SECONDARY")]
    aliases = [row["AliasTarget"] for row in found["away"].after["records"][2:]]
    assert [(alias["HostedZoneId"], alias["EvaluateTargetHealth"]) for alias in aliases] == [(ZONE_ID, True)] * 2
    led = {row["SetIdentifier"]: row["AliasTarget"]["DNSName"] for row in found["away"].after["records"][2:]}
    assert led[home].startswith("canary-20260107-101500-dr.wpdr.")
    assert found["home-100"].after["records"] == found["today"].after["records"]
    assert not any("HealthCheckId" in row for step in found.values() for row in step.after["records"])


def test_no_state_mixes_policies() -> None:
    for env in (SIT, FAILOVER):
        for step in steps(env).values():
            used = {key for row in step.after["records"] for key in ("Weight", "Failover") if key in row}
            assert len(used) == 1


def test_undo_of_a_state_is_the_state_before_and_of_the_first_a_deletion() -> None:
    for env in (SIT, FAILOVER):
        found = list(steps(env).values())
        undoing = DRIVE.rollback_call(found[0])
        assert undoing is not None
        changes = undoing.params["ChangeBatch"]["Changes"]
        assert [change["Action"] for change in changes] == ["DELETE"] * len(found[0].after["records"])
        assert [change["ResourceRecordSet"] for change in changes] == list(reversed(found[0].after["records"]))
        back = DRIVE.rollback_call(found[1])
        assert back is not None
        written = [change["ResourceRecordSet"] for change in back.params["ChangeBatch"]["Changes"]]
        assert written == [row for row in found[0].after["records"] if row not in found[1].after["records"]]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (sight(incident=""), "'' is no drill"),
        (sight(incident="INC-1"), "'INC-1' is no drill"),
        (sight(with_traffic(SIT, canary_zones=())), "traffic.canary_zones does not list wpsit.kimmyai.io"),
        (sight(with_traffic(SIT, denied_zones=("wpsit.kimmyai.io",))), "a denied zone"),
        (sight(with_traffic(SIT, denied_zones=("wpdr.wpsit.kimmyai.io",))), "a denied zone"),
        (sight(zone=None), "there is no public zone"),
        (sight(zone=DENIED), "cannot be seen"),
    ],
    ids=["no drill", "an emergency", "not listed", "zone denied", "prefix denied", "no zone", "us-east-1 dark"],
)
def test_where_no_canary_may_be_made_there_is_no_step_and_one_sentence_why(seen: PlanContext, reason: str) -> None:
    assert list(DRIVE.plan_steps(seen)) == []
    assert [reason in note for note in DRIVE.notes(seen)] == [True]


def test_a_listed_zone_that_no_recovery_changes_gets_a_note_and_no_canary() -> None:
    seen = sight(with_traffic(SIT, canary_zones=("wpsit.kimmyai.io", "elsewhere.example")))
    assert {step.subject for step in DRIVE.plan_steps(seen)} == {CANARY}
    assert ["elsewhere.example" in note for note in DRIVE.notes(seen)] == [True]


def test_where_dns_is_manual_every_state_is_a_persons() -> None:
    assert {True} == {step.manual for step in steps(BY_HAND).values()}
    assert {False} == {step.manual for step in steps().values()}
    assert all(step.call for step in steps(BY_HAND).values())


def test_a_step_is_the_same_after_it_was_recorded() -> None:
    plan = Plan("sit", SIT.account, Goal.CANARY, "NORMAL", tuple(steps(FAILOVER).values()))
    again = from_json(to_json(plan))
    step = again.step("canary/drive:away")
    assert judged(DRIVE, step, sight(FAILOVER, step.before["records"])).state is StepState.READY
    assert again.digest == plan.digest


@pytest.mark.parametrize("env", [SIT, FAILOVER], ids=lambda env: env.traffic.policy)
def test_each_state_needs_the_one_before_and_is_done_by_its_answers(env: Environment) -> None:
    for step in steps(env).values():
        assert judged(DRIVE, step, sight(env, step.before["records"])).state is StepState.READY
        came = 2 * step.after["percent"]
        status = judged(DRIVE, step, sight(env, step.after["records"], (split(came, 200 - came),)))
        assert status.state is StepState.DONE, status.message
        facts = dict(status.evidence)
        assert facts[f"answers {CANARY}"] == f"{came} of 200 lead to af-south-1, {200 - came} to eu-west-1"
        assert facts["change"] == "/change/C1 INSYNC"
        assert facts["propagation"] == "30.0 s"


def test_a_share_within_its_sampling_error_is_done_and_one_beyond_it_fails() -> None:
    step = steps()["home-10"]
    assert judged(DRIVE, step, sight(records=step.after["records"], polls=(split(28, 172),))).state is StepState.DONE
    status = judged(DRIVE, step, sight(records=step.after["records"], polls=(split(100, 100),)))
    assert status.state is StepState.FAILED
    assert "100 of 200 answers" in status.message
    assert "10 percent" in status.message


@pytest.mark.parametrize(
    ("polls", "message"),
    [
        (split(0, 199, ttls_s=(60,)), None),
        (split(1, 199), "1 of 200 answers"),
        (split(0, 200, ttls_s=(300,)), "the TTL is 300 s, written 60 s"),
        (split(0, 200, ttls_s=(0, 60)), "the TTL is 0 and 60 s, written 60 s"),
        (poll(CANARY, ("NOERROR", AWAY, 199), ("SERVFAIL", (), 1)), "1 answers are SERVFAIL"),
        (poll(CANARY, ("NOERROR", AWAY, 199), ("NOERROR", ("203.0.113.9",), 1)), "NOERROR 203.0.113.9"),
        (poll(CANARY, ("NOERROR (not authoritative)", AWAY, 200)), "not authoritative"),
        (poll(CANARY, ("NXDOMAIN", (), 200), ttls_s=()), "200 answers are NXDOMAIN"),
    ],
)
def test_all_led_away_is_failed_by_one_wrong_answer_and_says_which(polls: Any, message: str | None) -> None:
    step = steps()["away"]
    status = judged(DRIVE, step, sight(records=step.after["records"], polls=(polls,)))
    assert status.state is (StepState.FAILED if message else StepState.DONE)
    assert (message or "") in status.message


def test_before_route_53_has_the_change_everywhere_nothing_is_judged() -> None:
    step = steps()["away"]
    wrong = sight(records=step.after["records"], polls=(split(200, 0),))
    status = judged(DRIVE, step, wrong, change="PENDING")
    assert (status.state, "PENDING" in status.message) == (StepState.IN_PROGRESS, True)
    right = sight(records=step.after["records"], polls=(split(0, 200),))
    assert judged(DRIVE, step, right, change="PENDING").state is StepState.IN_PROGRESS


def test_a_change_that_route_53_forgot_is_failed() -> None:
    step = steps()["away"]
    status = judged(
        DRIVE, step, sight(records=step.after["records"], polls=(split(0, 200),)), change=dns_canary_polls.LOST
    )
    assert (status.state, "T02" in status.message) == (StepState.FAILED, True)


def test_a_change_without_an_answer_is_judged_by_dns_until_its_time_ends() -> None:
    step = steps()["away"]
    wrong = sight(records=step.after["records"], polls=(split(200, 0),))
    assert judged(DRIVE, step, wrong, change=None).state is StepState.IN_PROGRESS
    assert judged(DRIVE, step, wrong, since_s=None, change=None).state is StepState.IN_PROGRESS
    assert judged(DRIVE, step, wrong, since_s=121, change=None).state is StepState.FAILED
    right = sight(records=step.after["records"], polls=(split(0, 200),))
    status = judged(DRIVE, step, right, since_s=None, change=None)
    assert (status.state, "propagation" in dict(status.evidence)) == (StepState.DONE, False)


def test_a_persons_change_is_asked_about_from_when_it_is_seen() -> None:
    step = steps(BY_HAND)["away"]
    seen = sight(BY_HAND, step.after["records"], (split(0, 200),))
    assert judged(DRIVE, step, seen, since_s=None, change=None).state is StepState.IN_PROGRESS
    status = judged(DRIVE, step, seen, since_s=2, change=None)
    assert (status.state, dict(status.evidence)["propagation"]) == (StepState.DONE, "2.0 s")


def test_servers_that_are_silent_in_part_or_all_are_waited_for() -> None:
    step = steps()["away"]
    for polls in ((), (poll(CANARY, silent=200, ttls_s=()),), (split(0, 150, silent=50),)):
        assert judged(DRIVE, step, sight(records=step.after["records"], polls=polls)).state is StepState.IN_PROGRESS


def test_what_cannot_be_seen_is_unseen() -> None:
    step = steps()["away"]
    there = step.after["records"]
    assert judged(DRIVE, step, sight(records=there, polls=DENIED)).state is StepState.UNAVAILABLE
    lost = replace(sight(records=there, polls=(split(0, 200),), changes=(DENIED,)), changes={step.id: "/change/C1"})
    assert DRIVE.observe(step, lost).state is StepState.UNAVAILABLE
    dark = replace(lost, snapshot=replace(lost.snapshot, parts={}))
    assert DRIVE.observe(step, dark).state is StepState.UNAVAILABLE


def test_records_that_somebody_else_changed_or_took_away_stop_it() -> None:
    step = steps()["away"]
    first, second = step.after["records"]
    for now in ((), (first,), (first, second | {"TTL": 300}), (first | {"Weight": 1}, second)):
        assert judged(DRIVE, step, sight(records=now)).state is StepState.DRIFTED
    beside = {"Name": f"{CANARY}.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"x"'}]}
    assert judged(DRIVE, step, sight(records=(*step.after["records"], beside))).state is StepState.DRIFTED


def test_its_call_goes_to_the_traffic_zone_through_us_east_1() -> None:
    for step in steps().values():
        assert step.call is not None
        assert (step.call.region, step.call.params["HostedZoneId"]) == (SIT.region(Side.GLOBAL), ZONE_ID)


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
def test_a_canary_is_deleted_as_it_is_in_any_state_aliases_first(env: Environment) -> None:
    for state in range(len(states(env, CANARY, ZONE_ID))):
        step = step_of(env, state)
        assert step.call is not None
        changes = step.call.params["ChangeBatch"]["Changes"]
        assert {change["Action"] for change in changes} == {"DELETE"}
        deleted = [change["ResourceRecordSet"] for change in changes]
        assert sorted(map(str, deleted)) == sorted(map(str, rows(env, state=state)))
        aliases = ["AliasTarget" in rrset for rrset in deleted]
        assert aliases == sorted(aliases, reverse=True)


def test_every_canary_found_gets_a_step_of_its_own_and_nothing_else_does() -> None:
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


def test_it_is_ready_while_present_and_changed_while_present_otherwise() -> None:
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


def test_it_waits_until_the_change_is_in_sync_and_every_server_answered() -> None:
    assert judged(REMOVE, step_of(), gone(NXDOMAIN), change="PENDING").state is StepState.IN_PROGRESS
    assert judged(REMOVE, step_of(), gone(NXDOMAIN, silent=1)).state is StepState.IN_PROGRESS
    assert judged(REMOVE, step_of(), cleaning()).state is StepState.IN_PROGRESS


def test_a_wildcard_that_covers_the_name_answers_in_place_of_the_canary() -> None:
    star = {"Name": f"*.{SIT.traffic.zone}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "203.0.113.9"}]}
    covered = poll(CANARY, ("NOERROR", ("203.0.113.9",), 4))
    assert judged(REMOVE, step_of(), cleaning(records=[star], polls=(covered,))).state is StepState.DONE
    assert judged(REMOVE, step_of(), cleaning(polls=(covered,))).state is StepState.FAILED
    still = poll(CANARY, ("NOERROR", AWAY, 4))
    assert judged(REMOVE, step_of(), cleaning(records=[star], polls=(still,))).state is StepState.FAILED


def test_a_removal_that_cannot_be_seen_is_unseen() -> None:
    assert judged(REMOVE, step_of(), cleaning(polls=DENIED)).state is StepState.UNAVAILABLE


def test_it_is_not_made_again_by_an_undoing() -> None:
    assert REMOVE.rollback_call(step_of()) is None
