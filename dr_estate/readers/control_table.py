"""The control table in the DR region: locks, approvals, incident log, and current state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import PEOPLE_TAG
from dr_estate.model import control_items, states
from dr_estate.model.control_items import (
    APPROVAL,
    BY_SK,
    DATABASE,
    INCIDENT,
    JOURNAL,
    LOCK,
    PAUSE,
    PAUSES,
    REFUSAL,
    RULES,
    RUN,
    STANDING,
    DatabaseRecord,
    ItemKind,
    UnreadableItem,
    clip,
    is_closed,
    readable,
    unreadable,
)
from dr_estate.model.dynamodb_values import decode_item, moment, optional_moment
from dr_estate.model.journal_chain import mirror_lines, sound_documents
from dr_estate.model.recovery_document import RefusedStart
from dr_estate.model.recovery_names import is_drill
from dr_estate.model.run_records import HISTORY_OF, RunKind, RunRecord, from_item
from dr_estate.model.stream_records import StreamRecord, by_item, flaw_of, is_in_time, prefix_of, records_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import dynamodb
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import ReadContext, part

READS = frozenset(
    {
        *("dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive"),
        "dynamodb:GetResourcePolicy",
    }
)
STANDING_READS = frozenset({"dynamodb:Query"})
STREAM_READS = frozenset({"s3:ListObjectVersions"})
TAG_READS = frozenset({"dynamodb:ListTagsOfResource"})

_NONE = dynamodb.NONE
# When a word counts as said that cannot be read: every readable one comes after it.
_BEGINNING = datetime.min.replace(tzinfo=UTC)
NEWEST = 12  # runs of a kind: enough for a trend, and for percentiles

_Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ControlTable:
    """The table; ``status`` is None where there is none. ``keys`` are its key attributes, partition key first.

    ``key`` is the customer's KMS key it is encrypted under, ``policy`` its own, "" where it has none; ``index`` is the
    status of its index ``by-sk``, "absent" where it has none, None where it was not read. ``expiry_attribute`` is the
    one by which DynamoDB deletes items, "" where it deletes none. ``stream`` is the ARN of its stream, "" where it has
    none. ``units`` are the fewest reads or writes a second that the table or its index takes, 0 where it is on demand.
    """

    name: Annotated[str, At("TableName", demanded=True)]
    status: Annotated[str | None, At("TableStatus", demanded=True)]
    keys: tuple[str, ...]
    recoverable: bool
    protected: Annotated[bool, At("DeletionProtectionEnabled")]
    key: Annotated[str, At("SSEDescription.KMSMasterKeyArn")] = ""
    policy: str | Unavailable = ""
    index: str | None = None
    expiry_attribute: str = ""
    stream: str = ""
    units: int = 0


@dataclass(frozen=True, slots=True)
class RecordedOverride:
    """A gate overridden by name, as a journal has it. The override holds until ``until`` and stays on record.

    ``arn`` is the caller's own, no matter who is named as ``by``; "" where the item names none.
    """

    gate: str
    by: str
    why: str
    until: datetime
    incident: str
    plan: str
    arn: str = ""

    def in_force(self, now: datetime) -> bool:
        """Whether it still sets the gate aside."""
        return now < self.until


@dataclass(frozen=True, slots=True)
class IncidentJournal:
    """The record of the open incident: how many entries of it are sound, and the overrides that it has of runs.

    ``fault`` is what breaks its chain, ``refuted`` what AWS's anchors say against it; "" for nothing.
    """

    incident: str
    entries: int
    overrides: tuple[RecordedOverride, ...] = ()
    fault: str = ""
    refuted: str = ""


@dataclass(frozen=True, slots=True)
class RunBegin:
    """Whether a run can begin by the table ``name``: it is there, and the status of its index ``by-sk``.

    ``journal`` is the open incident's, None where none is open.
    """

    name: str
    there: bool
    index: str
    journal: IncidentJournal | None = None


@dataclass(frozen=True, slots=True)
class RulesPin:
    """Who pinned the rules that a run goes by, by their own word, and when (UTC)."""

    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RequiredPeople:
    """How many people the control table ``name`` asks for; 0 where it says nothing, None where ``tag`` is no number."""

    name: str
    count: int | None
    tag: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The global stop switch is on: no run starts or goes on until somebody takes it back."""

    who: str
    why: str
    at: datetime

    @property
    def since(self) -> str:
        """Since when, as the end of a clause; "" where what pauses cannot be read."""
        return f" since {self.at:%Y-%m-%d %H:%M} UTC" if self.at > _BEGINNING else ""


