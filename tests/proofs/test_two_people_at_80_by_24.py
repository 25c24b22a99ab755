"""PROD's failover and staged failback, played by an operator and an approver at terminals of 80 x 24.

They type only what a screen says: each command is taken from a screen, and so is each change of DNS. Another runs
``attach`` and a fourth ``status --watch``. The failback is refused by the cool-down, and is stopped in the write pause.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr_actions.actions.notifications import CRITICAL, topic_arn
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.dynamodb_values import encode_item, instant
from tests.dr_actions.control_table.odd_items import RAN
from tests.proofs.pasting import AWS_CLI
from tests.proofs.test_automation import INCIDENT, PATIENCE_S, Prod, with_primary_dark
from tests.proofs.test_next_of_runs import stop_task
from tests.proofs.test_screens_of_the_write_pause import LOOKS, OUTAGE, SHORT, text_of
from tests.utils.pseudo_terminal import Terminal, at_terminal
from tests.utils.running import ROOT, rules, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

COOL_DOWN_MIN = 3
SETTINGS = f"""[execution]
poll_s = 0.2
cool_down_minutes = {COOL_DOWN_MIN}
[observation]
attempts = 1
"""
OTHER = "INC-124"
GOES_ON = f" failback --staged --execute --incident {INCIDENT}"
MOST_S = 10.0
STOPPED = rf"In short .*{OUTAGE.pattern}"
ENDED_BY = rf"{OUTAGE.pattern}.*To end it: *python .* failback --staged --execute"
COOLING = re.compile(
    rf"lock\.cool-down: run \S+ for {RAN['incident']} ended a short while ago: another incident may start at"
)


@dataclass
class Desk:
    """A person's terminals, one after another, at a machine of their own; ``typed`` are the lines that they typed."""

    prod: Prod
    person: str
    home: Path
    typed: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, line: str) -> Iterator[Terminal]:
        """A whole printed command at a terminal of theirs."""
        words = line.partition("dr_cli.py ")[2]
        assert words, line
        self.typed.append(line)
        self.home.mkdir(exist_ok=True)
        variables: Mapping[str, str] = {**signed_in(self.prod.world, self.person), "LINES": "24", "COLUMNS": "80"}
        with at_terminal(words, self.home, variables, columns=80, rows=24) as terminal:
            yield terminal

    def run(self, line: str) -> tuple[int, Terminal]:
        """Run a command that asks nothing to its end."""
        with self.at(line) as terminal:
            return terminal.wait(PATIENCE_S), terminal


def commands_of(terminal: Terminal) -> list[str]:
    """The commands of this tool that stand on lines of their own, in order."""
    lines = (line.strip() for line in terminal.lines)
    return [line for line in lines if line.startswith("python utils/aws_mgmt/dr_cli.py ")]


def printed(terminal: Terminal, words: str) -> str:
    """The last command on a line of its own that holds ``words``."""
    return next(line for line in reversed(commands_of(terminal)) if f" {words}" in line)


def until(terminal: Terminal, pattern: str) -> None:
    """Wait until the screen shows ``pattern``, however its lines are broken."""
    ends = time.monotonic() + PATIENCE_S
    while not re.search(pattern, text_of(terminal)):
        assert time.monotonic() < ends, f"{pattern} was not shown: {terminal.shown}"
        assert terminal.read(0.1), f"it ended before {pattern} was shown: {terminal.shown}"


def answer(terminal: Terminal, question: str, answer_: str) -> None:
    """Type ``answer_`` once the question stands at the end of the screen."""
    until(terminal, rf"{question}\s*$")
    before = len(terminal.shown)
    terminal.press(f"{answer_}\n".encode())
    while answer_ not in terminal.shown[before:]:  # its echo: else the same question seems to be asked again
        assert terminal.read(0.1), terminal.shown


@contextmanager
def pasting(prod: Prod, watched: Terminal, *screens: Terminal) -> Iterator[Callable[[], None]]:
    """Each DNS change that a screen asks for is pasted into an administrator's shell, as it stands, once."""
    pasted: set[str] = set()

    def look() -> None:
        for terminal in (watched, *screens):
            terminal.read(0.1)
        for line in watched.lines[:-1]:
            if line.startswith("aws route53 ") and line not in pasted:
                pasted.add(line)
                paste(prod, line)

    yield look
    assert pasted, watched.shown


