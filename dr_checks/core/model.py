"""Types of judging: status, severity, finding, result, and the view from which a check judges. Pure.

A check is one decorated function in its service's module; the path is its id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import NamedTuple, TypeVar

from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration
from dr_estate.model.invocation import aws_command
from dr_estate.model.stores import DataStore
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, UnreadableRow
from dr_estate.reading.cloudwatch_metrics import Reading
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, shared_text
from dr_estate.snapshot.tenants import Tenant, discover, is_chosen

T = TypeVar("T")
_MINUTE_S = 60


class Status(StrEnum):
    """How a check, or one finding of it, came out. Unknown never counts as passed."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    EXCEPTED = "excepted"


# Unknown is the worst: it may be any failure. Not applicable is the least: one subject that was judged outweighs it.
_ORDER = [Status.NOT_APPLICABLE, Status.PASS, Status.EXCEPTED, Status.WARN, Status.FAIL, Status.UNKNOWN]


def worst(statuses: list[Status]) -> Status:
    """Return the worst of ``statuses``: pass < excepted < warn < fail < unknown; UNKNOWN of nothing."""
    return max(statuses, key=_ORDER.index, default=Status.UNKNOWN)


class Severity(StrEnum):
    """What a failed check means for a failover. The names are Allure's, so that reports agree."""

    BLOCKER = "blocker"
    CRITICAL = "critical"
    NORMAL = "normal"
    MINOR = "minor"


class Area(StrEnum):
    """What a check is about; the command line selects by these. VALIDATION holds of a failed-over estate alone."""

    REPLICATION = "replication"
    INFRASTRUCTURE = "infrastructure"
    DNS = "dns"
    TENANTS = "tenants"
    PREREQUISITES = "prerequisites"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Remedy:
    """How a finding is fixed: a sentence for a person, and the commands that do it where commands can.

    ``commands`` are complete lines for a shell, run in this order; none where a person decides or Terraform does.
    """

    sentence: str
    commands: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The sentence and its commands as one line of text."""
        return " ".join((self.sentence, *(f"`{command}`" for command in self.commands)))


def merged_remedies(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """Return each sentence once, in the order found, with the commands of all that say it."""
    commands: dict[str, dict[str, None]] = {}
    for remedy in remedies:
        # A dict keeps the order, and drops what two findings print alike.
        commands.setdefault(remedy.sentence, {}).update(dict.fromkeys(remedy.commands))
    return tuple(Remedy(sentence, tuple(lines)) for sentence, lines in commands.items() if sentence)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one subject. ``because`` is always set.

    ``remedy`` says what to do, or names the Terraform attribute. ``commands`` do it: complete lines for a shell, in
    their order; empty where the remedy is done by a person or by Terraform.
    ``unseen`` is what kept an UNKNOWN from being judged; None where all was read and still decides nothing.
    ``members`` is the whole list of what the finding is about, where ``measured`` shows a part of it.
    ``store`` is the store whose copy it is about, "" where it is about none or more. ``until_failback``: a failover
    makes it so on purpose, and the failback ends it. ``since`` is from when on it is so, None where nothing shows that.
    ``stops``: its tenant is not served in the DR region by it, however severe the check's other gaps are.
    ``depends_on`` is the resource that the subject stands and falls with, "" where it is none or not known.
    """

    check: str
    side: Side
    subject: str
    tenant: str | None
    status: Status
    measured: str
    wanted: str
    because: str
    remedy: str = ""
    unseen: Unavailable | None = None
    members: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    store: str = ""
    until_failback: bool = False
    since: datetime | None = None
    stops: bool = False
    depends_on: str = ""

    @property
    def healing(self) -> Remedy:
        """The remedy with its commands."""
        return Remedy(self.remedy, self.commands)

    @property
    def remedy_text(self) -> str:
        """The remedy and its commands as the end of a line of text, "" where there is none."""
        return f" Remedy: {self.healing}" if self.remedy else ""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a store's newest usable copy trails. ``seconds`` is None where it could not be measured.

    ``missing``: it was looked for, and there is no copy at all. ``unseen``: what kept it from being measured.
    ``at_most_s``: where it could not be measured now, how far it trails at most, by the last that was.
    """

    store: str
    subject: str
    tenant: str | None
    side: Side
    seconds: float | None
    basis: str
    missing: bool = False
    unseen: Unavailable | None = None
    at_most_s: float | None = None


_ALL_READ = (
    "All that AWS says was read: no permission shows more. Look at it in AWS itself, and run the check again later; if "
    "it is as wanted, accept this finding by an exception."
)


class NothingToJudge(Exception):
    """A check's subject is missing, as another check says, or none is needed (T44): it ends as not applicable."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(subject, reason)
        self.subject, self.reason = subject, reason


