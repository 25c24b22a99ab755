"""A failback alone may overwrite, in its one direction, and only once both sides' backups are proven (T28)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dr_actions.guard.context import STORES, GuardContext, Proof
from dr_actions.guard.failback_exemptions import COPY, END, PROTECT, REBOOT, REPLICATE, UNFREEZE, exempt
from dr_actions.guard.guard import refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Side, load_environment
from dr_estate.iam.scopes import of_writing
from dr_estate.model.stores import KEY, ONLY_A_MARKER
from dr_estate.readers import dynamodb, s3

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
HOME, AWAY = SIT.region(Side.PRIMARY), SIT.region(Side.DR)
WHEN = datetime(2026, 1, 7, tzinfo=UTC)
BOTH = tuple(Proof(side, store, "arn:point", WHEN) for side, store in STORES)
BUCKET, ITS_COPY, ANOTHER = "bbws-templates-sit", "bbws-templates-sit-dr", "bbws-backups-sit-dr"


def onto(region: str) -> dict[str, Any]:
    return {"SourceFileSystemId": "fs-1", "Destinations": [{"Region": region, "FileSystemId": "fs-2"}]}


def copied(bucket: str = BUCKET, source: object = None, key: str = "a b/ü.jpg") -> dict[str, Any]:
    return {"Bucket": bucket, "Key": key, "CopySource": source or {"Bucket": ITS_COPY, "Key": key, "VersionId": "v"}}


OFF, LOCAL = {"ReplicationOverwriteProtection": "DISABLED"}, {"DeletionMode": "LOCAL_CONFIGURATION_ONLY"}
OWN = {
    "protection off at home": (PROTECT, HOME, OFF),
    "protection off away": (PROTECT, AWAY, OFF),
    "files replicated home": (REPLICATE, AWAY, onto(HOME)),
    "the half left at home": (END, HOME, LOCAL),
    "an object copied home": (COPY, HOME, copied()),
    "as botocore writes it": (COPY, HOME, copied(source=f"{ITS_COPY}/a%20b/%C3%BC.jpg?versionId=v%3D")),
}


def judged(name: str, region: str, params: dict[str, Any], **given: Any) -> str:
    """The rule that refuses the declared call, "" where none does."""
    service, operation = name.split(":")
    found = refusal(Call(service, operation, region, params), GuardContext(SIT, frozenset({name}), **given))
    return found.rule if found else ""


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_it_passes_in_a_failback_with_proven_backups_and_never_otherwise(own: tuple[str, str, Any]) -> None:
    assert "" == judged(*own, goal=Goal.FAILBACK, proofs=BOTH)
    assert "guard.never-delete" == judged(*own)
    for goal in (None, Goal.FAILOVER, Goal.SWITCHOVER):
        assert "guard.never-delete" == judged(*own, goal=goal, proofs=BOTH)
    for side in (Side.PRIMARY, Side.DR):
        one_sided = [proof for proof in BOTH if proof.side is side]
        assert "guard.never-delete" == judged(*own, goal=Goal.FAILBACK, proofs=one_sided)
    nameless = [Proof(proof.side, proof.store, "", WHEN) for proof in BOTH]
    assert "guard.never-delete" == judged(*own, goal=Goal.FAILBACK, proofs=nameless)


def test_the_terraform_state_is_refused_in_a_failback_with_backups_too() -> None:
    state = SIT.named(SIT.names.state_bucket)
    onto_state = copied(state, {"Bucket": SIT.named(SIT.names.bucket_copy, bucket=state), "Key": "a b/ü.jpg"})
    assert "guard.terraform-state" == judged(COPY, HOME, onto_state, goal=Goal.FAILBACK, proofs=BOTH)


def test_the_state_bucket_is_no_data_bucket_even_if_the_file_lists_it() -> None:
    names = SIT.names.model_copy(update={"buckets": (*SIT.names.buckets, SIT.names.state_bucket)})
    listed = SIT.model_copy(update={"names": names})
    assert s3.data_pairs(SIT) == s3.data_pairs(listed) != ()
    assert of_writing("s3:PutObject", SIT, HOME) == of_writing("s3:PutObject", listed, HOME)


def test_files_are_overwritten_on_the_proof_of_files_and_not_of_databases() -> None:
    databases = [proof for proof in BOTH if proof.store == "database"]
    for name in ("protection off at home", "files replicated home", "the half left at home"):
        assert "guard.never-delete" == judged(*OWN[name], goal=Goal.FAILBACK, proofs=databases)


@pytest.mark.parametrize(
    ("name", "region", "params"),
    [
        (REPLICATE, HOME, onto(HOME)),
        (REPLICATE, AWAY, {"Destinations": [*onto(HOME)["Destinations"], *onto(AWAY)["Destinations"]]}),
        (END, HOME, {"DeletionMode": "ALL_CONFIGURATIONS"}),
        (END, HOME, {}),
        (COPY, HOME, copied(source={"Bucket": ANOTHER, "Key": "a b/ü.jpg"})),
        (COPY, HOME, copied(source={"Bucket": ITS_COPY, "Key": "another key"})),
        (COPY, HOME, copied(bucket="bbws-templates-prod")),
        (COPY, HOME, copied(source="not a source")),
        (COPY, HOME, {"Bucket": BUCKET, "Key": "k"}),
        (UNFREEZE, HOME, {"FileSystemId": "fs-1"}),
        ("efs:DeleteFileSystem", HOME, {}),
        ("efs:DeleteFileSystem", AWAY, {}),
        ("s3:DeleteObject", HOME, {}),
        ("s3:PutObject", HOME, {"Bucket": BUCKET, "Key": "k"}),
    ],
)
def test_another_direction_or_source_and_all_deletions_stay_refused(
    name: str, region: str, params: dict[str, Any]
) -> None:
    assert "guard.never-delete" == judged(name, region, params, goal=Goal.FAILBACK, proofs=BOTH)


def test_the_freeze_is_taken_off_the_dr_file_system_in_a_failback_alone() -> None:
    assert "" == judged(UNFREEZE, AWAY, {"FileSystemId": "fs-2"}, goal=Goal.FAILBACK)
    assert "guard.never-delete" == judged(UNFREEZE, AWAY, {"FileSystemId": "fs-2"}, goal=Goal.FAILOVER, proofs=BOTH)


@pytest.mark.parametrize(
    ("region", "instance", "goal", "rule"),
    [
        (AWAY, SIT.database_on(Side.DR), Goal.FAILBACK, ""),
        (AWAY, f"{SIT.database_on(Side.DR)}-2", Goal.FAILBACK, ""),
        (HOME, SIT.database_on(Side.PRIMARY), Goal.FAILBACK, "guard.never-delete"),
        (AWAY, "others", Goal.FAILBACK, "guard.never-delete"),
        (AWAY, SIT.database_on(Side.DR), Goal.FAILOVER, "guard.never-delete"),
    ],
)
def test_a_failback_reboots_the_database_of_the_dr_region_alone(
    region: str, instance: str, goal: Goal, rule: str
) -> None:
    assert rule == judged(REBOOT, region, {"DBInstanceIdentifier": instance}, goal=goal)


def test_what_the_current_action_did_not_declare_is_refused_all_the_same() -> None:
    name, region, params = OWN["files replicated home"]
    call = Call("efs", name.split(":")[1], region, params)
    found = refusal(call, GuardContext(SIT, frozenset({"sns:Publish"}), goal=Goal.FAILBACK, proofs=BOTH))
    assert found is not None
    assert "guard.never-delete" == found.rule


MARKER = {
    "TableName": "sit-tenant-state",
    "Key": {"pk": {"S": KEY}},
    "ConditionExpression": ONLY_A_MARKER,
}


@pytest.mark.parametrize(
    ("goal", "region", "changed", "passes"),
    [
        (Goal.FAILBACK, AWAY, {}, True),
        (Goal.ABORT, AWAY, {}, True),
        (Goal.FAILOVER, AWAY, {}, False),
        (None, AWAY, {}, False),
        (Goal.FAILBACK, HOME, {}, False),
        (Goal.FAILBACK, AWAY, {"TableName": "another-table"}, False),
        (Goal.FAILBACK, AWAY, {"Key": {"pk": {"S": "tenant1"}}}, False),
        (Goal.FAILBACK, AWAY, {"Key": {"pk": {"B": KEY}}}, False),
        (Goal.FAILBACK, AWAY, {"Key": {}}, False),
        (Goal.FAILBACK, AWAY, {"ConditionExpression": None}, False),
    ],
)
def test_of_a_table_s_items_a_failback_deletes_its_own_marker_alone(
    goal: Goal | None, region: str, changed: dict[str, Any], passes: bool
) -> None:
    assert MARKER["TableName"] in dynamodb.names(SIT)
    call = Call("dynamodb", "DeleteItem", region, {**MARKER, **changed})
    assert exempt(call, GuardContext(SIT, goal=goal)) is passes
