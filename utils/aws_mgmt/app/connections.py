"""What a command that may change things holds: the world, its mutating client, the control table, and the caller."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dr_actions.actions.registry import actions, writes
from dr_actions.authorization.approvals import ApprovalStore
from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.control_table.control import ControlStore, MalformedItem
from dr_actions.control_table.table import CONTROL_CALLS, ConditionFailed
from dr_actions.guard.automation_exemptions import SIGNAL, START
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.iam.policies import WATCHING
from dr_actions.journal.entries import OtherWorld
from dr_actions.journal.journal import JournalInUse
from dr_actions.journal.mirror import ANCHOR_CALLS, RUN_FILE_CALLS, Anchors, MirrorFailed, RunFiles, anchors_of
from dr_actions.journal.stream_comparison import STREAM_CALLS, StreamAnchors
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.aws.clock import WorldClock, is_loopback
from dr_estate.aws.pace import Pace
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment, Side
from dr_estate.model.journal_chain import JournalBroken
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.snapshot.observer import forget_client
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.sign_in import Caller, SignIn
from utils.aws_mgmt.app.target import ObservedWorld, world_of

_WHO = "sts:GetCallerIdentity"
# The calls that ask AWS for a run, approve it and watch it: of the control stack's own document alone.
AUTOMATION_CALLS = WATCHING | {START, SIGNAL, "ssm:GetDocument"}
# The calls that sign an evidence pack: with the control stack's key alone, and nothing else.
SIGNING = frozenset({"kms:GetPublicKey", "kms:Sign"})


@dataclass(frozen=True)
class AppContext:
    """The open connections of one command."""

    env: Environment
    world: ObservedWorld
    client: MutatingClient[GuardContext]
    control: ControlStore
    approvals: ApprovalStore
    sign_in: SignIn
    anchors: tuple[Anchors, ...]
    stream: StreamAnchors | None = None
    starter: Caller | None = None
    run_files: RunFiles | None = None

    @property
    def caller(self) -> Caller:
        """The caller: for a task that AWS runs, the person who asked AWS for it."""
        return self.starter or self.sign_in.caller

    @property
    def clock(self) -> WorldClock:
        """The world's clock: what is recorded and decided goes by it."""
        return self.world.clock

    @property
    def pace(self) -> Pace | None:
        """AWS's published rates for the calls of one run; None at a loopback address, where nothing throttles."""
        url = self.world.credentials.endpoint_url
        return None if url is not None and is_loopback(url) else Pace(self.clock.monotonic)


