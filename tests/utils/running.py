"""Runs the command line as its users do: another process, a clean environment, nothing but arguments."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.utils.forking import begin

ROOT = Path(__file__).parents[2]
PATIENCE_S = 600
"""A net for what hangs, and no measure: beside other proofs a drill to its end takes minutes."""
_PROGRESS = re.compile(r" \(\d+ s\)$")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def warned(self) -> str:
        """What it said on stderr besides how far it is, which a slow machine gets to see."""
        return "".join(line for line in self.err.splitlines(keepends=True) if not _PROGRESS.search(line))

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def statuses(self) -> dict[str, str]:
        """Status by check id."""
        return {result["check"]: result["status"] for result in self.report["results"]}


def journal_of(home: Path, environment: str, incident: str) -> Path | None:
    """The incident's journal of the one world that ran from the ``home`` folder, None while there is none."""
    return next((home / "out" / "incidents").rglob(f"{environment}-{incident}.journal.jsonl"), None)


def dr_cli(words: str, home: Path, extra: Sequence[str] = (), **variables: str) -> Ran:
    """Run ``dr_cli.py`` with ``words``, and ``extra`` ones that hold blanks.

    Its results, sandbox worlds and state are kept in the ``home`` folder.
    """
    command, env = command_of(words, home, **variables)
    with tempfile.TemporaryDirectory(prefix="said-") as folder:
        running = begin([*command, *extra], env, Path(folder))
        return Ran(running.wait(PATIENCE_S), running.out, running.err)


def command_of(words: str, home: Path, **variables: str) -> tuple[list[str], dict[str, str]]:
    """The command line that ``dr_cli`` runs from ``ROOT``, and its whole environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GITHUB_"))}
    env = {
        **environment,
        "XDG_STATE_HOME": str(home),
        "DR_SANDBOX_HOME": str(home / "sandbox"),
        "HOME": str(home),
        **variables,
    }
    env.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    return ["utils/aws_mgmt/dr_cli.py", "--output", str(home / "out"), *words.split()], env


def at_endpoint(world: Endpoint, home: Path, words: str, person: str = "reader") -> Ran:
    """Run against the world as against live AWS: only the usual AWS variables point at it."""
    return dr_cli(words, home, **signed_in(world, person))


def signed_in(world: Endpoint, person: str) -> dict[str, str]:
    """The AWS variables of a person of the world."""
    keys = world.people[person]
    return {
        "AWS_ENDPOINT_URL": world.url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
    }


def rules(home: Path, name: str, extra: str) -> Path:
    """A folder of environment files that holds the shipped one of that name, with ``extra`` TOML after it."""
    folder = home / "environments"
    folder.mkdir(exist_ok=True)
    shipped = (ROOT / "environments" / f"{name}.toml").read_text(encoding="utf-8")
    (folder / f"{name}.toml").write_text(f"{shipped}\n{extra}\n", encoding="utf-8")
    return folder


def direct_rules(home: Path, name: str, extra: str) -> Path:
    """As ``rules``, where the operator runs a recovery and AWS starts none: automation.enabled is off."""
    folder = rules(home, name, extra)
    run_directly(folder / f"{name}.toml")
    return folder


def run_directly(file: Path) -> None:
    """Switch automation.enabled off in an environment file, where it is on."""
    file.write_text(file.read_text(encoding="utf-8").replace("[automation]\nenabled = true\n", ""), encoding="utf-8")
    assert not load_environment(file.parent, file.stem).automation.enabled


def warm_rules(home: Path, name: str, extra: str) -> Path:
    """As ``rules``, of a standby with a task a tenant in the DR region, on a read replica, and that never sleeps."""
    folder = rules(home, name, extra)
    file, changes = (
        folder / f"{name}.toml",
        {
            'mode = "pilot-light"\ntasks_per_service = 0': 'mode = "warm"\ntasks_per_service = 1',
            'off_from = "19:00:00"': 'off_from = "07:00:00"',
            "weekends_off = true": "weekends_off = false",
            "[replication]\n": '[replication]\ndatabase = ["read-replica", "backup-copy"]\n',
        },
    )
    text = file.read_text(encoding="utf-8")
    for shipped, wanted in changes.items():
        assert shipped in text, f"{name} ships no {shipped}"
        text = text.replace(shipped, wanted)
    file.write_text(text, encoding="utf-8")
    return folder
