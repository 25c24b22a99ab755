"""A run that loses its credentials waits for new ones: it fails nothing, takes nothing back, and goes on by itself.

Lost means that STS refuses them as well: what one service alone refuses is that service's answer. While it waits the
run cannot renew its lock, so another may take it over once the lease is over: the first thing done with new credentials
is to renew the lock, which the table refuses then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from dr_actions.authorization.people import same_person
from dr_actions.control_table.heartbeat import LockLost
from dr_actions.execution.run import CredentialsLost, RunStopped
from dr_actions.model.plan import FailureKind, SendFailed
from dr_estate.aws.clock import WorldClock
from dr_estate.aws.read_client import WrongAccount
from dr_estate.aws.sign_in import forget_expired_variables, login_command
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind


@dataclass(frozen=True)
class Caller:
    """Who is asking, as AWS says: the ARN and the unique user id."""

    arn: str
    userid: str


class RefusalKind(StrEnum):
    """Why credentials cannot be gone on with: LOST, AWS refuses them or there are none; OTHERS, another person's."""

    LOST = "lost"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class SignInRefusal:
    """Credentials that a run does not go on with, and a sentence."""

    kind: RefusalKind
    message: str


class RunLock(Protocol):
    """The lock of a run."""

    def regain(self) -> None:
        """Renew it after a time in which nothing could be sent. Raises LockLost, SendFailed."""
        ...


class NoteWriter(Protocol):
    """Writes a sentence into the run's journal."""

    def __call__(self, *, says: str) -> object:
        """Record what it says."""
        ...


@dataclass(frozen=True)
class RunInProgress:
    """Whose credentials are awaited: the run's lock, its stop, and who hears of the wait and records it."""

    lock: RunLock
    stop: threading.Event
    note: Callable[[str], None]
    record: NoteWriter
    thread: int


class SignIn:
    """The sign-in of one command. It waits within ``wait_for_credentials`` alone, in the thread of the plan.

    ``ask`` asks STS who is calling, with the current credentials; ``sign_in_again`` looks for the credentials again.
    While ``waits_on`` holds, as in a write pause, no wait for credentials is over: a run that ends ends no pause.
    """

    waits_on: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(
        self, env: Environment, ask: Callable[[], Caller], sign_in_again: Callable[[], None], clock: WorldClock
    ) -> None:
        self._env, self._ask, self._sign_in_again, self._clock = env, ask, sign_in_again, clock
        self.caller = ask()
        self._run: RunInProgress | None = None
        self._waiting, self.lost_s = False, 0.0

    @contextmanager
    def wait_for_credentials(
        self, lock: RunLock, stop: threading.Event, note: Callable[[str], None], record: NoteWriter
    ) -> Iterator[None]:
        """Within the block lost credentials are waited for; outside of it they are refused.

        A block within another is a part of it: what it waited for in vain, the outer one does not wait for again.
        """
        outer, self._run = self._run, RunInProgress(lock, stop, note, record, threading.get_ident())
        try:
            yield
        finally:
            self._run = outer if self._run is not None else None
            self.waits_on = type(self).waits_on

    def renew(self) -> None:
        """Where STS too refuses the credentials, have them looked for again: the profile's, if variables held them."""
        if self._refusal() is not None:
            forget_expired_variables()
            self._sign_in_again()

    def recover(self) -> bool:
        """Wait until AWS takes the credentials again, where it does not; whether they were lost.

        Raises CredentialsLost once execution.sign_in_wait_minutes are over, RunStopped where the operator stops the
        run, LockLost where another run took the lock over meanwhile.
        """
        run = self._run
        # Only the thread that runs the plan waits: the heartbeat would hold the lock's renewal back.
        if run is None or self._waiting or threading.get_ident() != run.thread:
            return False
        refusal = self._refusal()
        if refusal is None:
            return False
        began_s, self._waiting = self._clock.monotonic(), True
        try:
            self._wait(run, refusal)
            self._regain(run)
        except (CredentialsLost, RunStopped, LockLost):
            self._run = None  # the run ends: nothing more is waited for
            raise
        finally:
            self._waiting = False
            self.lost_s += self._clock.monotonic() - began_s
        return True

    def check(self, check_lock: Callable[[], None]) -> None:
        """Check the lock. One that ended while there were no credentials is renewed first. Raises LockLost."""
        try:
            check_lock()
        # The lock may have ended for want of keys alone: then nobody else has it, and it can be had again.
        except LockLost:
            if not self.recover():
                raise

    def _regain(self, run: RunInProgress) -> None:
        """Renew the lock. An answer that gets lost is asked for again; keys that ended meanwhile are waited for too."""
        attempt = 0
        while True:
            try:
                return run.lock.regain()
            except SendFailed as failed:
                refusal = self._refusal() if failed.trouble is FailureKind.CREDENTIALS else None
                # What failed for want of keys counts for no attempt: it was never judged by AWS.
                attempt += refusal is None
                if attempt == self._env.execution.attempts:
                    raise LockLost(f"The lock could not be renewed with the new credentials: {failed}") from failed
                if refusal:
                    self._wait(run, refusal)
                else:
                    self._clock.wait(run.stop, self._env.execution.poll_s)

    def _wait(self, run: RunInProgress, refusal: SignInRefusal) -> None:
        limits, began_s = self._env.execution, self._clock.monotonic()
        until = self._clock.now() + timedelta(minutes=limits.sign_in_wait_minutes)
        ends = "" if self.waits_on() else f", if that is by {until:%H:%M} UTC"
        # botocore asks variables before the profile: expired ones would hide the new login from it.
        dropped = forget_expired_variables()
        from_profile = " The keys in its variables are over: the profile counts from now on." if dropped else ""
        login = login_command()
        message = (
            f"The credentials are lost: {refusal.message} The run is paused and nothing is taken back. Log in again "
            f"(`{login}`): it goes on by itself{ends}.{from_profile}"
        )
        run.note(message)
        run.record(says=message)
        while True:
            is_over = self._clock.monotonic() - began_s >= limits.sign_in_wait_minutes * 60
            # A run that ends in a write pause leaves nobody to end the pause.
            if is_over and not self.waits_on():
                raise CredentialsLost(
                    f"No new credentials in {limits.sign_in_wait_minutes:g} min: {refusal.message} Nothing was taken "
                    f"back. Log in again (`{login}`)."
                )
            self._clock.wait(run.stop, limits.poll_s)
            if run.stop.is_set():
                raise RunStopped
            self._sign_in_again()
            found = self._refusal()
            if found is None:
                break
            # Said once for each kind, and not at each look: the wait may last for hours.
            if found.kind is not refusal.kind:
                run.note(f"Still paused: {found.message}")
            refusal = found
        back = f"Credentials are there again after {self._clock.monotonic() - began_s:.0f} s: the run goes on."
        run.note(back)
        run.record(says=back)

    def _refusal(self) -> SignInRefusal | None:
        """Why the credentials there are cannot be gone on with, None where they can."""
        try:
            caller = self._ask()
        except WrongAccount as wrong:
            return SignInRefusal(RefusalKind.OTHERS, str(wrong))
        except DataUnavailable as refused:
            lost = refused.unavailable.kind is UnavailableKind.CREDENTIALS
            # While the run waits, an STS that is silent means "not over yet"; before, silence alone proves no loss.
            return SignInRefusal(RefusalKind.LOST, refused.unavailable.why) if lost or self._waiting else None
        if same_person(caller.arn, self.caller.arn, self._env):
            return None
        message = f"They are of {caller.arn} now, and the run was ordered by {self.caller.arn}."
        return SignInRefusal(RefusalKind.OTHERS, message)
