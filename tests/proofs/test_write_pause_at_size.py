"""A failback by a fast clock, at AWS's real pace and at size: nobody is kept from writing rows for 15 minutes.

The DR region was failed over to before. It holds a database of 100 GiB, 200 GiB of files and many objects; in each
tenant somebody writes rows, files and objects all the time, and visitors ask for its page. Uploads are refused for
longer, some 25 minutes: AWS takes minutes to enforce a file system's policy, its last sync ten to fifteen more, and
only then is the copy's replication ended. ``DR_FULL_ROUND_TRIP=1`` plays it, and PROD, where a person
takes a minute for each change of DNS; ``DR_FULL_OBJECTS=1`` with 300,000 objects in each bucket of tenants' assets.
test_write_pause.py is the sample: one tenant, a small estate.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Side, load_environment
from sandbox.client.traffic_writer import KINDS, AcknowledgedWrite, Sites, Visitors, Writer, duplicates, missing
from tests.hosting import hosted
from tests.proofs.test_many_objects import ALIKE, FULL, NEW
from tests.proofs.test_round_trip import ENVIRONMENTS, ROOT, Trip
from tests.utils.running import run_directly

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(
        not os.environ.get("DR_FULL_ROUND_TRIP"), reason="DR_FULL_ROUND_TRIP=1 plays it, some minutes for each"
    ),
]

SPEED, PAUSE_SPEED = 60, 5  # what this machine takes for itself counts as much in the world
OBJECTS_SPEED = 1  # for listing 300,000 versions the sandbox takes about as long as S3
DATABASE_GIB, FILES_GIB, KFILES = 100, 200, 300
TENANTS, PERSON_S = 2, 60
EACH_S, UPLOAD_S = 0.1, 1  # between two writes or visits, and between two objects: of this machine's seconds
MOST_OF_A_RUN_S = 2_400
MOST_S = {"rows": 15 * 60, "files": 30 * 60}
SETTINGS = "[execution]\npoll_s = 10\ncool_down_minutes = 0\n[observation]\nattempts = 2\nread_timeout_s = 300\n"
# Name servers of the sandbox are silent for seconds while it lists 300,000 versions: one process does both.
SETTINGS += "connect_timeout_s = 120\n"
SHORT = "bake_minutes = 1\nstable_minutes = 0\n"


def settings(name: str, folder: Path) -> None:
    """The environment's own, with short bakes and no run by AWS: the first visitors' pause is without any."""
    text = (ROOT / "environments" / f"{name}.toml").read_text(encoding="utf-8")
    there = "[failback]\n" in text
    text = text.replace("[failback]\n", f"[failback]\n{SHORT}") if there else f"{text}\n[failback]\n{SHORT}"
    (folder / f"{name}.toml").write_text(f"{text}\n{SETTINGS}", encoding="utf-8")
    run_directly(folder / f"{name}.toml")


SPEEDS = (
    (EntryKind.INTENT, "files/write_marker", PAUSE_SPEED),
    (EntryKind.CONFIRMED, "database/verify_freeze", OBJECTS_SPEED if FULL else PAUSE_SPEED),
    (EntryKind.INTENT, "tables/write_marker", PAUSE_SPEED),
    (EntryKind.CONFIRMED, "traffic/shift_to_primary", SPEED),
    (EntryKind.CONFIRMED, "database/replicate_to_dr", OBJECTS_SPEED if FULL else SPEED),
)
"""How fast the world's clock goes from an entry of the journal on."""


class Slowed:
    """Slows the world's clock from the last steps before the files' freeze until the first visitors are moved back.

    What this machine takes for itself then counts for a twelfth, and for no more than it is while many objects are
    compared, in the pause and when all is validated.
    """

    def __init__(self, trip: Trip, speeds: Sequence[tuple[EntryKind, str, float]] = SPEEDS) -> None:
        self._trip, self._speeds, self._stopping = trip, speeds, threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        for kind, action, speed in self._speeds:
            if not self._met(kind, action):
                return
            self._trip.world.set_speed(speed)

    def _met(self, kind: EntryKind, action: str) -> bool:
        while not self._stopping.wait(0.5):
            if any(e.kind is kind and str(e.step).startswith(f"{action}:") for e in self._trip.entries()):
                return True
        return False


