"""Eight HTTP services behind three load balancers a region: two have records of their own, one is internal."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from dr_estate.config.environment import load_environment
from dr_estate.config.map_file import MapKind
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.acme import (
    API_HOST,
    AWAY,
    HOME,
    HOST,
    SUFFIX,
    THREE_BALANCERS,
    ZONE,
    build,
    build_tool,
)
from tests.hosting import hosted
from tests.utils.running import ROOT, Ran, at_endpoint
from tests.utils.test_estate_of_paths import PEOPLE, WAITING_SPEED
from utils.aws_mgmt.app.exit_codes import Exit

SAME_SERVICES, SAME_RECORD = "its services stand for each other", "the same record"

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path, Ran]]:
    """The platform with the tool's own resources, the folder of its settings, and what `init` said of them."""
    home = tmp_path_factory.mktemp("acme")
    environment = load_environment(ROOT / "environments", "sit")
    with hosted(environment, 0, seeded=False) as world:
        admin = world.people["admin"]
        build(world.url, admin.access_key_id, admin.secret_access_key, environment.account, THREE_BALANCERS)
        words, file = f"-e acme --config {home / 'own'}", home / "own" / "acme.toml"
        written = at_endpoint(world, home, f"{words} init --yes --region {HOME}", "admin")
        settings = file.read_text(encoding="utf-8").replace('dns_step = "manual"', 'dns_step = "automatic"')
        file.write_text(settings + PEOPLE, encoding="utf-8")
        policies = at_endpoint(world, home, f"{words} iam operator", "admin").report
        build_tool(world.url, admin.access_key_id, admin.secret_access_key, environment.account, policies)
        yield world, home, written


def _name(balancer: str, region: str) -> str:
    return f"acme-{balancer}-{SUFFIX[region]}-alb"


def _status(world: Endpoint, home: Path) -> Ran:
    return at_endpoint(world, home, f"-e acme --config {home / 'own'} status --format json", "admin")


def _subjects(ran: Ran, check: str, status: str) -> set[str]:
    (result,) = [result for result in ran.report["results"] if result["check"] == check]
    return {finding["subject"] for finding in result["findings"] if finding["status"] == status}


def _elb(world: Endpoint, region: str) -> Any:
    keys = world.people["admin"]
    secrets = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
    client: Any = boto3
    return client.client("elbv2", region_name=region, endpoint_url=world.url, **secrets)


def test_the_map_pairs_each_balancer_by_its_record_or_its_services(acme: tuple[Endpoint, Path, Ran]) -> None:
    _, home, written = acme
    assert Exit.READY == written.code, written.err
    saved = load_environment(home / "own", "acme").estate_map
    assert saved
    pairs = {
        entry.name: (row.name, row.relation)
        for entry in saved.of_kind(MapKind.LOAD_BALANCER)
        for row in entry.counterparts
    }
    relations = {"web": SAME_RECORD, "api": SAME_RECORD, "internal": SAME_SERVICES}
    assert {
        _name(balancer, HOME): (_name(balancer, AWAY), relation) for balancer, relation in relations.items()
    } == pairs


def test_the_settings_name_the_balancer_with_most_services_and_its_record(acme: tuple[Endpoint, Path, Ran]) -> None:
    home = acme[1]
    settings = tomllib.loads((home / "own" / "acme.toml").read_text(encoding="utf-8"))
    env = load_environment(home / "own", "acme")
    assert (HOST, _name("web", HOME)) == (settings["traffic"]["origin_record"], env.names.load_balancer)
    behind = {entry.load_balancer: set(entry.workloads) for entry in env.entrances if entry}
    assert {_name(balancer, HOME): set(services) for balancer, (_, services) in THREE_BALANCERS.items()} == behind
    assert (HOST, API_HOST) == env.traffic_records


