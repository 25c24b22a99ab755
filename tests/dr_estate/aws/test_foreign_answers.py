"""Over a real HTTP server: what is not AWS's answer is said as such, and a clock that is off is measured."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.snapshot.registry import reads
from tests.dr_checks.worlds import SIT

REGION = SIT.region(Side.DR)
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDFOREIGN", "AWS_SECRET_ACCESS_KEY": "none"}
SOON_S = 0.01  # a server that is to end looks for that so often, by itself twice a second
PAGE = b"<!DOCTYPE html>\n<html><body>Sign in to the hotel's network</body></html>"
READS: dict[str, Callable[[Any], Any]] = {
    "ecs": lambda client: client.describe_clusters(clusters=["c"]),
    "rds": lambda client: client.describe_db_instances(),
    "ec2": lambda client: client.describe_vpcs(),
    "s3": lambda client: client.get_bucket_versioning(Bucket="b"),
    "backup": lambda client: client.list_backup_vaults(),
    "cloudwatch": lambda client: client.list_metrics(),
    "s3 head": lambda client: client.head_bucket(Bucket="b"),
    "sns map": lambda client: client.get_topic_attributes(TopicArn="arn:aws:sns:eu-west-1:111122223333:t"),
}
SERVICES = [name for name in READS if " " not in name]
WRITES = {
    "ecs": Call("ecs", "UpdateService", REGION, {"cluster": "c", "service": "s"}),
    "rds": Call("rds", "PromoteReadReplica", REGION, {"DBInstanceIdentifier": "d"}),
    "efs": Call("efs", "PutFileSystemPolicy", REGION, {"FileSystemId": "fs-12345678", "Policy": "{}"}),
    "s3": Call("s3", "PutObject", REGION, {"Bucket": "b", "Key": "k", "Body": b""}),
}


class Server:
    """Answers everything alike, on loopback; ``answer`` is (status, body, headers)."""

    answer: tuple[int, bytes, dict[str, str]] = (200, b"", {})

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                status, body, headers = server.answer
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response_only(status)
                for name, value in ({"content-length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body if self.command != "HEAD" else b"")

            do_GET = do_POST = do_PUT = do_HEAD = respond  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The server, found by AWS_ENDPOINT_URL."""
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(SOON_S,))
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.http.server_port}"}.items():
            patch.setenv(name, value)
        yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture(scope="module")
def reading(server: Server) -> Callable[..., Unavailable]:
    """Read of ``service`` from a server that answers so: why nothing was seen."""
    limits = SIT.observation.model_copy(update={"attempts": 1})
    client = ReadClient(SIT.model_copy(update={"observation": limits}), reads(), Credentials())

    def read(service: str, status: int, body: bytes = b"", **headers: str) -> Unavailable:
        server.answer = (status, body, headers)
        client.open()
        with pytest.raises(DataUnavailable) as dark:
            client.call(service.partition(" ")[0], REGION, READS[service])
        return dark.value.unavailable

    return read


@pytest.fixture(scope="module")
def sending(server: Server) -> Callable[..., SendFailed]:
    """Write of ``service`` to a server that answers so: how it failed."""
    declared = frozenset(call.name for call in WRITES.values())
    client: MutatingClient[object] = MutatingClient(SIT, Credentials(), declared, lambda _call, _context: None)

    def send(service: str, status: int, body: bytes = b"", **headers: str) -> SendFailed:
        server.answer = (status, body, headers)
        with client.permitting(object()), pytest.raises(SendFailed) as failed:
            client.send(WRITES[service])
        return failed.value

    return send


ANSWERS = {
    "a page with 200": (200, PAGE, {"content-type": "text/html"}),
    "a page with 403": (403, b"<html>blocked by policy</html>", {"content-type": "text/html; charset=utf-8"}),
    "a page of a proxy": (407, PAGE, {"content-type": "text/html"}),
    "a captive portal's redirect": (302, b"", {"location": "http://login.example/"}),
    "a captive portal by RFC 6585": (511, PAGE, {"content-type": "text/html"}),
}


