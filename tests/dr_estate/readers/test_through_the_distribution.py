"""The distribution as visitors meet it: what each way shows, and whether the load balancers are sent the host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.network.http_probe import Visit
from dr_estate.readers import cloudfront, dns_answers, http_sites
from dr_estate.readers.cloudfront import HostPolicy
from dr_estate.readers.http_sites import VisitRound
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import SIT
from tests.proofs.watching import parts_of
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed, world_of


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    with borrowed(SIT, tenants=2) as endpoint:
        yield endpoint


def look(world: Endpoint, upon: Snapshot | None = None) -> Snapshot:
    """See it all, or upon an earlier look what rules of load balancers can reach."""
    only = parts_of({"elbv2", "cloudfront"}) if upon else None
    return observe(SIT, world_of(world, "reader").credentials, "sandbox", only=only, upon=upon)


def through(snapshot: Snapshot) -> VisitRound:
    found = snapshot.get(http_sites.edge_visits, Side.GLOBAL)
    assert found is not None
    return found


def status(check: str, snapshot: Snapshot) -> Status:
    return judge(checks()[check], snapshot, SIT).status


@pytest.mark.proof
def test_one_tenant_is_visited_by_the_distribution_where_balancers_answer(
    world: Endpoint,
) -> None:
    seen = look(world)
    (page,) = through(seen).tenants
    assert isinstance(page, Visit)
    assert (page.status, page.digest != through(seen).stranger.digest) == (401, True)
    assert status("sites.edge-agrees", seen) is Status.PASS
    managed = {row.name for row in seen.get(cloudfront.host_policies, Side.GLOBAL) if isinstance(row, HostPolicy)}
    assert managed == {"AllViewer", "CachingDisabled"}
    assert status("cloudfront-routing.forwards-host", seen) is Status.PASS


@pytest.mark.proof
def test_every_tenant_is_visited_by_it_where_balancers_cannot_be_reached(world: Endpoint) -> None:
    world.inject("reached-through-cloudfront-only")
    try:
        seen = look(world)
    finally:
        world.repair()
    for side in (Side.PRIMARY, Side.DR):
        direct = seen.parts[http_sites.visits.name, side].value
        assert isinstance(direct, Unavailable)
        assert (direct.kind, direct.region) == (UnavailableKind.NOT_REACHABLE, SIT.region(side))
    assert [page.status for page in through(seen).tenants if isinstance(page, Visit)] == [401, 401]
    assert status("sites.every-site-answers", seen) is Status.PASS
    assert status("sites.own-identity", seen) is Status.PASS
    assert status("sites.edge-agrees", seen) is Status.NOT_APPLICABLE
    assert status("sites.handshake-accepted", seen) is Status.UNKNOWN


@pytest.mark.proof
def test_a_service_behind_a_secret_header_is_not_down_and_its_value_opens(
    world: Endpoint,
) -> None:
    world.inject("edge-secret-rotated")
    try:
        seen = look(world)
        _demand(world, Side.PRIMARY, "of this year")
        _demand(world, Side.DR, "of this year")
        opened = look(world, upon=seen)
    finally:
        _demand(world, Side.PRIMARY)
        world.repair()
    direct = seen.parts[http_sites.visits.name, Side.DR].value
    assert isinstance(direct, Unavailable)
    assert (direct.kind, direct.region) == (UnavailableKind.NOT_REACHABLE, SIT.regions.dr)
    checked = [status(f"cloudfront-routing.{name}", seen) for name in ("header-sent", "origin-reached")]
    assert checked == [Status.FAIL, Status.PASS]
    assert status("cloudfront-routing.header-sent", opened) is Status.PASS
    assert [page.status for page in through(opened).tenants if isinstance(page, Visit)] == [401, 401]
    assert {
        judge(checks()[f"sites.{name}"], opened, SIT).status for name in ("own-identity", "every-site-answers")
    } == {Status.PASS}


def _demand(world: Endpoint, side: Side, secret: str = "") -> None:
    """Let every rule of the HTTP listener demand the header, or none."""
    elb = client_of(world, "elbv2", SIT.region(side), person="admin")
    balancer = elb.describe_load_balancers(Names=[SIT.named(SIT.names.load_balancer)])["LoadBalancers"][0]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    plain = next(row["ListenerArn"] for row in listeners if row["Port"] == 80)
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Origin-Verify", "Values": [secret]}}
    for rule in elb.describe_rules(ListenerArn=plain)["Rules"]:
        hosts = [condition for condition in rule["Conditions"] if condition["Field"] == "host-header"]
        named = [{key: host[key] for key in ("Field", "HostHeaderConfig")} for host in hosts]
        if named:
            elb.modify_rule(RuleArn=rule["RuleArn"], Conditions=[*named, header] if secret else named)


@pytest.mark.proof
def test_without_a_name_server_balancers_are_reached_by_their_interfaces(world: Endpoint) -> None:
    by_name = [look(world).get(dns_answers.door, side) for side in (Side.PRIMARY, Side.DR)]
    world.inject("port-53-closed")
    try:
        by_interface = [look(world).get(dns_answers.door, side) for side in (Side.PRIMARY, Side.DR)]
    finally:
        world.repair()
    assert [sorted(addresses) for addresses in by_name] == [sorted(addresses) for addresses in by_interface]
    assert all(by_interface)


@pytest.mark.proof
def test_a_custom_policy_is_read_and_without_host_all_get_the_default_page(world: Endpoint) -> None:
    client = client_of(world, "cloudfront", SIT.region(Side.GLOBAL), person="admin")
    config = {
        "Name": "all-but-host",
        "HeadersConfig": {"HeaderBehavior": "allExcept", "Headers": {"Quantity": 1, "Items": ["host"]}},
        "CookiesConfig": {"CookieBehavior": "all"},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
    }
    policy = client.create_origin_request_policy(OriginRequestPolicyConfig=config)["OriginRequestPolicy"]["Id"]
    name = client.list_distributions()["DistributionList"]["Items"][0]["Id"]
    before = client.get_distribution_config(Id=name)
    changed = client.get_distribution_config(Id=name)["DistributionConfig"]
    changed["DefaultCacheBehavior"]["OriginRequestPolicyId"] = policy
    etag = client.update_distribution(Id=name, IfMatch=before["ETag"], DistributionConfig=changed)["ETag"]
    try:
        seen = look(world)
    finally:
        client.update_distribution(Id=name, IfMatch=etag, DistributionConfig=before["DistributionConfig"])
        client.delete_origin_request_policy(Id=policy)
    policies = seen.get(cloudfront.host_policies, Side.GLOBAL)
    assert HostPolicy(policy, "all-but-host", forwards_host=False) in policies
    assert status("cloudfront-routing.forwards-host", seen) is Status.FAIL
    assert status("sites.edge-agrees", seen) is Status.FAIL
    (page,) = through(seen).tenants
    assert isinstance(page, Visit)
    assert page.digest == through(seen).stranger.digest
