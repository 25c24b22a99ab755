"""The change batch: exactly the pair, every attribute kept, valid in any order, as JSON and as a command."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from dr_actions.actions.traffic.records import (
    MOST_CHARACTERS,
    MOST_RECORDS,
    as_command,
    as_json,
    between,
    chunks,
    record_set,
    shared_pair,
    shifted_pair,
    upserts,
)
from dr_actions.model.plan import Call
from dr_checks.derived.routing import RecordPair, leader, pairs_of
from dr_estate.config.environment import Side
from dr_estate.readers import route53
from tests.dr_checks.edges import FIRST, ORIGIN, PRIMARY, RECORDS, SECOND, SECONDARY, record
from tests.dr_checks.worlds import SIT

PAIR = RecordPair(FIRST, SECOND)
ROWS = (
    {
        "Name": f"{ORIGIN}.",
        "Type": "A",
        "SetIdentifier": "a",
        "Failover": "PRIMARY",
        "AliasTarget": {"HostedZoneId": "Z1", "DNSName": "dualstack.x.example.", "EvaluateTargetHealth": True},
        "HealthCheckId": "hc",
    },
    {
        "Name": f"{ORIGIN}.",
        "Type": "A",
        "SetIdentifier": "b",
        "Weight": 0,
        "TTL": 30,
        "ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.2"}],
    },
)


def _weighted(primary: int, dr: int) -> RecordPair:
    return RecordPair(replace(PRIMARY, weight=primary), replace(SECONDARY, weight=dr))


def test_a_record_is_written_as_it_was_read() -> None:
    assert [record_set(route53.record(dict(row))) for row in ROWS] == list(ROWS)


def test_a_failover_pair_swaps_targets_and_keeps_identifiers_and_roles() -> None:
    first, second = shifted_pair(PAIR, Side.DR)
    assert (first.set_identifier, first.failover) == (PRIMARY.set_identifier, "PRIMARY")
    assert (second.set_identifier, second.failover) == (SECONDARY.set_identifier, "SECONDARY")
    assert replace(first, set_identifier=SECONDARY.set_identifier, failover="SECONDARY") == SECOND
    assert replace(second, set_identifier=PRIMARY.set_identifier, failover="PRIMARY") == FIRST


def test_turning_there_and_back_changes_nothing() -> None:
    for pair in (PAIR, _weighted(100, 0)):
        again = next(p for p in pairs_of(shifted_pair(pair, Side.DR), ORIGIN, SIT) if isinstance(p, RecordPair))
        assert leader(again) is Side.DR
        assert set(shifted_pair(again, Side.PRIMARY)) == {pair.primary, pair.dr}


def test_a_weighted_pair_gets_weights_of_0_and_100_and_nothing_else() -> None:
    for pair in (_weighted(100, 0), _weighted(90, 10), _weighted(0, 0)):
        by_identifier = {
            route53_record.set_identifier: route53_record for route53_record in shifted_pair(pair, Side.DR)
        }
        assert by_identifier[PRIMARY.set_identifier] == replace(pair.primary, weight=0)
        assert by_identifier[SECONDARY.set_identifier] == replace(pair.dr, weight=100)


def test_a_weighted_pair_is_shared_by_side_and_nothing_else_of_it_changes() -> None:
    for pair in (_weighted(0, 100), _weighted(90, 10)):
        by_identifier = {route53_record.set_identifier: route53_record for route53_record in shared_pair(pair, 10)}
        assert by_identifier[PRIMARY.set_identifier] == replace(pair.primary, weight=10)
        assert by_identifier[SECONDARY.set_identifier] == replace(pair.dr, weight=90)
    assert set(shared_pair(_weighted(50, 50), 100)) == set(shifted_pair(_weighted(50, 50), Side.PRIMARY))


def test_a_failover_pair_is_never_shared_but_turned_whole() -> None:
    away = next(p for p in pairs_of(shifted_pair(PAIR, Side.DR), ORIGIN, SIT) if isinstance(p, RecordPair))
    assert set(shared_pair(away, 100)) == {FIRST, SECOND}
    with pytest.raises(ValueError, match="cannot be shared"):
        shared_pair(away, 10)


def test_weights_that_share_have_no_leader() -> None:
    assert [leader(pair) for pair in (_weighted(90, 10), _weighted(0, 7))] == [None, Side.DR]


def test_what_is_no_pair_is_said_and_never_turned() -> None:
    def said(*records: route53.Record) -> str:
        return next(found for found in pairs_of(records, ORIGIN, SIT) if isinstance(found, str))

    assert "convert" in said(record(ORIGIN, values=("192.0.2.1",)))
    assert "convert" in said(FIRST, SECONDARY)
    assert "has not one record for each region" in said(PRIMARY)
    assert "has not one record for each region" in said(PRIMARY, SECONDARY, replace(SECONDARY, set_identifier="stray"))
    plain = replace(SECOND, alias_target=None, values=("192.0.2.2",), health_check_id=None)
    assert "has no health check, and Route 53 requires one" in said(FIRST, plain)
    checked = replace(plain, health_check_id="hc-2")
    assert [RecordPair(FIRST, checked)] == list(pairs_of((FIRST, checked), ORIGIN, SIT))
    assert [found for found in pairs_of(RECORDS, ORIGIN, SIT) if isinstance(found, str)] == []


def test_batches_stay_within_what_route_53_takes_and_split_no_pair() -> None:
    few = [replace_name(PAIR, f"t{number}.example") for number in range(MOST_RECORDS)]
    parts = list(chunks(few))
    assert [pair for part in parts for pair in part] == few
    assert len(parts) > 1
    for part in parts:
        targets = [r.alias_target or "" for pair in part for r in (pair.primary, pair.dr)]
        assert 2 * len(targets) <= MOST_RECORDS
        assert 2 * sum(map(len, targets)) <= MOST_CHARACTERS


def replace_name(pair: RecordPair, name: str) -> RecordPair:
    return RecordPair(replace(pair.primary, name=name), replace(pair.dr, name=name))


def test_the_change_is_shown_as_json_and_as_a_command_that_a_shell_reads() -> None:
    record_sets = [record_set(route53_record) for route53_record in shifted_pair(PAIR, Side.DR)]
    call = Call("route53", "ChangeResourceRecordSets", "us-east-1", upserts("Z1", record_sets, "it's a drill"))
    batch = json.loads(as_json(call))
    assert [change["Action"] for change in batch["Changes"]] == ["UPSERT", "UPSERT"]
    words = shlex.split(as_command(call))
    assert words[:3] == ["aws", "route53", "change-resource-record-sets"]
    assert words[words.index("--hosted-zone-id") + 1] == "Z1"
    assert json.loads(words[words.index("--change-batch") + 1]) == batch
    assert words[-2:] == ["--region", "us-east-1"]
    short = as_command(call, "file:///the results/it's.json")
    assert shlex.split(short)[-3] == "file:///the results/it's.json"


def test_the_change_between_two_states_holds_their_differences_only() -> None:
    unchanged, changed, new = ({"Name": f"{name}.x.", "Type": "A", "TTL": 60} for name in ("kept", "changed", "new"))
    there = between("Z1", [unchanged, changed], [unchanged, changed | {"TTL": 5}, new], "there")
    actions = [(change["Action"], change["ResourceRecordSet"]) for change in there["ChangeBatch"]["Changes"]]
    assert actions == [("UPSERT", changed | {"TTL": 5}), ("CREATE", new)]
    assert (there["HostedZoneId"], there["ChangeBatch"]["Comment"]) == ("Z1", "there")
    back = between("Z1", [unchanged, changed | {"TTL": 5}, new], [unchanged, changed], "back")
    actions = [(change["Action"], change["ResourceRecordSet"]) for change in back["ChangeBatch"]["Changes"]]
    assert actions == [("DELETE", new), ("UPSERT", changed)]


def test_what_is_deleted_goes_in_the_opposite_order_of_its_making() -> None:
    target, alias = ({"Name": f"{name}.x.", "Type": "A"} for name in ("target", "alias"))
    changes = between("Z1", [], [target, alias], "")["ChangeBatch"]["Changes"]
    gone = between("Z1", [target, alias], [], "")["ChangeBatch"]["Changes"]
    assert [change["ResourceRecordSet"]["Name"] for change in changes] == ["target.x.", "alias.x."]
    assert [change["ResourceRecordSet"]["Name"] for change in gone] == ["alias.x.", "target.x."]


def test_a_simple_record_is_written_without_any_policy() -> None:
    row = {"Name": f"{ORIGIN}.", "Type": "TXT", "TTL": 30, "ResourceRecords": [{"Value": '"x"'}]}
    assert record_set(route53.record(dict(row))) == row
