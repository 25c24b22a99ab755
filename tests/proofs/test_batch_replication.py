"""A failback whose objects are replicated by jobs of S3 Batch Replication, and what is left of one that ends badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.objects import batch_replication, copies
from dr_actions.execution.executor import Outcome, execute
from dr_actions.guard.context import STORES
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal, Plan, Step, to_json
from dr_estate.aws.clock import WorldClock
from dr_estate.aws.configured_endpoints import keep_loopback_hosts
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.replication_job import created_after
from dr_estate.readers.s3_objects import BucketDifference, apart
from sandbox.core.state import Outage
from tests.dr_actions.actions.batched_world import INITIATES, admin, allow_in, batched, replicated_back
from tests.dr_actions.actions.failback_world import Home, away_world, returned
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.execution.runs import run_in
from tests.dr_actions.hearing import RecordingListener
from tests.proofs.conftest import AWAY, HOME
from tests.proofs.enforced import SHORT, Enforced
from tests.utils.running import at_endpoint, rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

BUCKET, ITS_COPY, NEW = "bbws-tenant-assets-sit", "bbws-tenant-assets-sit-dr", 40
INCIDENT, CREATE = "INC-9", "s3control:CreateJob"
AT_WORK_S = 600
ACTIONS = (batch_replication.REPLICATE, batch_replication.END_JOB, copies.COPY)
ROLE = 'objects_batch_role = "arn:aws:iam::815856636111:role/sit-s3-batch"'


class Died(Exception):
    """The process ended here."""


class Dies(RecordingListener):
    """Ends the run as soon as S3 shows it the job."""

    def waits(self, step: Step, age_s: float, limit_s: float, message: str) -> None:
        super().waits(step, age_s, limit_s, message)
        if " of S3 is " in message:
            raise Died


class Objects:
    """The plan that copies one bucket's objects back, a job first, run in one world, and its journal."""

    def __init__(self, world: Home, folder: Path, minutes: float = 60) -> None:
        self.endpoint, self.env, self.folder = world.endpoint, batched(world.env, minutes), folder
        self.world = Home(world.endpoint, self.env)
        self.plan = self.plan_of_bucket()

    def plan_again(self) -> None:
        """Take what the world shows now for the plan that the next run begins."""
        self.world = Home(self.endpoint, self.env, self.world.whole())
        self.plan = self.plan_of_bucket()

    def plan_of_bucket(self) -> Plan:
        steps = [step for action in ACTIONS for step in action.plan_steps(self.world.sight())]
        own = tuple(step for step in steps if step.subject == BUCKET and ".last" not in step.id)
        return Plan(self.env.name, self.env.account, Goal.FAILBACK, "FAILED_OVER", own)

    def run(self, listener: RecordingListener, new_plan: bool = False) -> Outcome:
        outcome, clock = Outcome(), WorldClock()
        with Journal.open(self.folder, self.env.name, INCIDENT, "run", clock.now, world=WORLD) as journal:
            if new_plan or not journal.entries:
                journal.append(EntryKind.BEGIN, plan=to_json(self.plan))
                for side, store in STORES:
                    facts = {"side": side, "store": store, "arn": f"arn:{side}:{store}", "created_at": clock.now()}
                    journal.append(EntryKind.CONFIRMED, f"backup/create_backups:{side}-{store}", facts=facts)
            run = run_in(self.endpoint, self.env, self.plan, self.world.healthy, journal, listener, clock=clock)
            execute(run, self.plan.steps, outcome)
        return outcome

    def entries(self, kind: EntryKind, action: str) -> list[Entry]:
        now = WorldClock().now
        with Journal.open(self.folder, self.env.name, INCIDENT, "read", now, world=WORLD) as journal:
            return [entry for entry in journal.entries if entry.kind is kind and str(entry.step).startswith(action)]

    def missing(self) -> int:
        seen = self.world.whole(apart.name).get(apart, Side.DR)
        return next(row.missing for row in seen if isinstance(row, BucketDifference) and row.bucket == BUCKET)

    def calls(self, name: str) -> int:
        return sum(count for key, count in self.endpoint.calls().items() if key.endswith(f" {name}"))

    def words(self) -> str:
        """What the record says of the job once it is over."""
        (entry,) = self.entries(EntryKind.CONFIRMED, "objects/replicate_to_primary")
        return str(entry.data["says"])


