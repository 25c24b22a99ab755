"""Eight HTTP services in two ECS clusters a region, each called otherwise in the other; two share their name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from dr_estate.config.environment import load_environment
from dr_estate.config.map_file import map_from
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.acme import AWAY, HOME, ONE_BALANCER, SUFFIX, TWO_CLUSTERS, build, build_tool
from tests.hosting import hosted
from tests.utils.running import ROOT, Ran, at_endpoint
from tests.utils.test_estate_of_paths import PEOPLE, WAITING_SPEED
from utils.aws_mgmt.app.exit_codes import Exit

CLUSTERS = ("main", *TWO_CLUSTERS)
WORDS = "-e acme --config {home}/own"

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path, Ran]]:
    """The platform with the tool's own resources, the folder of its settings, and what `init` said of them."""
    home = tmp_path_factory.mktemp("acme")
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        admin = world.people["admin"]
        keys = (world.url, admin.access_key_id, admin.secret_access_key, world.account)
        build(*keys, ONE_BALANCER, clusters=TWO_CLUSTERS)
        words, file = WORDS.format(home=home), home / "own" / "acme.toml"
        written = at_endpoint(world, home, f"{words} init --yes --region {HOME}", "admin")
        settings = file.read_text(encoding="utf-8").replace('dns_step = "manual"', 'dns_step = "automatic"')
        file.write_text(settings + PEOPLE, encoding="utf-8")
        build_tool(*keys, at_endpoint(world, home, f"{words} iam operator", "admin").report)
        yield world, home, written


def _name(cluster: str, region: str) -> str:
    return f"acme-{cluster}-{SUFFIX[region]}"


def _status(world: Endpoint, home: Path) -> Ran:
    return at_endpoint(world, home, f"{WORDS.format(home=home)} status --format json", "admin")


def _ecs(world: Endpoint, region: str) -> Any:
    keys, client = world.people["admin"], boto3
    secrets = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    return client.client("ecs", region_name=region, endpoint_url=world.url, **secrets)


def _failed(ran: Ran, check: str) -> set[str]:
    (result,) = [result for result in ran.report["results"] if result["check"] == check]
    return {finding["subject"] for finding in result["findings"] if finding["status"] == "fail"}


def _running(world: Endpoint, region: str) -> dict[str, int]:
    """How many services of each cluster run tasks, by plain boto3."""
    ecs, found = _ecs(world, region), {}
    for cluster in CLUSTERS:
        arns = ecs.list_services(cluster=_name(cluster, region))["serviceArns"]
        rows = ecs.describe_services(cluster=_name(cluster, region), services=arns)["services"]
        found[cluster] = sum(row["runningCount"] > 0 for row in rows)
    return found


def test_scan_names_the_services_of_each_cluster_and_sees_no_gap(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    found = at_endpoint(world, home, f"scan {_name('main', HOME)} --format json", "admin").report
    assert [] == found["gaps"]
    assert {_name(cluster, HOME) for cluster in CLUSTERS} == {row["cluster"] for row in found["workloads"]}
    assert 8 == len(found["workloads"])
    assert all(row["counterpart"] for row in found["workloads"])


def test_init_writes_settings_that_leave_the_clusters_to_the_map(acme: tuple[Endpoint, Path, Ran]) -> None:
    _, home, written = acme
    assert Exit.READY == written.code, written.err
    assert not tomllib.loads((home / "own" / "acme.toml").read_text(encoding="utf-8"))["names"].get("cluster")


def test_status_sees_each_cluster_and_serves_all_eight(acme: tuple[Endpoint, Path, Ran]) -> None:
    ran = _status(*acme[:2])
    assert ("NORMAL", 8) == (ran.report["posture"], ran.report["visitors"]["served"]), ran.err
    assert [] == [check for check, status in ran.statuses().items() if status in ("fail", "unknown")]
    assert Exit.READY == ran.code, ran.err
    (active,) = [result for result in ran.report["results"] if result["check"] == "ecs.cluster-active"]
    assert {_name(cluster, AWAY) for cluster in CLUSTERS} == {row["subject"] for row in active["findings"]}


def test_a_cluster_for_which_nothing_stands_fails_by_its_name(acme: tuple[Endpoint, Path, Ran]) -> None:
    """The map is of a day when the second cluster had no counterpart."""
    world, home, _ = acme
    file = home / "own" / "acme.map.toml"
    whole = file.read_text(encoding="utf-8")
    saved = map_from(tomllib.loads(whole))
    alone = [
        row.model_copy(update={"counterparts": ()}) if _name("money", HOME) in row.id else row for row in saved.entries
    ]
    file.write_text(saved.model_copy(update={"entries": tuple(alone)}).to_toml(), encoding="utf-8")
    try:
        ran = _status(world, home)
    finally:
        file.write_text(whole, encoding="utf-8")
    assert {_name("money", HOME)} == _failed(ran, "ecs.cluster-active")
    assert 3 == len(_failed(ran, "ecs.service-exists"))


def test_settings_that_name_one_cluster_leave_nobody_behind_silently(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    file = home / "own" / "acme.toml"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("[names]", f'[names]\ncluster = "{_name("main", HOME)}"', 1), encoding="utf-8")
    try:
        ran = at_endpoint(
            world, home, f"{WORDS.format(home=home)} failover --planned --execute --incident INC-2", "admin"
        )
    finally:
        file.write_text(whole, encoding="utf-8")
    assert Exit.REFUSED == ran.code, ran.out
    assert f"in the ECS cluster {_name('money', HOME)}" in ran.err


def test_an_update_of_the_map_finds_both_again(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    ran = at_endpoint(world, home, f"{WORDS.format(home=home)} init --update --yes", "admin")
    assert (Exit.READY, "") == (ran.code, "".join(line for line in ran.out.splitlines() if "gone" in line)), ran.err


def test_a_failover_and_a_staged_failback_start_and_fence_all_services(
    acme: tuple[Endpoint, Path, Ran],
) -> None:
    world, home, _ = acme
    words = WORDS.format(home=home)
    world.timing(**HURRIED)
    world.inject("primary-dark")
    ran = at_endpoint(world, home, f"{words} failover --execute --incident INC-1", "admin")
    assert Exit.READY == ran.code, ran.out + ran.err
    assert "DONE: Every step is done, and what serves now was validated" in ran.out
    assert {"main": 5, "money": 3} == _running(world, AWAY)
    after = _status(world, home).report
    assert ("ON_DR", [AWAY], 8) == (after["posture"], after["visitors"]["regions"], after["visitors"]["served"])
    world.repair("primary-dark")
    world.set_speed(WAITING_SPEED)
    back = at_endpoint(world, home, f"{words} failback --staged --execute --incident INC-1", "admin")
    assert Exit.READY == back.code, back.out + back.err
    home_again = _status(world, home).report
    assert ("NORMAL", [HOME], 8) == (
        home_again["posture"],
        home_again["visitors"]["regions"],
        home_again["visitors"]["served"],
    )
    assert {"main": 5, "money": 3} == _running(world, HOME)
    assert {"main": 0, "money": 0} == _running(world, AWAY)
