"""Failover and failback: nothing acknowledged is lost, traffic moves back as weighted, and the estate is what it was.

``DR_FULL_ROUND_TRIP=1`` plays it for PROD too, where each DNS change is made by a person: here by plain calls.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_actions.drills.inventory import Inventory, differences, inventory
from dr_actions.guard.context import confirmations
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import journal_path, read
from dr_actions.model.plan import from_json
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.engines import MYSQL, Engine
from dr_estate.model.recovery_names import ASIDE
from dr_estate.model.world_id import WorldId
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import KINDS, Sites, Writer, missing
from tests.proofs.watching import reader_of
from tests.utils.forking import begin
from tests.utils.running import command_of, run_directly, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.whole_run("failback")]

ROOT = Path(__file__).parents[2]
INCIDENT = "INC-20260107-001"
QUICK = "\n[execution]\npoll_s = 0.1\ncool_down_minutes = 0\n"
SHORT = "bake_minutes = 0.06\nstable_minutes = 0\nfiles_freeze_minutes = 0\n"
ENVIRONMENTS = ["sit", "prod"] if os.environ.get("DR_FULL_ROUND_TRIP") else ["sit"]


class Trip:
    """One world, and the command line run in it by its people."""

    def __init__(
        self, world: Endpoint, env: Environment, home: Path, hand_s: float = 0.2, limit_s: float = 900
    ) -> None:
        """``hand_s``: how long a person takes for a change of DNS, at most; ``limit_s``: how long a command may."""
        self.world, self.env, self.home, self._hand_s, self._limit_s = world, env, home, hand_s, limit_s

    def run(self, *words: str, person: str = "operator") -> subprocess.CompletedProcess[str]:
        """One command; nothing is typed."""
        line = f"-e {self.env.name} --config {self.home}"
        command, variables = command_of(line, self.home, **signed_in(self.world, person))
        with tempfile.TemporaryDirectory(prefix="said-") as folder:
            running = begin([*command, *words], variables, Path(folder))
            code = running.wait(self._limit_s)
            return subprocess.CompletedProcess(command, code, running.out, running.err)

    def weighed(self, *words: str) -> dict[str, Any]:
        """What an assessment says."""
        return dict(json.loads(self.run(*words, "--format", "json").stdout))

    def execute(self, assessment: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
        """Run the plan that was assessed, its irreversible steps confirmed, approved where two people are needed."""
        if self.env.approvals.people > 1:
            how = ["--failback"] if words[0] == "failback" else []
            given = [at for at, word in enumerate(words) if word == "--override"]
            how += [word for at in given for word in words[at : at + 5]]  # a flag and its four words
            approved = self.run("approve", "--incident", INCIDENT, *how, person="approver")
            assert approved.returncode == 0, approved.stderr
        dangerous = [s["id"] for s in assessment["plan"]["steps"] if s["danger"] == "irreversible"]
        confirmed = [word for step in dangerous for word in ("--confirm", step)]
        with self.by_hand():
            return self.run(*words, "--execute", "--incident", INCIDENT, *confirmed)

    def client(self, service: str, side: Side) -> Any:
        """A plain client, as anybody's."""
        keys = self.world.people["admin"]
        return boto3.client(
            service,
            region_name=self.env.region(side),
            endpoint_url=self.world.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """Where DNS is changed by a person: whatever change the topic asks for is made by plain calls."""
        if self.env.traffic.dns_step != "manual":
            yield
            return
        stop = threading.Event()
        thread = threading.Thread(target=self._change_dns, args=(stop,), daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join()

    def entries(self) -> tuple[Entry, ...]:
        """What the incident's journal holds."""
        folder = self.home / "out" / "incidents" / WorldId.live(self.env.account, self.world.url).folder
        return tuple(read(journal_path(folder, self.env.name, INCIDENT), self.env.name, INCIDENT).entries)

    def _change_dns(self, stop: threading.Event) -> None:
        """Make, by plain calls, each change that the run's record says it waits for."""
        folder = self.home / "out" / "incidents" / WorldId.live(self.env.account, self.world.url).folder
        path, finished = journal_path(folder, self.env.name, INCIDENT), set[int]()
        while not stop.wait(self._hand_s):
            if not path.exists():
                continue
            entries = read(path, self.env.name, INCIDENT).entries
            for entry in entries:
                if entry.kind is EntryKind.MANUAL_WAIT and entry.seq not in finished:
                    begun = [e for e in entries if e.kind is EntryKind.BEGIN and e.seq < entry.seq][-1]
                    call = from_json(begun.data["plan"]).step(str(entry.step)).call
                    assert call is not None
                    with suppress(ClientError):  # us-east-1 takes no change: they try again
                        self.client("route53", Side.GLOBAL).change_resource_record_sets(**call.params)
                        finished.add(entry.seq)


@contextmanager
def trip(name: str, home: Path, folder: Path = ROOT / "environments", engine: Engine = MYSQL) -> Iterator[Trip]:
    """A world of two tenants under the settings of ``folder``, but for how long things take."""
    text = (folder / f"{name}.toml").read_text(encoding="utf-8")
    there = "[failback]\n" in text
    text = text.replace("[failback]\n", f"[failback]\n{SHORT}") if there else f"{text}\n[failback]\n{SHORT}"
    (home / f"{name}.toml").write_text(text + QUICK, encoding="utf-8")
    run_directly(home / f"{name}.toml")
    env = load_environment(home, name)
    with borrowed(env, 2, engine) as world:
        world.timing(transition_s=0.3, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
        yield Trip(world, env, home)


class Sampler:
    """Asks the name server again and again, and counts which region it answers with under each weight."""

    def __init__(self, round_trip: Trip) -> None:
        self._sites, self._route53 = Sites(round_trip.world, round_trip.env), round_trip.client("route53", Side.GLOBAL)
        self._env, self._stop = round_trip.env, threading.Event()
        self.counts: dict[int, Counter[str]] = {}
        zones = self._route53.list_hosted_zones()["HostedZones"]
        self._zone = next(z["Id"] for z in zones if z["Name"] == f"{round_trip.env.traffic.zone}.")
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _weight(self) -> int:
        pages = self._route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self._zone)
        traffic = self._env.traffic
        for page in pages:
            for row in page["ResourceRecordSets"]:
                if (
                    row["Name"] == f"{traffic.origin_record}."
                    and row["SetIdentifier"] == traffic.primary_set_identifier
                ):
                    return int(row["Weight"])
        raise AssertionError("the primary's record is gone")

    def _run(self) -> None:
        while not self._stop.is_set():
            before = self._weight()
            seen = Counter(self._sites.serving() for _ in range(20))
            if self._weight() == before:
                self.counts.setdefault(before, Counter()).update(seen)
            time.sleep(0.2)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_was_written_before_and_while_away_is_served_at_home_again(name: str, tmp_path: Path) -> None:
    with trip(name, tmp_path) as round_trip:
        whole = held(round_trip)
        before = Writer(round_trip.world, round_trip.env, 0.02, "before").write(0.5).written
        time.sleep(4)  # what is younger than a copy is lost with the region: the data-loss window
        round_trip.world.inject("primary-dark")
        away = round_trip.weighed("failover")
        assert away["recommendation"] == "PROCEED", away["reasons"]
        done = round_trip.execute(away, "failover")
        assert done.returncode == 0, done.stdout + done.stderr
        during = Writer(round_trip.world, round_trip.env, 0.02, "during").write(0.5).written
        bucket = round_trip.env.named(round_trip.env.names.buckets[1])
        copy = round_trip.env.named(round_trip.env.names.bucket_copy, bucket=bucket)
        round_trip.client("s3", Side.DR).put_object(Bucket=copy, Key="uploaded-while-away", Body=b"kept")
        round_trip.world.repair("primary-dark")
        home = round_trip.weighed("failback", "--staged")
        assert home["recommendation"] == "PROCEED", home["reasons"]
        assert home["write_pause"]["last_p90_s"] <= round_trip.env.failback.max_write_pause_minutes * 60
        writer = Writer(round_trip.world, round_trip.env, 0.05, "on the way home")
        with Sampler(round_trip) as sampler, writer as meanwhile:
            done = round_trip.execute(home, "failback", "--staged")
        assert done.returncode == 0, done.stdout + done.stderr
        written_in_turn(meanwhile, round_trip)
        sites = Sites(round_trip.world, round_trip.env)
        assert sites.serving() == round_trip.env.region(Side.PRIMARY)
        assert before
        assert during
        assert [] == list(missing(sites, [*before, *during, *meanwhile.written], round_trip.env.region(Side.PRIMARY)))
        assert round_trip.client("s3", Side.PRIMARY).get_object(Bucket=bucket, Key="uploaded-while-away")["Body"].read()
        distributed_as_weighted(sampler.counts, round_trip.env)
        apart = [
            difference
            for difference in differences(whole, held(round_trip))
            if not (difference.how == "new" and ASIDE in difference.subject)
        ]
        assert [] == apart


def written_in_turn(meanwhile: Writer, round_trip: Trip) -> None:
    """The DR region took writes while all was copied back, and none after the first that the primary took."""
    first = {kind: [row.region for row in meanwhile.written if row.kind == kind] for kind in KINDS}
    dr, primary = round_trip.env.region(Side.DR), round_trip.env.region(Side.PRIMARY)
    for kind, regions in first.items():
        assert {dr, primary} == set(regions), (kind, meanwhile.refused)
        assert regions == sorted(regions, key=[dr, primary].index), f"{kind} were written in both regions at once"
    copied = confirmations(round_trip.entries())[f"database/wait_replica_lag:{round_trip.env.name}-mysql"].at
    late = [row for row in meanwhile.written if row.region == dr and datetime.fromisoformat(row.at) > copied]
    assert late, "the DR region was frozen before its database was copied"


def held(round_trip: Trip) -> Inventory:
    """What the estate holds now, as its reader sees it."""
    return inventory(observe(round_trip.env, reader_of(round_trip.world), "sandbox"))


def distributed_as_weighted(counts: dict[int, Counter[str]], env: Environment) -> None:
    """The answers under each weight are the primary's in that share, within four standard errors."""
    assert set(env.failback.stages) <= set(counts), counts
    for weight, seen in counts.items():
        total, share = sum(seen.values()), weight / 100
        error = 4 * (share * (1 - share) * total) ** 0.5 + 1e-9
        assert abs(seen[env.region(Side.PRIMARY)] - share * total) <= error, (weight, seen)
