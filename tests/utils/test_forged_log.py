"""What an operator's keys and disk can do to a record shows: cut, chained again, of another world, or not compared."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.journal.entries import Entry, EntryKind, entry_after
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.dynamodb_values import encode_item
from dr_estate.model.journal_chain import genesis
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.house.commands import commands_of
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, Ran, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

pytestmark = pytest.mark.proof

INCIDENT = "INC-7"
SIT = load_environment(ROOT / "environments", "sit")
WORDS = ("the failure was seen", "the database was restored", "the run ended")


@dataclass(frozen=True)
class Record:
    """A record of three entries, in the file and in the mirror, and the operator who may write both."""

    world: Endpoint
    home: Path
    env: Environment
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def verify(self, words: str = "", **variables: str) -> Ran:
        """Run ``log --verify`` as the operator."""
        for name, value in {**signed_in(self.world, "operator"), "XDG_STATE_HOME": str(self.home), **variables}.items():
            self.monkeypatch.setenv(name, value)
        line = f"-e sit --output {self.home / 'out'} log --verify --incident {INCIDENT} {words}"
        code = run_command(parse(line.split()))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def chain(
        self, sentences: tuple[str, ...] = WORDS, world: WorldId | None = None, later: timedelta = timedelta()
    ) -> list[Entry]:
        """A valid chain that says these sentences, and that it was written ``later`` than now."""
        world = world or self.here
        entries: list[Entry] = []
        head = genesis("sit", INCIDENT, world)
        for number, sentence in enumerate(sentences, 1):
            data = {"says": sentence, **({"world": world.to_json()} if number == 1 else {})}
            kind = EntryKind.END if number == len(WORDS) else EntryKind.NOTE
            moment = self.began + later + timedelta(milliseconds=number)
            entries.append(entry_after(head, number, moment, "run-1", kind, None, data))
            head = entries[-1].digest
        return entries

    @property
    def here(self) -> WorldId:
        """This world."""
        return WorldId.live(self.env.account, self.world.url)

    @property
    def file(self) -> Path:
        """The journal's file."""
        return self.home / "out" / "incidents" / self.here.folder / f"sit-{INCIDENT}.journal.jsonl"

    def file_holds(self, entries: list[Entry]) -> None:
        """Write the file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("".join(entry.line + "\n" for entry in entries), encoding="utf-8")

    def mirror_holds(self, entries: list[Entry]) -> None:
        """Write the mirror by plain calls with the operator's keys, over what is there."""
        client = Aws(self.world.url, self.world.people["operator"], self.env, tenant="").client("dynamodb", Side.DR)
        for entry in entries:
            key = {"pk": f"JOURNAL#{INCIDENT}", "sk": f"{entry.seq:09d}", "digest": entry.digest}
            item = encode_item({**key, "text": entry.line, "packed": False, "pieces": 1})
            client.put_item(TableName=self.env.named(self.env.names.control_table), Item=item)

    def mirror_gets(self, key: str, **values: Any) -> None:
        """Put what is no entry into the mirror, with the operator's keys."""
        client = Aws(self.world.url, self.world.people["operator"], self.env, tenant="").client("dynamodb", Side.DR)
        item = encode_item({"pk": f"JOURNAL#{INCIDENT}", "sk": key, **values})
        client.put_item(TableName=self.env.named(self.env.names.control_table), Item=item)

    def anchors_hold(self, entries: list[Entry]) -> None:
        """Anchor each entry, by plain calls with the operator's keys."""
        logs = Aws(self.world.url, self.world.people["operator"], self.env, tenant="").client("logs", Side.DR)
        named = {"logGroupName": self.env.named(self.env.names.anchor_log), "logStreamName": INCIDENT}
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(**named)
        for entry in entries:
            event = {
                "timestamp": int(time.time() * 1000),
                "message": json.dumps({"seq": entry.seq, "digest": entry.digest}),
            }
            logs.put_log_events(**named, logEvents=[event])


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Record]:
    with borrowed(SIT, 1) as world:
        world.enforce_iam(True)
        found = Record(world, tmp_path, SIT, monkeypatch, capsys)
        found.file_holds(found.chain())
        found.mirror_holds(found.chain())
        found.anchors_hold(found.chain())
        yield found


