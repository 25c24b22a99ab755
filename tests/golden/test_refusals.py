"""What the guard says to each call, and the authorization to each case, word for word.

``recording.compare`` says how a record is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from dr_actions.authorization.clearance import Approval, Clearance, decide, decide_trial, extended_clearance
from dr_actions.authorization.resumption import EXPECTED, Resumption, gates_to_go_on, resume
from dr_actions.guard import backup_first
from dr_actions.guard.context import STORES, GuardContext, Proof
from dr_actions.guard.destructive_operations import BY_PARAMETERS, CARRIERS, NEVER_DONE, OVERWRITES, WEIGHED
from dr_actions.guard.guard import GLOBAL_SERVICES, IDENTITY, refusal
from dr_actions.model.gates import Gate, Refusal
from dr_actions.model.plan import Call, Danger, Goal
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Environment, Side
from tests.dr_actions.deciding import (
    APPROVER,
    AS_APPROVER,
    AS_OPERATOR,
    INCIDENT,
    MET,
    NOW,
    OPERATOR,
    OPERATOR_ID,
    PLAN,
    PROD,
    RELAXED,
    SIT,
    STOPS,
    UNMET,
    approval,
    case,
    cleared,
    override,
    plan,
    step,
)
from tests.dr_actions.guard.test_backup_first import OTHERS, SYNCS
from tests.dr_actions.guard.test_drill_exemptions import MADE, OF_THE_ESTATE, OWN, named, record, restored
from tests.dr_actions.guard.test_drill_exemptions import asked as task
from tests.golden.recording import HERE, compare

PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
ZONE, CUSTOMERS = "Z0TRAFFIC", {"Z0CUSTOMER": "customer-two.example"}
PROOFS = tuple(Proof(side, store, f"arn:{side}:{store}", NOW) for side, store in STORES)
PROVEN = {
    "nothing backed up": (),
    "files backed up": tuple(proof for proof in PROOFS if proof.store == "files"),
    "databases backed up": tuple(proof for proof in PROOFS if proof.store == "database"),
}
STATE, DATA = SIT.named(SIT.names.state_bucket), SIT.named(SIT.names.buckets[0])
COPY = SIT.named(SIT.names.bucket_copy, bucket=DATA)
SECRET = SIT.named(SIT.names.master_secret)
INDEXED = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "i"}}]}
HOST = "wordpress-1.x.rds.amazonaws.com"


def changed(name: str, zone: str = ZONE, kind: str = "A", action: str = "UPSERT") -> dict[str, Any]:
    return {
        "HostedZoneId": zone,
        "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": {"Name": name, "Type": kind}}]},
    }


CALLS: dict[str, list[dict[str, Any]]] = {
    "iam:CreateRole": [{}],
    "iam:GetRole": [{}],
    "sso-admin:CreateAccountAssignment": [{}],
    "ecs:UpdateService": [{}],
    "ecs:DeleteService": [{}],
    "ecs:RunTask": [
        *(task(), task(count=2), task(cluster="other"), task(startedBy="x"), task(command=None)),
        *(task(host="sit-mysql.x"), task(host=HOST), task(overrides={}), {}),
    ],
    "ecs:StopTask": [{"task": task} for task in ("other", *(name for name in sorted(MADE) if ":task/" in name))],
    "cloudfront:UpdateDistribution": [{"DistributionConfig": {"Enabled": on}} for on in (True, False)],
    "dynamodb:BatchWriteItem": [{}, {"RequestItems": {"t": [{"DeleteRequest": {}}]}}],
    "dynamodb:TransactWriteItems": [{}, {"TransactItems": [{"Put": {}}, {"Delete": {}}]}],
    "dynamodb:UpdateContinuousBackups": [
        {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on}} for on in (True, False, 0)
    ],
    "dynamodb:UpdateGlobalTable": [{"ReplicaUpdates": [{kind: {}}]} for kind in ("Create", "Delete")],
    "dynamodb:UpdateTable": [
        {},
        INDEXED,
        {"ReplicaUpdates": [{"Delete": {}}]},
        *({"DeletionProtectionEnabled": on} for on in (True, False)),
    ],
    "dynamodb:UpdateTimeToLive": [{"TimeToLiveSpecification": {"Enabled": on}} for on in (True, False)],
    "dynamodb:PutItem": [{}],
    "dynamodb:ImportTable": [{}],
    "dynamodb:UpdateItem": [{}],
    "dynamodb:ExecuteStatement": [{}],
    "dynamodb:BatchExecuteStatement": [{}],
    "dynamodb:ExecuteTransaction": [{}],
    "backup:UpdateRecoveryPointLifecycle": [{}],
    "backup:StartRestoreJob": [
        restored(),
        restored(newFileSystem="false"),
        restored(newFileSystem=None, NewFileSystem="true"),
        restored(NewFileSystem="true"),
        restored(CreationToken="sit-efs"),
        restored(CreationToken=None),
        restored() | {"CopySourceTagsToRestoredResource": True},
        {},
    ],
    "ecr:PutLifecyclePolicy": [{}],
    "kms:PutKeyPolicy": [{}],
    "logs:PutRetentionPolicy": [{}],
    "efs:PutBackupPolicy": [{"BackupPolicy": {"Status": status}} for status in ("ENABLED", "DISABLED")],
    "efs:UpdateFileSystemProtection": [
        {},
        *({"ReplicationOverwriteProtection": status} for status in ("ENABLED", "DISABLED")),
    ],
    "efs:CreateReplicationConfiguration": [
        {"Destinations": destinations}
        for destinations in (
            [{"Region": PRIMARY, "FileSystemId": "fs-1"}],
            [{"Region": PRIMARY}],
            [{"Region": DR, "FileSystemId": "fs-2"}],
            [{"AvailabilityZoneName": f"{PRIMARY}a"}],
            [],
        )
    ],
    "efs:DeleteReplicationConfiguration": [{}, {"DeletionMode": "LOCAL_CONFIGURATION_ONLY"}, {"DeletionMode": "ALL"}],
    "efs:DeleteFileSystemPolicy": [{}],
    "efs:TagResource": [{"ResourceId": "fs-drill", "Tags": tags} for tags in (named("sit-efs"), [])]
    + [{"ResourceId": name, "Tags": named("sit-efs-drill-20260107-101500")} for name in ("fs-drill", "fs-estate", "")],
    "efs:CreateAccessPoint": [
        {"FileSystemId": name, "Tags": named("sit-efs-drill-20260107-101500")} for name in ("fs-drill", "fs-estate")
    ],
    "rds:FailoverGlobalCluster": [{}, {"AllowDataLoss": True}],
    "rds:ModifyDBCluster": [{"BackupRetentionPeriod": days} for days in (0, 1, False)],
    "rds:ModifyDBInstance": [
        {"DBInstanceIdentifier": name} | more
        for name in ("sit-mysql", "sit-mysql-before-1", "sit-mysql-drill-20260107-101500")
        for more in ({}, {"DeletionProtection": False}, {"DeletionProtection": True}, {"NewDBInstanceIdentifier": "x"})
    ],
    "rds:RestoreDBInstanceFromDBSnapshot": [
        {"DBInstanceIdentifier": name} for name in ("sit-mysql", "", "sit-mysql-drill-20260107-101500")
    ],
    "rds:RestoreDBInstanceToPointInTime": [
        {"TargetDBInstanceIdentifier": name} for name in ("sit-mysql", "sit-mysql-drill-20260107-101500")
    ],
    "route53:ChangeResourceRecordSets": [
        *(changed(name) for name in ("origin.wpsit.kimmyai.io.", "\\052.WPSIT.kimmyai.io", "wpsit.kimmyai.io")),
        *(changed(name) for name in ("www.kimmyai.io", "KIMMYAI.IO.", "evilwpsit.kimmyai.io", "a.example.org", "")),
        *(changed("wpsit.kimmyai.io", kind=kind) for kind in ("NS", "SOA", "ns", "CNAME")),
        changed("www.customer-two.example", zone="Z0CUSTOMER"),
        changed("origin.wpsit.kimmyai.io", zone="Z0CUSTOMER"),
        changed("origin.wpsit.kimmyai.io", zone=""),
        changed("origin.wpsit.kimmyai.io", zone="/hostedzone/Z0OTHER"),
        changed("origin.wpsit.kimmyai.io", zone=f"/hostedzone/{ZONE}"),
        changed("origin.wpsit.kimmyai.io", action="DELETE"),
        record(f"canary-20260107-101500.{SIT.traffic.test_prefix}.{SIT.traffic.canary_zones[0]}.", "UPSERT"),
        {"HostedZoneId": ZONE},
        {},
    ],
    "route53:UpdateHostedZoneComment": [{"Id": ZONE}, {"Id": f"/hostedzone/{ZONE}"}, {"Id": "Z0OTHER"}, {}],
    "route53:CreateHostedZone": [{"Name": "wpsit.kimmyai.io"}, {"Name": "kimmyai.io"}, {"Name": "a.example.org"}],
    "route53:CreateHealthCheck": [{}],
    "route53:UpdateHealthCheck": [
        {"Inverted": True},
        {"Disabled": True},
        {"Disabled": False},
        {"ResetElements": ["Regions"]},
        *({"FullyQualifiedDomainName": host} for host in ("www.kimmyai.io.", "origin.wpsit.kimmyai.io", "x.org")),
    ],
    "s3:PutBucketLifecycle": [{}],
    "s3:PutBucketLifecycleConfiguration": [{}],
    "s3:PutObject": [{"Bucket": bucket} for bucket in (DATA, COPY, STATE, f"arn:aws:s3:::{STATE}")],
    "s3:CompleteMultipartUpload": [{"Bucket": DATA}, {"Bucket": COPY}],
    "s3:CopyObject": [
        {"Bucket": bucket, "Key": "a b", "CopySource": source}
        for bucket, source in (
            (DATA, {"Bucket": COPY, "Key": "a b"}),
            (DATA, f"{COPY}/a%20b?versionId=1"),
            (DATA, f"/{COPY}/a%20b"),
            (DATA, {"Bucket": COPY, "Key": "other"}),
            (DATA, {"Bucket": DATA, "Key": "a b"}),
            (DATA, None),
            (COPY, {"Bucket": DATA, "Key": "a b"}),
        )
    ],
    "s3:PutBucketReplication": [
        {"ReplicationConfiguration": {"Rules": [{"Status": status}]}} for status in ("Enabled", "Disabled")
    ],
    "s3:PutBucketVersioning": [{"VersioningConfiguration": {"Status": status}} for status in ("Enabled", "Suspended")],
    "secretsmanager:PutSecretValue": [{"SecretId": name} for name in (SECRET, "sit-tenant-1-db-credentials", "other")],
    "secretsmanager:ReplicateSecretToRegions": [
        {"SecretId": SECRET, "AddReplicaRegions": [{"Region": DR}]} | more
        for more in ({}, {"ForceOverwriteReplicaSecret": True}, {"AddReplicaRegions": [{"Region": PRIMARY}]})
    ]
    + [{"SecretId": SECRET, "ForceOverwriteReplicaSecret": True, "AddReplicaRegions": [{"Region": DR}]}],
    "secretsmanager:StopReplicationToReplica": [{}],
    "secretsmanager:UpdateSecret": [{}],
    "ssm:PutParameter": [{}],
    "sns:Publish": [{}],
}
for _name, _params in (*OWN.values(), *OF_THE_ESTATE.values(), *((c.name, dict(c.params)) for c in (*SYNCS, *OTHERS))):
    if _params not in CALLS.setdefault(_name, []):
        CALLS[_name].append(_params)
CALLS["s3:UploadPartCopy"] = CALLS["s3:CopyObject"]
CALLS["ecs:RunTask"].append(task(enableExecuteCommand=True))
CALLS["ecs:UpdateService"].append({"enableExecuteCommand": True})
CALLS["rds:ModifyDBInstance"] += [{"PubliclyAccessible": True}, {"EngineVersion": "8.4"}, {"MasterUserPassword": "x"}]
for _name in (*NEVER_DONE, *WEIGHED, *(f"{service}:CreateThings" for service in (*CARRIERS, *IDENTITY))):
    CALLS.setdefault(_name, [{}])
WORDS = (
    "Abort Backtrack BatchCheck BatchDescribe BatchGet BatchPut Cancel Cancellation Check Clear ConditionCheck Copy "
    "Create Deactivate Decode Delete Deletion Deprovision Deregister Describe Destroy Detach Disable Disassociate "
    "Discard Disconnect Drop Empty Erase Evict Expire Filter Flush Get Head List Overwrite Purge Put Query Reboot "
    "Reject Release Remove Rename Replace Reset Retire Revoke Rollback Scan Search Select Simulate Start Stop Tag "
    "Terminate Test TransactGet TransactWrite Truncate Unassign Unlabel Unlock Unmonitor Unregister Unsubscribe Untag "
    "Update Validate Verify Wipe Withdraw"
)


def _grouped(outcomes: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Each outcome once, with all the circumstances it holds in."""
    found: dict[str, list[str]] = defaultdict(list)
    for outcome, circumstance in outcomes:
        found[outcome].append(circumstance)
    for outcome, circumstances in found.items():
        yield f"    {'always' if len(found) == 1 else ', '.join(circumstances)}"
        yield f"        {outcome}"


