"""The roles as which functions, rules and schedules of the DR region act: whether they exist, and whom they trust.

Without its role nothing of them runs, and no list of functions shows that. Source: Lambda Developer Guide, "Defining
Lambda function permissions with an execution role"; EventBridge User Guide, "Using IAM roles".
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.iam.trust import trusts
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import platform_resources
from dr_estate.reading.reader import GLOBAL, ReadContext, part

_SERVICE = 2


@dataclass(frozen=True, slots=True)
class CalledRole:
    """The role ``arn`` of the resource ``of``. ``trusted`` is None where a condition decides that only IAM knows."""

    of: str
    arn: str
    service: str
    exists: bool
    trusted: bool | None


@part(*GLOBAL, reads=frozenset({"iam:GetRole"}))
def roles(context: ReadContext) -> tuple[CalledRole | Unavailable, ...]:
    """Each such role, one call for each; none of what was not listed."""
    pairs = sorted({pair for row in context.part(platform_resources.listings, Side.DR) for pair in row.roles})
    return tuple(context.maybe(lambda pair: _role(context, *pair), pairs))


def _role(context: ReadContext, of: str, arn: str) -> CalledRole:
    service = f"{of.split(':')[_SERVICE]}.amazonaws.com"
    found = context.find("iam", "get_role", ("NoSuchEntity",), RoleName=arn.rpartition("/")[2])
    document = found["Role"].get("AssumeRolePolicyDocument") if found else None
    trusted = trusts(document, service, context.env.account, of, context.now) if isinstance(document, dict) else None
    return CalledRole(of, arn, service, found is not None, trusted)
