"""Each Next of each posture is pasted into a shell by whom it is meant for, in the world that it was printed in.

One disaster of the catalogue for each posture and answer, some more by the day's seed, what cannot be read, and what is
held beside a recovery: after a real failover test_last_lines does the same, and of every disaster test_matrix judges
the command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from sandbox.disasters import NO_ANSWER, Disaster, catalogue
from tests.proofs.pasting import PLACEHOLDER, RAN, WATCHED, Reader
from tests.proofs.test_matrix import CRAWLS, OF_PROD_ALONE, OF_WARM_ALONE
from tests.sampling import EXHAUSTIVE, every
from tests.utils.running import direct_rules, dr_cli, rules, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
LOOKS = ("status --save-evidence", "failover --assess-only --from-evidence", "failback --assess-only --from-evidence")
"""The estate is read once: three commands judge it."""
ENDS = re.compile(r"(?:To end it|What to do): `([^`]+)`$")
"""The command at the end of the first line."""
BEFORE = "before the disaster"
BARE = re.compile(r" --output \S+ (status|failover|failback)$")
"""A look without any further words: two of them that name each other are a circle."""
UNREAD = ("control-table-deleted", "control-item-unreadable", "dr-dark")
BLIND = "primary-throttled"
LIVE = ("status", "failover", "failback")
EACH = 60
"""Of so many disasters of an estate that serves one is played a day: all in two months."""
HELD = ("test --tabletop --non-interactive", "drill show", "drill clean", "schedule", "failover --validate")
BY_PERSON = {"REASON": "known"}
"""The words that only a person knows; the explanation above the command asks for each."""


@dataclass(frozen=True)
class Desk:
    """A person with the commands of one environment, and the world that they look at."""

    world: Endpoint
    home: Path
    config: Path
    environment: str

    def last_command(self, words: str) -> str:
        """The last command that the screen of ``words`` shows, or the sentence about why there is none."""
        ran = dr_cli(
            f"-e {self.environment} --config {self.config} {words}", self.home, **signed_in(self.world, "operator")
        )
        assert ran.code in (*WATCHED, Exit.VALIDATION_FAILED), ran.err
        assert "Traceback" not in ran.err
        return ran.out.rstrip().splitlines()[-1].strip() if ran.out else re.findall(r"`([^`]+)`", ran.err)[-1]

    def next_of(self, look: str) -> tuple[str, str, str]:
        """What comes next by a look, its command, and the one that its first line says ends an outage."""
        words = f"-e {self.environment} --config {self.config} --format json {look} {self.home / 'seen.json'}"
        ran = dr_cli(words, self.home, **signed_in(self.world, "operator"))
        assert ran.code in RAN, ran.err
        ends = ENDS.search(ran.report["visitors"]["says"])
        return ran.report["next_step"], ran.report["next_command"], ends[1] if ends else ""


@contextmanager
def _desk(home: Path, config: Path, environment: str) -> Iterator[Desk]:
    with borrowed(load_environment(config, environment), tenants=1) as world:
        world.keep(BEFORE)
        yield Desk(world, home, config, environment)


@pytest.fixture(scope="module")
def sit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("sit")
    with _desk(home, rules(home, "sit", QUICK), "sit") as desk:
        yield desk


@pytest.fixture(scope="module", params=["direct", "by AWS"])
def prod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """PROD, where the operator runs a recovery and where AWS does."""
    home = tmp_path_factory.mktemp("prod")
    with _desk(home, (direct_rules if request.param == "direct" else rules)(home, "prod", QUICK), "prod") as desk:
        yield desk


def _playable() -> list[Disaster]:
    return [d for d in catalogue() if d.name not in {*CRAWLS, *OF_PROD_ALONE, *OF_WARM_ALONE}]


def of_postures() -> list[str]:
    """The first disaster of each posture and answer, but the one of the healthy estate."""
    first: dict[tuple[str, str], Disaster] = {}
    for disaster in _playable():
        first.setdefault((disaster.posture, disaster.answer), disaster)
    return [d.name for d in first.values() if d.posture not in (NO_ANSWER, PostureName.NORMAL)]


def _faults(desk: Desk, name: str) -> list[str]:
    """What each look says is next while the disaster is in force, where it does not run."""
    faults, pasted, reader = list[str](), set[str](), Reader(desk.world, desk.home)
    leads: dict[str, str] = {}
    if name:
        desk.world.inject(name)
    try:
        for look in LOOKS:
            step, command, ends = desk.next_of(look)
            leads[look.split()[0]] = bare[1] if (bare := BARE.search(command)) else ""
            unasked = [w for w in PLACEHOLDER.findall(command) if w not in BY_PERSON or step.count(w) < 2]
            faults += [f"{look}: no command: {step}"] if not command else []
            first = BARE.search(ends)
            faults += [f"{look}: its first line names itself: {ends}"] if first and first[1] == look.split()[0] else []
            faults += [f"{look}: {word} stands unexplained in: {step}" for word in unasked]
            for word, filled in BY_PERSON.items():
                command = re.sub(rf"\b{word}\b", shlex.quote(filled), command)
            if command and command not in pasted:
                pasted.add(command)
                faults += [f"{look}: {fault}"] if (fault := reader.fault(command)) else []
    finally:
        desk.world.return_to(BEFORE)
    circles = {f"{look} and {there} name each other" for look, there in leads.items() if leads.get(there) == look}
    return [*faults, *sorted(circles)]


@pytest.mark.parametrize("name", ["", *of_postures(), BLIND], ids=lambda name: name or "healthy")
def test_next_is_one_command_that_runs_as_it_stands(sit: Desk, name: str) -> None:
    assert _faults(sit, name) == []


def test_next_of_some_disasters_runs_as_it_stands(sit: Desk) -> None:
    """Each of them repairs something by a command of its own, or explains how."""
    names = [d.name for d in _playable() if d.posture == PostureName.NORMAL]
    sample = names if EXHAUSTIVE else every(EACH, names)
    assert [f"{name}: {fault}" for name in sample for fault in _faults(sit, name)] == []


def test_next_of_a_region_of_which_one_service_fails_runs_as_it_stands(sit: Desk) -> None:
    """No disaster of the catalogue is this posture."""
    sit.world.begin(Outage(load_environment(sit.config, sit.environment).regions.primary, "error", service="ecs"))
    assert sit.next_of(LOOKS[0])[1].endswith(" doctor")
    assert _faults(sit, "") == []


@pytest.mark.parametrize("name", ["primary-dark", "primary-reads-only"])
def test_next_of_an_outage_of_prod_is_one_command_that_runs_as_it_stands(prod: Desk, name: str) -> None:
    assert _faults(prod, name) == []


@pytest.mark.parametrize("name", UNREAD)
def test_a_look_that_cannot_read_ends_with_a_runnable_command(sit: Desk, name: str) -> None:
    """Looked at as it is: a failback asks the control table itself, for which no saved evidence stands."""
    reader = Reader(sit.world, sit.home)
    sit.world.inject(name)
    try:
        commands = {sit.last_command(look) for look in LIVE}
        assert [] == [fault for command in commands if (fault := reader.fault(command))]
    finally:
        sit.world.return_to(BEFORE)


def test_what_is_held_beside_a_recovery_ends_with_a_runnable_command(sit: Desk) -> None:
    reader = Reader(sit.world, sit.home)
    try:
        commands = {sit.last_command(words) for words in HELD}
        assert [] == [fault for command in commands if (fault := reader.fault(command))]
    finally:
        sit.world.return_to(BEFORE)
