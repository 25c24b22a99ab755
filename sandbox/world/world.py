"""The world as a disaster sees it: admin calls on either side, each with the call that takes it back.

boto3 clients that enter the emulator without a socket: past outages, uncounted.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, cast

import boto3
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.backends import get_backend
from moto.core.request import Request
from werkzeug.wrappers import Response

from dr_estate.config.environment import Environment, Side
from sandbox.core.deployed import DEPLOYED
from sandbox.core.errors import SandboxError
from sandbox.core.people import AccessKeys, keys_of
from sandbox.core.request_parser import Environ, identify
from sandbox.core.state import STATE, Outage
from sandbox.world import fault_injection
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
Undo = dict[str, Any]
GLOBAL = ("route53", "cloudfront", "iam")
# Global services answer in us-east-1 alone; S3 is asked by region and keeps one backend for all of them.
_REGIONLESS = ("s3", *GLOBAL)


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


class World:
    """Calls reach the backends directly: they are not counted and no outage meets them."""

    def __init__(self, environment: Environment, emulator: Emulator) -> None:
        self.environment = environment
        self.emulator = emulator
        self._clients = InProcessClients(emulator)
        DEPLOYED.client_of = self._clients.client_of
        self._undo: list[Undo] = []

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants the world was seeded with."""
        return STATE.tenants

    def client(self, service: str, region: str) -> Any:
        """Return an admin boto3 client of ``service`` in ``region``."""
        return self._clients.client(service, region)

    def call(self, side: Side | str, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Call ``operation`` (``DeleteService`` or ``delete_service``) on ``side``; return its answer.

        Raises SandboxError, naming the call, where the world refuses it.
        """
        return self._send(self._region(side, service), service, operation, params)

    def undo(self, side: Side | str, service: str, operation: str, /, **params: Any) -> None:
        """Record the call that takes back what was, or is about to be, done. Replayed last first."""
        region = self._region(side, service)
        self._undo.append({"region": region, "service": service, "operation": operation, "params": params})

    def alter(self, side: Side | str, service: str, path: Sequence[str | int], **values: Any) -> None:
        """Change what no caller can change (a replication that fails by itself), and record how it was.

        ``path`` leads from the emulator's backend of ``service`` to the thing, by attributes, keys and positions;
        ``values`` are its new attributes. Raises SandboxError where there is no such thing.
        """
        region = self._region(side, service)
        before = self._set(service, region, path, values)
        self._undo.append({"service": service, "region": region, "path": list(path), "before": before})

    def outage(self, side: Side | str, how: str, service: str = "", operation: str = "", **more: Any) -> None:
        """Let ``side``'s region answer badly (see Outage); the repair ends it. GLOBAL means the us-east-1 region."""
        self._begin(Outage(self.environment.region(Side(side)), how, service, operation, **more))

    def outage_everywhere(self, how: str, service: str) -> None:
        """Let a service of no region answer badly; the repair ends it."""
        self._begin(Outage("", how, service))

    def _begin(self, outage: Outage) -> None:
        fault_injection.begin(outage)
        self._undo.append({"outage": asdict(outage)})

    def take_undo(self) -> list[Undo]:
        """Hand over, and forget, the inverse calls recorded so far."""
        recorded, self._undo = self._undo, []
        return recorded

    def replay(self, undo: list[Undo]) -> None:
        """Take back what ``undo`` recorded, last first."""
        for step in reversed(undo):
            if "outage" in step:
                fault_injection.end(Outage(**step["outage"]))
            elif "before" in step:
                self._set(step["service"], step["region"], step["path"], step["before"])
            else:
                self._send(step["region"], step["service"], step["operation"], step["params"])

    def _set(self, service: str, region: str, path: Sequence[str | int], values: dict[str, Any]) -> dict[str, Any]:
        backends = cast(Any, get_backend)(service)[self.environment.account]
        # "aws" is the partition: moto files the backend of a global service under it.
        thing: Any = backends["aws" if service in _REGIONLESS else region]
        try:
            for step in path:
                # Keys before attributes: a dictionary of moto has methods that an identifier could bear the name of.
                is_present = isinstance(step, int) or (hasattr(thing, "__getitem__") and step in thing)
                thing = thing[step] if is_present else getattr(thing, str(step))
            # Read all before the first is set: an attribute that is missing leaves the thing as it was.
            before = {name: getattr(thing, name) for name in values}
        except (AttributeError, KeyError, IndexError) as missing:
            raise SandboxError(f"{service} in {region} has no {'/'.join(map(str, path))}: {missing}") from missing
        for name, value in values.items():
            setattr(thing, name, value)
        return before

    def _region(self, side: Side | str, service: str) -> str:
        return self.environment.region(Side.GLOBAL if service in GLOBAL else Side(side))

    def _send(self, region: str, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        method = operation if operation.islower() else xform_name(operation)
        try:
            with _long_ago():
                answer: dict[str, Any] = getattr(self.client(service, region), method)(**params)
        except (ClientError, BotoCoreError) as refused:
            raise SandboxError(f"{service}:{operation} in {region} failed: {refused}") from refused
        return answer


@contextmanager
def _long_ago() -> Iterator[None]:
    """Make what a disaster or its repair creates available at once: nothing is left creating or pending."""
    # As long as this lasts nothing is pending: the next call of a
    # disaster would be refused on a thing that is creating.
    transition_s = STATE.extras.get("transition_s")
    STATE.extras["transition_s"] = 0
    try:
        yield
    finally:
        STATE.extras.pop("transition_s", None)
        if transition_s is not None:
            STATE.extras["transition_s"] = transition_s