@dataclass(frozen=True)
class ControlSender:
    """Sends the control table's calls, and no other. One that lost credentials refused had no effect: it goes again."""

    client: MutatingClient[GuardContext]
    context: GuardContext
    recover: Callable[[], bool]

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call of the control table. Raises GuardRefused, SendFailed, and what ``SignIn.recover`` raises."""
        with self.client.permitting(self.context):
            while True:
                try:
                    return self.client.send(call)
                except SendFailed as failed:
                    if failed.trouble is not FailureKind.CREDENTIALS or not self.recover():
                        raise


@contextlib.contextmanager
def open_context(options: Options, environment: Environment, clock: WorldClock | None = None) -> Iterator[AppContext]:
    """Open the world of ``options`` for changes. Raises WrongAccount, and DataUnavailable where STS does not answer.

    Not named ``open``: that would hide the builtin from this module.
    """
    with world_of(options, environment, clock) as world, refusals_of_connecting():
        yield connect(world, environment)


@contextlib.contextmanager
def refusals_of_connecting() -> Iterator[None]:
    """Convert errors that keep a command from beginning to those of the error boundary; nothing was changed.

    A record that cannot be continued is Refused; a control table that cannot be asked is DataUnavailable.
    """
    try:
        yield
    except (JournalBroken, JournalInUse) as record:
        raise Refused(f"journal: {record}") from record
    except OtherWorld as elsewhere:
        raise Refused(f"journal.world: {elsewhere}") from elsewhere
    except MalformedItem as odd:
        raise Refused(f"control.item: {odd}") from odd
    except ConditionFailed as raced:
        raise Refused(f"lock.held: {raced} Run the same command again.") from raced
    except (SendFailed, MirrorFailed) as silent:
        raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, f"{silent} Nothing was begun.")) from silent


def connect(
    world: ObservedWorld, environment: Environment, make: Callable[..., MutatingClient[GuardContext]] = MutatingClient
) -> AppContext:
    """Put together everything that may change ``world``, its account proven first. The composition root, tests too.

    ``make`` makes the client. Raises as ``open_context``.
    """
    # All that may ever leave this client. The guard still weighs each call by who makes it, and for what.
    declared = (
        writes()
        | CONTROL_CALLS
        | SIGNING
        | AUTOMATION_CALLS
        | ANCHOR_CALLS
        | STREAM_CALLS
        | RUN_FILE_CALLS
        | {_WHO}
        | frozenset().union(*(action.reads for action in actions().values()))
    )
    client = make(environment, world.credentials, declared, judge)
    again = partial(_sign_in_again, client)
    # It asks by this client, and not by `control`, which needs it to recover.
    sign_in = SignIn(environment, lambda: _caller(client, environment), again, world.clock)
    sender = ControlSender(client, GuardContext(environment, CONTROL_CALLS), sign_in.recover)
    control = ControlStore.of(environment, sender, world.clock)
    awaiting = replace(world, recover=sign_in.recover)
    approvals = ApprovalStore(control.table, world.clock.now)
    # The record's own calls have a context of their own: no action declares them, so no step may send them.
    record_calls = ANCHOR_CALLS | STREAM_CALLS | RUN_FILE_CALLS
    logs = ControlSender(client, GuardContext(environment, record_calls), sign_in.recover)
    anchors = anchors_of(logs, environment, world.clock)
    stream = StreamAnchors(logs, environment) if environment.names.stream_bucket else None
    files = RunFiles(logs, environment) if environment.names.anchor_bucket else None
    return AppContext(environment, awaiting, client, control, approvals, sign_in, anchors, stream, run_files=files)


def _sign_in_again(client: MutatingClient[GuardContext]) -> None:
    """Look for credentials again, for changes and for reads: either client may not have noticed that they expired."""
    client.sign_in_again()
    forget_client()


def _caller(client: MutatingClient[GuardContext], env: Environment) -> Caller:
    """Ask the DR region's STS who we are (T15), a few times where the answer gets lost."""
    call = Call("sts", "GetCallerIdentity", env.region(Side.DR), {})
    with client.permitting(GuardContext(env, frozenset({call.name}))):
        identity = _send_with_retries(client, call, env.execution.attempts)
    if identity["Account"] != env.account:
        raise WrongAccount(
            f"These credentials belong to account {identity['Account']} ({identity['Arn']}), but environment "
            f"{env.name} is account {env.account}. Nothing was changed. Choose the right AWS_PROFILE, or the right -e."
        )
    return Caller(str(identity["Arn"]), str(identity["UserId"]))


def _send_with_retries(client: MutatingClient[GuardContext], call: Call, attempts: int) -> dict[str, Any]:
    # UNCERTAIN too: GetCallerIdentity changes nothing, so it may be sent twice.
    passing = (FailureKind.THROTTLED, FailureKind.UNCERTAIN)
    for attempt in range(attempts):
        try:
            return client.send(call)
        except SendFailed as failed:
            if failed.trouble not in passing or attempt + 1 == attempts:
                kind = (
                    UnavailableKind.CREDENTIALS
                    if failed.trouble is FailureKind.CREDENTIALS
                    else UnavailableKind.UNREACHABLE
                )
                raise DataUnavailable(Unavailable(kind, str(failed))) from failed
    raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, f"{call.name} was not asked."))


def program_variables(app: AppContext) -> dict[str, str]:
    """This process's environment, with the run's own endpoint and keys where the sandbox gave them."""
    credentials = app.world.credentials
    # A program that a step starts knows only variables: what the sandbox gave this process as values goes there.
    own = {
        "AWS_ENDPOINT_URL": credentials.endpoint_url,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
    }
    return dict(os.environ) | {name: value for name, value in own.items() if value}
