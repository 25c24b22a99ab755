"""Plain boto3 of one person, and what a change is that they make and take back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import boto3

from dr_estate.config.environment import Environment, Side
from sandbox.core.people import AccessKeys

Made = Callable[["Aws"], AbstractContextManager[None]]


@dataclass(frozen=True)
class Aws:
    """Plain boto3 clients of one person at an endpoint, and the names of what is there."""

    url: str
    keys: AccessKeys
    env: Environment
    tenant: str

    def client(self, service: str, side: Side) -> Any:
        """A client, as anybody makes one."""
        return boto3.client(
            service,
            self.env.region(side),
            endpoint_url=self.url,
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
        )

    def named(self, pattern: str) -> str:
        """A name of the environment, for the tenant."""
        return self.env.named(pattern, tenant=self.tenant)
