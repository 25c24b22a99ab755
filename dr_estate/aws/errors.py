"""botocore's errors as sentences: the call, the region, the answer, and the next step."""

from __future__ import annotations

from collections.abc import Mapping

import botocore.exceptions as aws

from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.model.visible import without_credentials

ALLOW = "Allow it for the reader role."
_SERVER_FAULT = 500
CODES = {
    Blindness.DENIED: (
        "403",  # S3's answers to HEAD have no body, so no code of their own
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationError",
        "AuthorizationErrorException",
        "Blocked",
        "DependencyAccessDeniedException",
        "ForbiddenException",
        "InvalidAccessException",
        "KMSAccessDenied",
        "NotAuthorized",
        "NotSignedUp",
        "OptInRequired",
        "PendingVerification",
        "RegionDisabledException",
        "SubscriptionRequiredException",
        "UnauthorizedAccess",
        "UnauthorizedException",
        "UnauthorizedOperation",
    ),
    Blindness.THROTTLED: (
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    ),
    Blindness.CREDENTIALS: (
        "400",  # HEAD again: an expired or malformed token
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IllegalLocationConstraintException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    ),
    Blindness.UNSUPPORTED: (
        "InvalidAction",
        "NotImplemented",
        "NotImplementedInSandbox",
        "UnknownOperationException",
        "UnsupportedOperation",
        "UnsupportedOperationException",
    ),
    Blindness.UNREACHABLE: ("RequestTimeout", "RequestTimeoutException"),
}
"""AWS's error codes by what they mean; any other code with a status of 500 or more is UNREACHABLE, the rest ERROR.

Sources: "Common error types" of the services' API references, and the retry modes of botocore.
"""
KIND_OF_CODE: Mapping[str, Blindness] = {code: kind for kind, codes in CODES.items() for code in codes}


class DeadlinePassed(aws.HTTPClientError):
    """No call leaves after the observation's deadline."""

    fmt = "{error}"


def explain(error: Exception, service: str, region: str, allow: str = ALLOW) -> Unseen:
    """Turn an exception of botocore into an Unseen with one clear sentence; ``allow`` is the advice where denied."""
    if isinstance(error, aws.ClientError):
        return _from_answer(error, service, region, allow)
    if isinstance(error, aws.NoCredentialsError):
        why = "No AWS credentials were found. Set AWS_PROFILE or log in, then run this again."
        return Unseen(Blindness.CREDENTIALS, why, region)
    if isinstance(error, (aws.ProfileNotFound, aws.TokenRetrievalError, aws.SSOError, aws.UnauthorizedSSOTokenError)):
        why = f"AWS credentials cannot be used: {error}. Fix the profile or log in again."
        return Unseen(Blindness.CREDENTIALS, why, region)
    if isinstance(error, (aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.InvalidConfigError)):
        return Unseen(Blindness.CREDENTIALS, unusable_settings(error), region)
    if isinstance(error, DeadlinePassed):
        return Unseen(Blindness.DEADLINE, f"{service} in {region} was not called again: {error}.", region)
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError)):
        why = f"{service} in {region} does not answer ({type(error).__name__})."
        return Unseen(Blindness.UNREACHABLE, why, region)
    message = without_credentials(str(error))
    return Unseen(Blindness.ERROR, f"{service} in {region}: {type(error).__name__}: {message}.", region)


def unusable_settings(error: aws.BotoCoreError) -> str:
    """What is wrong with AWS_PROFILE, the AWS files or the AWS variables, and how to see what they say."""
    see = "`aws configure list` shows what is used"
    if isinstance(error, aws.ProfileNotFound):
        see = "`aws configure list-profiles` names those that there are"
    return (
        f"The AWS settings cannot be used: {str(error).strip().rstrip('.')}. Correct them ({see}), then run this again."
    )


def kind_of(code: str, status: int) -> Blindness:
    """What an error code of AWS means, or where it is not a known one, its HTTP status."""
    return KIND_OF_CODE.get(code, Blindness.UNREACHABLE if status >= _SERVER_FAULT else Blindness.ERROR)


def _from_answer(error: aws.ClientError, service: str, region: str, allow: str) -> Unseen:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", "")).strip()
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    kind = kind_of(code, status)
    sentences = {
        Blindness.DENIED: f"is denied ({code}). {allow}",
        Blindness.CREDENTIALS: f"refused the credentials ({code}). Log in again, then run this again.",
        Blindness.THROTTLED: f"was throttled ({code}) and gave no answer in time.",
        Blindness.UNSUPPORTED: f"is not supported here ({code}: {message}).",
        Blindness.UNREACHABLE: f"answers with HTTP {status} ({code}).",
    }
    why = f"{service}:{error.operation_name} in {region} {sentences.get(kind, f'answered {code}: {message}.')}"
    return Unseen(kind, why, region)
