"""What goes wrong in the middle of a real day: no capacity, failed deployments, ending credentials, a late decision."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.traffic_writer import Sites
from tests.hosting import hosted
from tests.proofs.test_real_pace import NOTICED_S, SETTINGS, SPEED, Day, begin, entries, moment, overrides
from tests.proofs.test_round_trip import ROOT, Trip
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

FAILED_DEPLOYMENT = (
    "check.ecs.deployment-sound",
    "check.ecs.desired-and-running",
    "check.elbv2-routing.healthy-targets",
    "check.sites.every-site-answers",
)
HOURS_SPEED, DECIDED_S, MINUTE_S = 1200, 4800, 60


def sit(folder: Path) -> Environment:
    """SIT, looked at by the settings of a fast clock."""
    (folder / "sit.toml").write_text((ROOT / "environments/sit.toml").read_text(encoding="utf-8") + SETTINGS)
    return load_environment(folder, "sit")


def test_a_failover_that_people_decide_on_after_an_hour_needs_no_override(tmp_path: Path) -> None:
    env = sit(tmp_path)
    with hosted(env, 1, speed=HOURS_SPEED) as world:
        healthy_at = moment(world)
        begin(world, Day("sit", ("primary-dark",)))
        broken_at = moment(world)
        time.sleep(DECIDED_S / HOURS_SPEED)
        world.set_speed(1)
        assessed = Trip(world, env, tmp_path).weighed("failover")
    assert assessed["recommendation"] == "PROCEED", assessed["notes"]
    since = datetime.fromisoformat(assessed["outage"]["since"])  # of a datum a minute
    assert healthy_at - timedelta(seconds=MINUTE_S) <= since < broken_at + timedelta(seconds=NOTICED_S)


def test_a_failover_without_fargate_capacity_says_so_and_goes_on_with_it(tmp_path: Path) -> None:
    scarce = Day("sit", ("dr-fargate-scarce", "primary-dark"))
    env = sit(tmp_path)
    with hosted(env, 1, speed=SPEED) as world:
        begin(world, scarce)
        trip = Trip(world, env, tmp_path)
        time.sleep(NOTICED_S / SPEED)
        waits = trip.execute(trip.weighed("failover"), "failover")
        kinds = {entry.kind for entry in entries(trip)}
        world.repair("dr-fargate-scarce")
        done = trip.execute(trip.weighed("failover"), "failover")
        serving = Sites(world, env).serving()
    assert waits.returncode == Exit.ACTION_FAILED, waits.stderr
    assert "Capacity is unavailable at this time" in waits.stderr
    assert {EntryKind.UNDONE, EntryKind.COMPENSATION}.isdisjoint(kinds), "nothing is taken back for a lack of capacity"
    assert (done.returncode, serving) == (Exit.READY, env.region(Side.DR)), done.stderr


def test_services_that_failed_without_a_database_are_redeployed_and_serve(tmp_path: Path) -> None:
    env = sit(tmp_path)
    with hosted(env, 1, speed=SPEED) as world:
        begin(world, Day("sit", ()))
        trip = Trip(world, env, tmp_path)
        deploy_too_early(trip)
        world.inject("primary-dark")
        time.sleep(NOTICED_S / SPEED)
        words = ["failover", *overrides(*FAILED_DEPLOYMENT)]
        assessed = trip.weighed(*words)
        done = trip.execute(assessed, *words)
        serving = Sites(world, env).serving()
    assert any("its newest deployment failed" in step["says"] for step in assessed["plan"]["steps"])
    assert (done.returncode, serving) == (Exit.READY, env.region(Side.DR)), done.stdout + done.stderr


def test_a_run_whose_credentials_end_in_a_restore_goes_on_with_new_ones(tmp_path: Path) -> None:
    env = sit(tmp_path)
    with hosted(env, 1, speed=SPEED) as world, ThreadPoolExecutor(1) as pool:
        begin(world, Day("sit", ("primary-dark",)))
        trip = Trip(world, env, tmp_path)
        time.sleep(NOTICED_S / SPEED)
        run = pool.submit(trip.execute, trip.weighed("failover"), "failover")
        until(run, lambda: any(e.kind is EntryKind.OUTCOME and "restore_dr" in str(e.step) for e in entries(trip)))
        world.inject("credentials-end-midway")
        until(run, lambda: any("The credentials are lost" in str(e.data.get("says")) for e in entries(trip)))
        world.repair("credentials-end-midway")
        done = run.result()
        serving = Sites(world, env).serving()
    assert (done.returncode, serving) == (Exit.READY, env.region(Side.DR)), done.stdout + done.stderr
    assert {EntryKind.UNDONE, EntryKind.COMPENSATION, EntryKind.FAILED}.isdisjoint(e.kind for e in entries(trip))


def until(run: Future[Any], holds: Callable[[], bool]) -> None:
    """Wait until it holds while the run lasts."""
    while not run.done():
        with suppress(FileNotFoundError):
            if holds():
                return
        time.sleep(0.2)
    pytest.fail(f"the run ended before: {run.result()}")


def deploy_too_early(trip: Trip) -> None:
    """Start the DR region's services before their database is there, until ECS gives their deployment up."""
    ecs, cluster = trip.client("ecs", Side.DR), trip.env.named(trip.env.names.cluster)
    names = ecs.list_services(cluster=cluster)["serviceArns"]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    for name in names:
        ecs.update_service(
            cluster=cluster,
            service=name,
            desiredCount=2,
            forceNewDeployment=True,
            deploymentConfiguration=breaker,
            healthCheckGracePeriodSeconds=0,
        )
    ends = time.monotonic() + 600
    while time.monotonic() < ends:
        services = ecs.describe_services(cluster=cluster, services=names)["services"]
        if {"FAILED"} == {service["deployments"][0]["rolloutState"] for service in services}:
            return
        time.sleep(0.5)
    pytest.fail(f"no deployment failed: {services[0]['deployments']} {services[0]['events'][:3]}")