# Phases of an incident: at first, in a failback or its abort, and after a failover or an aborted failback.
BEGUN, FAILING_BACK, ABORTING, ON_DR = "open", "failing back", "aborting the failback", "on DR"


@dataclass(frozen=True, slots=True)
class Incident:
    """The open incident. ``unprotected_since`` is when the estate lost its standby, None while it has one.

    ``no_writes_since`` is when its run stopped all writes, None while somebody can write.
    ``staged``: its failback shifts traffic in stages; this is assumed where the item does not say.
    """

    id: str
    goal: str
    phase: str
    since: datetime
    unprotected_since: datetime | None
    staged: bool = True
    no_writes_since: datetime | None = None

    @property
    def stands_at(self) -> str:
        """How far it has come: its phase, or as it begins what it is for."""
        return self.goal if self.phase == BEGUN else self.phase


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The run that holds the lock, or the last that held it. ``token`` grows with each; ``ended_at`` is None till then.

    ``person`` and ``arn`` are its owner, by whose clock ``heartbeat_at`` and ``lease_until`` were written: whether it
    is at work shows only in a heartbeat that moves, or stands still for a lease while it is watched.
    """

    run: str
    person: str
    arn: str
    incident: str
    token: int
    taken_at: datetime
    heartbeat_at: datetime
    lease_until: datetime
    ended_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class ControlState:
    """What stands in the control table. ``reason`` says why nothing could stand there, "" where there is a table.

    ``overrides`` are none of its items: who reads a report's state adds those that the open incident's journal has.
    ``database`` is the primary region's database as it was last seen well, ``refused_start`` the last there was.
    ``unreadable`` are all items of unknown shape: an incident, or a lock, that cannot be read stands in the place of
    one, for it holds as one does.
    """

    pause: Pause | None = None
    incident: Incident | UnreadableItem | None = None
    overrides: tuple[RecordedOverride, ...] = ()
    run: LockHolder | UnreadableItem | None = None
    reason: str = ""
    database: DatabaseRecord | None = None
    unreadable: tuple[UnreadableItem, ...] = ()
    refused_start: RefusedStart | None = None

    @property
    def holding(self) -> tuple[UnreadableItem, ...]:
        """The unreadable items that hold up every run: lock, open incident, stop switch."""
        return tuple(item for item in self.unreadable if item.holds)

    @property
    def known_incident(self) -> Incident | None:
        """The open incident, if it can be read."""
        return self.incident if isinstance(self.incident, Incident) else None

    @property
    def known_run(self) -> LockHolder | None:
        """The run of the lock, if it can be read."""
        return self.run if isinstance(self.run, LockHolder) else None

    def run_at_work(self, at: datetime) -> LockHolder | None:
        """The open incident's run that holds the lock at ``at``; None where its lease is over."""
        incident, run = self.known_incident, self.known_run
        if run is None or run.ended_at is not None or at >= run.lease_until:
            return None
        # A run takes the lock first and opens its incident some seconds later. A drill's lock opens none.
        opens = self.incident is None and not is_drill(run.incident)
        return run if opens or (incident and incident.id == run.incident) else None


@dataclass(frozen=True, slots=True)
class RefusedRun:
    """A run on record that does not count, and what AWS's anchors say against it, as a sentence."""

    kind: RunKind
    says: str


@dataclass(frozen=True, slots=True)
class RunHistory:
    """The newest runs of each kind, a kind's newest first. ``reason`` says why nothing could be kept, "" else."""

    runs: tuple[RunRecord, ...] = ()
    reason: str = ""
    refused: tuple[RefusedRun, ...] = ()

    def refusal(self, kind: RunKind) -> str:
        """Why the newest refused run of the kind does not count; "" where none was refused."""
        return next((run.says for run in self.refused if run.kind is kind), "")


