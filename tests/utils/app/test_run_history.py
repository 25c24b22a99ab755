"""A recovery leaves a record with what its journal measured, and the next estimate can go by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dr_actions.journal import journal
from dr_actions.model.plan import Plan, from_json
from dr_actions.planning.planner import rto_estimate_s
from dr_actions.run_history import durations as run_history_durations
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.run_records import RunKind, RunRecord
from dr_estate.readers import control_table
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from tests.utils.running import Ran, at_endpoint, rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
INCIDENT = "INC-20260107-001"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rules(tmp_path_factory.mktemp("rules"), "sit", QUICK)


@pytest.fixture(scope="module")
def world(config: Path) -> Iterator[Endpoint]:
    with borrowed(load_environment(config, "sit"), tenants=1) as started:
        started.inject("primary-dark")
        yield started


@pytest.fixture(scope="module")
def failed_over(world: Endpoint, config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    home = tmp_path_factory.mktemp("home")
    words = f"-e sit --config {config} failover --execute --format json --incident {INCIDENT}"
    return at_endpoint(world, home, f"{words} --confirm files/restore_dr:sit-efs", "operator"), home


def _records(world: Endpoint, config: Path) -> list[RunRecord]:
    env, keys = load_environment(config, "sit"), world.people["reader"]
    credentials = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    seen = observe(env, credentials, "sandbox", only=frozenset({control_table.runs.name}))
    return [run for run in seen.get(control_table.runs, Side.DR).runs if run.kind is RunKind.FAILOVER]


def test_a_failover_is_recorded_with_its_time_phases_steps_and_evidence(
    world: Endpoint, config: Path, failed_over: tuple[Ran, Path]
) -> None:
    ran, _ = failed_over
    assert 0 == ran.code, ran.out[-2000:] + ran.err
    (run_record,) = _records(world, config)
    run = ran.report["run"]
    assert ("operator", INCIDENT, "done", True) == (
        run_record.who,
        run_record.incident,
        run_record.verdict,
        run_record.complete,
    )
    assert (run["run"], ran.report["score"]) == (run_record.run, run_record.score)
    assert run_record.rto_s is not None
    since = datetime.fromisoformat(run["rto"]["since"])
    assert run["rto"]["since_by"] == "health check", "the world shows a failed check as failed for the whole window"
    assert run_record.rto_s == run["rto"]["reached_s"] > run["rto"]["run_s"] > 0
    assert since < run_record.at
    assert {"execute", "validate"} <= run_record.phases.keys()
    assert {"compute/scale_dr_services", "database/restore_dr"} <= run_record.steps.keys(), run_record.steps
    assert hashlib.sha256((Path(run_record.report) / "evidence.json").read_bytes()).hexdigest() == run_record.evidence


def test_the_next_estimate_can_go_by_what_was_measured(
    world: Endpoint, config: Path, failed_over: tuple[Ran, Path]
) -> None:
    _, home = failed_over
    (path,) = home.rglob("*.journal.jsonl")
    env, (run_record,) = load_environment(config, "sit"), _records(world, config)
    plan = _plan(path)
    known = run_history_durations.by_action([run_record] * run_history_durations.ENOUGH)
    assert rto_estimate_s(plan, env, known) < rto_estimate_s(plan, env)
    assert rto_estimate_s(
        plan, env, run_history_durations.by_action([replace(run_record, steps={})])
    ) == rto_estimate_s(plan, env)


def _plan(path: Path) -> Plan:
    entries = journal.read(path, "sit", INCIDENT).entries
    return from_json(next(entry.data["plan"] for entry in entries if "plan" in entry.data))
