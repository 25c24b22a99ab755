"""What the simulator is asked: every action of the playbooks, on what AWS judges it on, in the right region. Pure."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from dr_actions.iam.policies import declared_operations, policies
from dr_estate.config.environment import Side, load_environment
from dr_estate.iam.simulation_requests import SimulationRequest, demands, is_of_tenants, kind_of, of_each_tenant
from dr_estate.model.playbook import (
    COPIED,
    FAILBACK_WRITES,
    FENCING,
    FORBIDDEN,
    SNAPSHOTS,
    changing_actions,
    needed_actions,
    read_actions,
)
from sandbox.moto_ext.iam.iam import ON_NOTHING
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, AccessRequest, IamPolicy, decide
from tests.dr_actions.iam.test_policies import acting_role

ENVIRONMENTS = {name: load_environment(Path(__file__).parents[3] / "environments", name) for name in ("sit", "prod")}
SIT = ENVIRONMENTS["sit"]
PRIMARY, DR, GLOBAL = (SIT.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))


@cache
def published() -> dict[str, Any]:
    """Every IAM action of AWS and the resource types it is judged on (cfn-lint's Service Authorization Reference)."""
    document: dict[str, Any] = json.loads(files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text())
    return document


def types_of(action: str) -> list[str]:
    service, name = action.lower().split(":")
    return list(published()[service]["Actions"][name].get("Resources", ()))


def word(documents: list[IamPolicy], action: str, resource: str, demand: SimulationRequest) -> str:
    return decide(documents, AccessRequest(action, resource, {key.name: key.values for key in demand.context})).word


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_generated_policies_allow_every_call_but_the_forbidden(name: str) -> None:
    env = ENVIRONMENTS[name]
    iam_policies = [
        IamPolicy(n, json.dumps(d)) for n, d in policies(env, declared_operations())[acting_role(env)].items()
    ]
    questions = {
        (action, demand.region, resource, demand.context): word(iam_policies, action, resource, demand)
        for demand in demands(env)
        for action in demand.actions
        for resource in demand.resources or ("*",)
    }
    assert {EXPLICIT_DENY} == {found for (action, *_), found in questions.items() if action in FORBIDDEN}
    assert {} == {a: found for a, found in questions.items() if a[0] not in FORBIDDEN and found != ALLOWED}


def test_rights_are_asked_where_calls_go_and_deletions_where_data_is() -> None:
    where = {(action, demand.region) for demand in demands(SIT) for action in demand.actions}
    home = {(action, PRIMARY) for action in (*FENCING, *FAILBACK_WRITES, *COPIED, *FORBIDDEN)}
    actions = (*changing_actions(), *read_actions())
    away = {(action, GLOBAL if action.startswith("route53:") else DR) for action in actions}
    snapshots = {(action, region) for action in SNAPSHOTS for region in (PRIMARY, DR)}  # SIT names its vaults
    assert (home | away | {("dynamodb:GetItem", PRIMARY)}) - snapshots == where  # a marker's arrival


def test_each_resource_is_of_a_type_that_aws_judges_the_action_on() -> None:
    action_resources = [
        (action, demand.resources) for demand in demands(SIT) if demand.resources for action in demand.actions
    ]
    wrong = [(action, kind_of(arn)) for action, arns in action_resources for arn in arns if not judged_on(action, arn)]
    assert [] == wrong
    assert {"db", "og", "pg", "snapshot", "subgrp"} == {
        kind_of(arn)
        for action, arns in action_resources
        if action == "rds:RestoreDBInstanceFromDBSnapshot"
        for arn in arns
    }


def judged_on(action: str, arn: str) -> bool:
    """Whether ``arn`` is of one of the published formats of the types that AWS judges ``action`` on."""
    known = published()[action.split(":", maxsplit=1)[0]]["Resources"]
    formats = [arn_format for name in types_of(action) for arn_format in known[name.lower()]["ARNFormats"]]
    patterns = [re.sub(r"\$\{\w+\}", "[^:]*", arn_format) for arn_format in formats]
    return any(re.fullmatch(pattern, arn) for pattern in patterns)


def test_what_is_judged_on_no_resource_is_asked_on_none() -> None:
    nothing = {action for action in (*needed_actions(), *FORBIDDEN) if not types_of(action)}
    assert ON_NOTHING == nothing
    assert [] == [d for d in demands(SIT) if nothing & set(d.actions) and d.resources]


def test_a_key_that_has_one_value_in_a_request_is_given_one_value() -> None:
    passed = [key.values for demand in demands(SIT) for key in demand.context if key.name == "iam:PassedToService"]
    assert {("backup.amazonaws.com",), ("ecs-tasks.amazonaws.com",)} == set(passed)
    assert all(len(key.values) == 1 for d in demands(SIT) for key in d.context if not key.kind.endswith("List"))


def test_alike_questions_are_asked_together_so_that_there_are_few_calls() -> None:
    questions = demands(SIT)
    assert len(questions) <= 60  # 24 of them of the primary region: fencing, the failback, and what is forbidden there
    assert len({(d.region, d.resources, d.context) for d in questions}) == len(questions)


def test_the_condition_key_of_s3_alone_is_in_no_request_to_another_service() -> None:
    found = {
        (action.partition(":")[0], any(key.name == "s3:ResourceAccount" for key in request.context))
        for request in demands(SIT)
        for action in request.actions
    }
    assert {service for service, has_it in found if has_it} == {"s3"}
    assert ("s3", False) not in found


def test_rights_to_the_things_of_a_tenant_are_asked_on_each_of_them() -> None:
    found = {
        (action, demand.region, arn.split(":", 5)[5])
        for demand in demands(SIT)
        if is_of_tenants(SIT, demand)
        for action in demand.actions
        for arn in set(of_each_tenant(SIT, demand, ("tenant-1", "b"))) - set(demand.resources)
    }
    services, definitions = ("service/sit-cluster/sit-{}-service", "task-definition/sit-{}:any")
    secret = "secret:sit-{}-db-credentials-AbCdEf"
    assert found == {
        (action, region, name.format(tenant))
        for tenant in ("tenant-1", "b")
        for action, region, name in (
            ("ecs:CreateService", DR, services),
            ("ecs:UpdateService", DR, services),
            ("ecs:UpdateService", PRIMARY, services),
            ("ecs:RegisterTaskDefinition", DR, definitions),
            ("ecs:TagResource", DR, definitions),
            ("secretsmanager:GetSecretValue", DR, secret),
            ("secretsmanager:PutSecretValue", DR, secret),
            ("secretsmanager:StopReplicationToReplica", DR, secret),
        )
    }


def test_a_cluster_whose_name_holds_the_word_for_any_tenant_stays_as_it_is() -> None:
    names = SIT.names.model_copy(update={"service": "{tenant}", "cluster": "company-{env}"})
    own = SIT.model_copy(update={"names": names})
    found = [arn for d in demands(own) for arn in of_each_tenant(own, d, ("tenant-1",)) if ":service/" in arn]
    assert {arn.split("/")[1] for arn in found} == {"company-sit"}
    assert {"any", "tenant-1"} <= {arn.split("/")[2] for arn in found}
