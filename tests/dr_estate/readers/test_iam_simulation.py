"""The operator's role is simulated where, and on what, a recovery acts: what is denied there is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from dr_checks.core.registry import checks, judge
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side, load_environment
from dr_estate.iam.simulation_requests import demands
from dr_estate.model.playbook import COPIED, FAILBACK_WRITES, FENCING, FORBIDDEN, SNAPSHOTS, needed_actions
from dr_estate.readers import ecs, efs, elbv2, route53, secretsmanager
from dr_estate.readers.iam_simulation import Operator, SimulatedDecision, operator
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.plain import with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
ACT = f"arn:aws:iam::{SIT.account}:policy/sit-dr-operator-act"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    with borrowed(SIT, tenants=1) as endpoint:
        yield endpoint


@pytest.fixture
def iam(world: Endpoint) -> Iterator[Any]:
    """The admin's IAM; whatever a test does to the role is forgotten after it."""
    world.keep("healthy")
    keys = world.people["admin"]
    yield get_session().create_client(
        "iam",
        region_name=GLOBAL,
        endpoint_url=world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    world.return_to("healthy")


def seen(world: Endpoint) -> tuple[Operator, int]:
    keys = world.people["reader"]
    reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    snapshot = observe(SIT, reader, "sandbox", only=frozenset({operator.name}))
    return snapshot.get(operator, Side.GLOBAL), snapshot.calls["iam:SimulatePrincipalPolicy"]


def refused(world: Endpoint) -> dict[tuple[str, str], SimulatedDecision]:
    decisions = seen(world)[0].decisions or ()
    return {(d.action, d.region): d for d in decisions if d.decision != "allowed" and d.action not in FORBIDDEN}


def changed(iam: Any, change: Change) -> None:
    """Put another version of what the operator may do."""
    document = iam.get_policy_version(PolicyArn=ACT, VersionId="v1")["PolicyVersion"]["Document"]
    for statement in document["Statement"]:
        change(statement)
    iam.create_policy_version(PolicyArn=ACT, PolicyDocument=json.dumps(document), SetAsDefault=True)


def test_a_healthy_world_allows_all_but_primary_deletions_in_few_calls(
    world: Endpoint,
) -> None:
    seen_operator, calls = seen(world)
    found = {(d.action, d.region): d.decision for d in seen_operator.decisions or ()}
    assert {"explicitDeny"} == {found.pop((action, PRIMARY)) for action in FORBIDDEN}
    assert {"allowed"} == set(found.values())
    assert (set(needed_actions()) | COPIED) - SNAPSHOTS == {action for action, _ in found}
    assert {(action, PRIMARY) for action in (FENCING | FAILBACK_WRITES | COPIED) - SNAPSHOTS} <= set(found)
    # one call a question, one an action for the one question whose actions IAM does not judge together, and the tasks'
    assert len(demands(SIT)) + 5 == calls


def test_a_task_role_that_the_operator_may_not_pass_is_named_with_a_remedy(world: Endpoint, iam: Any) -> None:
    keys = world.people["admin"]
    secrets = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    ecs = get_session().create_client("ecs", region_name=DR, endpoint_url=world.url, **secrets)
    name, path = "sit-ecs-task", "/wordpress/"
    trust = {"Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Effect": "Allow", "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    arn, cluster = role["Role"]["Arn"], SIT.named(SIT.names.cluster)
    service = ecs.list_services(cluster=cluster)["serviceArns"][0]
    former = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"]
    row = ecs.describe_task_definition(taskDefinition=former)["taskDefinition"]
    same = ("family", "networkMode", "containerDefinitions", "volumes", "cpu", "memory", "executionRoleArn")
    newest = ecs.register_task_definition(**{key: row[key] for key in same if key in row}, taskRoleArn=arn)
    ecs.update_service(cluster=cluster, service=service, taskDefinition=newest["taskDefinition"]["taskDefinitionArn"])
    assert {("iam:PassRole", DR): arn} == {key: d.on.partition(", ")[0] for key, d in refused(world).items()}
    keys = world.people["reader"]
    reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    snapshot = observe(SIT, reader, "sandbox", only=frozenset({operator.name}))
    (gap,) = judge(checks()["prerequisites.operator-allowed"], snapshot, SIT).findings
    assert arn in str(gap.remedy)


@pytest.mark.parametrize(
    ("action", "regions"),
    [
        ("rds:PromoteReadReplica", {DR}),
        ("iam:PassRole", {DR, PRIMARY}),
        ("kms:CreateGrant", {DR}),
        ("dynamodb:UpdateItem", {DR}),
        ("route53:ChangeResourceRecordSets", {GLOBAL}),
        ("ecs:UpdateService", {DR, PRIMARY}),
    ],
)
def test_an_action_that_is_taken_away_is_named(world: Endpoint, iam: Any, action: str, regions: set[str]) -> None:
    def without(statement: dict[str, Any]) -> None:
        statement["Action"] = [action_name for action_name in statement["Action"] if action_name != action] or [
            "sns:ListTopics"
        ]

    changed(iam, without)
    assert {(action, region) for region in regions} == set(refused(world))


def test_an_action_that_is_narrowed_to_another_region_is_named(world: Endpoint, iam: Any) -> None:
    def moved(statement: dict[str, Any]) -> None:
        if statement["Sid"].startswith("Recover") and "sns:Publish" in statement["Action"]:
            statement["Condition"]["StringEquals"]["aws:RequestedRegion"] = [PRIMARY]

    changed(iam, moved)
    assert {("sns:Publish", DR)} == set(refused(world))


def test_an_action_limited_to_another_resource_is_named_with_the_denied(world: Endpoint, iam: Any) -> None:
    def moved(statement: dict[str, Any]) -> None:
        if "secretsmanager:PutSecretValue" in statement["Action"]:
            statement["Resource"] = [arn for arn in statement["Resource"] if "rds-master" not in arn]

    changed(iam, moved)
    found = refused(world)
    assert ("secretsmanager:PutSecretValue", DR) in found
    assert {"secretsmanager"} == {action.partition(":")[0] for action, _ in found}
    assert {True} == {"sit-rds-master-credentials" in decision.on for decision in found.values()}


def test_a_role_passable_to_one_service_alone_is_named_with_the_other(world: Endpoint, iam: Any) -> None:
    def only_tasks(statement: dict[str, Any]) -> None:
        if "iam:PassRole" in statement["Action"]:
            statement["Condition"]["StringEquals"]["iam:PassedToService"] = ["ecs-tasks.amazonaws.com"]

    changed(iam, only_tasks)
    decision = refused(world)["iam:PassRole", DR]
    assert "iam:PassedToService=backup.amazonaws.com" in decision.on


def test_a_condition_key_that_nobody_can_foresee_is_named_as_missing(world: Endpoint, iam: Any) -> None:
    def with_mfa(statement: dict[str, Any]) -> None:
        if "rds:PromoteReadReplica" in statement["Action"]:
            statement["Condition"]["Bool"] = {"aws:MultiFactorAuthPresent": "true"}

    changed(iam, with_mfa)
    assert ("aws:MultiFactorAuthPresent",) == refused(world)["rds:PromoteReadReplica", DR].missing


def test_a_policy_that_allows_deleting_the_primary_database_is_seen(world: Endpoint, iam: Any) -> None:
    role = SIT.named(SIT.names.operator_role)
    iam.detach_role_policy(RoleName=role, PolicyArn=ACT.replace("-act", "-never"))
    database = f"arn:aws:rds:{PRIMARY}:{SIT.account}:db:sit-mysql"
    statement = {"Effect": "Allow", "Action": "rds:DeleteDBInstance", "Resource": database}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="oops", PolicyDocument=document)
    decisions = {d.action: d.decision for d in seen(world)[0].decisions or () if d.action in FORBIDDEN}
    assert "allowed" == decisions.pop("rds:DeleteDBInstance")
    assert {"implicitDeny"} == set(decisions.values())


def test_a_policy_that_allows_deleting_some_of_the_primary_data_is_seen(world: Endpoint, iam: Any) -> None:
    """The other buckets, which it may not delete, hid the one that it may."""
    iam.detach_role_policy(RoleName=SIT.acting_role, PolicyArn=ACT.replace("-act", "-never"))
    bucket = f"arn:aws:s3:::{SIT.named(SIT.names.buckets[-1])}"
    statement = {"Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": bucket}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=SIT.acting_role, PolicyName="oops", PolicyDocument=document)
    decisions = {d.action: d.decision for d in seen(world)[0].decisions or () if d.action in FORBIDDEN}
    assert decisions["s3:DeleteBucket"] == "allowed"


