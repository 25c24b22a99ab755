"""What stands in the control table: the stop switch, the open incident, and the overrides.

The table lives in the DR region (T42), so that it survives with it. deploy/ makes it with the string keys ``pk`` and
``sk``, on-demand billing, point-in-time recovery and deletion protection, and the index ``by-sk`` (``sk``, then ``pk``,
all attributes). Nothing is ever deleted: what is over is closed by an update, and ``HISTORY`` keeps what was done.
``dr_estate.model.control_items`` has the shape of each item; one of another shape holds what its kind holds.

=============================  ====================  ==============================================================
``pk``                         ``sk``                what
=============================  ====================  ==============================================================
``LOCK``                       ``RUN``               the run that holds the lock, or held it last (lock.py)
``DRILL#LOCK``                 ``RUN``               the same of trials, which a driller's keys may write
``STANDING``                   ``PAUSE``             the global stop switch
``STANDING``                   ``INCIDENT``          the open incident
``STANDING``                   ``OVERRIDE#<gate>``   a gate set aside by name
``STANDING``                   ``DATABASE``          the primary's database as it was last seen well
``STANDING``                   ``REFUSAL``           why the last run that AWS started was refused by its own task
``PAUSE#<aws:userid>``         ``PAUSE``             the stop switch under a person's own key, where AWS starts runs
``APPROVAL#<aws:userid>``      ``<incident>``        an approval (approvals.py); IAM (dynamodb:LeadingKeys) lets a
                                                     caller write only under the user id that AWS itself gives it
``JOURNAL#<incident>``         ``<number>``          the journal's mirror (mirror.py)
``RUN#<incident>``             ``<run>``             every run that took the lock
``HISTORY``                    ``<when>#<what>``     every change of what stands
``HISTORY#<kind>``             ``<when>#<run>``      every run of a kind (dr_estate/model/run_records.py)
``ASIDE#<pk>``                 ``<sk>#<when>``       an item that could not be read, as it was (set_aside.py)
=============================  ====================  ==============================================================
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dr_actions.control_table.table import (
    ConditionCheck,
    ConditionFailed,
    ItemTable,
    Put,
    SentTable,
    TableSender,
    Update,
    Write,
    WriteCondition,
)
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side
from dr_estate.model.control_items import (
    DATABASE,
    DRILL_LOCK,
    HISTORY,
    INCIDENT,
    LOCK,
    OVERRIDE,
    PAUSE,
    PAUSES,
    REFUSAL,
    RUN,
    STANDING,
    DatabaseRecord,
    UnreadableItem,
    is_closed,
    to_item,
    unreadable,
)
from dr_estate.model.dynamodb_values import instant, moment
from dr_estate.readers.control_table import (
    BEGUN,
    ControlState,
    Incident,
    Pause,
    RecordedOverride,
    in_force,
    with_own_pauses,
    words_of,
)

# An item holds 400 KB at most (DynamoDB Developer Guide, quotas): the oldest words give way.
_MOST_WORDS = 50
_TICK = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

# What stands has an empty closed_at: only what is absent or closed may be replaced.
_NOT_OPEN = WriteCondition("attribute_not_exists(#pk) OR #closed_at <> :none", {"none": ""})
_THERE = WriteCondition("attribute_exists(#pk)")
_OPEN = WriteCondition("#closed_at = :none", {"none": ""})


class IncidentOpen(Exception):
    """Another incident is open. Carries it."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"Incident {incident.id} is open since {incident.since:%Y-%m-%d %H:%M} UTC ({incident.stands_at}). Go on "
            f"with --incident {incident.id}: it closes when its failback is done."
        )
        self.incident = incident


class MalformedItem(Exception):
    """What a write builds upon cannot be read, so it is not written. Carries the item."""

    def __init__(self, item: UnreadableItem) -> None:
        super().__init__(item.says)
        self.item = item


