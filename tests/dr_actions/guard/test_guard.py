"""The guard's rules, and every operation of AWS that deletes, for every service of the estate."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from dr_actions.actions.registry import writes
from dr_actions.authorization.clearance import NEVER_OVERRIDDEN
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.context import GuardContext
from dr_actions.guard.destructive_operations import WEIGHED, is_read
from dr_actions.guard.failback_exemptions import CREATE_JOB, PROTECT, REBOOT, UNFREEZE, UNMARK, UPDATE_JOB
from dr_actions.guard.guard import DR_REMOVALS, refusal
from dr_actions.iam.policies import declared_operations
from dr_actions.journal.mirror import ANCHOR_CALLS
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.playbook import needed_actions
from dr_estate.snapshot.registry import reads
from utils.aws_mgmt.app.connections import AUTOMATION_CALLS, SIGNING

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
PROD = load_environment(Path(__file__).parents[3] / "environments", "prod")
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
ZONE, CUSTOMERS = "Z0TRAFFIC", {"Z0CUSTOMER": "customer-two.example"}
SESSION = botocore.session.get_session()

# Wider than the guard's own words, and looked for anywhere in the name, whatever its case.
SUSPICIOUS = (
    *("abort", "backtrack", "cancel", "clear", "deactivat", "decommission", "delet", "deprovision", "deregister"),
    *("destroy", "detach", "disable", "disassociat", "discard", "disconnect", "drop", "empty", "erase", "evict"),
    *("expire", "flush", "kill", "overwrit", "purge", "reboot", "reject", "release", "remov", "rename", "replace"),
    *("reset", "retire", "revoke", "rollback", "shutdown", "stop", "terminat", "truncat", "unassign", "undeploy"),
    *("unlabel", "unlock", "unmonitor", "unregister", "unsubscribe", "untag", "wipe", "withdraw"),
)
LOOKING = ("Describe", "Get", "List", "BatchGet", "Head", "Search")
OF_A_FAILBACK = {PROTECT, REBOOT, UNFREEZE, UNMARK}  # test_failback_exemptions.py says when these pass
OF_A_DRILL = declared_operations().drills  # test_drill_exemptions.py says when these pass
BOTOCORE = {"elasticloadbalancing": "elbv2", "elasticfilesystem": "efs"}
SERVICES = sorted(
    {BOTOCORE.get(name.split(":")[0], name.split(":")[0]) for name in (*reads(), *writes(), *needed_actions())}
    | {"cloudfront", "kms", "logs", "s3"}
)


@cache
def destructive(service: str) -> tuple[str, ...]:
    """The operations of ``service`` whose name shows that they take something away."""
    names = SESSION.get_service_model(service).operation_names
    return tuple(name for name in names if any(w in name.lower() for w in SUSPICIOUS) and not name.startswith(LOOKING))


def judged(name: str, region: str, /, _env: Environment = SIT, _allowed: Any = None, **params: Any) -> str:
    """The rule that refuses a call (declared, unless ``_allowed`` says otherwise), "" where none does."""
    service, operation = name.split(":")
    declared: frozenset[str] = frozenset({name}) if _allowed is None else _allowed
    found = refusal(Call(service, operation, region, params), GuardContext(_env, declared, ZONE, CUSTOMERS))
    return found.rule if found else ""


@pytest.mark.parametrize("service", SERVICES)
def test_no_operation_that_deletes_reaches_the_primary_or_a_global_service(service: str) -> None:
    passed = [
        f"{service}:{name} in {region}"
        for name in destructive(service)
        for region in (PRIMARY, GLOBAL)
        if judged(f"{service}:{name}", region) not in {"guard.never-delete", "guard.no-iam"}
    ]
    assert [] == passed


def test_the_enumeration_is_as_large_as_the_estate() -> None:
    found = {service: len(destructive(service)) for service in SERVICES}
    assert sum(found.values()) > 500, found
    assert [] == [service for service in ("rds", "efs", "s3", "dynamodb", "backup", "ecs") if found[service] < 5]


@pytest.mark.parametrize("service", SERVICES)
def test_only_two_deletions_pass_in_the_dr_region_to_open_replicas(service: str) -> None:
    passed = {f"{service}:{name}" for name in destructive(service) if not judged(f"{service}:{name}", SIT.regions.dr)}
    assert passed == {name for name in DR_REMOVALS if name.startswith(f"{service}:")}


@pytest.mark.parametrize("name", sorted(DR_REMOVALS))
def test_removals_in_the_dr_region_are_refused_unless_declared(name: str) -> None:
    assert "guard.never-delete" == judged(name, PRIMARY)
    assert "guard.never-delete" == judged(name, DR, _allowed=frozenset())
    assert "" == judged(name, DR)


@pytest.mark.parametrize(
    "name", sorted({*writes(), *CONTROL_CALLS} - OF_A_FAILBACK - OF_A_DRILL - {CREATE_JOB, UPDATE_JOB})
)
def test_every_declared_call_passes_in_the_dr_region(name: str) -> None:
    region = GLOBAL if name.startswith("route53:") else DR
    assert "" == judged(name, region)


@pytest.mark.parametrize("name", ["ecs:UpdateService", "application-autoscaling:RegisterScalableTarget", "sns:Publish"])
def test_fencing_the_primary_passes(name: str) -> None:
    assert "" == judged(name, PRIMARY)


@pytest.mark.parametrize("name", ["ecs:UpdateService", "rds:PromoteReadReplica", "dynamodb:PutItem", "ecs:RunTask"])
def test_what_the_current_action_did_not_declare_is_refused(name: str) -> None:
    assert "guard.undeclared" == judged(name, DR, _allowed=frozenset({"sns:Publish"}))


@pytest.mark.parametrize("region", [PRIMARY, DR])
@pytest.mark.parametrize(
    "name",
    [
        *("s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:PutPublicAccessBlock", "s3control:CreateJob"),
        *("backup:UpdateBackupPlan", "backup:PutBackupVaultLockConfiguration", "backup:PutBackupVaultAccessPolicy"),
        *("secretsmanager:RotateSecret", "secretsmanager:UpdateSecretVersionStage", "ecs:ExecuteCommand"),
        *("ssm:SendCommand", "ssm:StartAutomationExecution", "lambda:Invoke", "lambda:UpdateFunctionCode"),
        *("cloudformation:CreateStack", "cloudformation:ExecuteChangeSet", "stepfunctions:StartExecution"),
    ],
)
def test_protected_operations_are_refused_even_if_an_action_declares_them(name: str, region: str) -> None:
    assert "guard.never-delete" == judged(name, region)


MEANT = {*writes(), *CONTROL_CALLS, *ANCHOR_CALLS, *SIGNING, *AUTOMATION_CALLS}


@pytest.mark.parametrize("service", sorted({*SERVICES, "s3control", "s3tables", "route53resolver", "fsx", "dms"}))
def test_operations_foreign_to_a_run_are_refused_even_if_declared(service: str) -> None:
    """Also one that AWS adds later, and one whose name says no harm: UpdateTrafficPolicyInstance, StartBulkPutItems."""
    names = {f"{service}:{name}" for name in SESSION.get_service_model(service).operation_names if not is_read(name)}
    foreign = names - MEANT
    passed = [f"{name} in {region}" for name in foreign for region in (PRIMARY, DR, GLOBAL) if not judged(name, region)]
    assert (bool(names), []) == (True, passed)


def test_what_the_guard_lets_leave_is_what_the_code_declares() -> None:
    """A call that no action makes any more is to be refused again."""
    declared_now = {name for name in MEANT if not is_read(name.split(":")[1])}
    assert set() == WEIGHED - declared_now


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ecs:RegisterTaskDefinition", {"taskRoleArn": "arn:aws:iam::1:role/prod-dr-recovery"}),
        ("ecs:RegisterTaskDefinition", {"executionRoleArn": "prod-dr-recovery-execution"}),
        ("ecs:RunTask", {"overrides": {"taskRoleArn": "arn:aws:iam::1:role/prod-dr-break-glass"}}),
        ("ecs:RunTask", {"overrides": {"executionRoleArn": "arn:aws:iam::1:role/prod-dr-automation"}}),
        ("backup:StartRestoreJob", {"IamRoleArn": "arn:aws:iam::1:role/prod-dr-recovery"}),
    ],
)
def test_no_role_that_may_change_the_estate_is_handed_on(name: str, params: dict[str, Any]) -> None:
    assert "guard.no-iam" == judged(name, DR, PROD, **params)
    own = json.loads(json.dumps(params).replace("prod-dr-", "prod-ecs-"))
    assert "" == judged(name, DR, PROD, **own)


def test_the_primary_file_policy_and_master_passwords_stay_as_they_are() -> None:
    assert "guard.never-delete" == judged("efs:PutFileSystemPolicy", PRIMARY)
    for given in ({"MasterUserPassword": "x"}, {"ManageMasterUserPassword": True}, {"RotateMasterUserPassword": True}):
        for name in ("rds:ModifyDBInstance", "rds:ModifyDBCluster"):
            assert "guard.never-delete" == judged(name, DR, **given)


@pytest.mark.parametrize("kind", ["MX", "TXT", "CAA", "SRV", "DS", "HTTPS", ""])
def test_records_that_lead_no_visitor_are_never_touched(kind: str) -> None:
    record = {"Name": f"www.{SIT.traffic.zone}", "Type": kind}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    call = "route53:ChangeResourceRecordSets"
    assert "guard.denied-zone" == judged(call, GLOBAL, HostedZoneId=ZONE, ChangeBatch=batch)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("rds:ModifyDBInstance", {"BackupRetentionPeriod": 0}, {"BackupRetentionPeriod": 7}),
        ("rds:ModifyDBInstance", {"DeletionProtection": False}, {"DeletionProtection": True}),
        ("rds:ModifyDBInstance", {"PubliclyAccessible": True}, {"PubliclyAccessible": False}),
        ("rds:ModifyDBInstance", {"EngineVersion": "8.4"}, {"ApplyImmediately": True}),
        ("rds:CreateDBInstanceReadReplica", {"PubliclyAccessible": True}, {"PubliclyAccessible": False}),
        ("rds:RestoreDBInstanceToPointInTime", {"PubliclyAccessible": True}, {"PubliclyAccessible": False}),
        ("rds:RestoreDBInstanceFromDBSnapshot", {"PubliclyAccessible": True}, {"PubliclyAccessible": False}),
        ("ecs:UpdateService", {"enableExecuteCommand": True}, {"desiredCount": 0}),
        ("ecs:RunTask", {"enableExecuteCommand": True}, {"count": 1}),
        (
            "efs:UpdateFileSystemProtection",
            {"ReplicationOverwriteProtection": "DISABLED"},
            {"ReplicationOverwriteProtection": "ENABLED"},
        ),
        (
            "efs:CreateReplicationConfiguration",
            {"Destinations": [{"Region": PRIMARY, "FileSystemId": "fs-1"}]},
            {"Destinations": [{"Region": PRIMARY}]},
        ),
        ("secretsmanager:ReplicateSecretToRegions", {"ForceOverwriteReplicaSecret": True}, {"SecretId": "s"}),
    ],
)
def test_parameters_that_delete_or_unprotect_are_refused_and_others_pass(
    name: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    assert ("guard.never-delete", "") == (judged(name, PRIMARY, **bad), judged(name, PRIMARY, **good))


@pytest.mark.parametrize(
    "name",
    ["s3:PutObject", "dynamodb:PutItem", "secretsmanager:PutSecretValue"],
)
def test_data_is_overwritten_in_the_dr_region_only(name: str) -> None:
    assert ("guard.never-delete", "") == (judged(name, PRIMARY), judged(name, DR))


def test_no_statement_and_no_hidden_delete_of_dynamodb_passes_anywhere() -> None:
    hidden = {"TransactItems": [{"Put": {}}, {"Delete": {"Key": {}}}]}
    assert "guard.never-delete" == judged("dynamodb:TransactWriteItems", DR, SIT, None, **hidden)
    assert "guard.never-delete" == judged("dynamodb:ExecuteStatement", DR, Statement="SELECT * FROM t")


def change(name: str, action: str = "UPSERT", kind: str = "A", zone: str = ZONE) -> dict[str, Any]:
    record = {"Name": name, "Type": kind, "AliasTarget": {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.example"}}
    return {"HostedZoneId": zone, "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": record}]}}


def shifted(env: Environment = SIT, /, **how: Any) -> str:
    return judged("route53:ChangeResourceRecordSets", GLOBAL, env, **change(**how))


def test_records_of_the_traffic_zone_and_of_customers_are_changed() -> None:
    assert "" == shifted(name="origin.wpsit.kimmyai.io.")
    assert "" == shifted(name="\\052.wpsit.kimmyai.io", zone=f"/hostedzone/{ZONE}")
    assert "" == shifted(PROD, name="www.customer-two.example", zone="Z0CUSTOMER")


@pytest.mark.parametrize(
    "how",
    [
        {"name": "origin.wpsit.kimmyai.io", "zone": "Z0OTHER"},
        {"name": "origin.wpsit.kimmyai.io", "zone": ""},
        {"name": "www.kimmyai.io"},
        {"name": "KIMMYAI.IO."},
        {"name": "evilwpsit.kimmyai.io"},
        {"name": "origin.example.org"},
        {"name": "wpsit.kimmyai.io", "kind": "NS"},
        {"name": "wpsit.kimmyai.io", "kind": "SOA"},
        {"name": "origin.wpsit.kimmyai.io", "zone": "Z0CUSTOMER"},
    ],
    ids=lambda how: " ".join(how.values()),
)
def test_other_zones_other_names_and_delegations_are_never_touched(how: dict[str, str]) -> None:
    assert "guard.denied-zone" == shifted(SIT, **how)


def test_a_record_is_never_deleted_and_an_unknown_traffic_zone_is_no_zone() -> None:
    assert "guard.never-delete" == shifted(name="origin.wpsit.kimmyai.io", action="DELETE")
    call = Call("route53", "ChangeResourceRecordSets", GLOBAL, change("origin.wpsit.kimmyai.io", zone=""))
    found = refusal(call, GuardContext(SIT, frozenset({call.name})))
    assert found is not None
    assert "guard.denied-zone" == found.rule


def test_health_checks_are_inverted_and_never_disabled_or_moved() -> None:
    assert "" == judged("route53:UpdateHealthCheck", GLOBAL, HealthCheckId="h", Inverted=True)
    assert "guard.health-check" == judged("route53:UpdateHealthCheck", GLOBAL, HealthCheckId="h", Disabled=True)
    assert "guard.health-check" == judged("route53:CreateHealthCheck", GLOBAL)
    elsewhere = judged("route53:UpdateHealthCheck", GLOBAL, FullyQualifiedDomainName="www.kimmyai.io")
    assert "guard.denied-zone" == elsewhere


@pytest.mark.parametrize("name", ["iam:CreateRole", "iam:AttachRolePolicy", "organizations:MoveAccount"])
def test_no_identity_is_changed(name: str) -> None:
    assert "guard.no-iam" == judged(name, GLOBAL)


def test_only_the_two_regions_and_that_of_the_global_services_are_touched() -> None:
    assert "guard.wrong-region" == judged("ecs:UpdateService", "ap-southeast-2")
    assert "guard.wrong-region" == judged("ecs:UpdateService", "")


@pytest.mark.parametrize("region", [PRIMARY, DR])
@pytest.mark.parametrize("name", ["s3:CopyObject", "s3:PutObject", "s3:DeleteObject", "s3:PutBucketVersioning"])
def test_the_terraform_state_is_written_by_terraform_alone(name: str, region: str) -> None:
    state = SIT.named(SIT.names.state_bucket)
    copy = SIT.named(SIT.names.bucket_copy, bucket=state)
    for bucket in (state, copy, f"arn:aws:s3:::{state}"):
        assert "guard.terraform-state" == judged(name, region, Bucket=bucket, Key="k")
    assert "" == judged("s3:HeadObject", region, Bucket=state, Key="k")
    assert "guard.terraform-state" != judged(name, region, Bucket="bbws-templates-sit", Key="k")


@pytest.mark.parametrize("name", sorted(reads()))
def test_a_read_that_an_action_needs_passes_where_it_is_declared(name: str) -> None:
    assert is_read(name.split(":")[1])
    assert "" == judged(name, PRIMARY)


def test_never_delete_cannot_be_overridden() -> None:
    assert "guard.never-delete" in NEVER_OVERRIDDEN
