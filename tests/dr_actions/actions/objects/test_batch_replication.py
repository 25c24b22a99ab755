"""A job of S3 Batch Replication copies objects to the primary where one may, is found again, and has a time limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dr_actions.actions.objects import batch_replication, copies
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.replication_job import created_after
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import control_table, iam_copy_roles, s3, s3_batch_jobs, s3_objects
from dr_estate.readers.control_table import ControlState, Incident
from dr_estate.readers.iam_copy_roles import JOBS, CopyRole, JobRole
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.s3_batch_jobs import ReplicationJob
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import AT_ONCE, failed_over, home_sight
from tests.dr_actions.plain import with_part, with_rows
from tests.dr_checks.worlds import DENIED

START, END, COPY = batch_replication.REPLICATE, batch_replication.END_JOB, copies.COPY
ROLE = f"arn:aws:iam::{AT_ONCE.account}:role/sit-s3-batch"
ENV = AT_ONCE.model_copy(
    update={"failback": AT_ONCE.failback.model_copy(update={"objects_batch_role": ROLE, "objects_batch_minutes": 60})}
)
BUCKET, ITS_COPY = "bbws-tenant-assets-sit", "bbws-tenant-assets-sit-dr"
BEGAN = failed_over().taken_at - timedelta(minutes=90)
MAY = CopyRole(ROLE, JOBS, True, True, (SimulatedDecision("s3:InitiateReplication", "allowed", "eu-west-1"),))
DENIES = SimulatedDecision("s3:InitiateReplication", "implicitDeny", "eu-west-1", f"arn:aws:s3:::{ITS_COPY}/any")
HOME = s3.BucketReplicationRule("home", True, BUCKET, True, False, True, True, False, "")


def with_rules(*rules: s3.BucketReplicationRule, upon: Snapshot | None = None) -> Snapshot:
    """The estate after a failover whose copy of tenants' assets has these rules."""
    return with_rows(upon or failed_over(), s3.buckets, Side.DR, lambda row: row.name == ITS_COPY, rules=rules)


def seen_with(
    snapshot: Snapshot | None = None,
    jobs: Sequence[ReplicationJob] = (),
    role: CopyRole | Unavailable | None = None,
    of: str = ITS_COPY,
    **changes: Any,
) -> PlanContext:
    listed = with_part(snapshot or with_rules(HOME), s3_batch_jobs.jobs, Side.DR, tuple(jobs))
    rows = (role,) if isinstance(role, Unavailable) else (JobRole(of, role or MAY),)
    listed = with_part(listed, iam_copy_roles.job_roles, Side.GLOBAL, rows)
    return home_sight(listed, **{"env": ENV, "incident": "INC-1", "begun_at": BEGAN, **changes})


def only(action: Action, context: PlanContext | None = None) -> Step:
    (step,) = (step for step in action.plan_steps(context or seen_with()) if step.subject == BUCKET)
    return step


def request_sent() -> dict[str, Any]:
    return dict(START.build_call(only(START), seen_with()).params)


def job(status: str, description: str = "", **changes: Any) -> ReplicationJob:
    created = failed_over().taken_at - timedelta(minutes=5)
    found = ReplicationJob("job-1", description or str(request_sent()["Description"]), status, created, 10, 4, 1)
    return replace(found, **changes)


def stands(action: Action, *jobs: ReplicationJob, **changes: Any) -> tuple[StepState, str]:
    status = action.observe(only(action), seen_with(jobs=jobs, **changes))
    return status.state, status.message


def sent(minutes_ago: int, action: Action = START) -> dict[str, Any]:
    moment: dict[str, datetime] = {only(action).id: failed_over().taken_at - timedelta(minutes=minutes_ago)}
    return {"sent_at": moment, "begun_sending_at": moment}


def test_without_a_role_no_job_is_planned_and_no_note_is_made() -> None:
    plain = home_sight(with_rules(HOME))
    assert ([], []) == (list(START.plan_steps(plain)), list(END.plan_steps(plain)))
    assert [] == list(START.notes(plain))