@dataclass(frozen=True)
class View:
    """What a check sees: the snapshot, the rules, and the side it is judging.

    ``without_workers``: it is about what visitors reach. ``unreadable`` collects the rows of the parts it asked for
    that were not understood, by their names.
    """

    check: str
    side: Side
    env: Environment
    snapshot: Snapshot
    only_tenants: frozenset[str] = frozenset()
    without_workers: bool = False
    unreadable: dict[str, UnreadableRow] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """When the snapshot was taken (UTC)."""
        return self.snapshot.taken_at

    @property
    def region(self) -> str:
        """The AWS region of the side being judged."""
        return self.env.region(self.side)

    @property
    def tenants(self) -> tuple[Tenant, ...]:
        """The tenants in question. Raises DataUnavailable where they cannot be discovered."""
        found = discover(self.snapshot, self.env)
        chosen = (tenant for tenant in found if is_chosen(tenant.id, self.only_tenants))
        return tuple(tenant for tenant in chosen if not (self.without_workers and self.env.is_worker(tenant.id)))

    @property
    def rpo_s(self) -> float:
        """The environment's recovery point objective in seconds."""
        return float(self.env.objectives.rpo_minutes * _MINUTE_S)

    def doubt(self, reading: Reading | None) -> str | None:
        """Why a metric proves nothing, or None where it may be believed: a missing or old one is never good news
        (T23).
        """
        limit = self.env.thresholds.metric_age_minutes
        age_s = reading.age_s(self.now) if reading else None
        # Before the age: a result of status InternalError comes without values, which is no proof of a broken link
        # (T62).
        if reading is not None and reading.flaw:
            return f"CloudWatch could not answer for {reading.name}: {reading.flaw}."
        if reading is None or age_s is None:
            return "The metric is not published; a broken replication publishes none."
        if age_s > limit * _MINUTE_S:
            return f"The newest value of {reading.name} is {duration(age_s)} old; after {limit} min it is too old."
        return None

    def command(self, service: str, operation: str, side: Side | None = None, /, **params: object) -> str:
        """Return the AWS CLI's command line for an API call in the region of this side, or of ``side``."""
        return aws_command(service, operation, self.env.region(side or self.side), **params)

    def get(self, reader: Reader[T], side: Side | None = None) -> T:
        """Return a part of the snapshot on this side, or on ``side``. Raises DataUnavailable: the finding becomes
        UNKNOWN.

        Its rows that were not understood are not in it: each becomes an UNKNOWN finding of the check by itself.
        """
        self.unreadable.update({row.name: row for row in self.snapshot.unreadable(reader, side or self.side)})
        return self.snapshot.get_readable(reader, side or self.side)

    def find(self, reader: Reader[tuple[T, ...]], side: Side | None = None, **wanted: object) -> T | None:
        """Return the part's first member of these values, None where there is none. Raises DataUnavailable."""
        return self.snapshot.find(reader, side or self.side, **wanted)

    def read_for_remedy(self, reader: Reader[T], side: Side | None = None) -> T | None:
        """Return a part that no judgement hangs on, but a remedy's commands do; None where it could not be read."""
        try:
            return self.snapshot.get_readable(reader, side or self.side)
        except DataUnavailable:
            return None

    def need(self, found: T | None, subject: str, reason: str) -> T:
        """Return what a check judges. Raises NothingToJudge where there is none of it: None, empty or false."""
        if not found:
            raise NothingToJudge(subject, reason)
        return found

    def ok(self, subject: str, measured: object, wanted: object, reason: str, tenant: str | None = None) -> Finding:
        """A thing that is as it must be."""
        return self._finding(Status.PASS, subject, measured, wanted, reason, "", tenant)

    def gap(
        self,
        subject: str,
        measured: object,
        wanted: object,
        reason: str,
        remedy: str | Remedy,
        tenant: str | None = None,
        *,
        stops: bool = False,
    ) -> Finding:
        """A thing that is not as it must be: FAIL; with ``stops`` a blocker."""
        found = self._finding(Status.FAIL, subject, measured, wanted, reason, remedy, tenant)
        return replace(found, stops=True) if stops else found

    def gap_of(
        self, members: tuple[str, ...], subject: str, measured: object, wanted: object, reason: str, remedy: str
    ) -> Finding:
        """A gap that is about a list of things: FAIL, with all of them as its ``members``."""
        return replace(self.gap(subject, measured, wanted, reason, remedy), members=members)

    def warn(
        self,
        subject: str,
        measured: object,
        wanted: object,
        reason: str,
        remedy: str | Remedy,
        tenant: str | None = None,
    ) -> Finding:
        """A thing that would hurt, but not stop, a failover: WARN."""
        return self._finding(Status.WARN, subject, measured, wanted, reason, remedy, tenant)

    def unknown(
        self, subject: str, wanted: object, unavailable: Unavailable | str, tenant: str | None = None, remedy: str = ""
    ) -> Finding:
        """A subject that could not be read, or whose data is inconclusive (a sentence): UNKNOWN.

        ``remedy`` is given where another helps than the usual one.
        """
        if isinstance(unavailable, str):
            return self._finding(Status.UNKNOWN, subject, "not seen", wanted, unavailable, remedy or _ALL_READ, tenant)
        measured, usual = "not seen", "Make it readable (permission, region, metric), then run the check again."
        if unavailable.kind is UnavailableKind.UNREADABLE:
            usual = _ALL_READ
        # What this machine cannot reach is not down (T71): no permission would help, another place to look from does.
        if unavailable.kind is UnavailableKind.NOT_REACHABLE:
            measured = "not reachable from here"
            usual = "Look from where it is reachable, or let this machine's address in; then run the check again."
        found = self._finding(Status.UNKNOWN, subject, measured, wanted, unavailable.why, remedy or usual, tenant)
        return replace(found, unseen=unavailable)

    def undecided(self, subject: str, wanted: object, reason: str, policies: str, tenant: str | None = None) -> Finding:
        """A subject that hangs on conditions of ``policies``, which only a request of the day meets or not: UNKNOWN."""
        remedy = (
            f"Compare the conditions of {policies} with a request of the day: no permission of the reader shows more. "
            "If all is as wanted, accept this finding by an exception."
        )
        return self._finding(Status.UNKNOWN, subject, "not seen", wanted, reason, remedy, tenant)

    def undocumented(self, subject: str, wanted: object, word: str, tenant: str | None = None) -> Finding:
        """A state that no vocabulary of ``dr_estate.model.states`` lists: UNKNOWN."""
        return self.unknown(subject, wanted, f"AWS does not document the state {word or '(none)'}.", tenant)

    def none_expected(self, subject: str, reason: str) -> Finding:
        """Nothing to judge: it is missing, as another check says, or none is needed (T44). That is no pass."""
        return self._finding(Status.NOT_APPLICABLE, subject, "none", "none needed", reason, "", None)

    def _finding(
        self,
        status: Status,
        subject: str,
        measured: object,
        wanted: object,
        reason: str,
        remedy: str | Remedy,
        tenant: str | None,
    ) -> Finding:
        how = Remedy(remedy) if isinstance(remedy, str) else remedy
        about, found, target = (shared_text(value) for value in (subject, measured, wanted))  # thousands say the same
        judged = (self.check, self.side, about, tenant, status, found, target, reason, how.sentence)
        return Finding(*judged, commands=how.commands)


