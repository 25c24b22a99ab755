"""The readers of the traffic path see the sandbox's zone, answers, distribution and certificates as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import acm, cloudfront, dns_answers, dns_canary_polls, route53, route53_health_checks
from dr_estate.readers.dns_answers import _spread
from dr_estate.readers.dns_canary_polls import LOST, DnsChange
from dr_estate.reading.reader import TrackedChanges
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import SIT
from tests.worlds import healthy


@pytest.fixture(scope="module")
def seen(sandbox_world: Endpoint) -> Snapshot:
    return healthy(sandbox_world, SIT)


@pytest.mark.proof
def test_the_traffic_pair_leads_to_both_regions_with_healthy_checks(seen: Snapshot) -> None:
    pair = [r for r in seen.get(route53.records, Side.GLOBAL) if r.name == SIT.traffic.origin_record]
    assert [("weighted", 100), ("weighted", 0)] == [(r.policy, r.weight) for r in pair]
    assert all(
        region in (r.alias_target or "") for r, region in zip(pair, (SIT.regions.primary, SIT.regions.dr), strict=True)
    )
    checks = {check.id: check for check in seen.get(route53_health_checks.checks, Side.GLOBAL)}
    assert [r.alias_target for r in pair] == [checks[r.health_check_id or ""].host for r in pair]
    assert [1.0, 1.0] == [reading.value for reading in seen.get(route53_health_checks.statuses, Side.GLOBAL)]


def test_the_zone_says_its_name_servers_and_they_answer_what_it_says(seen: Snapshot) -> None:
    zone = seen.get(route53.zone, Side.GLOBAL)
    assert zone is not None
    delegated = seen.get(dns_answers.delegation, Side.GLOBAL)
    assert zone.name_servers == tuple(sorted(route53.plain(value) for value in delegated.values))
    origin = [
        answer
        for answer in seen.get(dns_answers.authorities, Side.GLOBAL)
        if isinstance(answer, DnsAnswer) and answer.name == SIT.traffic.origin_record
    ]
    assert [seen.get(dns_answers.door, Side.PRIMARY)] == [answer.values for answer in origin]


def test_route_53_answers_by_its_api_what_its_name_servers_answer(seen: Snapshot) -> None:
    (answer,) = seen.get(dns_answers.tested, Side.GLOBAL)
    assert isinstance(answer, DnsAnswer)
    assert (answer.asked, answer.name, answer.type) == (dns_answers.TESTED_BY, SIT.traffic.origin_record, "A")
    assert seen.get(dns_answers.door, Side.PRIMARY) == answer.values


def test_the_distribution_and_the_certificates_of_three_places_are_found(seen: Snapshot) -> None:
    (distribution,) = seen.get(cloudfront.distributions, Side.GLOBAL)
    assert (SIT.traffic.distribution_alias,) == distribution.aliases
    assert [SIT.traffic.origin_record] == [origin.domain for origin in distribution.origins]
    assert {"POST", "GET"} <= set(distribution.behaviours[0].methods or ())
    assert distribution.countries == ()
    for side in Side:
        (certificate,) = seen.get(acm.certificates, side)
        assert isinstance(certificate, acm.Certificate)
        assert acm.covers(certificate.names, SIT.traffic.distribution_alias)
        assert certificate.in_use_by


def test_of_many_names_alike_some_are_asked_and_every_odd_one_is() -> None:
    alike = {f"t{n}.example": "edge" for n in range(1000)}
    names = _spread({**alike, "odd.example": "elsewhere"})
    assert "odd.example" in names
    assert 150 <= len(names) <= 201
    assert ["a", "b"] == _spread({"a": "edge", "b": "edge"})
    assert [] == _spread({})


@pytest.mark.parametrize(
    ("host", "covered"),
    [("a.example.org", True), ("example.org", False), ("a.b.example.org", False), ("shop.example", True)],
)
def test_a_wildcard_of_a_certificate_covers_one_label(host: str, covered: bool) -> None:
    assert covered is acm.covers(("*.example.org", "shop.example"), host)


def test_a_look_of_its_own_follows_no_change_and_no_name(seen: Snapshot) -> None:
    assert ((), ()) == (seen.get(dns_canary_polls.changes, Side.GLOBAL), seen.get(dns_canary_polls.polls, Side.GLOBAL))
    assert not any("GetChange" in call or "get_change" in call for call in seen.calls)


def test_a_run_asks_route_53_and_the_servers_of_the_zone(seen: Snapshot, sandbox_world: Endpoint) -> None:
    keys, origin = sandbox_world.people["reader"], SIT.traffic.origin_record
    nobody = f"canary-20260107-101500.wpdr.{SIT.traffic.zone}"
    few = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"dns_samples": 7})})
    again = observe(
        few,
        Credentials(sandbox_world.url, keys.access_key_id, keys.secret_access_key),
        "sandbox",
        only=frozenset({dns_canary_polls.changes.name, dns_canary_polls.polls.name}),
        upon=replace(seen, followed=TrackedChanges(("/change/CNEVERMADE",), (nobody, origin))),
    )
    assert (DnsChange("/change/CNEVERMADE", LOST),) == again.get(dns_canary_polls.changes, Side.GLOBAL)
    none, some = again.get(dns_canary_polls.polls, Side.GLOBAL)
    assert (("NXDOMAIN", (), 1),) == none.counts
    assert (none.ttls_s, none.silent) == ((), 0)
    assert (7, (60,), seen.get(dns_answers.door, Side.PRIMARY)) == (some.answers, some.ttls_s, some.counts[0][1])
