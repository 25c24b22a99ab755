"""Every command at a terminal of 100 columns ends with its answer and the next command, in every kind of world."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Side, load_environment
from reports.terminal.parts import rows_of
from reports.terminal.status import MOST_ROWS as STATUS_ROWS
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import CREATED, Sites
from tests.house.commands import commands_of, fault_of
from tests.proofs.changes import Aws
from tests.proofs.pasting import Reader
from tests.utils.pseudo_terminal import CTRL_C, at_terminal
from tests.utils.running import dr_cli, rules, signed_in
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

QUICK = """[approvals.identities]
approver = ["arn:aws:iam::*:user/approver"]
[execution]
poll_s = 0.2
[observation]
attempts = 1"""
TEN_GAPS = (
    *("alarm-deleted", "backup-fails", "database-unprotected", "dr-vault-unlocked", "ecr-old-release"),
    *("efs-replication-slow", "health-check-disabled", "kms-policy-narrowed", "log-group-deleted", "quota-fargate"),
)
LOOKING = ("status", "failover", "failback", "fence --side primary", "failover --validate")
OTHERS = ("doctor", "schedule", "explain needs tenant2", "explain calls", "drill show", "drill clean", "test --dns")
ALONE = ("pause --reason we-wait", "unpause", "unpause", "iam", "iam reader", "test --tabletop --non-interactive")
OF_SANDBOX = (
    *("sandbox train", "sandbox up --tenants 1", "sandbox show", "sandbox clock", "sandbox list"),
    *("sandbox train split-brain", "sandbox debrief", "sandbox debrief --end", "sandbox break primary-dark"),
    *("--sandbox status", "sandbox mend", "sandbox down", "sandbox down"),
)
MOST_ROWS = 135
INCIDENT = "INC-20260107-001"


def shown_at_terminal(words: str, home: Path, variables: Mapping[str, str], typed: bytes = b"") -> list[str]:
    """The lines that a command leaves at a terminal of 100 columns, run in a process that is ready at once.

    ``typed`` is pressed once it is asked for.
    """
    with at_terminal(words, home, variables) as terminal:
        if typed:
            terminal.until("Type ")
            terminal.press(typed)
        terminal.wait()
        return terminal.lines


@dataclass(frozen=True)
class Desk:
    """A person at a terminal, and the world that they look at."""

    world: Endpoint
    home: Path
    config: Path

    @property
    def options(self) -> str:
        """The words before each command."""
        return f"-e sit --config {self.config}"

    def screen(self, command: str, person: str = "operator", typed: str = "") -> list[str]:
        """The lines that a command shows, also those that it takes away again, and the empty ones."""
        variables = signed_in(self.world, person)
        return shown_at_terminal(f"{self.options} {command}", self.home, variables, typed.encode())

    def run(self, command: str) -> str:
        """Run a command to its end without a terminal; returns what it printed."""
        ran = dr_cli(f"{self.options} {command}", self.home, **signed_in(self.world, "operator"))
        assert ran.code == 0, ran.err
        return ran.out

    def paste(self, screen: list[str]) -> None:
        """Paste the next command of a screen into a shell, as it is printed."""
        assert Reader(self.world, self.home).fault(_written(screen)[-1].strip()) == ""

    def results(self, command: str) -> Path:
        """The folder of a command's last run."""
        return max((self.home / "out").glob(f"sit-{command}-*"))

    def fail_over(self) -> None:
        """Lose the primary region, and move to the DR region."""
        self.world.inject("primary-dark")
        done = self.run(f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:sit-efs")
        assert done.rstrip().endswith(" status --watch"), "the primary region is dark: no failback begins"

    def begin_failback(self) -> None:
        """The primary region is back; the return is stopped by its operator at the third step."""
        self.world.repair("primary-dark")
        words = f"{self.options} failback --execute --incident {INCIDENT}"
        with at_terminal(words, self.home, signed_in(self.world, "operator")) as terminal:
            terminal.until("step 3 of")
            terminal.press(CTRL_C)
            assert terminal.wait() == 130, terminal.shown


def _written(screen: list[str]) -> list[str]:
    return [line for line in screen if line.strip()]


def _rows(screen: list[str]) -> int:
    """How many rows of a terminal these lines take."""
    return sum(-(-len(line) // 100) or 1 for line in screen)


@contextmanager
def _desk(home: Path) -> Iterator[Desk]:
    config = rules(home, "sit", QUICK)
    path = config / "sit.toml"
    people = "people = 1\nticket = false\n"
    assert people in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(people, f'{people}approvers = ["approver"]\n'))
    with borrowed(load_environment(config, "sit"), tenants=2) as world:
        yield Desk(world, home, config)


def _ends_well(
    desk: Desk, command: str, *wanted: str, person: str = "operator", typed: str = "", works: str = ""
) -> list[str]:
    """The screen: it ends with its answer and the next command; ``works`` is what it shows to do before that."""
    screen = desk.screen(command, person, typed)
    whole = _written(screen)
    assert works in "\n".join(whole), "it was silent"
    lines = whole[len(whole) - whole[::-1].index("In short") :]
    at = next(number for number, line in enumerate(lines) if line.startswith("  Next:"))
    labels = [line.strip().partition(":")[0] for line in lines[:at]]
    assert "Answer" in labels, (command, lines)
    assert [] == [f for words in commands_of(lines[-1].strip()) if (f := fault_of(words))], (command, lines)
    assert [] == [line for line in lines[:-1] if len(line) > 100], (command, lines)
    # a command is found as the screen's own line, and in a sentence between backticks
    shown = "\n".join(f"{line}`" if line == whole[-1] else line for line in whole)
    assert [] == [text for text in wanted if text not in shown], (command, lines)
    if command == "status":
        answer = next(number for number, line in enumerate(whole) if line.startswith("DR status of"))
        assert rows_of("\n".join(whole[answer:]), 100) <= STATUS_ROWS, whole
    return screen


def test_a_healthy_estate(tmp_path: Path) -> None:
    with _desk(tmp_path) as desk:
        _ends_well(desk, "status", "Posture:  NORMAL", "READY, score 100", "Gaps:     none", " schedule`")
        _ends_well(desk, "failover", "DO_NOT_FAILOVER", "posture.expected", " failover --planned`")
        _ends_well(desk, "failback", "WAIT", "posture.away", " status`")
        _ends_well(desk, "failover --validate", "NOT_READY", " status`")
        for command in (*OTHERS[1:], *ALONE):
            _ends_well(desk, command)
        status = desk.results("status")
        _ends_well(desk, "doctor", works="Writing the bundle")
        _ends_well(desk, f"report {status}", "the report again", " status`", works="Building Allure's page")
        _ends_well(desk, f"diff {status} {status}", "0 worse, 0 better, exit 0", " status`")
        packing = "Collecting the evidence"
        _ends_well(desk, f"evidence --run {status}", "signed", " evidence verify ", person="approver", works=packing)
        (pack,) = (desk.home / "out" / "evidence").iterdir()
        _ends_well(desk, f"evidence verify {pack}", "its key NOT VERIFIED, exit 3", "--public-key FILE")
        pack.write_bytes(pack.read_bytes()[:-1] + b"x")
        _ends_well(desk, f"evidence verify {pack}", "it proves nothing, exit 3")


def test_an_environment_that_is_described_and_a_sandbox(tmp_path: Path) -> None:
    with _desk(tmp_path) as desk:
        init = f"--config {tmp_path / 'new'} init --yes --region eu-west-1"
        _ends_well(desk, init, "sit is described", f"--config {tmp_path / 'new'}", " doctor`")
        try:
            for command in OF_SANDBOX:
                _ends_well(desk, command)
        finally:
            desk.screen("sandbox down")


def test_an_estate_with_ten_gaps(tmp_path: Path) -> None:
    with _desk(tmp_path) as desk:
        for name in TEN_GAPS:
            desk.world.inject(name)
        _ends_well(desk, "status", "Posture:  NORMAL", "NOT_READY", " failed (")
        for command in ("failover", "failback", "fence --side primary", "doctor", "schedule", "test --dns"):
            _ends_well(desk, command)


def test_a_dark_primary_region(tmp_path: Path) -> None:
    with _desk(tmp_path) as desk:
        desk.world.inject("primary-dark")
        _ends_well(desk, "status", "Posture:  PRIMARY_LOST", "af-south-1 is silent", " failover`")
        _ends_well(desk, "failover", "PROCEED", "irreversible, 0 by hand; about ", "of writes", "failover --execute")
        for command in (*LOOKING[2:], *OTHERS, "pause --reason we-wait", "unpause"):
            _ends_well(desk, command)
        _ends_well(desk, "approve --rules", "are pinned", " status`", person="approver", typed="sit\n")
        approve = f"approve --incident {INCIDENT}"
        runs = f" failover --execute --incident {INCIDENT}`"
        _ends_well(desk, approve, "is approved until", runs, person="approver", typed=f"{INCIDENT}\n")
        _ends_well(desk, f"{approve} --withdraw", "nobody may run", f" log --incident {INCIDENT}`", person="approver")


def test_the_next_command_of_a_stopped_database_is_pasted_as_it_stands(tmp_path: Path) -> None:
    with _desk(tmp_path) as desk:
        desk.world.inject("primary-database-down")
        status = _ends_well(desk, "status", "Posture:  IMPAIRED since", "by 1 cause (rds.serves)", "explains ")
        assert _written(status)[-1].strip().startswith("aws rds start-db-instance ")
        desk.paste(status)


def test_a_split_estate_and_its_next_command_pasted_as_it_stands(tmp_path: Path) -> None:
    own = {"status": ("two regions take writes", " fence --side primary`", " fence "), "failover": (" fence ",)}
    with _desk(tmp_path) as desk:
        desk.world.inject("both-regions-serve")
        screens = {command: _ends_well(desk, command, "Posture:  SPLIT", *own.get(command, ())) for command in LOOKING}
        for command in ("doctor", "schedule", "drill show", "test --dns"):
            _ends_well(desk, command)
        desk.paste(screens["status"])


def test_a_second_writer_after_a_failover_is_waited_for_once_visited(tmp_path: Path) -> None:
    """The region that came back runs its tasks: nobody is led there, until resolvers answer with its old address."""
    with _desk(tmp_path) as desk:
        desk.fail_over()
        desk.world.repair("primary-dark")
        calm = _weighed(desk)
        assert (calm["posture"], calm["recommendation"]) == ("SPLIT", "PROCEED"), calm["reasons"]
        _write_by_an_old_address(desk)
        split = _weighed(desk)
        assert (split["posture"], split["recommendation"]) == ("SPLIT", "WAIT")
        reason = next(reason for reason in split["reasons"] if reason.startswith("direction.one-writer: "))
        assert re.search(r"its load balancer took [1-9]\d* requests since the failover", reason), reason
        assert [row["seconds"] for row in split["data_loss"] if row["subject"] == "sit-mysql of af-south-1"] > [0.0]
        assert split["next_command"].endswith(" fence --side primary")
        _ends_well(desk, "failback", "WAIT", "direction.one-writer", " fence --side primary")


def _weighed(desk: Desk) -> dict[str, Any]:
    ran = dr_cli(f"{desk.options} --format json failback", desk.home, **signed_in(desk.world, "operator"))
    return dict(ran.report)


def _write_by_an_old_address(desk: Desk) -> None:
    """Visitors whose resolver still has the primary region's address write more than health checks ask in a minute."""
    env = load_environment(desk.config, "sit")
    sites, aws = Sites(desk.world, env), Aws(desk.world.url, desk.world.people["admin"], env, tenant="")
    before = _requests_by_minute(aws)
    # By CloudWatch's own minutes: those of the world's clock begin in the middle of this machine's.
    while max((n - before.get(at, 0.0) for at, n in _requests_by_minute(aws).items()), default=0.0) < 250:
        for _ in range(50):
            words = {"id": f"late-{datetime.now(UTC):%H%M%S%f}"}
            status, answer = sites.ask(env.regions.primary, "POST", sites.hosts[0], "rows", words)
            assert status == CREATED, answer


def _requests_by_minute(aws: Aws) -> dict[datetime, float]:
    """The requests that CloudWatch counted in each minute at the primary region's load balancer."""
    (balancer,) = aws.client("elbv2", Side.PRIMARY).describe_load_balancers()["LoadBalancers"]
    now, span = datetime.now(UTC), timedelta(hours=6)
    points = aws.client("cloudwatch", Side.PRIMARY).get_metric_statistics(
        Namespace="AWS/ApplicationELB",
        MetricName="RequestCount",
        Dimensions=[{"Name": "LoadBalancer", "Value": balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]}],
        StartTime=now - span,
        EndTime=now + span,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return {point["Timestamp"]: point["Sum"] for point in points}


def test_after_a_failover_and_in_the_middle_of_a_failback(tmp_path: Path) -> None:
    with _desk(tmp_path) as desk:
        desk.fail_over()
        serves = ("serves 2 of 2 tenants", "unprotected since")
        away = _ends_well(desk, "status", "Posture:  ON_DR", "UNPROTECTED", *serves, " status --watch`")
        desk.paste(away)
        ran = dr_cli(f"{desk.options} status --format json", desk.home, **signed_in(desk.world, "operator"))
        assert (ran.code, ran.report["recommendation"], ran.report["causes"]) == (1, "UNPROTECTED", [])
        assert {"efs.replication-state", "dns-choice.all-well"} <= {*ran.report["expected"]}
        _ends_well(desk, "failover --validate", "score ", "exit 0")
        failback = _ends_well(desk, "failback", "WAIT", " status --watch`")
        assert _rows(failback) < MOST_ROWS < _rows(desk.screen("failback --all"))
        for command in ("failover", f"log --incident {INCIDENT}", "doctor", "schedule", "test --dns"):
            _ends_well(desk, command)
        _ends_well(desk, f"evidence --incident {INCIDENT}", "signed", " evidence verify ", person="approver")
        desk.begin_failback()
        desk.paste(_ends_well(desk, "status", "Posture:", "that the failback ends"))
        desk.paste(_ends_well(desk, "failback", "write pause ", "irreversible"))
        goes_on = f" failback --execute --incident {INCIDENT}`"  # as it was begun
        _ends_well(desk, f"log --incident {INCIDENT}", "the record is intact", goes_on)
        _ends_well(desk, f"log --incident {INCIDENT} --review", "the record is intact", " evidence ")
