"""The generated policies, judged as IAM judges them: over every operation of every service of the estate."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from dr_actions.actions.registry import actions
from dr_actions.guard.destructive_operations import is_read
from dr_actions.iam.action_names import actions_of
from dr_actions.iam.policies import (
    LIMIT,
    DeclaredOperations,
    IamRole,
    StackRole,
    declared_operations,
    policies,
    role_name,
    size,
)
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.config.map_names import COPY_BY_MAP
from dr_estate.config.settings import NamesInDr
from dr_estate.iam.scopes import control_table
from dr_estate.model.playbook import FAILBACK_WRITES, FENCING, FORBIDDEN, REPLICATING, SNAPSHOTS, changing_actions
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, AccessRequest, IamPolicy, decide
from tests.dr_actions.guard.test_guard import SERVICES, destructive

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = {name: load_environment(ROOT / "environments", name) for name in ("dev", "sit", "prod")}
SIT = ENVIRONMENTS["sit"]
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
TABLE, ELSEWHERE = control_table(SIT)[0], "arn:aws:dynamodb:x:1:table/sit-tenant-state"
SESSION = botocore.session.get_session()
HELD = policies(SIT, declared_operations())
# A failback drops the primary's half of a replication whose other half is gone: test_failback_policies.py.
DEAD_HALF = "efs:DeleteReplicationConfiguration"
_SYSTEM, _TOKEN, _ASIDE = "file-system/fs-1", "sit-efs-restored-1a2b3c4d", "sit-efs-replaced-1a2b3c4d"
OF_RESTORED_FILES: list[tuple[str, str, dict[str, str], bool]] = [
    ("elasticfilesystem:CreateAccessPoint", _SYSTEM, {"ResourceTag": _TOKEN}, True),
    ("elasticfilesystem:CreateAccessPoint", _SYSTEM, {"ResourceTag": "sit-efs"}, False),
    ("elasticfilesystem:CreateMountTarget", _SYSTEM, {"ResourceTag": _TOKEN}, True),
    ("elasticfilesystem:CreateMountTarget", _SYSTEM, {}, False),
    ("elasticfilesystem:TagResource", _SYSTEM, {"RequestTag": _TOKEN}, True),
    ("elasticfilesystem:TagResource", _SYSTEM, {"RequestTag": _ASIDE, "ResourceTag": "sit-efs"}, True),
    ("elasticfilesystem:TagResource", _SYSTEM, {"RequestTag": "sit-efs", "ResourceTag": _TOKEN}, True),
    ("elasticfilesystem:TagResource", "access-point/fsap-1", {"RequestTag": "sit-tenant-1-ap"}, True),
    ("elasticfilesystem:TagResource", _SYSTEM, {"RequestTag": "sit-efs", "ResourceTag": "another's"}, False),
    ("elasticfilesystem:TagResource", _SYSTEM, {"RequestTag": "sit-efs-drill-20260107-101500"}, False),
    ("ecs:RunTask", "task-definition/sit-restored-files:2", {}, True),
    ("ecs:RunTask", "task-definition/sit-tenant-1:2", {}, True),
    ("ecs:RunTask", "task-definition/prod-tenant-1:2", {}, False),
]


def acting_role(env: Environment) -> IamRole | StackRole:
    """The role whose rights a recovery has: the task's where AWS starts runs."""
    return StackRole.RECOVERY if env.automation.enabled else IamRole.OPERATOR


@cache
def published() -> dict[str, Any]:
    """Every IAM action of AWS, as cfn-lint keeps the Service Authorization Reference."""
    document: dict[str, Any] = json.loads(files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text())
    return document