def test_a_bucket_with_a_rule_back_has_a_job_and_others_get_a_remedy() -> None:
    context = seen_with()
    assert [BUCKET] == [step.subject for step in START.plan_steps(context)]
    notes = list(START.notes(context))
    assert len(ENV.names.buckets) == len(notes)
    assert f"{BUCKET}: S3 Batch Replication first, then what it left copied by the run itself." in notes
    others = [note for note in notes if "itself, for no enabled rule of bbws-templates-sit-dr " in note]
    assert ["aws_s3_bucket_replication_configuration of bbws-templates-sit-dr" in note for note in others] == [True]
    assert 2 * len(ENV.names.buckets) == len(list(COPY.plan_steps(context))), "what a job leaves is copied all the same"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ((replace(HOME, enabled=False),), "no enabled rule"),
        ((replace(HOME, whole=False),), "no enabled rule"),
        ((replace(HOME, destination="another"),), "no enabled rule"),
        ((replace(HOME, delete_markers=True),), "replicates delete markers"),
        ((HOME, replace(HOME, id="archive", destination="archive")), "rule archive of"),
    ],
)
def test_no_job_is_started_where_a_rule_of_the_bucket_does_more(
    rules: tuple[s3.BucketReplicationRule, ...], reason: str
) -> None:
    context = seen_with(with_rules(*rules))
    assert [] == list(START.plan_steps(context))
    assert [note for note in START.notes(context) if note.startswith(f"{BUCKET}: copied by the run") and reason in note]


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        (replace(MAY, exists=False, trusted=None, decisions=()), f"there is no role {ROLE} (failback.objects_batch_"),
        (
            replace(MAY, trusted=False),
            "role sit-s3-batch does not trust batchoperations.s3.amazonaws.com (aws_iam_role ",
        ),
        (
            replace(MAY, decisions=(DENIES,)),
            f"role sit-s3-batch may not s3:InitiateReplication on arn:aws:s3:::{ITS_COPY}/",
        ),
        (
            replace(MAY, decisions=(replace(DENIES, decision="explicitDeny", missing=("aws:SourceVpc",)),)),
            f"role sit-s3-batch may not s3:InitiateReplication on arn:aws:s3:::{ITS_COPY}/",
        ),
    ],
)
def test_a_role_without_its_rights_is_named_beforehand_and_starts_no_job(role: CopyRole, reason: str) -> None:
    assert [BUCKET] == [step.subject for step in START.plan_steps(seen_with(role=role, of="another"))]
    context = seen_with(role=role)
    assert [] == list(START.plan_steps(context))
    assert [f"{BUCKET}: copied by the run itself, for {reason}"] == [
        note[: len(f"{BUCKET}: copied by the run itself, for {reason}")]
        for note in START.notes(context)
        if note.startswith(f"{BUCKET}: ")
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (DENIED, DENIED.why.rstrip(".")),
        (replace(MAY, trusted=None), "its trust policy has conditions"),
        (
            replace(MAY, decisions=(replace(DENIES, missing=("aws:SourceVpc",)),)),
            "s3:InitiateReplication hangs on aws:SourceVpc, which only the job itself shows",
        ),
    ],
    ids=["denied", "conditions", "a key that is not known"],
)
def test_a_job_whose_role_is_not_known_is_tried_and_a_note_says_why(row: CopyRole | Unavailable, why: str) -> None:
    context = seen_with(role=row)
    assert [BUCKET] == [step.subject for step in START.plan_steps(context)]
    (note,) = (note for note in START.notes(context) if note.startswith(f"{BUCKET}: S3 Batch Replication first"))
    assert f" (whether its role may is not known: {why}" in note
    (note,) = (note for note in START.notes(seen_with(role=MAY)) if note.startswith(f"{BUCKET}: S3 Batch"))
    assert note.endswith("copied by the run itself.")


@pytest.mark.parametrize(
    ("goal", "since"),
    [("failover", "2026-02-23T08:00:00Z"), ("switchover", "2026-02-23T08:00:00Z"), ("failback", ""), ("fence", "")],
)
def test_a_job_takes_no_version_that_is_older_than_the_incidents_way_away(goal: str, since: str) -> None:
    """An hour earlier to be safe; an incident that a failback or a fence opened does not show when that was."""
    incident = Incident("INC-1", goal, "begun", datetime(2026, 2, 23, 9, tzinfo=UTC), None)
    seen = with_part(with_rules(HOME), control_table.standing, Side.DR, ControlState(incident=incident))
    step = only(START, seen_with(seen))
    assert since == created_after(step.planned_call.params)
    assert created_after(START.build_call(step, seen_with(seen)).params) == since
    for unknown in (ControlState(), DENIED):
        hidden = with_part(with_rules(HOME), control_table.standing, Side.DR, unknown)
        assert "" == created_after(only(START, seen_with(hidden)).planned_call.params)


