"""What stands in the control table is seen: the stop switch, the incident, overrides, and who holds the lock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr_actions.control_table.control import ControlStore
from dr_actions.control_table.lock import Owner, take
from dr_actions.control_table.table import Put
from dr_actions.run_history.run_history import write_record
from dr_estate.aws.clock import WorldClock
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.run_records import RunKind, RunRecord
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers.control_table import NEWEST, ControlState, RunHistory, pins, runs, standing
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot, from_json, to_json
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import Plain
from tests.worlds import borrowed

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    with borrowed(SIT, tenants=1) as endpoint:
        yield endpoint


def _seen(world: Endpoint) -> Snapshot:
    keys = world.people["reader"]
    reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    return observe(SIT, reader, "sandbox", only=frozenset({standing.name, runs.name}))


def test_a_new_estate_has_nothing_standing_by_two_calls_and_one_per_kind(world: Endpoint) -> None:
    snapshot = _seen(world)
    stands = snapshot.get(standing, Side.DR)
    assert ControlState(database=stands.database) == stands
    assert stands.database is not None, "the last scheduled test remembered it"
    assert stands.database.identifier == SIT.named(SIT.names.database)
    assert 2 + len(RunKind) == snapshot.calls["dynamodb:Query"]


def test_a_pin_behind_a_megabyte_of_other_items_is_seen() -> None:
    prod = load_environment(Path(__file__).parents[3] / "environments", "prod")
    with borrowed(prod, tenants=1) as world:
        table = ControlStore.of(prod, Plain(world), WorldClock()).table
        for number in range(4):
            table.put(Put({"pk": f"AAA#{number}", "sk": "#RULES", "filled": "x" * 350_000}))
        keys = world.people["reader"]
        reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        found = observe(prod, reader, "sandbox", only=frozenset({pins.name})).get(pins, Side.DR)
        assert [pin.person for pin in found or ()] == ["approver"]


def test_who_pinned_the_rules_is_seen_and_an_unreadable_pin_is_unknown() -> None:
    prod = load_environment(Path(__file__).parents[3] / "environments", "prod")
    with borrowed(prod, tenants=1) as world:
        keys = world.people["reader"]
        reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        found = observe(prod, reader, "sandbox", only=frozenset({pins.name})).get(pins, Side.DR)
        assert [pin.person for pin in found or ()] == ["approver"]
        pinned = ControlStore.of(prod, Plain(world), WorldClock()).table
        pinned.put(Put({"pk": "APPROVAL#AIDAX", "sk": "#RULES", "rules": "no JSON", "person": "x"}))
        with pytest.raises(DataUnavailable):
            observe(prod, reader, "sandbox", only=frozenset({pins.name})).get(pins, Side.DR)


def test_where_one_person_may_run_a_plan_nothing_is_asked_for_pinned_rules(world: Endpoint) -> None:
    keys = world.people["reader"]
    snapshot = observe(
        SIT, Credentials(world.url, keys.access_key_id, keys.secret_access_key), "sandbox", only=frozenset({pins.name})
    )
    assert (snapshot.get(pins, Side.DR), "dynamodb:Query" in snapshot.calls) == ((), False)


def test_the_newest_runs_of_each_kind_are_seen_the_newest_first(world: Endpoint) -> None:
    control = ControlStore.of(SIT, Plain(world), WorldClock())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    run_records = [
        RunRecord(
            RunKind.TEST_DNS, at + timedelta(hours=n), f"r{n}", "Alice", "values", "READY", True, n, steps={"a": (1.5,)}
        )
        for n in range(NEWEST + 3)
    ]
    for record in run_records:
        write_record(control, record)
    snapshot = _seen(world)
    seen = [run for run in snapshot.get(runs, Side.DR).runs if run.kind is RunKind.TEST_DNS]
    assert run_records[: -NEWEST - 1 : -1] == seen
    assert {RunKind.TABLETOP, RunKind.TEST_INFRA} <= {run.kind for run in snapshot.get(runs, Side.DR).runs}
    assert snapshot.get(runs, Side.DR) == from_json(to_json(snapshot)).get(runs, Side.DR)


def test_what_the_operators_wrote_is_seen_and_kept_as_evidence(world: Endpoint) -> None:
    now = datetime.now(UTC)
    control = ControlStore.of(SIT, Plain(world), WorldClock())
    lock = take(control, Owner("Alice", "arn:aws:iam::1:user/alice"), "run-1", "INC-1", SIT.execution)
    control.open_incident("INC-1", "failover", now, "Alice", fence=lock.fence)
    control.pause("Bob", "wait for the vendor")
    snapshot = _seen(world)
    seen = snapshot.get(standing, Side.DR)
    assert control.in_force() == seen
    assert seen.pause is not None
    assert seen.known_incident is not None
    assert seen.known_incident.id == "INC-1"
    assert seen.known_run is not None
    assert (seen.pause.who, seen.known_run.person) == ("Bob", "Alice")
    assert seen == from_json(to_json(snapshot)).get(standing, Side.DR)


def test_approvals_are_found_by_the_seeded_tables_index(world: Endpoint) -> None:
    table = Plain(world).client.describe_table(TableName=SIT.named(SIT.names.control_table))["Table"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert ("by-sk", ["sk", "pk"]) == (index["IndexName"], [key["AttributeName"] for key in index["KeySchema"]])


@pytest.mark.proof
def test_without_a_table_nothing_stands_and_a_repaired_one_is_as_before(
    world: Endpoint,
) -> None:
    before = _seen(world)
    world.inject("control-table-deleted")
    name = SIT.named(SIT.names.control_table)
    reason = f"There is no table {name} in {SIT.regions.dr}."
    assert ControlState(reason=reason) == _seen(world).get(standing, Side.DR)
    assert RunHistory(reason=reason) == _seen(world).get(runs, Side.DR)
    world.repair()
    assert before.get(standing, Side.DR) == _seen(world).get(standing, Side.DR)
    assert before.get(runs, Side.DR) == _seen(world).get(runs, Side.DR)
    assert "GlobalSecondaryIndexes" in Plain(world).client.describe_table(TableName=name)["Table"]