def test_a_map_s_entry_without_its_key_is_not_understood(reading: Callable[..., Unavailable]) -> None:
    entry = "<Attributes><entry><value>x</value></entry></Attributes>"
    result = f"<GetTopicAttributesResult>{entry}</GetTopicAttributesResult>"
    body = f"<GetTopicAttributesResponse>{result}</GetTopicAttributesResponse>"
    assert reading("sns map", 200, body.encode()).kind is UnavailableKind.UNREADABLE


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("headers", [{}, {"location": "http://login.example/"}, {"x-amz-request-id": "1"}])
def test_a_redirect_of_head_that_names_no_region_is_not_awss(
    reading: Callable[..., Unavailable], status: int, headers: dict[str, str]
) -> None:
    assert reading("s3 head", status, **headers).kind is UnavailableKind.NOT_AWS


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_not_awss_is_said_in_a_line(
    reading: Callable[..., Unavailable], answer: str, service: str
) -> None:
    status, body, headers = ANSWERS[answer]
    unavailable = reading(service, status, body, **headers)
    assert unavailable.kind is UnavailableKind.NOT_AWS
    assert not unavailable.is_silence_of(REGION), "it says nothing of the region"
    assert f"HTTP {status}" in unavailable.why
    assert f"{service} in {REGION} answered something that is not AWS" in unavailable.why
    assert "\n" not in unavailable.why


@pytest.mark.parametrize("service", SERVICES)
def test_an_empty_body_is_no_estate_without_resources(reading: Callable[..., Unavailable], service: str) -> None:
    unavailable = reading(service, 200)
    assert (unavailable.kind, "an empty body" in unavailable.why) == (UnavailableKind.NOT_AWS, True)


def test_half_a_character_in_an_answer_is_spelled_out(server: Server) -> None:
    client = ReadClient(SIT, reads(), Credentials())
    tag = rb'{"key": "owner", "value": "Jos\u00e9 \ud83d"}'
    server.answer = (200, b'{"clusters": [{"clusterName": "c", "tags": [%b]}]}' % tag, {})
    client.open()
    (cluster,) = client.call("ecs", REGION, READS["ecs"])["clusters"]
    assert cluster["tags"] == [{"key": "owner", "value": "Jos\u00e9 \\ud83d"}]


@pytest.mark.parametrize("service", ["rds", "ec2"])
def test_xml_that_ends_in_the_middle_is_half_an_answer(reading: Callable[..., Unavailable], service: str) -> None:
    unavailable = reading(service, 200, b"<DescribeDBInstancesResponse><DBInst")
    assert (unavailable.kind, unavailable.why.count("\n")) == (UnavailableKind.UNREADABLE, 0)
    assert "its XML ends in the middle" in unavailable.why


_INSTANCE = "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>{}</DBInstance>"
_INSTANCES = _INSTANCE + "</DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
UNHEARD_OF = {
    "a list for an object": ("ecs", "[1]"),
    "a text for an object": ("ecs", '{"clusters": "many"}'),
    "a number for a list": ("ecs", '{"clusters": 5}'),
    "a number for an object": ("ecs", '{"clusters": [5]}'),
    "a text for a moment": ("backup", '{"BackupVaultList": [{"CreationDate": "yesterday"}]}'),
    "a moment of no year": ("backup", '{"BackupVaultList": [{"CreationDate": 1e300}]}'),
    "a text for a moment in XML": ("rds", _INSTANCES.format("<InstanceCreateTime>yesterday</InstanceCreateTime>")),
    "a text for a number in XML": ("rds", _INSTANCES.format("<AllocatedStorage>many</AllocatedStorage>")),
}
"""Bodies in the protocol of their service, in a shape that it does not have: services and answers."""


@pytest.mark.parametrize("body", UNHEARD_OF)
def test_an_answer_of_a_shape_that_nobody_knows_is_no_defect_of_ours(
    reading: Callable[..., Unavailable], body: str
) -> None:
    service, text = UNHEARD_OF[body]
    unavailable = reading(service, 200, text.encode())
    assert unavailable.kind is UnavailableKind.UNREADABLE
    assert f"{service} in {REGION} gave an answer that was not understood" in unavailable.why
    assert "\n" not in unavailable.why


def test_a_write_whose_answer_is_not_understood_may_have_taken_effect(sending: Callable[..., SendFailed]) -> None:
    failed = sending("ecs", 200, b'{"service": 5}')
    assert failed.trouble is FailureKind.UNCERTAIN
    assert "was not understood" in str(failed)


