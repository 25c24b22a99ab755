"""A full drill whose credentials end between two of its parts waits for new ones, as each part does, and ends well."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import read
from dr_estate.config.environment import load_environment
from tests.proofs.test_lost_credentials import LOST, QUICK, SignedIn, forwarded, until
from tests.utils.forking import Command, begin
from tests.utils.running import PATIENCE_S, command_of, rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

SHORT = """
[failback]
bake_minutes = 0.05
stable_minutes = 0
files_freeze_minutes = 0
dns_samples = 60
"""
LOOKS = ("DescribeServices", "DescribeDBInstances")


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[SignedIn]:
    with borrowed(load_environment(_rules(tmp_path), "sit"), 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0.5, files_lag_s=0.5, replica_lag_s=0, lag_published_s=0.5)
        yield SignedIn(world, tmp_path)


def _rules(home: Path) -> Path:
    folder = rules(home, "sit", QUICK.format(5) + SHORT)
    text = (folder / "sit.toml").read_text(encoding="utf-8")
    (folder / "sit.toml").write_text(text.replace("\nbake_minutes = 1\n", "\n"), encoding="utf-8")
    return folder


def _drill(operator: SignedIn, url: str) -> Command:
    config = _rules(operator.home)
    variables = {
        "AWS_ENDPOINT_URL": url,
        "AWS_PROFILE": "operator",
        "AWS_SHARED_CREDENTIALS_FILE": str(operator.home / "credentials"),
        "AWS_CONFIG_FILE": str(operator.home / "config"),
    }
    command, env = command_of(f"-e sit --config {config} test --full-drill", operator.home, **variables)
    return begin(command, env, operator.home / "said")


def _record(operator: SignedIn) -> tuple[Entry, ...]:
    path = next((operator.home / "out" / "incidents").rglob("sit-*.journal.jsonl"), None)
    return read(path, "sit", path.name.removeprefix("sit-").partition(".")[0]).entries if path else ()


def _begun(operator: SignedIn) -> int:
    return [entry.kind for entry in _record(operator)].count(EntryKind.BEGIN)


@contextmanager
def _without_keys_between_its_parts(operator: SignedIn) -> Iterator[Command]:
    """A drill whose keys ended when the next part looked at the estate; it is ended in the end."""
    ended = threading.Event()

    def end_keys(operation: str) -> None:
        record = () if ended.is_set() or operation not in LOOKS else _record(operator)
        if record and record[-1].kind is EntryKind.END:
            ended.set()
            operator.world.expire_session_keys()

    with forwarded(operator.world.url, end_keys) as url:
        operator.log_in()
        command = _drill(operator, url)
        try:
            until(lambda: LOST in command.err or not command.goes_on)
            assert command.goes_on, command.err + command.out[-3000:]
            assert _begun(operator) == 1
            yield command
        finally:
            with suppress(ValueError):  # it has ended
                command.kill()


def test_a_drill_waits_between_its_parts_for_a_new_login_and_goes_on(operator: SignedIn) -> None:
    with _without_keys_between_its_parts(operator) as command:
        operator.log_in()
        until(lambda: _begun(operator) > 1 or not command.goes_on)
        assert command.goes_on, command.err + command.out[-3000:]
        assert "Credentials are there again" in command.err


def test_a_drill_that_waits_between_its_parts_is_stopped_as_any_command(operator: SignedIn) -> None:
    with _without_keys_between_its_parts(operator) as command:
        os.kill(command.process.pid or 0, signal.SIGTERM)
        assert command.wait(PATIENCE_S) == Exit.INTERRUPTED
    assert "drill show` lists what is left of the drill" in " ".join(command.err.split())
