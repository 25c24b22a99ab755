"""What stands in the control table: the stop switch, the open incident, and the overrides.

The table lives in the DR region (T42), so that it survives with it. deploy/ makes it with the string keys ``pk`` and
``sk``, on-demand billing, point-in-time recovery and deletion protection, and the index ``by-sk`` (``sk``, then ``pk``,
all attributes). Nothing is ever deleted: what is over is closed by an update, and ``HISTORY`` keeps what was done.

=============================  ====================  ==============================================================
``pk``                         ``sk``                what
=============================  ====================  ==============================================================
``LOCK``                       ``RUN``               the run that holds the lock, or held it last (lock.py)
``STANDING``                   ``PAUSE``             the global stop switch
``STANDING``                   ``INCIDENT``          the open incident
``STANDING``                   ``OVERRIDE#<gate>``   a gate set aside by name
``STANDING``                   ``DATABASE``          the primary's database as it was last seen well
``PAUSE#<aws:userid>``         ``PAUSE``             the stop switch under a person's own key, where AWS starts runs
``APPROVAL#<aws:userid>``      ``<incident>``        an approval (approvals.py); IAM (dynamodb:LeadingKeys) lets a
                                                     caller write only under the user id that AWS itself gives it
``JOURNAL#<incident>``         ``<number>``          the journal's mirror (mirror.py)
``RUN#<incident>``             ``<run>``             every run that took the lock
``HISTORY``                    ``<when>#<what>``     every change of what stands
=============================  ====================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dr_actions.control_table.table import (
    CONTROL_CALLS,
    ConditionCheck,
    ConditionFailed,
    ItemTable,
    Key,
    Put,
    SentTable,
    TableSender,
    Update,
    Write,
    WriteCondition,
)
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side
from dr_estate.model.database_record import DatabaseRecord, to_item
from dr_estate.model.dynamodb_values import instant, moment
from dr_estate.readers.control_table import (
    BEGUN,
    DATABASE,
    INCIDENT,
    LOCK,
    OVERRIDE,
    PAUSE,
    PAUSES,
    RUN,
    STANDING,
    ControlState,
    Incident,
    Pause,
    RecordedOverride,
    in_force,
    with_own_pauses,
    words_of,
)

__all__ = [
    "CONTROL_CALLS",
    "ConditionFailed",
    "ControlStore",
    "Fence",
    "Fenced",
    "IncidentOpen",
    "MalformedItem",
    "PausedForEver",
]

HISTORY = "HISTORY"
_MOST_WORDS = 50
_TICK = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_NOT_OPEN = WriteCondition("attribute_not_exists(#pk) OR #closed_at <> :none", {"none": ""})
_THERE = WriteCondition("attribute_exists(#pk)")


class IncidentOpen(Exception):
    """Another incident is open. Carries it."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(
            f"Incident {incident.id} is open since {incident.since:%Y-%m-%d %H:%M} UTC ({incident.stands_at}). Go on "
            f"with --incident {incident.id}: it closes when its failback is done."
        )
        self.incident = incident


