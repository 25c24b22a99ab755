"""Callers of the run's own, with certain rights alone."""

from __future__ import annotations

import json
from typing import Any

from truth_kit.account import Account, is_refused

# IAM's control plane is there (T14).
GLOBAL, DENIED = "us-east-1", ("AccessDenied", "AccessDeniedException")
KEYS = {
    "aws_access_key_id": "AccessKeyId",
    "aws_secret_access_key": "SecretAccessKey",
    "aws_session_token": "SessionToken",
}


def role_for(account: Account, what: str, principal: dict[str, str], **condition: Any) -> str:
    """Make a role without rights that the principal may take on this condition; return its ARN."""
    asked = {"Condition": condition} if condition else {}
    trust = _document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **asked})
    iam, name = account.client("iam", GLOBAL), account.prefix + what
    return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=account.tags)["Role"]["Arn"])


def caller(account: Account, what: str, statements: list[dict[str, Any]]) -> dict[str, str]:
    """Make a role that may do what the statements allow; return its keys, by boto3's names."""
    role = role_for(account, what, {"AWS": account.number})
    account.client("iam", GLOBAL).put_role_policy(
        RoleName=account.prefix + what, PolicyName=what, PolicyDocument=_document(*statements)
    )
    sts, got = account.client("sts", account.primary), dict[str, str]()

    def assume() -> None:
        got.update(sts.assume_role(RoleArn=role, RoleSessionName=what)["Credentials"])

    # IAM is eventually consistent (IAM guide, Troubleshooting): a new role is refused for a while.
    account.until("the role can be assumed", lambda: not is_refused(assume, *DENIED))
    return {key: got[named] for key, named in KEYS.items()}


def allow(actions: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    """A statement that allows it."""
    row = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return {**row, **({"Condition": condition} if condition else {})}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