def judged(
    role: IamRole,
    action: str,
    region: str,
    resource: str | None = None,
    leading: tuple[str, ...] = (),
    roles: Mapping[str, Mapping[str, Any]] = HELD,
) -> str:
    """What IAM decides of ``action`` by the role's policies; ``leading`` are the items' partition keys."""
    context: dict[str, tuple[str, ...]] = {"aws:RequestedRegion": (region,), "aws:userid": ("AROA1:alice",)}
    context["ecs:cluster"] = (f"arn:aws:ecs:{region}:{SIT.account}:cluster/sit-cluster",)
    context["iam:PassedToService"] = ("ecs-tasks.amazonaws.com",)
    if leading:
        context["dynamodb:LeadingKeys"] = leading
    iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in roles[role].items()]
    return decide(iam_policies, AccessRequest(action, resource, context)).word


def test_the_database_of_the_dr_region_is_named_by_its_own_name() -> None:
    env = SIT.model_copy(update={"names_in_dr": NamesInDr(database="standby-of-orders")})
    roles, its = policies(env, declared_operations()), f"arn:aws:rds:{DR}:{SIT.account}:db:standby-of-orders"
    for action in ("rds:PromoteReadReplica", "rds:ModifyDBInstance", "rds:RestoreDBInstanceToPointInTime"):
        decided = [judged(IamRole.OPERATOR, action, DR, its, roles=of) for of in (roles, HELD)]
        assert decided[0] == ALLOWED != decided[1], action


def test_the_psql_task_of_the_dr_region_starts_by_its_own_name() -> None:
    named = {"names": SIT.names.model_copy(update={"psql_task": "psql"}), "names_in_dr": NamesInDr(psql_task="there")}
    roles = policies(SIT.model_copy(update=named), declared_operations())
    arns = [f"arn:aws:ecs:{DR}:{SIT.account}:task-definition/{family}:1" for family in ("there", "psql")]
    decided = [judged(IamRole.OPERATOR, "ecs:RunTask", DR, arn, roles=roles) for arn in arns]
    assert decided[0] == ALLOWED != decided[1]


