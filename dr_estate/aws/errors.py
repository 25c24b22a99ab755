"""botocore's errors as sentences: the call, the region, the answer, and the next step."""

from __future__ import annotations

from collections.abc import Mapping

import botocore.exceptions as aws
from botocore.parsers import ResponseParserError

from dr_estate.aws.clock import clock_skew_s
from dr_estate.aws.foreign_answers import CutAnswer, NotAws, UnknownShape
from dr_estate.model.durations import duration
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.model.visible import without_credentials

ALLOW = "Allow it for the reader role."
_TOO_MANY, _SERVER_FAULT = 429, 500
_WORDS = {
    # 403: S3's answers to HEAD have no body (S3 API, HeadObject), so no code of their own
    UnavailableKind.DENIED: (
        "403 AccessDenied AccountProblem AllAccessDisabled AuthorizationError Blocked DependencyAccessDenied "
        "Forbidden InvalidAccess KMSAccessDenied KMSOptInRequired KmsAccessDenied NotAuthorized NotSignedUp "
        "OptInRequired PendingVerification RegionDisabled SubscriptionRequired UnauthorizedAccess Unauthorized "
        "UnauthorizedOperation"
    ),
    UnavailableKind.THROTTLED: (
        "BandwidthLimitExceeded EC2Throttled KMSThrottling PriorRequestNotComplete ProvisionedThroughputExceeded "
        "RequestLimitExceeded RequestThrottled SlowDown Throttled Throttling TooManyRequests "
        "TransactionInProgress"
    ),
    # 400: HEAD again, an expired or malformed token
    UnavailableKind.CREDENTIALS: (
        "400 AuthFailure ExpiredToken IllegalLocationConstraint IncompleteSignature InvalidAccessKeyId "
        "InvalidClientTokenId InvalidSignature InvalidToken MissingAuthenticationToken RequestExpired "
        "RequestTimeTooSkewed SignatureDoesNotMatch TokenRefreshRequired UnrecognizedClient"
    ),
    UnavailableKind.UNSUPPORTED: (
        "InvalidAction NotImplemented NotImplementedInSandbox UnknownOperation UnsupportedOperation"
    ),
    UnavailableKind.UNREACHABLE: "RequestTimeout ServiceUnavailable",
}
CODES = {kind: tuple(words.split()) for kind, words in _WORDS.items()}
"""AWS's error codes by what they mean, without the "Exception" that some services add to the same word.

Any other code with a status of 429 is THROTTLED, with one of 500 or more UNREACHABLE, the rest ERROR. Sources: "Common
error types" of the services' API references, their models, and the retry modes of botocore.
"""
KIND_OF_CODE: Mapping[str, UnavailableKind] = {code: kind for kind, codes in CODES.items() for code in codes}
# ConditionalRequestConflict, OperationAborted: S3's two words for 409 that are no refusal.
_PASSING = (
    "ConcurrentAccess ConcurrentModification ConcurrentUpdate ConditionalRequestConflict OperationAborted Conflict "
    "EntityTemporarilyUnmodifiable IncorrectFileSystemLifeCycleState IncorrectMountTargetState "
    "InvalidDBClusterStateFault InsufficientDBInstanceCapacity InvalidDBInstanceState InvalidDBInstanceStateFault "
    "InvalidDBParameterGroupState InvalidDBSnapshotState ReplicatedWriteConflict ResourceInUse TransactionConflict "
    "UpdateInProgress"
)
PASSING = frozenset(_PASSING.split())
"""Codes of a state that passes by itself, named as above: what is refused now may be allowed in a minute."""
_SIGNATURE = frozenset({"IncompleteSignature", "InvalidSignature", "SignatureDoesNotMatch"})
# IAM User Guide, "AWS Signature Version 4 for API requests"; S3 API Reference, RequestTimeTooSkewed.
_CLOCK_TOLERANCE_S = 240  # AWS refuses a signature that is five minutes off, S3 one that is fifteen


class DeadlinePassed(aws.HTTPClientError):
    """No call leaves after the observation's deadline."""

    fmt = "{error}"


