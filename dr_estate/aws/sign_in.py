"""How a client's session finds the process's credentials: as botocore does, in a session of its own (T15).

Credentials that a profile's source renews can fail to be renewed in many ways: a process that gives expired keys is a
RuntimeError of botocore, an identity provider that does not answer a connection error. Once they worked, each of these
means one thing, that the credentials are lost for now, and is raised as CredentialRetrievalError.
"""

from __future__ import annotations

import os
from typing import Any

import botocore.exceptions
import botocore.session
from botocore.credentials import RefreshableCredentials

_IN_THE_ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
_FAILURES = (
    RuntimeError,
    ValueError,  # a process that prints no JSON
    OSError,  # a process that is not there any more
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
)


class RenewedCredentials:
    """botocore's renewable credentials; each failure to renew them is a CredentialRetrievalError."""

    def __init__(self, found: RefreshableCredentials) -> None:
        self._found, self._worked = found, False

    def get_frozen_credentials(self) -> Any:
        """The keys to sign with, renewed where that is due."""
        try:
            frozen = self._found.get_frozen_credentials()
        except _FAILURES as failed:
            if not self._worked and isinstance(failed, botocore.exceptions.BotoCoreError):
                raise  # nothing was lost: no sign-in has succeeded yet
            reason = str(failed).strip()
            raise botocore.exceptions.CredentialRetrievalError(
                provider=self._found.method, error_msg=reason
            ) from failed
        self._worked = True
        return frozen

    def __getattr__(self, name: str) -> Any:
        """Everything else is botocore's own."""
        return getattr(self._found, name)


class CredentialSource:
    """The component ``credential_provider`` of a client's session."""

    def __init__(self, sign_in: botocore.session.Session) -> None:
        self._provider = sign_in.get_component("credential_provider")

    def load_credentials(self) -> Any:
        """The credentials that botocore finds first; None where there are none."""
        found = self._provider.load_credentials()
        return RenewedCredentials(found) if isinstance(found, RefreshableCredentials) else found


def forget_expired_variables() -> bool:
    """Drop temporary keys from this process's variables, so that the profile counts; whether there were any.

    Nobody can give a running process other variables, and botocore asks them first.
    """
    # Keys without a session token do not expire: those are left alone.
    if "AWS_SESSION_TOKEN" not in os.environ:
        return False
    for name in _IN_THE_ENVIRONMENT:
        os.environ.pop(name, None)
    return True


def login_command() -> str:
    """What a person does to give this process new credentials, by the profile in use."""
    session = botocore.session.Session()
    name = session.get_config_variable("profile") or "default"
    try:
        profile = session.get_scoped_config()
    except botocore.exceptions.BotoCoreError:
        profile = {}
    if {"sso_session", "sso_start_url"} & profile.keys():
        return f"aws sso login --profile {name}"
    if "login_session" in profile:
        return f"aws login --profile {name}"
    return f"aws configure --profile {name}"