def paste(prod: Prod, line: str) -> None:
    """Paste the DNS change of a screen into a shell of an administrator, as it stands."""
    path = os.pathsep.join((str(AWS_CLI), os.environ["PATH"]))
    variables = {"HOME": str(prod.home), "PATH": path, **signed_in(prod.world, "admin")}
    shell = ["/bin/bash", "-uc", line]
    ran = subprocess.run(shell, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (line, ran.stderr)


def wait_while(look: Callable[[], None], is_over: Callable[[], bool], shown: Terminal) -> None:
    """Look again until it is over."""
    ends = time.monotonic() + 2 * PATIENCE_S
    while not is_over():
        assert time.monotonic() < ends, shown.shown
        look()


def says(pattern: str, *screens: Terminal) -> Callable[[], bool]:
    """Whether each of the screens shows ``pattern``."""
    return lambda: all(re.search(pattern, text_of(terminal)) for terminal in screens)


@dataclass(frozen=True)
class Team:
    """The two people and who only looks."""

    operator: Desk
    approver: Desk
    reader: Desk
    prod: Prod

    @contextmanager
    def ordered(self, line: str, *confirmed: str) -> Iterator[Terminal]:
        """The operator orders a run and confirms what cannot be undone; AWS then waits for an approver."""
        with self.operator.at(line) as ordering:
            for name in confirmed:
                answer(ordering, f"Type {name}:", name)
            until(ordering, "waits for an approver")
            # Nothing is to be weighed that is ordered already: the first line leads to what it waits for.
            for found in text_of(ordering).split("To end it: ")[1:]:
                assert re.match(r"python \S+ .* approve ", found), ordering.shown
            yield ordering

    def approve(self, ordering: Terminal, incident: str) -> str:
        """The approver runs the command that the operator's screen prints; returns the one that watches the run."""
        with self.approver.at(printed(ordering, "approve ")) as approving:
            answer(approving, f"Type {incident}:", incident)
            assert approving.wait(PATIENCE_S) == Exit.READY, approving.shown
            assert "AWS runs it now" in text_of(approving)
            return commands_of(approving)[-1]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """PROD whose primary region is dark, IAM enforced."""
    home = tmp_path_factory.mktemp("two-people")
    config = rules(home, "prod", SETTINGS)
    file = config / "prod.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[failback]\n", SHORT), encoding="utf-8")
    with borrowed(load_environment(config, "prod"), 2) as world:
        prod = with_primary_dark(world, home, config)
        ran_before(prod)
        desks = {person: Desk(prod, person, home / person) for person in ("operator", "approver", "reader")}
        yield Team(**desks, prod=prod)


def ran_before(prod: Prod) -> None:
    """A run of another incident ended just now."""
    now = datetime.fromtimestamp(prod.world.clock()["world"], UTC)
    moments = dict.fromkeys(("taken_at", "heartbeat_at", "lease_until", "ended_at"), instant(now))
    item = encode_item({"pk": "LOCK", "sk": "RUN", **RAN, **moments})
    table, name = prod.aws("admin").client("dynamodb", Side.DR), prod.env.named(prod.env.names.control_table)
    table.put_item(TableName=name, Item=item)


def test_two_people_bring_prod_to_its_dr_region_and_home_by_screens_alone(team: Team) -> None:
    fails_over(team)
    team.prod.world.repair("primary-dark")
    belongs_to_the_open_incident(team)
    goes_on = stops_in_the_write_pause(team)
    comes_home(team, goes_on)


def start_of(team: Team) -> str:
    """What a person knows before any screen."""
    return f"python utils/aws_mgmt/dr_cli.py -e prod --config {team.prod.config}"


def fails_over(team: Team) -> None:
    code, looked = team.operator.run(f"{start_of(team)} status")
    assert code != Exit.READY, looked.shown
    code, weighed = team.operator.run(commands_of(looked)[-1])
    assert COOLING.search(text_of(weighed)), weighed.shown
    assert text_of(weighed).count(" gates pass") == 1, weighed.shown
    cools_down(team)
    code, weighed = team.operator.run(commands_of(looked)[-1])
    assert code == Exit.READY, weighed.shown
    with team.operator.at(commands_of(weighed)[-1]) as ordering:
        answer(ordering, r"\(incident ticket\):", INCIDENT)
        answer(ordering, "Type prod-efs:", "prod-efs")
        until(ordering, "waits for an approver")
        team.approve(ordering, INCIDENT)
        with pasting(team.prod, ordering) as look:
            wait_while(look, says(r"In short .* Next: ", ordering), ordering)
        assert ordering.wait(PATIENCE_S) == Exit.READY, ordering.shown
        assert re.search(r"step \d+ of \d+", text_of(ordering))
        assert f"the failover of {INCIDENT} is complete" in text_of(ordering)


def cools_down(team: Team) -> None:
    """The run of another incident ended just now: both read why nothing begins, and until when."""
    with team.operator.at(f"{start_of(team)} failover --execute --incident {INCIDENT}") as ordering:
        assert ordering.wait(PATIENCE_S) == Exit.REFUSED, ordering.shown
        assert COOLING.search(text_of(ordering)), ordering.shown
        assert "Type " not in ordering.shown, "nobody confirms what is refused anyway"
    with team.approver.at(f"{start_of(team)} approve --incident {INCIDENT}") as approving:
        until(approving, COOLING.pattern)
    team.prod.world.set_speed(30)
    time.sleep(2 * COOL_DOWN_MIN)
    team.prod.world.set_speed(1)