@pytest.mark.parametrize("counted", ["newer_at_home", "deleted_at_home"])
def test_nothing_is_replicated_over_newer_or_unknown_objects_at_home(counted: str) -> None:
    equal = s3_objects.PairCounter().difference(BUCKET, ITS_COPY)
    changes: Any = {counted: 1}
    for rows in ((replace(equal, **changes),), ()):
        context = seen_with(with_part(with_rules(HOME), s3_objects.apart, Side.DR, rows))
        assert [] == list(START.plan_steps(context))
    missing = with_part(with_rules(HOME), s3_objects.apart, Side.DR, (replace(equal, missing=9),))
    assert [only(START)] == list(START.plan_steps(seen_with(missing))), "what is written meanwhile is another plan's no"


def test_the_terraform_state_is_never_replicated_even_with_a_rule() -> None:
    state, its_copy = s3.state_pair(ENV)
    of_state = replace(HOME, destination=state)
    seen = with_rows(with_rules(HOME), s3.buckets, Side.DR, lambda row: row.name == its_copy, rules=(of_state,))
    assert [BUCKET] == [step.subject for step in START.plan_steps(seen_with(seen))]


def test_the_call_asks_for_the_unreplicated_with_one_token_per_incident() -> None:
    params = request_sent()
    generator = params["ManifestGenerator"]["S3JobManifestGenerator"]
    assert f"arn:aws:s3:::{ITS_COPY}" == generator["SourceBucket"]
    assert {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]} == generator["Filter"]
    assert (ROLE, False, [{"Key": "dr:incident", "Value": "INC-1"}]) == (
        params["RoleArn"],
        params["ConfirmationRequired"],
        params["Tags"],
    )
    assert request_sent() == params
    tokens = {
        START.build_call(only(START), seen_with(**other)).params["ClientRequestToken"]
        for other in ({}, {"incident": "INC-2"}, {"begun_at": BEGAN + timedelta(seconds=1)})
    }
    assert (3, {64}) == (len(tokens), {len(token) for token in tokens})


def test_while_the_job_is_under_way_the_run_waits_and_sees_it_move() -> None:
    assert StepState.READY is stands(START)[0]
    assert StepState.IN_PROGRESS is stands(START, **sent(1))[0], "S3 lists it a moment later"
    for status in ("New", "Preparing", "Ready", "Active", "Completing", "Cancelling", "a word of tomorrow"):
        assert StepState.IN_PROGRESS is stands(START, job(status))[0], status
    before, after = (START.observe(only(START), seen_with(jobs=[job("Active", succeeded=n)])) for n in (4, 5))
    assert before.progress != after.progress
    assert ("job", "job-1") in after.evidence


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Paused", "Suspended"])
def test_a_job_that_failed_is_reported_and_leaves_its_objects_to_the_run(status: str) -> None:
    state, message = stands(START, job(status, reason="AccessDenied: no"))
    assert StepState.DONE is state
    assert f"job job-1 of S3 is {status}, 4 of 10 objects replicated, 1 not (AccessDenied: no)" in message
    assert message.endswith("The run copies what it left.")


def test_a_job_that_is_complete_says_whether_it_left_something() -> None:
    whole, partly = (stands(START, job("Complete", failed=failed))[1] for failed in (0, 2))
    assert ("left" in whole, "left" in partly) == (False, True)


def test_a_job_that_takes_longer_than_configured_holds_nobody_up() -> None:
    old, older = (failed_over().taken_at - timedelta(minutes=minutes) for minutes in (60, 61))
    for created, more in ((old, sent(61)), (None, sent(60))):
        assert StepState.IN_PROGRESS is stands(START, job("Active", created=created), **more)[0]
    for created, more in ((older, sent(61)), (None, sent(61))):
        state, message = stands(START, job("Active", created=created), **more)
        assert (StepState.DONE, True) == (state, "it has had its 60 min (failback.objects_batch_minutes)" in message)
    assert StepState.DONE is stands(START, **sent(61))[0], "not even one that S3 never lists"
    assert only(START).budget_s > 60 * 60, "it is not given up as a step before it is told as late"


