"""A failback, as IAM judges it: each of its writes where it is sent, on the environment's own resources, no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.registry import actions
from dr_actions.guard.destructive_operations import is_read
from dr_actions.iam.action_names import actions_of
from dr_actions.iam.policies import HOME as HOME_POLICY
from dr_actions.iam.policies import IamRole, declared_operations, policies
from dr_actions.model.action import TO_PRIMARY
from dr_estate.config.environment import Side, load_environment
from dr_estate.iam.simulation_requests import demands
from dr_estate.model.playbook import FAILBACK_WRITES, FENCING, SNAPSHOTS
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY, AccessRequest, IamPolicy, decide
from tests.proofs.sent_home import SENT, sides_of

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
SIDES = {PRIMARY: Side.PRIMARY, DR: Side.DR}
HELD = policies(SIT, declared_operations())[IamRole.OPERATOR]
# RDS asks the source's region for the same action, in the caller's name.
BOTH_ENDS = {"rds:CreateDBInstanceReadReplica", "rds:StartDBInstanceAutomatedBackupsReplication"}
OF_ANOTHER_REGION = {"kms:Encrypt"}  # asked of the key of a secret's replica, and so where the replica is
OWN = {
    "application-autoscaling": ("scalable-target/0a1b",),
    "ecs": ("service/sit-cluster/sit-tenant-1-service",),
    "dynamodb": ("table/sit-tenant-state", "table/sit-transaction-log"),
    "elasticfilesystem": ("file-system/fs-1",),
    "elasticloadbalancing": ("listener/app/sit-alb/0a1b/2c3d",),
    "rds": ("db:sit-mysql", "db:sit-mysql-before-db-a1b2", "pg:sit-mysql8", "subgrp:sit-db-subnet-group"),
    "secretsmanager": ("secret:sit-tenant-1-db-credentials-AbCdEf", "secret:sit-rds-master-credentials-AbCdEf"),
    "sns": ("bbws-dr-events",),
}
OTHERS = {
    "backup": "backup-vault:bbws-backup-vault-prod",
    "ecs": "service/prod-cluster/prod-tenant-1-service",
    "rds": "db:prod-mysql",
    "secretsmanager": "secret:prod-rds-master-credentials-AbCdEf",
    "sns": "payroll",
}
OF_JOBS = {"objects/end_replication", "objects/replicate_to_primary"}  # test_batch_policies.py: where a role is named
TASKS = {"ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:TagResource"}
CONTEXT = {
    "aws:ResourceTag/Name": ("sit-efs",),
    "dynamodb:LeadingKeys": ("dr-marker",),
    "iam:PassedToService": ("backup.amazonaws.com",),
    "kms:GrantIsForAWSResource": ("true",),
}
ANOTHER: dict[str, Any] = {**CONTEXT, "aws:ResourceTag/Name": ("prod-efs",), "kms:GrantIsForAWSResource": ("false",)}


def judged(
    action: str, region: str, resource: str, without: str = "", given: Mapping[str, tuple[str, ...]] = CONTEXT
) -> str:
    """What IAM decides; the policy ``without`` is not attached."""
    iam_policies = [
        IamPolicy(name, json.dumps(document)) for name, document in HELD.items() if not (without and without in name)
    ]
    via = {"kms:ViaService": (f"secretsmanager.{region}.amazonaws.com",)}
    cluster = {"ecs:cluster": (f"arn:aws:ecs:{region}:{SIT.account}:cluster/sit-cluster",)}
    context = {**given, **via, **cluster, "aws:RequestedRegion": (region,)}
    return decide(iam_policies, AccessRequest(action, resource, context)).word


def own(action: str, region: str) -> Iterator[str]:
    """Things of SIT that ``action`` may be sent for."""
    service = action.partition(":")[0]
    if action in TASKS:
        yield f"arn:aws:ecs:{region}:{SIT.account}:task-definition/sit-tenant-1:7"
    elif action.startswith("s3:Put"):
        yield "arn:aws:s3:::bbws-tenant-assets-sit/2026/logo.png"
    elif action.startswith("s3:Get"):
        yield "arn:aws:s3:::bbws-tenant-assets-sit-dr/2026/logo.png"
    elif service == "backup":
        vault = "bbws-backup-vault-sit" if region == PRIMARY else "bbws-dr-vault"
        yield f"arn:aws:backup:{region}:{SIT.account}:backup-vault:{vault}"
    elif service == "kms":
        yield f"arn:aws:kms:{region}:{SIT.account}:key/k"
    elif service == "iam":
        yield f"arn:aws:iam::{SIT.account}:role/sit-backup-role"
        yield f"arn:aws:iam::{SIT.account}:role/service-role/AWSBackupDefaultServiceRole"
    elif service == "route53":
        yield "arn:aws:route53:::healthcheck/h"
    else:
        ours = [
            resource
            for resource in OWN[service]
            if service != "rds" or "parametergroup" not in action.lower() or "pg" in resource
        ]
        yield from (f"arn:aws:{service}:{region}:{SIT.account}:{resource}" for resource in ours)


def writing(operation: str) -> set[str]:
    """The IAM actions of an operation that change something, but for what is asked in another region."""
    return {a for a in actions_of(operation) if not is_read(a.split(":")[1])} - {"kms:Decrypt"}


def test_every_write_of_every_failback_verb_has_a_known_sender() -> None:
    of_verbs = {
        action.name: action.writes for action in actions().values() if action.goals & TO_PRIMARY and action.writes
    }
    assert of_verbs == {name: frozenset(sent) for name, sent in SENT.items()}


def test_failback_writes_are_the_primary_calls_of_actions_beyond_fencing() -> None:
    sent = {a for name in sides_of(Side.PRIMARY) for a in writing(name)} - OF_ANOTHER_REGION
    assert FAILBACK_WRITES == (sent | BOTH_ENDS) - FENCING


@pytest.mark.parametrize("action_name", sorted(SENT.keys() - OF_JOBS))
def test_each_write_is_allowed_where_its_verb_sends_it(action_name: str) -> None:
    if "route53" in str(SENT[action_name]) and action_name != "traffic/unpin_primary":
        return  # the records' own conditions: test_policies.py
    refused = [
        (action, region, resource)
        for operation, sides in SENT[action_name].items()
        for region in (SIT.region(side) for side in sides)
        for action in actions_of(operation) - OF_ANOTHER_REGION - SNAPSHOTS
        for resource in own(action, region)
        if judged(action, region, resource) != ALLOWED
    ]
    assert [] == refused


def test_a_secrets_replica_is_encrypted_in_the_region_where_it_is_made() -> None:
    key = f"arn:aws:kms:{DR}:{SIT.account}:key/k"
    assert {ALLOWED} == {judged(action, DR, key) for action in ("kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt")}
    assert EXPLICIT_DENY == judged("kms:Encrypt", PRIMARY, key.replace(DR, PRIMARY))


def test_without_the_failback_policy_the_primary_region_is_only_fenced() -> None:
    without = {a: judged(a, PRIMARY, resource, HOME_POLICY) for a in FAILBACK_WRITES for resource in own(a, PRIMARY)}
    assert {IMPLICIT_DENY} == set(without.values())
    fencing = {judged(a, PRIMARY, resource, HOME_POLICY) for a in FENCING for resource in own(a, PRIMARY)}
    assert {ALLOWED} == fencing


@pytest.mark.parametrize(("vault", "region"), [("primary_vault", PRIMARY), ("dr_vault", DR)])
def test_an_rds_snapshot_is_asked_for_only_in_a_region_without_a_vault(vault: str, region: str) -> None:
    for env in (SIT, SIT.model_copy(update={"names": SIT.names.model_copy(update={vault: ""})})):
        documents = policies(env, declared_operations())[IamRole.OPERATOR]
        iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in documents.items()]
        database = f"arn:aws:rds:{region}:{SIT.account}:db:{env.database_on(SIDES[region])}"
        request = AccessRequest("rds:CreateDBSnapshot", database, {"aws:RequestedRegion": (region,)})
        regions = {demand.region for demand in demands(env) if "rds:CreateDBSnapshot" in demand.actions}
        wanted = set() if env is SIT else {region}
        assert (decide(iam_policies, request).word == ALLOWED, regions) == (bool(wanted), wanted)


def test_what_is_done_at_home_alone_is_done_nowhere_else() -> None:
    alone = FAILBACK_WRITES - {a for name in sides_of(Side.DR) for a in writing(name)}
    assert {"s3:PutObject", "s3:PutObjectTagging", "secretsmanager:ReplicateSecretToRegions"} <= alone
    of_a_failover = {"kms:GenerateDataKey", "rds:PromoteReadReplica", "secretsmanager:PutSecretValue"} | TASKS
    assert alone - of_a_failover
    for action in sorted(alone - of_a_failover):
        for region in (DR, "x-1"):
            assert {ALLOWED} != {judged(action, region, resource) for resource in own(action, region)}, (action, region)


@pytest.mark.parametrize("service", sorted(OTHERS))
def test_at_home_only_what_bears_the_environments_names_is_written(service: str) -> None:
    actions = [a for a in (*FAILBACK_WRITES, *FENCING) if a.startswith(f"{service}:") and a not in TASKS]
    arn = f"arn:aws:{service}:{PRIMARY}:{SIT.account}:{OTHERS[service]}"
    assert actions
    assert {IMPLICIT_DENY} == {judged(action, PRIMARY, arn) for action in actions}


def test_at_home_no_other_bucket_object_role_or_task_definition_is_written() -> None:
    others = {
        "s3:PutObject": "arn:aws:s3:::bbws-tenant-assets-prod/logo.png",
        "s3:PutObjectTagging": "arn:aws:s3:::bbws-tenant-assets-sit-dr/logo.png",
        "s3:GetObject": "arn:aws:s3:::bbws-tenant-assets-prod/logo.png",
        "iam:PassRole": f"arn:aws:iam::{SIT.account}:role/admin",
        "ecs:RegisterTaskDefinition": f"arn:aws:ecs:{PRIMARY}:{SIT.account}:task-definition/prod-tenant-1:7",
    }
    assert {IMPLICIT_DENY} == {judged(action, PRIMARY, arn) for action, arn in others.items()}


def test_no_protection_of_other_files_and_no_grant_for_a_person_is_allowed() -> None:
    for action in ("elasticfilesystem:UpdateFileSystemProtection", "kms:CreateGrant"):
        (thing,) = own(action, PRIMARY)
        assert (ALLOWED, IMPLICIT_DENY) == (
            judged(action, PRIMARY, thing),
            judged(action, PRIMARY, thing, given=ANOTHER),
        )


def test_the_only_word_of_deleting_is_that_of_a_replications_dead_half() -> None:
    document = next(policy_document for name, policy_document in HELD.items() if HOME_POLICY in name)
    allowed = {action.split(":")[1] for statement in document["Statement"] for action in statement["Action"]}
    words = ("delete", "terminate", "stop", "deregister", "remove", "*")
    assert {"DeleteReplicationConfiguration"} == {a for a in allowed if any(word in a.lower() for word in words)}


@pytest.mark.parametrize("action", ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"])
def test_only_the_marker_item_of_platform_tables_is_read_and_written(action: str) -> None:
    table = f"arn:aws:dynamodb:{DR}:{SIT.account}:table/sit-tenant-state"
    for keys, decided in (
        (("dr-marker",), ALLOWED),
        (("tenant1",), IMPLICIT_DENY),
        (("dr-marker", "tenant1"), IMPLICIT_DENY),
    ):
        assert decided == judged(action, DR, table, given={"dynamodb:LeadingKeys": keys})
    assert judged(action, DR, table, given={}) == IMPLICIT_DENY
    assert judged(action, DR, f"{table}-of-others", given={"dynamodb:LeadingKeys": ("dr-marker",)}) == IMPLICIT_DENY


def test_no_item_of_the_platform_s_tables_is_written_in_the_primary_region() -> None:
    table = f"arn:aws:dynamodb:{PRIMARY}:{SIT.account}:table/sit-tenant-state"
    for action in ("dynamodb:DeleteItem", "dynamodb:PutItem"):
        assert judged(action, PRIMARY, table) == EXPLICIT_DENY
