"""Zones, records and changes as Route 53 takes, refuses, pages and answers them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients, go_dark

GLOBAL = "us-east-1"
Record = dict[str, Any]


class Names:
    """The zone shop.example."""

    def __init__(self, clients: Clients) -> None:
        self.route53 = clients("route53", GLOBAL)
        response = self.route53.create_hosted_zone(Name="shop.example", CallerReference="shop")
        self.zone = response["HostedZone"]["Id"].removeprefix("/hostedzone/")
        self.servers = response["DelegationSet"]["NameServers"]

    def change(self, action: str, *records: Record) -> dict[str, Any]:
        changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
        answer = self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})
        info: dict[str, Any] = answer["ChangeInfo"]
        return info

    def refusal(self, action: str, *records: Record) -> tuple[str, str]:
        before = self.records()
        with pytest.raises(ClientError) as refused:
            self.change(action, *records)
        assert self.records() == before
        error = refused.value.response["Error"]
        return error["Code"], error["Message"]

    def records(self) -> list[Record]:
        pages = self.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone)
        return [record for page in pages for record in page["ResourceRecordSets"]]

    def answer(self, name: str, kind: str = "A") -> list[str]:
        response = self.route53.test_dns_answer(HostedZoneId=self.zone, RecordName=name, RecordType=kind)
        data: list[str] = response["RecordData"]
        return data


def plain(name: str, *values: str, kind: str = "A", **more: Any) -> Record:
    rows = [{"Value": value} for value in values]
    return {"Name": f"{name}.shop.example", "Type": kind, "TTL": 60, "ResourceRecords": rows, **more}


@pytest.fixture
def names(aws: Clients) -> Names:
    return Names(aws)


def test_a_new_zone_holds_its_name_servers_and_a_readable_soa(names: Names) -> None:
    ns, soa = names.records()
    assert [row["Value"] for row in ns["ResourceRecords"]] == [f"{name}." for name in names.servers]
    words = soa["ResourceRecords"][0]["Value"].split()
    assert words[0] == f"{names.servers[0]}."
    assert [int(word) for word in words[2:]] == [1, 7200, 900, 1209600, 86400]
    response = names.route53.get_hosted_zone(Id=names.zone)
    assert response["DelegationSet"]["NameServers"] == names.servers
    other = names.route53.create_hosted_zone(Name="other.example", CallerReference="other")
    assert other["DelegationSet"]["NameServers"] != names.servers


def test_a_zone_is_made_once_for_one_caller_reference(names: Names) -> None:
    with pytest.raises(ClientError) as refused:
        names.route53.create_hosted_zone(Name="again.example", CallerReference="shop")
    assert refused.value.response["Error"]["Code"] == "HostedZoneAlreadyExists"


def test_a_cname_at_the_apex_is_refused(names: Names) -> None:
    apex = plain("x", "elsewhere.example.", kind="CNAME") | {"Name": "shop.example"}
    code, words = names.refusal("CREATE", apex)
    assert code == "InvalidChangeBatch"
    assert "is not permitted at apex" in words


def test_nothing_stands_beside_a_cname(names: Names) -> None:
    names.change("CREATE", plain("www", "192.0.2.1"), plain("blog", "www.shop.example.", kind="CNAME"))
    assert "conflicting RRSet of type A" in names.refusal("CREATE", plain("www", "x.example.", kind="CNAME"))[1]
    assert "conflicting RRSet of type CNAME" in names.refusal("CREATE", plain("blog", "192.0.2.1"))[1]


def test_a_simple_record_does_not_stand_beside_a_weighted_one(names: Names) -> None:
    names.change("CREATE", plain("www", "192.0.2.1", SetIdentifier="a", Weight=1))
    assert names.refusal("CREATE", plain("www", "192.0.2.2"))[0] == "InvalidChangeBatch"
    failover = plain("www", "192.0.2.2", SetIdentifier="b", Failover="SECONDARY")
    assert names.refusal("CREATE", failover)[0] == "InvalidChangeBatch"
    names.change("CREATE", plain("www", "192.0.2.2", SetIdentifier="b", Weight=0))


def test_two_primaries_are_refused(names: Names) -> None:
    check = _check(names)
    names.change("CREATE", plain("o", "192.0.2.1", SetIdentifier="a", Failover="PRIMARY", HealthCheckId=check))
    second = plain("o", "192.0.2.2", SetIdentifier="b", Failover="PRIMARY", HealthCheckId=check)
    assert "already is a PRIMARY failover RRSet" in names.refusal("CREATE", second)[1]
    names.change("CREATE", plain("o", "192.0.2.2", SetIdentifier="b", Failover="SECONDARY"))


def _check(names: Names) -> str:
    """A health check that is always healthy: it needs none of its children."""
    config = {"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []}
    response = names.route53.create_health_check(CallerReference="check", HealthCheckConfig=config)
    return str(response["HealthCheck"]["Id"])


def test_a_primary_record_needs_a_health_check_and_an_alias_does_not(names: Names) -> None:
    bare = plain("o", "192.0.2.1", SetIdentifier="a", Failover="PRIMARY")
    code, words = names.refusal("CREATE", bare)
    assert (code, "non-alias primary" in words) == ("InvalidChangeBatch", True)
    where = {"HostedZoneId": names.zone, "DNSName": "one.shop.example", "EvaluateTargetHealth": True}
    alias = {"Name": "o.shop.example", "Type": "A", "AliasTarget": where, "SetIdentifier": "a", "Failover": "PRIMARY"}
    names.change("CREATE", plain("one", "192.0.2.1"), alias)
    assert names.answer("o.shop.example") == ["192.0.2.1"]


@pytest.mark.parametrize(
    "record",
    [
        plain("www", "192.0.2.1", SetIdentifier="a", Weight=256),
        plain("www", "192.0.2.1", Weight=1),
        plain("www", "192.0.2.1", SetIdentifier="a"),
        {"Name": "www.shop.example", "Type": "A"},
    ],
    ids=["weight above 255", "weight without identifier", "identifier without policy", "neither records nor alias"],
)
def test_a_malformed_record_is_invalid_input(names: Names, record: Record) -> None:
    assert names.refusal("CREATE", record)[0] == "InvalidInput"


def test_values_must_be_addresses_of_the_records_type(names: Names) -> None:
    assert "not a valid IPv4 address" in names.refusal("CREATE", plain("www", "not-an-ip"))[1]
    assert "not a valid IPv6 address" in names.refusal("CREATE", plain("www", "192.0.2.1", kind="AAAA"))[1]
    names.change("CREATE", plain("www", "192.0.2.1"), plain("www", "2001:db8::1", kind="AAAA"))


def test_a_record_is_created_once_and_upserted_often(names: Names) -> None:
    names.change("CREATE", plain("www", "192.0.2.1"))
    code, words = names.refusal("CREATE", plain("www", "192.0.2.2"))
    assert (code, "but it already exists" in words) == ("InvalidChangeBatch", True)
    names.change("UPSERT", plain("www", "192.0.2.2"))
    assert names.answer("www.shop.example") == ["192.0.2.2"]


def test_a_delete_must_repeat_the_records_values(names: Names) -> None:
    fields = plain("www", "192.0.2.1", SetIdentifier="a", Weight=1)
    names.change("CREATE", fields, fields | {"SetIdentifier": "b"})
    assert "do not match the current values" in names.refusal("DELETE", fields | {"TTL": 61})[1]
    assert "was not found" in names.refusal("DELETE", fields | {"SetIdentifier": "c"})[1]
    names.change("DELETE", fields)
    assert [r["SetIdentifier"] for r in names.records() if r["Type"] == "A"] == ["b"]


def test_a_batch_is_taken_whole_or_not_at_all(names: Names) -> None:
    assert names.refusal("CREATE", plain("one", "192.0.2.1"), plain("two", "wrong"))[0] == "InvalidChangeBatch"


def test_the_zone_keeps_its_soa_and_its_name_servers(names: Names) -> None:
    ns, soa = names.records()
    assert "must contain" in names.refusal("DELETE", soa)[1]
    assert "must contain" in names.refusal("DELETE", ns)[1]


def test_a_name_outside_the_zone_is_refused(names: Names) -> None:
    outside = plain("x", "192.0.2.1") | {"Name": "www.notshop.example"}
    assert "is not permitted in zone" in names.refusal("CREATE", outside)[1]


def test_an_alias_needs_a_target_that_exists(names: Names) -> None:
    def alias(target: str, zone: str = names.zone, health: bool = False) -> Record:
        where = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": health}
        return {"Name": "alias.shop.example", "Type": "A", "AliasTarget": where}

    assert "was not found" in names.refusal("CREATE", alias("www.shop.example"))[1]
    assert "does not lie within" in names.refusal("CREATE", alias("www.example.org", "Z000"))[1]
    cloudfront = alias("d1.cloudfront.net", "Z2FDTNDATAQYW2", health=True)
    assert "EvaluateTargetHealth must be false" in names.refusal("CREATE", cloudfront)[1]
    names.change("CREATE", plain("www", "192.0.2.1"), alias("www.shop.example"))
    assert names.answer("alias.shop.example") == ["192.0.2.1"]


def test_a_health_check_that_does_not_exist_is_refused(names: Names) -> None:
    record = plain("www", "192.0.2.1", SetIdentifier="a", Weight=1, HealthCheckId="missing")
    assert names.refusal("CREATE", record)[0] == "NoSuchHealthCheck"


def test_a_batch_holds_a_thousand_values_and_an_upsert_counts_twice(names: Names) -> None:
    half = [plain(f"t{number}", "192.0.2.1") for number in range(501)]
    assert names.refusal("UPSERT", *half)[0] == "InvalidChangeBatch"
    names.change("CREATE", *half)


def test_records_come_in_order_three_hundred_a_page_and_none_is_lost(names: Names) -> None:
    pairs = [
        plain(f"t{number:03}", "192.0.2.1", SetIdentifier=side, Weight=1) for number in range(200) for side in "ab"
    ]
    names.change("CREATE", *pairs)
    pages = list(names.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=names.zone))
    assert [len(page["ResourceRecordSets"]) for page in pages] == [300, 102]
    seen = [(r["Name"], r.get("SetIdentifier")) for page in pages for r in page["ResourceRecordSets"]]
    assert len(set(seen[2:])) == 400
    assert seen[2:] == sorted(seen[2:])


def test_a_wildcard_is_written_escaped_as_route_53_does(names: Names) -> None:
    names.change("CREATE", plain("*", "192.0.2.9"))
    assert names.records()[-1]["Name"] == r"\052.shop.example."
    assert names.answer("anything.shop.example") == ["192.0.2.9"]


def test_a_change_is_pending_before_it_is_in_sync(names: Names) -> None:
    STATE.extras["transition_s"] = 600.0
    slow = names.change("CREATE", plain("www", "192.0.2.1"))
    assert (slow["Status"], names.route53.get_change(Id=slow["Id"])["ChangeInfo"]["Status"]) == ("PENDING",) * 2
    STATE.extras["transition_s"] = 0.0
    quick = names.change("UPSERT", plain("www", "192.0.2.1"))
    assert names.route53.get_change(Id=quick["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    with pytest.raises(ClientError) as unknown:
        names.route53.get_change(Id="/change/CNEVERMADE")
    assert unknown.value.response["Error"]["Code"] == "NoSuchChange"


def test_accelerated_recovery_is_off_until_it_is_switched_on(names: Names) -> None:
    def status() -> str:
        zone = names.route53.get_hosted_zone(Id=names.zone)["HostedZone"]
        return str(zone["Features"]["AcceleratedRecoveryStatus"])

    assert status() == "DISABLED"
    STATE.extras["transition_s"] = 600.0
    names.route53.update_hosted_zone_features(HostedZoneId=names.zone, EnableAcceleratedRecovery=True)
    assert status() == "ENABLING"
    STATE.extras["transition_s"] = 0.0
    names.route53.update_hosted_zone_features(HostedZoneId=names.zone, EnableAcceleratedRecovery=True)
    assert status() == "ENABLED"


def test_a_load_balancer_has_addresses_of_ipv6_where_it_is_dualstack(aws: Clients, names: Names) -> None:
    there = platform(aws, DR)
    elbv2 = there.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    target = {"DNSName": f"dualstack.{there.dns_name}", "HostedZoneId": balancer["CanonicalHostedZoneId"]}
    alias = {"AliasTarget": {**target, "EvaluateTargetHealth": False}}
    names.change("CREATE", *({"Name": "www.shop.example", "Type": kind, **alias} for kind in ("A", "AAAA")))
    question = {"HostedZoneId": names.zone, "RecordName": "www.shop.example", "RecordType": "AAAA"}
    assert [] == names.route53.test_dns_answer(**question)["RecordData"]
    elbv2.set_ip_address_type(LoadBalancerArn=balancer["LoadBalancerArn"], IpAddressType="dualstack")
    assert ["2001:db8", "2001:db8"] == [text[:8] for text in names.route53.test_dns_answer(**question)["RecordData"]]


def test_the_failover_pair_answers_with_the_other_region_of_a_dark_one(aws: Clients, names: Names) -> None:
    here, there = platform(aws, PRIMARY), platform(aws, DR)
    for side, role in ((here, "PRIMARY"), (there, "SECONDARY")):
        side.serve(tasks=1)
        config = {"Type": "HTTP", "FullyQualifiedDomainName": side.dns_name}
        check = names.route53.create_health_check(CallerReference=role, HealthCheckConfig=config)["HealthCheck"]["Id"]
        target = {"HostedZoneId": side.dns_zone, "DNSName": side.dns_name, "EvaluateTargetHealth": True}
        alias = {"Name": "origin.shop.example", "Type": "A", "AliasTarget": target, "HealthCheckId": check}
        names.change("CREATE", alias | {"SetIdentifier": role, "Failover": role})
    primary = names.answer("origin.shop.example")
    go_dark(PRIMARY)
    standby = names.answer("origin.shop.example")
    assert standby != primary
    STATE.stopped.clear()
    assert names.answer("origin.shop.example") == primary
    here.scale(0)
    assert names.answer("origin.shop.example") == standby


@pytest.mark.parametrize("order", [1, -1], ids=["primary first", "secondary first"])
def test_a_failover_pair_is_turned_by_exchanging_targets_in_any_order(names: Names, order: int) -> None:
    primary = plain("o", "192.0.2.1", SetIdentifier="a", Failover="PRIMARY", HealthCheckId=_check(names))
    secondary = plain("o", "192.0.2.2", SetIdentifier="b", Failover="SECONDARY")
    names.change("CREATE", primary, secondary)
    there = "ResourceRecords"
    turned = [primary | {there: secondary[there]}, secondary | {there: primary[there]}]
    names.change("UPSERT", *turned[::order])
    assert names.answer("o.shop.example") == ["192.0.2.2"]


def test_zones_changes_and_answers_work_over_http(served: Clients) -> None:
    names = Names(served)
    names.change("CREATE", plain("www", "192.0.2.1"))
    assert names.answer("www.shop.example") == ["192.0.2.1"]
    names.route53.update_hosted_zone_features(HostedZoneId=names.zone, EnableAcceleratedRecovery=True)
    assert names.route53.get_hosted_zone(Id=names.zone)["HostedZone"]["Features"] == {
        "AcceleratedRecoveryStatus": "ENABLED"
    }
