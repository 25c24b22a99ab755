"""The world's name server answers as Route 53 would at that very moment."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.silent_servers import SilentServers
from dr_estate.network.dns_query import DnsAnswer, DnsPatience, Server, ask
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.server.dns_server import serve
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed

PROD = load_environment(Path(__file__).parents[3] / "environments", "prod")
ORIGIN, ZONE = PROD.traffic.origin_record, PROD.traffic.zone


@pytest.fixture(scope="module")
def named_world(sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with borrowed(PROD, 2) as endpoint:
        yield endpoint


@pytest.fixture
def route53(named_world: Endpoint) -> Any:
    return client_of(named_world, "route53", PROD.region(Side.GLOBAL), person="admin")


@pytest.fixture
def zone(route53: Any) -> str:
    zones = route53.list_hosted_zones()["HostedZones"]
    return next(str(z["Id"]) for z in zones if z["Name"] == f"{ZONE}." and not z["Config"]["PrivateZone"])


def asked(world: Endpoint, name: str, kind: str = "A") -> DnsAnswer:
    assert world.dns is not None
    return ask(Server("world", *world.dns), name, kind, DnsPatience(5, SilentServers(), time.monotonic))


def balancer(world: Endpoint, side: Side, env: Environment = PROD) -> str:
    elb = client_of(world, "elbv2", env.region(side), person="reader")
    return str(elb.describe_load_balancers()["LoadBalancers"][0]["DNSName"])


def put(route53: Any, zone: str, *records: dict[str, Any], action: str = "UPSERT") -> None:
    changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def test_the_traffic_name_has_the_addresses_of_the_primary_load_balancer(named_world: Endpoint) -> None:
    home, away = (asked(named_world, balancer(named_world, side)).values for side in (Side.PRIMARY, Side.DR))
    answer = asked(named_world, ORIGIN)
    assert (home, True, 60) == (answer.values, answer.authoritative, answer.ttl_s)
    assert len(set(home) | set(away)) == 4


def test_the_traffic_name_moves_with_a_dark_primary_and_comes_back(named_world: Endpoint) -> None:
    home, away = (asked(named_world, balancer(named_world, side)).values for side in (Side.PRIMARY, Side.DR))
    named_world.inject("primary-dark")
    try:
        assert away == asked(named_world, ORIGIN).values
    finally:
        named_world.repair()
    assert home == asked(named_world, ORIGIN).values


def test_a_target_without_its_last_dot_is_a_whole_name(named_world: Endpoint, route53: Any, zone: str) -> None:
    there = {"Name": f"status.{ZONE}", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "pages.example"}]}
    put(route53, zone, there)
    try:
        assert asked(named_world, f"status.{ZONE}", "CNAME").values == ("pages.example.",)
    finally:
        put(route53, zone, there, action="DELETE")


def test_a_customers_own_name_follows_the_traffic_name(named_world: Endpoint) -> None:
    host = next(host for hosts in PROD.traffic.customer_hosts.values() for host in hosts)
    answer = asked(named_world, host)
    assert (ORIGIN,) == answer.chain
    assert asked(named_world, ORIGIN).values == answer.values


def test_weights_share_the_answers_and_a_weight_of_nought_gets_none(
    named_world: Endpoint, route53: Any, zone: str
) -> None:
    rows = {"a": (90, "192.0.2.1"), "b": (10, "192.0.2.2"), "c": (0, "192.0.2.3")}
    records = [
        {
            "Name": f"weighted.{ZONE}",
            "Type": "A",
            "TTL": 5,
            "SetIdentifier": name,
            "Weight": weight,
            "ResourceRecords": [{"Value": address}],
        }
        for name, (weight, address) in rows.items()
    ]
    put(route53, zone, *records)
    drawn = Counter(asked(named_world, f"weighted.{ZONE}").values for _ in range(300))
    assert {("192.0.2.1",), ("192.0.2.2",)} == set(drawn)
    assert drawn["192.0.2.1",] > 4 * drawn["192.0.2.2",]
    put(route53, zone, *records, action="DELETE")
    assert "NXDOMAIN" == asked(named_world, f"weighted.{ZONE}").code


def test_a_long_answer_is_fetched_over_tcp(named_world: Endpoint, route53: Any, zone: str) -> None:
    values = [{"Value": f"192.0.2.{n}"} for n in range(1, 101)]
    record = {"Name": f"many.{ZONE}", "Type": "A", "TTL": 5, "ResourceRecords": values}
    put(route53, zone, record)
    assert len(asked(named_world, f"many.{ZONE}").values) == 100
    put(route53, zone, record, action="DELETE")


def test_a_name_without_a_zone_is_refused_and_without_its_type_is_empty(named_world: Endpoint) -> None:
    assert "REFUSED" == asked(named_world, "www.elsewhere.example").code
    assert ("NOERROR", ()) == (asked(named_world, ORIGIN, "TXT").code, asked(named_world, ORIGIN, "TXT").values)
    assert len(asked(named_world, ZONE, "NS").values) == 4


def test_every_answer_of_the_api_says_where_names_are_served(named_world: Endpoint, route53: Any) -> None:
    address = route53.list_hosted_zones()["ResponseMetadata"]["HTTPHeaders"]["x-world-name-server"]
    assert named_world.dns is not None
    assert f"{named_world.dns[0]}:{named_world.dns[1]}" == address


def _row(name: str, address: str, **more: Any) -> dict[str, Any]:
    rows = [{"Value": address}]
    return {"Name": f"{name}.{ZONE}", "Type": "A", "TTL": 5, "ResourceRecords": rows, **more}


def test_a_name_server_that_misses_a_change_gives_the_former_answer(
    named_world: Endpoint, route53: Any, zone: str
) -> None:
    put(route53, zone, _row("old", "192.0.2.1"))
    assert ("192.0.2.1",) == asked(named_world, f"old.{ZONE}").values
    named_world.begin(Outage(PROD.region(Side.GLOBAL), "stale", "dns"))
    try:
        put(route53, zone, _row("old", "192.0.2.2"), _row("new", "192.0.2.3"))
        assert ("192.0.2.1",) == asked(named_world, f"old.{ZONE}").values
        assert "NXDOMAIN" == asked(named_world, f"new.{ZONE}").code
    finally:
        named_world.end()
    assert ("192.0.2.2",) == asked(named_world, f"old.{ZONE}").values
    put(route53, zone, _row("old", "192.0.2.2"), _row("new", "192.0.2.3"), action="DELETE")


def test_a_failover_pair_of_aliases_answers_by_its_targets_without_a_check(
    named_world: Endpoint, route53: Any, zone: str
) -> None:
    targets = [_row("one", "192.0.2.1"), _row("two", "192.0.2.2")]
    pair = []
    for role, to in (("PRIMARY", "one"), ("SECONDARY", "two")):
        where = {"HostedZoneId": zone.rpartition("/")[2], "DNSName": f"{to}.{ZONE}", "EvaluateTargetHealth": True}
        routed = {"SetIdentifier": role, "Failover": role, "AliasTarget": where}
        pair.append({"Name": f"pair.{ZONE}", "Type": "A", **routed})
    put(route53, zone, *targets, *pair, action="CREATE")
    answer = asked(named_world, f"pair.{ZONE}")
    assert (("192.0.2.1",), 5, ()) == (answer.values, answer.ttl_s, answer.chain)
    turned = [pair[0] | {"AliasTarget": pair[1]["AliasTarget"]}, pair[1] | {"AliasTarget": pair[0]["AliasTarget"]}]
    put(route53, zone, *turned)
    assert ("192.0.2.2",) == asked(named_world, f"pair.{ZONE}").values
    put(route53, zone, *turned, *targets, action="DELETE")
    assert "NXDOMAIN" == asked(named_world, f"pair.{ZONE}").code


@pytest.mark.proof
def test_a_change_is_in_sync_once_the_name_servers_answer_with_it(
    named_world: Endpoint, route53: Any, zone: str
) -> None:
    put(route53, zone, _row("late", "192.0.2.1"))
    named_world.timing(transition_s=0.0, dns_lag_s=3.0)
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": _row("late", "192.0.2.2")}]}
    change_id = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)["ChangeInfo"]["Id"]
    named_world.timing(transition_s=None, dns_lag_s=None)
    entries = list[tuple[str, str]]()
    while entries[-1:] == [] or entries[-1][1] == "PENDING":
        (value,) = asked(named_world, f"late.{ZONE}").values
        time.sleep(0.05)
        entries.append((value, route53.get_change(Id=change_id)["ChangeInfo"]["Status"]))
    assert ("192.0.2.1", "PENDING") in entries
    assert ("192.0.2.2",) == asked(named_world, f"late.{ZONE}").values
    put(route53, zone, _row("late", "192.0.2.2"), action="DELETE")


def test_questions_that_wait_for_the_world_are_answered_together() -> None:
    """One after another, each would wait for all who visit sites meanwhile."""
    server, answered, questions = serve(PROD.account), list[int](), 20
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)

        def visit() -> None:
            with WORLD_LOCK:
                answered.append(sum(1 for _ in range(questions) if asking.recv(512)))

        visiting = threading.Thread(target=visit)
        with WORLD_LOCK:
            for number in range(questions):
                asking.sendto(dns.message.make_query(f"t{number}.example", "A").to_wire(), server)
            _until_waiting(1)
            visiting.start()
            _until_waiting(2)
        visiting.join()
    assert answered == [questions]


def _until_waiting(many: int) -> None:
    until = time.monotonic() + 300
    while len(WORLD_LOCK._waiting) < many:
        assert time.monotonic() < until
        time.sleep(0.001)
