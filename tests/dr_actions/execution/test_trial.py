"""A restore test in a world that enforces IAM, as the driller: tried, asked, taken away, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from dr_actions.actions.registry import actions
from dr_actions.execution.run import StepFailed
from dr_actions.journal.entries import EntryKind
from dr_actions.model.action import TO_DR
from dr_actions.model.plan import Goal
from dr_checks.derived.leftovers import leftovers
from dr_estate.config.environment import Side
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.execution.trial_world import PERSON, Ground, ground, trial
from tests.sandbox.conftest import client_of

TRIED = [
    "restore_test/restore_database",
    "files/restore_copy",
    "files/tag_copy",
    "files/create_access_points",
    "restore_test/start_tasks",
    "restore_test/query_database",
]
MONTHS_S = 90 * 86400.0


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("trial")) as training_ground:
        yield training_ground


@pytest.fixture(scope="module")
def before(standing: Ground) -> Snapshot:
    """What the estate held before any trial."""
    return standing.look()


@pytest.mark.proof
def test_a_driller_restores_queries_removes_and_changes_nothing_else(standing: Ground, before: Snapshot) -> None:
    incident = trial()
    plan, outcome = standing.execute(Goal.RESTORE_TEST, incident, before)
    assert ([step.action for step in plan.steps], plan.notes) == (TRIED, ())
    assert (outcome.finished, outcome.degraded) == (True, [])
    facts = {str(entry.step).partition(":")[0]: entry.data["facts"] for entry in standing.confirmed(incident)}
    assert (facts["restore_test/query_database"]["tables"], facts["restore_test/query_database"]["rows"]) == ("12", "1")
    assert 300 <= int(facts["restore_test/restore_database"]["age of the data in s"]) < 400
    snapshot = standing.look_again(before)
    assert {leftover.kind for leftover in leftovers(snapshot, standing.env)} == {"database", "files", "access point"}
    cleaned, outcome = standing.execute(Goal.CLEAN_UP, incident, snapshot)
    assert (outcome.finished, outcome.degraded) == (True, [])
    assert {"restore_test/remove_databases", "restore_test/remove_files"} == {step.action for step in cleaned.steps}
    assert standing.endpoint.denied() == []
    after = standing.look()
    assert leftovers(after, standing.env) == ()
    assert standing.differences(before, after) == ()


@pytest.mark.proof
def test_a_copy_without_the_tenant_rows_fails_the_test_and_is_removed(standing: Ground, before: Snapshot) -> None:
    """The copy proves to end before the site was installed."""
    incident = trial()
    standing.endpoint.timing(log_upload_s=MONTHS_S)
    with pytest.raises(StepFailed, match="the schema tenant-1_db is not in it") as failed:
        standing.execute(Goal.RESTORE_TEST, incident, before)
    standing.endpoint.timing(log_upload_s=None)
    assert failed.value.step == "restore_test/query_database:tenant-1"
    assert [entry.step for entry in standing.entries(Goal.RESTORE_TEST, incident, EntryKind.FAILED)] == [
        failed.value.step
    ]
    _, outcome = standing.execute(Goal.CLEAN_UP, incident, standing.look_again(before))
    assert (outcome.finished, outcome.degraded) == (True, [])
    assert leftovers(standing.look_again(before), standing.env) == ()


@pytest.mark.proof
def test_the_driller_takes_nothing_of_the_estate_away(standing: Ground) -> None:
    for side in (Side.PRIMARY, Side.DR):
        client = client_of(standing.endpoint, "rds", standing.env.region(side), PERSON)
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_db_instance(DBInstanceIdentifier="prod-mysql", SkipFinalSnapshot=True)
    assert {entry["action"] for entry in standing.endpoint.denied()} == {"rds:DeleteDBInstance"}


def test_every_verb_of_a_trial_is_its_own_or_one_that_recoveries_practise() -> None:
    goals = {action.name: action.goals for name, action in actions().items() if name in TRIED}
    assert set(goals) == set(TRIED)
    for name, allowed in goals.items():
        alone = {Goal.START_TEST} if name == "restore_test/start_tasks" else set()
        assert allowed == {Goal.RESTORE_TEST} | alone | (TO_DR if name.startswith("files/") else set())
