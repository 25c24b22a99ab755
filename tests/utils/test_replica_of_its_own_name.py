"""An estate whose read replica in the DR region bears a name of its own, from `scan` to `failback`: none is typed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.config.map_file import MapKind
from sandbox.client.embedded import HURRIED
from sandbox.client.endpoint import Endpoint
from tests.hosting import hosted
from tests.proofs.changes import Aws
from tests.utils.running import Ran, at_endpoint, direct_rules
from utils.aws_mgmt.app.exit_codes import Exit

OWN, ITS = "orders-mysql", "standby-of-orders"
NAMES = f"""
[names]
database = "{OWN}"

[names_in_dr]
database = "{ITS}"
db_subnet_group = "standby-subnets"
db_parameter_group = "standby-settings"
db_security_group = "standby-access"

[failback]
stable_minutes = 1
bake_minutes = 1
stages = [50, 100]

[execution]
poll_s = 0.2

[observation]
attempts = 1
"""


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path]]:
    """The healthy estate of SIT upon such a replica, and the folder of its settings."""
    folder = direct_rules(tmp_path_factory.mktemp("replicated"), "sit", NAMES)
    file = folder / "sit.toml"
    preferred = '[replication]\ndatabase = ["read-replica", "backup-copy"]\n'
    file.write_text(file.read_text(encoding="utf-8").replace("[replication]\n", preferred), encoding="utf-8")
    with hosted(load_environment(folder, "sit"), 2) as world:
        world.enforce_iam(True)
        yield world, folder


def _status(world: Endpoint, home: Path, folder: Path) -> Ran:
    return at_endpoint(world, home, f"-e sit --config {folder} status --format json")


def _red(ran: Ran) -> list[str]:
    return [check for check, status in ran.statuses().items() if status in ("fail", "unknown")]


def test_each_side_has_its_own_name(replicated: tuple[Endpoint, Path]) -> None:
    env = load_environment(replicated[1], "sit")
    for here in (env, env.on(Side.DR)):
        assert (OWN, ITS) == (here.database_on(Side.PRIMARY), here.database_on(Side.DR))


def test_it_is_judged_as_the_shipped_estate_is(replicated: tuple[Endpoint, Path], tmp_path: Path) -> None:
    ran = _status(replicated[0], tmp_path, replicated[1])
    assert (Exit.READY, "NORMAL", []) == (ran.code, ran.report["posture"], _red(ran)), ran.err


def test_scan_pairs_it_by_its_source(replicated: tuple[Endpoint, Path], tmp_path: Path) -> None:
    found = at_endpoint(replicated[0], tmp_path, "scan --format json --region af-south-1").report
    (database,) = [store for store in found["stores"] if store["kind"] == "database"]
    pairs = {row["thing"]["name"]: row["relation"] for row in database["counterparts"]}
    assert pairs[ITS] == "read replica"


def test_init_writes_the_name_that_it_has_there(replicated: tuple[Endpoint, Path], tmp_path: Path) -> None:
    world, folder = replicated[0], tmp_path / "own"
    written = at_endpoint(world, tmp_path, f"-e sit --config {folder} init --yes --region af-south-1")
    assert Exit.READY == written.code, written.err
    settings = tomllib.loads((folder / "sit.toml").read_text(encoding="utf-8"))
    assert "database" not in settings.get("names", {}), "the map has it"
    groups = {"db_subnet_group": "subnets", "db_parameter_group": "settings", "db_security_group": "access"}
    assert {key: f"standby-{name}" for key, name in groups.items()} == settings["names_in_dr"]
    env = load_environment(folder, "sit")
    assert env.estate_map is not None
    assert [OWN] == [entry.name for entry in env.estate_map.of_kind(MapKind.DATABASE)]
    assert (OWN, ITS) == (env.database_on(Side.PRIMARY), env.database_on(Side.DR))
    ran = _status(world, tmp_path, folder)
    assert ("NORMAL", ["prerequisites.contacts-named"]) == (ran.report["posture"], _red(ran)), ran.err
    assert "pass" == ran.statuses()["estate-map.as-mapped"]


@pytest.mark.proof
def test_it_is_failed_over_and_home_again_under_both_names(replicated: tuple[Endpoint, Path], tmp_path: Path) -> None:
    world, folder = replicated
    words = f"-e sit --config {folder}"
    world.timing(**HURRIED)
    world.inject("primary-dark")
    confirmed = f"--confirm files/restore_dr:sit-efs --confirm database/restore_dr:{ITS}"
    ran = at_endpoint(world, tmp_path, f"{words} failover --execute --incident INC-1 {confirmed}", "operator")
    assert Exit.READY == ran.code, ran.out + ran.err
    after = _status(world, tmp_path, folder).report
    assert ("ON_DR", 2) == (after["posture"], after["visitors"]["served"])
    world.repair("primary-dark")
    irreversible = (
        "files/allow_overwrite_primary:sit-efs",
        "files/replicate_to_primary:sit-efs",
        f"database/promote_primary:{OWN}",
    )
    confirmed = " ".join(f"--confirm {step}" for step in irreversible)
    back = at_endpoint(world, tmp_path, f"{words} failback --staged --execute --incident INC-1 {confirmed}", "operator")
    assert Exit.READY == back.code, back.out + back.err
    home = _status(world, tmp_path, folder)
    assert ("NORMAL", [], 2) == (home.report["posture"], _red(home), home.report["visitors"]["served"]), home.err
    aws = Aws(world.url, world.people["admin"], load_environment(folder, "sit"), tenant="")
    instances = {
        side: {
            row["DBInstanceIdentifier"]: row.get("ReadReplicaSourceDBInstanceIdentifier", "")
            for row in aws.client("rds", side).describe_db_instances()["DBInstances"]
        }
        for side in (Side.PRIMARY, Side.DR)
    }
    assert ("", f":db:{OWN}") == (instances[Side.PRIMARY][OWN], instances[Side.DR][ITS][-len(f":db:{OWN}") :])