def test_without_the_role_nothing_is_decided(world: Endpoint, iam: Any) -> None:
    role = SIT.named(SIT.names.operator_role)
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)
    assert Operator(role, None) == seen(world)[0]


def test_a_role_that_ended_yesterday_may_do_nothing_today(iam: Any, world: Endpoint) -> None:
    """IAM's simulator fills in no time: a condition on it was met by nothing, and a deny on it passed unseen."""
    ended = {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    denial = {"Effect": "Deny", "Action": "ecs:UpdateService", "Resource": "*", "Condition": ended}
    name = SIT.named(SIT.names.operator_role)
    document = json.dumps({"Version": "2012-10-17", "Statement": denial})
    iam.put_role_policy(RoleName=name, PolicyName="ended", PolicyDocument=document)
    assert {("ecs:UpdateService", DR)} <= refused(world).keys()
    later = document.replace("2020", "2099")
    iam.put_role_policy(RoleName=name, PolicyName="ended", PolicyDocument=later)
    assert refused(world) == {}


def test_a_deny_on_other_accounts_or_plain_text_stops_no_recovery(world: Endpoint, iam: Any) -> None:
    conditions = ({"StringNotEquals": {"aws:ResourceAccount": SIT.account}}, {"Bool": {"aws:SecureTransport": "false"}})
    rows = [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition} for condition in conditions]
    document = json.dumps({"Version": "2012-10-17", "Statement": rows})
    iam.put_role_policy(RoleName=SIT.acting_role, PolicyName="perimeter", PolicyDocument=document)
    assert refused(world) == {}


