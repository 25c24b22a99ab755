"""What holds after a failover alone: all of it does after a switchover of SIT, and each change turns the right check.

The disasters of the sandbox break a healthy estate, so these checks have none; here a failed-over one is changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dr_checks.core.model import Area, Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import load_environment
from dr_estate.snapshot.snapshot import Snapshot, read_evidence
from tests.proofs import changes_after as changes
from tests.proofs.changes import Aws
from tests.proofs.watching import Results, Watch, not_passed
from tests.utils.running import Ran, at_endpoint, rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2"
PATIENCE_S = 10
UNPROTECTED = {"validation-data.protected-again": Status.WARN}
"""Nothing copies the DR region's data anywhere until failback."""
OURS = {name: check for name, check in checks().items() if check.area is Area.VALIDATION}


@dataclass(frozen=True)
class FailedOver:
    """A small SIT after its switchover: how the command ended, and the world as its validation saw it."""

    ran: Ran
    watch: Watch

    @property
    def aws(self) -> Aws:
        """Plain boto3 for its last tenant."""
        world = self.watch.world
        return Aws(world.url, world.people["admin"], self.watch.environment, world.state()["tenants"][-1])

    def judged(self, *touched: str) -> Results:
        """The validation checks, after a change to these services."""
        return _judged(self.watch, self.watch.again(touched))


def _judged(watched: Watch, snapshot: Snapshot) -> Results:
    return {name: judge(check, snapshot, watched.environment) for name, check in OURS.items()}


@pytest.fixture(scope="module")
def failed_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailedOver]:
    home = tmp_path_factory.mktemp("switchover")
    folder = rules(home, "sit", QUICK)
    env = load_environment(folder, "sit")
    with borrowed(env, tenants=2) as world:
        world.timing(transition_s=0.0, log_upload_s=0.0, files_lag_s=0.0, replica_lag_s=0.0)
        words = (
            f"-e sit --config {folder} --format json failover --planned --execute --confirm files/restore_dr:sit-efs"
        )
        ran = at_endpoint(world, home, words, "operator")
        (path,) = (home / "out").glob("sit-failover-*/evidence.json")
        yield FailedOver(ran, Watch(world, env, read_evidence(path)))


def test_after_a_switchover_every_validation_scenario_passes_or_warns(failed_over: FailedOver) -> None:
    ran = failed_over.ran
    assert ran.code == 0, ran.err
    assert set(ran.statuses()) == set(OURS)
    assert {name: status for name, status in ran.statuses().items() if status != "pass"} == UNPROTECTED
    assert (ran.report["posture"], ran.report["run"]["outcome"]) == ("ON_DR", "done")
    assert not_passed(_judged(failed_over.watch, failed_over.watch.healthy)) == UNPROTECTED


FAIL = Status.FAIL
CASES: list[tuple[changes.Made, tuple[str, ...], dict[str, Status]]] = [
    (changes.one_task_left, ("ecs",), {"validation.services-run": FAIL}),
    (changes.no_task_left, ("ecs",), {"validation.services-run": FAIL, "validation.tenants-served": FAIL}),
    (changes.old_primary_started, ("ecs",), {"validation.primary-fenced": FAIL}),
    (changes.definition_of_the_primary, ("ecs",), {"validation.independent": FAIL}),
    (
        changes.record_turned_back,
        ("route53", "answers"),
        {"validation.answers-lead-here": FAIL, "dns-choice.stays-away": FAIL},
    ),
    (changes.subscriptions_removed, ("sns",), {"validation.topics-heard": FAIL}),
    (
        changes.database_stopped,
        ("rds",),
        {"validation-data.database-writable": FAIL, "validation.tenants-served": FAIL},  # a page without it is 500
    ),
    (changes.database_unprotected, ("rds",), {"validation-data.database-protected": FAIL}),
    (changes.replicated_into_again, ("efs",), {"validation-data.files-writable": FAIL}),
    (changes.table_deleted, ("dynamodb",), {"validation-data.tables-writable": FAIL}),
    (changes.replica_elsewhere, ("rds",), {"validation-data.protected-again": Status.PASS}),
]


@pytest.mark.parametrize(
    ("change", "touched", "turned"), CASES, ids=[change.__name__.replace("_", "-") for change, *_ in CASES]
)
def test_a_change_turns_exactly_the_right_validation_checks_and_back(
    change: changes.Made, touched: tuple[str, ...], turned: dict[str, Status], failed_over: FailedOver
) -> None:
    wanted = {name: status for name, status in {**UNPROTECTED, **turned}.items() if status is not Status.PASS}
    with change(failed_over.aws):
        assert _settled(failed_over, touched, wanted) == wanted
    assert _settled(failed_over, touched, UNPROTECTED) == UNPROTECTED


def _settled(failed_over: FailedOver, touched: tuple[str, ...], wanted: dict[str, Any]) -> dict[str, Status]:
    """What did not pass, once it is as wanted; a change takes a moment, as on AWS."""
    until = time.monotonic() + PATIENCE_S
    while (statuses := not_passed(failed_over.judged(*touched))) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    return statuses


def test_every_validation_check_is_turned_by_a_change() -> None:
    assert {name for _, _, turned in CASES for name in turned} == set(OURS)


def test_bare_pytest_leaves_the_validation_scenarios_out(request: pytest.FixtureRequest) -> None:
    """They hold of a failed-over estate alone, and the estate of the tests is a healthy one."""
    assert "not validation" in request.config.getini("addopts")
