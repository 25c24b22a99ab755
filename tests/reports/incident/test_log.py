"""The incident log says what was done, when, and whether the record can be believed, in each format."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal, read
from reports.incident import log as incident_log
from reports.incident.log import IncidentLog, render
from tests.dr_actions.control_tables import WORLD, Clock
from tests.dr_actions.journal.test_timeline import BEFORE, RTO_S, WALK, EntryRow

MANY: list[EntryRow] = [
    (23, EntryKind.INTENT, f"compute/scale_dr_services:t{number}", {"call": "ecs:UpdateService", "region": "dr"})
    for number in range(40)
]

TITLE = "SANDBOX REHEARSAL: Incident INC-1 in SIT (sandbox test, account 815856636111)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a whole run, really written."""
    clock = Clock()
    start = clock.at
    with Journal.open(tmp_path, "sit", "INC-1", "run-1", clock, world=WORLD) as journal:
        for minute, kind, step, data in [*BEFORE, *WALK[:2], *MANY, *WALK[2:]]:
            clock.at = start
            clock.move(minutes=minute)
            journal.append(kind, step, **data)
    return journal.path


def _log(path: Path) -> IncidentLog:
    return incident_log.incident_log(read(path, "sit", "INC-1"), "sit", "INC-1", str(path), RTO_S)


def test_the_text_shows_the_verdict_of_the_chain_first_within_100_columns(path: Path) -> None:
    message = render(_log(path), "terminal")
    assert message.startswith(f"{TITLE}\n")
    assert re.search(r"\n  chain intact: 55 entries, head [0-9a-f]{12}\.", message)
    assert max(len(line) for line in message.splitlines() if str(path)[:20] not in line) <= 100
    for text in (
        "failover: recovered in 1 h 10 min, objective 4 h: met",
        "DNS        2026-01-07 03:40:00   2026-01-07 03:56:00   16 min",
        "Changes: 1 of 41 calls were answered with success",
        "ecs:UpdateService in dr: 40 x no answer recorded",
        "Waited 15 min for steps taken by a person",
        "rpo by alice until later: known",
        "... and 37 more alike",
        "plan abc of 3 steps",
        "operator alice, approver bob",
    ):
        assert text in message
    assert len(message.splitlines()) < 60, "many alike are told once"


def test_the_markdown_holds_the_same_in_tables(path: Path) -> None:
    message = render(_log(path), "markdown")
    assert message.startswith(f"# {TITLE}\n")
    assert "| DNS | 2026-01-07 03:40:00 | 2026-01-07 03:56:00 | 16 min |" in message
    assert "- **Chain:** intact" in message


def test_the_json_has_the_keys_its_documentation_lists(path: Path) -> None:
    document = json.loads(render(_log(path), "json"))
    listed = set(re.findall(r"\w+", " ".join(re.findall(r"``([^`]+)``", incident_log.__doc__ or ""))))
    assert set(document) <= listed
    (line,) = document["timelines"]
    assert {"goal", "digests", "rto", "phases", "runs", "idle_s", "manual", "changes", "overrides"} == set(line)
    assert set(line) <= listed
    assert {"objective_s": RTO_S, "reached_s": 4200.0, "met": True} == {
        name: line["rto"][name] for name in ("objective_s", "reached_s", "met")
    }
    assert (line["rto"]["since_by"], line["rto"]["run_s"], line["rto"]["drained_s"]) == ("", 3000.0, None)
    assert ["detect", "decide", "authorise", "execute", "DNS", "validate"] == [
        phase["phase"] for phase in line["phases"]
    ]
    assert document["chain"]["intact"]
    assert path.read_text() == "".join(
        json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        for entry in document["entries"]
    ), "the entries are what was written, so that anybody can check the chain"


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_a_changed_line_is_reported_in_every_format_and_ends_the_trust(path: Path, form: str) -> None:
    path.write_text(path.read_text().replace("change the record", "leave the record"))
    message = render(_log(path), form)
    assert "BROKEN: The journal is broken at line 50" in " ".join(message.split())
    assert "validated" not in message


def test_a_torn_end_is_reported_and_an_empty_journal_too(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 3)
    assert "A torn last line of" in " ".join(render(_log(path), "terminal").split())
    path.write_bytes(b"")
    assert "Nothing is recorded." in render(_log(path), "terminal")


def test_another_format_is_refused_by_name(path: Path) -> None:
    with pytest.raises(ValueError, match="not written as csv: use terminal, markdown, json"):
        render(_log(path), "csv")
