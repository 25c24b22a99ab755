"""The only access to AWS for reading: session, verified account, and a client of read operations.

Every client of the session refuses an operation that is not in ``allowed`` (exact ``service:Operation`` names), and any
call after the deadline. Global services are called in us-east-1 (T01, T14); STS is always regional (T15).
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import botocore.config
import botocore.exceptions
import botocore.parsers
import botocore.session

from dr_estate import speed
from dr_estate.aws.clock import WorldClock, is_loopback
from dr_estate.aws.configured_endpoints import keep_loopback_hosts
from dr_estate.aws.errors import explain
from dr_estate.aws.foreign_answers import HALF, refuse_foreign_answers
from dr_estate.aws.immutable_answers import ImmutableAnswers
from dr_estate.aws.read_rules import ForbiddenCall, ReadRules, place_name, service_in
from dr_estate.aws.recording import CallLog, ExchangeRecorder
from dr_estate.aws.sign_in import CredentialSource
from dr_estate.config.environment import Environment, Side
from dr_estate.model.silent_servers import SilentServers
from dr_estate.model.unavailable import ODD, DataUnavailable, Unavailable, UnavailableKind, understand

if TYPE_CHECKING:
    from dr_estate.speed import AccountClients

# Sessions that nobody uses any more: they refer to themselves, so that only the collector of garbage frees them.
#
# botocore's models take a third of a megabyte to a whole one each, and a process that makes few other objects collects
# the old ones hardly ever: who waits an hour for credentials, or watches a dark region, would grow by hundreds of them.

_AT_ONCE = 4


class DroppedSessions:
    """What was done with, and is freed some at a time: a collection takes 0.1 s, and more with a large estate."""

    def __init__(self) -> None:
        self._dropped: weakref.WeakSet[object] = weakref.WeakSet()
        self._remained = 0

    def add(self, session: object) -> None:
        """Take ``session`` for one that nobody uses any more, but for calls that are under way."""
        self._dropped.add(session)

    def collect(self) -> None:
        """Free them where there are four more than could be freed the last time."""
        if len(self._dropped) >= self._remained + _AT_ONCE:
            gc.collect()
            self._remained = len(self._dropped)


Answer = dict[str, Any]


class WrongAccount(Exception):
    """The credentials belong to another account than the environment file names. Nothing else was called."""


@dataclass(frozen=True)
class Credentials:
    """How to reach a world: an endpoint and keys of the sandbox, or nothing for what boto3 finds by itself.

    ``recorder`` receives every call made with them, ``call_log`` logs each, and every answer corrects ``clock``, the
    world's. ``paced`` keeps to AWS's published rates at a loopback address, too. ``immutable`` are answers that need
    not be requested again; empty, unless a command that only reads provides some. ``silent_servers`` are the name
    servers that did not answer an observation, ``silent_places`` the regions that answered none of its calls in time.
    """

    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    recorder: ExchangeRecorder | None = field(default=None, repr=False, compare=False)
    clock: WorldClock = field(default_factory=WorldClock, repr=False, compare=False)
    call_log: CallLog | None = field(default=None, repr=False, compare=False)
    paced: bool = field(default=False, compare=False)
    immutable: ImmutableAnswers = field(default_factory=ImmutableAnswers, repr=False, compare=False)
    report: Callable[[str], None] = field(default=lambda _: None, repr=False, compare=False)
    """Receives the progress of a long read, as a sentence."""
    silent_servers: SilentServers = field(default_factory=SilentServers, repr=False, compare=False)
    silent_places: set[str] = field(default_factory=set, repr=False, compare=False)

    @property
    def of_clients(self) -> dict[str, str | None]:
        """Endpoint and keys by the names of botocore's ``create_client``."""
        keys = {"aws_access_key_id": self.access_key_id, "aws_secret_access_key": self.secret_access_key}
        return {"endpoint_url": self.endpoint_url, **keys}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is looking, as STS said, and which region's STS said so."""

    account: str
    arn: str
    region: str


