"""A sandbox is asked by its own name where AWS's rules put the account before it; AWS itself as they say."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from dr_estate.aws.configured_endpoints import keep_loopback_hosts

ACCOUNT = "093646564004"


def asked(endpoint: str | None) -> tuple[str, str]:
    """The address that a listing of jobs is sent to, and how it is signed."""
    session, sent = botocore.session.Session(), list[Any]()
    keep_loopback_hosts(session)
    client = session.create_client(
        "s3control", "eu-west-1", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s"
    )

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, _Body())

    client.meta.events.register("before-send", answer)
    client.list_jobs(AccountId=ACCOUNT)
    return sent[0].url, sent[0].headers["Authorization"].decode()


class _Body:
    def stream(self, **_: Any) -> list[bytes]:
        return [b"<ListJobsResult/>"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_has_no_name_for_an_account(host: str) -> None:
    url, signed = asked(f"http://{host}:5999")
    assert f"http://{host}:5999/v20180820/jobs" == url
    assert "SignedHeaders=host;" in signed


@pytest.mark.parametrize(
    ("endpoint", "host"), [(None, "s3-control.eu-west-1.amazonaws.com"), ("https://proxy.example", "proxy.example")]
)
def test_any_other_endpoint_is_asked_under_the_account(endpoint: str | None, host: str) -> None:
    assert f"https://{ACCOUNT}.{host}/v20180820/jobs" == asked(endpoint)[0]
