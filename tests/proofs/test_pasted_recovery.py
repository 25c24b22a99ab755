"""docs/runbook.md and the failover of README.md as operator, approver and zone administrator paste them, in PROD."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from dr_estate.config.environment import Environment, load_environment
from sandbox.client.endpoint import Endpoint
from tests.proofs.pasting import Newcomer, blocks, commands, newcomer_in, promised, sections
from tests.utils.pseudo_terminal import Terminal, begun
from tests.utils.running import ROOT, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TERMINAL, *_ = blocks(RUNBOOK)
PARTS = sections(RUNBOOK, "##")
SPLIT = "### When both regions write"
QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1\n"
PINNED = "dr approve --rules"
NEVER, PATIENCE_S = "\0", 600
WHO = {"the operator": "operator", "the approver": "approver", "an approver": "approver", "anybody": "reader"}


@dataclass(frozen=True)
class People:
    """The people of a PROD, each with a clone and a terminal; ``world`` is the account that they sign in to."""

    world: Endpoint
    env: Environment
    home: Newcomer

    @contextmanager
    def pasting(self, lines: str, person: str = "") -> Iterator[Terminal]:
        """A command as it is printed, at a terminal of whom its comment names (without one: of the operator)."""
        variables = signed_in(self.world, person or person_of(lines))
        signed = Newcomer(self.home.home, {**self.home.variables, **variables, "TERM": "xterm"})
        script = f"cd {shlex.quote(str(signed.checkout))}\n{TERMINAL}{lines}"
        with begun(["/bin/bash", "--norc", "--noprofile", "-c", script], signed.environment) as terminal:
            yield terminal

    def fault(self, lines: str, person: str = "") -> str:
        """Paste a command and answer what it asks; how it ended, where that is otherwise than its page says."""
        with self.pasting(lines, person) as terminal:
            code = ended(terminal)
            return "" if code == promised(lines) else f"{lines.strip()}: exit {code}: {terminal.shown[-900:]}"


def person_of(lines: str) -> str:
    """Whose command it is, by its comment."""
    comment = lines.partition("# ")[2]
    return next((person for words, person in WHO.items() if comment.startswith(words)), "operator")


def words_of(lines: str) -> set[str]:
    """The commands of a line, without its comment."""
    return {words.strip() for words in lines.partition("  #")[0].split(";")}


def until(terminal: Terminal, text: str) -> bool:
    """Read on until ``text`` is shown (False: until the end), and type each name that is asked for."""
    typed = 0
    while text not in terminal.shown and terminal.read(PATIENCE_S):
        questions = re.findall(r"Type (\S+): ", terminal.shown)
        for name in questions[typed:]:
            terminal.press(f"{name}\n".encode())
        typed = len(questions)
    return text in terminal.shown


def ended(terminal: Terminal) -> int:
    """The exit code of a command, once it ended."""
    until(terminal, NEVER)
    return terminal.wait()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with newcomer_in(tmp_path_factory.mktemp("people")) as home, _account(home) as people:
        yield people


@contextmanager
def _account(home: Newcomer) -> Iterator[People]:
    rules = home.checkout / "environments" / "prod.toml"
    rules.write_text(f"{rules.read_text(encoding='utf-8')}\n{QUICK}", encoding="utf-8")
    env = load_environment(rules.parent, "prod")
    with borrowed(env, tenants=1) as world:
        world.put_image(rules.parent)
        world.timing(transition_s=0.1, log_upload_s=1, files_lag_s=1, replica_lag_s=0, lag_published_s=1)
        world.enforce_iam(True)
        people = People(world, env, home)
        (pin,) = [line for line in readme() if PINNED in words_of(line)]
        assert people.fault(pin) == ""
        world.keep("pinned")
        yield people


def readme() -> list[str]:
    """The commands of README's failover."""
    (block,) = blocks(sections(README, "##")["Fail over"])
    return commands(block)


def runbook(part: str) -> list[str]:
    """The commands of a part of the runbook."""
    return [lines for block in blocks(PARTS[part].partition(SPLIT)[0]) for lines in commands(block)]


def test_a_lost_region_is_recovered_by_commands_of_runbook_and_readme(people: People) -> None:
    people.world.return_to("pinned")
    people.world.inject("primary-dark")
    faults = [people.fault(lines) for lines in runbook("1. Assess")]
    recover(people, *runbook("3. Execute"))
    faults += [people.fault(lines) for lines in runbook("6. Afterwards")]
    pasted = {words for part in PARTS for lines in runbook(part) for words in words_of(lines)} | {PINNED}
    faults += [people.fault(lines) for lines in readme()[1:] if not pasted.issuperset(words_of(lines))]
    assert [] == [fault for fault in faults if fault]


@contextmanager
def started(people: People, ask: str, approve: str) -> Iterator[Terminal]:
    """A run that one person asked for at this terminal, and that another one approved."""
    with people.pasting(ask) as operator:
        assert until(operator, "waits for an approver"), operator.shown
        assert people.fault(approve) == ""
        yield operator


def recover(people: People, ask: str, approve: str, attach: str) -> None:
    """Play the run to its end while a third person watches, and a fourth one makes the change of the zone."""
    with started(people, ask, approve) as operator, people.pasting(attach) as watching:
        by_hand = operator.until_line("aws route53 change-resource-record-sets")
        assert people.fault(f"{by_hand}\n", "admin") == ""
        assert (ended(operator), ended(watching)) == (0, 0), operator.shown + watching.shown


def test_two_writing_regions_become_one_by_the_commands_of_the_runbook(people: People) -> None:
    people.world.return_to("pinned")
    people.world.inject("both-regions-serve")
    (block,) = blocks(PARTS["5. When a run is refused or stops"].partition(SPLIT)[2])
    plan, ask, approve, release = commands(block)
    faults = [people.fault(plan)]
    with started(people, ask, approve) as operator:
        assert ended(operator) == 0, operator.shown
    faults.append(people.fault(release))
    assert [] == [fault for fault in faults if fault]
