"""A failback whose jobs of S3 Batch Replication go on while it is killed, and taken up by another machine each time.

SIGKILL meets it before and after each call that starts, lists, describes or cancels a job, and while one is at work.
The next process has no record of its own: what it knows is in the control table, and what AWS shows. One job a bucket
was started in all, and no object is missing. It has two buckets; test_batch_home_again.py plays whole failbacks.
"""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from dr_actions.journal.entries import EntryKind
from dr_actions.model.plan import Plan
from dr_estate.aws.configured_endpoints import keep_loopback_hosts
from dr_estate.config.environment import Side
from dr_estate.readers import s3
from dr_estate.readers.s3_objects import BucketDifference, apart
from tests.dr_actions.actions.batched_world import admin, batched, replicated_back
from tests.dr_actions.actions.failback_world import Home, away_world
from tests.proofs.dying import When
from tests.proofs.job_deaths import CANCEL, CREATE, DESCRIBE, LIST, Death, Dies, at_work
from tests.proofs.processes import Process
from tests.proofs.rig import INCIDENT, LEASE_S, Rig, quick
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import FailbackOptions

pytestmark = pytest.mark.proof

NEW = 40
ACTIONS = (
    "backup/create_backups",
    "objects/replicate_to_primary",
    "objects/end_replication",
    "objects/copy_to_primary",
)
FOR_LONG_S, PAST_IT_S = 600, 700


@dataclass(frozen=True)
class Batched:
    """A failback of two buckets that is due; the second has nothing to replicate, so that its job fails."""

    rig: Rig
    filled: str
    empty: str

    def goes_on(self, name: str, deaths: Sequence[Death], happens: Callable[[], object] = bool) -> Process:
        """Let a process die at each of these, one after another, and the last one live. Returns that."""
        self.rig.begin()
        for number, death in enumerate(deaths):
            process = self._another(name, Dies(death.is_at, happens), number)
            assert process.wait() == -signal.SIGKILL, f"{death}: {process.said}"
            assert process.died[1].split()[0] == f"s3control:{death.operation}"
            if death.upon is at_work:
                self.rig.world.age(PAST_IT_S)
        process = self._another(name, Dies(lambda *_: False, happens), len(deaths))
        assert process.wait() == Exit.VALIDATION_FAILED, process.said  # of the other steps none was taken
        return process

    def _another(self, name: str, hears: Dies, number: int) -> Process:
        """The next process, at another machine: it has no record but what the control table holds."""
        shutil.rmtree(self.rig.home / name / "incidents", ignore_errors=True)
        return self.rig.run(name, later_s=number * (LEASE_S + 1), hears=hears)

    def jobs(self) -> dict[str, list[str]]:
        """The statuses of all jobs that were ever started, by bucket."""
        client = admin(self.rig.world, "s3control", self.rig.env.region(Side.DR))
        keep_loopback_hosts(client.meta.events)
        found: dict[str, list[str]] = {}
        for row in client.list_jobs(AccountId=self.rig.env.account)["Jobs"]:
            bucket = row["Description"].partition(" to ")[2].partition(",")[0]
            found[bucket] = [*found.get(bucket, ()), row["Status"]]
        return found

    def missing(self) -> int:
        """How many objects the primary region lacks."""
        seen = Home(self.rig.world, self.rig.env).whole(apart.name).get(apart, Side.DR)
        return sum(row.missing for row in seen if isinstance(row, BucketDifference))

    def took_effect(self) -> Counter[str]:
        """How many calls of each operation did."""
        return Counter(row["operation"] for row in self.rig.world.mutations() if row["done"])

    def said_of(self, name: str, bucket: str) -> str:
        """What the record says of the bucket's job."""
        step = f"{ACTIONS[1]}:{bucket}"
        of_it = [entry for entry in self.rig.whole_journal(name) if entry.step == step]
        (confirmed,) = (entry for entry in of_it if entry.kind is EntryKind.CONFIRMED)
        return str(confirmed.data["says"])


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batched]:
    """It is due where the database is left away: it was moved before."""
    with away_world() as world:
        env = quick(batched(world.env))
        replicated_back(world.endpoint, env)
        pairs = list(s3.data_pairs(env))[:2]
        world.endpoint.fill([pairs[0][1]], "new/", NEW)

        def of_objects(plan: Plan) -> Plan:
            steps = (step for step in plan.steps if step.action in ACTIONS and ".last" not in step.id)
            ours = (step for step in steps if step.action == ACTIONS[0] or step.subject in dict(pairs))
            return replace(plan, steps=tuple(ours))

        options = FailbackOptions(environment=env.name, execute=True, staged=True, incident=INCIDENT)
        rig = Rig.of(world.endpoint, env, tmp_path_factory.mktemp("batched"), options, of_objects)
        yield Batched(rig, pairs[0][0], pairs[1][0])


def test_a_run_killed_at_each_job_call_starts_one_a_bucket_and_copies_all(due: Batched) -> None:
    """While the jobs are at work too; the empty one's fails meanwhile, and why is asked for."""
    sides = (When.BEFORE, When.AFTER)
    deaths = [Death(name, when) for name in (LIST, CREATE) for when in sides]
    deaths += [Death(LIST, When.AFTER, at_work), *(Death(DESCRIBE, when) for when in sides)]
    due.goes_on("killed", deaths, lambda: due.rig.world.timing(transition_s=FOR_LONG_S))
    assert {due.filled: ["Complete"], due.empty: ["Failed"]} == due.jobs()
    assert (0, 2, 0) == (due.missing(), due.took_effect()[CREATE], due.took_effect()["CopyObject"])
    assert f"is Complete, {NEW} of {NEW} objects replicated." in due.said_of("killed", due.filled)
    assert "is Failed, 0 of 0 objects replicated (ManifestFilterEmpty: " in due.said_of("killed", due.empty)


def test_a_run_killed_at_the_end_of_a_job_cancels_it_once_and_copies_all(due: Batched) -> None:
    """It has had its time; the empty one's is over."""
    late = replace(due, rig=replace(due.rig, env=quick(batched(due.rig.env, minutes=0.01))))
    deaths = [Death(CANCEL, when) for when in (When.BEFORE, When.AFTER)]
    late.goes_on("late", deaths, lambda: late.rig.world.timing(transition_s=FOR_LONG_S))
    assert {late.filled: ["Cancelled"], late.empty: ["Failed"]} == late.jobs()
    effect = late.took_effect()
    assert (0, 2, 1, NEW) == (late.missing(), effect[CREATE], effect[CANCEL], effect["CopyObject"])
    assert "it has had its 0.01 min" in late.said_of("late", late.filled)
