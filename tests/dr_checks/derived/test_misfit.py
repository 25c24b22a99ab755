"""An account in which no name of the settings finds anything, and every estate that is none of that kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import backup, ecs, rds
from dr_estate.reading.reader import Reader
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT, world
from utils.aws_mgmt.app.misfit import Misfit, misfit_of

BOTH = (Side.PRIMARY, Side.DR)
HERE = ecs.Cluster("sit-cluster", "ACTIVE")
EMPTY: dict[tuple[Reader[Any], Side], Any] = {
    **{(ecs.cluster, side): ecs.Cluster("sit-cluster", None) for side in BOTH},
    **{(ecs.services, side): () for side in BOTH},
    **{(rds.instances, side): () for side in BOTH},
    **{(reader, Side.DR): () for reader in (rds.automated_backups, rds.snapshots, backup.vaults)},
}
DENIED = Unavailable(UnavailableKind.DENIED, "not allowed")
DARK = Unavailable(UnavailableKind.NOT_REACHABLE, "no answer")


def test_names_that_find_nothing_stand_with_the_regions_that_were_read() -> None:
    misfit = Misfit("sit-cluster", "sit-mysql", (SIT.regions.primary, SIT.regions.dr))
    assert misfit == misfit_of(world(EMPTY), SIT)


def test_a_strangers_database_and_vault_are_none_of_the_estate() -> None:
    stranger = (replace(PRIMARY, identifier="orders-20251104"),)
    vaults = (backup.Vault("theirs", "arn:v", "", 4, False, None, None, None),)
    given = {(rds.instances, Side.PRIMARY): stranger, (backup.vaults, Side.DR): vaults}
    assert misfit_of(world({**EMPTY, **given}), SIT)


@pytest.mark.parametrize(
    "there",
    [
        {(ecs.cluster, Side.PRIMARY): HERE},
        {(ecs.cluster, Side.DR): HERE},
        {(ecs.cluster, Side.DR): HERE, (ecs.cluster, Side.PRIMARY): DARK, (rds.instances, Side.PRIMARY): DARK},
        {(rds.instances, Side.DR): (replace(PRIMARY, identifier="sit-mysql-replica"),)},
        {(backup.vaults, Side.DR): (backup.Vault("bbws-dr-vault", "arn:v", "", 1, False, None, None, None),)},
    ],
    ids=["cluster", "pilot light", "primary dark", "replica alone", "copies alone"],
)
def test_an_estate_of_which_anything_is_left_fits(there: dict[tuple[Reader[Any], Side], Any]) -> None:
    assert misfit_of(world({**EMPTY, **there}), SIT) is None


@pytest.mark.parametrize("unseen", [DENIED, DARK], ids=["denied", "dark"])
@pytest.mark.parametrize(
    "part", [key for key in EMPTY if key[0] is not ecs.services], ids=lambda key: f"{key[0].name}-{key[1]}"
)
def test_what_was_not_read_may_be_there(part: tuple[Reader[Any], Side], unseen: Unavailable) -> None:
    assert misfit_of(world({**EMPTY, part: unseen}), SIT) is None


def test_the_healthy_estate_fits() -> None:
    assert misfit_of(healthy(), SIT) is None
