"""An estate whose read replica in the DR region bears a name of its own, from `scan` to `failback`: none is typed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.config.map_file import MapKind
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.acme import AWAY, DATABASE, HOME, REPLICA, SUFFIX, build, build_tool
from tests.hosting import hosted
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, Ran, at_endpoint, direct_rules
from tests.utils.test_estate_of_paths import OF_THE_TOOL, PEOPLE
from utils.aws_mgmt.app.exit_codes import Exit

SIDES = (Side.PRIMARY, Side.DR)
OWN, ITS = "orders-mysql", "standby-of-orders"
GROUPS = {"db_subnet_group": "subnets", "db_parameter_group": "settings", "db_security_group": "access"}
QUICK = """
[failback]
stable_minutes = 0
bake_minutes = 0.05
files_freeze_minutes = 0
dns_samples = 60

[execution]
poll_s = 0.2

[observation]
attempts = 1
"""


def _status(world: Endpoint, home: Path, words: str) -> Ran:
    return at_endpoint(world, home, f"{words} status --format json", "admin")


def _red(ran: Ran) -> set[str]:
    return {check for check, status in ran.statuses().items() if status in ("fail", "unknown")}


def _instances(aws: Aws, side: Side) -> dict[str, str]:
    """What each database of the side replicates from, by its name."""
    rows = aws.client("rds", side).describe_db_instances()["DBInstances"]
    return {row["DBInstanceIdentifier"]: row.get("ReadReplicaSourceDBInstanceIdentifier", "") for row in rows}


pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path, Ran]]:
    """Eight services upon PostgreSQL in an empty sandbox, the folder of their settings, and what `init` said."""
    home, environment = tmp_path_factory.mktemp("orders"), load_environment(ROOT / "environments", "sit")
    with hosted(environment, 0, seeded=False) as world:
        admin = world.people["admin"]
        build(world.url, admin.access_key_id, admin.secret_access_key, environment.account, database=True)
        words = f"-e acme --config {home / 'own'} init --yes --region {HOME}"
        yield world, home, at_endpoint(world, home, words, "admin")


def test_scan_pairs_it_by_its_source(orders: tuple[Endpoint, Path, Ran]) -> None:
    found = at_endpoint(*orders[:2], "scan --format json", "admin").report
    (database,) = [store for store in found["stores"] if store["kind"] == "database"]
    (pair,) = database["counterparts"]
    assert (DATABASE, REPLICA, "read replica") == (
        database["thing"]["name"],
        pair["thing"]["name"],
        pair["relation"],
    )


def test_init_writes_the_names_that_it_has_there(orders: tuple[Endpoint, Path, Ran]) -> None:
    _, home, written = orders
    assert Exit.READY == written.code, written.err
    settings = tomllib.loads((home / "own" / "acme.toml").read_text(encoding="utf-8"))
    assert "database" not in {**settings["names"], **settings["names_in_dr"]}, "the map has it"
    assert ["read-replica", "backup-copy"] == settings["replication"]["database"]
    for table, region in (("names", HOME), ("names_in_dr", AWAY)):
        wanted = {key: f"orders-{SUFFIX[region]}-{name}" for key, name in GROUPS.items()}
        assert wanted == {key: settings[table][key] for key in GROUPS}
    env = load_environment(home / "own", "acme")
    assert env.estate_map is not None
    assert [DATABASE] == [entry.name for entry in env.estate_map.of_kind(MapKind.DATABASE)]
    for here in (env, env.on(Side.DR)):
        assert [DATABASE, REPLICA] == [here.database_on(side) for side in SIDES]


def test_status_is_red_for_no_name(orders: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = orders
    ran = _status(world, home, f"-e acme --config {home / 'own'}")
    assert ("NORMAL", 8, OF_THE_TOOL) == (ran.report["posture"], ran.report["visitors"]["served"], _red(ran)), ran.err
    assert {"pass"} == {ran.statuses()[check] for check in ("rds-copy.usable", "rds-replica.state", "rds.name-free")}


def test_postgresql_is_failed_over_to_its_replica(orders: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = orders
    file, admin, words = home / "own" / "acme.toml", world.people["admin"], f"-e acme --config {home / 'own'}"
    settings = file.read_text(encoding="utf-8").replace('dns_step = "manual"', 'dns_step = "automatic"')
    file.write_text(settings + PEOPLE, encoding="utf-8")
    policies = at_endpoint(world, home, f"{words} iam operator", "admin").report
    env = load_environment(home / "own", "acme")
    build_tool(world.url, admin.access_key_id, admin.secret_access_key, env.account, policies)
    healthy = _status(world, home, words)
    assert (Exit.READY, set()) == (healthy.code, _red(healthy)), healthy.err
    world.timing(**HURRIED)
    world.inject("primary-dark")
    confirmed = f"--confirm database/restore_dr:{REPLICA}"
    ran = at_endpoint(world, home, f"{words} failover --execute --incident INC-1 {confirmed}", "admin")
    assert Exit.READY == ran.code, ran.out + ran.err
    after = _status(world, home, words).report
    assert ("ON_DR", [AWAY], 8) == (after["posture"], after["visitors"]["regions"], after["visitors"]["served"])
    assert {REPLICA: ""} == _instances(Aws(world.url, admin, env, tenant=""), Side.DR), (
        "promoted, and nothing beside it"
    )


def test_it_is_failed_over_and_home_again_under_both_names(tmp_path: Path) -> None:
    """SIT upon such a replica, where IAM is enforced and markers are written."""
    its = "\n".join(f'{key} = "standby-{name}"' for key, name in GROUPS.items())
    names = f'[names]\ndatabase = "{OWN}"\n[names_in_dr]\ndatabase = "{ITS}"\n{its}\n'
    folder = direct_rules(tmp_path, "sit", names + QUICK)
    file, words = folder / "sit.toml", f"-e sit --config {folder}"
    preferred = '[replication]\ndatabase = ["read-replica", "backup-copy"]\n'
    file.write_text(file.read_text(encoding="utf-8").replace("[replication]\n", preferred), encoding="utf-8")
    with hosted(load_environment(folder, "sit"), 1) as world:
        world.enforce_iam(True)
        world.timing(**HURRIED)
        healthy = _status(world, tmp_path, words)
        assert (Exit.READY, "NORMAL", set()) == (healthy.code, healthy.report["posture"], _red(healthy)), healthy.err
        world.inject("primary-dark")
        confirmed = f"--confirm files/restore_dr:sit-efs --confirm database/restore_dr:{ITS}"
        ran = at_endpoint(world, tmp_path, f"{words} failover --execute --incident INC-1 {confirmed}", "operator")
        assert Exit.READY == ran.code, ran.out + ran.err
        world.repair("primary-dark")
        steps = (
            "files/allow_overwrite_primary:sit-efs",
            "files/replicate_to_primary:sit-efs",
            f"database/promote_primary:{OWN}",
        )
        confirmed = " ".join(f"--confirm {step}" for step in steps)
        back = at_endpoint(
            world, tmp_path, f"{words} failback --staged --execute --incident INC-1 {confirmed}", "operator"
        )
        assert Exit.READY == back.code, back.out + back.err
        ended = _status(world, tmp_path, words)
        assert ("NORMAL", set()) == (ended.report["posture"], _red(ended)), ended.err
        aws = Aws(world.url, world.people["admin"], load_environment(folder, "sit"), tenant="")
        assert "" == _instances(aws, Side.PRIMARY)[OWN]
        assert _instances(aws, Side.DR)[ITS].endswith(f":db:{OWN}"), "a new replica has the name again"
