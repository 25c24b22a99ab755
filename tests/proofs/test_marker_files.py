"""The marker file's scripts by PHP as WordPress' image runs it, upon a real folder: a write refused in its midst."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.markers import file_scripts, scripts
from dr_estate.model.stores import FILE
from tests.proofs.test_markers_on_mariadb import PROGRAMS, SERVERS, outcome

pytestmark = pytest.mark.proof

NOBODY = 65534
MARKER = {"DR_MARKER": "INC-7/1"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A tenant's folder, of a user whom permissions bind: root writes wherever it likes."""
    path = Path(tempfile.mkdtemp(prefix="dr-folder-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def script(text: str, folder: Path, **variables: Any) -> subprocess.Popen[str]:
    """Start a script as ECS starts it in a tenant's container."""
    _, flag, code = scripts.command(text)
    given = {"DR_FOLDER": folder, "DR_SECONDS": 20, **MARKER, **variables}
    env = PROGRAMS | {name: str(value) for name, value in given.items()}
    words = [str(SERVERS / "usr/bin/php8.4"), "-n", flag, code]
    user = NOBODY if os.geteuid() == 0 else None
    return subprocess.Popen(
        words, env=env, user=user, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(text: str, folder: Path, **variables: Any) -> tuple[int, dict[str, Any]]:
    """The exit code of a script, and the last line that it printed."""
    return outcome(script(text, folder, **variables))


def freeze(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555)


def begun(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


def test_it_is_written_until_refused_then_found_elsewhere_and_removed(folder: Path) -> None:
    writer = script(file_scripts.WRITE, folder)
    assert begun(writer) == {"dr_marker": "INC-7/1", "begun": True, "n": 1}
    freeze(folder)
    code, refused = outcome(writer)
    assert (code, refused["refused"], refused["holds"]) == (0, True, "INC-7/1")
    assert refused["n"] >= 1
    code, again = ended(file_scripts.WRITE, folder, DR_MARKER="INC-7/2")
    assert (code, again["refused"], again["holds"], again["n"]) == (0, True, "INC-7/1", refused["n"])
    looked_for = {"DR_HOLDS": refused["holds"], "DR_NUMBER": refused["n"]}
    assert ended(file_scripts.FIND, folder, **looked_for)[0] == 0
    for lacking in ({"DR_NUMBER": refused["n"] + 1}, {"DR_HOLDS": "INC-7/2"}):
        code, found = ended(file_scripts.FIND, folder, DR_SECONDS=0, **looked_for | lacking)
        assert (code, found["found"]) == (3, False)
    assert ended(file_scripts.REMOVE, folder, DR_SECONDS=0)[0] == 3
    folder.chmod(0o777)
    assert ended(file_scripts.REMOVE, folder)[0] == 0
    assert list(folder.iterdir()) == []
    assert ended(file_scripts.REMOVE, folder)[0] == 0


def test_a_file_of_that_name_that_is_no_marker_is_never_touched(folder: Path) -> None:
    theirs = folder / FILE
    theirs.write_text("a tenant's own", encoding="utf-8")
    theirs.chmod(0o666)
    for text in (file_scripts.WRITE, file_scripts.FIND, file_scripts.REMOVE):
        code, answer = ended(text, folder)
        assert (code, "is not a marker of this tool" in answer["error"]) == (1, True), answer
    assert theirs.read_text(encoding="utf-8") == "a tenant's own"


def test_a_marker_that_is_taken_away_beneath_its_writer_is_not_made_again(folder: Path) -> None:
    writer = script(file_scripts.WRITE, folder)
    begun(writer)
    assert ended(file_scripts.REMOVE, folder)[0] == 0
    assert outcome(writer)[0] == 1
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_is_no_refusal(folder: Path) -> None:
    code, answer = ended(file_scripts.WRITE, folder / "absent")
    assert (code, "No such file" in answer["error"]) == (1, True), answer