def test_a_record_that_is_in_file_and_mirror_alike_was_compared(record: Record) -> None:
    ran = record.verify()
    assert (ran.code, "compared with its mirror: the same 3 entries" in ran.out) == (0, True), ran.out
    assert {"compared": True, "differs_at": None} == {
        name: record.verify("--format json").report["mirror"][name] for name in ("compared", "differs_at")
    }


def test_a_file_that_was_cut_at_its_end_shows_from_which_entry_on(record: Record) -> None:
    record.file_holds(record.chain()[:2])
    ran = record.verify()
    assert (ran.code, "DIFFERS from its mirror at entry 3: the file ends before it" in ran.out) == (3, True), ran.out


def test_a_file_that_was_chained_again_shows_from_which_entry_on(record: Record) -> None:
    record.file_holds(record.chain((WORDS[0], "nothing happened", WORDS[2])))
    ran = record.verify()
    assert (ran.code, "DIFFERS from its mirror at entry 2" in ran.out) == (3, True), ran.out


def test_a_mirror_that_was_rewritten_or_lacks_entries_shows_too(record: Record) -> None:
    record.mirror_holds(record.chain((WORDS[0], WORDS[1], "it went well")))
    ran = record.verify()
    assert (ran.code, "DIFFERS from its mirror at entry 3" in ran.out) == (3, True), ran.out
    record.file_holds([*record.chain(), _next(record.chain()[-1])])
    record.mirror_holds(record.chain())
    ran = record.verify()
    assert (ran.code, "at entry 4: the mirror ends before it" in ran.out) == (3, True), ran.out


def test_a_file_and_a_mirror_rewritten_alike_differ_from_the_anchors(record: Record) -> None:
    forged = record.chain((WORDS[0], "nothing happened", WORDS[2]))
    record.file_holds(forged)
    record.mirror_holds(forged)
    ran = record.verify()
    assert (ran.code, "compared with its mirror: the same 3 entries" in ran.out) == (3, True), ran.out
    assert "DIFFERS from its anchors at entry 2: entry 2 was rewritten since" in ran.out


@pytest.mark.parametrize("shown", ["the true record", "the forged one"])
@pytest.mark.parametrize("first", ["the true heads", "the forged ones"])
def test_two_heads_of_one_entry_are_contested_whichever_came_first(record: Record, shown: str, first: str) -> None:
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    true, forged = record.chain(), record.chain((WORDS[0], "nothing happened", WORDS[2]))
    for entries in (true, forged) if first == "the true heads" else (forged, true):
        record.anchors_hold(entries)
    record_shown = true if shown == "the true record" else forged
    record.file_holds(record_shown)
    record.mirror_holds(record_shown)
    ran = record.verify("--format json")
    assert (ran.code, ran.report["anchors"]["differs_at"]) == (3, 2), ran.out
    message = ran.report["anchors"]["says"]
    assert message.startswith("CONTESTED at entry 2: "), message
    assert message.count(" arrived ") == message.count(" UTC") == 2, message
    assert f"{record_shown[1].digest[:12]} (as recorded) arrived" in message


def test_a_record_rewritten_where_no_head_could_be_put_is_not_believed(record: Record) -> None:
    """The log group was unreachable after one head: what follows it was never anchored."""
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    record.anchors_hold(record.chain()[:1])
    forged = record.chain((WORDS[0], "nothing happened", WORDS[2]))
    record.file_holds(forged)
    record.mirror_holds(forged)
    ran = record.verify()
    message = "NOT PROVEN from entry 2 on: the last head that was anchored is of entry 1"
    assert (ran.code, message in _plain(ran.out)) == (3, True), ran.out
    assert "the record holds, but not all was compared, exit 3" in _plain(ran.out)


