"""Lean clients go where botocore's go, sign for whom they sign, and leave to them what they do not know.

How requests look on the wire and how calls end is shown in test_shared_connections.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials as Keys
from botocore.exceptions import ClientError, HTTPClientError

from dr_estate.aws.botocore_models import declared_models
from dr_estate.aws.lean_client import LeanClient, LeanService, is_usual, place_of
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side
from dr_estate.snapshot.registry import reads
from tests.dr_checks.worlds import SIT
from tests.dr_estate.aws.least_params import least

SCOPE = re.compile(r"Credential=AKIDLEAN/\d+/(\S+)/aws4_request")
REGIONS = (SIT.region(Side.DR), SIT.region(Side.PRIMARY), "us-east-1", "us-gov-west-1", "cn-north-1")
LEFT_TO_BOTOCORE = {"s3", "s3control"}
OF_BOTOCORE = {
    "FIPS endpoints": {"AWS_USE_FIPS_ENDPOINT": "true"},
    "dual-stack endpoints": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "an endpoint of one service": {"AWS_ENDPOINT_URL_ECS": "http://127.0.0.1:1"},
    "a traced function": {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1"},
    "no speed-ups": {"DR_NO_SPEEDUPS": "1"},
}


@pytest.fixture(autouse=True)
def _with_speedups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")


class Seen(HTTPClientError):
    """What would have been sent."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__(error="seen")
        signed = request.headers["Authorization"]
        scope = SCOPE.search(signed.decode() if isinstance(signed, bytes) else signed)
        self.sent = (request.method, request.url, scope[1] if scope else "")


def _heard(lean: LeanClient, method: str, /, **params: Any) -> None:
    """Send nothing: raise what was to be sent."""
    model = lean.operation(method, params)
    if model is not None:
        raise Seen(lean.request(model, params))


def _session() -> Any:
    session = botocore.session.Session()
    session.register_component("data_loader", declared_models(frozenset(reads())))
    session.set_credentials("AKIDLEAN", "none")
    session.set_default_client_config(botocore.config.Config(retries={"total_max_attempts": 1}))
    session.register("before-send", lambda request, **_: (_ for _ in ()).throw(Seen(request)))
    return session


def _sent(client: Any, method: str, params: Mapping[str, Any]) -> tuple[str, str, str] | None:
    try:
        getattr(client, method)(**params)
    except Seen as seen:
        return seen.sent
    return None


@pytest.mark.parametrize("service", sorted({name.partition(":")[0] for name in reads()} - LEFT_TO_BOTOCORE))
def test_every_read_of_live_aws_goes_where_botocore_sends_it(service: str) -> None:
    session = _session()
    lean = LeanService(session, service)
    compared = 0
    for region in REGIONS:
        place = place_of(lean, region, None)
        ordinary = session.create_client(service, region_name=region)
        if place is None:
            continue
        own = LeanClient(lean, region, place, Keys("AKIDLEAN", "none"), _heard)
        for method, name in lean.operations.items():
            params = least(lean.model.operation_model(name).input_shape)
            sent = _sent(own, method, params)
            if sent is not None:
                assert sent == _sent(ordinary, method, params), (region, name)
                compared += 1
    assert compared >= len(REGIONS) - 2


REFUSALS = {"ClusterNotFoundException": "ClusterNotFoundException", "ExpiredTokenException": "ClientError"}
"""Codes of errors, and the exceptions by which botocore raises them: the service's own, or the common one."""
ASKED_AGAIN = {
    "ThrottlingException": 400,
    "RequestLimitExceeded": 400,
    "RequestTimeout": 400,
    "LimitBeyondTheModel": 429,
    "": 429,
}
"""Codes of errors with their statuses: too many requests is one by its status alone, too, as a proxy answers it."""


def _ended(code: str, status: int = 400) -> dict[str, Any] | None:
    """What a lean client makes of a refusal of ECS with an error code."""
    service = LeanService(_session(), "ecs")
    place = place_of(service, REGIONS[0], None)
    assert place is not None
    lean = LeanClient(service, REGIONS[0], place, Keys("AKIDLEAN", "none"), _heard)
    body = b'{"__type": "%s"}' % code.encode() if code else b""
    answer = {"status_code": status, "headers": {}, "context": {}, "body": body}
    parser = service.session.get_component("response_parser_factory").create_parser(lean.protocol)
    model = service.model.operation_model("ListServices")
    parsed = parser.parse(answer, model.output_shape)
    return lean.final_answer(model, answer, parsed)


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_that_no_second_attempt_changes_is_raised_as_botocore_raises_it(code: str) -> None:
    with pytest.raises(ClientError) as refused:
        _ended(code)
    assert refused.value.response["Error"]["Code"] == code
    assert type(refused.value).__name__ == REFUSALS[code]


@pytest.mark.parametrize("code", ASKED_AGAIN)
def test_what_botocore_asks_again_for_is_left_to_it(code: str) -> None:
    assert _ended(code, ASKED_AGAIN[code]) is None


def _read_client() -> ReadClient:
    return ReadClient(SIT, reads(), Credentials(access_key_id="AKIDLEAN", secret_access_key="none"))


def test_all_services_but_s3_are_read_by_lean_clients() -> None:
    client = _read_client()
    services = {name.partition(":")[0] for name in reads()}
    lean = {name for name in services if isinstance(client.caller(name, REGIONS[0]), LeanClient)}
    assert services - lean == LEFT_TO_BOTOCORE


@pytest.mark.parametrize("setting", OF_BOTOCORE)
def test_what_only_botocore_knows_is_left_to_it(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_usual(_session())
    for name, value in OF_BOTOCORE[setting].items():
        monkeypatch.setenv(name, value)
    assert not is_usual(_session())
    assert not isinstance(_read_client().caller("ecs", REGIONS[0]), LeanClient)
