"""What somebody put into the control table ends no command and hides nothing: it is named, holds, and is set aside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.control_table.control import ControlStore, Fenced
from dr_actions.control_table.lock import Owner, release, take
from dr_actions.journal.entries import EntryKind, entry_after
from dr_actions.journal.mirror import TableMirror
from dr_estate.config.environment import Side
from dr_estate.model.control_items import ASIDE
from dr_estate.model.dynamodb_values import decode_item, encode_item
from dr_estate.model.journal_chain import genesis
from dr_estate.model.recovery_names import TRIAL, new_id
from tests.dr_actions.control_table.odd_items import KINDS, odd_items
from tests.sampling import EXHAUSTIVE, SEED, every
from tests.utils.lost_prod import EXECUTE, INCIDENT, Prod
from tests.utils.running import ROOT, Ran
from tests.worlds import world_of
from utils.aws_mgmt.app.connections import connect
from utils.aws_mgmt.app.exit_codes import Exit

NUMBER = {"N": "1" * 31}
STANDING = [key for key in KINDS if key[0] in ("LOCK", "STANDING")]
READING = ("status", "failover", "failback", "fence", "doctor", "schedule", "log", "drill show", "repair")
COMMANDS = (*READING, EXECUTE, f"failback --execute --incident {INCIDENT}", "unpause", "pause", "test --tabletop")


def _put(prod: Prod, item: dict[str, Any]) -> None:
    """Put an item of DynamoDB's own values into the control table."""
    name = prod.env.named(prod.env.names.control_table)
    prod.aws("admin").client("dynamodb", Side.DR).put_item(TableName=name, Item=item)


def _items(prod: Prod) -> dict[tuple[str, str], dict[str, Any]]:
    name = prod.env.named(prod.env.names.control_table)
    found = prod.aws("admin").client("dynamodb", Side.DR).scan(TableName=name)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in found}


def _spoilt(key: tuple[str, str], value: dict[str, Any] = NUMBER) -> dict[str, Any]:
    """The item of the key with ``value`` in every attribute."""
    return {**encode_item({"pk": key[0], "sk": key[1]}), **dict.fromkeys(KINDS[key], value)}


def _faults(ran: Ran, words: str) -> Iterator[str]:
    """What a command owes its reader and did not give: a code that is documented, a sentence, and no traceback."""
    if ran.code not in set(Exit) - {Exit.INTERRUPTED}:
        yield f"{words} ended with {ran.code}"
    if "Traceback" in ran.err or "efect of this tool" in ran.err + ran.out:
        yield f"{words}: {ran.err[-800:]}"
    if ran.code and not (ran.err + ran.out).strip():
        yield f"{words} says nothing"


@pytest.mark.proof
def test_spoilt_items_of_every_kind_end_no_command_as_a_defect(prod: Prod) -> None:
    for key in KINDS:
        _put(prod, _spoilt(key))
    ran = {words: prod.run(words) for words in COMMANDS}
    ran["approve"] = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert [] == [fault for words, result in ran.items() for fault in _faults(result, words)]
    assert ran["status"].code == Exit.NOT_READY, "the primary is lost, whatever else is unknown"
    assert "DO_NOT_FAILOVER" in ran["failover"].out
    assert "\n  python utils/aws_mgmt/dr_cli.py" in ran["failover"].out.rpartition("Next:")[2]
    assert ran["repair"].code == Exit.NOT_READY
    assert ran["pause"].code == Exit.READY, ran["pause"].err


@pytest.mark.proof
@pytest.mark.parametrize("key", STANDING, ids=lambda key: key[1])
def test_an_unreadable_standing_item_is_set_aside_by_an_approver(prod: Prod, key: tuple[str, str]) -> None:
    _put(prod, spoilt := _spoilt(key))
    listed = prod.run("repair", "approver")
    (found,) = re.findall(r"^  ([0-9a-f]{8})  ", listed.out, re.MULTILINE)
    assert (listed.code, f"{key[0]} / {key[1]}" in listed.out) == (1, True), listed.err
    assert prod.run(f"repair {found}", "approver").code == Exit.USAGE, "a reason is wanted"
    done = prod.run(f"repair {found} --reason 'our own script, CHG-12'", "approver")
    assert done.code == Exit.READY, done.err
    items = _items(prod)
    assert items[key] != spoilt
    (copy,) = [item for (pk, _), item in items.items() if pk == ASIDE + key[0]]
    assert json.loads(copy["text"]["S"]) == spoilt, "it is kept as it was"
    assert (copy["by"]["S"], copy["why"]["S"]) == ("approver", "our own script, CHG-12")
    assert prod.run("repair", "approver").code == Exit.READY
    assert prod.run(f"repair {found} --reason again", "approver").code == Exit.USAGE


