"""Installs a headless Chromium and axe-core into .tools/browser: ``python -m utils.aws_mgmt.generate.browser``.

Proofs open the report's page in it. Both are npm packages, pinned; the browser comes packed, with the libraries that
a bare machine lacks. `make browser` installs into a folder that checkouts share, and links .tools/browser to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from reports.allure.html import TOOLS, node_beside_python
from reports.allure.install import install_packages
from reports.terminal.console import complain, result

FOLDER = TOOLS / "browser"
CHROMIUM, LIBRARIES = FOLDER / "chromium", FOLDER / "al2023" / "lib"
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
PACKAGES = ("@sparticuz/chromium@153.0.0", "axe-core@4.14.1")
_UNPACK = """
import chromium, { inflate } from "@sparticuz/chromium";
await chromium.executablePath();
await inflate("node_modules/@sparticuz/chromium/bin/al2023.tar.br");
"""
_TIMEOUT_S = 300


def main(folder: Path = FOLDER) -> int:
    """Install afresh. Returns 0, or 1 with a sentence on stderr."""
    if folder.is_symlink():  # to what other checkouts use
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    trouble = install_packages(folder, *PACKAGES) or _unpack(folder)
    if trouble:
        complain(trouble)
        return 1
    result(f"{', '.join(PACKAGES)} are installed.\n")
    return 0


def _unpack(folder: Path) -> str:
    node = shutil.which("node") or node_beside_python() or "node"
    done = subprocess.run(
        [node, "--input-type=module", "--eval", _UNPACK],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return f"Chromium could not be unpacked: {done.stderr.strip()[-300:]}" if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
