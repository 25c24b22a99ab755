"""Half an answer is no answer: it is asked for again, then UNKNOWN, and never an estate without resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from dr_actions.model.plan import FailureKind, SendFailed
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.readers import ecs
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.registry import readers, reads
from dr_estate.snapshot.snapshot import SnapshotPart
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_checks.worlds import SIT
from tests.dr_estate.aws.test_foreign_answers import REGION, Server, sending, server
from tests.utils.running import ROOT, at_endpoint
from tests.worlds import borrowed, world_of

__all__ = ["sending", "server"]
BODY = b'{"clusters": [{"clusterName": "c", "status": "ACTIVE"}], "failures": []}'


@pytest.mark.parametrize("end", range(1, len(BODY)))
def test_json_that_ends_anywhere_in_the_middle_is_unknown(server: Server, end: int) -> None:
    server.answer = (200, BODY[:end], {})
    client = ReadClient(SIT, reads(), Credentials())
    with pytest.raises(DataUnavailable) as half:
        client.call("ecs", REGION, lambda ecs: ecs.describe_clusters(clusters=["c"]))
    assert half.value.unavailable.kind is UnavailableKind.UNREADABLE
    assert not half.value.unavailable.is_silence_of(REGION)
    assert "gave half an answer (DescribeClusters: its JSON ends in the middle)" in half.value.unavailable.why


def test_fewer_bytes_than_an_answer_says_are_unknown(server: Server) -> None:
    server.answer = (200, BODY, {"content-length": str(len(BODY) + 1), "connection": "close"})
    client = ReadClient(SIT.model_copy(update={"observation": QUICK}), reads(), Credentials())
    with pytest.raises(DataUnavailable):
        client.call("ecs", REGION, lambda ecs: ecs.describe_clusters(clusters=["c"]))


def test_no_body_where_the_operation_has_content_is_unknown(server: Server) -> None:
    server.answer = (200, b"", {"x-amzn-requestid": "1"})
    client = ReadClient(SIT, reads(), Credentials())
    with pytest.raises(DataUnavailable, match="no JSON arrived"):
        client.call("ecs", REGION, lambda ecs: ecs.describe_clusters(clusters=["c"]))


def test_a_write_whose_answer_is_cut_is_uncertain(sending: Callable[..., SendFailed]) -> None:
    failed = sending("ecs", 200, b'{"service": {"serviceName": ')
    assert failed.trouble is FailureKind.UNCERTAIN
    assert "half an answer" in str(failed)


ENDLESS = {"s3:GetObject", "s3:HeadBucket", "s3:HeadObject"}
"""An object's own bytes have no end that they show, and HEAD has no body."""
OF_S3 = ("answers with HTTP 500", "answered 404: Not Found")
"""What botocore makes itself of half an answer of S3, and of half an error."""
QUICK = SIT.observation.model_copy(update={"attempts": 1, "read_timeout_s": 1})


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    with borrowed(SIT, tenants=2) as world:
        yield world


def test_half_an_answer_is_asked_for_again(world: Endpoint) -> None:
    world.begin(Outage(REGION, "cut", "ecs", "ListServices", times=1))
    seen = observe(SIT, world_of(world, "reader").credentials, "sandbox", only=frozenset({ecs.services.name}))
    assert 2 == len(seen.get(ecs.services, Side.DR))


@pytest.mark.proof
def test_each_declared_operation_whose_answers_are_cut_is_unknown(world: Endpoint) -> None:
    """In JSON and in XML."""
    reader = world_of(world, "reader").credentials
    world.end()
    world.reset_calls()
    whole = observe(SIT, reader, "sandbox")
    called = sorted(({name.partition(" ")[2] for name in world.calls()} & reads()) - ENDLESS)
    spoken = {protocol_of(name) for name in called}
    assert {"json", "rest-json", "query", "ec2", "rest-xml"} <= spoken, spoken
    believed = []
    for name in called:
        service, operation = name.split(":")
        world.begin(Outage("", "cut", service, operation))
        parts = frozenset(part for part, read in readers().items() if name in read.reads)
        with suppress(DataUnavailable):  # of the account itself: then nothing was believed
            seen = observe(SIT, reader, "sandbox", only=parts, upon=whole)
            if not any(is_unknown(part) for part in seen.parts.values() if part.name in parts):
                believed.append(name)
        world.end()
    assert [] == believed


def is_unknown(part: SnapshotPart) -> bool:
    """Whether a part, or something in it, could not be read."""
    seen = repr((part.value, part.unreadable))
    return any(sentence in seen for sentence in ("half an answer", *OF_S3))


@cache
def protocol_of(name: str) -> str:
    """The protocol that the operation's service speaks."""
    service = name.partition(":")[0]
    return str(ServiceModel(Loader().load_service_model(service, "service-2"), service).resolved_protocol)


@pytest.mark.proof
def test_a_blocker_is_not_hidden_by_half_an_answer(tmp_path: Path) -> None:
    env = load_environment(ROOT / "environments", "sit")
    with borrowed(env, tenants=1) as world:
        world.inject("dr-vault-denies-restores")
        world.begin(Outage("", "cut", "backup", "GetBackupVaultAccessPolicy"))
        ran = at_endpoint(world, tmp_path, "-e sit --format json status")
    assert ran.code in (1, 3), ran.err
    assert "UNKNOWN" in ran.statuses().values() or "unknown" in ran.statuses().values()
    assert "half an answer" in ran.out
