"""The ground on which training scenes are played in tests: one managed sandbox, returned to between scenes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client import daemon
from sandbox.client.endpoint import Endpoint
from tests.utils.running import Ran, dr_cli, rules
from tests.worlds import home_with_seeds
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

FULL = os.environ.get("DR_FULL_TRAINING") == "1"
"""Play every scene to its good end with the real command line, which takes minutes."""

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)


@dataclass
class Ground:
    """A sandbox of two tenants, and where its commands keep their files."""

    world: Endpoint
    env: Environment
    home: Path
    config: Path

    @property
    def tenants(self) -> list[str]:
        """The tenants of the world, in order."""
        return list(self.world.state()["tenants"])

    def cli(self, words: str, *more: str) -> Ran:
        """Run a command as its users do; ``more`` are words that hold blanks."""
        line = f"-e {self.env.name} --config {self.config} --sandbox {words}"
        return dr_cli(line, self.home, extra=more)

    def client(self, service: str, side: Side) -> Any:
        """A plain client of the admin, who tries once."""
        keys = self.world.people["admin"]
        return boto3.client(
            service,
            self.env.region(side),
            endpoint_url=self.world.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=ONCE,
        )

    def service(self, tenant: str) -> dict[str, str]:
        """Cluster and service of a tenant."""
        names = self.env.names
        return {"cluster": self.env.named(names.cluster), "service": self.env.named(names.service, tenant=tenant)}

    def standings(self) -> dict[str, str]:
        """How each goal of the scene stands."""
        return {goal["id"]: goal["standing"] for goal in self.world.debrief()["goals"]}


@dataclass(frozen=True)
class Here:
    """Runs ``sandbox`` commands in this process: quicker, and otherwise the same."""

    ground: Ground
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str) -> Ran:
        """Run one of them."""
        line = ["-e", self.ground.env.name, "--config", str(self.ground.config), *words.split()]
        code = run_command(parse(line))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def told(self, words: str) -> Any:
        """What it says in JSON."""
        return json.loads(self.run(f"{words} --format json").out)


@contextmanager
def ground_in(home: Path) -> Iterator[Ground]:
    """Start the sandbox in a folder of its own, and throw it away in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DR_SANDBOX_HOME", str(home_with_seeds(home / "sandbox")))
        patch.setenv("XDG_STATE_HOME", str(home))
        config = rules(home, "sit", QUICK)
        env = load_environment(config, "sit")
        try:
            world = daemon.up(env, 2)
            world.timing(transition_s=0.1)
            world.keep("healthy")
            yield Ground(world, env, home, config)
        finally:
            daemon.purge(env)


def overriding(*gates: str) -> tuple[str, ...]:
    """The words that set these gates aside for an hour."""
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    return tuple(word for gate in gates for word in ("--override", gate, "Jane Doe", until, "it was looked at"))
