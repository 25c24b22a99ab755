"""The failback of objects: missing and older ones are copied inside S3, and no newer object or version is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.objects import copies as objects_copies
from dr_actions.clients.mutating_client import GuardRefused, MutatingClient
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Call, Goal, SendFailed, Step
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side
from dr_estate.readers import s3_objects
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import failed_over, home_sight
from tests.dr_actions.actions.failback_world import Home, OneByOne, past_the_second
from tests.dr_actions.plain import dark, with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

COPY, PROVE, LAST = objects_copies.COPY, objects_copies.VERIFY_PRIMARY_IN_SYNC, objects_copies.COPY_FINAL
SIX_GB = 6 * 1024**3
BUCKET, ITS_COPY = "bbws-tenant-assets-sit", "bbws-tenant-assets-sit-dr"
NEW, OLD, GONE, OURS = "new/ä b+c.jpg", "index.json", "README.txt", "2026/07/manifest.json"


def put(world: Home, side: Side, key: str, body: str, **more: Any) -> str:
    bucket = BUCKET if side is Side.PRIMARY else ITS_COPY
    return str(world.send(side, "s3:PutObject", Bucket=bucket, Key=key, Body=body.encode(), **more)["VersionId"])


def body(world: Home, key: str) -> str:
    text: bytes = world.send(Side.PRIMARY, "s3:GetObject", Bucket=BUCKET, Key=key)["Body"].read()
    return text.decode()


def step_of(context: PlanContext, action: Action = COPY) -> Step:
    return next(step for step in action.plan_steps(context) if step.subject == BUCKET)


@pytest.fixture
def written(away: Home) -> Home:
    """In the DR region one object is new, one newer and one deleted; the primary has one that is newer."""
    past_the_second(away)
    put(away, Side.DR, NEW, "written away", Metadata={"by": "tenant1"}, Tagging="kind=upload", ContentType="image/jpeg")
    put(away, Side.DR, OLD, "changed away")
    away.send(Side.DR, "s3:DeleteObject", Bucket=ITS_COPY, Key=GONE)
    put(away, Side.DR, OURS, "ours, in another wording")
    past_the_second(away)
    away.send(Side.PRIMARY, "s3:PutBucketReplication", **_suspended(away))
    put(away, Side.PRIMARY, OURS, "stranded at home")
    return away


def _suspended(world: Home) -> dict[str, Any]:
    """The parameters that disable the rule to the copy: what is put in the primary region stays there."""
    replication_configuration = world.send(Side.PRIMARY, "s3:GetBucketReplication", Bucket=BUCKET)[
        "ReplicationConfiguration"
    ]
    return {
        "Bucket": BUCKET,
        "ReplicationConfiguration": {
            **replication_configuration,
            "Rules": [{**rule, "Status": "Disabled"} for rule in replication_configuration["Rules"]],
        },
    }


@pytest.mark.proof
def test_missing_or_older_objects_are_copied_home_and_the_rest_is_reported(written: Home) -> None:
    step = step_of(written.sight())
    status = written.confirm(COPY, step)
    facts = dict(status.evidence)
    assert (StepState.READY, "2") == (status.state, facts["missing in the primary region"])
    assert ("1", "1") == (
        facts["newer in the primary region, kept"],
        facts["deleted in the copy, kept in the primary region"],
    )
    assert f"deleted away: {GONE}" in facts["examples"]
    written.act(COPY, step)
    assert 2 == written.hand.sent.count("s3:CopyObject")
    assert ["written away", "changed away", "stranded at home"] == [body(written, key) for key in (NEW, OLD, OURS)]
    assert "README.txt" in body(written, GONE), "what was deleted away is kept at home"
    head = written.send(Side.PRIMARY, "s3:HeadObject", Bucket=BUCKET, Key=NEW)
    tags = written.send(Side.PRIMARY, "s3:GetObjectTagging", Bucket=BUCKET, Key=NEW)["TagSet"]
    assert ({"by": "tenant1"}, "image/jpeg") == (head["Metadata"], head["ContentType"])
    assert [{"Key": "kind", "Value": "upload"}] == tags
    versions = written.send(Side.PRIMARY, "s3:ListObjectVersions", Bucket=BUCKET, Prefix=OLD)["Versions"]
    assert 2 == len(versions), "the older version is kept"
    assert StepState.DONE is written.confirm(COPY, step).state
    assert StepState.DONE is written.confirm(PROVE, step_of(written.sight(), PROVE)).state
    written.act(COPY, step)
    assert 2 == written.hand.sent.count("s3:CopyObject"), "done twice it is done once"


@pytest.mark.proof
def test_through_the_guarded_client_the_copying_passes_in_a_failback_alone(written: Home) -> None:
    keys = written.endpoint.people["operator"]
    credentials = Credentials(written.endpoint.url, keys.access_key_id, keys.secret_access_key)
    allowed = COPY.writes | COPY.reads
    client = MutatingClient(written.env, credentials, allowed, judge)
    unbound = GuardContext(written.env, allowed, proofs=written.proofs, begun_at=written.proofs[0].created_at)
    step = step_of(written.sight())
    call, copy = COPY.build_call(step, written.look(COPY)), COPY.send_many
    assert copy is not None
    with pytest.raises(GuardRefused, match=r"guard\.never-delete"):
        copy(step, call, permitted(client, unbound))
    assert 0 == client.sent["s3:CopyObject"]
    one_by_one = permitted(client, replace(unbound, goal=Goal.FAILBACK))
    assert {"copied": 2} == copy(step, call, one_by_one)
    assert "written away" == body(written, NEW)
    with pytest.raises(SendFailed) as failed:
        one_by_one.send(_copying(written, NEW, unless="*"))
    assert "PreconditionFailed" == failed.value.code


def permitted(client: MutatingClient[GuardContext], context: GuardContext) -> OneByOne:
    """A sender whose calls are permitted in whatever thread they are made."""

    def send(call: Call) -> dict[str, Any]:
        with client.permitting(context):
            return client.send(call)

    return OneByOne(send)


def _copying(world: Home, key: str, unless: str) -> Call:
    source = {"Bucket": ITS_COPY, "Key": key}
    params = {"Bucket": BUCKET, "Key": key, "CopySource": source, "IfNoneMatch": unless}
    return Call("s3", "CopyObject", world.env.regions.primary, params)


@pytest.mark.proof
def test_what_is_written_after_the_copying_is_left_to_the_last_copy(written: Home) -> None:
    proof, last = (step_of(written.sight(), action) for action in (PROVE, LAST))
    (_, step) = (step for step in COPY.plan_steps(written.sight()) if step.subject == BUCKET)
    written.act(COPY, step)
    past_the_second(written, 2)
    put(written, Side.DR, "late.txt", "written by a writer that nothing holds")
    status = written.confirm(COPY, step)
    assert (StepState.DONE, True) == (status.state, "copied later" in status.message)
    assert StepState.DONE is written.confirm(PROVE, proof).state
    assert StepState.READY is written.confirm(LAST, last).state
    written.act(LAST, last)
    assert StepState.DONE is written.confirm(LAST, last).state
    assert "nothing holds" in body(written, "late.txt")
    assert step.stage < last.stage
    assert step.id != last.id


def apart(row: s3_objects.BucketDifference) -> Snapshot:
    return with_part(failed_over(), s3_objects.apart, Side.DR, (row,))


def test_an_object_missing_since_before_the_freeze_is_not_a_late_one() -> None:
    at = failed_over().taken_at
    lacking = replace(s3_objects.PairCounter().difference(BUCKET, ITS_COPY), missing=1, oldest_at=at)
    unproven = home_sight(apart(lacking))
    proof = step_of(home_sight(), PROVE)
    before, after = ({"files/freeze:sit-efs": at + timedelta(seconds=s)} for s in (-1, 1))
    assert StepState.IN_PROGRESS is PROVE.observe(proof, unproven).state
    assert StepState.DONE is PROVE.observe(proof, replace(unproven, confirmed_at=before)).state
    assert StepState.IN_PROGRESS is PROVE.observe(proof, replace(unproven, confirmed_at=after)).state


@pytest.mark.proof
def test_an_object_of_more_than_5_gb_is_copied_in_parts_with_its_tags(away: Home) -> None:
    away.endpoint.fill([ITS_COPY], "film/", 1, SIX_GB)
    film = {"Bucket": ITS_COPY, "Key": "film/0000000"}
    away.send(Side.DR, "s3:PutObjectTagging", **film, Tagging={"TagSet": [{"Key": "kind", "Value": "a film"}]})
    step = step_of(away.sight())
    assert StepState.READY is away.confirm(COPY, step).state
    away.act(COPY, step)
    assert 6 == away.hand.sent.count("s3:UploadPartCopy")
    assert 0 == away.hand.sent.count("s3:CopyObject")
    assert StepState.DONE is away.confirm(COPY, step).state
    (version,) = away.send(Side.PRIMARY, "s3:ListObjectVersions", Bucket=BUCKET, Prefix="film/")["Versions"]
    assert SIX_GB == version["Size"]
    tags = away.send(Side.PRIMARY, "s3:GetObjectTagging", Bucket=BUCKET, Key="film/0000000")["TagSet"]
    assert [{"Key": "kind", "Value": "a film"}] == tags


def test_while_the_primary_serves_no_bucket_is_listed_and_nothing_claimed() -> None:
    assert () == read(s3_objects.apart, Side.DR, {}), "a call would find no answer"
    seen = home_sight(healthy())
    for action in (COPY, PROVE, LAST):
        assert StepState.UNAVAILABLE is action.observe(step_of(seen, action), seen).state


def test_the_plan_names_each_bucket_with_its_copy_and_no_count() -> None:
    steps = list(COPY.plan_steps(home_sight()))
    once = sorted(SIT.named(bucket) for bucket in SIT.names.buckets)
    assert sorted((*once, *once)) == sorted(step.subject for step in steps), "while the DR region writes, and after"
    state = SIT.named(SIT.names.state_bucket)
    assert [note for note in COPY.notes(home_sight()) if note.startswith(f"{state} is left alone: ")]
    stateless = SIT.model_copy(update={"names": SIT.names.model_copy(update={"state_bucket": ""})})
    assert [] == [note for note in COPY.notes(replace(home_sight(), env=stateless)) if "Terraform" in note]
    lacking = replace(s3_objects.PairCounter().difference(BUCKET, ITS_COPY), missing=1)
    assert steps == list(COPY.plan_steps(home_sight(apart(lacking))))
    assert [] == list(COPY.plan_steps(home_sight(goal=Goal.FAILOVER)))
    assert any("not deleted in the primary region" in note for note in COPY.notes(home_sight()))
    assert [] == list(COPY.plan_steps(home_sight(dark(failed_over(), Side.PRIMARY))))