@part(Side.DR, reads=READS)
def table(context: ReadContext) -> ControlTable:
    """The control table, and whether it can be restored to a point in time."""
    name = context.env.named(context.env.names.control_table)
    found = context.find("dynamodb", "describe_table", dynamodb.ABSENT, TableName=name)
    if found is None:
        return ControlTable(name, None, (), recoverable=False, protected=False)
    answer = context.find("dynamodb", "describe_continuous_backups", dynamodb.GOING, TableName=name) or {}
    recovery = answer.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    expiry = context.find("dynamodb", "describe_time_to_live", dynamodb.ABSENT, TableName=name) or {}
    (policy,) = context.maybe(lambda arn: _policy(context, arn), [_arn(context, name)])
    read = context.understand(lambda: _table(found["Table"], recovery, policy), name)
    return replace(read, expiry_attribute=dynamodb.expiry_attribute(expiry.get("TimeToLiveDescription", {})))


def _arn(context: ReadContext, name: str) -> str:
    return f"arn:aws:dynamodb:{context.region}:{context.env.account}:table/{name}"


def _policy(context: ReadContext, arn: str) -> str:
    absent = ("PolicyNotFoundException", *dynamodb.ABSENT)
    found = context.find("dynamodb", "get_resource_policy", absent, ResourceArn=arn)
    return str((found or {}).get("Policy") or "")


def _table(row: Mapping[str, Any], recovery: Mapping[str, Any], policy: str | Unavailable) -> ControlTable:
    keys = sorted(row.get("KeySchema", []), key=lambda key: key["KeyType"] != "HASH")
    indexes = row.get("GlobalSecondaryIndexes") or []
    is_on_demand = row.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
    capacities = [] if is_on_demand else [table.get("ProvisionedThroughput", {}) for table in (row, *indexes)]
    kinds = ("ReadCapacityUnits", "WriteCapacityUnits")
    units = {capacity.get(kind, 0) for capacity in capacities for kind in kinds}
    return read(
        ControlTable,
        row,
        keys=tuple(key["AttributeName"] for key in keys),
        recoverable=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        policy=policy,
        stream=str(row.get("LatestStreamArn") or "") if row.get("StreamSpecification", {}).get("StreamEnabled") else "",
        units=min(units - {0}, default=0),
        index=next((index["IndexStatus"] for index in indexes if index["IndexName"] == BY_SK), _NONE),
    )


@part(Side.DR, reads=STANDING_READS | STREAM_READS)
def begin(context: ReadContext) -> RunBegin:
    """What a run asks of the table before it plans anything: the rules that are pinned, and the incident's journal.

    What stands, and who holds the lock, is ``standing``. One call, and while an incident is open those of its journal.
    """
    found = context.part(table)
    if found.status is None or not states.INDEX[found.index or _NONE].serves:
        return RunBegin(found.name, found.status is not None, found.index or _NONE)
    pinned = _by_sk(context, found.name, RULES)
    incident = context.part(standing).known_incident
    journal = _journal(context, found.name, incident.id) if incident else None
    return RunBegin(found.name, True, found.index or _NONE if pinned is not None else _NONE, journal)


def _journal(context: ReadContext, name: str, incident: str) -> IncidentJournal:
    rows = context.pages(
        "dynamodb", "query", "Items", TableName=name, ConsistentRead=True, **_key_condition(JOURNAL + incident)
    )
    lines = context.understand(lambda: mirror_lines(map(decode_item, rows)), name)
    documents, fault = sound_documents(lines, context.env.name, incident)
    anchors = _anchors(context, [JOURNAL + incident])
    refuted = _contradiction(documents, anchors, context.now) if context.env.names.stream_bucket else ""
    overrides = context.understand(lambda: overrides_of(documents, incident), f"the journal of {incident}")
    return IncidentJournal(incident, len(documents), overrides, fault, refuted)