@pytest.mark.parametrize(
    ("action", "region", "resource"),
    [
        ("ecs:UpdateService", DR, "ecs:*:{account}:service/sit-cluster/sit-{tenant}-service"),
        ("ecs:UpdateService", PRIMARY, "ecs:*:{account}:service/sit-cluster/sit-{tenant}-service"),
        ("ecs:RegisterTaskDefinition", DR, "ecs:*:{account}:task-definition/sit-{tenant}:*"),
        ("secretsmanager:PutSecretValue", DR, ""),
    ],
)
def test_a_deny_on_the_things_of_one_tenant_is_named(
    world: Endpoint, iam: Any, action: str, region: str, resource: str
) -> None:
    """Asked on a name that stands for any tenant's alone, such a deny was green."""
    (tenant,) = world.state()["tenants"]
    keys = world.people["admin"]
    secrets = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    stored = get_session().create_client("secretsmanager", region_name=DR, endpoint_url=world.url, **secrets)
    secret = stored.describe_secret(SecretId=SIT.named(SIT.names.tenant_secret, tenant=tenant))["ARN"]
    on = f"arn:aws:{resource.format(account=SIT.account, tenant=tenant)}" if resource else secret
    statement = {"Effect": "Deny", "Action": action, "Resource": on}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=SIT.acting_role, PolicyName="one", PolicyDocument=document)
    assert tenant in refused(world)[action, region].on
    assert {action} == {name for name, _ in refused(world)}


