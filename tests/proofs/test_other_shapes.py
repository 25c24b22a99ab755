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
    shape = (
        ("sit", home, ROOT / "environments", POSTGRES) if request.param == POSTGRESQL else (request.param, home, FOLDER)
    )
    with trip(*shape) as there:
        way = Played(there, held(there), ("--staged",) if there.env.traffic.policy == "weighted" else ())
        way.note("before")
        there.world.inject("primary-dark")
        way.run("failover")
        there.world.repair("primary-dark")
        way.note("healed")
        way.run("failback", *way.staged)
        yield way


def test_a_lost_primary_is_failed_over_upon_independent_witnesses_and_everybody_is_served(played: Played) -> None:
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


def test_the_parameter_by_which_its_engine_refused_writes_is_as_before(played: Played) -> None:
    group = played.trip.env.named(played.trip.env.names.db_parameter_group)
    rds = played.trip.client("rds", Side.DR)
    family = rds.describe_db_parameter_groups(DBParameterGroupName=group)["DBParameterGroups"][0]
    engine = engine_of(family["DBParameterGroupFamily"])
    rows = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert {row["ParameterName"]: row["ParameterValue"] for row in rows}[engine.read_only] == engine.writable