Judge = Callable[[View], Iterator[Finding]]
Applies = Callable[[Environment], str | None]
LagJudge = Callable[[View], Iterator[Lag]]
_TRAP = re.compile(r"T\d\d")
PRIMARY_ONLY = (Side.PRIMARY,)
DR_ONLY = (Side.DR,)
BOTH = (Side.PRIMARY, Side.DR)
GLOBAL = (Side.GLOBAL,)


@dataclass(frozen=True)
class Check:
    """One truth about the estate. ``says`` is the sentence its scenario speaks in the Then step.

    ``traps`` are ids of docs/traps.md, ``rules`` names in other systems, ``applies`` gives the reason why not.
    ``stops``: some of its gaps are blockers, by what follows from them. ``none``: what it has no subject of, and the
    reason, where its judge may yield nothing: it is not applicable then.
    """

    id: str
    says: str
    severity: Severity
    area: Area
    sides: tuple[Side, ...]
    judge: Judge
    rules: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    applies: Applies | None = None
    stops: bool = False
    none: tuple[str, str] | None = None


class Cited(NamedTuple):
    """A judge with its rules and traps: what ``weigh`` completes."""

    judge: Judge
    rules: tuple[str, ...]
    traps: tuple[str, ...]


class Weighed(NamedTuple):
    """A judge and how much its findings weigh: what ``check`` completes."""

    cited: Cited
    severity: Severity
    area: Area
    sides: tuple[Side, ...]
    applies: Applies | None
    stops: bool


