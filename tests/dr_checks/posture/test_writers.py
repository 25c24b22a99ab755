"""Which region's database takes writes: named where both were seen, and never claimed where one was not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.posture.writers import COME_FROM, way_back_sentence, writers_sentence
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, rds, rds_groups
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import DENIED, SIT, Values, service, world

AWAY = replace(plain.PRIMARY, arn=plain.ARN.replace(plain.HOME, plain.AWAY), resource_id="db-TWO")
REPLICA = replace(plain.PRIMARY, source=AWAY.arn)
REFUSING = (replace(plain.PARAMETERS, parameters=(("read_only", "1"),)),)
ACCEPTING = (plain.PARAMETERS,)
PRIMARY, DR = SIT.regions.primary, SIT.regions.dr


def said(primary: Any, dr: Any, groups_dr: Any = ACCEPTING, services: Any = ()) -> str:
    values: Values = {
        (rds.instances, Side.PRIMARY): primary,
        (rds.instances, Side.DR): dr,
        (rds_groups.parameter_groups, Side.PRIMARY): ACCEPTING,
        (rds_groups.parameter_groups, Side.DR): groups_dr,
        **{(ecs.services, side): rows for side, rows in services},
    }
    return writers_sentence(world(values), SIT)


@pytest.mark.parametrize(
    ("primary", "dr", "groups_dr", "sentence"),
    [
        ((plain.PRIMARY,), (), ACCEPTING, f"the database of {PRIMARY} alone takes them."),
        ((REPLICA,), (AWAY,), ACCEPTING, f"the database of {DR} alone takes them."),
        ((REPLICA,), (AWAY,), REFUSING, "no region's database takes them."),
        ((plain.PRIMARY,), (AWAY,), REFUSING, f"the database of {PRIMARY} alone takes them."),
        ((plain.PRIMARY,), (AWAY,), ACCEPTING, f"the databases of both {PRIMARY} and {DR} take them (T41)."),
    ],
    ids=["at home", "copied home", "frozen", "promoted", "split"],
)
def test_the_writer_of_each_moment_of_a_failback_is_named(primary: Any, dr: Any, groups_dr: Any, sentence: str) -> None:
    assert sentence == said(primary, dr, groups_dr)


def test_a_database_that_no_task_reaches_is_no_writer_beside_another() -> None:
    name = SIT.named(SIT.names.service, tenant="tenant1")
    idle, busy = (service(name, 0, 0),), (service(name),)
    sentence = f"the database of {DR} alone takes them; that of {PRIMARY} would, but no tenant's task runs there."
    assert sentence == said((plain.PRIMARY,), (AWAY,), services=((Side.PRIMARY, idle), (Side.DR, busy)))
    both = f"the databases of both {PRIMARY} and {DR} take them (T41)."
    assert both == said((plain.PRIMARY,), (AWAY,), services=((Side.PRIMARY, busy), (Side.DR, busy)))
    assert both == said((plain.PRIMARY,), (AWAY,), services=((Side.PRIMARY, DENIED), (Side.DR, busy))), (
        "what was not seen is not idle"
    )


def test_a_region_that_was_not_seen_is_never_said_to_refuse_writes() -> None:
    unknown = f"not known of {PRIMARY}."
    assert f"{DR} takes none; {unknown}" == said(DENIED, (AWAY,), REFUSING)
    assert f"{DR} takes them; {unknown}" == said(DENIED, (AWAY,))
    assert f"not known of {PRIMARY} and {DR}." == said(DENIED, DENIED)
    assert f"{PRIMARY} takes them; not known of {DR}." == said((plain.PRIMARY,), (AWAY,), DENIED)


@pytest.mark.parametrize(
    ("primary", "sentence"),
    [
        ((REPLICA,), f"Until sit-mysql of {PRIMARY} is promoted, "),
        ((replace(plain.PRIMARY, tags=((COME_FROM, "db-TWO"),)),), "The failback is past its point of no return: "),
        (DENIED, "Whether the failback can still be aborted is not known: "),
    ],
    ids=["copied home", "promoted", "unseen"],
)
def test_the_last_abort_of_a_failback_follows_from_the_primary_database(primary: Any, sentence: str) -> None:
    assert way_back_sentence(world({(rds.instances, Side.PRIMARY): primary}), SIT).startswith(sentence)


def test_no_abort_leads_to_a_deleted_dr_database() -> None:
    seen = {(rds.instances, Side.PRIMARY): (REPLICA,), (rds.instances, Side.DR): ()}
    sentence = way_back_sentence(world(seen), SIT)
    assert f"No database stands in {DR} any more: no abort leads back to one. Keep sit-mysql of {PRIMARY}" in sentence
    unseen = world({**seen, (rds.instances, Side.DR): DENIED})
    assert way_back_sentence(unseen, SIT).startswith(f"Until sit-mysql of {PRIMARY} is promoted, ")
