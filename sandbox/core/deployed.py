"""Where this process serves its world, and which folder of environment files the image of the tool's task holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.core.people import AccessKeys

# The folder of the repository: an image of the tool holds the environment files that lie there.
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Deployment:
    """``url`` is "" while nothing is served; ``environments`` is what was put into the image last.

    ``client_of`` gives a boto3 client of keys, service and region that enters this world without a socket: what a call
    of the world calls in turn. None where there is no world, or the emulator takes all clients of the process.
    """

    url: str = ""
    environments: Path = ROOT / "environments"
    client_of: Callable[[AccessKeys, str, str], Any] | None = None


DEPLOYED = Deployment()
