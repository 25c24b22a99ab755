"""A run whose credentials end in the middle pauses, takes nothing back, and goes on with new ones by itself."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import read
from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.utils.forking import Command, begin
from tests.utils.running import PATIENCE_S, command_of, journal_of, rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

INCIDENT = "INC-20260107-001"
EXECUTE = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:sit-efs"
QUICK = "[execution]\npoll_s = 0.2\nlease_s = 8\nsign_in_wait_minutes = {}\n[observation]\nattempts = 1"
LONG_S = 3600.0
LOST = "The credentials are lost"
LAST = "ModifyDBInstance"
_OWN = {"connection", "content-length", "transfer-encoding"}
KINDS = {"Query", "TransactWriteItems", "UpdateItem", "PutLogEvents", "RestoreDBInstanceToPointInTime", "UpdateService"}


@dataclass(frozen=True)
class SignedIn:
    """A SIT whose primary region is lost, and an operator who signs in by a profile."""

    world: Endpoint
    home: Path

    def log_in(self, valid_s: float = LONG_S) -> None:
        """Write new temporary keys into the profile, as a login does."""
        keys = self.world.session_keys("operator", valid_s)
        lines = (
            "[operator]",
            f"aws_access_key_id = {keys.access_key_id}",
            f"aws_secret_access_key = {keys.secret_access_key}",
            f"aws_session_token = {keys.session_token}",
            "aws_expiration = 2099-01-07T18:00:00Z",  # of unknown end they would begin no run; they end sooner
        )
        self._write("credentials", "\n".join(lines))

    def _write(self, name: str, text: str) -> None:
        temporary = self.home / f"{name}.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.rename(self.home / name)

    def answer_by_process(self, valid_s: float) -> None:
        """Give the profile a credential_process, and keys of ``valid_s`` seconds to it."""
        keys = self.world.session_keys("operator", valid_s)
        answer = {
            "Version": 1,
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token,
            "Expiration": keys.expires_at.isoformat(),
        }
        self._write("answer.json", json.dumps(answer))
        self._write("config", f"[profile operator]\ncredential_process = /bin/cat {self.home / 'answer.json'}\n")

    def begin(self, sign_in_wait_minutes: float = 5, words: str = "") -> Command:
        """Begin the failover; it reads the profile alone."""
        config = rules(self.home, "sit", QUICK.format(sign_in_wait_minutes))
        variables = {
            "AWS_ENDPOINT_URL": self.world.url,
            "AWS_PROFILE": "operator",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "credentials"),
            "AWS_CONFIG_FILE": str(self.home / "config"),
        }
        command, env = command_of(f"-e sit --config {config} {EXECUTE} {words}", self.home, **variables)
        return begin(command, env, self.home / f"said-{time.monotonic_ns()}")

    def kinds(self) -> list[EntryKind]:
        """What the run's journal records so far."""
        path = journal_of(self.home, "sit", INCIDENT) if (self.home / "out" / "incidents").exists() else None
        return [entry.kind for entry in read(path, "sit", INCIDENT).entries] if path else []


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[SignedIn]:
    with borrowed(load_environment(rules(tmp_path, "sit", QUICK.format(5)), "sit"), 1) as world:
        world.timing(transition_s=3)
        world.inject("primary-dark")
        yield SignedIn(world, tmp_path)


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_run_waits_for_a_new_login_and_ends_well_in_the_same_process(operator: SignedIn) -> None:
    operator.log_in()
    command = operator.begin()
    until(lambda: EntryKind.OUTCOME in operator.kinds() or not command.goes_on)
    operator.world.expire_session_keys()
    until(lambda: LOST in command.err or not command.goes_on)
    time.sleep(9)  # longer than the lock's lease
    assert command.goes_on, command.err
    operator.log_in()
    assert command.wait(PATIENCE_S) == 0, command.err + command.out[-3000:]
    assert "aws configure --profile operator" in command.err
    assert {EntryKind.UNDONE, EntryKind.COMPENSATION, EntryKind.FAILED, EntryKind.LATE}.isdisjoint(operator.kinds())
    assert operator.kinds().count(EntryKind.BEGIN) == 1
    assert EntryKind.RESUMED not in operator.kinds()


