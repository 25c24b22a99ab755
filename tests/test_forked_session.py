"""Tests played in forked processes end as they do in one: passed, failed with their output, skipped, or killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.proof
ROOT = Path(__file__).parents[1]
_OF_THE_PLAYER = {"PYTEST_DEBUG_TEMPROOT", "DR_PROOFS", "DR_SHARD", "DR_WITHOUT"}
FIRST = """
from unittest import SkipTest
def test_passes(): pass
def test_fails():
    print("what it printed")
    assert 1 == 2
def test_skips(): raise SkipTest("not today")
"""
SECOND = """
import os, signal
def test_is_killed():
    os.kill(os.getpid(), signal.SIGKILL)
def test_passes(): pass
"""

DEAF = """
import signal, threading
def test_waits_without_an_ear():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    threading.Event().wait()
def test_passes(): pass
"""

WAITER = """
import threading
def test_waits():
    event = threading.Event()
    event.wait()
def test_passes(): pass
"""

LEAVER = """
import tempfile
from tests.utils.forking import begin, begin_server
tempfile.tempdir = "/tmp"  # a socket's path is short
begin_server()
def test_leaves_a_command(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text("import time; time.sleep(1000)")
    begin([str(script)], {}, tmp_path)
    assert False, "before it ended the command"
"""

WRITER = """
def test_writes(tmp_path): (tmp_path / "file").write_text("text")
def test_writes_and_{ends}(tmp_path):
    (tmp_path / "file").write_text("text")
    assert "{ends}" == "passes"
"""

FIXED = """
import pytest, time
@pytest.fixture
def world(): time.sleep(1)
def test_passes(world): pass
"""

PLAYER = """
import os, time
def test_notes_its_process():
    time.sleep({lasts_s})
    with open({path!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
"""


def _played(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-c", "/dev/null", "-p", "no:cacheprovider"]
    command += ["-p", "tests.forked_session", "--processes", "2", "--rootdir", str(folder), *options, str(folder)]
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    own = {name: value for name, value in os.environ.items() if name not in _OF_THE_PLAYER}
    env = {**own, "TMPDIR": str(temporary)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)


def test_each_test_is_played_once_and_its_outcome_and_output_are_reported(tmp_path: Path) -> None:
    for name in ("test_a.py", "test_b.py", "test_c.py"):
        (tmp_path / name).write_text(FIRST, encoding="utf-8")
    ran = _played(tmp_path)
    assert (1, "3 failed, 3 passed, 3 skipped") == (ran.returncode, ran.stdout.splitlines()[-1].partition(" in ")[0])
    assert 3 == ran.stdout.count("what it printed\n")
    assert "not today" in ran.stdout
    stopped = _played(tmp_path, "-x")
    assert (1, True) == (stopped.returncode, "stopping after 1 failures" in stopped.stdout), stopped.stdout


def test_a_process_that_is_killed_fails_its_test_alone(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(SECOND, encoding="utf-8")
    ran = _played(tmp_path)
    says = "The process that played test_a.py::test_is_killed was killed, and it did not end"
    assert (1, "1 failed, 1 passed") == (ran.returncode, ran.stdout.splitlines()[-1].partition(" in ")[0]), ran.stdout
    assert says in ran.stdout


def test_a_test_out_of_reach_of_its_limit_is_killed_and_shows_its_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_a.py").write_text(DEAF, encoding="utf-8")
    monkeypatch.setenv("DR_GRACE_S", "1")
    ran = _played(tmp_path, "--timeout=1")
    assert (1, "1 failed, 1 passed") == (ran.returncode, ran.stdout.splitlines()[-1].partition(" in ")[0]), ran.stdout
    assert "in test_waits_without_an_ear" in ran.stdout


def test_an_endless_test_fails_by_name_with_its_stack(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(WAITER, encoding="utf-8")
    ran = _played(tmp_path, "--timeout=1")
    assert (1, True) == (ran.returncode, "test_a.py::test_waits failed: " in ran.stdout), ran.stdout
    assert "> " in ran.stdout.partition("event.wait()")[0].splitlines()[-1], ran.stdout


def test_a_command_that_a_failed_test_left_does_not_keep_the_session(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(LEAVER, encoding="utf-8")
    ran = _played(tmp_path)
    assert (1, True) == (ran.returncode, "before it ended the command" in ran.stdout), ran.stdout


def test_the_files_of_the_house_are_played_by_one_process(tmp_path: Path) -> None:
    folder, noted = tmp_path / "tests" / "house", tmp_path / "processes"
    folder.mkdir(parents=True)
    for name in ("test_a.py", "test_b.py"):
        (folder / name).write_text(PLAYER.format(path=str(noted), lasts_s=0.3), encoding="utf-8")
    assert 0 == _played(tmp_path).returncode
    first, second = noted.read_text(encoding="utf-8").split()
    assert first == second


def test_a_long_test_keeps_no_other_file_waiting(tmp_path: Path) -> None:
    for name, lasts_s in (("a", 3), ("b", 0.1), ("c", 0.1)):
        text = PLAYER.format(path=str(tmp_path / name), lasts_s=lasts_s)
        (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
    assert 0 == _played(tmp_path).returncode
    long, *short = ((tmp_path / name).read_text(encoding="utf-8") for name in "abc")
    assert long not in short


def test_a_file_that_would_end_too_late_is_named_unless_a_whole_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("late")  # its commands' socket stands below: a path of at most 107 characters
    for name, mark in (("late", ""), ("whole", '@pytest.mark.whole_run("failover")\n')):
        text = f"import pytest\n{mark}def test_{name}(): pass\n"
        (folder / f"test_{name}.py").write_text(text, encoding="utf-8")
    ran = _played(folder, "--end-within=5", "-p", "tests.conftest")
    assert (0, True) == (ran.returncode, ran.stdout.splitlines()[-1].startswith("1 passed")), ran
    assert "Not begun, for want of time on this machine: 1 files (test_late.py)." in ran.stdout


def test_what_a_fixture_takes_is_recorded_as_its_file_s(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(FIXED, encoding="utf-8")
    recorded = tmp_path / "durations.json"
    assert 0 == _played(tmp_path, "-p", "tests.durations", f"--durations-file={recorded}").returncode
    row = json.loads(recorded.read_text(encoding="utf-8"))["test_a.py"]
    assert row["s"] >= 1
    assert row["waiting"] >= 0.5


def test_files_of_a_test_are_kept_only_where_it_failed(tmp_path: Path) -> None:
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(WRITER.format(ends="passes"), encoding="utf-8")
    assert 0 == _played(tmp_path).returncode
    assert [] == list((tmp_path / "temporary").iterdir())
    (tmp_path / "test_a.py").write_text(WRITER.format(ends="fails"), encoding="utf-8")
    failed = _played(tmp_path)
    (written,) = (tmp_path / "temporary").iterdir()
    assert (1, True) == (failed.returncode, f"What the tests wrote is in {written}.\n" in failed.stdout)
    assert [*written.rglob("test_writes_and_fails0/file")]