class ReadClient(ReadRules):
    """A session that can only look. Thread-safe; one client for each service and region."""

    credentials: Credentials

    def __init__(self, environment: Environment, allowed: Iterable[str], credentials: Credentials) -> None:
        super().__init__(environment, allowed, credentials)
        limits = environment.observation
        config = botocore.config.Config(
            connect_timeout=limits.connect_timeout_s,
            read_timeout=limits.read_timeout_s,
            # Adaptive: botocore itself slows down where AWS throttles (boto3 guide, retries).
            retries={"mode": "adaptive", "total_max_attempts": limits.attempts},
            max_pool_connections=limits.workers,
            user_agent_extra="aws-dr-manager/read",
        )
        self.account = self._guarded_account(config)
        self.open()

    def open(self) -> None:
        """Begin an observation: nothing called, nothing known to be dark, the whole deadline left."""
        super().open()
        self.account.trust_all()

    def caller(self, service: str, region: str) -> Any:
        """Return what makes the calls of ``service`` in ``region``."""
        ready = speed.client(service, region, self.account)
        if is_loopback(ready.meta.endpoint_url) and not self.credentials.paced:
            self._unpaced.add((service, region))
        return ready

    def close_connections(self, *, for_good: bool = False) -> None:
        """Close this process's ends of all connections; ``for_good``: each lasts no longer than its call from now."""
        self.account.close(for_good=for_good)

    def call(self, service: str, region: str, doing: Callable[[Any], Any], absent: tuple[str, ...] = ()) -> Any:
        """Run ``doing`` with the client. Returns None where AWS answers with an error code in ``absent``.

        Raises DataUnavailable for every other answer that is not the thing asked for; from then on they have
        ``blinked``.
        """
        place = place_name(service, region)
        if reason := self._dark.reason(place):
            raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, reason, region))
        # By service as well: one that is ill in a region must not be asked for each tenant.
        if reason := self._dark.reason(service_in(service, place)):
            raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, reason, region, service=service))
        try:
            self._check_deadline()  # nor is a client made late
            caller = self.caller(service, region)
            try:
                answer = doing(caller)
            # A read may be sent again: half an answer comes of a connection that broke.
            except HALF:
                answer = doing(caller)
        # Nothing unseen: a call that is not declared is a fault of this program.
        except ForbiddenCall:
            raise
        except botocore.exceptions.ClientError as error:
            self._dark.note_answer(place, service)
            if error.response.get("Error", {}).get("Code") in absent:
                return None
            self.blinked = True
            raise DataUnavailable(replace(explain(error, service, region), service=service)) from error
        except (botocore.exceptions.BotoCoreError, botocore.parsers.ResponseParserError) as error:
            self.blinked = True
            unavailable = replace(explain(error, service, region), service=service)
            if unavailable.kind is UnavailableKind.UNREACHABLE:
                self._dark.note_failure(place, service, isinstance(error, _TIME_OUTS))
            raise DataUnavailable(unavailable) from error
        except ODD as odd:  # botocore's own handlers read members that its models call optional
            self.blinked = True
            reason = f"What {service} answered in {region} was not understood: {type(odd).__name__}: {odd}."
            raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason, region)) from odd
        self._dark.note_answer(place, service)
        return answer

    def prove_account(self) -> Identity:
        """Ask STS who we are, in the DR region first, then in the primary region (T15).

        Raises WrongAccount on a mismatch with the environment file, DataUnavailable where neither region's STS answers.
        """
        blind: list[str] = []
        # The DR region first: on the day that counts the primary's STS may not answer.
        for side in (Side.DR, Side.PRIMARY):
            region = self.environment.region(side)
            try:
                caller = self.call("sts", region, lambda client: client.get_caller_identity())
                account, arn = understand(partial(itemgetter("Account", "Arn"), caller), "The caller", region)
                identity = Identity(account, arn, region)
            except DataUnavailable as error:
                if error.unavailable.kind is UnavailableKind.CREDENTIALS:
                    raise
                blind.append(error.unavailable.why)
                continue
            if identity.account != self.environment.account:
                raise WrongAccount(
                    f"These credentials belong to account {identity.account} ({identity.arn}), but environment "
                    f"{self.environment.name} is account {self.environment.account}. Nothing was read. "
                    "Choose the right AWS_PROFILE, or the right -e."
                )
            return identity
        reason = f"No region's STS could prove the account: {' '.join(blind)} {_WAY}"
        raise DataUnavailable(Unavailable(UnavailableKind.UNREACHABLE, reason))

    def _guarded_account(self, config: botocore.config.Config) -> AccountClients:
        """An account whose every client is guarded. Signing in is not looking: a session of its own does that (T15)."""
        given, sign_in = self.credentials, botocore.session.Session()
        # The DR region's STS: tokens of the global endpoint are refused in opt-in regions (T15).
        sign_in.set_config_variable("region", self.environment.region(Side.DR))
        sign_in.set_default_client_config(config)
        listeners = [listener for listener in (given.recorder, given.call_log) if listener]
        account = speed.account(
            self.allowed, config=config, settings=given.of_clients, reading=self, is_heard=bool(listeners)
        )
        account.session.register_component("credential_provider", CredentialSource(sign_in))
        refuse_foreign_answers(account.session)
        keep_loopback_hosts(account.session)
        self._clock_hook.attach(account.session)
        account.session.register("getattr", _no_such_read, unique_id="declared-methods")
        for listener in listeners:
            listener.attach(account.session)
        return account


_TIME_OUTS = (botocore.exceptions.ReadTimeoutError, botocore.exceptions.ConnectTimeoutError)
_WAY = "Is the way from this machine to AWS open (network, proxy, AWS_ENDPOINT_URL)?"


def _no_such_read(event_name: str, **_: Any) -> None:
    """A client has methods for the declared reads alone; anything else asked of it is a forbidden call."""
    service, name = event_name.split(".", 2)[1:]
    if not name.startswith("_"):
        raise ForbiddenCall(f"{service}.{name} is not among the declared reads: it is never called.")
