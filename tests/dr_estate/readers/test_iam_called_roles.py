"""The roles of functions and schedules are asked for once each, and trusted by the service that acts as them."""

from __future__ import annotations

from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.readers import iam_called_roles, platform_resources
from tests.dr_actions.plain import with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

DR = SIT.regions.dr
FUNCTION = f"arn:aws:lambda:{DR}:{SIT.account}:function:sit-mailer"
ROLE = f"arn:aws:iam::{SIT.account}:role/mailer"


def _trusted(**statement: Any) -> bool | None:
    """Whether the role of the one function that Lambda lists is trusted, by a trust policy of these members."""
    row = {"FunctionName": "sit-mailer", "FunctionArn": FUNCTION, "Role": ROLE, "CodeSha256": "a"}
    details = ("get_resources", "get_function_concurrency", "get_policy", "get_function_url_config")
    silent: dict[str, Any] = {operation: lambda **_: {} for operation in (*details, "list_event_source_mappings")}
    listings = read(platform_resources.listings, Side.DR, {**silent, "list_functions": {"Functions": [row]}})
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role: dict[str, Any] = {"Path": "/", "RoleName": "mailer", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": ROLE}
    role |= {"CreateDate": "2026-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Statement": [trust | statement]}}
    seen = with_part(healthy(), platform_resources.listings, Side.DR, listings)
    (found,) = read(iam_called_roles.roles, Side.GLOBAL, {"get_role": {"Role": role}}, seen)
    assert isinstance(found, iam_called_roles.CalledRole)
    assert (found.of, found.arn, found.service, found.exists) == (FUNCTION, ROLE, "lambda.amazonaws.com", True)
    return found.trusted


@pytest.mark.parametrize(
    ("region", "principal", "trusted"),
    [(DR, "lambda", True), (DR, "ec2", False), (SIT.regions.primary, "lambda", False)],
)
def test_the_service_assumes_the_role_for_the_function_of_the_region(
    region: str, principal: str, trusted: bool
) -> None:
    source = {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:{region}:*"}}
    assert _trusted(Principal={"Service": f"{principal}.amazonaws.com"}, Condition=source) is trusted
