"""Very many objects are copied back while copies fail and a run dies, and comparing them costs pages, not objects.

``DR_FULL_OBJECTS=1`` plays it with 300,000 versions in each bucket.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_actions.actions.objects import copies as objects_copies
from dr_actions.execution.executor import Outcome, execute
from dr_actions.execution.run import StepFailed
from dr_actions.guard.context import STORES
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal, Plan, Step, to_json
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Side
from dr_estate.readers.s3_objects import BucketDifference, apart
from sandbox.core.state import Outage
from tests.dr_actions.actions.failback_world import Home, away_world, returned
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.runs import run_in
from tests.dr_actions.hearing import RecordingListener

pytestmark = pytest.mark.proof

FULL = bool(os.environ.get("DR_FULL_OBJECTS"))
ALIKE, NEW = (297_000, 3_000) if FULL else (3_900, 1_100)
PAGES = (ALIKE + NEW) // 1000 + 1
BUCKET, ITS_COPY = "bbws-tenant-assets-sit", "bbws-tenant-assets-sit-dr"
INCIDENT = "INC-9"


class Died(Exception):
    """The process ended here."""


class Dies(RecordingListener):
    """Ends the run once a batch of objects is copied."""

    def waits(self, step: Step, age_s: float, limit_s: float, message: str) -> None:
        super().waits(step, age_s, limit_s, message)
        if "objects copied" in message:
            raise Died


class Failback:
    """The plan that copies one bucket's objects to the primary region, run in one world, and its journal."""

    def __init__(self, world: Home, folder: Path) -> None:
        self.world, self.folder, self.primary = world, folder, world.env.region(Side.PRIMARY)
        self.step = next(s for s in objects_copies.COPY.plan_steps(world.sight()) if s.subject == BUCKET)
        self.plan = Plan(world.env.name, world.env.account, Goal.FAILBACK, "FAILED_OVER", (self.step,))

    def run(self, listener: RecordingListener) -> Outcome:
        """One run, from where the journal says; the backups that it needs are on record."""
        outcome, clock = Outcome(), WorldClock()
        with Journal.open(self.folder, self.plan.environment, INCIDENT, "run", clock.now, world=WORLD) as journal:
            if not journal.entries:
                journal.append(EntryKind.BEGIN, plan=to_json(self.plan))
                for side, store in STORES:
                    facts = {"side": side, "store": store, "arn": f"arn:{side}:{store}", "created_at": clock.now()}
                    journal.append(EntryKind.CONFIRMED, f"backup/create_backups:{side}-{store}", facts=facts)
            env, snapshot = self.world.env, self.world.healthy
            execute(
                run_in(self.world.endpoint, env, self.plan, snapshot, journal, listener, clock=clock),
                self.plan.steps,
                outcome,
            )
        return outcome

    def entries(self, kind: EntryKind) -> list[Entry]:
        now = WorldClock().now
        with Journal.open(self.folder, self.plan.environment, INCIDENT, "read", now, world=WORLD) as journal:
            return [entry for entry in journal.entries if entry.kind is kind]

    def missing(self) -> int:
        """How many objects of the copy are not in the bucket."""
        seen = self.world.whole(apart.name).get(apart, Side.DR)
        return next(row.missing for row in seen if isinstance(row, BucketDifference) and row.bucket == BUCKET)

    def copies(self) -> int:
        return self.world.endpoint.calls().get(f"{self.primary} s3:CopyObject", 0)


@pytest.fixture(scope="module")
def away() -> Iterator[Home]:
    with away_world() as world:
        yield world


@pytest.fixture
def failback(away: Home, tmp_path: Path) -> Failback:
    world = returned(away)
    world.endpoint.end()
    world.endpoint.reset_calls()
    return Failback(world, tmp_path)


def test_a_resumed_copy_goes_on_after_its_cursor_and_copies_nothing_twice(failback: Failback) -> None:
    """Comparing costs pages: looked at before, after the death and at the end; copying reads both lists once a run."""
    endpoint = failback.world.endpoint
    endpoint.fill([BUCKET, ITS_COPY], "alike/", ALIKE)
    endpoint.fill([ITS_COPY], "new/", NEW)
    with pytest.raises(Died):
        failback.run(Dies())
    (progress,) = failback.entries(EntryKind.PROGRESS)
    assert f"new/{999:07}" == progress.data["cursor"]
    assert f"{BUCKET}: 1,000 of {NEW:,} objects copied" == progress.data["says"]
    for how in ("throttle", "error", "lost"):
        endpoint.begin(Outage(failback.primary, how, "s3", "CopyObject", times=3))
    assert failback.run(RecordingListener()).finished
    assert NEW <= failback.copies() <= NEW + 9
    others = 9 * 2 * len(failback.world.env.names.buckets)
    assert endpoint.calls()[f"{failback.primary} s3:ListObjectVersions"] <= 5 * PAGES + others
    assert 0 == failback.missing()
    assert 1 == len(failback.entries(EntryKind.OUTCOME))


def test_an_object_that_cannot_be_copied_is_named_and_ends_the_run(failback: Failback) -> None:
    failback.world.endpoint.fill([ITS_COPY], "new/", 20)
    failback.world.endpoint.begin(Outage(failback.primary, "deny", "s3", "CopyObject", times=1, after=5))
    with pytest.raises(StepFailed, match=rf"1 object of {ITS_COPY} could not be copied into {BUCKET}: new/0000"):
        failback.run(RecordingListener())
    assert 1 == failback.missing()
    assert failback.run(RecordingListener()).finished
    assert (0, 21) == (failback.missing(), failback.copies())
