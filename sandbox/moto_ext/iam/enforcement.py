"""IAM enforcement, off until ``STATE.extras["enforce_iam"]`` is true: calls by IAM users and assumed roles are judged.

The emulator's own fails every GET of REST services by signature and answers JSON services in XML. Ours judges actions,
the resources and condition keys of ``asking``, policy variables, the roles that a call passes on and the trust of one
that is taken; it does not know kms:ViaService and the like. Keys that belong to no user or role may do everything.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.core.responses import ActionResult, BaseResponse
from moto.iam.models import IAMBackend, Role, User, iam_backends
from moto.s3.exceptions import BucketAccessDeniedError, S3AccessDeniedError
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.responses import S3Response
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException

from sandbox.core import truth
from sandbox.core.error_responses import XML_PROTOCOLS
from sandbox.core.patching import refused, wrap
from sandbox.core.state import STATE
from sandbox.moto_ext.iam.access_requests import asked_of
from sandbox.moto_ext.iam.iam import boundary_of, policies_of
from sandbox.moto_ext.iam.passed_roles import ASSUME, may_take
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, AccessRequest, Context, IamPolicy, statements
from sandbox.moto_ext.iam.role_access import decide_now, named_principals, role_of

DENIED_IN_XML = {"ec2": "UnauthorizedOperation"}
# With the one that is added a thousand: a run that is denied in a loop must not fill the world's file.
_REMEMBERED = 999
# What the emulator calls otherwise than IAM does (Service Authorization Reference, Amazon S3).
_S3_ACTIONS = {
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
Caller = tuple[User | Role, Context]


@wrap(BaseResponse, "_authenticate_and_authorize_normal_action")
def _authorize(original: Callable[..., Any], self: BaseResponse, resource: str = "*") -> Any:
    caller = _caller_of(self)
    if caller is None:
        return original(self, resource)
    principal, context = caller
    # No policy can deny it (API_GetCallerIdentity).
    if self._get_action() != "GetCallerIdentity":
        for request in asked_of(self, {**context, **_always(self, self.region)}):
            if not _is_allowed(self, principal, request):
                raise denial(self, f"User: {principal.arn} is not authorized to perform: {request.action}")
    return None


def _always(response: BaseResponse, region: str) -> Context:
    """What is so of every request: its region, and that it is sent by TLS to a thing of the account."""
    own = (str(response.current_account),)
    known = {"aws:RequestedRegion": (region,), "aws:SecureTransport": ("true",)}
    of_s3 = {"s3:ResourceAccount": own} if isinstance(response, S3Response) else {}
    return {**known, **of_s3, "aws:PrincipalAccount": own, "aws:ResourceAccount": own}


@wrap(S3Response, "_authenticate_and_authorize_s3_action")
def _judged_in_s3(
    original: Callable[..., Any], self: S3Response, bucket_name: str | None = None, key_name: str | None = None
) -> Any:
    """S3 asks by itself, for the one action it has found; a bucket is asked for in its own region."""
    caller = _caller_of(self)
    if caller is None:
        return original(self, bucket_name, key_name)
    bucket, key = bucket_name or "", key_name or ""
    s3_bucket = s3_backends[self.current_account][self.partition].buckets.get(bucket)
    # aws:RequestedRegion is the region of the bucket's endpoint, not the client's own.
    region = s3_bucket.region_name if s3_bucket is not None else self.region
    action = _S3_ACTIONS.get(self.data["Action"], self.data["Action"])
    resource_name = f"{bucket or '*'}" + (f"/{key}" if key else "")
    for name, resource in [(f"s3:{action}", resource_name), *_copy_rights(self, resource_name)]:
        arn, context = f"arn:{self.partition}:s3:::{resource}", {**caller[1], **_always(self, region)}
        request = AccessRequest(name, arn, context)
        # Within one account a bucket's policy need not allow, but may deny.
        if _denied_by_bucket(s3_bucket, caller[0], request) or not _is_allowed(self, caller[0], request):
            raise S3AccessDeniedError if key or not bucket else BucketAccessDeniedError(bucket)
    return None


def _denied_by_bucket(bucket: FakeBucket | None, principal: User | Role, request: AccessRequest) -> bool:
    """Whether the bucket's own policy denies it to the principal: a denial wins over any permission."""
    if bucket is None or not bucket.policy:
        return False
    rows = [row for row in statements(bucket.policy.decode()) if {"*", principal.arn} & named_principals(row)]
    policy = IamPolicy("bucket", json.dumps({"Statement": rows}))
    return decide_now([policy], request).word == EXPLICIT_DENY


