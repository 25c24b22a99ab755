"""Heads of a journal in a bucket with Object Lock: written once, and compared with what the record says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.iam.policies import IamRole, declared_operations, policies
from dr_actions.journal.comparison import AnchoredHead, anchor_comparison, compare_anchor_places
from dr_actions.journal.entries import Chain, Entry, EntryKind, entry_after, read_chain
from dr_actions.journal.mirror import ANCHOR_CALLS, BucketAnchors, LogAnchors, RunFiles, anchors_of
from dr_actions.journal.stream_comparison import StreamAnchors
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import load_environment
from dr_estate.config.given_file import LONGEST
from dr_estate.model.journal_chain import genesis
from dr_estate.model.world_id import WorldId

PLAIN = load_environment(Path(__file__).parents[3] / "environments", "sit")
SIT = PLAIN.model_copy(update={"names": PLAIN.names.model_copy(update={"anchor_bucket": "evidence-{env}"})})
INCIDENT = "INC-7"
MOMENT = datetime(2026, 1, 7, tzinfo=UTC)


class Bucket:
    """A bucket that keeps each version: a sender of S3 calls. Pages hold two versions."""

    def __init__(self) -> None:
        self.versions: list[dict[str, Any]] = []

    def send(self, call: Call) -> dict[str, Any]:
        """Answer as S3 does: nothing is put where a current version is and If-None-Match forbids it."""
        if call.operation == "PutObject":
            key = call.params["Key"]
            if call.params.get("IfNoneMatch") == "*" and any(row["Key"] == key for row in self.versions):
                raise SendFailed(FailureKind.REFUSED, "At least one condition did not hold", "PreconditionFailed")
            arrived = MOMENT + timedelta(seconds=len(self.versions))
            self.versions.append({"Key": key, "LastModified": arrived, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'})
            return {}
        rows = sorted(self.versions, key=lambda row: str(row["Key"]))
        start = int(call.params.get("VersionIdMarker", 0))
        more = {"IsTruncated": True, "NextKeyMarker": "k", "NextVersionIdMarker": str(start + 2)}
        return {"Versions": rows[start : start + 2], **(more if len(rows) > start + 2 else {})}


def chain(*sentences: str) -> Chain:
    """A valid chain that says these sentences."""
    world, entries = WorldId.live(SIT.account, ""), list[Entry]()
    head = genesis("sit", INCIDENT, world)
    for number, sentence in enumerate(sentences, 1):
        data = {"says": sentence, **({"world": world.to_json()} if number == 1 else {})}
        entries.append(entry_after(head, number, MOMENT, "r", EntryKind.NOTE, None, data))
        head = entries[-1].digest
    return read_chain("".join(entry.line + "\n" for entry in entries).encode(), "sit", INCIDENT)


def heads(record: Chain, late: timedelta = timedelta()) -> list[AnchoredHead]:
    """The head of each entry, anchored ``late`` after it was written."""
    return [AnchoredHead(entry.seq, entry.digest, entry.at + late) for entry in record.entries]


def test_of_two_heads_of_one_entry_in_one_second_neither_proves_it() -> None:
    bucket = Bucket()
    for entry in (*chain("as it was").entries, *chain("as it was not").entries):
        BucketAnchors(bucket, SIT).put(INCIDENT, entry)
    for version in bucket.versions:
        version["LastModified"] = MOMENT
    for record in (chain("as it was"), chain("as it was not")):
        compared = anchor_comparison(record, BucketAnchors(bucket, SIT).of(INCIDENT))
        assert (compared.agrees, compared.differs_at) == (False, 1)
        assert compared.message.startswith("CONTESTED at entry 1")


class ForeignBucket(Bucket):
    """A bucket of that name in another account, which lets everybody in: S3 refuses who expects another owner."""

    def send(self, call: Call) -> dict[str, Any]:
        if call.params.get("ExpectedBucketOwner", "999999999999") != "999999999999":
            raise SendFailed(FailureKind.REFUSED, "Access Denied", "AccessDenied")
        return super().send(call)


def test_a_bucket_of_that_name_in_another_account_is_not_trusted(tmp_path: Path) -> None:
    bucket = ForeignBucket()
    (tmp_path / "evidence.json").write_text("{}", encoding="utf-8")
    attempts: list[Callable[[], object]] = [
        lambda: BucketAnchors(bucket, SIT).of(INCIDENT),
        lambda: BucketAnchors(bucket, SIT).put(INCIDENT, chain("a").entries[0]),
        lambda: RunFiles(bucket, SIT).keep(INCIDENT, "e-1", tmp_path, "allure"),
        lambda: RunFiles(bucket, SIT).fetch(INCIDENT, tmp_path),
        lambda: StreamAnchors(bucket, SIT).records("STANDING"),
    ]
    for attempt in attempts:
        with pytest.raises(SendFailed, match="Access Denied"):
            attempt()
    assert bucket.versions == []


def test_a_file_beyond_what_a_run_writes_is_left_where_it_is_unread(tmp_path: Path) -> None:
    bucket = Bucket()
    key = f"runs/sit/{INCIDENT}/e-1/report.html"
    bucket.versions.append({"Key": key, "LastModified": MOMENT, "ETag": '"x"', "Size": LONGEST + 1})
    assert RunFiles(bucket, SIT).fetch(INCIDENT, tmp_path) == ([], [key])


def test_heads_are_kept_once_and_found_over_all_pages() -> None:
    bucket, record = Bucket(), chain("a", "b", "c")
    anchors = BucketAnchors(bucket, SIT)
    for entry in (*record.entries, *record.entries):
        anchors.put(INCIDENT, entry)
    assert len(bucket.versions) == 3
    assert [(head.number, head.digest) for head in anchors.of(INCIDENT)] == [
        (entry.seq, entry.digest) for entry in record.entries
    ]
    assert anchors.of("INC-8") == []


def test_heads_of_another_record_in_one_of_two_places_disprove_it() -> None:
    good, forged = chain("a", "b"), chain("a", "never")
    for record in (good, forged):
        compared = compare_anchor_places(
            record, [("CloudWatch Logs", heads(record)), ("the bucket", [*heads(good), *heads(forged)])]
        )
        assert (compared.agrees, compared.differs_at) == (False, 2)
        assert "in the bucket: CONTESTED at entry 2" in compared.message


def test_a_second_place_in_which_nothing_was_anchored_is_no_success() -> None:
    record = chain("a")
    both = compare_anchor_places(record, [("CloudWatch Logs", heads(record)), ("the bucket evidence-sit", [])])
    assert (both.agrees, "in the bucket evidence-sit: NOT ANCHORED" in both.message) == (False, True)
    assert compare_anchor_places(
        record, [("CloudWatch Logs", heads(record)), ("the bucket evidence-sit", heads(record))]
    ).agrees


@pytest.mark.parametrize(
    ("late_s", "proven"), [(0, True), (900, True), (901, False), (-60, True), (-61, False), (7 * 86400, False)]
)
def test_a_head_vouches_for_an_entry_that_was_written_shortly_before(late_s: float, proven: bool) -> None:
    record = chain("a", "b")
    assert anchor_comparison(record, heads(record, timedelta(seconds=late_s))).agrees is proven
    assert anchor_comparison(record, heads(record, timedelta(seconds=2 * late_s)), speed=2.0).agrees is proven


def test_one_head_vouches_for_the_entries_before_it_and_none_after() -> None:
    record = chain("a", "b", "c", "d")
    assert anchor_comparison(record, heads(record)[1::2]).agrees
    ends = anchor_comparison(record, heads(record)[:3])
    assert (ends.agrees, ends.compared, ends.differs_at) == (False, False, None)
    assert ends.message == "NOT PROVEN from entry 4 on: the last head that was anchored is of entry 3"


def test_a_last_head_in_time_proves_nothing_of_entries_rewritten_before() -> None:
    """35 of 37 entries were rewritten while no head could be put: only the last one is of this hour."""
    record, hour = chain("a", "b", "rewritten", "rewritten", "and the end"), timedelta(hours=1)
    first, second, *_, last = heads(record)
    late = AnchoredHead(last.number, last.digest, last.arrived + hour)
    compared = anchor_comparison(record, [first, second, late])
    assert (compared.compared, compared.last) == (False, 0)
    assert compared.message.startswith("NOT PROVEN from entry 3 on: it says 2026-01-07 00:00:00 UTC, and the head")
    assert compared.message.endswith(
        "(of entry 5) arrived 2026-01-07 01:00:00 UTC, 1 h later: what it said before is not known"
    )


def test_of_very_many_false_heads_three_are_named() -> None:
    record = chain("a")
    false = [AnchoredHead(1, f"{number:064x}", MOMENT) for number in range(100)]
    assert anchor_comparison(record, [*heads(record), *false]).message.endswith(", and 98 more")


def test_where_no_bucket_is_named_there_is_one_place() -> None:
    assert [anchors.place for anchors in anchors_of(Bucket(), PLAIN, WorldClock())] == ["CloudWatch Logs"]
    assert [anchors.place for anchors in anchors_of(Bucket(), SIT, WorldClock())][1:] == ["the bucket evidence-sit"]


@pytest.mark.parametrize(
    ("change", "refused"),
    [({}, False), ({"IfNoneMatch": ""}, True), ({"Bucket": "bbws-templates-sit"}, True)],
)
def test_the_guard_lets_a_run_add_to_that_bucket_and_overwrite_nothing(change: dict[str, str], refused: bool) -> None:
    params = {"Bucket": "evidence-sit", "Key": "anchors/sit/INC-7/000000001-ab", "IfNoneMatch": "*", **change}
    word = judge(Call("s3", "PutObject", SIT.regions.dr, params), GuardContext(SIT, ANCHOR_CALLS))
    assert bool(word) == refused, word


def test_the_operator_may_put_anchors_and_run_files_and_nothing_else() -> None:
    documents = policies(SIT, declared_operations())[IamRole.OPERATOR].values()
    rows = [row for document in documents for row in document["Statement"] if row["Effect"] == "Allow"]
    named = [row for row in rows if any("evidence-sit" in resource for resource in row["Resource"])]
    looks = {"s3:GetObject", "s3:ListBucketVersions"}
    assert [(row["Action"], row["Resource"]) for row in named if not looks.issuperset(row["Action"])] == [
        (["s3:PutObject"], [f"arn:aws:s3:::evidence-sit/{folder}/sit/*" for folder in ("anchors", "runs")])
    ]


class Lines:
    """A log stream that anybody of the account's writers may have added to: a sender of its calls."""

    def __init__(self, *messages: str) -> None:
        self._messages = messages

    def send(self, call: Call) -> dict[str, Any]:
        """Answer as CloudWatch Logs does: the end is the token that was given."""
        events = [{"message": text, "ingestionTime": number} for number, text in enumerate(self._messages)]
        return {"events": [] if "nextToken" in call.params else events, "nextForwardToken": "f"}


def test_a_line_of_the_anchors_that_no_run_wrote_is_none_of_them() -> None:
    odd = ('{"seq":Infinity,"digest":"x"}', "[" * 100_000, '{"seq":1e999,"digest":"x"}', "no JSON", "{}")
    log = LogAnchors(Lines(*odd, '{"seq":1,"digest":"d"}'), SIT, WorldClock())
    assert [("d", 1)] == [(head.digest, head.number) for head in log.of(INCIDENT)]