@pytest.mark.parametrize(("later", "by"), [(timedelta(hours=-1), " later: "), (timedelta(hours=1), " EARLIER: ")])
def test_heads_put_long_after_or_before_their_entries_prove_nothing(record: Record, later: timedelta, by: str) -> None:
    """A rewritten record is anchored afterwards; or a forged one before the run that it describes."""
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    forged = record.chain((WORDS[0], "nothing happened", WORDS[2]), later=later)
    for put in (record.file_holds, record.mirror_holds, record.anchors_hold):
        put(forged)
    ran = record.verify()
    assert (ran.code, "NOT PROVEN from entry 1 on: it says" in _plain(ran.out)) == (3, True), ran.out
    assert by in _plain(ran.out), ran.out


def test_a_file_and_a_mirror_that_are_cut_alike_show_from_which_entry_on(record: Record) -> None:
    table = record.env.named(record.env.names.control_table)
    admin = Aws(record.world.url, record.world.people["admin"], record.env, tenant="").client("dynamodb", Side.DR)
    admin.delete_item(TableName=table, Key=encode_item({"pk": f"JOURNAL#{INCIDENT}", "sk": f"{3:09d}"}))
    record.file_holds(record.chain()[:2])
    ran = record.verify()
    assert (ran.code, "DIFFERS from its anchors at entry 3: entry 3 was there once" in ran.out) == (3, True), ran.out


def test_the_operator_cannot_take_anchors_away(record: Record) -> None:
    logs = Aws(record.world.url, record.world.people["operator"], record.env, tenant="").client("logs", Side.DR)
    group = record.env.named(record.env.names.anchor_log)
    tries: dict[str, dict[str, Any]] = {
        "delete_log_stream": {"logStreamName": INCIDENT},
        "delete_log_group": {},
        "put_retention_policy": {"retentionInDays": 1},
    }
    for operation, params in tries.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(logs, operation)(logGroupName=group, **params)


def test_a_record_that_was_never_anchored_is_no_success(record: Record) -> None:
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    record.mirror_holds(record.chain())
    ran = record.verify()
    assert (ran.code, "NOT ANCHORED" in ran.out) == (3, True), ran.out


def test_one_mirror_item_out_of_its_chain_is_reported_with_its_number(record: Record) -> None:
    record.mirror_holds(record.chain((WORDS[0], "nothing happened", WORDS[2]))[1:2])
    ran = record.verify()
    assert (ran.code, "DIFFERS from its mirror at entry 2" in ran.out) == (3, True), ran.out


STRANGE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("!", {"text": "put in"}),
    ("zzz", {"digest": "f" * 64, "text": "{}", "packed": False, "pieces": 1}),
    ("000000004", {"text": 7}),
    ("000000004", {"digest": "f" * 64, "text": "{}", "packed": False, "pieces": 1}),
)


@pytest.mark.parametrize("with_file", [True, False])
@pytest.mark.parametrize(("key", "values"), STRANGE)
def test_what_no_run_wrote_beside_a_whole_record_is_named(
    record: Record, key: str, values: dict[str, Any], with_file: bool
) -> None:
    if not with_file:
        record.file.unlink()
    record.mirror_gets(key, **values)
    ran = record.verify()
    shown = " ".join(ran.out.split())
    assert (ran.code, f"beside it JOURNAL#{INCIDENT} / {key}, which no run wrote" in shown) == (0, True), (
        ran.out + ran.err
    )


@pytest.mark.parametrize("with_file", [True, False])
def test_what_no_run_wrote_in_the_place_of_an_entry_is_no_success(record: Record, with_file: bool) -> None:
    if not with_file:
        record.file.unlink()
    record.mirror_gets("000000003", text="put in")
    assert record.verify().code == 3
    record.mirror_holds(record.chain())
    record.mirror_gets("000000002", text="put in")
    assert record.verify().code == 3


