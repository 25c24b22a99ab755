"""Clients that reach the emulator's backends in this very process, without a socket and without a global mock.

They are plain boto3 clients of one private session: a ``before-send`` handler answers each request from the
emulator's own routes. The account travels in the ``x-moto-account-id`` header, which the emulator resolves before it
looks at access keys, so a client over HTTP whose key belongs to that account sees the same world.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto import backend_index
from moto.backends import get_backend
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import normalize_request
from werkzeug.exceptions import HTTPException

Route = tuple[re.Pattern[str], Callable[..., Any]]


class SeedClients:
    """boto3 clients for one account of the emulator, one per service and region, made on first use.

    ``on_call`` is called before each call is answered.
    """

    def __init__(self, account: str) -> None:
        self.account = account
        self.on_call: Callable[[], None] = lambda: None
        self._made: dict[tuple[str, str], Any] = {}
        self._routes: dict[str, list[Route]] = {}
        core = botocore.session.Session()
        # Nobody's key: the account comes from the header below, and no IAM is asked.
        core.set_credentials("AKIASEEDING000000000", "seeding")
        # Before the signature: a header that is added later would not be covered by it.
        core.register("before-sign", self._name_the_account)
        core.register("before-send", self._answer)
        self._session = boto3.Session(botocore_session=core)

    def client(self, service: str, region: str) -> Any:
        """Return the client of ``service`` in ``region``; global services are asked for in us-east-1 (T01, T14)."""
        key = (service, region)
        if key not in self._made:
            settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            self._made[key] = self._session.client(service, region_name=region, config=settings)
        return self._made[key]

    def _name_the_account(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self.account

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.on_call()
        parts = urlsplit(request.url)
        url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        # As moto's own stubber does, without its search through all services for each call.
        for pattern, method in self._routes_of(parts.netloc, url):
            if pattern.match(url):
                http_request = normalize_request(request)
                try:
                    status, headers, body = method(http_request, http_request.raw_url, http_request.headers)
                # Older parts of moto raise their errors as pages of werkzeug.
                except HTTPException as refused:
                    status, headers, body = refused.code, refused.get_headers(), refused.get_body()
                return AWSResponse(request.url, status, headers, MockRawResponse(body))
        raise NotImplementedError(f"the emulator has no route for {request.method} {url}")

    def _routes_of(self, host: str, url: str) -> list[Route]:
        """Return the routes of the services that answer at ``host``, compiled once: the emulator does it each time."""
        if host not in self._routes:
            self._routes[host] = [
                (re.compile(path), method)
                for service, pattern in backend_index.backend_url_patterns
                if pattern.match(url)
                for path, method in _urls_of(service).items()
            ]
        return self._routes[host]


def _urls_of(service: str) -> dict[str, Callable[..., Any]]:
    # The URLs of a service are the same for all accounts and regions.
    backends = cast("Callable[[str], Any]", get_backend)(service)[DEFAULT_ACCOUNT_ID]
    backend = backends["us-east-1"] if "us-east-1" in backends else backends["aws"]
    urls: dict[str, Callable[..., Any]] = backend.urls
    return urls
