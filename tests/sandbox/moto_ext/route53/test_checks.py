"""Health checks see the live world; disabled ones are always healthy and inverted ones turn round (T03)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError
from moto.route53.models import route53_backends

from sandbox.core.state import STATE, now
from sandbox.core.timing import set_pace
from sandbox.moto_ext.route53.health import HealthChecker, was_healthy
from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, Clients, go_dark

GLOBAL = "us-east-1"
ACCOUNT = "123456789012"
MINUTE = timedelta(minutes=1)


class Checks:
    """Health checks of the account."""

    def __init__(self, clients: Clients) -> None:
        self.route53 = clients("route53", GLOBAL)

    def make(self, **config: Any) -> str:
        response = self.route53.create_health_check(CallerReference=repr(config), HealthCheckConfig=config)
        return str(response["HealthCheck"]["Id"])

    def words(self, check: str) -> set[str]:
        seen = self.route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return {row["StatusReport"]["Status"] for row in seen}

    def healthy(self, check: str) -> bool:
        return HealthChecker(ACCOUNT).is_healthy(check)


@pytest.fixture
def checks(aws: Clients) -> Checks:
    return Checks(aws)


def test_a_load_balancer_is_healthy_until_its_region_goes_dark(aws: Clients, checks: Checks) -> None:
    check = checks.make(Type="HTTP", FullyQualifiedDomainName=platform(aws, DR).dns_name)
    assert checks.words(check) == {"Success: HTTP Status Code 200, OK"}
    go_dark(DR)
    assert checks.words(check) == {"Failure: Connection timed out"}
    health_check_observations = checks.route53.get_health_check_last_failure_reason(HealthCheckId=check)[
        "HealthCheckObservations"
    ]
    assert {row["StatusReport"]["Status"] for row in health_check_observations} == {"Failure: Connection timed out"}


def test_a_port_without_listener_and_a_name_of_nobody_are_unhealthy(aws: Clients, checks: Checks) -> None:
    name = platform(aws, DR).dns_name
    assert checks.words(checks.make(Type="HTTPS", FullyQualifiedDomainName=name)) == {"Failure: Connection refused"}
    nobody = checks.make(Type="HTTP", FullyQualifiedDomainName="nobody.example")
    assert checks.words(nobody) == {"Failure: DNS resolution failed: Rcode NXDomain(3)"}


def test_a_default_action_that_forwards_needs_a_healthy_target(aws: Clients, checks: Checks) -> None:
    there = platform(aws, DR)
    forward = [{"Type": "forward", "TargetGroupArn": there.target_group}]
    there.client("elbv2").modify_listener(ListenerArn=there.listener, DefaultActions=forward)
    check = checks.make(Type="HTTP", FullyQualifiedDomainName=there.dns_name)
    assert not checks.healthy(check)
    there.serve(tasks=1)
    assert checks.healthy(check)


def test_a_check_gets_what_the_rule_for_its_host_and_path_answers(aws: Clients, checks: Checks) -> None:
    there = platform(aws, DR)
    elbv2, forward = there.client("elbv2"), [{"Type": "forward", "TargetGroupArn": there.target_group}]
    elbv2.modify_listener(ListenerArn=there.listener, DefaultActions=forward)
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    for priority, field in enumerate(("path-pattern", "host-header"), start=101):
        values = {"path-pattern": ["/alive"], "host-header": ["alive.example"]}[field]
        condition = {"Field": field, "Values": values}
        elbv2.create_rule(ListenerArn=there.listener, Priority=priority, Conditions=[condition], Actions=[fixed])
    assert checks.healthy(checks.make(Type="HTTP", FullyQualifiedDomainName=there.dns_name, ResourcePath="/alive"))
    assert not checks.healthy(checks.make(Type="HTTP", FullyQualifiedDomainName=there.dns_name, ResourcePath="/x"))
    assert checks.healthy(checks.make(Type="TCP", FullyQualifiedDomainName=there.dns_name, Port=80))


def test_a_disabled_check_is_always_healthy_and_inverting_turns_it(checks: Checks) -> None:
    check = checks.make(Type="HTTP", FullyQualifiedDomainName="nobody.example")
    assert not checks.healthy(check)
    checks.route53.update_health_check(HealthCheckId=check, Disabled=True)
    assert checks.healthy(check)
    checks.route53.update_health_check(HealthCheckId=check, Inverted=True)
    assert not checks.healthy(check)
    checks.route53.update_health_check(HealthCheckId=check, Disabled=False)
    assert checks.healthy(check)


def test_at_the_real_pace_a_new_check_is_healthy_even_if_inverted(
    checks: Checks,
) -> None:
    set_pace("real")
    STATE.extras.pop("transition_s", None)
    wants_silence = checks.make(Type="HTTP", FullyQualifiedDomainName="nobody.example", Inverted=True)
    assert checks.healthy(wants_silence)
    assert checks.healthy(checks.make(Type="HTTP", FullyQualifiedDomainName="nobody.example"))


def test_a_calculated_check_counts_its_healthy_children(aws: Clients, checks: Checks) -> None:
    good = checks.make(Type="HTTP", FullyQualifiedDomainName=platform(aws, DR).dns_name)
    bad = checks.make(Type="HTTP", FullyQualifiedDomainName="nobody.example")
    check = checks.make(Type="CALCULATED", ChildHealthChecks=[good, bad], HealthThreshold=1)
    both = checks.make(Type="CALCULATED", ChildHealthChecks=[good, bad], HealthThreshold=2)
    assert (checks.healthy(check), checks.healthy(both)) == (True, False)
    with pytest.raises(ClientError):
        checks.words(check)


@pytest.mark.parametrize("kind", ["HTTP", "HTTPS", "TCP"])
def test_a_port_without_a_listener_is_unhealthy_in_any_region(aws: Clients, checks: Checks, kind: str) -> None:
    check = checks.make(Type=kind, FullyQualifiedDomainName=platform(aws, DR).dns_name, Port=80)
    assert checks.healthy(check)
    checks.route53.update_health_check(HealthCheckId=check, Port=1, Inverted=False)
    assert not checks.healthy(check)
    go_dark(DR)
    assert not checks.healthy(check)


def test_at_the_real_pace_a_calculated_check_turns_with_its_children(aws: Clients, checks: Checks) -> None:
    set_pace("real")
    STATE.extras.pop("transition_s", None)
    began = now()
    with time_machine.travel(began) as clock:
        child = checks.make(Type="HTTP", FullyQualifiedDomainName=platform(aws, DR).dns_name)
        check = checks.make(Type="CALCULATED", ChildHealthChecks=[child], HealthThreshold=1)
        assert checks.healthy(check)
        go_dark(DR)
        assert checks.healthy(check), "not yet three checks long"
        clock.shift(12 * MINUTE)
        assert not checks.healthy(check)
        assert [_was_healthy(check, began + after) for after in (MINUTE, 4 * MINUTE)] == [True, False]
        checks.route53.update_health_check(HealthCheckId=check, HealthThreshold=0)
        clock.shift(10 * MINUTE)
        assert checks.healthy(check)
        assert [_was_healthy(check, began + after) for after in (11 * MINUTE, 13 * MINUTE)] == [False, True]


def _was_healthy(check: str, moment: datetime) -> bool:
    return was_healthy(route53_backends[ACCOUNT]["aws"].health_checks[check], moment)


def test_a_threshold_above_the_children_is_unhealthy_and_zero_is_healthy(aws: Clients, checks: Checks) -> None:
    child = checks.make(Type="HTTP", FullyQualifiedDomainName=platform(aws, DR).dns_name)
    check = checks.make(Type="CALCULATED", ChildHealthChecks=[child], HealthThreshold=1)
    assert checks.healthy(check)
    checks.route53.update_health_check(HealthCheckId=check, HealthThreshold=2)
    assert not checks.healthy(check)
    go_dark(DR)
    assert not checks.healthy(check)
    checks.route53.update_health_check(HealthCheckId=check, HealthThreshold=0)
    assert checks.healthy(check)


def test_an_update_with_settings_of_another_type_is_refused(aws: Clients, checks: Checks) -> None:
    child = checks.make(Type="HTTP", FullyQualifiedDomainName=platform(aws, DR).dns_name)
    check = checks.make(Type="CALCULATED", ChildHealthChecks=[child], HealthThreshold=1)
    for wrong, settings in ((check, {"Port": 1}), (child, {"HealthThreshold": 2}), (child, {"SearchString": "x"})):
        with pytest.raises(ClientError) as refused:
            checks.route53.update_health_check(HealthCheckId=wrong, **settings)
        assert refused.value.response["Error"]["Code"] == "InvalidInput"


def test_a_check_of_an_alarm_follows_the_alarm(aws: Clients, checks: Checks) -> None:
    cloudwatch = aws("cloudwatch", DR)
    cloudwatch.put_metric_alarm(
        AlarmName="lag",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    named = {"Region": DR, "Name": "lag"}
    check = checks.make(Type="CLOUDWATCH_METRIC", AlarmIdentifier=named, InsufficientDataHealthStatus="Unhealthy")
    health_check_config = checks.route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]
    assert (health_check_config["AlarmIdentifier"], health_check_config["InsufficientDataHealthStatus"]) == (
        named,
        "Unhealthy",
    )
    assert checks.healthy(check)
    cloudwatch.set_alarm_state(AlarmName="lag", StateValue="ALARM", StateReason="drill")
    assert not checks.healthy(check)


def test_an_update_changes_what_it_names_and_counts_the_version(checks: Checks) -> None:
    places = ["us-east-1", "us-west-1", "sa-east-1"]
    check = checks.make(Type="HTTP", FullyQualifiedDomainName="a.example", Regions=places)
    checks.route53.update_health_check(HealthCheckId=check, FailureThreshold=5, HealthCheckVersion=1)
    health_check = checks.route53.get_health_check(HealthCheckId=check)["HealthCheck"]
    assert health_check["HealthCheckVersion"] == 2
    assert health_check["HealthCheckConfig"]["FailureThreshold"] == 5
    assert sorted(health_check["HealthCheckConfig"]["Regions"]) == sorted(places)
    with pytest.raises(ClientError) as stale:
        checks.route53.update_health_check(HealthCheckId=check, FailureThreshold=6, HealthCheckVersion=1)
    assert stale.value.response["Error"]["Code"] == "HealthCheckVersionMismatch"


def test_checks_are_listed_in_pages_and_made_once_for_a_reference(checks: Checks) -> None:
    check_ids = {checks.make(Type="HTTP", FullyQualifiedDomainName=f"{name}.example") for name in "abcde"}
    again = checks.make(Type="HTTP", FullyQualifiedDomainName="a.example")
    assert again in check_ids
    pages = list(checks.route53.get_paginator("list_health_checks").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["HealthChecks"]) for page in pages] == [2, 2, 1]
    assert {check["Id"] for page in pages for check in page["HealthChecks"]} == check_ids