@pytest.fixture(scope="module")
def away() -> Iterator[Home]:
    with away_world() as world:
        yield world


@pytest.fixture
def world(away: Home) -> Home:
    found = returned(away)
    found.endpoint.end()
    found.endpoint.reset_calls()
    found.endpoint.fill([ITS_COPY], "new/", NEW)
    return found


def test_a_run_that_died_during_the_job_finds_it_and_copies_nothing_twice(world: Home, tmp_path: Path) -> None:
    """The answer of the call that started it was lost, too."""
    world.endpoint.timing(transition_s=AT_WORK_S)
    replicated_back(world.endpoint, batched(world.env))
    objects = Objects(world, tmp_path)
    for how in ("throttle", "lost"):
        world.endpoint.begin(Outage(world.env.region(Side.DR), how, "s3control", "CreateJob", times=1))
    with pytest.raises(Died):
        objects.run(Dies())
    world.endpoint.age(AT_WORK_S)
    assert objects.run(RecordingListener()).finished
    client = admin(world.endpoint, "s3", world.env.region(Side.DR))
    head: dict[str, Any] = client.head_object(Bucket=ITS_COPY, Key=f"new/{0:07}")
    assert "COMPLETED" == head["ReplicationStatus"]
    assert (2, 0) == (objects.calls(CREATE), objects.calls("s3:CopyObject"))
    assert 0 == objects.missing()
    assert f"is Complete, {NEW} of {NEW} objects replicated." in objects.words()


def test_the_journal_has_the_job_id_and_the_run_copies_what_the_job_failed(world: Home, tmp_path: Path) -> None:
    replicated_back(world.endpoint, batched(world.env), f"arn:aws:s3:::{BUCKET}/new/000000*")
    objects = Objects(world, tmp_path)
    assert objects.run(RecordingListener()).finished
    assert (0, NEW - 10) == (objects.missing(), objects.calls("s3:CopyObject"))
    assert f"10 of {NEW} objects replicated, {NEW - 10} not. The run copies what it left." in objects.words()
    (outcome,) = objects.entries(EntryKind.OUTCOME, "objects/replicate_to_primary")
    assert str(outcome.data["job"]) in objects.words()


def test_a_job_that_takes_too_long_is_cancelled_and_the_run_copies_instead(world: Home, tmp_path: Path) -> None:
    world.endpoint.timing(transition_s=3600)
    replicated_back(world.endpoint, batched(world.env))
    objects = Objects(world, tmp_path, minutes=0.01)
    assert objects.run(RecordingListener()).finished
    assert (1, 1) == (objects.calls(CREATE), objects.calls("s3control:UpdateJobStatus"))
    assert (0, NEW) == (objects.missing(), objects.calls("s3:CopyObject"))
    assert "it has had its 0.01 min" in objects.words()


def test_a_new_plan_without_a_job_cancels_the_earlier_one_and_copies(world: Home, tmp_path: Path) -> None:
    """The process died while the job was at work; then the rule of its bucket takes delete markers too."""
    world.endpoint.timing(transition_s=3600)  # on a slow machine a quicker job has replicated an object by then
    replicated_back(world.endpoint, batched(world.env))
    objects = Objects(world, tmp_path)
    with pytest.raises(Died):
        objects.run(Dies())
    s3 = admin(world.endpoint, "s3", world.env.region(Side.DR))
    config = s3.get_bucket_replication(Bucket=ITS_COPY)["ReplicationConfiguration"]
    config["Rules"][0]["DeleteMarkerReplication"]["Status"] = "Enabled"
    s3.put_bucket_replication(Bucket=ITS_COPY, ReplicationConfiguration=config)
    objects.plan_again()
    assert batch_replication.REPLICATE.name not in [step.action for step in objects.plan.steps]
    assert objects.run(RecordingListener(), new_plan=True).finished
    jobs = admin(world.endpoint, "s3control", world.env.region(Side.DR))
    keep_loopback_hosts(jobs.meta.events)
    assert ["Cancelled"] == [job["Status"] for job in jobs.list_jobs(AccountId=world.env.account)["Jobs"]]
    assert (1, 0, NEW) == (objects.calls(CREATE), objects.missing(), objects.calls("s3:CopyObject"))


