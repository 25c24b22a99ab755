"""An estate whose load balancers and clusters are called otherwise in each region, as Terraform's name_prefix does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.config.map_file import MapKind, map_path
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.second_team import HOME, build
from tests.hosting import hosted
from tests.utils.running import ROOT, Ran, at_endpoint, direct_rules, rules
from utils.aws_mgmt.app.exit_codes import Exit

SUFFIXED = """
[names]
load_balancer = "shop-20240101"
cluster = "shop-main-20240101"
database = "shop-db-20240101"

[names_in_dr]
load_balancer = "shop-20250202"
cluster = "shop-main-20250202"
"""


@pytest.fixture(scope="module")
def suffixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path]]:
    """The healthy estate of SIT but for these names, and the folder of its settings."""
    folder = rules(tmp_path_factory.mktemp("suffixed"), "sit", SUFFIXED)
    with hosted(load_environment(folder, "sit"), 2) as world:
        yield world, folder


def _status(world: Endpoint, home: Path, folder: Path) -> Ran:
    return at_endpoint(world, home, f"-e sit --config {folder} status --format json")


def test_each_side_has_its_own_names() -> None:
    shipped = load_environment(ROOT / "environments", "sit")
    assert shipped is shipped.on(Side.DR)


@pytest.mark.proof
def test_it_is_judged_as_the_shipped_estate_is(suffixed: tuple[Endpoint, Path], tmp_path: Path) -> None:
    ran = _status(*suffixed[:1], tmp_path, suffixed[1])
    assert (Exit.READY, "NORMAL") == (ran.code, ran.report["posture"]), ran.err
    assert [] == [check for check, status in ran.statuses().items() if status in ("fail", "unknown")]


@pytest.mark.proof
def test_init_maps_it_and_status_goes_by_the_map(suffixed: tuple[Endpoint, Path], tmp_path: Path) -> None:
    world, folder = suffixed[0], tmp_path / "own"
    written = at_endpoint(world, tmp_path, f"-e sit --config {folder} init --yes --region af-south-1")
    assert Exit.READY == written.code, written.err
    settings = tomllib.loads((folder / "sit.toml").read_text(encoding="utf-8"))
    assert not {"cluster", "load_balancer", "database"} & settings["names"].keys(), "the map has them"
    saved = load_environment(folder, "sit").estate_map
    assert saved is not None
    cluster = saved.only(MapKind.CLUSTER)
    assert cluster is not None
    other = cluster.running_in(saved.dr)
    assert ("shop-main-20240101", "shop-main-20250202") == (cluster.name, other and other.name)
    ran = _status(world, tmp_path, folder)
    failed = [check for check, status in ran.statuses().items() if status in ("fail", "unknown")]
    assert ("NORMAL", ["prerequisites.contacts-named"]) == (ran.report["posture"], failed), ran.err
    assert "pass" == ran.statuses()["estate-map.as-mapped"]


@pytest.mark.proof
def test_init_update_shows_what_differs_and_writes_it_where_that_is_wanted(
    suffixed: tuple[Endpoint, Path], tmp_path: Path
) -> None:
    world, folder = suffixed[0], tmp_path / "own"
    words = f"-e sit --config {folder} init --region af-south-1"
    assert Exit.READY == at_endpoint(world, tmp_path, f"{words} --yes").code
    path = map_path(folder, "sit")
    whole = path.read_text(encoding="utf-8")
    assert "says what the account holds" in at_endpoint(world, tmp_path, f"{words} --update").out
    path.write_text(whole.replace("shop-db-20240101", "shop-db-2023"), encoding="utf-8")
    status = _status(world, tmp_path, folder)
    assert "fail" == status.statuses()["estate-map.as-mapped"]
    shown = at_endpoint(world, tmp_path, f"{words} --update")
    assert (Exit.NOT_READY, "database shop-db-2023: gone\n" in shown.out) == (shown.code, True), shown.err
    assert "database shop-db-20240101: new\n" in shown.out
    path.write_text("account = [", encoding="utf-8")
    bad = _status(world, tmp_path, folder)
    assert (Exit.USAGE, 1) == (bad.code, len(bad.err.splitlines())), bad.err
    assert Exit.READY == at_endpoint(world, tmp_path, f"{words} --update --yes").code
    assert whole == path.read_text(encoding="utf-8")
    assert "account = [" == path.with_name("sit.map.toml.unusable").read_text(encoding="utf-8"), "choices are not lost"


@pytest.mark.proof
def test_an_estate_of_plain_boto3_is_mapped_by_the_names_of_each_region(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        admin = world.people["admin"]
        build(world.url, admin.access_key_id, admin.secret_access_key, service="shop-{name}-service")
        words = f"-e shop --config {folder}"
        written = at_endpoint(world, tmp_path, f"{words} init --yes --region {HOME}", "admin")
        assert Exit.READY == written.code, written.err
        ran = at_endpoint(world, tmp_path, f"{words} status --format json", "admin")
    env = load_environment(folder, "shop")
    sides = (Side.PRIMARY, Side.DR)
    assert ["edge-20251104", "edge-77aa01"] == [env.on(side).names.load_balancer for side in sides]
    assert ["shop-20251104", "shop-77aa01"] == [env.on(side).names.cluster for side in sides]
    assert "orders-20251104" == env.names.database
    assert "base" not in tomllib.loads((folder / "shop.toml").read_text(encoding="utf-8")), "its names are no base's"
    found = ran.statuses()
    # what stands behind no route is a worker, which the DR region lacks
    checks = ("elbv2.active", "estate-map.as-mapped", "ecs.service-exists")
    assert ["pass", "pass", "fail"] == [found[check] for check in checks], (ran.report["posture_says"], found)


@pytest.mark.proof
def test_a_failover_of_it_ends_as_the_shipped_estates_does(tmp_path: Path) -> None:
    quick = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
    folder = direct_rules(tmp_path, "sit", f"{SUFFIXED}\n{quick}")
    with hosted(load_environment(folder, "sit"), 1) as world:
        world.timing(**HURRIED)
        world.enforce_iam(True)
        world.inject("primary-dark")
        confirmed = "--confirm files/restore_dr:sit-efs"
        words = f"-e sit --config {folder} failover --execute --incident INC-1 {confirmed}"
        ran = at_endpoint(world, tmp_path, words, "operator")
        assert Exit.READY == ran.code, ran.out + ran.err
