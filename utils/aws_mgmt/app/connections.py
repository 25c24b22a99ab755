"""What a command that may change things holds: the world, hands for it, the control table, and who is asking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dr_actions.actions.registry import verbs, writes
from dr_actions.authorization.approvals import Approvals
from dr_actions.clients.mutating_client import Hands, SendFailed, Trouble
from dr_actions.control_table.control import CONTROL_CALLS, ConditionFailed, Control
from dr_actions.guard import backup_first, guard
from dr_actions.guard.evidence import Proven
from dr_actions.journal.journal import JournalBroken, JournalInUse, MirrorFailed
from dr_actions.journal.worlds import OtherWorld
from dr_actions.model.plan import Call
from dr_checks.derived.leftovers import leftovers
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unseen import Blindness, CannotSee, Unseen
from dr_estate.readers import route53
from dr_estate.snapshot.snapshot import Snapshot
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.target import World, world_of

_WHO = "sts:GetCallerIdentity"


@dataclass(frozen=True)
class Caller:
    """Who is asking, as AWS says: the ARN and the unique user id."""

    arn: str
    userid: str


@dataclass
class Zones:
    """The hosted zones a run may write to; unknown until a snapshot shows them, and then no other is.

    ``marked`` are the ids of what bears a drill's name: a drill alone may take it away.
    ``proven`` tells what a failback has on record at that moment: without it no data is brought home.
    """

    traffic: str = ""
    customers: dict[str, str] | None = None
    marked: frozenset[str] = frozenset()
    proven: Callable[[], Proven] = Proven

    def learn(self, snapshot: Snapshot, env: Environment) -> None:
        """Take the ids of the traffic zone and of the customers' zones from what was seen."""
        self.mark(snapshot, env)
        with contextlib.suppress(CannotSee):
            found = snapshot.get(route53.zones, Side.GLOBAL)
            self.traffic = next((z.id for z in found if z.name == env.traffic.zone and not z.private), "")
            hosts = [host for hosts in env.traffic.customer_hosts.values() for host in hosts]
            self.customers = {z.id: z.name for z in found if any(host.endswith(f".{z.name}") for host in hosts)}

    def mark(self, snapshot: Snapshot, env: Environment) -> None:
        """Take the ids of what bears a drill's name from what was seen; kept as they were where that is dark."""
        with contextlib.suppress(CannotSee):
            self.marked = frozenset(one.id for one in leftovers(snapshot, env))


@dataclass
class Reach:
    """The open connections of one command."""

    env: Environment
    world: World
    hands: Hands
    control: Control
    approvals: Approvals
    caller: Caller
    zones: Zones


def clock() -> datetime:
    """The time (UTC)."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class ControlSender:
    """Sends the control table's calls, and no other."""

    hands: Hands

    def send(self, call: Call) -> dict[str, Any]:
        """Send one call of the control table. Raises Guarded and SendFailed."""
        with self.hands.permitting(CONTROL_CALLS):
            return self.hands.send(call)


@contextlib.contextmanager
def reach(options: Options, environment: Environment) -> Iterator[Reach]:
    """Open the world of ``options`` for changes, and prove the account before anything else.

    Raises WrongAccount; CannotSee where the DR region's STS does not tell who is asking.
    """
    with world_of(options, environment) as world, in_words():
        yield reached(world, environment)


@contextlib.contextmanager
def in_words() -> Iterator[None]:
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
        raise CannotSee(Unseen(Blindness.UNREACHABLE, f"{silent} Nothing was begun.")) from silent


def reached(
    world: World, environment: Environment, make: Callable[..., Hands] = Hands, now: Callable[[], datetime] = clock
) -> Reach:
    """The connections to ``world``, its account proven: ``make`` makes the hands, ``now`` is the control table's clock.

    Raises as ``reach``.
    """
    zones = Zones()

    def ask_guard(call: Call, allowed: frozenset[str]) -> str | None:
        known, customers = zones.proven(), zones.customers or {}
        made = zones.marked | set(known.set_aside.values())
        refused = guard.refusal(call, environment, allowed, zones.traffic, customers, known.goal, known.proofs, made)
        refused = refused or backup_first.refusal(call, environment, known.proofs, known.frozen_at, known.absent)
        return f"{refused.rule}: {refused.says}" if refused else None

    declared = writes() | CONTROL_CALLS | {_WHO} | frozenset().union(*(verb.reads for verb in verbs().values()))
    hands = make(environment, world.credentials, declared, ask_guard)
    caller = _caller(hands, environment)
    control = Control.of(environment, ControlSender(hands), now)
    return Reach(environment, world, hands, control, Approvals(control.table, now), caller, zones)


def _caller(hands: Hands, env: Environment) -> Caller:
    """Ask the DR region's STS who we are (T15), a few times where the answer gets lost."""
    call = Call("sts", "GetCallerIdentity", env.region(Side.DR), {})
    said = _patiently(hands, call, env.execution.attempts)
    if said["Account"] != env.account:
        raise WrongAccount(
            f"These credentials belong to account {said['Account']} ({said['Arn']}), but environment {env.name} is "
            f"account {env.account}. Nothing was changed. Choose the right AWS_PROFILE, or the right -e."
        )
    return Caller(str(said["Arn"]), str(said["UserId"]))


def _patiently(hands: Hands, call: Call, attempts: int) -> dict[str, Any]:
    passing = (Trouble.THROTTLED, Trouble.UNCERTAIN)
    for attempt in range(attempts):
        try:
            with hands.permitting(frozenset({call.name})):
                return hands.send(call)
        except SendFailed as failed:
            if failed.trouble not in passing or attempt + 1 == attempts:
                kind = Blindness.CREDENTIALS if failed.trouble is Trouble.CREDENTIALS else Blindness.UNREACHABLE
                raise CannotSee(Unseen(kind, str(failed))) from failed
    raise CannotSee(Unseen(Blindness.UNREACHABLE, f"{call.name} was not asked."))
