"""Estates of other shapes there and back: us-east-1 as primary (dark with all its control planes) and as DR region,
and a database that is PostgreSQL's.

The files are those of tests/environments, or shipped. Three are played; ``DR_FULL_MATRIX=1`` plays them all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dr_actions.drills.inventory import Inventory, differences
from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side
from dr_estate.model.engines import POSTGRES, engine_of
from sandbox.client.traffic_writer import Sites
from tests.proofs.test_round_trip import Trip, held, trip
from tests.utils.running import ROOT
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

FOLDER, POSTGRESQL = ROOT / "tests" / "environments", "postgresql"
SAMPLE, OTHERS = ("virginia", "frankfurt", POSTGRESQL), ("oregon", "prod")
SHAPES = (*SAMPLE, *OTHERS) if os.environ.get("DR_FULL_MATRIX") else SAMPLE


@dataclass
class Played:
    """A shape's world whose primary region was lost and recovered, and where visitors were at each moment."""

    trip: Trip
    before: Inventory
    staged: tuple[str, ...]
    served: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def note(self, moment: str) -> None:
        self.served[moment] = Sites(self.trip.world, self.trip.env).serving()

    def run(self, *words: str) -> None:
        """Assess, execute as assessed, and note how it ended and who serves then."""
        (goal, *_) = words
        assessment = self.trip.weighed(*words)
        posture = next((gate["says"] for gate in assessment["gates"] if gate["id"].startswith("posture.")), "")
        self.said[goal] = f"{assessment['recommendation']}: {posture} {assessment['reasons']}"
        done = self.trip.execute(assessment, *words)
        self.codes[goal] = done.returncode
        self.said[f"{goal} executed"] = done.stdout + done.stderr
        self.note(goal)


@pytest.fixture(scope="module", params=SHAPES)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    home: Path = tmp_path_factory.mktemp(request.param)
    shape = ("sit", home, _with_psql(home), POSTGRES) if request.param == POSTGRESQL else (request.param, home, FOLDER)
    with trip(*shape) as there:
        if request.param == POSTGRESQL:
            _make_psql_task(there)
        way = Played(there, held(there), ("--staged",) if there.env.traffic.policy == "weighted" else ())
        way.note("before")
        there.world.inject("primary-dark")
        way.run("failover")
        there.world.repair("primary-dark")
        way.note("healed")
        way.run("failback", *way.staged)
        yield way


def _with_psql(home: Path) -> Path:
    """The folder of sit's settings, with a task by which PostgreSQL is asked."""
    folder = home / "psql"
    folder.mkdir()
    text = (ROOT / "environments" / "sit.toml").read_text(encoding="utf-8")
    (folder / "sit.toml").write_text(f'{text}\n[names]\npsql_task = "sit-psql"\n', encoding="utf-8")
    return folder


def _make_psql_task(there: Trip) -> None:
    """In both regions: what starts it and its log are as a tenant's own."""
    tenant, env = there.world.state()["tenants"][0], there.env
    for side in (Side.PRIMARY, Side.DR):
        ecs = there.client("ecs", side)
        own = ecs.describe_task_definition(taskDefinition=env.named(env.names.task_family, tenant=tenant))
        (like, *_) = own["taskDefinition"]["containerDefinitions"]
        user = [{"name": name, "value": tenant} for name in ("PGUSER", "PGPASSWORD")]
        psql = {"name": "psql", "image": "postgres:16", "environment": user}
        ecs.register_task_definition(
            family="sit-psql",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=own["taskDefinition"]["executionRoleArn"],
            containerDefinitions=[psql | {"logConfiguration": like["logConfiguration"]}],
        )


def test_a_lost_primary_is_failed_over_by_independent_witnesses_and_serves(played: Played) -> None:
    assert played.said["failover"].startswith("PROCEED"), played.said["failover"]
    assert "independently of that: " in played.said["failover"]
    assert played.codes["failover"] == Exit.READY, played.said["failover executed"]
    assert [played.served[moment] for moment in ("before", "failover")] == [
        played.trip.env.region(Side.PRIMARY),
        played.trip.env.region(Side.DR),
    ]


def test_a_primary_that_heals_gets_no_visitor_before_the_failback(played: Played) -> None:
    assert played.served["healed"] == played.trip.env.region(Side.DR)


def test_the_failback_leads_everybody_home_and_leaves_the_estate_as_it_was(played: Played) -> None:
    assert played.said["failback"].startswith("PROCEED"), played.said["failback"]
    assert played.codes["failback"] == Exit.READY, played.said["failback executed"]
    assert played.served["failback"] == played.trip.env.region(Side.PRIMARY)
    apart = [row for row in differences(played.before, held(played.trip)) if row.how != "new"]
    assert apart == []


def test_a_marker_proves_that_nothing_is_lost_on_the_way_home(played: Played) -> None:
    facts = {
        str(entry.step).partition(":")[0]: entry.data["facts"]
        for entry in played.trip.entries()
        if entry.kind is EntryKind.CONFIRMED and str(entry.step).startswith("database/verify_")
    }
    frozen, arrived = facts["database/verify_freeze"], facts["database/verify_marker"]
    assert int(frozen["written"]) >= 1
    assert arrived["arrived"] == frozen["written"]
    # MySQL counts its transactions where gtid-mode is on: there it is not.
    assert frozen.get("gtids", "").startswith("0/") is bool(played.trip.env.names.psql_task)


def test_the_parameter_by_which_its_engine_refused_writes_is_as_before(played: Played) -> None:
    group = played.trip.env.named(played.trip.env.names.db_parameter_group)
    rds = played.trip.client("rds", Side.DR)
    family = rds.describe_db_parameter_groups(DBParameterGroupName=group)["DBParameterGroups"][0]
    engine = engine_of(family["DBParameterGroupFamily"])
    rows = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert {row["ParameterName"]: row["ParameterValue"] for row in rows}[engine.read_only] == engine.writable
