"""Right after a disaster every command that `status` prints for it is pasted into a shell, and the findings are gone.

What a person does instead of a command stands in remedies_of_people.toml, with the reason: a disaster that has healed,
or that no longer brings what it is listed for, is red there. ``DR_FULL_REMEDIES=1`` plays the whole catalogue, and the
faults of the equivalence proof beside it; without it a few of each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_checks.core.model import Finding, Status
from dr_estate.config.environment import Side
from dr_estate.model.invocation import Invocation
from dr_estate.model.unavailable import DataUnavailable
from sandbox.disasters import catalogue
from tests.proofs.test_matrix import OF_PROD_ALONE, OF_WARM_ALONE
from tests.proofs.watching import Watch, judged
from tests.utils.running import ROOT

pytestmark = pytest.mark.proof
FULL = os.environ.get("DR_FULL_REMEDIES") == "1"
BY_PEOPLE: Mapping[str, Mapping[str, str]] = tomllib.loads(
    (Path(__file__).parent / "remedies_of_people.toml").read_text(encoding="utf-8")
)
SAMPLE = {
    "alb-keep-alive-default",
    "backup-type-not-opted-in",
    "dr-vault-key-disabled",
    "drill-overdue",
    "efs-access-point-renamed",
    "log-group-deleted",
    "scaling-capped",
    "secrets-replica-removed",
}
ROUNDS = 3
BEFORE = "before the disaster"
AWS = ROOT / ".tools" / "awscli" / "bin" / "aws"
Key = tuple[str, Side, str, str | None]


@dataclass(frozen=True)
class Person:
    """Somebody at a shell in the checkout, with the keys of the world's administrator."""

    watch: Watch

    def paste(self, command: str) -> str:
        """What the command says where it fails, "" where it ends well."""
        shell = ["/bin/sh", "-c", command]
        ran = subprocess.run(shell, env=self._shell(), cwd=ROOT, capture_output=True, text=True, check=False)
        return f"{command}\n{ran.stderr.strip() or ran.stdout.strip()}" if ran.returncode else ""

    def _shell(self) -> dict[str, str]:
        keys, home = self.watch.world.people["admin"], os.environ.get("HOME", "/")
        return {
            "HOME": home,
            "PATH": f"{AWS.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.watch.world.url,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        }


def told(watch: Watch, touched: Collection[str]) -> dict[Key, Finding]:
    """What `status` says against the estate after a change to the services ``touched``, by what it is about."""
    found = judged(watch.again(touched), watch.environment)
    rows = (f for result in found.values() for f in result.findings)
    bad = (Status.FAIL, Status.WARN, Status.UNKNOWN)
    return {(f.check, f.side, f.subject, f.tenant): f for f in rows if f.status in bad}


def heal(watch: Watch, touched: Collection[str]) -> tuple[dict[Key, Finding], list[str]]:
    """Paste what is printed until nothing more is; return what `status` still says, and what failed."""
    touched, pasted, failures = set(touched), set[str](), list[str]()
    invocation = Invocation(("-e", watch.environment.name))
    for _ in range(ROUNDS):
        left = told(watch, touched)
        commands = dict.fromkeys(c for f in left.values() for c in f.commands if c not in pasted)
        if not commands:
            return left, failures
        for command in commands:
            failures += filter(None, [Person(watch).paste(invocation.typed(command, rehearsal=False))])
            touched |= {SERVICES.get(word := command.split()[1], word)}
        pasted |= commands.keys()
    return told(watch, touched), failures


SERVICES = {"s3api": "s3"}


def unhealed(watch: Watch, touched: Collection[str]) -> list[str]:
    """The checks that are still against the estate after all was pasted; a failed command is named, too."""
    left, failures = heal(watch, touched)
    return [*failures, *sorted({key[0] for key in left})]


@pytest.fixture
def estate(request: pytest.FixtureRequest, name: str) -> Iterator[Watch]:
    """The watched world in which the disaster can happen, given back as it was."""
    kind = "warm_watch" if name in OF_WARM_ALONE else "prod_watch" if name in OF_PROD_ALONE else "sit_watch"
    watch: Watch = request.getfixturevalue(kind)
    watch.world.keep(BEFORE)
    yield watch
    watch.world.return_to(BEFORE)


NAMES = [disaster.name for disaster in catalogue() if FULL or disaster.name in SAMPLE]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_heals_the_disaster_or_a_person_is_named_the_reason(estate: Watch, name: str) -> None:
    touched = estate.world.inject(name)
    try:
        left = unhealed(estate, touched)
    except DataUnavailable as refused:
        left = [str(refused)]
    assert bool(left) is (name in BY_PEOPLE["disasters"]), left
