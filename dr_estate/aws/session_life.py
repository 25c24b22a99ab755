"""Find out when the credentials of this process end, and whether they are renewed.

botocore renews the keys of a profile (assume-role, credential_process, SSO, instance role) within a running process.
Keys in environment variables, and session tokens that a tool wrote into a profile, end. A token of IAM Identity Center
without a refresh token ends the renewal. Source: AWS SDKs and Tools Reference Guide, "Standardized credential
providers".
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.exceptions
import botocore.session
from botocore.credentials import RefreshableCredentials
from botocore.utils import JSONFileCache

from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side
from dr_estate.model.session_life import SessionLife

_LONGEST_S = 7 * 24 * 3600
_WRITTEN_BY_TOOLS = ("x_security_token_expires", "aws_expiration", "expiration")  # saml2aws, aws-vault, aws-mfa
_SSO_CACHE = Path("~/.aws/sso/cache")


def session_life(environment: Environment, credentials: Credentials, now: datetime) -> SessionLife:
    """Find the credentials as a command does, and how long they last. Calls what the profile says (T15)."""
    if credentials.access_key_id:
        return SessionLife("sandbox")
    session = botocore.session.Session()
    session.set_config_variable("region", environment.region(Side.DR))
    try:
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, RuntimeError) as failed:
        return SessionLife("", trouble=str(failed).strip())
    if found is None or frozen is None:
        return SessionLife("", trouble="no AWS credentials were found")
    if isinstance(found, RefreshableCredentials):
        # Whole seconds until the keys end: refresh_needed is the public way to ask, so bisect.
        seconds_left = bisect.bisect_left(
            range(_LONGEST_S), True, key=lambda left: bool(found.refresh_needed(refresh_in=left + 1))
        )
        ends_at = now + timedelta(seconds=seconds_left)
        renewed = found.method != "env"
        return SessionLife(found.method, True, ends_at, renewed, _sign_in_ends_at(session) if renewed else None)
    if not frozen.token:
        return SessionLife(found.method)
    return SessionLife(found.method, True, _written_end(session.get_scoped_config()))


def _written_end(profile: Mapping[str, Any]) -> datetime | None:
    """When a tool wrote that a profile's session token ends; None where it did not."""
    return next((moment for name in _WRITTEN_BY_TOOLS if (moment := _moment(profile.get(name, "")))), None)


def _sign_in_ends_at(session: botocore.session.Session) -> datetime | None:
    """When the sign-in to IAM Identity Center ends; None where the profile has none, or it is renewed by a token."""
    profile = session.get_scoped_config()
    name = profile.get("sso_session", "")
    sso = session.full_config.get("sso_sessions", {}).get(name, profile)
    subject = name or sso.get("sso_start_url", "")
    if not subject:
        return None
    # As botocore names the file: SHA-1 of the session's name, else of the start URL.
    key = hashlib.sha1(subject.encode(), usedforsecurity=False).hexdigest()
    try:
        token = JSONFileCache(str(_SSO_CACHE.expanduser()))[key]
    except KeyError:
        return None
    return None if token.get("refreshToken") else _moment(str(token.get("expiresAt", "")))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("UTC", "+00:00")) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
