"""boto3 clients that enter the emulator without a socket: as admin, past outages, uncounted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto.core.request import Request
from werkzeug.wrappers import Response

from sandbox.core.people import keys_of
from sandbox.core.request_parser import Environ, identify
from sandbox.world.moto_app import Emulator

CONFIG = Config(
    retries={"total_max_attempts": 1},
    parameter_validation=True,
    s3={"addressing_style": "path"},
    inject_host_prefix=False,
)


class AdminClients:
    """Gives admin clients of ``emulator``, one a service and region."""

    def __init__(self, emulator: Emulator) -> None:
        keys = keys_of(emulator.account, "admin")
        self._emulator = emulator
        self._session = boto3.Session(keys.access_key_id, keys.secret_access_key)
        self._made: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """Return the client of ``service`` in ``region``."""
        key = (service, region)
        if key not in self._made:
            client = self._session.client(service, region, endpoint_url="http://127.0.0.1", config=CONFIG)
            client.meta.events.register_first("before-send", _transport(self._emulator))
            self._made[key] = client
        return self._made[key]


def _transport(emulator: Emulator) -> Callable[..., AWSResponse]:
    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        environ = _environ(request)
        response = emulator.answer(identify(environ), environ)
        return AWSResponse(request.url, response.status_code, response.headers, _Raw(response))

    return send


def _environ(request: AWSPreparedRequest) -> Environ:
    body = request.body.read() if hasattr(request.body, "read") else request.body
    environ: Environ = Request.from_primitives(request.method, request.url, request.headers, body).environ
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
    return environ


class _Raw(io.BytesIO):
    def __init__(self, response: Response) -> None:
        super().__init__(response.get_data())

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the whole body, as urllib3's response does."""
        yield self.read()
