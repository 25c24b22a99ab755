"""Every disaster of the sandbox turns the checks it names, and beside them only its named consequences.

The estate's posture and the answer of `failover` are those that the disaster declares, too. The table disaster x check
is written to reports/out/matrix.txt. One disaster of each area of checks is played for every change, the others are
proofs. ``DR_FULL_MATRIX=1`` reads the whole estate after each disaster and after each repair,
which takes minutes; without it only what a disaster can have reached is read again.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from dr_actions.assessment.failover import Advice
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import context_of
from dr_checks.core.model import Area, Status
from dr_checks.core.registry import checks, lags
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName, posture_of
from dr_checks.posture.signals import silent_regions
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Invocation
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import control_table
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover
from reports.values.report import Report, next_line
from sandbox.disasters import ANYTHING, NO_ANSWER, Disaster, catalogue, find
from tests.house.commands import aws_faults, commands_of, fault_of
from tests.proofs.pasting import PLACEHOLDER
from tests.proofs.watching import FULL, Results, Watch, judged, not_passed, readiness
from tests.utils.running import ROOT
from utils.aws_mgmt.app.after_look import after_look
from utils.aws_mgmt.app.assessment import assess_failover

Row = Mapping[str, Status]

TABLE = ROOT / "reports" / "out" / "matrix.txt"
_MARK = {Status.FAIL: "F", Status.UNKNOWN: "?", Status.WARN: "w"}
_WIDTH = 34


def write(rows: Mapping[str, Row]) -> None:
    """Put ``rows`` into the table; the rows of other test processes and of earlier runs stay."""
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = {line[:_WIDTH].strip(): line for line in file.read().splitlines()}
        lines |= {name: _line(name, row) for name, row in rows.items()}
        known = [lines[disaster.name] for disaster in catalogue() if disaster.name in lines]
        file.truncate(0)
        file.write("\n".join([*known, "", _sum(known), ""]))


def _line(name: str, row: Row) -> str:
    trips = find(name).trips
    marks = [f"{check}={_MARK[status]}" for check, status in sorted(row.items()) if check in trips]
    marks += [f"({check}={_MARK[status]})" for check, status in sorted(row.items()) if check not in trips]
    return f"{name:{_WIDTH}} {' '.join(marks)}"


def _sum(lines: list[str]) -> str:
    tripped = {word.partition("=")[0] for line in lines for word in line.split()[1:]} & set(checks())
    played, there = f"{len(lines)} of {len(catalogue())} disasters", f"{len(tripped)} of {len(checks())} checks"
    return f"Played: {played}. Tripped: {there}. F is FAIL, w WARN, ? UNKNOWN; in brackets a consequence."


NO_DISASTER = {
    "copy-roles.may-bring-home": "no shipped environment names a role for jobs of S3: test_batch_replication shows it",
    "estate-map.as-mapped": "beside no shipped environment stands a map file: test_names_by_region shows it",
    "health-checks.held-from-dr": "no shipped environment has its primary region in us-east-1: its examples show it",
    "prerequisites.contacts-named": "the contacts stand in the environment file, which no disaster of AWS can change",
}
OF_PROD_ALONE = {
    "customer-stays-behind",
    "customer-without-tenant",
    "recovery-document-gone",
    "recovery-image-gone",
    "recovery-wrapped-in-a-shell",
    "recovery-role-distrusted",
    "recovery-starts-as-nobody",
    "rules-unpinned",
}
OF_WARM_ALONE = {
    "alb-targets-unhealthy",
    "ecs-deployment-failed",
    "one-tenant-moves-all",
    "services-asleep",
    "site-in-maintenance",
    "site-of-somebody-else",
}
"""They harm tasks of the DR region, and a pilot light has none."""
DARK = ("primary-dark", "primary-hangs", "primary-throttled", "dr-dark", "us-east-1-dark")
CRAWLS = ("primary-hangs", "primary-throttled", "primary-throttled-and-down", "sites-crawl")
RESTARTED = {"elbv2-routing.healthy-targets", "primary.services-running", "sites.every-site-answers"}
PATIENCE_S = 600
PROBED_FROM_OUTSIDE = {"health-checks.healthy-now"}
"""Route 53's probes of a dark region do see it: they fail."""


