"""The mutating client sends one declared call at a time, nothing the guard refuses, and knows how a call failed."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dr_actions.clients.mutating_client import GuardRefused, MutatingClient
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_actions.deciding import SIT

HERE, THERE = SIT.regions.primary, SIT.regions.dr
SCALE, PUBLISH = "ecs:UpdateService", "sns:Publish"
SCALED = Call("ecs", "UpdateService", THERE, {"cluster": "sit-cluster", "service": "sit-tenant2-service"})
DECLARED = frozenset({SCALE, PUBLISH, "ecs:DescribeServices", "rds:DeleteDBInstance"})
QUICK = SIT.model_copy(update={"observation": SIT.observation.model_copy(update={"read_timeout_s": 1})})

Allowing = MutatingClient[frozenset[str]]
"""Mutating clients whose context is what is allowed, and no more."""


def _mutating(world: Endpoint, person: str = "operator", env: Environment = SIT) -> Allowing:
    def ask(call: Call, allowed: frozenset[str]) -> str | None:
        return judge(call, GuardContext(env, allowed))

    keys = world.people[person]
    credentials = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    return MutatingClient(env, credentials, DECLARED, ask)


@pytest.fixture(scope="module")
def client(sandbox_world: Endpoint) -> Allowing:
    return _mutating(sandbox_world)


@contextmanager
def _outage(world: Endpoint, how: str, **more: Any) -> Iterator[None]:
    outage = Outage(THERE, how, "ecs", "UpdateService", **more)
    world.begin(outage)
    try:
        yield
    finally:
        world.end(outage)


def _failure(client: Allowing, call: Call = SCALED) -> SendFailed:
    with client.permitting(frozenset({call.name})), pytest.raises(SendFailed) as failed:
        client.send(call)
    return failed.value


def test_a_permitted_call_is_sent_once_and_its_answer_is_given_back(sandbox_world: Endpoint, client: Allowing) -> None:
    sandbox_world.reset_calls()
    before = client.sent[SCALE]
    with client.permitting(frozenset({SCALE})):
        answer = client.send(SCALED)
    assert answer["service"]["serviceName"] == "sit-tenant2-service"
    assert sandbox_world.calls() == {f"{THERE} {SCALE}": 1}
    assert client.sent[SCALE] == before + 1


def test_outside_a_permit_nothing_leaves_the_process(sandbox_world: Endpoint, client: Allowing) -> None:
    sandbox_world.reset_calls()
    with pytest.raises(GuardRefused, match=r"guard\.undeclared"):
        client.send(SCALED)
    with client.permitting(frozenset({PUBLISH})), pytest.raises(GuardRefused, match=r"guard\.undeclared"):
        client.send(SCALED)
    assert sandbox_world.calls() == {}


def test_a_permit_ends_with_its_block_and_restores_the_one_around_it(
    client: Allowing,
) -> None:
    with client.permitting(frozenset({SCALE})):
        with pytest.raises(KeyError), client.permitting(frozenset({PUBLISH})):
            raise KeyError
        assert client.send(SCALED)
    with pytest.raises(GuardRefused):
        client.send(SCALED)


def test_a_permit_is_the_threads_own(client: Allowing) -> None:
    errors: list[Exception] = []

    def elsewhere() -> None:
        try:
            client.send(SCALED)
        except GuardRefused as refused:
            errors.append(refused)

    with client.permitting(frozenset({SCALE})):
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
    assert len(errors) == 1


def test_what_the_guard_refuses_is_refused_although_the_verb_may_send_it(
    sandbox_world: Endpoint, client: Allowing
) -> None:
    sandbox_world.reset_calls()
    deleting = Call("rds", "DeleteDBInstance", HERE, {"DBInstanceIdentifier": "sit-mysql", "SkipFinalSnapshot": True})
    with client.permitting(frozenset({deleting.name})), pytest.raises(GuardRefused, match=r"guard\.never-delete"):
        client.send(deleting)
    assert sandbox_world.calls() == {}


def test_every_client_asks_the_guard_by_itself_so_no_call_passes_it_by(
    sandbox_world: Endpoint, client: Allowing
) -> None:
    """Even a client taken out of the mutating client can be used for nothing but what is permitted."""
    with client.permitting(frozenset({SCALE})):
        client.send(SCALED)
    inner = client._account.ordinary_clients["ecs", THERE]
    sandbox_world.reset_calls()
    with pytest.raises(GuardRefused):
        inner.update_service(**SCALED.params)
    with client.permitting(frozenset({SCALE})), pytest.raises(GuardRefused):
        inner.describe_services(cluster="sit-cluster", services=["sit-tenant2-service"])
    assert sandbox_world.calls() == {}


@pytest.mark.parametrize(
    ("how", "trouble", "message"),
    [
        ("throttle", FailureKind.THROTTLED, "was throttled"),
        ("deny", FailureKind.DENIED, "Allow it for the operator role"),
        ("expired", FailureKind.CREDENTIALS, "Log in again"),
        ("refuse", FailureKind.UNCERTAIN, "does not answer"),
        ("error", FailureKind.UNCERTAIN, "answers with HTTP 5"),
    ],
)
def test_each_failure_has_a_sentence_of_its_own_and_nothing_is_sent_twice(
    sandbox_world: Endpoint, client: Allowing, how: str, trouble: FailureKind, message: str
) -> None:
    sandbox_world.reset_calls()
    with _outage(sandbox_world, how):
        failed = _failure(client)
    assert failed.trouble is trouble
    assert message in str(failed)
    assert THERE in str(failed)
    assert sum(sandbox_world.calls().values()) <= 1, "botocore does not retry here"


def test_an_answer_that_was_lost_is_uncertain_because_the_call_took_effect(sandbox_world: Endpoint) -> None:
    client = _mutating(sandbox_world)
    sandbox_world.reset_mutations()
    with _outage(sandbox_world, "lost"):
        assert _failure(client).trouble is FailureKind.UNCERTAIN
    assert [(m["service"], m["operation"]) for m in sandbox_world.mutations()] == [("ecs", "UpdateService")]


@pytest.mark.proof
def test_an_answer_that_never_comes_is_given_up_within_the_time_limit(sandbox_world: Endpoint) -> None:
    with _outage(sandbox_world, "hang", seconds=20):
        assert _failure(_mutating(sandbox_world, env=QUICK)).trouble is FailureKind.UNCERTAIN


def test_what_aws_refuses_is_reported_with_its_code(client: Allowing) -> None:
    nobody = Call("ecs", "UpdateService", THERE, {"cluster": "sit-cluster", "service": "nobody"})
    failed = _failure(client, nobody)
    assert (failed.trouble, failed.code) == (FailureKind.REFUSED, "ServiceNotFoundException")


def test_a_call_that_is_none_is_refused_before_it_is_sent(sandbox_world: Endpoint, client: Allowing) -> None:
    sandbox_world.reset_calls()
    failed = _failure(client, Call("ecs", "UpdateService", THERE, {"desiredCount": "many"}))
    assert (failed.trouble, failed.code) == (FailureKind.REFUSED, "ParamValidationError")
    assert "desiredCount" in str(failed)
    assert sandbox_world.calls() == {}


def test_without_credentials_the_sentence_says_what_to_do(
    sandbox_world: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client: Allowing = MutatingClient(SIT, Credentials(sandbox_world.url), DECLARED, lambda _call, _allowed: None)
    failed = _failure(client)
    assert failed.trouble is FailureKind.CREDENTIALS
    assert "AWS_PROFILE" in str(failed)


def test_sessions_of_a_long_wait_for_credentials_are_few(sandbox_world: Endpoint) -> None:
    """Credentials are looked for again every few seconds, for an hour."""
    client, sessions = _mutating(sandbox_world), list[weakref.ref[object]]()
    for _ in range(12):
        sessions.append(weakref.ref(client._account.session))
        client.sign_in_again()
    assert sum(session() is not None for session in sessions) <= 5
