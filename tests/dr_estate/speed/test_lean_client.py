"""Lean clients go where botocore's go, sign for whom they sign, and leave to them what they do not know.

How requests look on the wire and how calls end is shown in test_connections.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import botocore.config
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, HTTPClientError

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side
from dr_estate.snapshot.registry import reads
from dr_estate.speed.accounts import AccountClients
from dr_estate.speed.connections import ReceivedAnswer
from dr_estate.speed.lean_client import LeanClient
from tests.dr_checks.worlds import SIT
from tests.dr_estate.aws.least_params import least

pytestmark = pytest.mark.proof

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


class Quiet:
    """A reading that refuses nothing, and that no second attempt is worth its time to."""

    def begin(self, service: str, region: str, operation: str) -> None:
        """Nothing is counted."""

    def sending(self, url: str) -> None:
        """Nothing is timed."""

    def patience(self, service: str = "", region: str = "") -> tuple[float, float, bool]:  # noqa: ARG002 - the same
        """A second each."""
        return 1.0, 1.0, False

    def on_answer(self, model: Any, answer: dict[str, Any]) -> None:
        """Each answer is whole."""


class SeenAccount(AccountClients):
    """Sends nothing: raises what was to be sent."""

    def send(self, request: AWSPreparedRequest, *_: float) -> AWSResponse | None:
        """Raises Seen."""
        raise Seen(request)


def _account(kind: type[AccountClients] = SeenAccount) -> AccountClients:
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "AKIDLEAN", "aws_secret_access_key": "none"}
    return kind(reads(), config=config, settings=keys, reading=Quiet())


def _sent(client: Any, method: str, params: Mapping[str, Any]) -> tuple[str, str, str] | None:
    try:
        getattr(client, method)(**params)
    except Seen as seen:
        return seen.sent
    return None


@pytest.mark.parametrize("service", sorted({name.partition(":")[0] for name in reads()} - LEFT_TO_BOTOCORE))
def test_every_read_of_live_aws_goes_where_botocore_sends_it(service: str) -> None:
    account, compared = _account(), 0
    for region in REGIONS:
        own, ordinary = account.client(service, region), account.ordinary(service, region)
        if not isinstance(own, LeanClient):
            continue
        model = account.session.get_service_model(service)
        for name in model.operation_names:
            params, method = least(model.operation_model(name).input_shape), xform_name(name)
            assert _sent(own, method, params) == _sent(ordinary, method, params), (region, name)
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
    account = _account()
    body = b'{"__type": "%s"}' % code.encode() if code else b""
    model = account.session.get_service_model("ecs").operation_model("ListServices")
    answer = ReceivedAnswer("", status, {}, body)
    ended: dict[str, Any] | None = account.client("ecs", REGIONS[0]).final_answer(model, answer)
    return ended


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_that_a_retry_cannot_change_is_raised_as_by_botocore(code: str) -> None:
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
    assert isinstance(_read_client().caller("ecs", REGIONS[0]), LeanClient)
    for name, value in OF_BOTOCORE[setting].items():
        monkeypatch.setenv(name, value)
    assert not isinstance(_read_client().caller("ecs", REGIONS[0]), LeanClient)