def test_status_judges_each_balancer_and_each_record_and_names_it(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    ran = _status(world, home)
    assert ("NORMAL", 8, "all") == (
        ran.report["posture"],
        *(ran.report["visitors"][key] for key in ("served", "write")),
    )
    statuses = ran.statuses()
    assert set() == {check for check, status in statuses.items() if status in ("fail", "unknown")}
    assert {_name(balancer, AWAY) for balancer in THREE_BALANCERS} <= _subjects(ran, "elbv2.active", "pass")
    assert {f"{host} A" for host in (HOST, API_HOST)} <= _subjects(ran, "dns.pair-present", "pass")
    sites = {f"{HOST}/{name}" for name in ("basket", "catalog", "search", "")}
    assert sites | {f"{API_HOST}/{name}" for name in ("accounts", "checkout")} == _subjects(
        ran, "sites.own-identity", "pass"
    )


def test_what_a_further_balancer_lacks_fails_by_its_name(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    elb, name = _elb(world, AWAY), _name("internal", AWAY)
    arn = elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]["LoadBalancerArn"]

    def protect(value: str) -> None:
        attribute = {"Key": "deletion_protection.enabled", "Value": value}
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])

    protect("false")
    try:
        ran = _status(world, home)
    finally:
        protect("true")
    assert {name} == _subjects(ran, "elbv2.deletion-protection", "fail")


def test_no_failover_leaves_the_visitors_of_a_balancer_behind(acme: tuple[Endpoint, Path, Ran]) -> None:
    """The map is older than a load balancer: its services and records are named, and nothing is planned."""
    world, home, _ = acme
    file = home / "own" / "acme.map.toml"
    whole = file.read_text(encoding="utf-8")
    before, found, after = whole.partition(f'kind = "load balancer"\nname = "{_name("api", HOME)}"')
    entry, _, rest = after.partition("[[entries]]\nkind = ")
    assert found
    assert AWAY in entry
    file.write_text(before.removesuffix("[[entries]]\n") + f"[[entries]]\nkind = {rest}", encoding="utf-8")
    try:
        status = _status(world, home)
        ran = at_endpoint(
            world, home, f"-e acme --config {home / 'own'} failover --planned --execute --incident INC-2", "admin"
        )
    finally:
        file.write_text(whole, encoding="utf-8")
    left = {f"{name}-{suffix}" for name in ("accounts", "checkout") for suffix in SUFFIX.values()}
    assert left == _subjects(status, "supported.services", "fail")
    assert Exit.REFUSED == ran.code, ran.out
    assert f"behind {_name('api', HOME)}" in ran.err
    assert "no run moves its visitors" in ran.err


def test_a_failover_and_its_failback_move_each_record_and_serve_all_eight(
    acme: tuple[Endpoint, Path, Ran],
) -> None:
    world, home, _ = acme
    words = f"-e acme --config {home / 'own'}"
    world.timing(**HURRIED)
    world.inject("primary-dark")
    ran = at_endpoint(world, home, f"{words} failover --execute --incident INC-1", "admin")
    assert Exit.READY == ran.code, ran.out + ran.err
    assert "DONE: Every step is done, and what serves now was validated" in ran.out
    after = _status(world, home).report
    assert ("ON_DR", [AWAY], 8) == (after["posture"], after["visitors"]["regions"], after["visitors"]["served"])
    assert dict.fromkeys((HOST, API_HOST), AWAY) == _led_to(world)
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
    assert dict.fromkeys((HOST, API_HOST), HOME) == _led_to(world)


def _led_to(world: Endpoint) -> dict[str, str]:
    """The region that the PRIMARY record of each name leads to, by plain boto3."""
    keys, client = world.people["admin"], boto3
    route53: Any = client.client(
        "route53",
        region_name="us-east-1",
        endpoint_url=world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    zone = next(row["Id"] for row in route53.list_hosted_zones()["HostedZones"] if row["Name"] == f"{ZONE}.")
    rows = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    first = [row for row in rows if row.get("Failover") == "PRIMARY"]
    return {row["Name"].removesuffix("."): row["AliasTarget"]["DNSName"].split(".")[-5] for row in first}
