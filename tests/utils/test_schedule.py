"""schedule, and the history that tests leave, run as their users run them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_checks.derived.due import dues
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side
from dr_estate.model.run_records import RunRecord
from dr_estate.readers import control_table
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import SIT
from tests.utils.running import at_endpoint
from tests.worlds import borrowed

ANSWERS = '[[decision]]\nplaybook = "failover"\nstep = 1\nwho = "Alice"\nsays = "we go"\n'


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    """A world of its own: what is recorded in it stays."""
    with borrowed(SIT, tenants=1) as started:
        yield started


def _last(world: Endpoint, test: str) -> RunRecord:
    """The last run of a test that counts, as the schedule sees it."""
    keys = world.people["reader"]
    reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    seen = observe(SIT, reader, "sandbox", only=frozenset({control_table.runs.name}))
    found = {row.test: row.last for row in dues(SIT, seen.get(control_table.runs, Side.DR).runs, seen.taken_at)}[test]
    assert found is not None
    return found


def test_a_practised_estate_is_on_schedule_by_few_calls(world: Endpoint, tmp_path: Path) -> None:
    world.reset_calls()
    ran = at_endpoint(world, tmp_path, "-e sit schedule --trend")
    assert (0, "") == (ran.code, ran.err)
    assert 3 == sum(line.endswith(" ok") for line in ran.out.splitlines())
    assert "recovery time" in ran.out
    assert {"dynamodb:Query", "sts:GetCallerIdentity"} == {called.split()[1] for called in world.calls()}


@pytest.mark.proof
def test_an_overdue_test_is_exit_1_and_a_missing_table_exit_3(world: Endpoint, tmp_path: Path) -> None:
    for name, code in (("drill-overdue", 1), ("control-table-deleted", 3)):
        world.inject(name)
        ran = at_endpoint(world, tmp_path, "-e sit schedule")
        world.repair()
        assert code == ran.code, ran.err
    assert 0 == at_endpoint(world, tmp_path, "-e sit schedule").code


def test_a_format_it_is_not_written_in_is_a_usage_error(world: Endpoint, tmp_path: Path) -> None:
    assert 2 == at_endpoint(world, tmp_path, "-e sit schedule --format csv").code


@pytest.mark.proof
def test_an_operators_test_is_recorded_with_its_evidence(world: Endpoint, tmp_path: Path) -> None:
    ran = at_endpoint(world, tmp_path, "-e sit test --infra --format json", person="operator")
    assert 0 == ran.code, ran.err
    last = _last(world, "infrastructure")
    assert ("operator", "READY", 100) == (last.who, last.verdict, last.score)
    content = (Path(last.report) / "evidence.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == last.evidence


@pytest.mark.proof
def test_what_is_narrowed_to_a_tenant_does_not_count(world: Endpoint, tmp_path: Path) -> None:
    before = _last(world, "infrastructure")
    (tenant,) = world.state()["tenants"]
    ran = at_endpoint(world, tmp_path, f"-e sit test --infra --tenant {tenant} --format json", person="operator")
    assert 0 == ran.code, ran.err
    assert before == _last(world, "infrastructure")


@pytest.mark.proof
def test_an_exercise_counts_where_something_was_decided(world: Endpoint, tmp_path: Path) -> None:
    before = _last(world, "tabletop")
    prepared = at_endpoint(world, tmp_path, "-e sit test --tabletop --non-interactive", person="operator")
    assert "does not count" in prepared.err
    assert before == _last(world, "tabletop")
    answers = tmp_path / "answers.toml"
    answers.write_text(ANSWERS)
    at_endpoint(world, tmp_path, f"-e sit test --tabletop --answers {answers}", person="operator")
    last = _last(world, "tabletop")
    assert last != before
    assert hashlib.sha256((Path(last.report) / "tabletop.json").read_bytes()).hexdigest() == last.evidence


@pytest.mark.proof
def test_a_reader_tests_all_the_same_and_is_shown_that_it_is_not_recorded(world: Endpoint, tmp_path: Path) -> None:
    before = _last(world, "infrastructure")
    world.enforce_iam(True)
    try:
        ran = at_endpoint(world, tmp_path, "-e sit test --infra")
    finally:
        world.enforce_iam(False)
    assert "DR status by " in ran.out, ran.err
    assert "was not recorded in the control table" in ran.out.replace("\n", " ")
    assert before == _last(world, "infrastructure")
