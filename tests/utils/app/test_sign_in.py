"""A run that lost its credentials waits for the same person's, renews its lock first, and gives up in the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dr_actions.control_table.heartbeat import LockLost
from dr_actions.execution.run import CredentialsLost, RunStopped
from dr_actions.model.plan import FailureKind, SendFailed
from dr_estate.aws.read_client import Credentials, WrongAccount
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import Clock
from tests.utils.running import ROOT
from utils.aws_mgmt.app.connections import connect
from utils.aws_mgmt.app.sign_in import Caller, SignIn
from utils.aws_mgmt.app.target import ObservedWorld

SIT = load_environment(ROOT / "environments", "sit")
QUICK = SIT.model_copy(
    update={"execution": SIT.execution.model_copy(update={"poll_s": 0.001, "sign_in_wait_minutes": 30})}
)
OPERATOR = Caller("arn:aws:sts::815856636111:assumed-role/dr-operator/alice", "AROA:alice")
OTHER = Caller("arn:aws:sts::815856636111:assumed-role/dr-operator/bob", "AROA:bob")
EXPIRED = DataUnavailable(Unavailable(UnavailableKind.CREDENTIALS, "sts refused the credentials (ExpiredToken)."))
SILENT = DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, "sts does not answer."))
ELSEWHERE = WrongAccount("These credentials belong to account 111122223333.")


@dataclass
class Run:
    """A run whose STS answers one thing after another, ten minutes apart; the last one for good."""

    answers: list[Caller | Exception]
    lock_lost: str = ""
    ends_at_renewal: int = 0
    messages: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    regained: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.sign_in = SignIn(QUICK, self._ask, lambda: None, self.clock)

    def _ask(self) -> Caller:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        self.clock.move(minutes=10)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def regain(self) -> None:
        self.regained += 1
        if self.regained <= self.ends_at_renewal:
            raise SendFailed(FailureKind.CREDENTIALS, "dynamodb refused the credentials (ExpiredTokenException).")
        if self.lock_lost:
            raise LockLost(self.lock_lost)

    def record(self, *, says: str) -> None:
        self.recorded.append(says)

    def recover(self) -> bool:
        with self.sign_in.wait_for_credentials(self, self.stop, self.messages.append, self.record):
            return self.sign_in.recover()


def test_new_credentials_of_the_same_person_continue_after_a_lock_renewal() -> None:
    run = Run([OPERATOR, EXPIRED, EXPIRED, OPERATOR])
    assert run.recover()
    assert (run.regained, round(run.sign_in.lost_s)) == (1, 1200)
    assert "aws configure" in run.messages[0]
    assert "nothing is taken back" in run.messages[0]
    assert run.recorded == run.messages, "what is told of it is recorded"


def test_keys_that_expire_before_the_lock_renewal_are_waited_for_again() -> None:
    run = Run([OPERATOR, EXPIRED, OPERATOR, EXPIRED, EXPIRED, OPERATOR], ends_at_renewal=1)
    assert run.recover()
    assert run.regained == 2
    assert sum("nothing is taken back" in sentence for sentence in run.messages) == 2


@pytest.mark.parametrize("answer", [OPERATOR, SILENT])
def test_what_sts_does_not_refuse_is_not_lost(answer: Caller | Exception) -> None:
    run = Run([OPERATOR, answer])
    assert (run.recover(), run.messages, run.regained) == (False, [], 0)


@pytest.mark.parametrize("others", [OTHER, ELSEWHERE])
def test_nobody_elses_credentials_let_it_go_on(others: Caller | Exception) -> None:
    run = Run([OPERATOR, EXPIRED, others, OPERATOR])
    assert run.recover()
    assert any("Still paused" in sentence for sentence in run.messages)


def test_an_ended_wait_says_what_to_do_and_does_not_begin_again() -> None:
    run = Run([OPERATOR, EXPIRED])
    with run.sign_in.wait_for_credentials(run, run.stop, run.messages.append, run.record):
        with pytest.raises(CredentialsLost, match="Log in again"):
            run.sign_in.recover()
        assert not run.sign_in.recover()
    assert run.regained == 0


def test_in_a_write_pause_new_credentials_are_waited_for_until_they_come() -> None:
    run = Run([OPERATOR, *[EXPIRED] * 9, OPERATOR])
    with run.sign_in.wait_for_credentials(run, run.stop, run.messages.append, run.record):
        run.sign_in.waits_on = lambda: True
        assert run.sign_in.recover()
    assert run.sign_in.lost_s > QUICK.execution.sign_in_wait_minutes * 60
    assert "it goes on by itself." in run.messages[0], "no end is promised that does not come"
    assert not run.sign_in.waits_on()


def test_a_run_whose_lock_was_taken_over_meanwhile_ends() -> None:
    run = Run([OPERATOR, EXPIRED, OPERATOR], lock_lost="taken over")
    with pytest.raises(LockLost, match="taken over"):
        run.recover()


def test_an_operator_can_stop_the_wait() -> None:
    run = Run([OPERATOR, EXPIRED])
    run.stop.set()
    with pytest.raises(RunStopped):
        run.recover()


def _ended() -> None:
    raise LockLost("its lease ended")


def test_a_lease_lost_to_missing_credentials_is_renewed_and_no_other() -> None:
    run = Run([OPERATOR, EXPIRED, OPERATOR])
    with run.sign_in.wait_for_credentials(run, run.stop, run.messages.append, run.record):
        run.sign_in.check(_ended)
        assert run.regained == 1
        with pytest.raises(LockLost):
            run.sign_in.check(_ended)


def test_the_thread_of_the_heartbeat_waits_for_nothing() -> None:
    run, results = Run([OPERATOR, EXPIRED, OPERATOR]), list[bool]()
    with run.sign_in.wait_for_credentials(run, run.stop, run.messages.append, run.record):
        beat: Callable[[], None] = lambda: results.append(run.sign_in.recover())  # noqa: E731 - a thread's target
        thread = threading.Thread(target=beat)
        thread.start()
        thread.join()
    assert results == [False]


def test_a_watcher_takes_other_keys_only_where_sts_refuses_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "still good")
    Run([OPERATOR, OPERATOR]).sign_in.renew()
    assert os.environ["AWS_SESSION_TOKEN"] == "still good"
    Run([OPERATOR, EXPIRED]).sign_in.renew()
    assert "AWS_SESSION_TOKEN" not in os.environ


def test_the_next_look_uses_the_new_login_if_only_the_table_saw_its_end(
    sandbox_world: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def log_in(_: str = "") -> None:
        keys = sandbox_world.session_keys("operator", 3600)
        lines = (
            "[default]",
            f"aws_access_key_id = {keys.access_key_id}",
            f"aws_secret_access_key = {keys.secret_access_key}",
            f"aws_session_token = {keys.session_token}",
        )
        profile.write_text("\n".join(lines), encoding="utf-8")

    log_in()
    live = WorldId.live(sandbox_world.account, sandbox_world.url)
    app, run = connect(ObservedWorld(live, Credentials(sandbox_world.url)), QUICK), Run([OPERATOR])
    part = frozenset({"rds.instances"})
    with app.sign_in.wait_for_credentials(run, run.stop, log_in, run.record):
        before = app.world.observe(QUICK, part, sides=(Side.DR,))
        sandbox_world.expire_session_keys()
        app.control.in_force()
        assert run.regained == 1
        after = app.world.observe(QUICK, part, sides=(Side.DR,))
    assert after.parts["rds.instances", Side.DR].value == before.parts["rds.instances", Side.DR].value
