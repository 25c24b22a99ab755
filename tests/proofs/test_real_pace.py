"""A real day by a clock 120 times as fast: a failover brings everybody back, and takes about as long as it says.

Met as a user meets it, by the command line, in a world at the real pace. ``DR_FULL_MATRIX=1`` plays every disaster in
SIT and in PROD, where a person changes DNS by hand, here by plain calls; without it some are played.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import journal_path, read
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.aws_durations import MEDIAN
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from tests.hosting import hosted
from tests.proofs.test_other_shapes import FOLDER
from tests.proofs.test_round_trip import INCIDENT, ROOT, Trip
from tests.utils.running import run_directly
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

SPEED = 120
NOTICED_S = 240  # until people look, three health checks have failed
LATENCY_S = 60.0
SETTINGS = "[execution]\npoll_s = 10\n[observation]\nattempts = 1\nread_timeout_s = 5\nconnect_timeout_s = 1\n"
GOES, UNFENCED, US_EAST_1 = "posture.expected", "fence.primary", "planes.us-east-1"
NO_DNS = "port-53-closed"
NOT_MEASURED = (
    "check.health-checks.healthy-now",
    "check.rpo.met",
    "check.s3-lag.latency",
    "data.objects",
    "data.files",
)


@dataclass(frozen=True)
class Day:
    """What breaks, which gates are overridden by name, and how the failover of that day ends."""

    environment: str
    broken: tuple[str, ...]
    accepted: tuple[str, ...] = ()
    ends: Exit = Exit.READY
    folder: Path = ROOT / "environments"

    def __str__(self) -> str:
        return "-".join((self.environment, *self.broken))


def _both(*broken: str, accepted: tuple[str, ...] = ()) -> list[Day]:
    return [Day(name, broken, accepted) for name in ("sit", "prod")]


EVERY = [
    *_both("primary-dark"),
    *_both("primary-tasks-die", accepted=(GOES,)),
    *_both("primary-reads-only", accepted=(GOES, UNFENCED)),
    *_both("primary-slow-and-failing"),
    *_both("primary-throttled-and-down", accepted=(GOES, UNFENCED)),
    *_both("dr-database-class-scarce", "primary-dark"),
    *_both("reached-through-cloudfront-only", "primary-dark"),
    *_both(NO_DNS, "primary-dark"),
    *_both("primary-hangs"),
    Day("sit", ("metrics-stale", "primary-dark"), NOT_MEASURED, Exit.COULD_NOT_SEE),
    Day("virginia", ("primary-dark",), folder=FOLDER),
    *_both("reached-through-cloudfront-only", NO_DNS, "primary-dark"),
    Day("sit", ("us-east-1-sick", "primary-dark"), (US_EAST_1,)),
    Day("prod", ("us-east-1-sick", "primary-dark"), (US_EAST_1,)),
    Day("sit", ("us-east-1-dark", "primary-dark"), (US_EAST_1,)),
    Day("prod", ("us-east-1-dark", "primary-dark"), (US_EAST_1,)),
]
SAMPLE = ("sit-primary-dark", "prod-primary-dark", "virginia-primary-dark", "sit-us-east-1-sick-primary-dark")
DAYS = EVERY if os.environ.get("DR_FULL_MATRIX") else [day for day in EVERY if str(day) in SAMPLE]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_dr_region_serves_all_about_as_soon_as_the_plan_says(day: Day, tmp_path: Path) -> None:
    text = (day.folder / f"{day.environment}.toml").read_text(encoding="utf-8")
    (tmp_path / f"{day.environment}.toml").write_text(f"{text}\n{SETTINGS}", encoding="utf-8")
    run_directly(tmp_path / f"{day.environment}.toml")
    env = load_environment(tmp_path, day.environment)
    with hosted(env, 1, speed=SPEED) as world:
        begin(world, day)
        trip, words = Trip(world, env, tmp_path), ["failover", "--since", f"{moment(world):%Y-%m-%dT%H:%MZ}"]
        words += overrides(*day.accepted)
        time.sleep(NOTICED_S / SPEED)
        assessed = trip.weighed(*words)
        done = trip.execute(assessed, *words)
        assert done.returncode == day.ends, done.stdout + done.stderr
        if NO_DNS in day.broken:
            world.repair(NO_DNS)  # who is served is asked of the name server
        serving = Sites(world, env).serving()
    taken_s, estimate_s = run_s(trip), assessed["plan_estimate_s"]
    assert serving == env.region(Side.DR)
    assert abs(taken_s - estimate_s) <= 0.25 * taken_s, (estimate_s, taken_s)


def overrides(*gates: str) -> list[str]:
    """The words that ignore these gates by name."""
    return [word for gate in gates for word in ("--override", gate, "DR Manager", "2099-01-01T00:00Z", "by name")]


def begin(world: Endpoint, day: Day) -> None:
    """Break what breaks that day, and let everything take its usual time from then on: a plan estimates the median."""
    for name in day.broken:
        world.inject(name)
    world.timing(transition_s=None, slow_s=LATENCY_S / SPEED, quantile=MEDIAN)
    world.pace("real")


def moment(world: Endpoint) -> datetime:
    """The world's time."""
    return datetime.fromtimestamp(world.clock()["world"], UTC)


def entries(trip: Trip) -> tuple[Entry, ...]:
    """The journal of the incident."""
    folder = trip.home / "out" / "incidents" / WorldId.live(trip.env.account, trip.world.url).folder
    return read(journal_path(folder, trip.env.name, INCIDENT), trip.env.name, INCIDENT).entries


def run_s(trip: Trip) -> float:
    """Seconds of the world from the beginning of the run to its last step that changed or awaited something."""
    journal = entries(trip)
    began = next(entry.at for entry in journal if entry.kind is EntryKind.BEGIN)
    steps = [e for e in journal if e.kind is EntryKind.CONFIRMED and not str(e.step).startswith("notifications/end")]
    return (steps[-1].at - began).total_seconds()
