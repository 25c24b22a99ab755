"""Whether a role may act on one thing: what its own policies say, and what the policy of the thing itself says.

In one account either is enough, a deny of either wins, and the key policy of KMS must open a key before IAM counts.
Source: IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Key policies".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from moto.iam.models import IAMBackend, Role, iam_backends
from moto.kms.models import Key, KmsBackend, kms_backends

from sandbox.core.state import now
from sandbox.moto_ext.iam.iam import boundary_of, policies_of
from sandbox.moto_ext.iam.policies import (
    ALLOWED,
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    AccessRequest,
    IamPolicy,
    PolicyDecision,
    decide,
    statements,
)

# Whom the trust policy of a task's roles names (ECS guide, task IAM role).
TASKS = "ecs-tasks.amazonaws.com"


def role_of(account: str, arn: str) -> Role | None:
    """The role of an ARN, None where there is none."""
    return next((role for role in _iam(account).roles.values() if role.arn == arn), None)


def decide_now(
    policies: Iterable[IamPolicy], request: AccessRequest, boundaries: Iterable[IamPolicy] = ()
) -> PolicyDecision:
    """Judge a request that is made at this moment: AWS fills in its time, which a simulation is not given."""
    moment = now()
    time = {"aws:CurrentTime": (moment.isoformat(),), "aws:EpochTime": (str(int(moment.timestamp())),)}
    return decide(policies, replace(request, context={**request.context, **time}), boundaries)


def trusts(role: Role, service: str, account: str, source: str) -> bool:
    """Whether the role's trust policy lets ``service`` assume it for work that ``source`` (an ARN) is of."""
    document = role.assume_role_policy_document
    text = document if isinstance(document, str) else json.dumps(document)
    spoken = [statement for statement in statements(text) if service in _principals_of(statement, "Service")]
    context = {"aws:SourceArn": (source,), "aws:SourceAccount": (account,)}
    # A trust policy has no resource: it is about the role that bears it.
    return _word(spoken, AccessRequest("sts:AssumeRole", None, context)) == ALLOWED


def may(account: str, role: str, request: AccessRequest, policies: Iterable[str | None] = ()) -> bool:
    """Whether the role of the ARN ``role`` may do as requested to a thing that bears ``policies`` of its own."""
    words = [said_to(policy, (role, _root(account)), request) for policy in policies if policy]
    own = said_of(account, role, request)
    if EXPLICIT_DENY in (own, *words):
        return False
    # The fifth part of an ARN is the account; S3's are empty.
    if (request.resource or "").split(":")[4:5] not in ([], [""], [account], ["*"]):
        return own == ALLOWED and ALLOWED in words  # of another account both must allow
    return ALLOWED in (own, *words)


def may_use_key(account: str, region: str, role: str, request: AccessRequest, key: str) -> bool:
    """Whether the role may use the key, which an id, an ARN or an alias names; AWS's own keys are open to all."""
    if not opens(account, region, key):
        return False
    kms: KmsBackend = kms_backends[account][region]
    # AWS's own keys let everybody of the account use them through their service (KMS guide, AWS managed keys).
    if not key or "alias/aws/" in key:
        return True
    found = kms.keys[kms.any_id_to_key_id(key)]
    # Named itself: IAM need not allow anything more (KMS guide, key policies).
    opened = said_to(found.policy, (role,), request)
    # The account's root in a key policy hands the decision to IAM: then the role's own policies must allow.
    delegated = said_to(found.policy, (role, _root(account)), request)
    own = said_of(account, role, request) if role else IMPLICIT_DENY
    if EXPLICIT_DENY in (opened, delegated, own):
        return False
    return opened == ALLOWED or (delegated == ALLOWED and own == ALLOWED)


def opens(account: str, region: str, key: str, service: str = "") -> bool:
    """Whether ``service``, which holds a grant of the key, can use it: a deny of the policy alone wins over a grant."""
    kms: KmsBackend = kms_backends[account][region]
    if not key or "alias/aws/" in key:
        return True
    found = kms.keys.get(kms.any_id_to_key_id(key))
    # Disabled, pending deletion or not there: the three look alike to who needs the key (T19).
    if found is None or found.key_state != "Enabled":
        return False
    return not service or said_to_service(found, service, "kms:Decrypt") != EXPLICIT_DENY


def admits(account: str, region: str, key: str, service: str, *actions: str, **context: str) -> bool:
    """Whether the key can be used by ``service``, which holds no grant: the key's own policy admits it, or nobody."""
    if not opens(account, region, key):
        return False
    kms: KmsBackend = kms_backends[account][region]
    if not key or "alias/aws/" in key:
        return True
    found = kms.keys[kms.any_id_to_key_id(key)]
    return all(said_to_service(found, service, action, **context) == ALLOWED for action in actions)


def said_to_service(key: Key, service: str, action: str, **context: str) -> str:
    """What the policy of a key says to a service of AWS, such as ``ecr`` or, by region, ``logs.{region}``."""
    name, principal = service.partition(".")[0], f"{service}.amazonaws.com"
    spoken = [row for row in statements(key.policy) if {"*", principal} & named_principals(row)]
    known = {
        "aws:RequestedRegion": key.region,
        "aws:PrincipalIsAWSService": "true",
        "aws:SecureTransport": "true",
        "aws:SourceAccount": key.account_id,
        "kms:CallerAccount": key.account_id,
        # Always with the region, also where the principal's name has none.
        "kms:ViaService": f"{name}.{key.region}.amazonaws.com",
        **context,
    }
    return _word(spoken, AccessRequest(action, key.arn, {word: (value,) for word, value in known.items()}))


def said_of(account: str, role: str, request: AccessRequest) -> str:
    """What the policies and the boundary of the role say: allowed, explicitDeny or implicitDeny."""
    iam, found = _iam(account), role_of(account, role)
    if found is None:
        return IMPLICIT_DENY
    return decide_now(policies_of(iam, found), request, boundary_of(iam, found)).word


def said_to(policy: str, principals: tuple[str, ...], request: AccessRequest) -> str:
    """What the policy of a thing says to the principals; ``*`` is everybody."""
    spoken = [
        statement for statement in statements(policy) if {"*", *principals} & set(_principals_of(statement, "AWS"))
    ]
    # Without Resource: a policy of a thing is about that thing, whatever it writes there.
    bare = [{key: value for key, value in row.items() if key != "Resource"} for row in spoken]
    return _word(bare, request)


def named_principals(statement: dict[str, Any]) -> set[str]:
    """The ARNs and the services that a statement is about; ``*`` is everybody."""
    return {*_principals_of(statement, "AWS"), *_principals_of(statement, "Service")}


def _word(spoken: list[dict[str, Any]], request: AccessRequest) -> str:
    return decide_now([IamPolicy("policy", json.dumps({"Statement": spoken}))], request).word


def _principals_of(statement: dict[str, Any], kind: str) -> list[str]:
    principal = statement.get("Principal", [])
    named = principal.get(kind, []) if isinstance(principal, dict) else principal
    return [str(name) for name in (named if isinstance(named, list) else [named])]


def _root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def _iam(account: str) -> IAMBackend:
    backend: IAMBackend = iam_backends[account]["aws"]
    return backend