def _copy_rights(self: S3Response, onto: str) -> Iterator[tuple[str, str]]:
    """What a copy ``onto`` an object needs besides s3:PutObject: actions, each with the object as an ARN ends in.

    Source: API_CopyObject; S3 User Guide, "Conditional writes" (If-Match reads the destination).
    """
    source = urlsplit(str(self.headers.get("x-amz-copy-source") or ""))
    if not source.path:
        return
    # A copy of a version needs GetObjectVersion.
    version, from_ = "Version" if "versionId" in parse_qs(source.query) else "", unquote(source.path).lstrip("/")
    yield f"s3:GetObject{version}", from_
    # Tags and annotations are copied unless the request says otherwise (API_CopyObject).
    kinds = ["Tagging"] if self.headers.get("x-amz-tagging-directive") != "REPLACE" else []
    kinds += ["Annotation"] if self.headers.get("x-amz-object-annotation-directive") != "EXCLUDE" else []
    for kind in kinds:
        yield f"s3:GetObject{version}{kind}", from_
        yield f"s3:PutObject{kind}", onto
    if self.headers.get("If-Match") and truth.answer("s3.if-match-needs-get-object"):
        yield "s3:GetObject", onto


def _is_allowed(self: BaseResponse, principal: User | Role, request: AccessRequest) -> bool:
    backend = iam_backends[self.current_account][self.partition]
    if request.action == ASSUME:
        allowed = may_take(principal, role_of(self.current_account, str(request.resource)), request)
    else:
        allowed = decide_now(policies_of(backend, principal), request, boundary_of(backend, principal)).word == ALLOWED
    if not allowed:
        region = ", ".join(request.context.get("aws:RequestedRegion", ()))
        denial = {
            "who": principal.name,
            "action": request.action,
            "resource": request.resource or "*",
            "region": region,
        }
        STATE.extras["denied"] = [*STATE.extras.get("denied", ())[-_REMEMBERED:], denial]
    return allowed


def _caller_of(self: BaseResponse) -> Caller | None:
    """Who calls, and what AWS knows of them; None where enforcement is off, or the keys are nobody's."""
    if not STATE.extras.get("enforce_iam"):
        return None
    # By the keys: an unknown key is nobody's and may do everything, as in moto.
    return _caller(iam_backends[self.current_account][self.partition], self.current_account, str(self.access_key))


def _caller(backend: IAMBackend, account: str, key: str) -> Caller | None:
    for user in backend.users.values():
        if any(access_key.access_key_id == key for access_key in user.access_keys):
            who = {"aws:userid": (user.id,), "aws:username": (user.name,), "aws:PrincipalArn": (user.arn,)}
            return user, who
    for session in sts_backends[account][backend.partition].assumed_roles:
        if session.access_key_id == key:
            name = session.role_arn.rpartition("/")[2]
            role = next((role for role in backend.roles.values() if role.name == name), None)
            # A role that was never made, which plain programs assume: nothing is judged.
            if role is None:
                return None
            return role, {"aws:userid": (f"{role.id}:{session.session_name}",), "aws:PrincipalArn": (role.arn,)}
    return None


class Denied(HTTPException):
    """The answer as it is to be sent: the emulator sends an exception's description."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(description=body)
        self.code = status


def denial(self: BaseResponse, message: str) -> Denied:
    """The service's own way to say that somebody is denied."""
    from moto.core.utils import get_service_model

    protocol = get_service_model(self.boto3_service_name).protocol
    code = "AccessDenied" if protocol in XML_PROTOCOLS else "AccessDeniedException"
    code = DENIED_IN_XML.get(self.boto3_service_name, code)
    with warnings.catch_warnings():
        # a denial is in no service's model: the emulator warns of it, and answers it rightly
        warnings.simplefilter("ignore", UserWarning)
        status, headers, body = self.serialized(ActionResult(refused(code, message)))
    self.response_headers.update(headers)
    return Denied(max(int(status), 403), body)
