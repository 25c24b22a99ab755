"""AWS's own managed policies, as every account has them: the emulator leaves them out unless it loads all 1,600.

Each is made when a call first names it, and all of them when AWS's are listed, so that a world holds what its estate
uses. Plain boto3: ``attach_role_policy``, ``get_policy``, ``list_policies``. Source: IAM User Guide, "AWS managed
policies".
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

from sandbox.core.patching import wrap

_PREFIX = "iam::aws:policy/"


@cache
def _shipped() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name and data of each, by the path and name with which its ARN ends."""
    data = json.loads(aws_managed_policies_data)
    return {f"{policy['Path'][1:]}{name}": (name, policy) for name, policy in data.items()}


def add_policy(backend: IAMBackend, arn: str) -> None:
    """Make the policy of AWS that ``arn`` names, where it is one and was not made before."""
    _, of_aws, end = arn.partition(_PREFIX)
    if of_aws and arn not in backend.managed_policies and end in _shipped():
        name, data = _shipped()[end]
        policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[policy.arn] = policy


@wrap(IAMBackend, "attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy")
def _by_arn(original: Any, self: IAMBackend, policy_arn: str, *args: Any, **kwargs: Any) -> Any:
    add_policy(self, policy_arn)
    return original(self, policy_arn, *args, **kwargs)


@wrap(IAMBackend, "list_policies")
def _list_policies(
    original: Any,
    self: IAMBackend,
    marker: str | None,
    max_items: int,
    only_attached: bool,
    path_prefix: str,
    scope: str,
) -> Any:
    if scope != "Local" and not only_attached:
        for end in _shipped():
            add_policy(self, f"arn:{self.partition}:{_PREFIX}{end}")
    return original(self, marker, max_items, only_attached, path_prefix, scope)
