"""What was written before the rooms were moved still loads, judges, plans and prints the same, ids mapped.

``evidence/`` and ``journals/`` are of the last version before: two estates, healthy, with a dark primary region, and
failed over. ``reports/`` is what that version gave for them, and was edited where a later version judges, plans or
reports on purpose otherwise: ``git log tests/golden/reports`` has each reason. Sentences may be reworded; other values
may not change without such an edit.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.registry import actions
from dr_actions.journal.entries import EntryKind, RecordedState, read_chain
from dr_actions.journal.journal import Journal, journal_path
from dr_actions.model.action_ids import present_id, present_name
from dr_checks.core.registry import checks
from dr_estate.snapshot.part_aliases import current_name
from tests.utils.running import Ran, dr_cli
from utils.aws_mgmt.app.authorization import recorded_by
from utils.aws_mgmt.app.incident_record import recorded_of

HERE = Path(__file__).parent
WORLDS = sorted(path.name.removesuffix(".json.xz") for path in (HERE / "evidence").glob("*.xz"))
COMMANDS = ("status", "failover", "failover --planned", "failback")
PROSE = frozenset(
    {
        "Comment",
        "api_calls",
        "at_most_s",
        "basis",
        "because",
        "digest",
        "feature",
        "files",
        "leaves",
        "measured",
        "next_step",
        "notes",
        "reason",
    }
    | {"posture_next", "posture_says", "posture_severity", "writers"}
    | {"commands", "reasons", "remedy", "rules", "says", "scenario", "source", "undo", "wanted", "why"}
    | {"growth", "plan_estimate_s", "rto_estimate_s", "score", "write_pause"}
)
"""Keys of sentences, of what two runs or versions differ in, of estimates (then by budgets), and of the score,
in which checks added since weigh as unseen, and which a failed blocker caps since.
"""

LIGHTER_SINCE = frozenset({"rds-copy.key-usable"})
"""Checks that block no more by themselves: another copy may be restored, which another check says."""

JUDGED_OTHERWISE_SINCE = frozenset(
    {"alarms.actions", "dns-choice.no-tenant-moves-all", "ecs.deployment-sound", "ecs.desired-and-running"}
    | {"health-checks.held-from-dr", "elbv2-routing.host-rules"}
)
"""Checks that an edit put on record also for the healthy estates, and whose result differs since."""

SUBJECTS_SINCE = frozenset({"prod-db-sg", "sit-db-sg"})
"""Subjects that checks of then judge since: the database's security group."""

ADDED_SINCE = frozenset({"unreadable"})
"""Keys that reports have since."""

LONGER_SINCE = {"files/replicate_to_primary": 14400, "backup/create_backups": 18000}
"""Seconds that a step may take since, at least: a first sync goes by what there is, and no longer by an hour; a backup
waits for its database's windows."""

WAITS_SINCE = {"StartWindowMinutes": 240}
"""What a call asks for since, at least: a backup that waits for its database's windows does not expire."""

PRESENT = {"part": current_name, "id": present_id, "step": present_id, "verb": present_name, "action": present_name}
"""What gives the present name of a value that was called differently, by its key."""


def sampled(beginning: str) -> list[Any]:
    """All worlds; those whose name begins otherwise as proofs."""
    return [w if w.startswith(beginning) else pytest.param(w, marks=pytest.mark.proof) for w in WORLDS]


def typed(value: Any, key: str = "") -> Any:
    """The value without its sentences, and with present names."""
    if isinstance(value, dict):
        if "budget_s" in value:
            value = value | {"budget_s": max(value["budget_s"], LONGER_SINCE.get(value.get("verb", ""), 0))}
        value = value | {name: max(value[name], least) for name, least in WAITS_SINCE.items() if name in value}
        return {name: typed(inner, name) for name, inner in value.items() if name not in PROSE | ADDED_SINCE}
    if isinstance(value, list):
        rows = [typed(inner) for inner in value if not _is_since(inner)]
        return sorted(rows, key=json.dumps) if key == "findings" else rows  # some were in no order before
    mapped = PRESENT.get(key)
    return mapped(value) if mapped and isinstance(value, str) else value


def _is_since(row: Any) -> bool:
    """Whether a row is of a check that was added since, as result or gate, or a finding on what is judged since."""
    if not isinstance(row, dict):
        return False
    return _checks_of(row) & _not_compared() != set() or row.get("subject") in SUBJECTS_SINCE


def _checks_of(row: dict[str, Any]) -> set[str]:
    return {str(row.get("check", "")), str(row.get("id", "")).removeprefix("check.")}


@cache
def _not_compared() -> frozenset[str]:
    """The checks that the reports of the healthy estates do not know, for they were added since, and the exceptions."""
    known = {name for path in (HERE / "reports").glob("*-healthy.json.xz") for name in _named(_unpacked(path))}
    return (frozenset(checks()) - known) | LIGHTER_SINCE | JUDGED_OTHERWISE_SINCE


