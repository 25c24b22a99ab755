"""Backup before sync: no call that changes the primary's data leaves before both sides are provenly backed up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_actions.guard.backup_first import CLOCKS_APART, RULE, refusal, syncs, unproven
from dr_actions.guard.context import STORES, GuardContext, Proof, proof_of
from dr_actions.guard.failback_exemptions import copies_secret
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Side, load_environment
from tests.dr_actions.deciding import NOW

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
PRIMARY, DR = SIT.regions.primary, SIT.regions.dr
BEGUN = NOW - timedelta(minutes=10)
PROOFS = tuple(Proof(side, store, f"arn:{side}:{store}", NOW) for side, store in STORES)
HOME_AGAIN = {"Destinations": [{"FileSystemId": "fs-1", "Region": PRIMARY}]}
SECRET = "sit-tenant-1-db-credentials"


def call(name: str, region: str, **params: Any) -> Call:
    service, _, operation = name.partition(":")
    return Call(service, operation, region, params)


SYNCS = [
    call("rds:CreateDBInstanceReadReplica", PRIMARY, DBInstanceIdentifier="sit-mysql"),
    call("rds:RestoreDBInstanceFromDBSnapshot", PRIMARY, DBInstanceIdentifier="sit-mysql"),
    call("rds:RestoreDBInstanceToPointInTime", PRIMARY, TargetDBInstanceIdentifier="sit-mysql"),
    call("rds:RestoreDBInstanceFromS3", PRIMARY, DBInstanceIdentifier="sit-mysql"),
    call("rds:ModifyDBInstance", PRIMARY, DBInstanceIdentifier="sit-mysql", NewDBInstanceIdentifier="old"),
    call("rds:PromoteReadReplica", PRIMARY, DBInstanceIdentifier="sit-mysql"),
    call("efs:UpdateFileSystemProtection", PRIMARY, FileSystemId="fs-1", ReplicationOverwriteProtection="DISABLED"),
    call("efs:UpdateFileSystemProtection", PRIMARY, FileSystemId="fs-1"),
    call("efs:CreateReplicationConfiguration", DR, SourceFileSystemId="fs-2", **HOME_AGAIN),
    call("efs:CreateReplicationConfiguration", DR, Destinations=[{"AvailabilityZoneName": f"{PRIMARY}a"}]),
    call("efs:CreateReplicationConfiguration", DR, Destinations=[{"FileSystemId": "fs-1"}]),
    call("s3:CopyObject", PRIMARY, Bucket="bbws-templates-sit"),
    call("s3:PutObject", DR, Bucket="bbws-templates-sit"),
    call("s3:CompleteMultipartUpload", DR, Bucket="arn:aws:s3:af-south-1:815856636111:accesspoint/x"),
    call("s3control:CreateJob", DR, Operation={"S3ReplicateObject": {}}),
]
OTHERS = [
    call("rds:CreateDBInstanceReadReplica", DR, DBInstanceIdentifier="sit-mysql"),
    call("rds:RestoreDBInstanceToPointInTime", DR, TargetDBInstanceIdentifier="sit-mysql"),
    call("rds:PromoteReadReplica", DR, DBInstanceIdentifier="sit-mysql"),
    call("rds:ModifyDBInstance", DR, DBInstanceIdentifier="sit-mysql", NewDBInstanceIdentifier="old"),
    call("rds:ModifyDBInstance", PRIMARY, DBInstanceIdentifier="sit-mysql", DeletionProtection=True),
    call("efs:UpdateFileSystemProtection", PRIMARY, FileSystemId="fs-1", ReplicationOverwriteProtection="ENABLED"),
    call("efs:UpdateFileSystemProtection", DR, FileSystemId="fs-2", ReplicationOverwriteProtection="DISABLED"),
    call("efs:CreateReplicationConfiguration", PRIMARY, Destinations=[{"FileSystemId": "fs-2", "Region": DR}]),
    call("efs:PutFileSystemPolicy", DR, FileSystemId="fs-2"),
    call("s3:PutObject", DR, Bucket="bbws-templates-sit-dr"),
    call("s3control:UpdateJobStatus", DR, RequestedJobStatus="Cancelled"),
    call("backup:StartBackupJob", PRIMARY, ResourceArn="arn"),
    call("rds:ModifyDBParameterGroup", DR, DBParameterGroupName="sit-mysql-params"),
]


def backed_up(proofs: Sequence[Proof] = PROOFS, **more: Any) -> GuardContext:
    return GuardContext(SIT, proofs=proofs, begun_at=BEGUN, **more)


def call_id(api_call: Call) -> str:
    text = "".join(c if c.isalnum() else " " for c in str(sorted(api_call.params.items())))
    return f"{api_call.name} {api_call.region} {' '.join(text.split())}"


@pytest.mark.parametrize("api_call", SYNCS, ids=call_id)
def test_a_call_that_brings_data_home_needs_all_four_proofs(api_call: Call) -> None:
    assert syncs(api_call, SIT)
    assert refusal(api_call, backed_up()) is None
    for missing in PROOFS:
        refused = refusal(api_call, backed_up([proof for proof in PROOFS if proof is not missing]))
        assert refused is not None
        assert refused.rule == RULE
        assert missing.store in refused.message
        assert SIT.region(missing.side) in refused.message


@pytest.mark.parametrize("api_call", OTHERS, ids=call_id)
def test_a_call_that_leaves_the_primarys_data_alone_needs_none(api_call: Call) -> None:
    assert refusal(api_call, GuardContext(SIT)) is None


def test_a_backup_of_before_the_run_proves_nothing() -> None:
    for store in STORES:
        aged = [
            Proof(p.side, p.store, p.arn, BEGUN - CLOCKS_APART - timedelta(seconds=1))
            if (p.side, p.store) == store
            else p
            for p in PROOFS
        ]
        assert unproven(aged, BEGUN) == [store]
        assert refusal(SYNCS[0], backed_up(aged)) is not None
    assert unproven(PROOFS, NOW) == [], "AWS's clock and ours may differ by a little"


def test_a_backup_made_while_the_dr_region_takes_writes_counts() -> None:
    assert refusal(SYNCS[0], backed_up(frozen_at=None)) is None


def test_of_a_run_without_a_beginning_no_backup_counts() -> None:
    refused = refusal(SYNCS[0], GuardContext(SIT, proofs=PROOFS))
    assert refused is not None
    assert "when the run began is not on record" in refused.message


def test_what_does_not_exist_needs_no_backup() -> None:
    gone = (Side.PRIMARY, "database")
    left = [proof for proof in PROOFS if (proof.side, proof.store) != gone]
    assert refusal(SYNCS[0], backed_up(left, absent=[gone])) is None
    assert refusal(SYNCS[0], backed_up(left[:-1], absent=[gone])) is not None


def test_a_proof_is_read_from_the_record_of_a_confirmed_backup_alone() -> None:
    facts = {"side": "primary", "store": "files", "arn": "arn:x", "created_at": NOW.isoformat()}
    assert proof_of(facts) == Proof(Side.PRIMARY, "files", "arn:x", NOW)
    for wrong in (
        {},
        {**facts, "side": "elsewhere"},
        {**facts, "store": "objects"},
        {**facts, "arn": ""},
        {**facts, "created_at": "yesterday"},
        {**facts, "created_at": NOW.replace(tzinfo=None).isoformat()},
    ):
        assert proof_of(wrong) is None


PUT = call("secretsmanager:PutSecretValue", PRIMARY, SecretId=SECRET)
AGAIN = call(
    "secretsmanager:ReplicateSecretToRegions",
    PRIMARY,
    SecretId="sit-rds-master-credentials",
    AddReplicaRegions=[{"Region": DR}],
    ForceOverwriteReplicaSecret=True,
)


@pytest.mark.parametrize("api_call", [PUT, AGAIN], ids=call_id)
def test_secrets_are_overwritten_in_a_failback_alone_after_both_backups(api_call: Call) -> None:
    assert copies_secret(api_call, GuardContext(SIT, goal=Goal.FAILBACK, proofs=PROOFS))
    assert not copies_secret(api_call, GuardContext(SIT, goal=Goal.FAILOVER, proofs=PROOFS))
    assert not copies_secret(api_call, GuardContext(SIT, goal=None, proofs=PROOFS))
    for side in (Side.PRIMARY, Side.DR):
        assert not copies_secret(
            api_call,
            GuardContext(
                SIT, goal=Goal.FAILBACK, proofs=[p for p in PROOFS if (p.side, p.store) != (side, "database")]
            ),
        )


@pytest.mark.parametrize(
    "api_call",
    [
        call("secretsmanager:PutSecretValue", PRIMARY, SecretId="somebody-elses"),
        call("secretsmanager:PutSecretValue", "eu-central-1", SecretId=SECRET),
        call("secretsmanager:UpdateSecret", PRIMARY, SecretId=SECRET),
        call("secretsmanager:DeleteSecret", PRIMARY, SecretId=SECRET),
        call(AGAIN.name, PRIMARY, SecretId=SECRET, AddReplicaRegions=[{"Region": DR}, {"Region": "eu-central-1"}]),
        call(AGAIN.name, DR, SecretId=SECRET, AddReplicaRegions=[{"Region": PRIMARY}]),
    ],
    ids=call_id,
)
def test_no_other_secret_and_no_other_direction_is_exempt(api_call: Call) -> None:
    assert not copies_secret(api_call, GuardContext(SIT, goal=Goal.FAILBACK, proofs=PROOFS))


@pytest.mark.parametrize(
    ("name", "region", "params", "needs_proof"),
    [
        ("s3:PutObject", DR, {"Bucket": "sit-anchors", "IfNoneMatch": "*"}, False),
        ("s3:PutObject", DR, {"Bucket": "sit-anchors"}, True),
        ("s3:PutObject", PRIMARY, {"Bucket": "sit-anchors", "IfNoneMatch": "*"}, True),
        ("s3:PutObject", DR, {"Bucket": "sit-others", "IfNoneMatch": "*"}, True),
        ("s3:PutObject", DR, {"Bucket": "", "IfNoneMatch": "*"}, True),
        ("s3:CopyObject", DR, {"Bucket": "sit-anchors", "IfNoneMatch": "*"}, True),
    ],
)
def test_a_journal_s_head_is_added_to_the_anchors_without_a_backup(
    name: str, region: str, params: dict[str, Any], needs_proof: bool
) -> None:
    anchored = SIT.model_copy(update={"names": SIT.names.model_copy(update={"anchor_bucket": "sit-anchors"})})
    assert needs_proof == syncs(call(name, region, **params), anchored)
    for bucket in ("sit-anchors", ""):
        assert syncs(call("s3:PutObject", DR, Bucket=bucket, IfNoneMatch="*"), SIT), "no bucket of anchors is named"
