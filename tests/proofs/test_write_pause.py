"""A failback by a fast clock, at AWS's real pace: nobody is kept from writing for longer than 15 minutes.

The DR region was failed over to before; a writer writes rows and files of its tenant all the time. The clock is 30
times as fast in the write pause, and 120 times while copies are made before it and protection after it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side, load_environment
from sandbox.client.traffic_writer import Writer, missing
from tests.hosting import hosted
from tests.proofs.test_round_trip import ROOT, Trip
from tests.proofs.test_write_pause_at_size import Slowed

pytestmark = pytest.mark.proof

SPEED, PAUSE_SPEED = 120, 30  # a second that a busy machine takes for itself counts for half a minute of the pause
SPEEDS = (
    (EntryKind.INTENT, "files/write_marker", PAUSE_SPEED),
    (EntryKind.CONFIRMED, "traffic/shift_to_primary", SPEED),
)
MOST_S = 15 * 60
# No second of a busy machine costs the run its lock: that is two minutes of the world.
SETTINGS = (
    "[execution]\npoll_s = 10\nlease_s = 900\ncool_down_minutes = 0\n[observation]\nattempts = 1\nread_timeout_s = 5\n"
)
SHORT = "bake_minutes = 1\nstable_minutes = 0\nmax_write_pause_minutes = 2\n"
LONGER = ("--override", "plan.write-pause", "Jane Doe", "2099-01-01T00:00Z", "announced")


def settings(name: str, folder: Path) -> None:
    """The environment's own, with short bakes: the first visitors' pause is without any."""
    text = (ROOT / "environments" / f"{name}.toml").read_text(encoding="utf-8")
    there = "[failback]\n" in text
    text = text.replace("[failback]\n", f"[failback]\n{SHORT}") if there else f"{text}\n[failback]\n{SHORT}"
    (folder / f"{name}.toml").write_text(f"{text}\n{SETTINGS}", encoding="utf-8")


@pytest.mark.parametrize("name", ["sit"])
def test_the_first_visitors_home_wait_less_than_15_minutes_to_write(name: str, tmp_path: Path) -> None:
    settings(name, tmp_path)
    env = load_environment(tmp_path, name)
    with hosted(env, 1) as world:
        world.timing(transition_s=0.3, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
        trip = Trip(world, env, tmp_path)
        world.inject("primary-dark")
        away = trip.execute(trip.weighed("failover"), "failover")
        assert away.returncode == 0, away.stdout + away.stderr
        world.repair("primary-dark")
        home = trip.weighed("failback", "--staged")
        assert home["recommendation"] == "WAIT", home["reasons"]
        assert [gate["id"] for gate in home["gates"] if not (gate["met"] or gate["relaxed"])] == ["plan.write-pause"]
        world.set_speed(SPEED)
        world.timing(transition_s=None, slow_s=0, files_lag_s=None, replica_lag_s=None, lag_published_s=None)
        world.pace("real")
        with Writer(world, env, 0.02, "all the time") as writer, Slowed(trip, SPEEDS):
            done = trip.execute(home, "failback", "--staged", *LONGER)
        assert done.returncode == 0, done.stdout + done.stderr
        notes = [entry for entry in trip.entries() if entry.kind is EntryKind.NOTE]  # what was promised is no note
        (note,) = [entry for entry in notes if "write_pause_s" in entry.data]
        assert 60 < note.data["write_pause_s"] < MOST_S
        shown = " ".join(f"{done.stdout} {done.stderr}".split())
        assert shown.count("The write pause lasts for") == 1, shown
        primary = env.region(Side.PRIMARY)
        assert [] == missing(writer.sites, writer.written, primary)
    rows = [row for row in writer.written if row.kind == "rows"]
    last = max(datetime.fromisoformat(row.at) for row in rows if row.region != primary)
    first = min(datetime.fromisoformat(row.at) for row in rows if row.region == primary)
    assert (first - last).total_seconds() < MOST_S, home["write_pause"]
    assert home["write_pause"]["first_p90_s"] < MOST_S
