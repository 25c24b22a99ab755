"""Roles by which AWS starts a recovery: a trust for tasks of the DR region holds, whatever region else it names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.iam.statements import AUTOMATION, TASKS, service_trust
from dr_estate.readers import recovery_automation
from tests.dr_actions.plain import with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

ENV = SIT.model_copy(update={"automation": SIT.automation.model_copy(update={"enabled": True})})


def _trusted(source: str) -> bool | None:
    condition = {"ArnLike": {"aws:SourceArn": source}}
    allow = {"Effect": "Allow", "Principal": {"Service": TASKS}, "Action": "sts:AssumeRole"}
    return _judged({**allow, "Condition": condition}, TASKS)


def _judged(statement: dict[str, Any], service: str) -> bool | None:
    def get_role(**params: Any) -> dict[str, Any]:
        name = params["RoleName"]
        arn = f"arn:aws:iam::{ENV.account}:role/{name}"
        named = {"Path": "/", "RoleName": name, "RoleId": "AROA" + 16 * "A", "Arn": arn}
        trust = {"Statement": [statement]}
        return {"Role": {**named, "CreateDate": datetime(2026, 1, 1, tzinfo=UTC), "AssumeRolePolicyDocument": trust}}

    seen = with_part(healthy(), recovery_automation.start, Side.DR, None)
    rows = read(recovery_automation.roles, Side.GLOBAL, {"get_role": get_role}, seen, ENV)
    return next(row.trusted for row in rows if row.service == service)


@pytest.mark.parametrize("service", [TASKS, AUTOMATION])
def test_the_trust_of_a_deployed_role_holds_for_work_of_the_account(service: str) -> None:
    statement = service_trust(ENV, service)
    assert _judged(statement, service) is True
    elsewhere = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert _judged({**statement, "Condition": {**statement["Condition"], **elsewhere}}, service) is False


@pytest.mark.parametrize(
    ("source", "trusted"),
    [
        (f"arn:aws:ecs:*:{SIT.account}:*", True),
        (f"arn:aws:ecs:{SIT.regions.dr}:{SIT.account}:*", True),
        (f"arn:aws:ecs:{SIT.regions.primary}:{SIT.account}:*", False),
    ],
)
def test_a_trust_is_judged_for_tasks_of_the_dr_region(source: str, trusted: bool) -> None:
    assert _trusted(source) is trusted
