"""The world's sites answer as its load balancers, services and certificates stand at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.network.http_probe import Visit, handshake, visit
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import warm
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed

PROD = warm(load_environment(Path(__file__).parents[3] / "environments", "prod"))
HOST = f"tenant2.{PROD.traffic.tenant_domain}"
Ports = dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def served(sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with borrowed(PROD, 2) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def ports(served: Endpoint) -> Ports:
    answer = client_of(served, "route53", PROD.region(Side.GLOBAL), person="reader").list_hosted_zones()
    places = answer["ResponseMetadata"]["HTTPHeaders"]["x-world-sites"].split()
    found = {place.partition("=")[0]: place.partition("=")[2].split(":") for place in places}
    return {region: (int(plain), int(secure)) for region, (_, plain, secure) in found.items()}


def visited(ports: Ports, side: Side, host: str = HOST) -> Visit:
    return visit("127.0.0.1", ports[PROD.region(side)][0], host, PROD.probe_path, 5)


@pytest.mark.parametrize("side", [Side.PRIMARY, Side.DR])
def test_a_tenants_page_names_the_tenant_in_both_regions(ports: Ports, side: Side) -> None:
    page = visited(ports, side)
    assert (200, True, "tenant2: log in") == (page.status, page.names_host, page.title)


def test_a_customers_own_host_reaches_its_tenant(ports: Ports) -> None:
    customer = PROD.traffic.customer_hosts["tenant2"][0]
    assert visited(ports, Side.DR).digest == visited(ports, Side.DR, customer).digest


def test_any_other_host_is_answered_well_by_nobody(ports: Ports) -> None:
    stranger = visited(ports, Side.DR, "nobody.invalid")
    assert (200, False, "") == (stranger.status, stranger.names_host, stranger.title)


def test_a_listener_that_redirects_names_where_to(served: Endpoint, ports: Ports) -> None:
    elb = client_of(served, "elbv2", PROD.region(Side.DR), person="admin")
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    (arn, before) = next((row["ListenerArn"], row["DefaultActions"]) for row in listeners if row["Port"] == 80)
    to = {"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/new/#{path}", "StatusCode": "HTTP_301"}
    elb.modify_listener(ListenerArn=arn, DefaultActions=[{"Type": "redirect", "RedirectConfig": to}])
    try:
        connection = HTTPConnection("127.0.0.1", ports[PROD.region(Side.DR)][0], timeout=5)
        connection.request("GET", "/a?b=1", headers={"Host": "nobody.invalid"})
        answer = connection.getresponse()
        assert (301, "https://nobody.invalid:443/new/a") == (answer.status, answer.getheader("Location"))
        connection.close()
    finally:
        elb.modify_listener(ListenerArn=arn, DefaultActions=before)


def test_the_distribution_asks_its_origin_at_the_port_of_its_policy(served: Endpoint, ports: Ports) -> None:
    elb = client_of(served, "elbv2", PROD.region(Side.PRIMARY), person="admin")
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    plain = next(row["ListenerArn"] for row in listeners if row["Port"] == 80)
    cloudfront = client_of(served, "cloudfront", "us-east-1", person="admin")
    (id_,) = (row["Id"] for row in cloudfront.list_distributions()["DistributionList"]["Items"])
    found, statuses = cloudfront.get_distribution_config(Id=id_), {}
    rules = [row for row in elb.describe_rules(ListenerArn=plain)["Rules"] if not row["IsDefault"]]
    for rule in rules:
        elb.delete_rule(RuleArn=rule["RuleArn"])
    for policy in ("http-only", "https-only"):
        config, tag = found["DistributionConfig"], cloudfront.get_distribution_config(Id=id_)["ETag"]
        config["Origins"]["Items"][0]["CustomOriginConfig"]["OriginProtocolPolicy"] = policy
        cloudfront.update_distribution(Id=id_, IfMatch=tag, DistributionConfig=config)
        statuses[policy] = visit("127.0.0.1", ports["cloudfront"][0], HOST, PROD.probe_path, 5).names_host
    assert {"http-only": False, "https-only": True} == statuses


def test_another_tenants_name_inside_a_longer_one_is_not_taken_for_it(ports: Ports) -> None:
    assert not visited(ports, Side.DR, HOST.removeprefix("tenant")).names_host


def test_a_tenant_without_healthy_tasks_is_unavailable_in_that_region(served: Endpoint, ports: Ports) -> None:
    served.inject("ecs-standby-stopped")
    try:
        assert (503, 200) == (visited(ports, Side.DR).status, visited(ports, Side.PRIMARY).status)
    finally:
        served.repair()
    assert 200 == visited(ports, Side.DR).status


def test_a_list_of_addresses_lets_in_whom_its_entries_name(served: Endpoint, ports: Ports) -> None:
    region = PROD.region(Side.DR)
    ec2, elb = (client_of(served, service, region, person="admin") for service in ("ec2", "elbv2"))
    (group,) = elb.describe_load_balancers()["LoadBalancers"][0]["SecurityGroups"]
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)
    try:
        statuses = []
        for entries in ({}, {"Entries": [{"Cidr": "0.0.0.0/0"}]}):
            named = {"PrefixListName": f"visitors-{len(entries)}", "MaxEntries": 1, "AddressFamily": "IPv4"}
            listed = ec2.create_managed_prefix_list(**named, **entries)["PrefixList"]["PrefixListId"]
            rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "PrefixListIds": [{"PrefixListId": listed}]}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
            try:
                statuses.append(visited(ports, Side.DR).status)
            except DataUnavailable:
                statuses.append(0)
        assert statuses == [0, 200]
    finally:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)


def test_a_dark_region_gives_no_answer_at_all(served: Endpoint, ports: Ports) -> None:
    served.inject("primary-dark")
    try:
        with pytest.raises(DataUnavailable) as dark:
            visited(ports, Side.PRIMARY)
        assert 200 == visited(ports, Side.DR).status
    finally:
        served.repair()
    assert dark.value.unavailable.kind is UnavailableKind.NOT_REACHABLE


def test_the_certificate_of_the_listener_is_judged_by_name_and_date(ports: Ports) -> None:
    secure = ports[PROD.region(Side.DR)][1]
    shaken = handshake("127.0.0.1", secure, HOST, (5, 5), public=False)
    assert "" == shaken.problem
    assert shaken.not_after is not None
    assert "Hostname mismatch" in handshake("127.0.0.1", secure, "www.elsewhere.example", (5, 5), public=False).problem
    assert "self" in handshake("127.0.0.1", secure, HOST, (5, 5), public=True).problem or "issuer" in (
        handshake("127.0.0.1", secure, HOST, (5, 5), public=True).problem
    )