def _text(refused: Refusal | None) -> str:
    return f"{refused.rule}: {refused.message}" if refused else "passes"


def _judged(call: Call) -> Iterator[tuple[str, str]]:
    known = GuardContext(SIT, frozenset({call.name}), ZONE, CUSTOMERS, MADE, proofs=PROOFS)
    for goal in (None, *Goal):
        yield _text(refusal(call, replace(known, goal=goal))), goal or "no goal"
    for proven, proofs in PROVEN.items():
        yield _text(refusal(call, replace(known, goal=Goal.FAILBACK, proofs=proofs))), f"failback {proven}"
    yield _text(refusal(call, GuardContext(SIT))), "undeclared and no zone known"


@pytest.mark.parametrize("service", sorted({name.partition(":")[0] for name in CALLS}))
def test_what_the_guard_says_of_a_call_is_as_on_record(service: str) -> None:
    calls = [
        Call(service, name.partition(":")[2], region, params)
        for name, variants in sorted(CALLS.items())
        if name.startswith(f"{service}:")
        for params in variants
        for region in ((GLOBAL,) if service in GLOBAL_SERVICES else (PRIMARY, DR))
    ]
    compare(
        f"guard/{service}.golden",
        [line for call in calls for line in (f"\n{call.name} {call.region} {call.params}", *_grouped(_judged(call)))],
    )


