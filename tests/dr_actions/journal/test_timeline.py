"""Phases, recovery time, waits and changes follow from the entries, and what was not recorded is not made up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from dr_actions.journal.entries import Entry, EntryKind, entry_after
from dr_actions.journal.timeline import Phase, Span, timelines
from dr_actions.model.plan import Call, Danger, Goal, Plan, Step, to_json
from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import instant
from dr_estate.model.journal_chain import genesis
from tests.dr_actions.control_tables import WORLD, Clock

START = Clock().at
RTO_S = 4 * 3600
EntryRow = tuple[float, EntryKind, str | None, dict[str, Any]]


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def _step(name: str, number: int, manual: bool = False) -> Step:
    call = None if manual else Call("ecs", "UpdateService", "dr", {})
    return Step(name, number, 46, "v", name, "o", Side.DR, "says", Danger.REVERSIBLE, "u", 60, call, manual=manual)


def plan(goal: Goal = Goal.FAILOVER) -> dict[str, Any]:
    steps = (
        _step("compute/scale_dr_services:a", 6),
        _step("compute/scale_dr_services:b", 6),
        _step("traffic.origin", 7, manual=True),
    )
    return to_json(Plan("sit", "1", goal, "PRIMARY_LOST", steps))


def entries(rows: Sequence[EntryRow], run: str = "run-1") -> list[Entry]:
    """Entries at these minutes after the start; data may name another ``run``."""
    head, chain = genesis("sit", "INC-1", WORLD), list[Entry]()
    for seq, (minute, kind, step, given) in enumerate(rows, 1):
        data = dict(given)
        chain.append(entry_after(head, seq, at(minute), str(data.pop("run", run)), kind, step, data))
        head = chain[-1].digest
    return chain


BEFORE: list[EntryRow] = [
    (20, EntryKind.DETECTED, None, {"since": instant(at(0)), "moment": instant(at(10))}),
    (20, EntryKind.DECIDED, None, {"moment": instant(at(15))}),
    (20, EntryKind.AUTHORISED, None, {"operator": "alice", "approver": "bob"}),
    (20, EntryKind.OVERRIDE, None, {"gate": "rpo", "by": "alice", "why": "known", "until": "later"}),
    (20, EntryKind.BEGIN, None, {"plan": plan(), "digest": "abc"}),
]
WALK: list[EntryRow] = [
    (21, EntryKind.INTENT, "compute/scale_dr_services:a", {"call": "ecs:UpdateService", "region": "dr"}),
    (22, EntryKind.OUTCOME, "compute/scale_dr_services:a", {"result": "sent"}),
    (30, EntryKind.CONFIRMED, "compute/scale_dr_services:a", {}),
    (30, EntryKind.CONFIRMED, "compute/scale_dr_services:b", {"says": "already"}),
    (40, EntryKind.MANUAL_WAIT, "traffic.origin", {"says": "change the record"}),
    (55, EntryKind.MANUAL_DONE, "traffic.origin", {}),
    (56, EntryKind.CONFIRMED, "traffic.origin", {}),
    (62, EntryKind.VALIDATED, None, {"passed": False}),
    (70, EntryKind.VALIDATED, None, {"passed": True}),
    (71, EntryKind.END, None, {"outcome": "done"}),
]


def test_an_undisturbed_run_has_every_phase_and_its_recovery_time() -> None:
    (line,) = timelines(entries(BEFORE + WALK), RTO_S)
    spans = {phase: ((span.start, span.end)) for phase, span in line.phases.items()}
    assert {
        Phase.DETECT: (at(0), at(10)),
        Phase.DECIDE: (at(10), at(15)),
        Phase.AUTHORISE: (at(15), at(20)),
        Phase.EXECUTE: (at(20), at(40)),
        Phase.DNS: (at(40), at(56)),
        Phase.VALIDATE: (at(56), at(70)),
    } == spans
    assert (70 * 60, True) == (line.reached_s, line.met)
    assert sum(span.seconds or 0 for span in line.phases.values()) == line.reached_s
    assert not timelines(entries(BEFORE + WALK), 70 * 60 - 1)[0].met


def test_waits_changes_overrides_and_the_runs_are_listed() -> None:
    (line,) = timelines(entries(BEFORE + WALK), RTO_S)
    assert [("traffic.origin", "change the record", 900)] == [(w.step, w.message, w.span.seconds) for w in line.waits]
    assert 900 == line.waited_s
    assert [("compute/scale_dr_services:a", "ecs:UpdateService", "dr", "sent")] == [
        (change.step, change.call, change.region, change.result) for change in line.changes
    ]
    assert ["rpo"] == [over["gate"] for over in line.overrides]
    assert [("run-1", "done")] == [(run.run, run.outcome) for run in line.runs]
    assert ("failover", ("abc",)) == (line.goal, line.digests)


def test_a_run_that_was_killed_has_no_end_and_no_recovery_time() -> None:
    (line,) = timelines(entries(BEFORE + WALK[:1]), RTO_S)
    assert (at(20), None) == (line.phases[Phase.EXECUTE].start, line.phases[Phase.EXECUTE].end)
    assert {None} == {line.phases[phase].start for phase in (Phase.DNS, Phase.VALIDATE)}
    assert line.reached_s is None
    assert line.met is None
    assert ["no answer recorded"] == [change.result for change in line.changes]
    assert [""] == [run.outcome for run in line.runs]


def test_while_a_person_is_waited_for_the_dns_phase_is_open() -> None:
    (line,) = timelines(entries(BEFORE + WALK[:5]), RTO_S)
    assert (at(40), None) == (line.phases[Phase.DNS].start, line.phases[Phase.DNS].end)
    assert [None] == [wait.span.seconds for wait in line.waits]
    assert 0 == line.waited_s


def test_boundaries_off_the_record_leave_no_phase_and_lengthen_the_next() -> None:
    rows = [row for row in BEFORE + WALK if row[1] is not EntryKind.DECIDED]
    (line,) = timelines(entries(rows), RTO_S)
    assert line.phases[Phase.DECIDE].start is None
    assert at(10) == line.phases[Phase.AUTHORISE].start
    assert 70 * 60 == line.reached_s


def test_a_resumed_run_waits_on_for_its_step_and_the_gap_is_idle() -> None:
    resumed: list[EntryRow] = [
        (50, EntryKind.RESUMED, None, {"run": "run-2"}),
        (51, EntryKind.MANUAL_WAIT, "traffic.origin", {"run": "run-2", "says": "change the record"}),
        *((minute, kind, step, {**data, "run": "run-2"}) for minute, kind, step, data in WALK[5:]),
    ]
    (line,) = timelines(entries(BEFORE + WALK[:5] + resumed), RTO_S)
    assert [("run-1", ""), ("run-2", "done")] == [(run.run, run.outcome) for run in line.runs]
    assert 600 == line.idle_s
    assert [900] == [wait.span.seconds for wait in line.waits]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ((EntryKind.OUTCOME, {"result": "throttled"}), "throttled"),
        ((EntryKind.UNDONE, {"undone": True}), "sent"),
        ((EntryKind.COMPENSATION, {"undone": False}), "failed"),
    ],
)
def test_a_calls_result_is_what_came_back(answer: tuple[EntryKind, dict[str, Any]], result: str) -> None:
    again: list[EntryRow] = [
        (
            25,
            EntryKind.INTENT,
            "compute/scale_dr_services:a",
            {"call": "ecs:UpdateService", "region": "dr", "undo": True},
        ),
        (26, answer[0], "compute/scale_dr_services:a", answer[1]),
    ]
    (line,) = timelines(entries(BEFORE + WALK[:2] + again), RTO_S)
    assert [("sent", False), (result, True)] == [(change.result, change.undo) for change in line.changes]


def test_two_steps_waited_for_at_once_count_once() -> None:
    both: list[EntryRow] = [
        (30, EntryKind.MANUAL_WAIT, "traffic.origin", {}),
        (35, EntryKind.MANUAL_WAIT, "compute/scale_dr_services:a", {}),
        (40, EntryKind.MANUAL_DONE, "traffic.origin", {}),
        (45, EntryKind.MANUAL_DONE, "compute/scale_dr_services:a", {}),
    ]
    assert 900 == timelines(entries(BEFORE + both), RTO_S)[0].waited_s


def test_a_failback_of_the_incident_has_its_own_timeline_but_no_new_plan() -> None:
    back: list[EntryRow] = [
        (100, EntryKind.DETECTED, None, {"moment": instant(at(100))}),
        (101, EntryKind.BEGIN, None, {"plan": plan(Goal.FAILBACK), "digest": "back"}),
    ]
    replanned: list[EntryRow] = [(25, EntryKind.BEGIN, None, {"plan": plan(), "digest": "def"})]
    there, home = timelines(entries(BEFORE + replanned + WALK + back), RTO_S)
    assert (("failover", ("abc", "def")), ("failback", ("back",))) == (
        (there.goal, there.digests),
        (home.goal, home.digests),
    )
    assert (70 * 60, None) == (there.reached_s, home.reached_s)
    assert at(100) == home.phases[Phase.DETECT].start


def test_without_a_plan_there_is_no_timeline() -> None:
    assert () == timelines([], RTO_S)
    assert () == timelines(entries(BEFORE[:3]), RTO_S)


def test_the_outage_has_a_clock_of_its_own_beside_the_runs() -> None:
    values = {"since": instant(at(-30)), "since_by": "ticket", "moment": instant(at(10))}
    (line,) = timelines(entries([(20, EntryKind.DETECTED, None, values), *BEFORE[1:], *WALK]), RTO_S)
    assert (line.since, line.since_by, line.reached_s, line.run_s) == (at(-30), "ticket", 100 * 60, 50 * 60)


def test_the_old_regions_tasks_and_its_last_request_are_measured() -> None:
    fence = "compute/fence_services:a"
    fenced: list[EntryRow] = [(21, EntryKind.INTENT, fence, {}), (24, EntryKind.CONFIRMED, fence, {})]
    validated: list[EntryRow] = [(70, EntryKind.VALIDATED, None, {"passed": True, "last_request": instant(at(59))})]
    (line,) = timelines(entries([*BEFORE, *fenced, *WALK[:7], *validated]), RTO_S)
    assert (line.fenced.seconds, line.drained.seconds) == (3 * 60, 3 * 60)
    (unseen,) = timelines(entries(BEFORE + WALK), RTO_S)
    assert (unseen.fenced.seconds, unseen.drained.seconds) == (None, None)


def failback(*more: EntryRow, promised_s: int = 600) -> list[EntryRow]:
    """A failback that freezes the database at minute 5, and leads visitors back by one step."""
    steps = (
        _step("database/freeze:mysql", 4),
        _step("traffic/shift_to_primary:zone", 4, manual=True),
    )
    whole = to_json(Plan("sit", "1", Goal.FAILBACK, "ON_DR", steps))
    return [
        (0, EntryKind.LOOKED, None, {"losses": [], "write_pause_s": promised_s}),
        (1, EntryKind.BEGIN, None, {"plan": whole}),
        (5, EntryKind.OUTCOME, "database/freeze:mysql", {"result": "sent"}),
        (6, EntryKind.CONFIRMED, "database/freeze:mysql", {}),
        (7, EntryKind.MANUAL_WAIT, "traffic/shift_to_primary:zone", {"says": "change it", "limit_s": 600}),
        *more,
    ]


def test_nobody_writes_from_the_freeze_until_the_visitors_are_led_back() -> None:
    moved: EntryRow = (27, EntryKind.CONFIRMED, "traffic/shift_to_primary:zone", {})
    (line,) = timelines(entries(failback(moved)), RTO_S)
    assert line.unwritable == Span(at(5), at(27))
    assert line.promised_pause_s == 600
    assert [wait.is_late for wait in line.waits] == [True]


def test_an_abort_ends_the_write_pause_of_thefailback() -> None:
    whole = to_json(Plan("sit", "1", Goal.ABORT, "RETURNING", (_step("database/unfreeze:mysql", 0),)))
    abort: list[EntryRow] = [
        (30, EntryKind.BEGIN, None, {"plan": whole}),
        (33, EntryKind.CONFIRMED, "database/unfreeze:mysql", {}),
    ]
    back, _ = timelines(entries(failback(*abort)), RTO_S)
    assert back.unwritable == Span(at(5), at(33))
    (still,) = timelines(entries(failback()), RTO_S)
    assert still.unwritable == Span(at(5), None), "no entry shows its end"


def test_in_an_outage_nobody_writes_until_visitors_are_led_away() -> None:
    (line,) = timelines(entries(BEFORE + WALK), RTO_S)
    assert line.unwritable == Span(at(0), at(56))
    assert not line.waits[0].is_late, "nothing limits it"


def test_waiting_for_an_approver_is_authorisation_and_not_detection() -> None:
    """A task of AWS looks only once the approver has let it start."""
    rows: list[EntryRow] = [
        (50, EntryKind.DETECTED, None, {"since": instant(at(0)), "moment": instant(at(4))}),
        (50, EntryKind.DECIDED, None, {"moment": instant(at(4))}),
        (50, EntryKind.AUTHORISED, None, {"moment": instant(at(45))}),
        (50, EntryKind.BEGIN, None, {"plan": plan()}),
    ]
    (line,) = timelines(entries(rows), RTO_S)
    spans = {phase: span.seconds for phase, span in line.phases.items()}
    assert (spans[Phase.DETECT], spans[Phase.DECIDE], spans[Phase.AUTHORISE]) == (4 * 60, 0, 41 * 60)
