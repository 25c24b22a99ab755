"""Botocore's errors as sentences: what was asked, where, what came back, and what to do next."""

from __future__ import annotations

import botocore.exceptions as aws

from dr_estate.unseen import Blindness, Unseen

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
    "UnauthorizedException",
    "AllAccessDisabled",
    "OptInRequired",
    "SubscriptionRequiredException",
}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
}
_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "RequestExpired",
    "MissingAuthenticationToken",
}
_UNSUPPORTED = {
    "NotImplementedInSandbox",
    "UnsupportedOperation",
    "UnsupportedOperationException",
    "InvalidAction",
}


def explain(error: Exception, service: str, region: str) -> Unseen:
    """Turn an exception of botocore into an Unseen with one clear sentence."""
    if isinstance(error, aws.ClientError):
        return _from_answer(error, service, region)
    if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError)):
        return Unseen(
            Blindness.CREDENTIALS,
            "No AWS credentials were found. Set AWS_PROFILE or log in, then run this again.",
        )
    if isinstance(error, (aws.ProfileNotFound, aws.TokenRetrievalError, aws.SSOError, aws.UnauthorizedSSOTokenError)):
        return Unseen(
            Blindness.CREDENTIALS,
            f"AWS credentials cannot be used: {error}. Mend the profile or log in again.",
        )
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError)):
        return _from_silence(error, service, region)
    return Unseen(Blindness.ERROR, f"{service} in {region}: {type(error).__name__}: {error}.")


def _from_silence(error: Exception, service: str, region: str) -> Unseen:
    said = str(error)
    if "deadline" in said:
        return Unseen(Blindness.DEADLINE, f"{service} in {region} was not asked any more: {said}.")
    return Unseen(Blindness.UNREACHABLE, f"{service} in {region} does not answer ({type(error).__name__}).")


def _from_answer(error: aws.ClientError, service: str, region: str) -> Unseen:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", "")).strip()
    asked = f"{service}:{error.operation_name} in {region}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _DENIED:
        return Unseen(Blindness.DENIED, f"{asked} is denied ({code}). Allow it for the reader role.")
    if code in _CREDENTIALS:
        return Unseen(
            Blindness.CREDENTIALS,
            f"{asked} refused the credentials ({code}). Log in again, then run this again.",
        )
    if code in _THROTTLED:
        return Unseen(Blindness.THROTTLED, f"{asked} was throttled ({code}) and gave no answer in time.")
    if code in _UNSUPPORTED:
        return Unseen(Blindness.UNSUPPORTED, f"{asked} is not supported here ({code}: {message}).")
    if status >= _SERVER_FAULT:
        return Unseen(Blindness.UNREACHABLE, f"{asked} answers with HTTP {status} ({code}).")
    return Unseen(Blindness.ERROR, f"{asked} answered {code}: {message}.")


_SERVER_FAULT = 500
