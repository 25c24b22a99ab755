"""IAM enforcement, off until ``STATE.extras["enforce_iam"]`` is true: calls by IAM users and assumed roles are judged.

The emulator's own fails every GET of REST services by signature and answers JSON services in XML. Ours proves that an
action (in a region: aws:RequestedRegion) is denied, whatever its resource. S3 does not pass here; keys that belong to
no user or role may do everything.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, BaseResponse
from moto.iam.models import IAMBackend, Role, User, iam_backends
from moto.sts.models import sts_backends

from sandbox.lacks.iam import boundary_of, policies_of
from sandbox.lacks.patching import refused, wrap
from sandbox.lacks.policies import ALLOWED, Asked, decide
from sandbox.state import STATE

IAM_PREFIX = {
    "elbv2": "elasticloadbalancing",
    "efs": "elasticfilesystem",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
}
DENIED_IN_XML = {"ec2": "UnauthorizedOperation"}
XML_PROTOCOLS = ("query", "ec2", "rest-xml")


def _judged(original: Callable[..., Any], self: BaseResponse) -> Any:
    if not STATE.extras.get("enforce_iam"):
        return original(self)
    backend = iam_backends[self.current_account][self.partition]
    principal = _caller(backend, self.current_account, str(self.access_key))
    action = f"{IAM_PREFIX.get(self.boto3_service_name, self.boto3_service_name)}:{self._get_action()}"
    if principal is None or action == "sts:GetCallerIdentity":
        return original(self)
    asked = Asked(action, None, {"aws:RequestedRegion": (self.region,)})
    if decide(policies_of(backend, principal), asked, boundary_of(backend, principal)).word == ALLOWED:
        return original(self)
    return _denied(self, principal, action)


def _caller(backend: IAMBackend, account: str, key: str) -> User | Role | None:
    for user in backend.users.values():
        if any(held.access_key_id == key for held in user.access_keys):
            return user
    for session in sts_backends[account][backend.partition].assumed_roles:
        if session.access_key_id == key:
            name = session.role_arn.rpartition("/")[2]
            return next((role for role in backend.roles.values() if role.name == name), None)
    return None


def _denied(self: BaseResponse, principal: User | Role, action: str) -> Any:
    from moto.core.utils import get_service_model

    protocol = get_service_model(self.boto3_service_name).protocol
    code = "AccessDenied" if protocol in XML_PROTOCOLS else "AccessDeniedException"
    code = DENIED_IN_XML.get(self.boto3_service_name, code)
    message = f"User: {principal.arn} is not authorized to perform: {action}"
    with warnings.catch_warnings():
        # a denial is in no service's model: the emulator warns of it, and answers it rightly
        warnings.simplefilter("ignore", UserWarning)
        status, headers, body = self.serialized(ActionResult(refused(code, message)))
    return max(int(status), 403), headers, body


def install() -> None:
    """Let every response class ask first. Idempotent."""
    wrap(BaseResponse, "call_action", _judged)