@dataclass(frozen=True)
class Answer:
    """What the estate is said to be, and what a failover is advised to do."""

    posture: str
    says: str
    advice: str
    next_step: str = ""


def answer_to(snapshot: Snapshot, environment: Environment, results: Results) -> Answer:
    """The posture, and the advice of `failover`, of the snapshot and of all that was judged on it."""
    posture = posture_of(snapshot, environment)
    context = context_of(environment, snapshot, Goal.FAILOVER)
    try:
        tenants = tuple(tenant.id for tenant in discover(snapshot, environment))
    except DataUnavailable:
        tenants = ()
    measured = lags(snapshot, environment)
    verdict = verdict_of(list(results.values()), measured, environment.objectives.rpo_minutes * 60.0)
    report = Report(
        command="failover",
        environment=environment,
        world=snapshot.world,
        observed_at=snapshot.taken_at,
        posture=posture.name,
        posture_says=posture.says,
        posture_next=posture.next_step,
        tenants=tenants,
        verdict=verdict,
        unseen=(),
        exceptions=(),
        api_calls=0,
        exit=0,
        standing=snapshot.get_if_seen(control_table.standing, Side.DR),
        silent=silent_regions(snapshot, environment),
    )
    assessment = assess_failover(report, context)
    return Answer(posture.name, posture.says, assessment.advice, after_look(report))


@dataclass
class Matrix:
    """The rows of the table, each played out when it is first asked for."""

    watch: Watch
    rows: dict[str, Row] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def row(self, disaster: Disaster) -> Row:
        """Status by check of all that did not pass under ``disaster``; of every check where nothing can be seen."""
        if disaster.name not in self.rows:
            self.watch.renew()
            touched = self.watch.world.inject(disaster.name)
            try:
                snapshot = self.watch.again(touched)
                results = judged(snapshot, self.watch.environment)
                self.rows[disaster.name] = not_passed(results)
                self.answers[disaster.name] = answer_to(snapshot, self.watch.environment, results)
            except DataUnavailable as refused:
                self.rows[disaster.name] = dict.fromkeys(readiness(), Status.UNKNOWN)
                self.answers[disaster.name] = Answer(NO_ANSWER, str(refused), NO_ANSWER)
            finally:
                self.watch.world.repair(disaster.name)
            if self.rows[disaster.name].keys() & RESTARTED:
                self.settle(touched)
            if FULL:
                self.assert_whole(disaster.name)
        return self.rows[disaster.name]

    def settle(self, touched: Collection[str]) -> None:
        """Wait until what runs has started again, as ECS does in its own time."""
        until = time.monotonic() + PATIENCE_S
        while not_passed(self.watch.judged(touched)) and time.monotonic() < until:
            time.sleep(0.2)

    def answer(self, disaster: Disaster) -> Answer:
        """The posture and the answer under ``disaster``."""
        self.row(disaster)
        return self.answers[disaster.name]

    def assert_whole(self, latest: str) -> None:
        """Prove that the repair left nothing behind."""
        assert not_passed(self.watch.judged_whole()) == {}, f"{latest} left something behind"


@pytest.fixture(scope="module")
def matrix(sit_watch: Watch) -> Iterator[Matrix]:
    """The matrix of this run; in the end the table is written, and the repaired world must be whole again."""
    check_matrix = Matrix(sit_watch)
    yield check_matrix
    write(check_matrix.rows)
    check_matrix.assert_whole("one of the disasters")


@pytest.fixture
def played(disaster: Disaster, matrix: Matrix, request: pytest.FixtureRequest) -> Matrix:
    """The matrix in whose world the disaster can happen."""
    if disaster.name in OF_WARM_ALONE:
        return Matrix(request.getfixturevalue("warm_watch"), matrix.rows, matrix.answers)
    if disaster.name in OF_PROD_ALONE:
        return Matrix(request.getfixturevalue("prod_watch"), matrix.rows, matrix.answers)
    return matrix