def check(message: str, *, none: tuple[str, str] | None = None) -> Callable[[Weighed], Check]:
    """Make a check of a judge, which yields findings for ``view.side``; it runs once a side.

    Three lines stand above a judge: what is true (``check``), what it weighs (``weigh``), what asks for it (``cite``).
    """

    def complete(weighed: Weighed) -> Check:
        (judge, rules, traps), severity, area, sides, applies, stops = weighed
        noun = judge.__module__.rpartition(".")[2]
        check_id = f"{noun}.{judge.__name__}".replace("_", "-")
        return Check(check_id, message, severity, area, sides, judge, rules, traps, applies, stops, none)

    return complete


def weigh(
    severity: Severity,
    area: Area,
    sides: tuple[Side, ...] = DR_ONLY,
    *,
    applies: Applies | None = None,
    stops: bool = False,
) -> Callable[[Cited], Weighed]:
    """Say how much a check weighs, where it is judged, and in which environments."""
    return lambda cited: Weighed(cited, severity, area, sides, applies, stops)


def cite(*names: str) -> Callable[[Judge], Cited]:
    """Say what asks for a check: traps of docs/traps.md by their ids, and the rules of others by their names."""
    traps = tuple(name for name in names if _TRAP.fullmatch(name))
    return lambda judge: Cited(judge, tuple(name for name in names if name not in traps), traps)


class LagSource:
    """A function that yields the lag of each copy of ``store`` on the DR side; found by being in a noun's module."""

    def __init__(self, store: DataStore, function: LagJudge) -> None:
        self.store, self.function = store, function


def lag_source(store: DataStore) -> Callable[[LagJudge], LagSource]:
    """Make a source of ``store``'s lags of the decorated function."""
    return partial(LagSource, store)


@dataclass(frozen=True)
class CheckResult:
    """How a check came out, with every finding. ``reason`` says why it was not applicable: no subject was examined.

    ``severity`` is the check's, or BLOCKER where a gap stops a tenant.
    """

    check: str
    severity: Severity
    area: Area
    status: Status
    findings: tuple[Finding, ...]
    scenario: str = ""
    feature: str = ""
    reason: str = ""

    @property
    def grade(self) -> str:
        """Its severity for people to read: what is a warning alone stops nothing, however grave its check can be."""
        return "warning" if self.status is Status.WARN else self.severity


def if_replicated(env: Environment) -> str | None:
    """For ``applies``: not applicable where the environment file expects no replication, with its reason."""
    return None if env.replicates else f"replication is not expected in {env.name}: {env.replication.reason}"