class Uploader:
    """Puts one object after another into the bucket of the region that DNS names. ``keys`` are those S3 took."""

    def __init__(self, trip: Trip) -> None:
        self.keys: list[str] = []
        bucket = trip.env.named(trip.env.names.buckets[1])
        copy = trip.env.named(trip.env.names.bucket_copy, bucket=bucket)
        self.bucket, self.copy = bucket, copy
        self._sites = Sites(trip.world, trip.env)
        self._buckets = {
            trip.env.region(side): (trip.client("s3", side), name)
            for side, name in ((Side.PRIMARY, bucket), (Side.DR, copy))
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(UPLOAD_S):
            if (region := self._sites.serving()) in self._buckets:
                client, name = self._buckets[region]
                key = f"uploaded/{len(self.keys):07}"
                try:
                    client.put_object(Bucket=name, Key=key, Body=region.encode())
                except (ClientError, BotoCoreError):
                    continue
                self.keys.append(key)

    def versions_at(self, client: Any) -> Counter[str]:
        """How many versions the bucket of the primary region holds of each object."""
        pages = client.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        return Counter(row["Key"] for page in pages for row in page.get("Versions", ()))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_large_estate_is_led_home_without_loss_in_less_than_15_minutes(name: str, tmp_path: Path) -> None:
    settings(name, tmp_path)
    env = load_environment(tmp_path, name)
    with hosted(env, TENANTS) as world:
        world.set_sizes(DATABASE_GIB, FILES_GIB, KFILES)
        world.timing(transition_s=0.3, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
        trip = Trip(world, env, tmp_path, PERSON_S / PAUSE_SPEED, MOST_OF_A_RUN_S)
        uploader = Uploader(trip)
        world.fill([uploader.bucket, uploader.copy], "alike/", ALIKE)
        world.inject("primary-dark")
        away = trip.execute(trip.weighed("failover"), "failover")
        assert away.returncode == 0, away.stdout + away.stderr
        world.fill([uploader.copy], "new/", NEW)
        world.repair("primary-dark")
        world.set_speed(SPEED)
        world.timing(transition_s=None, slow_s=0, files_lag_s=None, replica_lag_s=None, lag_published_s=None)
        world.pace("real")
        home = trip.weighed("failback", "--staged")
        assert home["recommendation"] == "PROCEED", home["reasons"]
        hosts = Sites(world, env).hosts
        with ExitStack() as stack:
            writers = [stack.enter_context(Writer(world, env, EACH_S, "all the time", [host])) for host in hosts]
            visitors = [stack.enter_context(Visitors(world, env, host, EACH_S)) for host in hosts]
            stack.enter_context(uploader)
            stack.enter_context(Slowed(trip))
            done = trip.execute(home, "failback", "--staged")
        assert done.returncode == 0, done.stdout + done.stderr
        written = [row for writer in writers for row in writer.written]
        primary, sites = env.region(Side.PRIMARY), writers[0].sites
        assert [] == missing(sites, written, primary)
        assert [] == duplicates(sites, primary)
        nothing_lost_or_doubled(uploader, uploader.versions_at(trip.client("s3", Side.PRIMARY)))
    for visits in visitors:
        assert not visits.unanswered, visits.answered
        assert set(visits.answered) == {primary, env.region(Side.DR)}
    paused_s = {
        (host, kind): pause_s([row for row in written if (row.host, row.kind) == (host, kind)], primary)
        for host in hosts
        for kind in KINDS
    }
    foreseen_s = {"rows": home["write_pause"]["first_p90_s"], "files": home["write_pause"]["uploads_p90_s"]}
    for (host, kind), seconds in paused_s.items():
        assert 0 < seconds < MOST_S[kind], (host, paused_s, home["write_pause"])
        assert seconds <= foreseen_s[kind], (host, paused_s, home["write_pause"])
    assert foreseen_s["rows"] < MOST_S["rows"]


def pause_s(rows: list[AcknowledgedWrite], primary: str) -> float:
    """Seconds of the world without a write, in one region after the other and never in both."""
    by_time = sorted((datetime.fromisoformat(row.at), row.region != primary) for row in rows)
    away = [at for at, elsewhere in by_time if elsewhere]
    at_home = [at for at, elsewhere in by_time if not elsewhere]
    assert [at for at, _ in by_time] == [*away, *at_home], "both regions took writes at once"
    return (at_home[0] - away[-1]).total_seconds()


def nothing_lost_or_doubled(uploader: Uploader, versions: Counter[str]) -> None:
    """Each object is in the primary region, and once."""
    assert (ALIKE, NEW) == tuple(sum(key.startswith(prefix) for key in versions) for prefix in ("alike/", "new/"))
    assert [] == [key for key in uploader.keys if versions[key] != 1]
    assert {1} == {versions[key] for key in versions if key.startswith(("alike/", "new/"))}
