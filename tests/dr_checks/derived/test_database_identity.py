"""The database is known by its resource id: what lives decides, then what is remembered, and never the name alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_checks.core.model import View
from dr_checks.derived import database_copies
from dr_checks.derived.database_copies import all_copies, copy_to_use
from dr_estate.config.environment import Side
from dr_estate.model.control_items import DatabaseRecord, from_item, to_item
from dr_estate.model.dynamodb_values import decode_item, encode_item
from dr_estate.readers import control_table
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import DENIED, NOW, SIT, world

OLDER = replace(
    plain.REPLICATED,
    arn=plain.REPLICATED.arn.replace("ab-1", "ab-0"),
    resource_id="db-OLD",
    status="retained",
    latest=NOW - timedelta(minutes=6),
    created_at=NOW - timedelta(days=400),
)
BOTH = (OLDER, plain.REPLICATED)
SNAPSHOTS = {
    "awsbackup:copyjob-1": "db-ONE",
    "awsbackup:copyjob-0": "db-OLD",
}
OLD_POINT = replace(
    plain.COPY, arn=plain.COPY.arn.replace("copyjob-1", "copyjob-0"), created_at=NOW - timedelta(minutes=10)
)


def record(**changes: Any) -> DatabaseRecord:
    view = View("x", Side.DR, SIT, world(plain.database()))
    return replace(database_copies.record_of(plain.PRIMARY, view), **changes)


def view_of(known: DatabaseRecord | None = None, chosen: str = "", **parts: Any) -> View:
    """SIT with a silent primary region, unless ``instances_primary`` says otherwise."""
    env = SIT.model_copy(update={"database": SIT.database.model_copy(update={"resource_id": chosen})})
    rows = plain.database(
        **{"instances_primary": DENIED, "automated_backups_dr": BOTH, "recovery_points_dr": ()} | parts
    )
    rows[control_table.standing, Side.DR] = control_table.ControlState(database=known)
    return View("x", Side.DR, env, world(rows, env=env))


def used(view: View) -> str:
    copy = copy_to_use(view)
    return copy.name if copy else ""


@pytest.mark.parametrize(
    ("view", "arn"),
    [
        (view_of(instances_primary=(plain.PRIMARY,)), plain.REPLICATED.arn),
        (view_of(instances_primary=(replace(plain.PRIMARY, resource_id="db-OLD"),)), OLDER.arn),
        (view_of(record()), plain.REPLICATED.arn),
        (view_of(record(resource_id="db-OLD")), OLDER.arn),
        (view_of(record(), chosen="db-OLD"), OLDER.arn),
        (view_of(chosen="db-ONE"), plain.REPLICATED.arn),
        (view_of(record(resource_id="db-OLD"), automated_backups_dr=(plain.REPLICATED,)), plain.REPLICATED.arn),
        (view_of(automated_backups_dr=(OLDER,)), OLDER.arn),
        (view_of(), ""),
        (view_of(record(resource_id="db-THIRD")), ""),
        (view_of(instances_primary=(plain.PRIMARY,), automated_backups_dr=(OLDER,)), ""),
        (view_of(chosen="db-THIRD"), ""),
    ],
    ids=[
        "the one that lives",
        "an older one that lives again",
        "the one remembered",
        "the older one, remembered",
        "a person's choice before what is remembered",
        "a person's choice where nothing is known",
        "the only one, whatever is remembered",
        "the only one, where nothing is known",
        "none of two that nothing tells apart",
        "none of two where a third is remembered",
        "none of another than the one that lives",
        "none of another than a person chose",
    ],
)
def test_the_copy_of_the_right_database_is_used(view: View, arn: str) -> None:
    assert used(view) == arn


def test_two_of_one_name_are_refused_with_their_difference_and_the_setting() -> None:
    flaws = {copy.flaw for copy in all_copies(view_of())[0]}
    (flaw,) = flaws
    assert flaw.startswith("2 databases named sit-mysql have copies here (db-OLD: automated backups ")
    assert "retained, made 2025-01-26 10:00 UTC; db-ONE: " in flaw
    assert "set database.resource_id in the environment file to one of them" in flaw


def test_a_point_of_aws_backup_is_of_the_database_that_its_snapshot_is_of() -> None:
    snapshots = tuple(
        replace(plain.SNAPSHOT, identifier=name, kind="awsbackup", resource_id=resource)
        for name, resource in SNAPSHOTS.items()
    )
    points: dict[str, Any] = {"automated_backups_dr": (), "recovery_points_dr": (plain.COPY, OLD_POINT)}
    assert used(view_of(record(), snapshots_dr=snapshots, **points)) == plain.COPY.arn, "the newer is of another"
    assert used(view_of(snapshots_dr=snapshots, **points)) == ""
    assert used(view_of(snapshots_dr=DENIED, **points)) == OLD_POINT.arn, "the newest, where nothing says whose it is"


def test_what_is_remembered_is_what_lives_now_else_what_the_table_has() -> None:
    old = record(instance_class="db.t3.small")
    seen = database_copies.known_database(view_of(old, instances_primary=(plain.PRIMARY,)))
    assert seen is not None
    assert (seen.resource_id, seen.instance_class, seen.option_group) == ("db-ONE", "db.r6g.large", "sit-mysql-options")
    assert database_copies.known_database(view_of(old)) == old
    replica = replace(plain.PRIMARY, source="arn:aws:rds:eu-west-1:1:db:sit-mysql")
    assert database_copies.known_database(view_of(old, instances_primary=(replica,))) == old
    assert database_copies.known_database(view_of()) is None


def test_a_record_is_the_same_after_it_was_kept_in_the_table() -> None:
    assert from_item(decode_item(encode_item(to_item(record())))) == record()
