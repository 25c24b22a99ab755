"""What a command that may change things holds: the world, hands for it, the control table, and who is asking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dr_actions.actions.registry import actions, writes
from dr_actions.authorization.approvals import ApprovalStore
from dr_actions.clients.mutating_client import FailureKind, MutatingClient, SendFailed
from dr_actions.control_table.control import CONTROL_CALLS, ConditionFailed, ControlStore
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.journal.entries import OtherWorld
from dr_actions.journal.journal import JournalBroken, JournalInUse, MirrorFailed
from dr_actions.model.plan import Call
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.target import ObservedWorld, world_of

_WHO = "sts:GetCallerIdentity"


@dataclass(frozen=True)
class Caller:
    """Who is asking, as AWS says: the ARN and the unique user id."""

    arn: str
    userid: str


@dataclass(frozen=True)
class AppContext:
    """The open connections of one command."""

    env: Environment
    world: ObservedWorld
    hands: MutatingClient[GuardContext]
    control: ControlStore
    approvals: ApprovalStore
    caller: Caller


def clock() -> datetime:
    """The time (UTC)."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class ControlSender:
    """Sends the control table's calls, and no other."""

    client: MutatingClient[GuardContext]
    context: GuardContext

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call of the control table. Raises Guarded and SendFailed."""
        with self.client.permitting(self.context):
            return self.client.send(call)


@contextlib.contextmanager
def open_context(options: Options, environment: Environment) -> Iterator[AppContext]:
    """Open the world of ``options`` for changes. Raises WrongAccount, and CannotSee where STS does not answer.

    Not named ``open``: that would hide the builtin from this module.
    """
    with world_of(options, environment) as world, refusals_of_connecting():
        yield connect(world, environment)


@contextlib.contextmanager
def refusals_of_connecting() -> Iterator[None]:
    """What keeps a command from beginning, as the error wall tells it: nothing was changed by it.

    A record that cannot be gone on with is Refused; a control table that cannot be asked is CannotSee.
    """
    try:
        yield
    except (JournalBroken, JournalInUse) as record:
        raise Refused(f"journal: {record}") from record
    except OtherWorld as elsewhere:
        raise Refused(f"journal.world: {elsewhere}") from elsewhere
    except ConditionFailed as raced:
        raise Refused(f"lock.held: {raced} Run the same command again.") from raced
    except (SendFailed, MirrorFailed) as silent:
        raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, f"{silent} Nothing was begun.")) from silent


def connect(
    world: ObservedWorld,
    environment: Environment,
    make: Callable[..., MutatingClient[GuardContext]] = MutatingClient,
    now: Callable[[], datetime] = clock,
) -> AppContext:
    """Put together everything that may change ``world``, its account proven first. The composition root, tests too.

    ``make`` makes the hands, ``now`` is the control table's clock. Raises as ``open_context``.
    """
    declared = writes() | CONTROL_CALLS | {_WHO} | frozenset().union(*(action.reads for action in actions().values()))
    client = make(environment, world.credentials, declared, judge)
    caller = _caller(client, environment)
    control = ControlStore.of(environment, ControlSender(client, GuardContext(environment, CONTROL_CALLS)), now)
    return AppContext(environment, world, client, control, ApprovalStore(control.table, now), caller)


def _caller(client: MutatingClient[GuardContext], env: Environment) -> Caller:
    """Ask the DR region's STS who we are (T15), a few times where the answer gets lost."""
    call = Call("sts", "GetCallerIdentity", env.region(Side.DR), {})
    with client.permitting(GuardContext(env, frozenset({call.name}))):
        identity = _send_with_retries(client, call, env.execution.attempts)
    if identity["Account"] != env.account:
        raise WrongAccount(
            f"These credentials belong to account {identity['Account']} ({identity['Arn']}), but "
            f"environment {env.name} is "
            f"account {env.account}. Nothing was changed. Choose the right AWS_PROFILE, or the right -e."
        )
    return Caller(str(identity["Arn"]), str(identity["UserId"]))


def _send_with_retries(client: MutatingClient[GuardContext], call: Call, attempts: int) -> dict[str, Any]:
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
