"""A disk that fills up during a run: the run goes on with the control table's record alone, and reports it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dr_actions.journal.entries import Chain, EntryKind, read_chain
from dr_actions.journal.journal import read
from dr_actions.journal.mirror import TableMirror
from dr_estate.config.environment import load_environment
from tests.utils.forking import Command, begin
from tests.utils.running import at_endpoint, command_of, journal_of, rules, signed_in
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app.connections import AppContext, connect

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.1\ncool_down_minutes = 0\n[observation]\nattempts = 1"
INCIDENT = "INC-9"
RUN = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:sit-efs"
PATIENCE_S = 600


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """A disk of eight megabytes at ``folder``. Fails where nobody may mount one."""
    folder.mkdir()
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    mount = [*as_root, "mount", "-t", "tmpfs", "-o", f"size=8m,mode=0777,uid={os.geteuid()}", "tmpfs", str(folder)]
    if shutil.which(mount[0]) is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.fail("This proof mounts a small disk (tmpfs): play it as root, or where `sudo -n mount` is allowed.")
    try:
        yield
    finally:
        subprocess.run([*as_root, "umount", "-l", str(folder)], check=True)


def _fill(folder: Path) -> None:
    """Write until there is no space left."""
    with (folder / "filling").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def _until_recorded(run: Command, out: Path, kind: EntryKind) -> None:
    ends = time.monotonic() + PATIENCE_S
    while (path := journal_of(out.parent, "sit", INCIDENT)) is None or kind not in {
        entry.kind for entry in read(path, "sit", INCIDENT).entries
    }:
        assert run.goes_on, run.err
        assert time.monotonic() < ends, run.err
        time.sleep(0.02)


def _mirrored(reach: AppContext) -> Chain:
    lines = TableMirror(reach.control).fetch(INCIDENT)
    return read_chain("".join(line + "\n" for line in lines).encode(), "sit", INCIDENT)


def test_a_run_on_a_full_disk_ends_with_its_record_in_the_control_table(tmp_path: Path) -> None:
    config, out = rules(tmp_path, "sit", QUICK), tmp_path / "out"
    env = load_environment(config, "sit")
    with borrowed(env, tenants=1) as world, _small_disk(out):
        world.inject("primary-dark")
        command, variables = command_of(f"-e sit --config {config} {RUN}", tmp_path, **signed_in(world, "operator"))
        run = begin(command, variables, tmp_path / "said")
        try:
            _until_recorded(run, out, EntryKind.INTENT)
            _fill(out)
            code = run.wait(PATIENCE_S)
        except BaseException:
            run.kill()
            raise
        assert 0 == code, run.err
        assert 1 == run.err.count("its record is kept in the control table alone"), run.err
        assert "No space left on device" in run.err
        assert "The files of this run are not complete" in run.out
        reach = connect(world_of(world, "operator"), env)
        path = journal_of(tmp_path, "sit", INCIDENT)
        assert path is not None
        local, mirrored = read(path, "sit", INCIDENT), _mirrored(reach)
        assert (None, None) == (local.fault, mirrored.fault)
        assert len(local.entries) < len(mirrored.entries)
        assert (EntryKind.END, "done") == (mirrored.entries[-1].kind, mirrored.entries[-1].data["outcome"])
        control_table_run = reach.control.in_force().known_run
        assert control_table_run is not None
        assert (True, "done") == (control_table_run.ended_at is not None, control_table_run.outcome)
        log = at_endpoint(world, tmp_path, f"-e sit --config {config} log --incident {INCIDENT} --format json")
        assert (0, len(mirrored.entries)) == (log.code, log.report["chain"]["entries"]), "the log reads the mirror"


def test_an_answer_is_given_where_the_disk_of_the_results_is_full(tmp_path: Path) -> None:
    config, out = rules(tmp_path, "sit", QUICK), tmp_path / "out"
    with borrowed(load_environment(config, "sit"), tenants=1) as world, _small_disk(out):
        _fill(out)
        seen = at_endpoint(world, tmp_path, f"-e sit --config {config} status --format json")
    assert "NORMAL" == seen.report["posture"], seen.err
    (note,) = [note for note in seen.report["notes"] if "has no room" in note]
    folder = Path(seen.report["files"]["Report"]).parent
    assert (True, True) == (str(folder) in note, (folder / "report.html").is_file())
    shutil.rmtree(folder.parent)
