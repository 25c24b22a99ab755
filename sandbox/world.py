"""The world as a disaster sees it: admin calls on either side, each with the call that takes it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from dr_estate.environments import Environment, Side
from sandbox import faults
from sandbox.emulator import Emulator
from sandbox.errors import SandboxError
from sandbox.inprocess import Clients
from sandbox.state import STATE, Outage

Undo = dict[str, Any]
GLOBAL = ("route53", "cloudfront", "iam")


class World:
    """Calls reach the backends directly: they are not counted and no outage meets them."""

    def __init__(self, environment: Environment, emulator: Emulator) -> None:
        self.environment = environment
        self.emulator = emulator
        self._clients = Clients(emulator)
        self._undo: list[Undo] = []

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants the world was seeded with."""
        return STATE.tenants

    def client(self, service: str, region: str) -> Any:
        """Return an admin boto3 client of ``service`` in ``region``."""
        return self._clients.client(service, region)

    def call(self, side: Side | str, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call ``operation`` (``DeleteService`` or ``delete_service``) on ``side``; return its answer.

        Raises SandboxError, naming the call, where the world refuses it.
        """
        return self._send(self._region(side, service), service, operation, params)

    def undo(self, side: Side | str, service: str, operation: str, **params: Any) -> None:
        """Record the call that takes back what was, or is about to be, done. Replayed last first."""
        region = self._region(side, service)
        self._undo.append({"region": region, "service": service, "operation": operation, "params": params})

    def outage(self, side: Side | str, how: str, service: str = "", operation: str = "", **more: Any) -> None:
        """Let ``side``'s region answer badly (see Outage); mending ends it. GLOBAL means the us-east-1 region."""
        region = self.environment.region(Side(side))
        outage = Outage(region, how, service, operation, **more)
        faults.begin(outage)
        self._undo.append({"outage": asdict(outage)})

    def recorded(self) -> list[Undo]:
        """Hand over, and forget, the inverse calls recorded so far."""
        recorded, self._undo = self._undo, []
        return recorded

    def replay(self, undo: list[Undo]) -> None:
        """Take back what ``undo`` recorded, last first."""
        for step in reversed(undo):
            if "outage" in step:
                faults.end(Outage(**step["outage"]))
            else:
                self._send(step["region"], step["service"], step["operation"], step["params"])

    def _region(self, side: Side | str, service: str) -> str:
        return self.environment.region(Side.GLOBAL if service in GLOBAL else Side(side))

    def _send(self, region: str, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        method = operation if operation.islower() else xform_name(operation)
        try:
            answer: dict[str, Any] = getattr(self.client(service, region), method)(**params)
        except (ClientError, BotoCoreError) as refused:
            raise SandboxError(f"{service}:{operation} in {region} failed: {refused}") from refused
        return answer