def _contradiction(
    documents: Sequence[_Item], anchors: Mapping[tuple[str, str], Sequence[StreamRecord]], now: datetime
) -> str:
    """What AWS's anchors say against the entries; "" for nothing. An entry of now may still be on its way to them."""
    heads = {int(sk): [row.head for row in rows] for (_, sk), rows in anchors.items() if sk.isdecimal()}
    for number, document in enumerate(documents, 1):
        if number not in heads and not is_in_time(moment(document["at"]), now):
            return f"entry {number} has no anchor of AWS's"
        if heads.get(number, [document["digest"]]) != [document["digest"]]:
            return f"entry {number} was rewritten: AWS saw another"
    cut = [number for number in heads if number > len(documents)]
    return f"AWS saw entry {min(cut)}, which is not there any more" if cut else ""


def overrides_of(documents: Iterable[_Item], incident: str) -> tuple[RecordedOverride, ...]:
    """The overrides by which runs of the incident began or went on, by the entries of its journal; a gate's last."""
    found, plan = dict[str, RecordedOverride](), ""
    for document in documents:
        kind, data = document["kind"], document["data"]
        if kind in ("begin", "resumed"):
            plan = str(data.get("digest", ""))
        elif kind == "authorised":
            plan = ""  # what follows until the plan begins are exceptions, which a report lists as such
        elif kind == "override" and plan:
            texts = (str(data["gate"]), str(data["by"]), str(data["why"]))
            until, arn = moment(data["until"]), str(data.get("arn") or "")
            found[texts[0]] = RecordedOverride(*texts, until, incident, plan, arn)
    return tuple(found[gate] for gate in sorted(found))


@part(Side.DR, reads=TAG_READS)
def people(context: ReadContext) -> RequiredPeople | None:
    """How many people a change needs, as the account itself says; None where there is no table. One call more."""
    name = context.env.named(context.env.names.control_table)
    if context.part(table).status is None:
        return None
    found = context.find("dynamodb", "list_tags_of_resource", dynamodb.ABSENT, ResourceArn=_arn(context, name))
    if found is None:
        return None
    tags = {tag.get("Key"): tag.get("Value") for tag in found.get("Tags") or []}
    tag = str(tags.get(PEOPLE_TAG) or "")
    return RequiredPeople(name, int(tag) if tag.isdecimal() else 0 if not tag else None, tag)


@part(Side.DR, reads=STANDING_READS)
def pins(context: ReadContext) -> tuple[RulesPin, ...] | None:
    """Who pinned the rules, the last first; None where there is no table. A call where two people are asked."""
    if context.env.approvals.people == 1:
        return ()
    name = context.env.named(context.env.names.control_table)
    if (items := _by_sk(context, name, RULES)) is None:
        return None
    own = context.rows((item for item in items if str(item.get("pk", "")).startswith(APPROVAL)), _pin, "pk")
    return tuple(sorted(own, key=lambda pin: pin.at, reverse=True))


def _pin(item: _Item) -> RulesPin:
    dict(json.loads(item["rules"])["environment"])
    return RulesPin(str(item["person"]), moment(item["at"]))


def _by_sk(context: ReadContext, name: str, sk: str) -> list[dict[str, Any]] | None:
    query = {"KeyConditionExpression": "sk = :sk", "ExpressionAttributeValues": {":sk": {"S": sk}}}
    return _decode_rows(context, name, _items(context, {"TableName": name, "IndexName": BY_SK, **query}))


def _items(context: ReadContext, query: dict[str, Any]) -> list[dict[str, Any]] | None:
    page = context.find("dynamodb", "query", dynamodb.ABSENT, **query)
    first = None if page is None else context.understand(lambda: list(page["Items"]), query["TableName"])
    # Every page: an item of 400 KB that anybody may write must not push a stop switch beyond the first 1 MB.
    more = page is not None and page.get("LastEvaluatedKey") and "Limit" not in query
    return context.find_pages("dynamodb", "query", "Items", dynamodb.ABSENT, **query) if more else first