def test_a_bucket_that_the_map_pairs_with_none_opens_no_other() -> None:
    env = SIT.model_copy(update={"names": SIT.names.model_copy(update={"bucket_copy": COPY_BY_MAP})})
    written = json.dumps(policies(env, declared_operations()))
    assert [] == re.findall(r"arn:aws:s3:::(?:/[^\"]*)?\"", written)


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Every statement of every policy of every environment."""
    return [
        (name, statement)
        for env in ENVIRONMENTS.values()
        for of_role in policies(env, declared_operations()).values()
        for name, document in of_role.items()
        for statement in document["Statement"]
    ]


def test_every_action_of_every_policy_is_published_by_aws() -> None:
    wrong = set()
    for _, statement in statements():
        for action in (*statement.get("Action", ()), *statement.get("NotAction", ())):
            service, name = action.lower().split(":")
            known = published().get(service, {}).get("Actions", ())
            if not any(
                action_name == name or (name.endswith("*") and action_name.startswith(name[:-1]))
                for action_name in known
            ):
                wrong.add(action)
    assert set() == wrong


def test_every_operation_of_the_estate_has_an_iam_service() -> None:
    wrong = {s for s in SERVICES for name in actions_of(f"{s}:Anything") if name.split(":")[0] not in published()}
    assert set() == wrong, "which IAM prefix has it? Add it to dr_actions/iam/action_names.py"


@pytest.mark.parametrize(
    ("operation", "actions"),
    [
        ("elbv2:DescribeRules", {"elasticloadbalancing:DescribeRules"}),
        ("efs:DeleteReplicationConfiguration", {"elasticfilesystem:DeleteReplicationConfiguration"}),
        ("s3:HeadBucket", {"s3:ListBucket"}),
        ("s3:GetPublicAccessBlock", {"s3:GetBucketPublicAccessBlock"}),
        ("dynamodb:TransactWriteItems", {"dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}),
        ("ecs:RegisterTaskDefinition", {"ecs:RegisterTaskDefinition", "iam:PassRole"}),
        ("resourcegroupstaggingapi:GetResources", {"tag:GetResources"}),
    ],
)
def test_operations_are_mapped_to_iams_actions(operation: str, actions: set[str]) -> None:
    assert actions == actions_of(operation)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_policy_fits_iams_limit(name: str) -> None:
    documents = policies(ENVIRONMENTS[name], declared_operations())
    sizes = {policy: size(document) for of_role in documents.values() for policy, document in of_role.items()}
    assert {} == {policy: counted for policy, counted in sizes.items() if counted > LIMIT}
    assert all(len(of_role) <= 10 for of_role in documents.values()), "IAM attaches ten managed policies to a role"


def test_what_would_not_fit_goes_into_a_second_policy() -> None:
    services = ("secretsmanager", "ecr", "backup", "rds", "sns", "ecs", "elbv2", "efs")
    operations = SESSION.get_service_model("ec2").operation_names[:90]
    many = frozenset(f"{service}:Write{name}" for service in services for name in operations[:30])
    documents = policies(SIT, DeclaredOperations(frozenset(), many, frozenset()))[IamRole.OPERATOR]
    acting = {name: size(document) for name, document in documents.items() if "operator-act" in name}
    assert {"sit-dr-operator-act", "sit-dr-operator-act-2"} <= set(acting)
    assert max(acting.values()) <= LIMIT


def test_the_reader_only_looks() -> None:
    allowed = [
        action for document in HELD[IamRole.READER].values() for s in document["Statement"] for action in s["Action"]
    ]
    assert {"kms:Decrypt"} == {action for action in allowed if not is_read(action.split(":")[1])}


@pytest.mark.parametrize("role", IamRole)
def test_every_role_may_read_all_that_is_read(role: IamRole) -> None:
    actions = {action for name in declared_operations().reads for action in actions_of(name)} - {"kms:Decrypt"}
    for region in (PRIMARY, DR, GLOBAL):
        assert set() == {action for action in actions if judged(role, action, region) != ALLOWED}


def test_the_operator_may_write_what_the_verbs_declare_in_the_dr_region() -> None:
    conditions = {"kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "iam:PassRole"}
    conditions |= {action for action, *_ in OF_RESTORED_FILES}
    at_home_alone = FAILBACK_WRITES - set(changing_actions())
    actions = (
        {action for name in declared_operations().writes for action in actions_of(name)} - conditions - at_home_alone
    )
    actions -= REPLICATING | SNAPSHOTS  # where a role, or no vault, is named: test_batch_ and test_failback_policies.py
    actions -= {"dynamodb:DeleteItem"}  # a marker's alone: test_failback_policies.py
    regions = {action: GLOBAL if action.startswith("route53:") else DR for action in actions}
    assert actions
    decided = {a: judged(IamRole.OPERATOR, a, region, leading=("JOURNAL#1",)) for a, region in regions.items()}
    assert set() == {action for action, word in decided.items() if word != ALLOWED}


@pytest.mark.parametrize(("action", "resource", "tags", "may"), OF_RESTORED_FILES)
def test_the_operator_touches_restored_files_and_tasks_of_its_estate_alone(
    action: str, resource: str, tags: dict[str, str], may: bool
) -> None:
    arn = f"arn:aws:{action.split(':', maxsplit=1)[0]}:{DR}:{SIT.account}:{resource}"
    context = {f"aws:{key}/Name": (value,) for key, value in tags.items()}
    cluster = {"ecs:cluster": (f"arn:aws:ecs:{DR}:{SIT.account}:cluster/sit-cluster",)} if "ecs:" in action else {}
    iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in HELD[IamRole.OPERATOR].items()]
    creation = {"elasticfilesystem:CreateAction": ("CreateAccessPoint",)} if "access-point" in resource else {}
    request = AccessRequest(action, arn, {"aws:RequestedRegion": (DR,), **context, **cluster, **creation})
    assert (decide(iam_policies, request).word == ALLOWED) is may


def test_in_the_primary_region_the_operator_fences_and_fails_back_only() -> None:
    assert {ALLOWED} == {judged(IamRole.OPERATOR, action, PRIMARY) for action in FENCING - {"iam:PassRole"}}
    actions = {action for name in declared_operations().writes for action in actions_of(name)} - {
        "kms:Decrypt",
        "iam:PassRole",
    }
    actions = {action for action in actions if not is_read(action.split(":")[1])}
    decided = {a: judged(IamRole.OPERATOR, a, PRIMARY, resource=None) for a in actions - FENCING - FAILBACK_WRITES}
    assert decided
    assert {} == {action: word for action, word in decided.items() if word != EXPLICIT_DENY}


def test_operator_rights_in_the_primary_are_what_fencing_declares() -> None:
    fencing = frozenset[str]().union(
        *(action.writes for name, action in actions().items() if name.startswith("compute/fence"))
    )
    assert frozenset() == fencing - FENCING


@pytest.mark.parametrize("service", [s for s in SERVICES if destructive(s)])
@pytest.mark.parametrize("role", [IamRole.OPERATOR, IamRole.APPROVER, IamRole.DRILL])
def test_deletions_are_denied_in_the_primary_and_the_global_region(role: IamRole, service: str) -> None:
    passed = [
        f"{name} in {region}"
        for name in destructive(service)
        for region in (PRIMARY, GLOBAL)
        if role is IamRole.APPROVER or (f"{service}:{name}", region) != (DEAD_HALF, PRIMARY)
        if EXPLICIT_DENY not in {judged(role, action, region) for action in actions_of(f"{service}:{name}")}
    ]
    assert [] == passed


def test_what_the_playbook_forbids_is_denied_everywhere() -> None:
    decided = {judged(IamRole.OPERATOR, action, region) for action in FORBIDDEN for region in (PRIMARY, DR, "x-1")}
    assert {EXPLICIT_DENY} == decided


@pytest.mark.parametrize("service", SERVICES)
def test_the_approver_changes_nothing_anywhere(service: str) -> None:
    changing = [name for name in SESSION.get_service_model(service).operation_names if not is_read(name)]
    actions = {action for name in changing for action in actions_of(f"{service}:{name}")}
    exempt = {"dynamodb:PutItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "kms:Decrypt", "kms:DescribeKey"}
    exempt |= {"kms:Sign"}  # with the key of one alias
    looking = {a for a in actions if is_read(a.split(":")[1])}
    remaining = {a for a in actions - exempt - looking if not a.startswith("sts:")}
    passed = {a for a in remaining if judged(IamRole.APPROVER, a, DR) != EXPLICIT_DENY}
    assert set() == passed


def test_evidence_is_signed_by_the_approver_with_its_own_key_alone() -> None:
    assert "implicitDeny" == judged(IamRole.APPROVER, "kms:Sign", DR), "any other key"
    assert EXPLICIT_DENY == judged(IamRole.OPERATOR, "kms:Sign", DR)


@pytest.mark.parametrize(
    ("role", "key", "table", "decided"),
    [
        (IamRole.APPROVER, "APPROVAL#AROA1:alice", TABLE, "allowed"),
        (IamRole.APPROVER, "APPROVAL#AROA1:bob", TABLE, "explicitDeny"),
        (IamRole.APPROVER, "APPROVAL#", TABLE, "explicitDeny"),
        (IamRole.APPROVER, "STANDING", TABLE, "allowed"),
        (IamRole.APPROVER, "ASIDE#LOCK", TABLE, "allowed"),
        (IamRole.APPROVER, "JOURNAL#INC-1", TABLE, "explicitDeny"),
        (IamRole.APPROVER, "RUN#INC-1", TABLE, "explicitDeny"),
        (IamRole.APPROVER, "APPROVAL#AROA1:alice", ELSEWHERE, "explicitDeny"),
        (IamRole.OPERATOR, "JOURNAL#INC-1", TABLE, "allowed"),
        (IamRole.OPERATOR, "APPROVAL#AROA1:alice", TABLE, "explicitDeny"),
        (IamRole.OPERATOR, "JOURNAL#INC-1", ELSEWHERE, "implicitDeny"),
        (IamRole.READER, "JOURNAL#INC-1", TABLE, "implicitDeny"),
    ],
)
def test_approvals_are_written_by_their_author_and_records_by_the_operator(
    role: IamRole, key: str, table: str, decided: str
) -> None:
    assert decided == judged(role, "dynamodb:PutItem", DR, table, leading=(key,))


def test_a_transaction_cannot_smuggle_an_approval() -> None:
    both = ("JOURNAL#INC-1", "APPROVAL#AROA1:alice")
    assert EXPLICIT_DENY == judged(IamRole.OPERATOR, "dynamodb:PutItem", DR, TABLE, leading=both)


@pytest.mark.parametrize("action", ["dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateTable"])
def test_the_record_cannot_be_deleted(action: str) -> None:
    assert EXPLICIT_DENY == judged(IamRole.OPERATOR, action, DR, TABLE)


def shifted(name: str, action: str = "UPSERT", kind: str = "A", env: Environment = SIT) -> str:
    key = "route53:ChangeResourceRecordSets"
    context: Mapping[str, tuple[str, ...]] = {
        "aws:RequestedRegion": (GLOBAL,),
        f"{key}NormalizedRecordNames": (name,),
        f"{key}Actions": (action,),
        f"{key}RecordTypes": (kind,),
    }
    documents = policies(env, declared_operations())[acting_role(env)]
    iam_policies = [IamPolicy(n, json.dumps(d)) for n, d in documents.items()]
    return decide(iam_policies, AccessRequest(key, "arn:aws:route53:::hostedzone/Z1", context)).word


def test_traffic_moves_in_the_own_zone_without_deletions_or_delegations() -> None:
    assert "allowed" == shifted("origin.wpsit.kimmyai.io")
    assert "allowed" == shifted("www.customer-two.example", env=ENVIRONMENTS["prod"])
    assert {"implicitDeny"} == {
        shifted("www.kimmyai.io"),
        shifted("origin.wpsit.kimmyai.io", action="DELETE"),
        shifted("wpsit.kimmyai.io", kind="NS"),
    }


def test_a_denied_zone_inside_the_own_zone_is_left_out() -> None:
    prod = ENVIRONMENTS["prod"]
    traffic = prod.traffic.model_copy(update={"denied_zones": ("wpsit.kimmyai.io",)})
    narrowed = prod.model_copy(update={"traffic": traffic})
    assert ("allowed", "implicitDeny") == (
        shifted("origin.wp.kimmyai.io", env=narrowed),
        shifted("origin.wpsit.kimmyai.io", env=narrowed),
    )


def test_the_four_roles_have_names_of_their_own() -> None:
    assert SIT.named(SIT.names.operator_role) == role_name(IamRole.OPERATOR, SIT)
    assert 4 == len({role_name(role, SIT) for role in IamRole})


@pytest.mark.parametrize(
    ("tags", "may"),
    [
        ({}, True),
        ({"Environment": "sit", "Project": "wordpress-platform"}, True),
        ({"Environment": "prod", "Project": "wordpress-platform"}, False),
        ({"Environment": "sit"}, False),
        ({"Application": "shop"}, False),
    ],
)
def test_the_operator_names_no_file_system_that_bears_anothers_tags(tags: dict[str, str], may: bool) -> None:
    """A file system without a name is one that a restore made, or the estate's own."""
    arn = f"arn:aws:elasticfilesystem:{DR}:{SIT.account}:file-system/fs-1"
    known = {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}
    given = {"aws:RequestTag/Name": ("sit-efs-restored-1a2b",), "aws:RequestedRegion": (DR,)}
    iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in HELD[IamRole.OPERATOR].items()]
    request = AccessRequest("elasticfilesystem:TagResource", arn, given | known)
    assert (decide(iam_policies, request).word == ALLOWED) is may