class PausedForEver(Exception):
    """The stop switch is on by a word of the end of all time, after which no other comes."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(
            f"{pause.who} stopped all runs by a word of the end of all time, and nothing comes after it. Who "
            "administers the control stack deletes each item PAUSE# of the control table that holds a word of then."
        )


class Fenced(Exception):
    """The write came from a run that has lost the lock to another one. It was refused, and nothing was written."""


@dataclass(frozen=True, slots=True)
class WriteStop:
    """Nobody can write ``since`` then. From ``alarm_from`` on people are notified; ``ends_by`` is the command line."""

    since: datetime
    alarm_from: datetime
    ends_by: str


@dataclass(frozen=True, slots=True)
class Fence:
    """A run's proof that the lock is its own: its id and the fencing token it was given.

    ``recoveries`` is of a trial, whose lock is practice's own: the token of the last recovery as the trial began. A
    recovery that takes the lock since ends it.
    """

    run: str
    token: int
    recoveries: int | None = None

    def checks(self) -> list[ConditionCheck]:
        """The checks that go before the run's writes in one transaction, that of its lock first."""
        # By run and token: a takeover raises the token, and `set_aside` leaves one that no run had.
        mine = WriteCondition("#token = :token AND #run = :run", {"token": self.token, "run": self.run})
        if self.recoveries is None:
            return [ConditionCheck((LOCK, RUN), mine)]
        none_since = WriteCondition("attribute_not_exists(#pk) OR #token = :token", {"token": self.recoveries})
        return [ConditionCheck((DRILL_LOCK, RUN), mine), ConditionCheck((LOCK, RUN), none_since)]