@part(Side.DR, reads=STANDING_READS)
def standing(context: ReadContext) -> ControlState:
    """The stop switch, the open incident, and the run that holds the lock. Two calls."""
    name = context.env.named(context.env.names.control_table)
    found = [_decode_rows(context, name, _rows(context, name, key)) for key in (STANDING, LOCK)]
    if found[0] is None or found[1] is None:
        return ControlState(reason=f"There is no table {name} in {context.region}.")
    items = found[0] + found[1]
    own = _own_pauses(context, name) if context.env.automation.enabled else []
    return context.understand(lambda: with_own_pauses(in_force(items), own), name)


def _own_pauses(context: ReadContext, name: str) -> list[dict[str, Any]]:
    items = _by_sk(context, name, PAUSE) or []
    return [item for item in items if str(item.get("pk", "")).startswith(PAUSES)]


@part(Side.DR, reads=STANDING_READS | STREAM_READS)
def runs(context: ReadContext) -> RunHistory:
    """The newest ``NEWEST`` runs of each kind: one call a kind, all at once, and one more where AWS anchors them.

    A run that AWS saw written at another time than it says, or otherwise, is refused.
    """
    name = context.env.named(context.env.names.control_table)
    found = context.each(lambda kind: _rows(context, name, HISTORY_OF + kind, newest=NEWEST), RunKind)
    if any(rows is None for rows in found):
        return RunHistory(reason=f"There is no table {name} in {context.region}.")
    rows = [row for of_kind in found for row in of_kind or ()]
    items = context.understand(lambda: [decode_item(row) for row in rows], name)
    refused = {}
    if context.env.names.stream_bucket:
        refused = _flaws_by_key(items, rows, _anchors(context, [HISTORY_OF + kind for kind in RunKind]), context.now)
    believed = [item for item in items if not is_closed(item) and _key(item) not in refused]
    return RunHistory(context.rows(believed, _run_record, "sk"), refused=tuple(refused.values()))


def _flaws_by_key(
    items: Sequence[_Item],
    rows: Sequence[_Item],
    anchors: Mapping[tuple[str, str], Sequence[StreamRecord]],
    now: datetime,
) -> dict[tuple[str, str], RefusedRun]:
    """The items that AWS's anchors contradict or do not have, by their keys; what cannot be read is none."""
    return {
        key: RefusedRun(run.kind, f"The run on record {key[0]} / {clip(key[1])} does not count: it {flaw}.")
        for item, row in zip(items, rows, strict=True)
        if not is_closed(item) and not unreadable(item)
        if (flaw := _flaw((run := from_item(item)).at, anchors.get(key := _key(item), ()), row, now))
    }


def _flaw(at: datetime, anchors: Sequence[StreamRecord], row: _Item, now: datetime) -> str:
    """What AWS's anchors say against the item of a run of then; "" for nothing. One of now may still get its own."""
    if not anchors and not is_in_time(at, now):
        return "has no anchor of AWS's, so that nothing shows when it was written"
    return flaw_of(at, anchors, row)


def _anchors(context: ReadContext, partitions: Sequence[str]) -> dict[tuple[str, str], list[StreamRecord]]:
    """What AWS anchored of the items of the partitions, by their keys; nothing where it anchors none."""
    bucket, env = context.env.named(context.env.names.stream_bucket), context.env
    if not bucket:
        return {}
    own = {"Bucket": bucket, "ExpectedBucketOwner": env.account}
    found = context.each(
        lambda pk: context.pages("s3", "list_object_versions", "Versions", **own, Prefix=prefix_of(env, pk)), partitions
    )
    records = [records_of(env, (str(version.get("Key") or "") for version in versions)) for versions in found]
    return {(pk, sk): rows for pk, seen in zip(partitions, records, strict=True) for sk, rows in by_item(seen).items()}


def _key(item: _Item) -> tuple[str, str]:
    return str(item.get("pk")), str(item.get("sk"))


def _run_record(item: _Item) -> RunRecord:
    """The run of an item. Raises ValueError for one of unknown shape, with the command that sets it aside."""
    if odd := unreadable(item):
        raise ValueError(odd.says)
    return from_item(item)


