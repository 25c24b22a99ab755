"""What an hour in the DR region costs: tasks, database and files at the file's prices, of what was seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.assessment.data_loss import hourly_cost, leftovers_sentence
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs, rds
from dr_estate.reading.reader import Reader
from tests.dr_checks.compute import definition
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, SIT, world

COSTS = SIT.costs.model_copy(
    update={"vcpu": 1.0, "memory_gib": 10.0, "database_instance": 1000.0, "database_gib": 1.0, "files_gib": 0.5}
)
ENV = SIT.model_copy(update={"costs": COSTS})
FILES = efs.FileSystem(
    id="fs-1",
    arn="arn",
    name="sit-efs",
    state="available",
    size_bytes=4 << 30,
    throughput="elastic",
    provisioned_mibps=0.0,
    performance="generalPurpose",
    encrypted=True,
    key="",
    overwrite_protection="ENABLED",
    zone="",
)
ONE = definition("tenant1", SIT.regions.dr, cpu=1024, memory=2048)


def _cost(tenants: int = 3, **seen: Any) -> float:
    parts: dict[tuple[Reader[Any], Side], Any] = {
        (ecs.task_definitions, Side.DR): seen.get("definitions", (ONE,)),
        (rds.instances, Side.PRIMARY): seen.get("here", (PRIMARY,)),
        (rds.instances, Side.DR): seen.get("there", ()),
        (efs.file_systems, Side.DR): seen.get("files", (FILES,)),
    }
    return hourly_cost(world(parts), ENV, tenants)


def test_tasks_the_database_with_its_storage_and_the_files_add_up() -> None:
    tasks = 3 * ENV.capacity.tasks_per_service * (1 * 1.0 + 2 * 10.0)
    assert _cost() == pytest.approx(tasks + 1000.0 + 200 * 1.0 + 4 * 0.5)


def test_every_tenant_costs_tasks_of_the_average_size() -> None:
    small = definition("tenant2", SIT.regions.dr, cpu=512, memory=1024)
    each = (0.75 * 1.0) + (1.5 * 10.0)
    assert _cost(5, definitions=(ONE, small)) - _cost(4, definitions=(ONE, small)) == pytest.approx(
        ENV.capacity.tasks_per_service * each
    )


def test_the_database_is_as_large_as_the_larger_side_that_was_seen() -> None:
    there = replace(PRIMARY, storage_gib=300)
    assert _cost(there=(there,)) - _cost() == pytest.approx(100.0)
    assert _cost(here=DENIED, there=(there,)) - _cost() == pytest.approx(100.0)


def test_what_is_not_ours_costs_us_nothing() -> None:
    stranger = replace(PRIMARY, identifier="another-teams", storage_gib=9000)
    assert _cost(there=(stranger,), files=(FILES, replace(FILES, name="another"))) == _cost()


def test_the_unseen_costs_nothing_but_the_database_is_paid_for() -> None:
    assert _cost(definitions=DENIED, here=DENIED, there=DENIED, files=DENIED) == 1000.0
    assert _cost(definitions=(DENIED,), files=()) == 1200.0
    assert _cost(definitions=()) == 1202.0


KEPT = replace(PRIMARY, identifier="sit-mysql-before-db-one")


@pytest.mark.parametrize(
    ("primary", "dr", "sentence"),
    [
        ((PRIMARY,), (), ""),
        (
            (PRIMARY, KEPT),
            (replace(KEPT, storage_gib=100),),
            "Kept until people delete it: sit-mysql-before-db-one in af-south-1 (1200.00 USD an hour), "
            "sit-mysql-before-db-one in eu-west-1 (1100.00 USD an hour); 2300.00 USD an hour together.",
        ),
        ((PRIMARY,), DENIED, "What eu-west-1 keeps beside the estate was not seen."),
    ],
    ids=["nothing", "both sides", "unseen"],
)
def test_what_failbacks_kept_is_listed_with_what_it_costs_an_hour(primary: Any, dr: Any, sentence: str) -> None:
    seen = world({(rds.instances, Side.PRIMARY): primary, (rds.instances, Side.DR): dr})
    assert sentence == leftovers_sentence(seen, ENV)


def test_of_kept_resources_the_database_is_listed_with_its_marker_table() -> None:
    seen = world(
        {(rds.instances, Side.PRIMARY): (KEPT,), (rds.instances, Side.DR): (replace(KEPT, resource_id="db-2"),)}
    )
    sentence = leftovers_sentence(seen, ENV, {"db-2"})
    assert "sit-mysql-before-db-one in eu-west-1 with the table dr_marker (" in sentence
    assert sentence.count("dr_marker") == 1
