"""Rows that are like no other: each is understood, or is an UNKNOWN under its own name that touches nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks, judge, lags
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, UnreadableRow
from dr_estate.readers import dynamodb, ecs, elbv2, sns_topics, terraform_state, vpc
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot, from_json, to_json
from dr_estate.snapshot.tenants import discover
from tests.dr_checks.worlds import SIT
from tests.dr_estate.contracts.answering import Answered, evidence

OURS, STRANGER = "sit-tenant2-service", "billing"
COUNTS = {"desiredCount": 1, "runningCount": 1, "pendingCount": 0}


def _service(name: str, **more: Any) -> dict[str, Any]:
    return {"serviceName": name, "serviceArn": f"arn:{name}", "status": "ACTIVE", **COUNTS, **more}


PLAIN = _service("sit-tenant1-service", taskDefinition="f:1")
TASK_SET = {
    "status": "PRIMARY",
    "taskDefinition": "f:2",
    "launchType": "FARGATE",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    "loadBalancers": [{"targetGroupArn": "arn:tg"}],
}
DEPLOYED = {"deploymentController": {"type": "EXTERNAL"}}


def _read(answered: Answered, reader: Reader[Any], operation: str, answer: Mapping[str, Any]) -> Any:
    answered.give(operation, lambda *_: dict(answer))
    return answered.read([reader.name])[reader.name, Side.DR]


def test_a_service_of_another_controller_is_known_by_its_task_set(answered: Answered) -> None:
    rows = [PLAIN, _service(OURS, **DEPLOYED, taskSets=[TASK_SET])]
    found = _read(answered, ecs.services, "ecs:DescribeServices", {"services": rows})
    assert found.unreadable == ()
    service = found.value[1]
    assert (service.task_definition, service.subnets, service.target_groups) == ("f:2", ("subnet-1",), ("arn:tg",))
    assert service.rollout == "", "a task set has none"


@pytest.mark.parametrize(("name", "names"), [(OURS, [OURS]), (STRANGER, [])])
def test_an_odd_service_is_named_where_it_belongs_to_a_tenant(answered: Answered, name: str, names: list[str]) -> None:
    rows = [_service(name, **DEPLOYED), PLAIN]
    found = _read(answered, ecs.services, "ecs:DescribeServices", {"services": rows})
    assert [service.name for service in found.value] == [PLAIN["serviceName"]]
    assert [(row.name, row.tenant, row.unseen.kind) for row in found.unreadable] == [
        (name, "tenant2", UnavailableKind.UNREADABLE) for name in names
    ]
    assert all("EXTERNAL" in row.unseen.why for row in found.unreadable)


def test_an_ipv6_only_subnet_is_a_subnet(answered: Answered) -> None:
    blocks = [{"Ipv6CidrBlock": "2001:db8::/64", "Ipv6CidrBlockState": {"State": "associated"}}]
    row = {"SubnetId": "subnet-1", "AvailabilityZone": "a", "State": "available", "AvailableIpAddressCount": 0}
    answer = {"Subnets": [{**row, "Ipv6Native": True, "Ipv6CidrBlockAssociationSet": blocks}]}
    assert _read(answered, vpc.subnets, "ec2:DescribeSubnets", answer).value[0].cidr == "2001:db8::/64"


def test_an_endpoint_of_a_resource_has_no_service(answered: Answered) -> None:
    arn = "arn:aws:vpc-lattice:xx:1:resourceconfiguration/rcfg-1"
    row = {"VpcEndpointId": "vpce-1", "VpcEndpointType": "Resource", "State": "Available"}
    answer = {"VpcEndpoints": [{**row, "ResourceConfigurationArn": arn}]}
    found = _read(answered, vpc.endpoints, "ec2:DescribeVpcEndpoints", answer)
    assert found.value == (vpc.VpcEndpoint(arn, "Resource", "available", "vpce-1"),)


def test_a_range_of_ports_is_ports(answered: Answered) -> None:
    container = {"name": "wordpress", "image": "i", "portMappings": [{"containerPortRange": "79-81"}]}
    row = {"taskDefinitionArn": "f:1", "family": "f", "containerDefinitions": [container]}
    found = _read(answered, ecs.task_definitions, "ecs:DescribeTaskDefinition", {"taskDefinition": row})
    assert found.value[0].containers[0].ports == (79, 80, 81)


def test_a_listener_without_port_is_a_listener(answered: Answered) -> None:
    row = {"ListenerArn": "l-1", "DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn:tg"}]}
    found = _read(answered, elbv2.listeners, "elbv2:DescribeListeners", {"Listeners": [row]})
    assert [(listener.port, listener.protocol) for listener in found.value] == [(0, "")]


def test_a_table_under_deletion_fails_by_that_word_and_hides_no_other(answered: Answered) -> None:
    first, second = dynamodb.names(SIT)

    def described(_operation: str, params: Mapping[str, Any], _region: str) -> dict[str, Any]:
        return {"Table": {"TableName": params["TableName"], "TableStatus": "DELETING" if going(params) else "ACTIVE"}}

    def going(params: Mapping[str, Any]) -> bool:
        return bool(params["TableName"] == first)

    answered.give("dynamodb:DescribeTable", described)
    found = answered.read([dynamodb.tables.name])[dynamodb.tables.name, Side.DR]
    assert [table.status for table in found.value] == ["DELETING", "ACTIVE"]
    snapshot = _with(evidence("sit-healthy"), dynamodb.tables, Side.DR, found.value)
    result = judge(checks()["dynamodb.table-active"], snapshot, SIT)
    assert {(f.subject, f.status) for f in result.findings} == {(first, Status.FAIL), (second, Status.FAIL)}
    assert next(f for f in result.findings if f.subject == first).measured.startswith("DELETING")


def _with(
    snapshot: Snapshot, reader: Reader[Any], side: Side, value: Any, odd: tuple[UnreadableRow, ...] = ()
) -> Snapshot:
    part = replace(snapshot.parts[reader.name, side], value=value, unreadable=odd)
    return replace(snapshot, parts={**snapshot.parts, (reader.name, side): part})


ODD = UnreadableRow(OURS, "tenant2", Unavailable(UnavailableKind.UNREADABLE, f"{OURS} in xx was not understood.", "xx"))


def _odd_in_dr() -> Snapshot:
    """The healthy estate with the DR region's service of one tenant as a row that was not understood."""
    healthy = evidence("sit-healthy")
    others = tuple(service for service in healthy.get(ecs.services, Side.DR) if service.name != OURS)
    return _with(healthy, ecs.services, Side.DR, others, (ODD,))


