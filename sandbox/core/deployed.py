"""Where this process serves its world, and which folder of environment files the image of the tool's task holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Deployment:
    """``url`` is "" while nothing is served; ``environments`` is what was put into the image last."""

    url: str = ""
    environments: Path = ROOT / "environments"


DEPLOYED = Deployment()