def test_a_job_that_was_made_at_a_later_try_has_its_whole_time() -> None:
    """The first call was refused, hours before the run went on."""
    tried, sent_now = sent(400)["begun_sending_at"], sent(5)["sent_at"]
    for jobs in ((job("Active"),), ()):
        assert StepState.IN_PROGRESS is stands(START, *jobs, begun_sending_at=tried, sent_at=sent_now)[0]


def test_unseen_jobs_start_none_and_one_that_was_started_is_kept() -> None:
    hidden = with_part(with_rules(HOME), s3_batch_jobs.jobs, Side.DR, DENIED)

    def looked(action: Action, **changes: Any) -> StepStatus:
        context = home_sight(hidden, env=ENV, incident="INC-1", begun_at=BEGAN, **changes)
        return action.observe(only(action), context)

    def unseen(action: Action, **changes: Any) -> StepState:
        return looked(action, **changes).state

    assert "whether an earlier run's is at work cannot be seen" in looked(END).message
    assert [StepState.DONE] * 2 == [unseen(START), unseen(END)]
    assert [StepState.UNAVAILABLE] * 2 == [unseen(START, **sent(1)), unseen(END, **sent(1))]
    assert [StepState.DONE, StepState.UNAVAILABLE] == [unseen(START, **sent(61)), unseen(END, **sent(61))]


def test_a_job_of_an_earlier_plan_is_adopted_but_not_of_another_incident() -> None:
    own = str(request_sent()["Description"])
    earlier, strange = own.rpartition(" ")[0] + " 20260101T000000Z", own.replace("INC-1", "INC-12")
    assert StepState.IN_PROGRESS is stands(START, job("Active", earlier))[0]
    long_ago = failed_over().taken_at - timedelta(minutes=61)
    state, message = stands(START, job("Active", earlier, created=long_ago))
    assert (StepState.DONE, True) == (state, "it has had its 60 min" in message), "its time began when AWS made it"
    assert StepState.READY is stands(START, job("Complete", earlier))[0]
    assert StepState.READY is stands(START, job("Active", strange))[0]
    assert StepState.DONE is stands(END, job("Active", strange))[0]


def test_a_job_that_is_not_over_is_cancelled_once_before_the_run_copies() -> None:
    assert StepState.DONE is stands(END)[0]
    for status in ("Complete", "Failed", "Cancelled"):
        assert StepState.DONE is stands(END, job(status))[0], status
    for status in ("New", "Active", "Paused", "Suspended", "a word of tomorrow"):
        assert StepState.READY is stands(END, job(status))[0], status
        assert StepState.IN_PROGRESS is stands(END, job(status), **sent(1, END))[0], status
    assert StepState.IN_PROGRESS is stands(END, job("Cancelling"))[0]
    call = END.build_call(only(END), seen_with(jobs=[job("Active")]))
    assert ("job-1", "Cancelled") == (call.params["JobId"], call.params["RequestedJobStatus"])


@pytest.mark.parametrize("rules", [(HOME,), ()], ids=["a job", "no job"])
def test_a_job_of_an_earlier_plan_is_cancelled_with_or_without_a_new_one(
    rules: tuple[s3.BucketReplicationRule, ...],
) -> None:
    earlier = job("Active", str(request_sent()["Description"]).rpartition(" ")[0] + " 20260101T000000Z")
    context = seen_with(with_rules(*rules), [earlier])
    assert len(rules) == len(list(START.plan_steps(context)))
    assert set(s3.data_pairs(ENV)) == {(s.subject, s.before["copy"]) for s in END.plan_steps(context)}
    assert StepState.READY is END.observe(only(END, context), context).state


def test_the_steps_follow_one_another_and_belong_to_a_failback_alone() -> None:
    start, end, copy = only(START), only(END), next(COPY.plan_steps(seen_with()))
    assert start.stage == end.stage == copy.stage
    assert [] == list(START.plan_steps(seen_with(goal=Goal.FAILOVER)))