def areas(disaster: Disaster) -> set[Area]:
    """The areas of the checks that it trips."""
    return {checks()[check].area for check in disaster.trips}


def sampled() -> set[str]:
    """One disaster for each area of checks that SIT can meet; the dark regions and what is only slow are proofs."""
    sample, met = set[str](), set[Area]()
    for disaster in catalogue():
        if disaster.name not in {*DARK, *CRAWLS, *OF_PROD_ALONE, *OF_WARM_ALONE} and areas(disaster) - met:
            sample.add(disaster.name)
            met |= areas(disaster)
    return sample


def _played() -> list[Any]:
    """Each disaster, a proof where it is not of the sample."""
    sample = sampled()
    return [
        pytest.param(found, id=found.name, marks=() if found.name in sample else pytest.mark.proof)
        for found in catalogue()
    ]


@pytest.mark.proof
@pytest.mark.parametrize("disaster", _played())
def test_a_disaster_changes_what_it_names_and_its_consequences_only(disaster: Disaster, played: Matrix) -> None:
    row = played.row(disaster)
    assert set(disaster.trips) <= set(row), "the disaster went unseen"
    if disaster.consequences != ANYTHING:
        assert set(row) <= {*disaster.trips, *disaster.consequences}, "a check cries wolf, or a consequence is unnamed"
    if disaster.name in DARK:
        known_checks = {check for check, status in row.items() if status is not Status.UNKNOWN}
        assert known_checks <= PROBED_FROM_OUTSIDE, "what a dark region hides is unknown, and never a gap"


@pytest.mark.parametrize("disaster", _played())
def test_the_estate_is_said_to_be_what_it_is_and_the_answer_fits(disaster: Disaster, played: Matrix) -> None:
    answer = played.answer(disaster)
    assert answer.posture in disaster.posture.split(" or "), answer.says
    assert answer.advice in disaster.answer.split(" or "), answer.says


@pytest.mark.parametrize("disaster", _played())
def test_what_is_next_is_one_command_that_its_program_takes(disaster: Disaster, played: Matrix) -> None:
    if (answer := played.answer(disaster)).posture == NO_ANSWER:
        return  # the sentence of the refusal names what signs in
    step = Invocation(("-e", played.watch.environment.name)).complete(answer.next_step)
    command = next_line(step)[1]
    faults = [*map(fault_of, commands_of(command)), *aws_faults(command)]
    assert command, step
    assert ([f for f in faults if f], "\n" in command, PLACEHOLDER.findall(command)) == ([], False, []), step


def test_no_area_of_checks_is_left_to_the_proofs_alone() -> None:
    sample = [disaster for disaster in catalogue() if disaster.name in sampled()]
    assert {*Area} - {Area.VALIDATION} == {area for disaster in sample for area in areas(disaster)}


def test_every_check_is_tripped_by_a_disaster() -> None:
    tripped = {check for disaster in catalogue() for check in disaster.trips}
    assert sorted(set(readiness()) - tripped) == sorted(NO_DISASTER)


def test_a_disaster_names_checks_that_exist() -> None:
    named = {check for disaster in catalogue() for check in (*disaster.trips, *disaster.consequences)} - {*ANYTHING}
    assert sorted(named - set(checks())) == []


def test_every_disaster_trips_something_or_says_why_nothing_can_see_it() -> None:
    assert [disaster.name for disaster in catalogue() if bool(disaster.trips) == bool(disaster.unseen)] == []


def test_a_posture_is_one_of_the_table_and_an_answer_one_of_the_assessment() -> None:
    postures = {word for disaster in catalogue() for word in disaster.posture.split(" or ")}
    assert postures <= {*PostureName, NO_ANSWER}
    answers = {word for disaster in catalogue() for word in disaster.answer.split(" or ")}
    assert answers <= {*Advice, NO_ANSWER}
