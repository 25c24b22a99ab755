"""IAM's simulator: what a principal's attached, inline and group policies and its boundary decide (T14).

One result an action, with the decision on each resource in it. Sources: API_SimulatePrincipalPolicy,
API_SimulateCustomPolicy, API_EvaluationResult; that not all actions may be asked together is measured by others
(aws-cloudformation/rain, internal/aws/iam). Plain boto3: ``simulate_principal_policy``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User
from moto.iam.responses import IamResponse

from sandbox.core.patching import offset, operation, refused
from sandbox.moto_ext.iam.aws_policies import add_policy
from sandbox.moto_ext.iam.policies import (
    ALLOWED,
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    AccessRequest,
    Context,
    IamPolicy,
    PolicyDecision,
    decide,
)

# MaxItems where it is left out (API_SimulatePrincipalPolicy).
PAGE = 100
# An explicit deny of one resource is the action's decision (API_EvaluationResult).
_WORST = (EXPLICIT_DENY, IMPLICIT_DENY, ALLOWED)

# The estate's actions that are judged on no resource (Service Authorization Reference; a test compares them).
ON_NOTHING = frozenset({"ec2:DescribeSubnets", "ecs:DescribeTaskDefinition", "sts:GetCallerIdentity"})


def policies_of(backend: IAMBackend, principal: User | Role | Group) -> list[IamPolicy]:
    """Every policy that speaks for a principal: inline, attached, and those of a user's groups."""
    found = [*_inline(principal), *(_managed_policy(policy) for policy in principal.managed_policies.values())]
    if isinstance(principal, User):
        for group in backend.groups.values():
            if any(user.name == principal.name for user in group.users):
                found += policies_of(backend, group)
    return found


def _inline(principal: User | Role | Group) -> Iterator[IamPolicy]:
    kind = type(principal).__name__.lower()
    for name, document in principal.policies.items():
        yield IamPolicy(name, document if isinstance(document, str) else json.dumps(document), kind)


def _managed_policy(policy: ManagedPolicy) -> IamPolicy:
    # Only the default version of a managed policy is in force.
    current = next(version for version in policy.versions if version.is_default)
    kind = "aws-managed" if policy.arn.split(":")[4] == "aws" else "user-managed"
    return IamPolicy(str(policy.name), str(current.document), kind)


def principal_of(backend: IAMBackend, arn: str) -> User | Role | Group:
    """The principal of an ARN. Raises NoSuchEntity, or InvalidInput for an ARN of no user, role or group."""
    kind, _, path = arn.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    principals: dict[str, list[User | Role | Group]] = {
        "user": list(backend.users.values()),
        "role": list(backend.roles.values()),
        "group": list(backend.groups.values()),
    }
    if kind not in principals:
        raise refused("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    for principal in principals[kind]:
        if principal.name == name:
            return principal
    raise refused("NoSuchEntity", f"The {kind} with name {name} cannot be found.")


def boundary_of(backend: IAMBackend, principal: User | Role | Group) -> list[IamPolicy]:
    """The permissions boundary of a principal, if it has one."""
    arn = getattr(principal, "permissions_boundary_arn", None) or ""
    add_policy(backend, arn)
    managed_policy = backend.managed_policies.get(arn)
    return [_managed_policy(managed_policy)] if managed_policy is not None else []


@operation(IamResponse, "simulate_principal_policy")
def _simulate_principal(self: IamResponse, params: dict[str, Any]) -> dict[str, Any]:
    principal = principal_of(self.backend, params["PolicySourceArn"])
    policies = [*policies_of(self.backend, principal), *_given_policies(params, "PolicyInputList")]
    # A boundary that is given takes the place of the principal's own (API_SimulatePrincipalPolicy).
    boundaries = _given_policies(params, "PermissionsBoundaryPolicyInputList") or boundary_of(self.backend, principal)
    return _simulation(policies, boundaries, params)


@operation(IamResponse, "simulate_custom_policy")
def _simulate_custom(_: IamResponse, params: dict[str, Any]) -> dict[str, Any]:
    boundaries = _given_policies(params, "PermissionsBoundaryPolicyInputList")
    return _simulation(_given_policies(params, "PolicyInputList"), boundaries, params)


def _given_policies(params: dict[str, Any], name: str) -> list[IamPolicy]:
    documents = params.get(name) or ()
    return [IamPolicy(f"{name}.{number}", document, "none") for number, document in enumerate(documents, start=1)]


def _simulation(policies: list[IamPolicy], boundaries: list[IamPolicy], params: dict[str, Any]) -> dict[str, Any]:
    entries = params.get("ContextEntries") or ()
    context = {entry["ContextKeyName"]: tuple(entry["ContextKeyValues"]) for entry in entries}
    actions, resources = list(params["ActionNames"]), list(params.get("ResourceArns") or ["*"])
    # Refuse actions together that AWS judges by different information: those of no resource, and the others
    without = [action for action in actions if action in ON_NOTHING]
    others = [action for action in actions if action not in ON_NOTHING]
    if without and others:
        message = f"[{','.join(others)}] and [{','.join(without)}] require different authorization information."
        raise refused("InvalidInput", f"Invalid Input Actions: {message}")
    start = offset(params.get("Marker"), "ValidationError", "Invalid Marker.")
    size = int(params.get("MaxItems") or PAGE)
    page = actions[start : start + size]
    results = [_result(policies, boundaries, action, resources, context) for action in page]
    more = start + size < len(actions)
    return {"EvaluationResults": results, "IsTruncated": more, "Marker": str(start + size) if more else None}


def _result(
    policies: list[IamPolicy], boundaries: list[IamPolicy], action: str, resources: list[str], context: Context
) -> dict[str, Any]:
    """One action: its decision is the worst of its resources', and each of those has its own where ARNs are given.

    AWS answers with the template of the resource type's ARN, or "*", as the action's resource; here it is always "*".
    """
    each = [_on(policies, boundaries, action, resource, context) for resource in resources]
    worst = min(each, key=lambda candidate: _WORST.index(candidate["EvalResourceDecision"]))
    description: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": "*",
        "EvalDecision": worst["EvalResourceDecision"],
        "MatchedStatements": worst["MatchedStatements"],
        "MissingContextValues": sorted({key for candidate in each for key in candidate["MissingContextValues"]}),
    }
    if boundaries:
        description["PermissionsBoundaryDecisionDetail"] = worst["PermissionsBoundaryDecisionDetail"]
    return description if resources == ["*"] else {**description, "ResourceSpecificResults": each}


def _on(
    policies: list[IamPolicy], boundaries: list[IamPolicy], action: str, resource: str, context: Context
) -> dict[str, Any]:
    try:
        decision = decide(policies, AccessRequest(action, resource, context), boundaries)
    except ValueError as bad:
        raise refused("PolicyEvaluation", f"{action} cannot be judged: {bad}") from bad
    description: dict[str, Any] = {
        "EvalResourceName": resource,
        "EvalResourceDecision": decision.word,
        "MatchedStatements": _matched_statements(decision),
        "MissingContextValues": sorted(decision.missing),
    }
    if boundaries:
        within = decide(boundaries, AccessRequest(action, resource, context)).word == ALLOWED
        description["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": within}
    return description


def _matched_statements(decision: PolicyDecision) -> list[dict[str, Any]]:
    return [{"SourcePolicyId": policy.id, "SourcePolicyType": policy.kind} for policy in decision.matched]
