"""Requests that are signed here are byte by byte those that botocore signs at the same moment."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, prepare_request_dict
from botocore.credentials import ReadOnlyCredentials

from dr_estate.snapshot.registry import reads
from dr_estate.speed.lean_client import LeanService, RootSigner, SignedPlace, place_of
from tests.dr_estate.aws.least_params import least
from tests.dr_estate.speed.test_lean_client import _account

pytestmark = pytest.mark.proof

REGION, AGENT = "eu-west-1", "an agent"
ENDPOINTS = (None, "http://127.0.0.1:4566", "http://[::1]:4566/", "https://Proxy.example")
SERVICES = sorted({name.partition(":")[0] for name in reads()})


def _both(lean: LeanService, place: SignedPlace, name: str, token: str | None) -> list[tuple[object, ...]] | None:
    """The request as it is signed here and as botocore signs it; None where it is left to botocore."""
    model, keys = lean.model.operation_model(name), ReadOnlyCredentials("AKIDROOT", "secret", token)
    signer = RootSigner(place.endpoint_url, urlsplit(place.endpoint_url).netloc.lower(), place.service, place.region)
    for _ in range(10):  # until both are of one second
        words = lean.serializer.serialize_to_request(least(model.input_shape), model)
        if not signer.signs(words):
            return None
        own = signer.signed_request(words, AGENT, keys)
        prepare_request_dict(words, place.endpoint_url, {}, AGENT)
        request = AWSRequest(words["method"], words["url"], words["headers"], words["body"])
        SigV4Auth(keys, place.service, place.region).add_auth(request)
        botocores = request.prepare()
        body = botocores.body.encode() if isinstance(botocores.body, str) else botocores.body
        if own.headers["X-Amz-Date"] == botocores.headers["X-Amz-Date"]:
            break
    return [
        (sent.method, sent.url, sorted((name.lower(), str(value)) for name, value in sent.headers.items()), content)
        for sent, content in ((own, own.body), (botocores, body or b""))
    ]


@pytest.mark.parametrize("token", [None, "of a role"])
def test_every_request_to_the_root_of_a_service_is_signed_as_botocore_signs_it(token: str | None) -> None:
    compared = set()
    for service in SERVICES:
        lean = LeanService(_account().session, service)
        for endpoint in ENDPOINTS:
            place = place_of(lean, REGION, endpoint)
            for name in lean.operations.values():
                both = place and _both(lean, place, name, token)
                if both:
                    assert both[0] == both[1], (endpoint, service, name)
                    compared.add(service)
    assert {"ecs", "secretsmanager", "rds", "ec2", "iam"} <= compared
    assert not compared & {"s3", "route53", "backup"}


def test_what_goes_elsewhere_than_to_the_root_is_left_to_botocore() -> None:
    words = {"url_path": "/", "query_string": "", "method": "POST", "headers": {}, "body": b""}
    assert RootSigner("https://ecs.example", "ecs.example", "ecs", REGION).signs(words)
    assert not RootSigner("https://gateway.example/aws", "gateway.example", "ecs", REGION).signs(words)
    for other in ({"url_path": "/a"}, {"query_string": {"a": "b"}}, {"method": "GET"}, {"host_prefix": "data."}):
        assert not RootSigner("https://ecs.example", "ecs.example", "ecs", REGION).signs({**words, **other})
