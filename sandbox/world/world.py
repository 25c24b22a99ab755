"""The world as a disaster sees it: admin calls on either side, each with the call that takes it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, cast

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from moto.backends import get_backend

from dr_estate.config.environment import Environment, Side
from sandbox.core.deployed import DEPLOYED
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE, Outage
from sandbox.world import fault_injection
from sandbox.world.in_process_client import InProcessClients
from sandbox.world.moto_app import Emulator

Undo = dict[str, Any]
GLOBAL = ("route53", "cloudfront", "iam")
# Global services answer in us-east-1 alone; S3 is asked by region and keeps one backend for all of them.
_REGIONLESS = ("s3", *GLOBAL)


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
