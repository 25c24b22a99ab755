"""What roles require of IAM besides the call itself: who may pass and who may assume a role.

Source: IAM User Guide, "Granting a user permissions to pass a role to an AWS service" and "Policy evaluation logic": in
the same account a trust policy that names the caller is enough; if it names the account, the caller's own policies
decide.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.responses import BaseResponse
from moto.iam.models import Role, User, iam_backends
from moto.ssm.exceptions import InvalidDocument
from moto.ssm.models import ssm_backends

from sandbox.core import truth
from sandbox.moto_ext.iam.iam import boundary_of, policies_of
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, AccessRequest, Context
from sandbox.moto_ext.iam.role_access import decide_now, said_to

# IAM's control plane is there (T14).
ASSUME, _REGION, IAM_REGION = "sts:AssumeRole", "aws:RequestedRegion", "us-east-1"
_TASKS, _BACKUP, _SSM = "ecs-tasks.amazonaws.com", "backup.amazonaws.com", "ssm.amazonaws.com"
_JOBS = "batchoperations.s3.amazonaws.com"
_OF_TASKS = ("taskRoleArn", "executionRoleArn")
Params = Mapping[str, Any]


def passed_roles(response: BaseResponse, operation: str, params: Params, context: Context) -> Iterator[AccessRequest]:
    """Yield a request of iam:PassRole for each role that the call passes, with the service that gets it.

    IAM's own region is us-east-1: no page of AWS says that this request bears another (T76).
    """
    region = {} if truth.answer("iam.pass-role-bears-region") else {_REGION: (IAM_REGION,)}
    for service, role in _handed_on(response, operation, params):
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{response.current_account}:role/{role}"
        yield AccessRequest("iam:PassRole", arn, {**context, **region, "iam:PassedToService": (service,)})


def _handed_on(response: BaseResponse, operation: str, params: Params) -> Iterator[tuple[str, str]]:
    """Yield service and role of each role that the operation passes.

    The roles of a task's definition are passed when the definition is registered. Covers the operations that the
    sandbox's callers send: others pass roles as well.
    """
    if operation in ("RegisterTaskDefinition", "RunTask"):
        given = params if operation == "RegisterTaskDefinition" else params.get("overrides") or {}
        yield from ((_TASKS, str(given[name])) for name in _OF_TASKS if given.get(name))
    # Others with a role, CreateService for instance, are not sent by the sandbox's callers.
    elif operation in ("StartBackupJob", "StartRestoreJob") and params.get("IamRoleArn"):
        yield _BACKUP, str(params["IamRoleArn"])
    elif operation == "CreateJob" and response.boto3_service_name == "s3control":
        yield _JOBS, str(params["RoleArn"])
    elif operation == "StartAutomationExecution":
        backend = ssm_backends[response.current_account][response.region]
        with contextlib.suppress(InvalidDocument):  # the call itself says that there is none
            content = json.loads(backend.get_document(str(params["DocumentName"]), "", "", "")["Content"])
            yield from [(_SSM, str(content["assumeRole"]))] if content.get("assumeRole") else []


def may_take(principal: User | Role, role: Role | None, request: AccessRequest) -> bool:
    """Whether a principal of the account may assume ``role``, by its trust policy and the principal's own."""
    if role is None:
        return False
    account = role.arn.split(":")[4]
    backend = iam_backends[account]["aws"]
    tags = {f"aws:ResourceTag/{tag['Key']}": (tag["Value"],) for tag in role.tags or ()}
    taking = AccessRequest(ASSUME, role.arn, {**request.context, **tags, "aws:PrincipalArn": (principal.arn,)})
    document = role.assume_role_policy_document
    trust = document if isinstance(document, str) else json.dumps(document)
    # The trust policy names the caller itself: its own policies need not allow more.
    by_name = said_to(trust, (principal.arn,), taking)
    # It names the account: then the caller's own policies must allow too.
    by_account = said_to(trust, (f"arn:aws:iam::{account}:root", account), taking)
    own = decide_now(policies_of(backend, principal), taking, boundary_of(backend, principal)).word
    # A denial in any of them wins.
    if EXPLICIT_DENY in (by_name, by_account, own):
        return False
    return by_name == ALLOWED or (by_account == ALLOWED and own == ALLOWED)
