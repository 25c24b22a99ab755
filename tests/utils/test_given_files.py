"""Files that somebody else wrote hold up no command and take no memory without an end: one sentence, and its code."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind, entry_after
from dr_estate.config.given_file import LONGEST
from dr_estate.model.journal_chain import genesis
from dr_estate.model.world_id import WorldId
from reports.evidence.pack import manifest_of, pack_bytes
from reports.values.report import SCHEMA
from tests.utils.forking import begin
from tests.utils.running import Ran, command_of
from utils.aws_mgmt.app.exit_codes import Exit

PATIENCE_S = 90
RULES = '{"environment":{"objectives":{"rto_minutes":%s}}}'
READING = ("report {}", "report --merge {}", "-e sit diff {} {}", "-e sit evidence --run {}")


def ran(words: str, home: Path) -> Ran:
    """The command, which waits for nobody. Raises TimeoutError."""
    command, variables = command_of(words, home)
    running = begin(command, variables, home / "said")
    return Ran(running.wait(PATIENCE_S), running.out, running.err)


def refused(words: str, home: Path, reason: str) -> bool:
    """Whether the command ended with exit 2 and a sentence of ``reason``."""
    result = ran(words, home)
    text = result.out + result.err
    assert "Traceback" not in text
    assert "efect of this tool" not in text
    return (result.code, reason in " ".join(text.split())) == (Exit.USAGE, True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a run's results are."""
    path = tmp_path / "run"
    path.mkdir()
    return path


@pytest.mark.parametrize("words", READING)
def test_a_pipe_in_the_place_of_a_report_holds_up_no_command(words: str, folder: Path) -> None:
    os.mkfifo(folder / "report.json")
    assert refused(words.format(folder, folder), folder.parent, "report.json")


@pytest.mark.proof
@pytest.mark.parametrize("words", READING)
def test_a_report_of_gigabytes_is_refused_before_it_is_in_memory(words: str, folder: Path) -> None:
    with (folder / "report.json").open("wb") as file:
        file.truncate(4 * LONGEST)
    assert refused(words.format(folder, folder), folder.parent, "report.json")


@pytest.mark.proof
@pytest.mark.parametrize(
    "words",
    ["review {}", "evidence verify {}", "-e sit log --journal {}", "-e sit status --from-evidence {}"],
)
def test_a_named_file_of_gigabytes_is_refused_before_it_is_in_memory(words: str, tmp_path: Path) -> None:
    file = tmp_path / "sit-INC-1.journal.jsonl"
    with file.open("wb") as sparse:
        sparse.truncate(4 * LONGEST)
    assert refused(words.format(file), tmp_path, f"{file}: cannot be read: it is longer than 512 MB.")


@pytest.mark.parametrize("name", ["environment", "world", "recommendation", "score", "run", "drills"])
def test_a_report_whose_values_are_no_report_s_is_refused(name: str, folder: Path) -> None:
    whole = {"environment": "sit", "world": "sandbox", "recommendation": "READY", "score": 100}
    document = {"schema": SCHEMA, **whole, name: ["x"]}
    (folder / "report.json").write_text(json.dumps(document), encoding="utf-8")
    assert refused(f"report {folder}", folder.parent, f"is not a whole report of this tool ({SCHEMA})")


@pytest.mark.parametrize(
    "rules",
    ["[" * 200_000, *(RULES % minutes for minutes in ("1e308", "NaN", "Infinity", "9" * 400))],
    ids=["levels", "great", "no number", "endless", "digits"],
)
def test_a_pack_whose_rules_name_no_objective_is_reviewed_all_the_same(rules: str, tmp_path: Path) -> None:
    world, pack = WorldId.live("815856636111", ""), tmp_path / "pack"
    begun = datetime(2026, 1, 7, tzinfo=UTC)
    content = {"says": "so", "world": world.to_json()}
    entry = entry_after(genesis("sit", "INC-1", world), 1, begun, "run-1", EntryKind.NOTE, None, content)
    files = {"journal.jsonl": f"{entry.line}\n".encode(), "rules.json": rules.encode()}
    about = {"environment": "sit", "incident": "INC-1", "made_at": "", "not_included": []}
    pack.write_bytes(pack_bytes(files, manifest_of(files, about), None, "nobody was asked"))
    result = ran(f"review {pack}", tmp_path)
    assert (result.code, "efect of this tool" in result.err) == (Exit.READY, False), result.err


def test_a_public_key_of_json_without_an_end_of_levels_is_no_public_key(tmp_path: Path) -> None:
    key, pack = tmp_path / "key", tmp_path / "pack"
    key.write_text('{"PublicKey":' + "[" * 200_000 + "]" * 200_000 + "}")
    pack.write_bytes(b"x" * 512)
    assert refused(f"evidence verify {pack} --public-key {key}", tmp_path, "it holds no public key")
