"""Where a served world enforces IAM, its people may do what the generated policies let them, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.iam.policies import IamRole, StackRole, declared_operations, policies, reading_words
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.iam.scopes import LEADING
from dr_estate.iam.statements import document
from dr_estate.model.stores import KEY
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from sandbox.moto_ext.iam.policies import AccessRequest, IamPolicy, decide, like
from sandbox.seeding.permissions import drill_policies, reading, recovery_policies
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed

SIT = load_environment(Path(__file__).parents[2] / "environments", "sit")
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
CLUSTER = SIT.named(SIT.names.cluster)
SERVICE = SIT.named(SIT.names.service, tenant="tenant-1")
DENIED = "AccessDeniedException"


@pytest.fixture(scope="module")
def seeded() -> Iterator[Endpoint]:
    with borrowed(SIT, tenants=1) as endpoint:
        yield endpoint


@pytest.fixture
def enforced(seeded: Endpoint) -> Iterator[Endpoint]:
    seeded.enforce_iam(True)
    yield seeded
    seeded.enforce_iam(False)


def tried(endpoint: Endpoint, person: str, api: str, region: str, operation: str, /, **params: Any) -> str:
    try:
        getattr(client_of(endpoint, api, region, person), operation)(**params)
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return "done"


def scaled(endpoint: Endpoint, person: str, region: str) -> str:
    return tried(endpoint, person, "ecs", region, "update_service", cluster=CLUSTER, service=SERVICE, desiredCount=1)


def test_enforcement_is_switched_on_and_off(seeded: Endpoint) -> None:
    assert "done" == scaled(seeded, "reader", DR)
    seeded.enforce_iam(True)
    assert DENIED == scaled(seeded, "reader", DR)
    service = f"arn:aws:ecs:{DR}:{SIT.account}:service/{CLUSTER}/{SERVICE}"
    values = {"who": "reader", "action": "ecs:UpdateService", "resource": service, "region": DR}
    assert [values] == seeded.denied()
    seeded.enforce_iam(False)
    assert [] == seeded.denied()
    assert "done" == scaled(seeded, "reader", DR)
    with pytest.raises(SandboxError, match="malformed"):
        seeded.ask("PUT", "enforcement", {"on": "no"})


def test_everybody_looks_and_the_operator_alone_recovers_and_fences(enforced: Endpoint) -> None:
    for person in ("reader", "operator", "approver", "admin"):
        assert "done" == tried(enforced, person, "rds", PRIMARY, "describe_db_instances")
        assert "done" == tried(enforced, person, "route53", GLOBAL, "list_hosted_zones")
    for region in (PRIMARY, DR):
        assert ("done", DENIED) == (scaled(enforced, "operator", region), scaled(enforced, "approver", region))
    gone = tried(enforced, "operator", "rds", PRIMARY, "delete_db_instance", DBInstanceIdentifier="sit-mysql")
    assert "AccessDenied" == gone


def test_approvals_are_the_approvers_own_and_the_record_is_the_operators(enforced: Endpoint) -> None:
    user = client_of(enforced, "iam", GLOBAL, "admin").get_user(UserName="approver")["User"]["UserId"]
    table = SIT.named(SIT.names.control_table)

    def put(person: str, key: str) -> str:
        item = {"pk": {"S": key}, "sk": {"S": "INC-1"}}
        return tried(enforced, person, "dynamodb", DR, "put_item", TableName=table, Item=item)

    assert ("done", DENIED) == (put("approver", f"APPROVAL#{user}"), put("operator", f"APPROVAL#{user}"))
    assert (DENIED, "done") == (put("approver", "JOURNAL#1"), put("operator", "JOURNAL#1"))


def test_a_driller_holds_a_recoverys_rights_where_full_drills_are_allowed(enforced: Endpoint) -> None:
    table = SIT.named(SIT.names.control_table)
    for key in ("LOCK", "STANDING"):
        item = {"pk": {"S": key}, "sk": {"S": "RUN"}}
        assert "done" == tried(enforced, "driller", "dynamodb", DR, "put_item", TableName=table, Item=item)
    assert "done" == scaled(enforced, "driller", DR)


def test_disasters_are_played_and_repaired_while_iam_is_enforced(enforced: Endpoint) -> None:
    assert ["iam"] == enforced.inject("operator-policy-detached")
    assert ["operator-policy-detached"] == enforced.repair()


@pytest.mark.parametrize("name", ["dev", "sit", "prod"])
def test_policies_of_a_recovery_are_equivalent_to_the_generated_ones(name: str) -> None:
    env = load_environment(Path(__file__).parents[2] / "environments", name)
    generated = policies(env, declared_operations())[who_recovers(env)]
    seeded = {policy: document(operator_policy) for policy, operator_policy in recovery_policies(env).items()}
    assert {policy for policy in generated if not policy.endswith("-2")} == set(seeded)
    whole = {
        own: {"Statement": [*generated[own]["Statement"], *generated.get(f"{own}-2", {"Statement": []})["Statement"]]}
        for own in seeded  # the second is of what is over IAM's size for one
    }
    for own in (f"{name}-dr-operator-act", f"{name}-dr-operator-home"):
        assert whole[own]["Statement"] == seeded[own]["Statement"]
    assert of_the_record(whole[f"{name}-dr-look"]) == of_the_record(seeded[f"{name}-dr-look"])
    assert [] == [pair for pair in looked_at(generated) if word(env, seeded, pair) != "allowed"]


@pytest.mark.parametrize("name", ["dev", "sit", "prod"])
def test_the_drillers_policies_are_the_generated_ones(name: str) -> None:
    env = load_environment(Path(__file__).parents[2] / "environments", name)
    generated = policies(env, declared_operations())[IamRole.DRILL]
    seeded = {policy: document(drill_policy) for policy, drill_policy in drill_policies(env).items()}
    own = {policy for policy in generated if not policy.endswith("-2")}
    assert set(seeded) == own - set(policies(env, declared_operations())[who_recovers(env)])
    whole = {
        policy: [*generated[policy]["Statement"], *generated.get(f"{policy}-2", {"Statement": []})["Statement"]]
        for policy in seeded  # the second is of what is over IAM's size for one
    }
    assert whole[f"{name}-dr-drill-act"] == seeded[f"{name}-dr-drill-act"]["Statement"]
    sids = [statement["Sid"] for statement in seeded[f"{name}-dr-drill-never"]["Statement"]]
    assert sids == [statement["Sid"] for statement in whole[f"{name}-dr-drill-never"]]


def who_recovers(env: Environment) -> IamRole | StackRole:
    """Whose policies a recovery goes by: the operator's, or the task's where AWS starts it."""
    return StackRole.RECOVERY if env.automation.enabled else IamRole.OPERATOR


def of_the_record(policy_document: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for statement in policy_document["Statement"] if statement["Sid"] == "LookAtTheRecord"]


def looked_at(documents: dict[str, Any]) -> list[tuple[str, str]]:
    """What may be looked at: each action with one of the resources that the policies allow it on."""
    return [
        (action, statement["Resource"][0])
        for name, policy_document in documents.items()
        if name.endswith("-dr-look")
        for statement in policy_document["Statement"]
        for action in statement["Action"]
        if not action.startswith("kms:Decrypt")
    ]


def word(env: Environment, role_documents: dict[str, Any], pair: tuple[str, str]) -> str:
    documents = [IamPolicy(name, json.dumps(policy_document)) for name, policy_document in role_documents.items()]
    context = {"aws:RequestedRegion": (env.region(Side.PRIMARY),), LEADING: (KEY,)}
    return decide(documents, AccessRequest(*pair, context)).word


def test_whatever_may_be_read_is_not_denied_by_what_is_never_done() -> None:
    assert set() == {
        reading_word
        for reading_word in reading_words(declared_operations())
        if not any(like(pattern, reading_word) for pattern in reading())
    }
