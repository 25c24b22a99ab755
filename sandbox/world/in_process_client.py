"""boto3 clients that enter the emulator without a socket: past outages, uncounted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto.core.request import Request
from werkzeug.wrappers import Response

from sandbox.core.people import AccessKeys, keys_of
from sandbox.core.request_parser import Environ, identify
from sandbox.world.moto_app import Emulator

CONFIG = Config(
    # No second try: an error inside the world's own calls is a defect that must be seen.
    retries={"total_max_attempts": 1},
    parameter_validation=True,
    # 127.0.0.1 has no bucket names as subdomains.
    s3={"addressing_style": "path"},
    # S3 Control and EFS put the account before the host's name: no such name resolves here.
    inject_host_prefix=False,
)


class InProcessClients:
    """Gives clients of ``emulator``, one for each keys, service and region: the admin's unless other keys are named."""

    def __init__(self, emulator: Emulator) -> None:
        self._admin = keys_of(emulator.account, "admin")
        self._emulator = emulator
        self._session = boto3.Session()
        self._made: dict[tuple[AccessKeys, str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """Return the admin's client of ``service`` in ``region``."""
        return self.client_of(self._admin, service, region)

    def client_of(self, keys: AccessKeys, service: str, region: str) -> Any:
        """Return the client of ``service`` in ``region`` with ``keys``."""
        key = (keys, service, region)
        if key not in self._made:
            own = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
            client = self._session.client(service, region, endpoint_url="http://127.0.0.1", config=CONFIG, **own)
            # First: botocore sends by the first handler that returns an answer.
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