@pytest.mark.parametrize(
    ("part", "side", "action"),
    [
        (route53.zone, Side.GLOBAL, "route53:ChangeResourceRecordSets"),
        (efs.file_systems, Side.DR, "elasticfilesystem:DeleteReplicationConfiguration"),
        (elbv2.listeners, Side.DR, "elasticloadbalancing:ModifyListener"),
    ],
)
def test_a_deny_on_a_resource_of_the_estate_by_generated_id_is_named(
    world: Endpoint, iam: Any, part: Any, side: Side, action: str
) -> None:
    keys = world.people["reader"]
    reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    found = observe(SIT, reader, "sandbox", only=frozenset({part.name})).get(part, side)
    on = f"arn:aws:route53:::hostedzone/{found.id}" if part is route53.zone else found[0].arn
    statement = {"Effect": "Deny", "Action": action, "Resource": on}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=SIT.acting_role, PolicyName="one", PolicyDocument=document)
    assert {(action, SIT.region(side))} == set(refused(world))


def _answered(upon: Snapshot, **answer: Any) -> Operator:
    """What IAM's answer makes of the role; ``answer`` is what it says of publishing."""

    def simulated(**params: Any) -> dict[str, Any]:
        rows = [
            {"EvalActionName": action, "EvalDecision": "allowed", **(answer if action == "sns:Publish" else {})}
            for action in params["ActionNames"]
        ]
        return {"EvaluationResults": rows}

    return read(operator, Side.GLOBAL, {"simulate_principal_policy": simulated}, upon)


OWN = {"MatchedStatements": [{"SourcePolicyId": "act", "SourcePolicyType": "role"}]}
BY_BOUNDARY = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}
BY_ORGANIZATION = {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
ON_TOPIC = {"EvalResourceName": "arn:topic", "EvalResourceDecision": "implicitDeny"}


@pytest.mark.parametrize(
    ("answer", "bounded", "of_organization"),
    [
        ({"EvalDecision": "explicitDeny", **OWN}, False, False),
        ({"EvalDecision": "explicitDeny", **BY_BOUNDARY}, True, False),
        ({"EvalDecision": "explicitDeny", **BY_BOUNDARY, **OWN}, False, False),
        ({"EvalDecision": "implicitDeny", **BY_BOUNDARY}, True, False),
        ({"EvalDecision": "implicitDeny", **BY_ORGANIZATION}, False, True),
        ({"EvalDecision": "explicitDeny", **BY_ORGANIZATION}, False, True),
        ({"EvalDecision": "explicitDeny", **BY_ORGANIZATION, **OWN}, False, False),
        ({"EvalDecision": "implicitDeny", **BY_ORGANIZATION, "ResourceSpecificResults": [ON_TOPIC]}, False, True),
        ({"EvalDecision": "implicitDeny"}, False, False),
    ],
)
def test_whose_policy_it_is_that_denies_is_read_from_iams_own_fields(
    answer: dict[str, Any], bounded: bool, of_organization: bool
) -> None:
    decisions = _answered(healthy(), **answer).decisions or ()
    found = [decision for decision in decisions if decision.decision != "allowed"]
    assert {("sns:Publish", bounded, of_organization)} == {(d.action, d.bounded, d.of_organization) for d in found}


def test_a_deny_of_the_boundary_is_reported_as_the_boundarys(world: Endpoint, iam: Any) -> None:
    rows = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "sns:*", "Resource": "*"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": rows})
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=SIT.acting_role, PermissionsBoundary=arn)
    assert refused(world)["sns:Publish", DR].bounded


def test_a_part_whose_roles_could_not_be_asked_about_is_reported() -> None:
    """A role of a definition that was not seen may be one that the operator cannot pass on."""
    assert () == _answered(healthy()).unseen
    known = healthy()
    rows = (*known.get(ecs.task_definitions, Side.DR), DENIED)
    assert (DENIED,) == _answered(with_part(known, ecs.task_definitions, Side.DR, rows)).unseen
    assert (DENIED,) == _answered(with_part(known, ecs.task_definitions, Side.DR, DENIED)).unseen
    assert (DENIED,) == _answered(with_part(known, secretsmanager.secrets, Side.DR, DENIED)).unseen
    alone = with_part(known, ecs.services, Side.PRIMARY, DENIED)
    assert () == _answered(alone).unseen
    assert (DENIED,) == _answered(with_part(alone, ecs.services, Side.DR, DENIED)).unseen
