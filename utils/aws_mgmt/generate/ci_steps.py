"""Steps that the CI workflows share: actions by the commit of a release, keys by OIDC, packages by their hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

_BY_HASH = "--require-hashes"
INSTALL = f"python -m pip install {_BY_HASH} -r requirements.lock"
PYTHON = "3.13"


@dataclass(frozen=True)
class PinnedAction:
    """An action at the commit of a release; a tag can be moved, a commit cannot. ``folder``: its own in there."""

    repository: str
    commit: str
    version: str
    folder: str = ""

    @property
    def uses(self) -> str:
        """As a step names it."""
        return f"{self.repository}{self.folder}@{self.commit}"


# Compared with the tags of the actions' own repositories.
CHECKOUT = PinnedAction("actions/checkout", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2")
SETUP_PYTHON = PinnedAction("actions/setup-python", "a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0")
CREDENTIALS = PinnedAction(
    "aws-actions/configure-aws-credentials", "ec61189d14ec14c8efccab744f656cffd0e33f37", "v6.1.0"
)
UPLOAD = PinnedAction("actions/upload-artifact", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0")
SARIF = PinnedAction("github/codeql-action", "8aad20d150bbac5944a9f9d289da16a4b0d87c1e", "v4.36.2", "/upload-sarif")
DOWNLOAD = PinnedAction("actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1")
ACTIONS = (CHECKOUT, SETUP_PYTHON, CREDENTIALS, UPLOAD, SARIF, DOWNLOAD)


def setup_steps(repository: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Checkout, Python and the locked packages; ``repository`` is the tool's where the workflow lies in another."""
    return [
        {"uses": CHECKOUT.uses, "with": {**(repository or {}), "persist-credentials": False}},
        {"uses": SETUP_PYTHON.uses, "with": {"python-version": PYTHON}},
        {"name": "Install what is locked", "run": INSTALL},
    ]


def sign_in_step(region: str, role: str, session: str, seconds: int = 3600) -> dict[str, Any]:
    """The step that takes the role for this job alone; ``region`` is the one that its calls go to."""
    inputs = {
        "role-to-assume": role,
        "role-session-name": f"dr-{session}-${{{{ github.run_id }}}}",
        "role-duration-seconds": seconds,
        "aws-region": region,
    }
    return {"uses": CREDENTIALS.uses, "with": inputs}


def report_artifact(name: str) -> dict[str, Any]:
    """The step that keeps report and evidence as an artifact, however the job ended."""
    inputs = {"name": name, "path": "reports/out/", "retention-days": 90}
    return {"name": "Keep the report and its evidence", "if": "always()", "uses": UPLOAD.uses, "with": inputs}


def yaml_text(document: dict[str, Any]) -> str:
    """The workflow as YAML, the release beside each commit."""
    text: str = yaml.safe_dump(document, sort_keys=False, width=200)
    for action in ACTIONS:
        text = re.sub(rf"({re.escape(action.uses)})$", rf"\1 # {action.version}", text, flags=re.MULTILINE)
    return text
