"""Killed at any moment, or out of disk: nothing that was acknowledged is lost, nothing half is believed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind
from tests.dr_actions.control_tables import Clock, alone

ROOT = Path(__file__).parents[3]

KILLED = """
    import os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from dr_actions.journal.entries import EntryKind
    from dr_actions.journal.journal import Journal
    from tests.dr_actions.control_tables import WORLD

    folder, point, at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    calls = {"n": 0}

    def die_at(name):
        real = getattr(os, name)
        def dying(*args):
            calls["n"] += 1
            if calls["n"] == at and point == f"before-{name}":
                os.kill(os.getpid(), signal.SIGKILL)
            if calls["n"] == at and point == f"within-{name}":
                real(args[0], bytes(args[1])[:40])
                os.kill(os.getpid(), signal.SIGKILL)
            told = real(*args)
            if calls["n"] == at and point == f"after-{name}":
                os.kill(os.getpid(), signal.SIGKILL)
            return told
        setattr(os, name, dying)

    journal = Journal.open(folder, "sit", "INC-1", "run-1", lambda: datetime.now(UTC), world=WORLD)
    die_at(point.partition("-")[2])
    for number in range(3):
        journal.append(EntryKind.INTENT, f"s{number}")
        print(number, flush=True)
"""


@pytest.mark.proof
@pytest.mark.parametrize("point", ["before-write", "within-write", "after-write", "before-fsync", "after-fsync"])
def test_killed_at_any_moment_of_an_append_nothing_acknowledged_is_lost(
    tmp_path: Path, clock: Clock, point: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), point, "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert -signal.SIGKILL == ran.returncode, ran.stderr
    acknowledged = len(ran.stdout.split())
    assert 1 == acknowledged
    with alone(tmp_path, clock) as journal:
        recorded = [entry.step for entry in journal.entries if entry.kind is EntryKind.INTENT]
        assert recorded in (["s0"], ["s0", "s1"])
        assert ("within" in point) == any(entry.kind is EntryKind.NOTE for entry in journal.entries)
        journal.append(EntryKind.RESUMED)
        journal.verify()


@pytest.mark.proof
def test_a_full_disk_is_said_and_leaves_no_half_line(tmp_path: Path, clock: Clock) -> None:
    code = """
        import resource, signal, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from dr_actions.journal.entries import EntryKind
        from dr_actions.journal.journal import Journal
        from tests.dr_actions.control_tables import WORLD

        journal = Journal.open(Path(sys.argv[1]), "sit", "INC-1", "run-1", lambda: datetime.now(UTC), world=WORLD)
        journal.append(EntryKind.LOOKED)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        try:
            journal.append(EntryKind.INTENT, "s", says="x" * 2000)
        except OSError as full:
            print(full.errno)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        journal.append(EntryKind.STOPPED)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "27") == (ran.returncode, ran.stdout.strip()), ran.stderr
    with alone(tmp_path, clock) as journal:
        assert [EntryKind.LOOKED, EntryKind.STOPPED] == [entry.kind for entry in journal.entries]
