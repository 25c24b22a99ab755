"""The read client's session: it can only read, and it signs in as any AWS tool does."""

from __future__ import annotations

import operator
from pathlib import Path

import pytest

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.aws.read_rules import ForbiddenCall
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.snapshot.registry import reads
from sandbox.client.endpoint import Endpoint

ENVIRONMENTS = Path(__file__).parents[3] / "environments"


@pytest.fixture
def sit() -> Environment:
    return load_environment(ENVIRONMENTS, "sit")


def _read_client(env: Environment, world: Endpoint) -> ReadClient:
    keys = world.people["reader"]
    return ReadClient(env, reads(), Credentials(world.url, keys.access_key_id, keys.secret_access_key))


def test_a_call_that_is_no_declared_read_never_leaves(sandbox_world: Endpoint, sit: Environment) -> None:
    client = _read_client(sit, sandbox_world)
    region = sit.region(Side.PRIMARY)
    sandbox_world.reset_calls()
    for service, operation in (("ecs", "update_service"), ("rds", "delete_db_instance"), ("ec2", "describe_images")):
        with pytest.raises(ForbiddenCall, match=f"{service}.{operation} is not among the declared reads"):
            client.call(service, region, operator.methodcaller(operation))
    assert sandbox_world.calls() == {}


def test_a_read_of_no_reader_is_forbidden_even_where_its_method_exists(
    sandbox_world: Endpoint, sit: Environment
) -> None:
    read_client = _read_client(sit, sandbox_world)
    read_client.caller("ecs", sit.region(Side.DR))
    read_client.allowed = frozenset()
    with pytest.raises(ForbiddenCall, match="ecs:DescribeClusters is not among"):
        read_client.call("ecs", sit.region(Side.DR), lambda client: client.describe_clusters())


def test_a_profile_with_a_role_signs_in_by_the_sts_of_the_dr_region(
    sandbox_world: Endpoint, sit: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = sandbox_world.people["reader"]
    config = tmp_path / "config"
    config.write_text(
        f"[profile base]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
        f"[profile role]\nrole_arn = arn:aws:iam::{sit.account}:role/dr-reader\nsource_profile = base\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "role")
    monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox_world.url)
    sandbox_world.reset_calls()
    client = ReadClient(sit, reads(), Credentials())
    assert "assumed-role/dr-reader/" in client.prove_account().arn
    assert dict(client.calls) == {"sts:GetCallerIdentity": 1}
    assert f"{sit.region(Side.DR)} sts:AssumeRole" in sandbox_world.calls()


def test_a_call_of_after_the_deadline_ends_at_once_and_makes_no_client(
    sandbox_world: Endpoint, sit: Environment
) -> None:
    """No look may last longer, and its connections are closed while such calls come."""
    client = _read_client(sit, sandbox_world)
    client.ends_at = 0.0
    with pytest.raises(DataUnavailable) as late:
        client.call("ecs", sit.region(Side.DR), lambda ecs: ecs.list_services())
    assert (late.value.unavailable.kind, client.account.ordinary_clients) == (UnavailableKind.DEADLINE, {})


def test_connections_are_closed_while_a_late_call_makes_another_client(
    sandbox_world: Endpoint, sit: Environment
) -> None:
    client, closed = _read_client(sit, sandbox_world), list[str]()

    class Late:
        def close(self) -> None:
            closed.append("closed")
            client.account.ordinary_clients["ecs", f"region-{len(closed)}"] = Late()

    client.account.ordinary_clients |= {("s3", "region"): Late(), ("sts", "region"): Late()}
    client.close_connections(for_good=True)
    assert closed == ["closed"] * 2