def test_foreign_items_after_an_open_or_cut_record_are_no_success(record: Record) -> None:
    record.file_holds(record.chain()[:2])
    record.mirror_gets("000000003", text="put in")
    assert record.verify().code == 3
    further = _next(record.chain()[-1])
    record.file_holds(record.chain())
    record.mirror_holds(record.chain())
    record.anchors_hold([further])
    record.mirror_gets("000000004", text="put in")
    assert record.verify().code == 3


def test_a_record_of_another_world_is_refused_by_incident(record: Record) -> None:
    record.file_holds(record.chain(world=WorldId.live(record.env.account, "")))
    ran = record.verify()
    assert (ran.code, "is of another world: live AWS" in ran.err) == (2, True), ran.err
    named = record.verify(f"--journal {record.file}")
    assert (named.code, "NOT COMPARED" in named.out) == (3, True), named.out


def test_without_its_mirror_a_record_is_not_compared_and_no_success(record: Record) -> None:
    record.world.begin(Outage(record.env.regions.dr, "refuse"))
    ran = record.verify()
    assert (ran.code, "NOT COMPARED" in ran.out) == (3, True), ran.err
    assert "the record holds, but not all was compared, exit 3" in ran.out
    (leads_to,) = commands_of(ran.out.partition("Next:")[2])
    assert leads_to.endswith(f"evidence --incident {INCIDENT}")
    named = record.verify(f"--journal {record.file}", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (named.code, "NOT COMPARED" in named.out) == (3, True), named.out


ALONE = "no file is here: the mirror itself is shown, and compared with its anchors to its last entry"


@pytest.mark.parametrize(
    ("file", "mirror", "anchors", "code", "message"),
    [
        (True, True, 3, 0, "compared with its mirror: the same 3 entries"),
        (False, True, 3, 0, ALONE),  # AWS ran it: its file was the task's
        (False, True, 2, 3, "NOT COMPARED with its mirror: no file is here: what is shown is the mirror itself"),
        (False, True, 0, 3, "NOT ANCHORED"),
        (True, True, 2, 3, "NOT PROVEN from entry 3 on: the last head that was anchored is of entry 2"),
        (True, False, 3, 3, "DIFFERS from its mirror at entry 1: the mirror ends before it"),
        (True, True, 0, 3, "NOT ANCHORED"),
        (False, False, 3, 3, "DIFFERS from its anchors at entry 1: entry 1 was there once, and is cut off"),
        (False, False, 0, 2, "Nothing is recorded of INC-7"),
    ],
)
def test_what_was_compared_with_what_decides_whether_it_is_a_success(
    record: Record, file: bool, mirror: bool, anchors: int, code: int, message: str
) -> None:
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    if not file:
        record.file.unlink()
    if mirror:
        record.mirror_holds(record.chain())
    if anchors:
        record.anchors_hold(record.chain()[:anchors])
    ran = record.verify()
    shown = " ".join((ran.out + ran.err).split())
    assert (ran.code, message in shown) == (code, True), shown


def test_a_record_lost_from_file_and_mirror_is_reported_by_its_anchors(record: Record) -> None:
    record.world.ask("POST", "return", {"name": "as it began"})
    record.world.enforce_iam(True)
    record.anchors_hold(record.chain())
    record.file.write_text("", encoding="utf-8")
    ran = record.verify()
    assert (ran.code, f"{INCIDENT}: the record is gone, and was there, exit 3" in ran.out) == (3, True), ran.out
    assert "intact" not in ran.out
    assert record.verify("--format json").report["anchors"]["differs_at"] == 1


def test_a_mirror_that_was_rewritten_shows_without_a_file_too(record: Record) -> None:
    record.file.unlink()
    record.mirror_holds(record.chain((WORDS[0], WORDS[1], "it went well")))
    ran = record.verify()
    assert (ran.code, "DIFFERS from its anchors at entry 3" in ran.out) == (3, True), ran.out


def _plain(text: str) -> str:
    """A screen's text without its line breaks."""
    return " ".join(text.split())


def _next(last: Entry) -> Entry:
    return entry_after(last.digest, last.seq + 1, last.at, "run-1", EntryKind.NOTE, None, {"says": "and more"})