def test_every_reason_of_the_guard_s_tables_is_on_record() -> None:
    by_parameters = [reason for rules in BY_PARAMETERS.values() for _, reason in rules]
    reasons = {*by_parameters, *OVERWRITES.values(), *(f"it {reason}" for reason in NEVER_DONE.values())}
    records = "".join(path.read_text(encoding="utf-8") for path in (HERE / "guard").glob("*.golden"))
    assert [] == [reason for reason in sorted(reasons) if f": {reason}. No run may" not in records]


@pytest.mark.parametrize("region", ["ap-southeast-2", ""])
def test_only_the_regions_of_the_estate_are_touched(region: str) -> None:
    found = refusal(Call("sns", "Publish", region, {}), GuardContext(SIT, frozenset({"sns:Publish"}), ZONE))
    known = f"only {PRIMARY}, {DR}, {GLOBAL} are touched."
    assert Refusal("guard.wrong-region", f"sns:Publish in {region or 'no region'}: {known}") == found


def test_which_words_of_an_operation_destroy_is_as_on_record() -> None:
    def judged(service: str, word: str) -> str:
        call = Call(service, f"{word}Things", DR, {})
        return _text(refusal(call, GuardContext(SIT, frozenset({call.name}), ZONE)))

    words = WORDS.split()
    compare("guard/words.golden", [f"{word}: {judged('x', word)} | {judged('iam', word)}" for word in words])


