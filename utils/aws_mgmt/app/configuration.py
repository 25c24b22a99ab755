"""The folder of the environment files, where the command names none."""

from __future__ import annotations

import os
from pathlib import Path

from utils.aws_mgmt.app.options import EVERY, SHIPPED


def configuration(environment: str) -> Path:
    """Return the folder of the environment files without --config.

    That is DR_CONFIG, else the nearest ``environments`` folder upwards from the working directory that knows the
    environment (of several the first, of all any), else the shipped one.
    """
    if given := os.environ.get("DR_CONFIG"):
        return Path(given)
    here = Path.cwd()
    folders = (folder / SHIPPED.name for folder in (here, *here.parents))
    name = "*" if environment == EVERY else environment.partition(",")[0].strip()
    return next((folder for folder in folders if any(folder.glob(f"{name}.toml"))), SHIPPED)