def in_force(items: list[dict[str, Any]]) -> ControlState:
    """What the items of the partitions ``STANDING`` and ``LOCK`` say, and which of them cannot be read."""
    good, odd = readable(items)
    by_key, holding = {(item["pk"], item["sk"]): item for item in good}, {item.kind: item for item in odd}
    run, database = by_key.get((LOCK, RUN)), by_key.get((STANDING, DATABASE))
    unread = holding.get(ItemKind.PAUSE)
    pause = Pause("somebody", unread.says, _BEGINNING) if unread else pause_of(by_key.get((STANDING, PAUSE)))
    return ControlState(
        pause=pause,
        incident=holding.get(ItemKind.INCIDENT) or incident_of(by_key.get((STANDING, INCIDENT))),
        run=holding.get(ItemKind.LOCK) or (run_of(run) if run else None),
        database=control_items.from_item(database) if database else None,
        unreadable=odd,
        refused_start=_refused_start(by_key.get((STANDING, REFUSAL))),
    )


def _refused_start(item: _Item | None) -> RefusedStart | None:
    return RefusedStart(item["incident"], item["execution"], item["says"], moment(item["at"])) if item else None


@dataclass(frozen=True, slots=True)
class PauseWord:
    """What a person said under the own key: stop, or go on."""

    at: datetime
    paused: bool
    who: str
    why: str


def with_own_pauses(state: ControlState, items: Iterable[_Item]) -> ControlState:
    """``state`` with what people said under their own keys: the newest word of anybody counts.

    An item that cannot be read holds as a pause does, until somebody says go on.
    """
    words = [word for item in items for word in words_of(item)]
    if state.pause is not None:
        words.append(PauseWord(state.pause.at, paused=True, who=state.pause.who, why=state.pause.why))
    if not words:
        return state
    newest = max(words, key=lambda word: (word.at, word.paused))
    return replace(state, pause=Pause(newest.who, newest.why, newest.at) if newest.paused else None)


def words_of(item: _Item) -> tuple[PauseWord, ...]:
    """The words of one person's item, the oldest first; one word, before all others, where it cannot be read."""
    if is_closed(item):
        return ()
    if odd := unreadable(item):
        return (PauseWord(_BEGINNING, paused=True, who=clip(odd.pk), why=odd.says),)
    return tuple(PauseWord(moment(row["at"]), row["paused"], item["who"], row["why"]) for row in item["words"])


def pause_of(item: _Item | None) -> Pause | None:
    """The stop switch, None where it is off."""
    return Pause(item["who"], item["why"], moment(item["at"])) if item else None


def incident_of(item: _Item | None) -> Incident | None:
    """The open incident, None where there is none."""
    if item is None:
        return None
    unprotected, staged = optional_moment(item["unprotected_since"]), item.get("staged") is not False
    paused = optional_moment(item.get("no_writes_since") or "")
    return Incident(item["incident"], item["goal"], item["phase"], moment(item["since"]), unprotected, staged, paused)


def run_of(item: _Item) -> LockHolder:
    """The run of the lock's item."""
    return LockHolder(
        run=item["run"],
        person=item["person"],
        arn=item["arn"],
        incident=item["incident"],
        token=item["token"],
        taken_at=moment(item["taken_at"]),
        heartbeat_at=moment(item["heartbeat_at"]),
        lease_until=moment(item["lease_until"]),
        ended_at=optional_moment(item["ended_at"]),
        outcome=item["outcome"],
    )


def _key_condition(key: str) -> dict[str, Any]:
    return {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": key}}}


def _decode_rows(context: ReadContext, name: str, rows: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return None if rows is None else context.understand(lambda: [decode_item(row) for row in rows], name)


def _rows(context: ReadContext, name: str, key: str, newest: int = 0) -> list[dict[str, Any]] | None:
    """Every item of a partition (or the ``newest`` ones, backwards), read consistently."""
    backwards = {"Limit": newest, "ScanIndexForward": False} if newest else {}
    return _items(context, {"TableName": name, "ConsistentRead": True, **_key_condition(key), **backwards})