def test_what_a_sync_call_is_refused_without_backups_is_as_on_record() -> None:
    absent = {"all stores there": (), "no files in the DR region": ((Side.DR, "files"),)}
    old = tuple(Proof(proof.side, proof.store, proof.arn, NOW - timedelta(hours=1)) for proof in PROOFS)
    proven = {**PROVEN, "backed up before the run": old}

    def judged(call: Call) -> Iterator[tuple[str, str]]:
        for (when, begun_at), (what, proofs), (which, gone) in product(
            {"not begun": None, "begun": NOW}.items(), proven.items(), absent.items()
        ):
            yield (
                _text(backup_first.refusal(call, GuardContext(SIT, proofs=proofs, begun_at=begun_at, absent=gone))),
                f"{when}, {what}, {which}",
            )

    lines = [
        line
        for call in (*SYNCS, *OTHERS)
        for line in (f"\n{call.name} in {call.region} {dict(call.params)}", *_grouped(judged(call)))
    ]
    compare("guard/backup-first.golden", lines)


IRREVERSIBLE = plan(
    step("mysql", 40, "database/restore_dr", danger=Danger.IRREVERSIBLE), step("zone", 50, "traffic/shift_to_dr")
)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
CASES: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "paused": {"paused": "Jane: an audit"},
    "no ticket": {"incident": ""},
    "a wrong ticket": {"incident": "INC 123"},
    "a long ticket": {"incident": "INC-20260107-001"},
    "an unmet gate": {"gates": (MET, UNMET, RELAXED, STOPS)},
    "an overridden gate": {"gates": (UNMET,), "overrides": (override(),)},
    "an override that the approver did not see": {"overrides": (override(),), "approvals": (approval(),)},
    "an override of a gate that is met": {"gates": (MET,), "overrides": (override(MET.id),)},
    "an override that ends now": {"gates": (UNMET,), "overrides": (override(until=NOW),)},
    "an override that ends in a second": {"gates": (UNMET,), "overrides": (override(until=NOW + SECOND),)},
    "an override without a name": {"overrides": (override(by=" "),)},
    "an override without a reason": {"overrides": (override(why=" "),)},
    "an override of what is never": {"overrides": (override("guard.never-delete"), override("authority.paused"))},
    "not approved": {"approvals": ()},
    "approved by nobody known": {"approvals": (approval(arn=APPROVER.replace("approver", "stranger")),)},
    "approved by a role": {"approvals": (approval(arn=AS_APPROVER, userid="AROAAPPROVER:approver"),)},
    "approved by a role under a user's id": {"approvals": (approval(arn=AS_APPROVER),)},
    "approved under another session": {"approvals": (approval(arn=AS_APPROVER, userid="AROAAPPROVER:eve"),)},
    "approved under the operator's id": {"approvals": (approval(userid=OPERATOR_ID),)},
    "approved by the operator": {"approvals": (approval(arn=OPERATOR, userid=OPERATOR_ID),)},
    "approved by the operator's role": {"approvals": (approval(arn=AS_OPERATOR, userid="AROAOPERATOR:operator"),)},
    "approved for another incident": {"approvals": (approval(incident="INC-9"),)},
    "approved for another environment": {"approvals": (approval(environment="sit"),)},
    "approved another plan": {"approvals": (approval(digest="0" * 64),)},
    "approved later": {"approvals": (approval(at=NOW + SECOND),)},
    "approved now": {"approvals": (approval(at=NOW),)},
    "approval expired now": {"approvals": (approval(expires_at=NOW),)},
    "approval expires in a second": {"approvals": (approval(expires_at=NOW + SECOND),)},
    "the second approval counts": {"approvals": (approval(digest="0" * 64), approval())},
    "two that do not count": {"approvals": (approval(digest="0" * 64), approval(incident="INC-9"))},
    "irreversible": {"plan": IRREVERSIBLE, "approvals": (approval(digest=IRREVERSIBLE.digest),)},
    "irreversible, at a terminal": {
        "plan": IRREVERSIBLE, "approvals": (approval(digest=IRREVERSIBLE.digest),), "at_terminal": True,
    },
    "irreversible, confirmed": {
        "plan": IRREVERSIBLE,
        "approvals": (approval(digest=IRREVERSIBLE.digest),),
        "confirmed": frozenset({IRREVERSIBLE.steps[0].id}),
    },
}  # fmt: skip