def belongs_to_the_open_incident(team: Team) -> None:
    """A return under a ticket of its own is refused before anybody confirms or approves it."""
    refused = f"Incident {INCIDENT} is open since"
    with team.operator.at(f"{start_of(team)} failback --staged --execute --incident {OTHER}") as ordering:
        assert ordering.wait(PATIENCE_S) == Exit.REFUSED, ordering.shown
        assert refused in text_of(ordering), ordering.shown
        assert "Type " not in ordering.shown, ordering.shown
    with team.approver.at(f"{start_of(team)} approve --failback --staged --incident {OTHER}") as approving:
        until(approving, refused)


def stops_in_the_write_pause(team: Team) -> str:
    """Every screen and the topic say within seconds that nobody can write; returns the command that ends that."""
    prod, order = team.prod, f"{start_of(team)} failback --staged --execute --incident {INCIDENT}"
    with team.ordered(order, "prod-efs", "prod-efs", "prod-mysql") as ordering:
        attach = team.approve(ordering, INCIDENT)
        with team.approver.at(attach) as attached, team.reader.at(f"{start_of(team)} status --watch 2") as watch:
            screens = (ordering, attached, watch)
            wait_while(lambda: read(*screens), says("BY HAND", ordering, attached), ordering)
            prod.world.reset_mutations()
            stop_task(prod)
            stopped_s = time.monotonic()
            notices: dict[str, Callable[[], bool]] = {
                "order": says(STOPPED, ordering),
                "attach": says(STOPPED, attached),
                "--watch": lambda: re.search(ENDED_BY, screen_of(watch)) is not None,
                "topic": lambda: topic_says(prod),
            }
            seconds: dict[str, float] = {}
            while len(seconds) < len(notices):
                assert time.monotonic() - stopped_s < PATIENCE_S, (seconds, watch.shown, ordering.shown)
                read(*screens)
                seconds = {
                    name: time.monotonic() - stopped_s for name, is_there in notices.items() if is_there()
                } | seconds
            for terminal in (ordering, attached):
                assert terminal.wait(PATIENCE_S) == Exit.ACTION_FAILED, terminal.shown
                # With its confirmations while the lock of the task that was killed stands, short once it is released.
                again = rf" failback --staged .*--execute --incident {INCIDENT}$"
                assert re.search(again, commands_of(terminal)[-1]), terminal.shown
                assert "ended: its task ended with exit 137" in text_of(terminal), terminal.shown
                # Also the last line of the outage itself has the command, not only the closing one.
                last = rf"{OUTAGE.pattern}.*To end it: *python .* failback --staged .*--execute"
                assert re.search(last, text_of(terminal).partition("In short")[0]), terminal.shown
                assert not re.search(r"OUTAGE.*…", "".join(terminal.lines).partition("In short")[2]), terminal.shown
            look_s = time.monotonic()
            code, looked = team.reader.run(f"{start_of(team)} status")
            look_s = time.monotonic() - look_s
            assert max(look_s, *seconds.values()) < max(MOST_S, LOOKS * look_s), (seconds, look_s)
            watch.press(b"q")
    assert code == Exit.NOT_READY, looked.shown
    assert OUTAGE.search(text_of(looked).partition("DR status")[0]), looked.shown
    assert commands_of(looked)[0] == commands_of(looked)[-1], looked.shown
    return commands_of(looked)[-1]


def screen_of(terminal: Terminal) -> str:
    """What stands on the screen now, its rows joined: a command goes on in the next row without a space."""
    return "".join(row if len(row) == terminal.columns else f"{row.strip()} " for row in terminal.screen)


def topic_says(prod: Prod) -> bool:
    """Whether the critical topic was notified that nobody can write."""
    sent = (row["params"] for row in prod.world.mutations() if row["operation"] == "Publish")
    critical = topic_arn(prod.env, Side.DR, CRITICAL)
    return any(row["TopicArn"] == critical and OUTAGE.search(row["Message"]) for row in sent)


def read(*screens: Terminal) -> None:
    """Read what the screens show."""
    for terminal in screens:
        terminal.read(0.1)


def comes_home(team: Team, goes_on: str) -> None:
    """What the screens say is followed: the run, its approval and its DNS changes."""
    assert goes_on.endswith(GOES_ON), goes_on
    with team.ordered(goes_on) as ordering:
        attach = team.approve(ordering, INCIDENT)
        with team.approver.at(attach) as attached:
            with pasting(team.prod, ordering, attached) as look:
                wait_while(look, says(r"In short .* Next: ", ordering), ordering)
            for terminal in (ordering, attached):
                assert terminal.wait(PATIENCE_S) == Exit.READY, terminal.shown
                assert f"the failback of {INCIDENT} is complete" in text_of(terminal)
                assert re.search(r"step \d+ of \d+", text_of(terminal))
                assert "done traffic/shift_to_primary:100: " in text_of(terminal), terminal.shown
    _, looked = team.reader.run(f"{start_of(team)} status")
    assert text_of(looked).count("Visitors read and write in af-south-1"), looked.shown