def test_an_account_that_sts_does_not_name_is_not_seen(server: Server) -> None:
    server.answer = (200, b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>", {})
    with pytest.raises(DataUnavailable, match="it has no Account"):
        ReadClient(SIT, reads(), Credentials()).prove_account()


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_of_a_service_that_is_down_is_its_silence(reading: Callable[..., Unavailable], service: str) -> None:
    unavailable = reading(service, 503, b"<html><body><b>Http/1.1 Service Unavailable</b></body></html>")
    assert unavailable.kind is UnavailableKind.UNREACHABLE


@pytest.mark.parametrize("service", WRITES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_write_that_something_else_answered_may_have_taken_effect(
    sending: Callable[..., SendFailed], answer: str, service: str
) -> None:
    status, body, headers = ANSWERS[answer]
    failed = sending(service, status, body, **headers)
    assert failed.trouble is FailureKind.UNCERTAIN
    assert "answered something that is not AWS" in str(failed)
    assert "\n" not in str(failed)


def _json_error(code: str) -> bytes:
    return json.dumps({"__type": code, "message": "Signature expired"}).encode()


@pytest.mark.parametrize(("minutes", "words"), [(-7, "7 min ahead of AWS's"), (12, "12 min behind AWS's")])
def test_a_clock_that_is_off_is_measured_by_the_answers_own_date(
    reading: Callable[..., Unavailable], minutes: int, words: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    unavailable = reading("ecs", 400, _json_error("InvalidSignatureException"), date=date)
    assert unavailable.kind is UnavailableKind.CREDENTIALS
    assert f"the clock of this machine is {words}" in unavailable.why


def test_a_wrong_signature_at_the_right_time_is_no_matter_of_the_clock(reading: Callable[..., Unavailable]) -> None:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    unavailable = reading("ecs", 400, _json_error("InvalidSignatureException"), date=date)
    assert unavailable.kind is UnavailableKind.CREDENTIALS
    assert "refused the signature" in unavailable.why
    assert "clock" not in unavailable.why


@pytest.mark.parametrize(("status", "kind"), [(403, UnavailableKind.DENIED), (400, UnavailableKind.CREDENTIALS)])
def test_the_answer_to_head_has_no_body_and_still_means_something(
    reading: Callable[..., Unavailable], status: int, kind: UnavailableKind
) -> None:
    assert reading("s3 head", status).kind is kind


PASSING = [
    ("rds", 400, "InvalidDBInstanceState"),
    ("efs", 409, "IncorrectFileSystemLifeCycleState"),
    ("efs", 409, "Conflict"),
    ("ecs", 400, "ConflictException"),
    ("ecs", 400, "UpdateInProgressException"),
    ("s3", 409, "OperationAborted"),
    ("s3", 409, "ConditionalRequestConflict"),
]


def _error(service: str, code: str) -> bytes:
    """An error as the service's protocol writes it."""
    if service == "rds":
        return f"<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>".encode()
    return f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode() if service == "s3" else _json_error(code)


@pytest.mark.parametrize(("service", "status", "code"), PASSING)
def test_a_state_that_passes_is_no_refusal(
    sending: Callable[..., SendFailed], service: str, status: int, code: str
) -> None:
    failed = sending(service, status, _error(service, code))
    assert (failed.trouble, failed.code) == (FailureKind.BUSY, code)


@pytest.mark.parametrize(
    ("service", "status", "code", "trouble"),
    [
        ("ecs", 429, "TooManyRequestsException", FailureKind.THROTTLED),
        ("rds", 503, "EC2ThrottledException", FailureKind.THROTTLED),
        ("rds", 503, "ServiceUnavailable", FailureKind.UNCERTAIN),
        ("rds", 400, "DBInstanceNotFound", FailureKind.REFUSED),
        ("s3", 409, "InvalidBucketState", FailureKind.REFUSED),
    ],
)
def test_what_does_not_pass_by_itself_is_no_busy_state(
    sending: Callable[..., SendFailed], service: str, status: int, code: str, trouble: FailureKind
) -> None:
    assert sending(service, status, _error(service, code)).trouble is trouble