def _decided(found: Clearance | tuple[Refusal, ...]) -> Iterator[str]:
    if isinstance(found, Clearance):
        until = found.expires_at.isoformat() if found.expires_at else "without end"
        gates = ", ".join(f"{o.gate} by {o.by}: {o.why}" for o in found.overrides) or "nothing overridden"
        yield f"    cleared {found.environment} {found.incident} for {found.operator}, approved by "
        yield f"        {found.approver or 'nobody'} until {until}: {gates}"
    else:
        yield from (f"    {_text(refused)}" for refused in found)


def _answers(name: str, changes: dict[str, Any], env: Environment) -> Iterator[str]:
    yield f"\n{name}, {env.name}: decide"
    yield from _decided(decide(case(**changes), env))
    if env is SIT:
        return
    yield f"{name}, {env.name}: decide a trial"
    yield from _decided(decide_trial(case(**changes), env))
    yield f"{name}, {env.name}: go on"
    yield from _decided(extended_clearance(cleared(), case(**changes).overrides, NOW))
    for ago in (timedelta(0), HOUR * PROD.approvals.resume_hours, HOUR * PROD.approvals.resume_hours + SECOND):
        yield f"{name}, {env.name}: resume what began {ago} ago"
        given = case(**changes)
        moved = tuple(_earlier(found, ago) for found in given.approvals)
        yield from _decided(resume(Resumption(cleared(), NOW - ago, case(**{**changes, "approvals": moved})), env))