@pytest.mark.proof
def test_an_open_incident_that_cannot_be_read_is_unknown_and_runs_nothing(prod: Prod) -> None:
    _put(prod, _spoilt(("STANDING", "INCIDENT")))
    status, weighed = prod.run("--format json status"), prod.run("--format json failover")
    assert (status.code, weighed.code) == (Exit.COULD_NOT_SEE, Exit.NOT_READY), status.err
    assert status.statuses()["prerequisites.control-items"] == "unknown"
    gates = {row["id"]: row for row in weighed.report["gates"]}
    assert weighed.report["recommendation"] == "DO_NOT_FAILOVER"
    for gate in ("control.item", "check.prerequisites.control-items"):
        assert (gates[gate]["met"], gates[gate]["relaxed"]) == (False, False)
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE)
    assert (ran.code, [], "repair" in ran.err) == (Exit.REFUSED, prod.world.mutations(), True), ran.err
    assert "an incident counts as open" in ran.err


@pytest.mark.proof
@pytest.mark.parametrize("words", ["report", "evidence", "log --verify"])
def test_an_entry_of_the_end_of_time_is_a_fault_and_no_defect(prod: Prod, words: str) -> None:
    content, end = {"says": "so", "world": prod.here.to_json()}, datetime.max.replace(tzinfo=UTC)
    entry = entry_after(genesis("prod", INCIDENT, prod.here), 1, end, "run-1", EntryKind.NOTE, None, content)
    prod.forge_mirror(entry)
    ran = prod.run(f"{words} --incident {INCIDENT}")
    assert [] == list(_faults(ran, words))


@pytest.mark.proof
def test_an_unreadable_lock_is_taken_and_an_unreadable_record_is_no_stop(prod: Prod) -> None:
    _put(prod, _spoilt(("LOCK", "RUN")))
    shown = " ".join(prod.run("status").out.split())
    assert "a run counts as at work" in shown
    assert "`dr_cli.py repair" not in shown, "each command is printed as it is typed"
    record = next(key for key in KINDS if key[0] == "HISTORY#status")
    prod.world.return_to("lost")
    _put(prod, _spoilt(record))
    assert prod.run("failover").code != Exit.COULD_NOT_SEE


@pytest.mark.proof
def test_a_pause_is_written_where_nothing_can_be_read(prod: Prod) -> None:
    """By the shipped rules each person pauses under the own key."""
    for key in STANDING:
        _put(prod, _spoilt(key))
    for person in ("approver", "operator"):
        paused = prod.run("pause --reason storm", person, config=ROOT / "environments")
        assert paused.code == Exit.READY, paused.err
    words = [decode_item(item)["words"][-1] for (pk, _), item in _items(prod).items() if pk.startswith("PAUSE#")]
    assert [(True, "storm")] * 2 == [(word["paused"], word["why"]) for word in words]


@pytest.mark.proof
def test_keys_that_may_not_repair_are_refused_with_those_that_may(prod: Prod) -> None:
    _put(prod, _spoilt(("LOCK", "RUN")))
    (found,) = re.findall(r"^  ([0-9a-f]{8})  ", prod.run("repair", "reader").out, re.MULTILINE)
    ran = prod.run(f"repair {found} --reason mine", "reader")
    assert (ran.code, "An approver of prod" in ran.err) == (Exit.REFUSED, True), ran.err


@pytest.mark.proof
def test_a_drillers_keys_write_nothing_that_a_recovery_reads(prod: Prod) -> None:
    """In PROD, which allows no full drill, with plain calls and IAM enforced."""
    others = ("LOCK", "STANDING", "HISTORY", "HISTORY#failover", "JOURNAL#INC-123", "RUN#INC-123", "ASIDE#LOCK")
    for key in others:
        with pytest.raises(ClientError, match="AccessDenied"):
            prod.put("driller", {"pk": key, "sk": "RUN"})
    with pytest.raises(ClientError, match="AccessDenied"):
        prod.aws("driller").client("logs", Side.DR).create_log_stream(
            logGroupName=prod.env.named(prod.env.names.anchor_log), logStreamName=INCIDENT
        )


@pytest.mark.proof
def test_a_driller_takes_the_lock_of_trials_and_a_recovery_ends_that(prod: Prod) -> None:
    def control(person: str) -> ControlStore:
        return connect(world_of(prod.world, person), prod.env).control

    me, trial, limits = Owner("driller", prod.arn("driller")), new_id(TRIAL, datetime.now(UTC)), prod.env.execution
    lock = take(control("driller"), me, "run-1", trial, limits)
    TableMirror(control("driller"), lock.fence).send(trial, [prod.begun()])
    take(control("operator"), Owner("operator", prod.arn("operator")), "run-2", INCIDENT, limits)
    with pytest.raises(Fenced, match="a recovery took the lock"):
        TableMirror(control("driller"), lock.fence).send(trial, [prod.begun()])
    release(control("driller"), lock, "lost")


@pytest.mark.proof
@pytest.mark.parametrize("key", sorted(KINDS), ids="/".join)
def test_each_odd_item_ends_no_command_as_a_defect(prod: Prod, key: tuple[str, str]) -> None:
    """Each attribute with each value, each time by another command: a part a day, all of them in `make exhaustive`."""
    faults: list[str] = []
    for number, (name, item) in enumerate(every(1 if EXHAUSTIVE else 60, list(odd_items(key)))):
        _put(prod, item)
        words = COMMANDS[(number + SEED) % len(COMMANDS)]
        faults += [f"{name}: {fault}" for fault in _faults(prod.run(words), words)]
    assert [] == faults