class ControlStore:
    """The store. What the sender raises passes through every method."""

    def __init__(self, table: ItemTable, clock: WorldClock, *, own_keys: bool = False) -> None:
        self.table, self.clock, self.now, self._own_keys = table, clock, clock.now, own_keys

    @classmethod
    def of(cls, env: Environment, sender: TableSender, clock: WorldClock) -> ControlStore:
        """The store of the environment's control table over a guarded sender."""
        table = SentTable(sender, env.named(env.names.control_table), env.region(Side.DR))
        return cls(table, clock, own_keys=env.automation.enabled)

    def in_force(self) -> ControlState:
        """What stands now, who holds the lock, and which items cannot be read. Read consistently."""
        items = self.table.query(STANDING) + self.table.query(LOCK)
        return with_own_pauses(in_force(items), self.own_pauses())

    def own_pauses(self) -> list[dict[str, Any]]:
        """What people said under their own keys; nothing where they pause together."""
        if not self._own_keys:
            return []
        # An index by another key is eventually consistent (DynamoDB Developer Guide, "Read consistency"):
        # it gives the keys alone, and each item is read consistently by its own.
        keys = sorted({item["pk"] for item in self.table.query_by_sk(PAUSE) if item["pk"].startswith(PAUSES)})
        return [item for pk in keys if (item := self.table.get((pk, PAUSE)))]

    def write(self, writes: Sequence[Write], fence: Fence | None = None) -> None:
        """Write all or nothing; of a run that has lost the lock nothing (``fence``). Raises ConditionFailed, Fenced."""
        if fence is None:
            self.table.transact(writes)
            return
        checks = fence.checks()
        try:
            self.table.transact([*checks, *writes])
        except ConditionFailed as refused:
            # The checks come first in the transaction: the caller counts its own writes from 0.
            if min(refused.failed) >= len(checks):
                raise ConditionFailed(tuple(number - len(checks) for number in refused.failed)) from refused
            if 0 in refused.failed:
                raise Fenced(f"Run {fence.run} no longer holds the lock: another run took it over.") from refused
            raise Fenced(f"Run {fence.run} gives way: a recovery took the lock.") from refused

    def pause(self, who: str, reason: str, userid: str = "") -> Pause:
        """Turn the stop switch on; returns it, or the one that is on already and by whom.

        It is written before anything is read: what stands in the table, or does not answer, keeps nobody from stopping.
        Where AWS starts runs nobody may write what stands: it is said under the caller's own ``userid``.
        """
        at = self.now()
        if self._own_keys:
            return self._stop(Pause(who, reason, at), userid)
        item = {"who": who, "why": reason, "at": instant(at), "closed_at": ""}
        try:
            self._stand(PAUSE, item, who)
        except ConditionFailed:
            standing = self.in_force().pause
            if standing is None:
                raise
            return standing
        return Pause(who, reason, at)

    def _stop(self, pause: Pause, userid: str) -> Pause:
        """Say stop under the own key; then again, where it has to be newer than a word of a clock that is ahead.

        Returns who stopped all runs before, where somebody did.
        """
        pk, word = PAUSES + userid, {"at": instant(pause.at), "paused": True, "why": pause.why}
        item = {"pk": pk, "sk": PAUSE, "who": pause.who}
        before = self.table.replace(Put({**item, "words": [word]}))
        standing, others = None, _own_words(before)
        with contextlib.suppress(Exception):  # it is said already: what the others said decides only when it counts
            items = [item for item in self.own_pauses() if item["pk"] != pk]
            standing = with_own_pauses(in_force(self.table.query(STANDING)), items + ([before] if before else [])).pause
            others = [*others, *(word for item in items for word in _own_words(item))]
        newest = max(moment(row["at"]) for row in (*others, word))
        if others:
            # A clock may be ahead by thousands of years: one tick after the last moment would overflow.
            last = {**word, "at": instant(max(pause.at, min(newest, _LAST - _TICK) + _TICK))}
            self.table.put(Put({**item, "words": [*_own_words(before), last][-_MOST_WORDS:]}))
        return standing or pause

    def unpause(self, who: str, userid: str = "") -> None:
        """End the pause, regardless of who began it. Raises ConditionFailed where none is on, PausedForEver."""
        if self._own_keys:
            standing = self.in_force().pause
            if standing is not None and standing.at == _LAST:
                raise PausedForEver(standing)
            # Later than anybody's newest word. Nothing is later than the end of all time: then the pause counts.
            others = [word.at for item in self.own_pauses() for word in words_of(item)]
            newest = max([*others, *([standing.at] if standing else [])], default=_FIRST)
            at = max(self.now(), min(newest, _LAST - _TICK) + _TICK)
            key = (PAUSES + userid, PAUSE)
            words = [*_own_words(self.table.get(key)), {"at": instant(at), "paused": False, "why": ""}][-_MOST_WORDS:]
            self.table.put(Put({"pk": key[0], "sk": key[1], "who": who, "words": words}))
            return
        item = self.table.get((STANDING, PAUSE))
        if item is not None and is_closed(item):
            raise ConditionFailed((0,))  # it stays as it ended
        # One whose end cannot be read is on, and no condition can show that.
        when = _OPEN if item is not None and item.get("closed_at") == "" else _THERE
        self._change(PAUSE, {"closed_at": instant(self.now()), "closed_by": who}, who, when)

    def open_incident(
        self, incident: str, goal: str, since: datetime, by: str, phase: str = BEGUN, fence: Fence | None = None
    ) -> Incident:
        """Open it, or return it as it stands open. Raises IncidentOpen for another one, MalformedItem, Fenced."""
        standing = self._open_incident()
        if standing is None:
            item = {"incident": incident, "goal": goal, "since": instant(since), "phase": phase, "closed_at": ""}
            try:
                self._stand(INCIDENT, {**item, "unprotected_since": ""}, by, fence)
            # Somebody opened one between the read and the write: the second read says whose it is.
            except ConditionFailed:
                standing = self._open_incident()
                if standing is None:
                    raise
            else:
                return Incident(incident, goal, phase, moment(item["since"]), None)
        if standing.id != incident:
            raise IncidentOpen(standing)
        return standing

    def _open_incident(self) -> Incident | None:
        """The open incident. Raises MalformedItem for one that cannot be read."""
        standing = self.in_force().incident
        if isinstance(standing, UnreadableItem):
            raise MalformedItem(standing)
        return standing

    def enter_phase(
        self, incident: str, phase: str, by: str, fence: Fence | None = None, *, staged: bool | None = None
    ) -> None:
        """Say how far it is, and whether in stages (None: as it was). Raises ConditionFailed where not open, Fenced."""
        values = {"phase": phase} | ({} if staged is None else {"staged": staged})
        self._change(INCIDENT, values, by, _is_open(incident), fence)

    def set_unprotected_time(self, incident: str, since: datetime | None, by: str, fence: Fence | None = None) -> None:
        """Say since when there is no standby; None: there is one again. Raises ConditionFailed, Fenced as above."""
        values = {"unprotected_since": instant(since) if since else ""}
        self._change(INCIDENT, values, by, _is_open(incident), fence)

    def stop_writes(self, incident: str, stop: WriteStop | None, by: str, fence: Fence | None = None) -> None:
        """Say that nobody can write, or None: that all can again. Raises ConditionFailed, Fenced as above.

        A rule of the control stack reads it every ten minutes, and notifies people without any run.
        """
        since, alarm_from = (instant(stop.since), instant(stop.alarm_from)) if stop else ("", "")
        values = {"no_writes_since": since, "alarm_from": alarm_from, "ends_by": stop.ends_by if stop else ""}
        self._change(INCIDENT, values, by, _is_open(incident), fence)

    def close_incident(self, incident: str, by: str, fence: Fence | None = None) -> None:
        """Close it; its first end stands. Raises ConditionFailed where another one, or none, is open; Fenced."""
        values = {"closed_at": instant(self.now()), "closed_by": by}
        self._change(INCIDENT, values, by, _is_open(incident), fence)

    def override(self, override: RecordedOverride, fence: Fence | None = None) -> None:
        """Set a gate aside; the same gate's earlier override is replaced, and kept in the history. Raises Fenced."""
        item = {
            "gate": override.gate,
            "by": override.by,
            "why": override.why,
            "until": instant(override.until),
            "incident": override.incident,
            "plan": override.plan,
            "arn": override.arn,
            "closed_at": "",
        }
        self._stand(OVERRIDE + override.gate, item, override.by, fence, None)

    def remember(self, record: DatabaseRecord) -> None:
        """Remember the primary's database. It is no decision: no history is kept, and no lock is asked for."""
        self.table.put(Put({"pk": STANDING, "sk": DATABASE, **to_item(record)}))

    def record_refusal(self, incident: str, execution: str, says: str, by: str) -> None:
        """Record why a task refused the run that it was started for. No lock is asked for: the task has none."""
        item = {"incident": incident, "execution": execution, "says": says, "at": instant(self.now())}
        self._stand(REFUSAL, item, by, None, None)

    def _stand(
        self,
        sk: str,
        item: Mapping[str, Any],
        by: str,
        fence: Fence | None = None,
        when: WriteCondition | None = _NOT_OPEN,
    ) -> None:
        self.write([Put({"pk": STANDING, "sk": sk, **item}, when), self._history(sk, by, item)], fence)

    def _change(
        self, sk: str, values: Mapping[str, Any], by: str, when: WriteCondition, fence: Fence | None = None
    ) -> None:
        self.write([Update((STANDING, sk), values, when), self._history(sk, by, values)], fence)

    def _history(self, sk: str, by: str, values: Mapping[str, Any]) -> Put:
        return Put({"pk": HISTORY, "sk": f"{instant(self.now())}#{sk}", "by": by, "values": dict(values)})


def _own_words(item: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The words of a person's item; none where there is none, or it cannot be read."""
    return [] if item is None or is_closed(item) or unreadable(item) else list(item["words"])


def _is_open(incident: str) -> WriteCondition:
    return WriteCondition("#incident = :incident AND #closed_at = :none", {"incident": incident, "none": ""})