def _earlier(given: Approval, ago: timedelta) -> Approval:
    return approval(
        incident=given.incident, digest=given.digest, environment=given.environment, arn=given.arn,
        userid=given.userid, at=given.at - ago, expires_at=given.expires_at - ago,
        overrides=given.overrides,
    )  # fmt: skip


def test_what_is_decided_of_a_case_is_as_on_record() -> None:
    compare(
        "authorization.golden",
        [line for name, changes in CASES.items() for env in (PROD, SIT) for line in _answers(name, changes, env)],
    )


def test_which_gates_count_for_a_run_that_goes_on_is_as_on_record() -> None:
    needed = ("control-table", "credentials-work", "operator-allowed", "opted-in", "contacts-named")
    gates = [Gate(f"check.prerequisites.{name}", met=False, says="no.") for name in needed]
    gates.append(Gate("primary.answers", met=False, says="no."))
    lines = []
    for goal, name, (changed_any, blind) in product(
        EXPECTED, PostureName, ((False, "opted-in"), (True, "opted-in"), (True, "contacts-named"))
    ):
        unseen = {f"check.prerequisites.{blind}"}
        found = gates_to_go_on(gates, Posture(name, "as seen."), plan(goal=goal), changed_any, unseen)
        counting = " ".join(
            f"{gate.id}{'' if gate.met else ' unmet'}{' stops' if gate.stops else ''}" for gate in found
        )
        lines.append(f"{goal} in {name}, {'changed' if changed_any else 'nothing changed'}, {blind} unseen: {counting}")
    compare("gates-to-go-on.golden", lines)


def test_the_cases_are_of_one_incident() -> None:
    assert PLAN.digest == case().plan.digest
    assert INCIDENT == case().incident
