"""Identity of the observed system: live AWS, another endpoint, or a sandbox. Pure.

A journal belongs to one world: a rehearsal in a sandbox is no record of the live account.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

REHEARSAL = "SANDBOX REHEARSAL"


class WorldKind(StrEnum):
    """How AWS is reached. A world's name begins with it."""

    LIVE = "live"
    ENDPOINT = "endpoint"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class WorldId:
    """One world. ``detail`` names the endpoints without credentials, or is the sandbox's own id; "" for live AWS."""

    account: str
    kind: WorldKind
    detail: str = ""

    @classmethod
    def live(cls, account: str, endpoint_url: str = "", **of_services: str) -> Self:
        """Name the live account, or the endpoints that stand for it: of all services, or of some by their names."""
        urls = [without_credentials(endpoint_url)] if endpoint_url else []
        urls += [f"{service}={without_credentials(url)}" for service, url in sorted(of_services.items()) if url]
        return cls(account, WorldKind.ENDPOINT, " ".join(urls)) if urls else cls(account, WorldKind.LIVE)

    @classmethod
    def sandbox(cls, account: str, its_id: str) -> Self:
        """Name the sandbox of that id."""
        return cls(account, WorldKind.SANDBOX, its_id)

    @classmethod
    def from_json(cls, data: Any) -> Self | None:
        """Read what ``to_json`` wrote. Returns None for anything else."""
        if not isinstance(data, Mapping) or set(data) != {"account", "kind", "detail"}:
            return None
        if data["kind"] not in list(WorldKind) or not all(isinstance(value, str) for value in data.values()):
            return None
        return cls(data["account"], WorldKind(data["kind"]), data["detail"])

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return {name: str(value) for name, value in asdict(self).items()}

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.kind} {self.detail or 'AWS'}"

    @property
    def full_name(self) -> str:
        """The name with the account."""
        return f"{self.name}, account {self.account}"

    @property
    def folder(self) -> str:
        """The folder of its journals: letters, digits, dots and hyphens; two worlds never share one."""
        if self.kind is not WorldKind.ENDPOINT:
            return "-".join(filter(None, (self.account, str(self.kind), self.detail)))
        host = re.sub(r"[^A-Za-z0-9.]+", "-", urlsplit(self.detail.partition(" ")[0]).netloc).strip("-.")
        return f"{self.account}-{self.kind}-{host or 'other'}-{hashlib.sha256(self.detail.encode()).hexdigest()[:8]}"


def is_sandbox(world_name: str) -> bool:
    """Whether a world's name, such as evidence and reports keep it, is a sandbox's."""
    return world_name.split(maxsplit=1)[:1] == [WorldKind.SANDBOX.value]


def report_title(title: str, world_name: str) -> str:
    """The title of a report on that world: a sandbox's is marked as a rehearsal."""
    return f"{REHEARSAL}: {title}" if is_sandbox(world_name) else title


def without_credentials(url: str) -> str:
    """The URL without user, password, query and fragment: those may hold secrets."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
