"""What single members of AWS's answers become in parts: each answer is held against botocore's model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import ALARM, BREAKER, ROLLBACK, deployment_settings
from dr_estate.readers import cloudfront, evidence_stores, recovery_automation, secretsmanager
from dr_estate.readers.evidence_stores import AnchorLog, SigningKey
from dr_estate.readers.secretsmanager import Content, Field
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, NOW, SIT
from tests.dr_estate.contracts.shapes import full

ALIAS, LOG = SIT.named(SIT.names.evidence_key), SIT.named(SIT.names.anchor_log)
KEY = f"arn:aws:kms:{SIT.region(Side.DR)}:{SIT.account}:key/k"
ROLE = f"arn:aws:iam::{SIT.account}:role/r"
AUTOMATED = SIT.model_copy(update={"automation": SIT.automation.model_copy(update={"enabled": True})})


def _fields(**values: dict[str, str]) -> dict[str, dict[str, Field]]:
    """The fields of tenants' secrets, by tenant and name."""
    names = {SIT.named(SIT.names.tenant_secret, tenant=tenant): tenant for tenant in values}
    rows = [{"Name": name, "SecretString": json.dumps(values[tenant])} for name, tenant in names.items()]
    found = read(secretsmanager.contents, Side.DR, {"batch_get_secret_value": {"SecretValues": rows}})
    return {names[row.name]: {f.name: f for f in row.fields} for row in found if isinstance(row, Content)}


def test_values_that_differ_in_the_tenants_own_name_alone_are_alike() -> None:
    first = {"user": "wp_tenant1", "host": "db.internal", "schema": "TENANT1", "note": ""}
    second = {"user": "wp_tenant2", "host": "other.internal", "schema": "TENANT2", "note": "x"}
    ours, theirs = _fields(tenant1=first, tenant2=second).values()
    alike = {name for name in first if ours[name].as_tenant == theirs[name].as_tenant}
    assert (alike, [name for name in first if ours[name].empty]) == ({"user", "schema"}, ["note"])
    assert not any(ours[name].digest == theirs[name].digest for name in first)


def test_a_longer_tenants_name_is_not_taken_for_a_shorter_ones() -> None:
    ours, theirs = _fields(tenant1={"user": "tenant12"}, tenant2={"user": "tenant22"}).values()
    assert ours["user"].as_tenant != theirs["user"].as_tenant


