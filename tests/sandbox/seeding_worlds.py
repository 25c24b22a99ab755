"""Seeded worlds of three tenants, read back with the clients that seeded them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox import moto_ext
from sandbox.core.state import STATE
from sandbox.seeding import seed
from sandbox.seeding.site import SeedClients

FOLDER = Path(__file__).parents[2] / "environments"
SIDES = (Side.PRIMARY, Side.DR)


@dataclass(frozen=True)
class Seeded:
    """A seeded world: its rules and clients of its account."""

    env: Environment
    clients: SeedClients

    def client(self, service: str, side: Side) -> Any:
        """Return the client of ``service`` on ``side``."""
        return self.clients.client(service, self.env.region(side))

    def named(self, pattern: str, tenant: str = "") -> str:
        """Fill a name pattern of the environment."""
        return self.env.named(pattern, tenant=tenant)


def seeded(name: str, tenants: int = 3) -> Iterator[Seeded]:
    """Seed an empty world with the environment of that name, and leave nothing of it behind."""
    moto_ext.install()
    env = load_environment(FOLDER, name)
    BackendDict.reset()
    seed(env, tenants)
    yield Seeded(env, SeedClients(env.account))
    BackendDict.reset()
    STATE.tenants = ()
