"""`status` of live AWS asks once for what needs no asking again; nothing else goes by what an earlier look kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from dr_estate.aws.immutable_answers import ImmutableAnswers, load
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.world_id import WorldId
from dr_estate.readers import ecs
from dr_estate.snapshot.snapshot import Snapshot, from_json, to_json
from sandbox.client.endpoint import Endpoint
from utils.aws_mgmt.app import answer_cache
from utils.aws_mgmt.app.answer_cache import answer_memory, cache_file, cache_notes
from utils.aws_mgmt.app.options import DrTestOptions, FailoverOptions, Options, StatusOptions
from utils.aws_mgmt.app.target import ObservedWorld

PART = frozenset({ecs.task_definitions.name})
DESCRIBED = "ecs:DescribeTaskDefinition"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def sit() -> Environment:
    return load_environment(Path(__file__).parents[3] / "environments", "sit")


def looked(world: Endpoint, sit: Environment, options: Options | None = None, id_: WorldId | None = None) -> Snapshot:
    """What a command sees of the task definitions, as if the sandbox were live AWS."""
    keys = world.people["reader"]
    reached = ObservedWorld(
        id_ or WorldId.live(sit.account), Credentials(world.url, keys.access_key_id, keys.secret_access_key)
    )
    with answer_memory(options or StatusOptions(), sit, reached) as remembered:
        return remembered.observe(sit, only=PART)


def answers(sit: Environment) -> dict[str, Any]:
    """What the file holds, by ARN."""
    known = orjson.loads(cache_file(sit).read_bytes())["answers"]
    return {arn: answer for arn, (_, answer) in known.items()}


def test_the_second_status_asks_for_no_revision_and_its_evidence_names_all(
    sandbox_world: Endpoint, sit: Environment
) -> None:
    first, second = looked(sandbox_world, sit), looked(sandbox_world, sit)
    assert first.calls[DESCRIBED] == 6
    assert DESCRIBED not in second.calls
    for side in (Side.PRIMARY, Side.DR):
        assert second.get(ecs.task_definitions, side) == first.get(ecs.task_definitions, side)
    assert set(from_json(to_json(second)).cached) == answers(sit).keys()
    assert "6 task definition revisions" in "".join(cache_notes(second))
    assert cache_notes(first) == ()


@pytest.mark.parametrize(
    ("options", "id_"),
    [
        (StatusOptions(no_cache=True), None),
        (DrTestOptions(infra=True), None),
        (FailoverOptions(), None),
        (StatusOptions(), WorldId.sandbox("111111111111", "w1")),
        (StatusOptions(), WorldId.live("111111111111", "http://127.0.0.1:4566")),
    ],
    ids=["--no-cache", "test", "failover", "a sandbox", "another endpoint"],
)
def test_everything_else_reads_all_of_it(
    sandbox_world: Endpoint, sit: Environment, options: Options, id_: WorldId | None
) -> None:
    looked(sandbox_world, sit)
    again = looked(sandbox_world, sit, options, id_)
    assert again.calls[DESCRIBED] == 6
    assert again.cached == []


def _forge(sit: Environment, **changes: Any) -> None:
    """Write another answer for every revision, with the right checksum: the file's owner can."""
    maker = answer_cache._maker()
    known = load(cache_file(sit), maker).known
    forged = {arn: (version, {**answer, **changes}) for arn, (version, answer) in known.items()}
    ImmutableAnswers(fresh=forged).save(cache_file(sit), maker)


def test_a_forged_answer_is_named_as_one_that_was_not_asked_for(sandbox_world: Endpoint, sit: Environment) -> None:
    looked(sandbox_world, sit)
    _forge(sit, cpu=1)
    forged = looked(sandbox_world, sit)
    definition = forged.get(ecs.task_definitions, Side.DR)[0]
    assert isinstance(definition, ecs.TaskDefinition)
    assert (definition.cpu, definition.arn in forged.cached) == (1, True)


@pytest.mark.parametrize("changes", [{"arn": "arn:of:another"}, {"containers": "none"}, {"cpu": "many"}])
def test_an_answer_of_another_revision_or_another_form_is_read_again(
    sandbox_world: Endpoint, sit: Environment, changes: dict[str, Any]
) -> None:
    first = looked(sandbox_world, sit)
    _forge(sit, **changes)
    again = looked(sandbox_world, sit)
    assert again.calls[DESCRIBED] == 6
    assert again.get(ecs.task_definitions, Side.DR) == first.get(ecs.task_definitions, Side.DR)


def test_what_is_kept_is_what_the_evidence_of_a_run_holds(sandbox_world: Endpoint, sit: Environment) -> None:
    seen = looked(sandbox_world, sit)
    record = answers(sit)
    for definition in (d for side in (Side.PRIMARY, Side.DR) for d in seen.get(ecs.task_definitions, side)):
        assert isinstance(definition, ecs.TaskDefinition)
        assert record.pop(definition.arn) == orjson.loads(orjson.dumps(definition))
    assert record == {}