@pytest.mark.parametrize(("given", "seconds"), [({"ErrorCachingMinTTL": 300}, 300), ({}, 10)])
def test_errors_of_which_nothing_is_set_are_forgotten_when_aws_says(given: dict[str, int], seconds: int) -> None:
    model = botocore.session.get_session().get_service_model("cloudfront").operation_model("ListDistributions")
    answer: Any = full("cloudfront:ListDistributions", model.output_shape)
    (row,) = answer["DistributionList"]["Items"]
    answer["DistributionList"]["IsTruncated"] = False
    row["OriginGroups"] = {"Quantity": 0}
    row["CustomErrorResponses"] = {"Quantity": 1, "Items": [{"ErrorCode": 502, **given}]}
    (found,) = read(cloudfront.distributions, Side.GLOBAL, {"list_distributions": answer})
    assert found.errors == ((502, seconds),)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (
            {"KeyState": "Enabled", "KeyUsage": "SIGN_VERIFY", "Arn": KEY, "SigningAlgorithms": ["ECDSA_SHA_256"]},
            (KEY, "Enabled", "SIGN_VERIFY", ("ECDSA_SHA_256",), "{}"),
        ),
        ({}, ("", "", "", ())),
    ],
)
def test_the_key_of_the_evidence_is_as_kms_describes_it(row: dict[str, Any], found: tuple[Any, ...]) -> None:
    answer = {"describe_key": {"KeyMetadata": {"KeyId": "k", **row}}, "get_key_policy": {"Policy": "{}"}}
    assert read(evidence_stores.signing_key, Side.DR, answer) == SigningKey(ALIAS, *found)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"logGroupName": LOG, "retentionInDays": 30}], AnchorLog(LOG, exists=True, retention_days=30)),
        ([{"logGroupName": LOG}], AnchorLog(LOG, exists=True)),
        ([{"logGroupName": f"{LOG}-of-others"}], AnchorLog(LOG, exists=False)),
        ([], AnchorLog(LOG, exists=False)),
    ],
)
def test_the_log_group_of_the_anchors_is_the_one_of_that_whole_name(rows: list[Any], found: AnchorLog) -> None:
    assert read(evidence_stores.anchors, Side.DR, {"describe_log_groups": {"logGroups": rows}}) == found


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({"awslogs-group": "/dr"}, False),
        ({"awslogs-group": "/dr/recovery"}, True),
        ({"awslogs-group": "/dr", "awslogs-create-group": "true"}, True),
        ({"awslogs-group": "/dr", "awslogs-region": SIT.region(Side.PRIMARY)}, True),
        ({}, True),
    ],
)
def test_the_log_group_of_a_recovery_task_exists_or_is_created_or_unneeded(
    options: dict[str, str], there: bool
) -> None:
    container = {"name": "c", "image": "x", "logConfiguration": {"logDriver": "awslogs", "options": options}}
    task = {"family": "f", "cpu": "256", "memory": "512", "containerDefinitions": [container]}
    answers = {
        "get_document": {"Content": "{}"},
        "describe_task_definition": {"taskDefinition": task},
        "describe_log_groups": {"logGroups": [{"logGroupName": "/dr/recovery"}]},
    }
    found = read(recovery_automation.start, Side.DR, answers, env=AUTOMATED)
    assert found is not None
    assert found.parts is not None
    assert (found.parts.log_there, found.parts.cpu, found.parts.containers) == (there, 256, ("c",))


@pytest.mark.parametrize(
    ("configuration", "stops"),
    [
        ({}, ()),
        ({"deploymentCircuitBreaker": {"enable": True, "rollback": True}}, (BREAKER, ROLLBACK)),
        ({"deploymentCircuitBreaker": {"enable": False, "rollback": True}}, ()),
        ({"alarms": {"alarmNames": ["b", "a"], "enable": True, "rollback": True}}, (f"{ALARM}a", f"{ALARM}b")),
        ({"alarms": {"alarmNames": ["a"], "enable": False, "rollback": True}}, ()),
    ],
)
def test_a_deployment_is_ended_by_what_is_switched_on(configuration: dict[str, Any], stops: tuple[str, ...]) -> None:
    assert deployment_settings({"deploymentConfiguration": configuration}, {}).stops == stops


def test_roles_of_a_recovery_are_seen_though_its_task_is_not() -> None:
    seen, key = healthy(), (recovery_automation.start.name, Side.DR)
    upon = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=DENIED)})
    answers = {"get_role": {"Role": {"Path": "/", "RoleName": "r", "RoleId": "A" * 16, "Arn": ROLE, "CreateDate": NOW}}}
    rows = read(recovery_automation.roles, Side.GLOBAL, answers, upon, AUTOMATED)
    assert [row.exists for row in rows] == [True] * 3


@pytest.mark.parametrize(
    ("configuration", "holds", "bake_min"),
    [
        ({}, (), 0),
        ({"strategy": "ROLLING"}, (), 0),
        ({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30}, ("strategy BLUE_GREEN",), 30),
        (
            {"lifecycleHooks": [{"hookTargetArn": "arn:x", "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"]}]},
            ("hook arn:x at POST_SCALE_UP, PRE_SCALE_UP",),
            0,
        ),
        (
            {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]},
            ("hook PAUSE at PRE_SCALE_UP",),
            0,
        ),
    ],
)
def test_what_holds_a_deployment_is_its_strategy_and_its_hooks(
    configuration: dict[str, Any], holds: tuple[str, ...], bake_min: int
) -> None:
    found = deployment_settings({"deploymentConfiguration": configuration}, {})
    assert (found.holds, found.bake_min) == (holds, bake_min)
