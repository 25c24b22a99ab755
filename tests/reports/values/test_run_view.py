"""A run as it is watched follows from its journal alone: where it stands, its clocks, a person's step, its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.journal.entries import EntryKind, wait_data
from dr_actions.model.plan import Call, Goal, Plan, Step, to_json
from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import instant
from reports.values.run_view import LineKind, RunFollower, RunLine, RunView
from tests.dr_actions.deciding import SIT, step
from tests.dr_actions.journal.test_timeline import EntryRow, at, entries

CALL = Call("route53", "ChangeResourceRecordSets", "us-east-1", {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": []}})
SHIFT = step("zone", 50, "traffic/shift_to_dr", number=7, call=CALL, manual=True)
SERVICES = tuple(step(f"tenant{n}") for n in range(1, 4))
STEPS = (step("mysql", 40, "database/restore_dr"), *SERVICES, SHIFT)
LOSSES = [
    {"store": "database", "subject": "mysql", "seconds": 300.0, "basis": "the copy's age"},
    {"store": "objects", "subject": "assets", "seconds": None, "basis": "not read"},
]


def begin(steps: Sequence[Step] = STEPS, goal: Goal = Goal.FAILOVER, **more: Any) -> EntryRow:
    plan = Plan("sit", SIT.account, goal, "PRIMARY_LOST", tuple(steps))
    return (10, EntryKind.BEGIN, None, {"plan": to_json(plan), "digest": plan.digest, **more})


BEFORE: list[EntryRow] = [
    (10, EntryKind.DETECTED, None, {"since": instant(at(0)), "moment": instant(at(9))}),
    (10, EntryKind.LOOKED, None, {"losses": LOSSES}),
]
BEGUN = [*BEFORE, begin(estimates_s=[600, 120, 60])]
MYSQL: EntryRow = (15, EntryKind.CONFIRMED, STEPS[0].id, {"says": "it is available"})
ASKED: EntryRow = (20, EntryKind.MANUAL_WAIT, SHIFT.id, wait_data(SHIFT, SHIFT, 900.0))
SERVED: list[EntryRow] = [(18, EntryKind.CONFIRMED, service.id, {"says": "runs"}) for service in SERVICES]
SHIFTED: EntryRow = (25, EntryKind.CONFIRMED, SHIFT.id, {"says": "it leads there"})
ENDED: list[EntryRow] = [
    (29, EntryKind.VALIDATED, None, {"passed": True, "served": [12, 12]}),
    (30, EntryKind.END, None, {"outcome": "done", "says": "Every step is done."}),
]
WHOLE = [*BEGUN, MYSQL, *SERVED, ASKED, SHIFTED, *ENDED]


def followed(rows: Sequence[EntryRow], minute: float = 30) -> tuple[list[RunLine], RunView | None]:
    follower = RunFollower(SIT, "INC-1")
    lines = follower.follow(entries(rows))
    return lines, follower.view(at(minute))


def viewed(rows: Sequence[EntryRow], minute: float) -> RunView:
    _, view = followed(rows, minute)
    assert view is not None
    return view


def test_the_current_batch_is_counted_and_stages_have_playbook_names() -> None:
    view = viewed([*BEGUN, MYSQL, SERVED[0]], 16)
    assert (view.place, view.count) == ("steps 2 to 4 of 5", "services 1 of 3")
    assert [(stage.over, stage.steps) for stage in view.stages] == [(2, 4), (0, 1)]
    assert view.stage_name == view.stages[0].name != view.stages[1].name


def test_clocks_run_between_entries_and_estimates_are_of_the_run() -> None:
    view = viewed([*BEGUN, MYSQL], 16)
    assert view.clocks == "outage 16 min of 4 h, run 6 min, about 2 min to go"
    assert viewed([*BEGUN, MYSQL], 40).left_s == 60, "a batch that takes longer does not make the rest shorter"
    assert viewed([*BEFORE, begin()], 10).left_s == 180, "without estimates the budgets count"


def test_a_step_by_hand_counts_down_and_is_over_once_it_is_seen() -> None:
    by_hand = viewed([*BEGUN, MYSQL, *SERVED, ASKED], 22).by_hand
    assert by_hand is not None
    assert (by_hand.step, by_hand.waited_s, by_hand.left_s) == (SHIFT, 120, 780)
    assert viewed([*BEGUN, MYSQL, *SERVED, ASKED, SHIFTED], 26).by_hand is None


def test_a_step_by_hand_that_nothing_limits_has_no_countdown() -> None:
    by_hand = viewed(
        [*BEGUN, MYSQL, *SERVED, (20, EntryKind.MANUAL_WAIT, SHIFT.id, wait_data(SHIFT, SHIFT))], 22
    ).by_hand
    assert by_hand is not None
    assert by_hand.left_s is None


def test_it_ends_with_four_facts() -> None:
    facts = viewed(WHOLE, 90).facts
    assert facts is not None
    assert dict(facts.rows()) == {
        "Served": "12 of 12 tenants by eu-west-1",
        "Recovery": "in 29 min of 4 h: met",
        "Lost": "at most 5 min of writes (of 1 h: met); not measured: objects",
        "Standby": f"NOT PROTECTED since {at(30):%Y-%m-%d %H:%M} UTC, until the failback",
    }
    assert viewed(WHOLE, 90).run_s == 20 * 60, "the clocks stand still"


def test_the_facts_of_a_run_that_ended_early_say_what_is_not_known() -> None:
    facts = viewed([*BEGUN, MYSQL, (16, EntryKind.END, None, {"outcome": "stopped", "says": "Stopped."})], 20).facts
    assert facts is not None
    assert (facts.served, facts.recovered) == ("not seen: nothing was validated", "not yet")
    assert facts.protected == "not known: the run ended stopped"


def test_after_a_failback_the_estate_is_protected_again() -> None:
    shift = step("zone", 50, "traffic/shift_to_primary", number=4)
    rows = [begin([shift], Goal.FAILBACK), (12, EntryKind.CONFIRMED, shift.id, {"says": "there"}), *ENDED]
    facts = viewed(rows, 40).facts
    assert facts is not None
    assert (facts.served, facts.protected) == (
        "12 of 12 tenants by af-south-1",
        f"protected since {at(30):%Y-%m-%d %H:%M} UTC",
    )


@pytest.mark.parametrize(
    ("stopped", "other", "part"), [(Side.PRIMARY, "eu-west-1", ""), (Side.DR, "af-south-1", ".dr")]
)
def test_after_a_fence_the_region_that_it_did_not_stop_serves(stopped: Side, other: str, part: str) -> None:
    fenced = replace(step(f"tenant1{part}", 21, f"compute/fence_services{part}"), side=stopped)
    rows = [begin([fenced], Goal.FENCE), (12, EntryKind.CONFIRMED, fenced.id, {"says": "there"}), *ENDED]
    facts, region = viewed(rows, 40).facts, SIT.region(stopped)
    assert facts is not None
    assert dict(facts.rows()) == {
        "Served": f"12 of 12 tenants by {other}",
        "Recovery": f"none: {region} takes no writes any more",
        "Lost": f"what {region} took stays in it alone",
        "Standby": "as it was before this run",
    }


def test_four_thousand_services_are_one_line_at_their_start_and_one_at_end() -> None:
    services = [step(f"t{n}") for n in range(4000)]
    done: list[EntryRow] = [(11, EntryKind.CONFIRMED, service.id, {"says": "runs"}) for service in services]
    lines, _ = followed([*BEFORE, begin(services), *done])
    assert [line.kind for line in lines] == [LineKind.NOTE, LineKind.BEGINS, LineKind.DONE]
    assert lines[-1].text == "compute/scale_dr_services: 4000 of 4000"
    assert [line.place for line in lines] == ["", "steps 1 to 4000 of 4000", ""]


def test_an_entry_is_read_once_and_every_look_gives_the_same_lines() -> None:
    chain, follower = entries(WHOLE), RunFollower(SIT, "INC-1")
    step_by_step = [line for end in range(len(chain) + 1) for line in follower.follow(chain[:end])]
    assert step_by_step == RunFollower(SIT, "INC-1").follow(chain)


def test_a_failed_step_is_open_again_after_its_rollback_and_resumes() -> None:
    failed: list[EntryRow] = [
        (16, EntryKind.FAILED, SERVICES[0].id, {"says": "no room"}),
        (17, EntryKind.UNDONE, SERVICES[0].id, {"says": "scaled back"}),
        (18, EntryKind.END, None, {"outcome": "failed", "says": "no room"}),
        (19, EntryKind.RESUMED, None, {"says": "alice goes on with plan abc."}),
    ]
    view = viewed([*BEGUN, MYSQL, *failed], 20)
    assert (view.place, view.over, view.outcome) == ("steps 2 to 4 of 5", 0, "")


@pytest.mark.parametrize("wrong", [{"estimates_s": "soon"}, {"estimates_s": [1, "2", 3]}, {"estimates_s": [1]}])
def test_what_no_run_wrote_is_left_out(wrong: dict[str, Any]) -> None:
    odd: list[EntryRow] = [
        (12, EntryKind.MANUAL_WAIT, SHIFT.id, {"says": "x", "limit_s": "long"}),
        (13, EntryKind.VALIDATED, None, {"passed": True, "served": 12}),
        (14, EntryKind.CONFIRMED, "of no plan", {}),
    ]
    view = viewed([*BEFORE, begin(**wrong), *odd], 15)
    assert view.by_hand is not None
    assert (view.by_hand.left_s, view.left_s) == (None, 120)


def test_before_a_plan_begins_nothing_is_shown() -> None:
    assert followed(BEFORE) == ([], None)
