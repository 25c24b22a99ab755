"""Where the end of a session is read: variables, a profile's tools, its process, and the cache of a sign-in."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr_estate.aws.read_client import Credentials
from dr_estate.aws.session_life import session_life
from dr_estate.config.environment import load_environment
from dr_estate.model.session_life import SessionLife
from tests.utils.running import ROOT

SIT = load_environment(ROOT / "environments", "sit")
NOW = datetime.now(UTC)
ENDS = NOW.replace(microsecond=0) + timedelta(minutes=50)
KEYS = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = example\n"


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the AWS files of the profile ``default``."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path


def found() -> SessionLife:
    return session_life(SIT, Credentials(), datetime.now(UTC))


def near(moment: datetime | None) -> bool:
    return moment is not None and abs((moment - ENDS).total_seconds()) <= 2


def test_no_keys_and_long_lived_keys(profile: Path) -> None:
    assert found() == SessionLife("", trouble="no AWS credentials were found")
    (profile / "credentials").write_text(f"[default]\n{KEYS}")
    assert found() == SessionLife("shared-credentials-file")
    assert session_life(SIT, Credentials(None, "key", "secret"), NOW) == SessionLife("sandbox")


def test_variables_say_when_they_end_and_are_not_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "A"), ("SECRET_ACCESS_KEY", "B"), ("SESSION_TOKEN", "C")):
        monkeypatch.setenv(f"AWS_{name}", value)
    assert found() == SessionLife("env", temporary=True)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ENDS.isoformat())
    life = found()
    assert (life.method, life.renewed, near(life.ends_at)) == ("env", False, True)


def test_a_token_in_a_profile_ends_when_its_tool_wrote_so(profile: Path) -> None:
    token = f"[default]\n{KEYS}aws_session_token = token\n"
    (profile / "credentials").write_text(token)
    assert found() == SessionLife("shared-credentials-file", temporary=True)
    (profile / "credentials").write_text(f"{token}x_security_token_expires = {ENDS.isoformat()}\n")
    assert found() == SessionLife("shared-credentials-file", True, ENDS)


def answer_of(profile: Path, ends: datetime) -> str:
    answer = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B", "SessionToken": "C"}
    (profile / "answer.json").write_text(json.dumps(answer | {"Expiration": ends.isoformat()}))
    return f"credential_process = {sys.executable} -S -c \"print(open('{profile}/answer.json').read())\"\n"


def test_the_keys_of_a_process_are_renewed(profile: Path) -> None:
    (profile / "config").write_text(f"[default]\n{answer_of(profile, ENDS)}")
    life = found()
    assert (life.method, life.renewed, life.renewed_until, near(life.ends_at)) == ("custom-process", True, None, True)


def test_a_process_that_gives_expired_keys_gives_none(profile: Path) -> None:
    (profile / "config").write_text(f"[default]\n{answer_of(profile, NOW - timedelta(minutes=1))}")
    life = found()
    assert (life.method, "still expired" in life.trouble) == ("", True)


@pytest.mark.parametrize(("more", "expected"), [({}, ENDS), ({"refreshToken": "again"}, None)])
def test_a_sign_in_ends_the_renewal_unless_a_token_renews_it(
    profile: Path, more: dict[str, str], expected: datetime | None
) -> None:
    cache = profile / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    key = hashlib.sha1(b"corp", usedforsecurity=False).hexdigest()
    (cache / f"{key}.json").write_text(json.dumps({"expiresAt": f"{ENDS:%Y-%m-%dT%H:%M:%SZ}", **more}))
    sso = "sso_session = corp\n[sso-session corp]\nsso_start_url = https://example.com\nsso_region = eu-west-1\n"
    (profile / "config").write_text(f"[default]\n{answer_of(profile, ENDS)}{sso}")
    assert found().renewed_until == expected