def _named(value: Any) -> Iterator[str]:
    """What a report names as a check or by an id, at any depth."""
    if isinstance(value, dict):
        yield from _checks_of(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _named(inner)


def _unpacked(path: Path) -> Any:
    return json.loads(lzma.decompress(path.read_bytes()))


def judged(world: str, words: str, home: Path) -> Ran:
    """What a command says of the evidence of a world."""
    evidence = home / f"{world}.json"
    evidence.write_bytes(lzma.decompress((HERE / "evidence" / f"{world}.json.xz").read_bytes()))
    environment = world.partition("-")[0]
    return dr_cli(f"-e {environment} {words} --from-evidence {evidence} --format json", home)


def _whose(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("store", "subject", "tenant"))


def recorded(name: str) -> Any:
    return _unpacked(HERE / "reports" / f"{name}.json.xz")


@pytest.mark.parametrize("words", ["status", pytest.param("failback", marks=pytest.mark.proof)])
@pytest.mark.parametrize("world", sampled("sit"))
def test_evidence_is_judged_as_before(world: str, words: str, tmp_path: Path) -> None:
    ran = judged(world, words, tmp_path)
    assert f"{world}.json is UNSIGNED: an earlier version" in ran.err
    assert typed(recorded(world)[words]) == typed(ran.report)


@pytest.mark.parametrize("words", ["failover", pytest.param("failover --planned", marks=pytest.mark.proof)])
@pytest.mark.parametrize("world", sampled("prod-on-dr"))
def test_evidence_leads_to_the_same_plan_gates_and_losses(world: str, words: str, tmp_path: Path) -> None:
    before, now = recorded(world)[words], judged(world, words, tmp_path).report
    losses = now["data_loss"] if "--planned" in words else []
    # No version before said that a switchover loses nothing of what it proves whole.
    for row in (row for row in losses if row["store"] in ("files", "database") and row["seconds"] == 0):
        was = next(old for old in before["data_loss"] if _whose(old) == _whose(row) and old["seconds"] is not None)
        row |= {"seconds": was["seconds"], "items": was["items"]}
    assert typed(before) == typed(now)
    assert sorted(before["plan"]["notes"]) == sorted(now["plan"]["notes"])


@pytest.mark.parametrize("environment", ["prod", "sit"])
def test_a_journal_of_before_is_shown_as_it_was(environment: str, tmp_path: Path) -> None:
    name = f"{environment}-INC-123.journal.jsonl"
    path = tmp_path / name
    path.write_bytes(lzma.decompress((HERE / "journals" / f"{environment}-failover.journal.jsonl.xz").read_bytes()))
    ran = dr_cli(f"-e {environment} log --journal {path} --format json", tmp_path)
    assert (ran.code, ran.warned) == (0, "")
    before = recorded(f"{environment}-log")
    for line in before["timelines"]:
        empty = {"phase": "drain", "start": None, "end": None, "seconds": None}
        line["phases"].remove(empty)  # no version recorded its end: it is not listed any more
    now = ran.report
    for line in now["timelines"]:
        assert (line["rto"].pop("since_by"), line["rto"].pop("drained_s")) == ("", None)
        line["rto"] = {name: line["rto"][name] for name in ("objective_s", "reached_s", "met")}
    assert typed(before) == typed(now)


@pytest.mark.parametrize("environment", ["prod", "sit"])
def test_a_journal_of_before_that_was_cut_off_is_gone_on_with(environment: str, tmp_path: Path) -> None:
    """A run that this version resumes knows what the steps of the former names have done, and the plan's digest."""
    raw = lzma.decompress((HERE / "journals" / f"{environment}-failover.journal.jsonl.xz").read_bytes())
    lines = raw.splitlines(keepends=True)
    cut = max(number for number, line in enumerate(lines) if b'"kind":"confirmed"' in line) - 1
    path = journal_path(tmp_path, environment, "INC-123")
    path.write_bytes(b"".join(lines[:cut]))
    world = read_chain(raw, environment, "INC-123").world
    assert world is not None
    with Journal.open(tmp_path, environment, "INC-123", "later", lambda: datetime.now(UTC), world=world) as journal:
        begun = next(entry for entry in journal.entries if entry.kind is EntryKind.BEGIN)
        plan, clearance = recorded_by(begun)
        assert plan.digest == begun.data["digest"] == clearance.digest
        states = {step.id: journal.state_of(step.id) for step in plan.steps}
        done = {entry.step for entry in journal.entries if entry.kind is EntryKind.CONFIRMED}
        assert done == {step for step, state in states.items() if state is RecordedState.DONE}
        assert all(step.action in actions() for step in plan.steps)
        (left, *_) = [step for step, state in states.items() if state is not RecordedState.DONE]
        journal.append(EntryKind.CONFIRMED, left, says="seen")
        assert journal.state_of(left) is RecordedState.DONE
        assert recorded_of(journal.entries).keys() == states.keys()
    chain = read_chain(path.read_bytes(), environment, "INC-123")
    assert (chain.fault, len(chain.entries)) == (None, cut + 1)
    assert b"".join(lines[:cut]) == path.read_bytes()[: sum(map(len, lines[:cut]))]