def _others(result: CheckResult) -> list[tuple[Side, str, str | None, Status]]:
    """How all else was judged; a sum over all services is another one without the odd row."""
    found = [finding for finding in result.findings if finding.tenant != "tenant2" and OURS not in finding.subject]
    return [(finding.side, finding.subject, finding.tenant, finding.status) for finding in found]


def test_an_odd_row_is_unknown_to_its_checks_and_the_rest_is_judged() -> None:
    healthy, odd = evidence("sit-healthy"), _odd_in_dr()
    affected = 0
    for check in checks().values():
        before, after = judge(check, healthy, SIT), judge(check, odd, SIT)
        assert _others(before) == _others(after), check.id
        named = [finding for finding in after.findings if finding.subject == OURS and finding.unseen == ODD.unseen]
        if named:
            affected += 1
            assert [finding.status for finding in named] == [Status.UNKNOWN]
            assert not [f for f in after.findings if f.tenant == "tenant2" and f.status in (Status.FAIL, Status.WARN)]
        else:
            assert before.findings == after.findings
    assert affected > 5
    assert discover(odd, SIT) == discover(healthy, SIT), "its name says whose it is"


def test_narrowed_to_another_tenant_the_odd_row_is_not_judged() -> None:
    result = judge(checks()["ecs.service-exists"], _odd_in_dr(), SIT, frozenset({"tenant-1"}))
    assert [finding.status for finding in result.findings] == [Status.PASS]


def test_saved_evidence_holds_the_odd_row_and_who_needs_all_cannot_see() -> None:
    odd = from_json(to_json(_odd_in_dr()))
    assert odd.unreadable(ecs.services, Side.DR) == (ODD,)
    assert odd.get_readable(ecs.services, Side.DR) == _odd_in_dr().get_readable(ecs.services, Side.DR)
    with pytest.raises(DataUnavailable) as dark:
        odd.get(ecs.services, Side.DR)
    assert dark.value.unavailable == ODD.unseen


def test_a_lag_whose_rows_were_not_understood_is_not_measured() -> None:
    healthy = evidence("sit-healthy")
    tables = healthy.get(dynamodb.latency_metrics, Side.PRIMARY)
    odd = _with(healthy, dynamodb.latency_metrics, Side.PRIMARY, tables, (ODD,))
    before, after = lags(healthy, SIT), lags(odd, SIT)
    assert [lag for lag in after if lag not in before] == [lag for lag in after if lag.unseen == ODD.unseen]
    assert len(after) > len(before)


def test_a_topic_or_a_lock_table_that_is_not_understood_hides_no_other(answered: Answered) -> None:
    first = SIT.named(SIT.names.topics[0])

    def topic(_operation: str, params: Mapping[str, Any], _region: str) -> dict[str, Any]:
        counts = {"SubscriptionsConfirmed": "1", "SubscriptionsPending": "0"}
        return {"Attributes": {} if params["TopicArn"].endswith(f":{first}") else counts}

    answered.give("sns:GetTopicAttributes", topic)
    section = answered.read([sns_topics.topics.name])[sns_topics.topics.name, Side.DR]
    assert [row.name for row in section.unreadable] == [first]
    assert [found.name for found in section.value] == [SIT.named(name) for name in SIT.names.topics[1:]]

    locked = SIT.named(SIT.names.state_lock_tables[0])

    def table(_operation: str, params: Mapping[str, Any], _region: str) -> dict[str, Any]:
        return {"Table": {} if params["TableName"] == locked else {"TableStatus": "ACTIVE"}}

    answered.give("dynamodb:DescribeTable", table)
    section = answered.read([terraform_state.lock_tables.name])[terraform_state.lock_tables.name, Side.DR]
    assert [row.name for row in section.unreadable] == [locked]
    assert {found.status for found in section.value} == {"ACTIVE"}


def test_a_value_that_is_no_number_is_no_value_of_a_metric(answered: Answered) -> None:
    moments = [evidence().taken_at - timedelta(minutes=minute) for minute in range(3)]

    def metric(_operation: str, params: Mapping[str, Any], _region: str) -> dict[str, Any]:
        ids = [query["Id"] for query in params["MetricDataQueries"]]
        values = [float("nan"), 7.0, float("inf")]
        rows = [{"Id": name, "Timestamps": moments, "Values": values, "StatusCode": "Complete"} for name in ids]
        return {"MetricDataResults": rows}

    answered.give("cloudwatch:GetMetricData", metric)
    found = answered.read([dynamodb.latency_metrics.name])[dynamodb.latency_metrics.name, Side.PRIMARY]
    assert {reading.value for reading in found.value} == {7.0}
