"""How Route 53 chooses: weights, failover, health, aliases, wildcards. Pure, over plain records."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sandbox.moto_ext.route53.names import Health, Record, ResolvedAnswer, ZoneRecords, answer, shares

ALL_WELL = Health(check=lambda _: True, target=lambda _: True)


def unhealthy(*ids: str) -> Health:
    return Health(check=lambda check: check not in ids, target=lambda alias: alias["DNSName"] not in ids)


def a(name: str, value: str, **more: Any) -> Record:
    return {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}], **more}


def weighted(*weights: int) -> list[Record]:
    return [
        a("w.example.", f"192.0.2.{number}", SetIdentifier=str(number), Weight=weight, HealthCheckId=f"c{number}")
        for number, weight in enumerate(weights)
    ]


def pair(**more: Any) -> list[Record]:
    return [
        a("o.example.", "192.0.2.1", SetIdentifier="1", Failover="PRIMARY", HealthCheckId="first", **more),
        a("o.example.", "192.0.2.2", SetIdentifier="2", Failover="SECONDARY", HealthCheckId="second", **more),
    ]


def values(dns_answer: ResolvedAnswer) -> list[str]:
    return [row[3] for row in dns_answer.rows]


def spread(records: list[Record], health: Health, name: str = "w.example") -> Counter[str]:
    zone = ZoneRecords(records)
    total = sum(int(record.get("Weight", 1)) for record in records) or len(records)

    def drawn(draw: int) -> str:
        return values(answer(zone, health, name, "A", lambda parts: draw % parts))[0]

    return Counter(drawn(draw) for draw in range(total))


@pytest.mark.parametrize(
    ("weights", "sick", "expected"),
    [
        ((90, 10), (), {"192.0.2.0": 90, "192.0.2.1": 10}),
        ((90, 10), ("c0",), {"192.0.2.1": 100}),
        ((100, 0), (), {"192.0.2.0": 100}),
        ((100, 0), ("c0",), {"192.0.2.1": 100}),
        ((100, 0), ("c0", "c1"), {"192.0.2.0": 100}),
        ((0, 0), (), {"192.0.2.0": 1, "192.0.2.1": 1}),
    ],
    ids=[
        "by weight",
        "the healthy one",
        "weight 0 rests",
        "weight 0 answers when the others are ill",
        "all ill counts as all well",
        "all 0 is even",
    ],
)
def test_weighted_records(weights: tuple[int, ...], sick: tuple[str, ...], expected: dict[str, int]) -> None:
    assert spread(weighted(*weights), unhealthy(*sick)) == expected


@pytest.mark.parametrize(
    ("sick", "expected"),
    [((), "192.0.2.1"), (("first",), "192.0.2.2"), (("second",), "192.0.2.1"), (("first", "second"), "192.0.2.1")],
    ids=["all well", "primary down", "standby down", "both down"],
)
def test_a_failover_pair(sick: tuple[str, ...], expected: str) -> None:
    assert values(answer(pair(), unhealthy(*sick), "o.example", "A", lambda _: 0)) == [expected]


def test_an_alias_with_target_health_needs_both_its_check_and_its_target() -> None:
    target: dict[str, Any] = {"DNSName": "lb-1.elb.amazonaws.com.", "HostedZoneId": "Z", "EvaluateTargetHealth": True}
    first: Record = {
        "Name": "o.example.",
        "Type": "A",
        "AliasTarget": target,
        "SetIdentifier": "1",
        "Failover": "PRIMARY",
    }
    records = [first, pair()[1]]
    assert answer(records, ALL_WELL, "o.example", "A", lambda _: 0).alias == target
    assert values(answer(records, unhealthy(target["DNSName"]), "o.example", "A", lambda _: 0)) == ["192.0.2.2"]
    unasked = [first | {"AliasTarget": target | {"EvaluateTargetHealth": False}}, pair()[1]]
    assert answer(unasked, unhealthy(target["DNSName"]), "o.example", "A", lambda _: 0).alias is not None


def test_an_alias_inside_the_zone_and_a_cname_are_followed() -> None:
    alias = {"DNSName": "o.example.", "HostedZoneId": "Z", "EvaluateTargetHealth": True}
    cname = {"Name": "www.example.", "Type": "CNAME", "TTL": 30, "ResourceRecords": [{"Value": "t.example."}]}
    records = [*pair(), {"Name": "t.example.", "Type": "A", "AliasTarget": alias}, cname]
    dns_answer = answer(records, unhealthy("first"), "www.example", "A", lambda _: 0)
    assert dns_answer.rows == (("www.example", "CNAME", 30, "t.example."), ("t.example", "A", 60, "192.0.2.2"))
    assert [record.get("SetIdentifier") for record in dns_answer.chosen] == [None, None, "2"]


def test_wildcards_answer_only_for_names_that_do_not_exist() -> None:
    records = [a(r"\052.t.example.", "192.0.2.9"), a("deep.real.t.example.", "192.0.2.1")]
    assert values(answer(records, ALL_WELL, "any.t.example", "A", lambda _: 0)) == ["192.0.2.9"]
    assert values(answer(records, ALL_WELL, "a.b.t.example", "A", lambda _: 0)) == ["192.0.2.9"]
    assert answer(records, ALL_WELL, "real.t.example", "A", lambda _: 0) == ResolvedAnswer("NOERROR")
    assert answer(records, ALL_WELL, "x.real.t.example", "A", lambda _: 0).code == "NXDOMAIN"
    assert answer(records, ALL_WELL, "elsewhere.example", "A", lambda _: 0).code == "NXDOMAIN"


def test_several_values_are_answered_up_to_eight_healthy_ones() -> None:
    records = [
        a("m.example.", f"192.0.2.{n}", SetIdentifier=str(n), MultiValueAnswer=True, HealthCheckId=f"c{n}")
        for n in range(10)
    ]
    addresses = values(answer(records, unhealthy("c0"), "m.example", "A", lambda _: 0))
    assert addresses == [f"192.0.2.{n}" for n in range(1, 9)]


def test_shares_say_what_part_of_the_questions_each_record_answers() -> None:
    parts = {r["SetIdentifier"]: part for r, part in shares(ZoneRecords(weighted(75, 25)), ALL_WELL, "w.example", "A")}
    assert parts == {"0": 0.75, "1": 0.25}
    assert list(shares(ZoneRecords([]), ALL_WELL, "w.example", "A")) == []


def test_a_name_that_is_delegated_has_no_answer_here() -> None:
    soa = {"Name": "shop.example.", "Type": "SOA", "TTL": 900, "ResourceRecords": [{"Value": "ns1. a. 1 2 3 4 5"}]}
    at_apex = {"Name": "shop.example.", "Type": "NS", "TTL": 900, "ResourceRecords": [{"Value": "ns1."}]}
    away = {**at_apex, "Name": "eu.shop.example."}
    rows = [
        {"Name": f"{name}.shop.example.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]}
        for name in ("us", "eu", "a.eu")
    ]
    health = Health(lambda _: True, lambda _: True)
    found = {
        name: bool(answer([soa, at_apex, away, *rows], health, f"{name}.shop.example", "A", lambda _: 0).rows)
        for name in ("us", "eu", "a.eu")
    }
    assert found == {"us": True, "eu": False, "a.eu": False}