def test_a_wait_that_ends_is_exit_3_with_the_login_and_is_resumable(operator: SignedIn) -> None:
    operator.log_in()
    command = operator.begin(sign_in_wait_minutes=0.02)
    until(lambda: EntryKind.OUTCOME in operator.kinds() or not command.goes_on)
    operator.world.expire_session_keys()
    assert command.wait(PATIENCE_S) == 3, command.out[-1500:] + command.err[-500:]
    message = " ".join(command.out.split())
    assert "No new credentials in 0.02 min" in message
    assert "Nothing was taken back" in message
    assert "aws configure --profile operator" in message
    operator.log_in()
    assert operator.begin().wait(PATIENCE_S) == 0
    assert EntryKind.UNDONE not in operator.kinds()


@contextmanager
def renewing(operator: SignedIn, valid_s: float) -> Iterator[list[int]]:
    """A source that gives new keys at half their life; yields how many there were."""
    over, times = threading.Event(), [1]
    operator.answer_by_process(valid_s)

    def renew() -> None:
        while not over.wait(valid_s / 2):
            operator.answer_by_process(valid_s)
            times[0] += 1

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()


def test_keys_of_seconds_are_renewed_by_the_profile_without_a_pause(operator: SignedIn) -> None:
    gate = "credentials.outlive-plan"
    with renewing(operator, 6) as times:
        command = operator.begin()
        assert command.wait(PATIENCE_S) == 0, command.err + command.out[-3000:]
    assert times[0] > 2
    assert "it is renewed by itself" in command.err
    assert LOST not in command.err
    assert gate not in command.err


@contextmanager
def forwarded(url: str, before: Callable[[str], None]) -> Iterator[str]:
    """The door's own URL; ``before`` hears of each call's operation before the world at ``url`` does."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            before(_operation(self, body))
            world = http.client.HTTPConnection(urlsplit(url).netloc)
            try:
                world.request(self.command, self.path, body or None, dict(self.headers))
                answer = world.getresponse()
                self._pass_on(answer, answer.read())
            except (OSError, http.client.HTTPException):  # a dark region hangs up
                self.close_connection = True
            finally:
                world.close()

        def _pass_on(self, answer: http.client.HTTPResponse, content: bytes) -> None:
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _operation(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """The operation by the names of AWS's protocols; of REST the method and the path's first parts."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    if body.startswith(b"Action="):
        return parse_qs(body.decode())["Action"][0]
    return " ".join((request.command, *urlsplit(request.path).path.split("/")[1:3]))


def _says(command: Command, sentence: str, times: int) -> bool:
    return command.err.count(sentence) == times or not command.goes_on


def test_keys_that_end_at_any_kind_of_call_pause_the_run_and_nothing_else(operator: SignedIn) -> None:
    """Every kind of call, up to the last change, is once the first that the old keys do not sign any more."""
    met, ends = set[str](), threading.Event()

    def end_keys(operation: str) -> None:
        if operation not in met and ends.is_set() and LAST not in met:
            met.add(operation)
            ends.clear()
            operator.world.expire_session_keys()

    with forwarded(operator.world.url, end_keys) as url:
        operator.log_in()
        command = replace(operator, world=replace(operator.world, url=url)).begin()
        until(lambda: EntryKind.OUTCOME in operator.kinds() or not command.goes_on)
        for times in itertools.count(1):
            ends.set()
            until(partial(_says, command, LOST, times))
            if not command.goes_on:
                break
            operator.log_in()
            until(partial(_says, command, "Credentials are there again", times))
        assert command.wait(PATIENCE_S) == 0, command.err + command.out[:3000]
    assert met >= KINDS
    assert {EntryKind.UNDONE, EntryKind.COMPENSATION, EntryKind.FAILED, EntryKind.LATE}.isdisjoint(operator.kinds())
