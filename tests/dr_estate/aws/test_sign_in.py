"""Clients renew their keys through the profile's process, and say it by its kind where it gives none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.aws.read_rules import PROOF
from dr_estate.aws.sign_in import forget_expired_variables, login_command
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.deciding import SIT

WHO = Call("sts", "GetCallerIdentity", SIT.regions.dr, {})


class Source:
    """A credential_process that prints a file."""

    def __init__(self, world: Endpoint, folder: Path) -> None:
        self.world, self.folder, self.answer = world, folder, folder / "answer.json"
        (folder / "config").write_text(f"[default]\ncredential_process = /bin/cat {self.answer}\n")

    def gives(self, valid_s: float, says_s: float) -> None:
        """Give keys that are good for ``valid_s`` seconds, and say that they are for ``says_s``."""
        keys = self.world.session_keys("operator", valid_s)
        names = {"AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret_access_key}
        ends = datetime.now(UTC) + timedelta(seconds=says_s)
        answer = {"Version": 1, **names, "SessionToken": keys.session_token, "Expiration": ends.isoformat()}
        self.answer.write_text(json.dumps(answer))


@pytest.fixture
def source(sandbox_world: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return Source(sandbox_world, tmp_path)


def mutating_client(world: Endpoint) -> MutatingClient[GuardContext]:
    return MutatingClient(SIT, Credentials(world.url), [PROOF], judge)


def ask(client: MutatingClient[GuardContext]) -> str:
    with client.permitting(GuardContext(SIT, frozenset({WHO.name}))):
        return str(client.send(WHO)["Arn"])


def test_one_client_goes_on_with_the_keys_that_its_process_gives_next(source: Source) -> None:
    source.gives(valid_s=60, says_s=60)
    client = mutating_client(source.world)
    assert ask(client).endswith("user/operator")
    source.world.expire_session_keys()
    source.gives(valid_s=60, says_s=60)
    assert ask(client).endswith("user/operator")


@pytest.mark.parametrize("gives", ["expired keys", "no keys", "no JSON"])
def test_a_process_that_gives_no_keys_any_more_is_lost_credentials(source: Source, gives: str) -> None:
    source.gives(valid_s=60, says_s=60)
    client, reader = mutating_client(source.world), ReadClient(SIT, [], Credentials(source.world.url))
    ask(client)
    reader.prove_account()
    if gives == "expired keys":
        source.gives(valid_s=60, says_s=-1)
    elif gives == "no keys":
        source.answer.unlink()
    else:
        source.answer.write_text("Please log in.")
    with pytest.raises(SendFailed) as failed:
        ask(client)
    assert failed.value.trouble is FailureKind.CREDENTIALS
    with pytest.raises(DataUnavailable) as unread:
        reader.prove_account()
    assert unread.value.unavailable.kind is UnavailableKind.CREDENTIALS
    source.gives(valid_s=60, says_s=60)
    assert ask(client).endswith("user/operator")


def test_keys_that_a_file_holds_are_read_again_on_demand_alone(source: Source, tmp_path: Path) -> None:
    (tmp_path / "config").unlink()
    (tmp_path / "none").write_text(as_file(source.world))
    client = mutating_client(source.world)
    ask(client)
    source.world.expire_session_keys()
    (tmp_path / "none").write_text(as_file(source.world))
    with pytest.raises(SendFailed):
        ask(client)
    client.sign_in_again()
    assert ask(client).endswith("user/operator")


def as_file(world: Endpoint) -> str:
    keys = world.session_keys("operator", 60)
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    values = (keys.access_key_id, keys.secret_access_key, keys.session_token)
    return "\n".join(["[default]", *(f"{name} = {value}" for name, value in zip(names, values, strict=True))])


def test_temporary_variables_are_forgotten_and_long_lived_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    assert not forget_expired_variables()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "C")
    assert forget_expired_variables()
    assert not forget_expired_variables()


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("region = eu-west-1", "aws configure --profile dr"),
        ("sso_start_url = https://example.com", "aws sso login --profile dr"),
        ("login_session = arn:aws:iam::123456789012:user/operator", "aws login --profile dr"),
    ],
)
def test_the_login_is_the_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, expected: str
) -> None:
    (tmp_path / "config").write_text(f"[profile dr]\n{profile}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "dr")
    assert login_command() == expected