class MalformedItem(Exception):
    """What stands in the table cannot be read, so nothing may be changed. Carries the item's ``sk``."""

    def __init__(self, key: Key, reason: str) -> None:
        remedy = "Correct it by what the partition HISTORY has of it, or restore the table to a point in time."
        if key[1] == PAUSE:
            remedy = "It holds as a pause does; once it is known who wrote it, `dr_cli.py unpause` closes it."
        super().__init__(f"The item {key[0]} / {key[1]} of the control table cannot be read ({reason}). {remedy}")
        self.sk = key[1]


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
class Fence:
    """A run's proof that the lock is its own: its id and the fencing token it was given."""

    run: str
    token: int

    def check(self) -> ConditionCheck:
        """The check that goes before the run's writes in one transaction."""
        mine = WriteCondition("#token = :token AND #run = :run", {"token": self.token, "run": self.run})
        return ConditionCheck((LOCK, RUN), mine)


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
        """What stands now, and who holds the lock. Read consistently. Raises MalformedItem."""
        items = self.table.query(STANDING) + self.table.query(LOCK)
        for item in items:
            try:
                in_force([item])
            except (KeyError, TypeError, ValueError, AttributeError) as odd:
                raise MalformedItem((item["pk"], item["sk"]), f"{type(odd).__name__}: {odd}") from odd
        return with_own_pauses(in_force(items), self.own_pauses())

    def own_pauses(self) -> list[dict[str, Any]]:
        """What people said under their own keys; nothing where they pause together."""
        if not self._own_keys:
            return []
        keys = sorted({item["pk"] for item in self.table.query_by_sk(PAUSE) if item["pk"].startswith(PAUSES)})
        return [item for pk in keys if (item := self.table.get((pk, PAUSE)))]

    def write(self, writes: Sequence[Write], fence: Fence | None = None) -> None:
        """Write all or nothing; of a run that has lost the lock nothing (``fence``). Raises ConditionFailed, Fenced."""
        if fence is None:
            self.table.transact(writes)
            return
        try:
            self.table.transact([fence.check(), *writes])
        except ConditionFailed as refused:
            if 0 in refused.failed:
                raise Fenced(f"Run {fence.run} no longer holds the lock: another run took it over.") from refused
            raise ConditionFailed(tuple(number - 1 for number in refused.failed)) from refused

    def pause(self, who: str, reason: str, userid: str = "") -> Pause:
        """Turn the stop switch on; returns it, or the one that is on already and by whom.

        Where AWS starts runs nobody may write what stands: it is said under the caller's own ``userid``.
        """
        if self._own_keys:
            standing = self.in_force().pause
            return standing or Pause(who, reason, self._say(who, userid, paused=True, why=reason))
        item = {"who": who, "why": reason, "at": instant(self.now()), "closed_at": ""}
        try:
            self._stand(PAUSE, item, who)
        except ConditionFailed:
            standing = self.in_force().pause
            if standing is None:
                raise
            return standing
        return Pause(who, reason, moment(item["at"]))

    def unpause(self, who: str, userid: str = "") -> None:
        """End the pause, regardless of who began it.

        Raises ConditionFailed where there never was a pause, PausedForEver.
        """
        if self._own_keys:
            standing = self.in_force().pause
            if standing is not None and standing.at == _LAST:
                raise PausedForEver(standing)
            self._say(who, userid, paused=False, why="")
            return
        self._change(PAUSE, {"closed_at": instant(self.now()), "closed_by": who}, who, _THERE)

    def _say(self, who: str, userid: str, *, paused: bool, why: str) -> datetime:
        """Add a word under the own key; it is newer than every other, whatever clock those were said by.

        Nothing is newer than the end of all time: of two words of then the pause counts.
        """
        items = self.own_pauses()
        others = [word.at for item in items for word in words_of(item)]
        standing = self.in_force().pause
        newest = max([*others, *([standing.at] if standing else [])], default=_FIRST)
        at = max(self.now(), min(newest, _LAST - _TICK) + _TICK)
        pk = PAUSES + userid
        own: list[Any] = next(
            (item["words"] for item in items if item["pk"] == pk and isinstance(item.get("words"), list)), []
        )
        words = [*own, {"at": instant(at), "paused": paused, "why": why}][-_MOST_WORDS:]
        self.table.put(Put({"pk": pk, "sk": PAUSE, "who": who, "words": words}))
        return at

    def open_incident(
        self, incident: str, goal: str, since: datetime, by: str, phase: str = BEGUN, fence: Fence | None = None
    ) -> Incident:
        """Open it, or return it as it stands where it is open already. Raises IncidentOpen for another one, Fenced."""
        standing = self.in_force().incident
        if standing is None:
            item = {"incident": incident, "goal": goal, "since": instant(since), "phase": phase, "closed_at": ""}
            try:
                self._stand(INCIDENT, {**item, "unprotected_since": ""}, by, fence)
            except ConditionFailed:
                standing = self.in_force().incident
                if standing is None:
                    raise
            else:
                return Incident(incident, goal, phase, moment(item["since"]), None)
        if standing.id != incident:
            raise IncidentOpen(standing)
        return standing

    def enter_phase(
        self, incident: str, phase: str, by: str, fence: Fence | None = None, *, staged: bool | None = None
    ) -> None:
        """Say how far it is, and whether its failback goes in stages (None: as it was). Raises ConditionFailed where it
        is not open, Fenced.
        """
        values = {"phase": phase} | ({} if staged is None else {"staged": staged})
        self._change(INCIDENT, values, by, _is_open(incident), fence)

    def unprotected(self, incident: str, since: datetime | None, by: str, fence: Fence | None = None) -> None:
        """Say since when there is no standby; None: there is one again. Raises ConditionFailed, Fenced as above."""
        values = {"unprotected_since": instant(since) if since else ""}
        self._change(INCIDENT, values, by, _is_open(incident), fence)

    def close_incident(self, incident: str, by: str, fence: Fence | None = None) -> None:
        """Close it. Raises ConditionFailed where another one, or none, is open; Fenced."""
        values = {"closed_at": instant(self.now()), "closed_by": by}
        mine = WriteCondition("#incident = :incident", {"incident": incident})
        self._change(INCIDENT, values, by, mine, fence)

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


def _is_open(incident: str) -> WriteCondition:
    return WriteCondition("#incident = :incident AND #closed_at = :none", {"incident": incident, "none": ""})