def explain(error: Exception, service: str, region: str, allow: str = ALLOW) -> Unavailable:
    """Turn an exception of botocore into an Unavailable of one clear sentence; ``allow`` is the advice where denied."""
    if isinstance(error, aws.ClientError):
        return _from_answer(error, service, region, allow)
    if isinstance(error, aws.NoCredentialsError):
        reason = "No AWS credentials were found. Set AWS_PROFILE or log in, then run this again."
        return Unavailable(UnavailableKind.CREDENTIALS, reason, region)
    if isinstance(error, (aws.ProfileNotFound, aws.TokenRetrievalError, aws.SSOError, aws.LoginError)):
        reason = f"AWS credentials cannot be used: {error}. Fix the profile or log in again."
        return Unavailable(UnavailableKind.CREDENTIALS, reason, region)
    if isinstance(error, (aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.InvalidConfigError)):
        return Unavailable(UnavailableKind.CREDENTIALS, unusable_settings(error), region)
    # DeadlinePassed and CutAnswer are HTTPClientErrors too: both are recognised before those.
    if isinstance(error, DeadlinePassed):
        return Unavailable(UnavailableKind.DEADLINE, f"{service} in {region} was not called again: {error}.", region)
    if isinstance(error, UnknownShape):
        reason = f"{service} in {region} gave an answer that was not understood ({error})."
        return Unavailable(UnavailableKind.UNREADABLE, reason, region)
    if isinstance(error, (NotAws, ResponseParserError)):
        seen = str(error) if isinstance(error, NotAws) else "it cannot be parsed"
        cause = "A proxy did, or a page to sign in to the network."
        return Unavailable(
            UnavailableKind.NOT_AWS,
            f"{service} in {region} answered something that is not AWS ({seen}). {cause}",
            region,
        )
    if isinstance(error, CutAnswer):
        reason = f"{service} in {region} gave half an answer ({error}). A proxy or a connection that breaks cuts it."
        return Unavailable(UnavailableKind.UNREADABLE, reason, region)  # no witness that the region is lost
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError)):
        reason = f"{service} in {region} does not answer ({type(error).__name__})."
        return Unavailable(UnavailableKind.UNREACHABLE, reason, region)
    message = without_credentials(str(error))
    return Unavailable(UnavailableKind.ERROR, f"{service} in {region}: {type(error).__name__}: {message}.", region)


def unusable_settings(error: aws.BotoCoreError) -> str:
    """What is wrong with AWS_PROFILE, the AWS files or the AWS variables, and how to see what they say."""
    see = "`aws configure list` shows what is used"
    if isinstance(error, aws.ProfileNotFound):
        see = "`aws configure list-profiles` names those that there are"
    return (
        f"The AWS settings cannot be used: {str(error).strip().rstrip('.')}. Correct them ({see}), then run this again."
    )


def kind_of(code: str, status: int, service: str = "s3") -> UnavailableKind:
    """What an error code of AWS means, or where it is not a known one, its HTTP status.

    A status in place of a code is S3's answer to HEAD; any other ``service`` that gives no code gives no reason.
    """
    known = KIND_OF_CODE.get(_plain(code)) if service == "s3" or not code.isdigit() else None
    # Some services say 429 with a code of their own: the status decides where no list has it.
    if status == _TOO_MANY:
        return known or UnavailableKind.THROTTLED
    return known or (UnavailableKind.UNREACHABLE if status >= _SERVER_FAULT else UnavailableKind.ERROR)


def is_passing(code: str) -> bool:
    """Whether an error code of AWS says that a state passes by itself."""
    return _plain(code) in PASSING


def _plain(code: str) -> str:
    return code.removesuffix("Exception")


def _from_answer(error: aws.ClientError, service: str, region: str, allow: str) -> Unavailable:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", "")).strip().rstrip(".")
    metadata = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    kind = kind_of(code, status, service)
    sentences = {
        UnavailableKind.DENIED: f"is denied ({code}). {allow}",
        UnavailableKind.CREDENTIALS: _refusal_text(code, clock_skew_s(metadata.get("HTTPHeaders", {}))),
        UnavailableKind.THROTTLED: f"was throttled ({code}) and gave no answer in time.",
        UnavailableKind.UNSUPPORTED: f"is not supported here ({code}: {message}).",
        UnavailableKind.UNREACHABLE: f"answers with HTTP {status} ({code}).",
    }
    answered = ": ".join(word for word in (code, message) if word) or f"HTTP {status} without a code or a message"
    reason = f"{service}:{error.operation_name} in {region} {sentences.get(kind, f'answered {answered}.')}"
    return Unavailable(kind, reason, region, http_status=status)


def _refusal_text(code: str, skew_s: float | None) -> str:
    """Why credentials were refused: the clock, where the answer's own date shows it, else the signature or the keys."""
    if skew_s is not None and abs(skew_s) > _CLOCK_TOLERANCE_S:
        off = f"{duration(60 * round(abs(skew_s) / 60))} {'ahead of' if skew_s > 0 else 'behind'} AWS's"
        return f"refused the signature ({code}): the clock of this machine is {off}. Set it, then run this again."
    if _plain(code) in _SIGNATURE:
        return f"refused the signature ({code}): the secret key is another's, or a proxy changed the request."
    return f"refused the credentials ({code}). Log in again, then run this again."
