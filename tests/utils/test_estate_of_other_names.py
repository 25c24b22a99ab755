"""Eight HTTP services called in capitals, none of whose names begins with the environment's; first without a pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from dr_estate.config.map_file import MapKind, map_path
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.acme import API_HOST, AWAY, HOME, HOST, SUFFIX, build, build_tool
from tests.hosting import hosted
from tests.utils.running import ROOT, Ran, at_endpoint
from tests.utils.test_estate_of_paths import OF_THE_TOOL, PEOPLE
from utils.aws_mgmt.app.exit_codes import Exit

BALANCERS = {"Web": (HOST, ("basket", "catalog", "web")), "API": (API_HOST, ("accounts", "checkout"))}
WITHOUT_A_PAIR = {
    "dns.pair-present",
    "dns.final-policy",
    "dns-choice.primary-down",
    "dns-choice.pin-holds",
    "health-checks.attached",
}


def _run(world: Endpoint, home: Path, words: str) -> Ran:
    return at_endpoint(world, home, f"-e Shop --config {home / 'own'} {words}", "admin")


def _red(ran: Ran) -> set[str]:
    return {check for check, status in ran.statuses().items() if status in ("fail", "unknown")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path]]:
    """The platform with the tool's own resources, and the folder of the settings that `init` wrote."""
    home = tmp_path_factory.mktemp("shop")
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        keys = (world.url, world.people["admin"].access_key_id, world.people["admin"].secret_access_key, world.account)
        build(*keys, BALANCERS)
        written = _run(world, home, f"init --yes --region {HOME}")
        assert Exit.READY == written.code, written.err
        file = home / "own" / "Shop.toml"
        settings = file.read_text(encoding="utf-8").replace('dns_step = "manual"', 'dns_step = "automatic"')
        file.write_text(settings + PEOPLE.replace("acme-runbooks", "shop-runbooks"), encoding="utf-8")
        build_tool(*keys, _run(world, home, "iam operator").report, "Shop")
        yield world, home


def test_a_healthy_one_is_ready(shop: tuple[Endpoint, Path]) -> None:
    """Route 53 has no capitals, and the roles of its tasks are those of the map."""
    ran = _run(*shop, "status --format json")
    assert ("NORMAL", 5, set()) == (ran.report["posture"], ran.report["visitors"]["served"], _red(ran)), ran.err
    assert Exit.READY == ran.code


@pytest.mark.proof
def test_each_record_of_a_dark_primary_may_be_unhealthy(shop: tuple[Endpoint, Path]) -> None:
    world, home = shop
    world.timing(**HURRIED)
    world.inject("primary-dark")
    ran = _run(world, home, "failover --execute --incident INC-1")
    assert Exit.READY == ran.code, ran.out + ran.err
    after = _run(world, home, "status --format json").report
    assert ("ON_DR", [AWAY], 5) == (after["posture"], after["visitors"]["regions"], after["visitors"]["served"])
    world.repair("primary-dark")
    back = _run(world, home, "failback --staged --execute --incident INC-1")
    assert Exit.READY == back.code, back.out + back.err
    report = _run(world, home, "status --format json").report
    assert ("NORMAL", [HOME], 5) == (report["posture"], report["visitors"]["regions"], report["visitors"]["served"])


@pytest.mark.proof
def test_a_simple_record_is_an_open_point_and_nothing_else(tmp_path: Path) -> None:
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        keys = (world.url, world.people["admin"].access_key_id, world.people["admin"].secret_access_key, world.account)
        build(*keys, {"Web": BALANCERS["Web"]}, paired=False)
        written = _run(world, tmp_path, f"init --yes --region {HOME}")
        assert Exit.READY == written.code, written.err
        assert f"{HOST} has no pair of records yet" in written.err
        saved = load_environment(tmp_path / "own", "Shop").estate_map
        assert saved
        (balancer,) = saved.of_kind(MapKind.LOAD_BALANCER)
        assert [f"acme-Web-{SUFFIX[AWAY]}-alb"] == [row.name for row in balancer.counterparts]
        red = _red(_run(world, tmp_path, "status --format json"))
    assert WITHOUT_A_PAIR == red - OF_THE_TOOL


@pytest.mark.proof
def test_a_map_is_kept_where_the_settings_are_refused(tmp_path: Path) -> None:
    """No record leads to its load balancer: the same command begins again."""
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        keys = (world.url, world.people["admin"].access_key_id, world.people["admin"].secret_access_key, world.account)
        build(*keys, {"internal": ("orders.internal", ("orders", "payments"))})
        words = f"init --yes --region {HOME}"
        first = _run(world, tmp_path, words)
        file = map_path(tmp_path / "own", "Shop")
        assert (Exit.USAGE, False, True) == (first.code, (tmp_path / "own" / "Shop.toml").exists(), file.exists())
        assert f"{file} has the map of what was found" in first.err
        before = file.read_text(encoding="utf-8")
        assert (Exit.USAGE, first.err) == ((again := _run(world, tmp_path, words)).code, again.err)
        assert before == file.read_text(encoding="utf-8")
