"""Whole failbacks whose objects are replicated by jobs of S3, killed, aborted and stepped back; ``DR_FULL_KILLS=1``.

What is played without jobs in test_home_again.py and test_abort.py is played here with them, where IAM is enforced.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from dr_estate.aws.configured_endpoints import keep_loopback_hosts
from dr_estate.config.environment import Side, load_environment
from dr_estate.readers import s3
from sandbox.client.traffic_writer import Writer, missing
from tests.proofs.conftest import EVERY_SIDE, HOME, PLAIN, Asked
from tests.proofs.enforced import SHORT, Enforced, Ran, Written
from tests.proofs.job_deaths import CREATE, Answer, Dies, Point
from tests.proofs.killing import Ended, Undisturbed
from tests.proofs.rig import LEASE_S, Rig
from tests.proofs.test_abort import (
    Stop,
    elsewhere,
    stop,
    stopping_at,
    test_before_the_point_of_no_return_the_abort_returns_to_the_dr_region,
    words,
)
from tests.proofs.test_home_again import (
    everywhere,
    test_a_failed_gate_at_half_leaves_one_writer_without_loss_or_doubles,
)
from tests.utils.running import rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

__all__ = [
    "Stop",
    "elsewhere",
    "stop",
    "test_a_failed_gate_at_half_leaves_one_writer_without_loss_or_doubles",
    "test_before_the_point_of_no_return_the_abort_returns_to_the_dr_region",
]

pytestmark = [pytest.mark.proof, everywhere]

SETTINGS = f'{SHORT}objects_batch_role = "arn:aws:iam::815856636111:role/sit-s3-batch"\n'
AT_WORK_S, LATER_S, NEW = 600, 700, 40


@pytest.fixture(scope="module")
def scenario() -> Asked:
    return PLAIN


@pytest.fixture(scope="module")
def enforced(scenario: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    home = tmp_path_factory.mktemp("batched")
    env = load_environment(rules(home, "sit", SETTINGS), "sit")
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        for name in scenario.broken:
            world.inject(name)
        world.enforce_iam(True)
        yield Enforced(world, env, home, SETTINGS)


@pytest.fixture(scope="module")
def written(enforced: Enforced, away: Ran) -> Written:
    """What is written in the DR region; some objects were not replicated to the primary region."""
    assert away.code == 0, away.said
    found = Written.away(enforced)
    enforced.world.fill([dict(s3.data_pairs(enforced.env))[filled(enforced)]], "new/", NEW)
    return found


def jobs(of: Enforced) -> dict[str, list[str]]:
    """The statuses of all jobs that were ever started, by bucket."""
    found: dict[str, list[str]] = {}
    client = of.aws("admin").client("s3control", Side.DR)
    keep_loopback_hosts(client.meta.events)
    for row in client.list_jobs(AccountId=of.env.account)["Jobs"]:
        bucket = row["Description"].partition(" to ")[2].partition(",")[0]
        found[bucket] = [*found.get(bucket, ()), row["Status"]]
    return found


def filled(of: Enforced) -> str:
    """The bucket of the primary region that lacks what was not replicated."""
    return of.env.named(of.env.names.buckets[1])


def test_a_failback_killed_at_each_call_of_its_jobs_ends_as_undisturbed(
    due: Rig, enforced: Enforced, written: Written
) -> None:
    one_by_one = due.with_settings(at_once=1)
    whole = Undisturbed.of(one_by_one, EVERY_SIDE)
    one_by_one.begin()
    met: set[str] = set()

    def fresh(point: Point, _: Answer) -> bool:
        return str(point) not in met

    while True:
        shutil.rmtree(one_by_one.home / "killed" / "incidents", ignore_errors=True)  # another machine
        process = one_by_one.run("killed", later_s=len(met) * (LEASE_S + 1), hears=Dies(fresh))
        code = process.wait()
        if code >= 0:
            break
        met.add(" ".join(process.died))
    pairs = dict(s3.data_pairs(enforced.env))
    assert {bucket: ["Complete" if bucket == filled(enforced) else "Failed"] for bucket in pairs} == jobs(enforced)
    assert {f"{when} s3control:{CREATE} {copy}" for when in ("before", "after") for copy in pairs.values()} <= met
    whole.same("killed", Ended(code, process, []))
    assert written.is_primary()
    assert [] == enforced.world.denied()


def test_an_abort_during_jobs_leaves_the_dr_region_writing_and_resumes(
    due: Rig, enforced: Enforced, elsewhere: Enforced, written: Written
) -> None:
    due.begin()
    at_work = Dies(lambda *_: False, lambda: enforced.world.timing(transition_s=AT_WORK_S))
    pairs = dict(s3.data_pairs(enforced.env))
    process = due.run("stopped at the jobs", stopping_at(f"s3control:{CREATE}", len(pairs)), hears=at_work)
    assert process.wait() == Exit.INTERRUPTED, process.said
    assert {bucket: ["Active" if bucket == filled(enforced) else "Failed"] for bucket in pairs} == jobs(enforced)
    enforced.world.timing(transition_s=0.1)
    ran = elsewhere.execute("failback", (), "--abort")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    assert "Writes: the database of eu-west-1 alone takes them" in words(ran)
    since = Writer(enforced.world, enforced.env, 0.02, "since").write(0.3)
    assert {row.region for row in since.written} == {enforced.env.region(Side.DR)}, since.refused
    enforced.world.age(LATER_S)
    ran = elsewhere.execute("failback", HOME, "--staged")
    assert (Exit.READY, []) == (ran.code, ran.denied), ran.said
    assert [] == missing(since.sites, (*written.writer.written, *since.written), enforced.env.regions.primary)
    assert written.is_primary()
    assert dict.fromkeys(pairs, 2) == {bucket: len(found) for bucket, found in jobs(enforced).items()}
