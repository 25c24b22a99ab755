"""Right after a disaster every command that `status` prints for it is pasted into a shell, and the findings are gone.

What a person does instead of a command stands in remedies_of_people.toml, with the reason: a disaster that has healed,
is red there. ``DR_FULL_REMEDIES=1`` plays the whole catalogue; without it a few disasters. Of fields that plain boto3
changes (mutations.py) a few are drawn by the seed of the day, all by ``DR_FULL_REMEDIES=1``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from dr_checks.core.model import Finding, Status
from dr_estate.config.environment import Side
from dr_estate.model.invocation import Invocation, aws_command
from dr_estate.model.unavailable import DataUnavailable
from sandbox.disasters import catalogue
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults import FAULTS
from tests.proofs.mutations import MUTATIONS
from tests.proofs.test_matrix import OF_PROD_ALONE, OF_WARM_ALONE
from tests.proofs.watching import Watch, judged
from tests.sampling import SEED
from tests.utils.running import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]
FULL = os.environ.get("DR_FULL_REMEDIES") == "1"
RECORD = Path(__file__).parent / "remedies_of_people.toml"
REASONS: dict[str, list[str]] = tomllib.loads(RECORD.read_text(encoding="utf-8"))
BY_PEOPLE = {name for names in REASONS.values() for name in names}
ASLEEP = "services-asleep"
SAMPLE = {
    "alb-keep-alive-default",
    "backup-type-not-opted-in",
    "definition-smaller",
    "efs-mount-target-deleted",
    "kms-files-key-deleted",
    "log-group-deleted",
    "scaling-capped",
    "secrets-replica-removed",
}
HEALING = {
    "balancer behind another group",
    "host names off",
    "log group deleted",
    "mount target deleted",
    "public access blocked",
    "repository's key doomed",
    "secret replica removed",
    "secrets key disabled",
}
"""Single faults of the equivalence proof that commands heal."""
ONE_CALL = {
    "ACL of data stops MySQL late",
    "balancer's zones",
    "copy's encryption",
    "default answer",
    "health check's threshold",
    "policy's target",
    "policy deleted",
    "rule to another tenant",
    "service's one subnet",
    "service's room",
    "service's subnets",
}
"""Changed fields that one printed command heals, or one a rule; of the others none need be printed."""
FIELDS = {fault.name: fault for fault in MUTATIONS}
DRAWN = sorted(FIELDS) if FULL else Random(SEED).sample(sorted(FIELDS), 6)  # noqa: S311 - drawn again by a seed
ROUNDS, PATIENCE_S = 3, 60
SERVICES = {"s3api": "s3"}
"""Services of the AWS CLI that the API names otherwise."""
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
            "PATH": f"{Path(sys.executable).parent}:{AWS.parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.watch.world.url,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        }


def reported(watch: Watch, touched: Collection[str]) -> dict[Key, Finding]:
    """What `status` says against the estate after a change to the services ``touched``, by what it is about."""
    found = judged(watch.again(touched), watch.environment)
    rows = (f for result in found.values() for f in result.findings)
    bad = (Status.FAIL, Status.WARN, Status.UNKNOWN)
    return {(f.check, f.side, f.subject, f.tenant): f for f in rows if f.status in bad}


def heal(
    watch: Watch, touched: Collection[str], patience_s: float = PATIENCE_S
) -> tuple[dict[Key, Finding], list[str]]:
    """Paste what is printed until nothing more is; return what `status` still says, and what failed."""
    touched, pasted, failures = set(touched), set[str](), list[str]()
    invocation = Invocation(("-e", watch.environment.name))
    for _ in range(ROUNDS):
        left = reported(watch, touched)
        commands = dict.fromkeys(c for finding in left.values() for c in finding.commands if c not in pasted)
        if not commands:
            break
        for command in commands:
            failures += filter(None, [Person(watch).paste(invocation.typed_line(command, rehearsal=True))])
            touched |= {SERVICES.get(word := command.split()[1], word)}
        pasted |= commands.keys()
    until = time.monotonic() + patience_s
    begun = [command for command in pasted if changes_something(command) or not command.startswith("aws ")]
    while begun and (left := reported(watch, touched)) and time.monotonic() < until:
        time.sleep(0.5)  # what was begun takes a moment, as on AWS
    return left, failures


def unhealed(watch: Watch, touched: Collection[str]) -> list[str]:
    """What is still against the estate after all was pasted: checks, and commands that failed."""
    try:
        left, failures = heal(watch, touched)
    except DataUnavailable as refused:
        return [str(refused)]
    return [*failures, *sorted({key[0] for key in left})]


def changes_something(command: str) -> bool:
    """Whether a command does more than look."""
    words = command.split()
    return words[0] == "aws" and words[2].partition("-")[0] not in ("describe", "get", "list", "test")


def broken(watch: Watch) -> Iterator[Watch]:
    """The estate to be broken, whose changes are quick; given back as it was."""
    watch.renew()
    watch.world.keep(BEFORE)
    watch.world.timing(transition_s=0.05)
    yield watch
    watch.world.return_to(BEFORE)


@pytest.fixture
def estate(request: pytest.FixtureRequest, name: str) -> Iterator[Watch]:
    """The watched world in which the disaster can happen."""
    kind = "warm_watch" if name in OF_WARM_ALONE else "prod_watch" if name in OF_PROD_ALONE else "sit_watch"
    yield from broken(request.getfixturevalue(kind))


@pytest.fixture
def sit(sit_watch: Watch) -> Iterator[Watch]:
    """The watched world of SIT."""
    yield from broken(sit_watch)


@pytest.mark.parametrize("name", [d.name for d in catalogue() if FULL or d.name in SAMPLE])
def test_a_printed_remedy_heals_the_disaster_or_says_why_a_person_must(estate: Watch, name: str) -> None:
    left = unhealed(estate, estate.world.inject(name))
    if name == ASLEEP and estate.environment.scheduled_off(datetime.now(UTC)):
        assert not left, "by night they sleep as planned"
        return
    assert bool(left) is (name in BY_PEOPLE), left


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name in HEALING], ids=lambda fault: fault.name)
def test_what_is_printed_heals_the_fault(sit: Watch, fault: Fault) -> None:
    world = sit.world
    fault.make(Aws(world.url, world.people["admin"], sit.environment, world.state()["tenants"][-1]))
    assert unhealed(sit, fault.touches) == []


@pytest.mark.parametrize("name", DRAWN, ids=lambda name: name.replace(" ", "-"))
def test_what_is_printed_for_a_changed_field_heals_it(sit: Watch, name: str) -> None:
    """No command fails, and what has one that changes something is gone; other fields are a person's, or no matter."""
    world, fault = sit.world, FIELDS[name]
    fault.make(Aws(world.url, world.people["admin"], sit.environment, world.state()["tenants"][-1]))
    left, failures = heal(sit, fault.touches, patience_s=6)
    assert not failures
    assert not [f.check for f in left.values() if any(map(changes_something, f.commands))]
    assert not (left and name in ONE_CALL), sorted({key[0] for key in left})


def test_what_is_on_record_can_happen() -> None:
    assert set(BY_PEOPLE) <= {disaster.name for disaster in catalogue()}
    assert {fault.name for fault in FAULTS} >= HEALING
    assert FIELDS.keys() >= ONE_CALL


@pytest.mark.parametrize("value", ['it\'s $(id) `id`\nand "more"', "file:///etc/hostname", "--debug", "[1]"])
def test_the_aws_cli_sends_a_hostile_value_as_it_is(sit: Watch, value: str) -> None:
    env, name = sit.environment, "/hostile"
    put = aws_command("ssm", "PutParameter", env.regions.dr, Name=name, Type="String", Value=value)
    assert Person(sit).paste(put) == ""
    ssm = Aws(sit.world.url, sit.world.people["admin"], env, "").client("ssm", Side.DR)
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == value