def test_where_no_job_may_start_the_run_says_so_and_copies_itself(world: Home, tmp_path: Path) -> None:
    replicated_back(world.endpoint, batched(world.env))
    world.endpoint.begin(Outage(world.env.region(Side.DR), "deny", "s3control", "CreateJob"))
    objects = Objects(world, tmp_path)
    outcome = objects.run(RecordingListener())
    assert outcome.finished
    assert ["objects/replicate_to_primary" in line for line in outcome.degraded] == [True]
    assert (0, NEW) == (objects.missing(), objects.calls("s3:CopyObject"))


def test_a_role_that_may_not_begin_is_named_beforehand_and_starts_no_job(world: Home, tmp_path: Path) -> None:
    env = batched(world.env)
    replicated_back(world.endpoint, env)
    role = env.failback.objects_batch_role.rpartition("/")[2]
    allow_in(world.endpoint, role, INITIATES[:1])
    objects = Objects(world, tmp_path)
    (note,) = (
        note for note in batch_replication.replicate_notes(objects.world.sight()) if note.startswith(f"{BUCKET}: ")
    )
    denied = f"s3:InitiateReplication on arn:aws:s3:::{ITS_COPY}/any"
    assert note.startswith(f"{BUCKET}: copied by the run itself, for role {role} may not s3:")
    assert (True, True) == (denied in note, f"aws_iam_role_policy of '{role}'" in note), note
    assert [action.name for action in ACTIONS[1:]] == [step.action for step in objects.plan.steps]


def test_status_shows_whether_the_job_role_may_begin_where_one_is_named(
    tmp_path: Path,
) -> None:
    """A policy of its own denies it one bucket; then another service alone may take it."""
    for name in ("named", "plain"):
        (tmp_path / name).mkdir()
    named, plain = rules(tmp_path / "named", "sit", f"{SHORT}{ROLE}\n"), rules(tmp_path / "plain", "sit", SHORT)
    env, role = load_environment(named, "sit"), "sit-s3-batch"
    with borrowed(env, 1) as world:

        def judged(folder: Path) -> tuple[str, str]:
            ran = at_endpoint(world, tmp_path, f"-e sit --config {folder} status --format json", "reader")
            (found,) = (row for row in ran.report["results"] if row["check"] == "copy-roles.may-bring-home")
            return found["status"], str(found)

        iam = admin(world, "iam", "us-east-1")
        assert "PASS" == judged(named)[0].upper(), judged(named)
        denial = {"Effect": "Deny", "Action": INITIATES[1], "Resource": f"arn:aws:s3:::{ITS_COPY}/*"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
        iam.put_role_policy(RoleName=role, PolicyName="not-this-one", PolicyDocument=text)
        status, words = judged(named)
        assert ("fail", True) == (
            status.lower(),
            f"s3:InitiateReplication: explicitDeny on arn:aws:s3:::{ITS_COPY}" in words,
        ), words
        trust = iam.get_role(RoleName="sit-backup-role")["Role"]["AssumeRolePolicyDocument"]
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        assert "does not trust batchoperations.s3.amazonaws.com" in judged(named)[1]
        assert "no role is named for jobs of S3" in judged(plain)[1]


def test_a_whole_failback_uses_one_job_a_bucket_and_no_call_is_denied(tmp_path: Path) -> None:
    env = load_environment(rules(tmp_path, "sit", f"{SHORT}{ROLE}\n"), "sit")
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        world.inject("primary-dark")
        world.enforce_iam(True)
        enforced = Enforced(world, env, tmp_path)
        assert 0 == enforced.execute("failover", AWAY).code
        world.repair("primary-dark")
        world.fill([ITS_COPY], "new/", NEW)
        ran = enforced.execute("failback", HOME, "--staged")
        assert (0, []) == (ran.code, ran.denied), ran.said
        assert any(note.startswith(f"{BUCKET}: S3 Batch Replication first") for note in enforced.plan.notes)
        jobs = [mutation for mutation in world.mutations() if mutation["operation"] == "CreateJob"]
        assert len(env.names.buckets) == len(jobs)
        assert all(created_after(job["params"]) for job in jobs), jobs
        home = enforced.aws("admin").client("s3", Side.PRIMARY)
        heads = [home.head_object(Bucket=BUCKET, Key=f"new/{number:07}") for number in range(NEW)]
        assert {"REPLICA"} == {head["ReplicationStatus"] for head in heads}
