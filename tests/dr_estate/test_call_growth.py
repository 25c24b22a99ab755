"""The number of API calls grows with pages and batches, not with tenants, wherever AWS offers them.

The world of these tests is nothing but lists: N tenants, answered inside botocore page by page. It takes no server and
no seeding, so a thousand tenants cost what their pages cost. What it does not list is denied.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.readers import read_in_turn
from dr_estate.aws.immutable_answers import ImmutableAnswers, load
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.ecs_settings import SETTINGS_READ
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, secret_policies
from dr_estate.snapshot.call_growth import CACHED, GROWS, NO_BATCH_READ, CallPlan
from dr_estate.snapshot.observer import API_THREADS, observe, observe_with
from dr_estate.snapshot.registry import reads
from dr_estate.snapshot.snapshot import from_json, to_json
from reports.render.diagnosis import render_calls
from sandbox.client.endpoint import Endpoint
from tests.dr_estate.contracts.answering import GivenAnswers, nowhere
from tests.worlds import borrowed

Params = Mapping[str, Any]
WHEN = datetime(2026, 1, 7, tzinfo=UTC)
DEFINITION, POLICY = "ecs:DescribeTaskDefinition", "secretsmanager:GetResourcePolicy"
ALB = "arn:aws:elasticloadbalancing:xx:1:loadbalancer/app/the-alb/1"


@dataclass(frozen=True)
class Paging:
    """How an operation pages: the answer's ``key``, its request and answer tokens, the size asked, AWS's ``most``."""

    key: str
    token_in: str
    token_out: str
    size: str
    most: int


_PAGED = {
    "ecs:ListTaskDefinitionFamilies": Paging("families", "nextToken", "nextToken", "maxResults", 100),
    "ecs:ListServices": Paging("serviceArns", "nextToken", "nextToken", "maxResults", 100),
    "ecs:ListTasks": Paging("taskArns", "nextToken", "nextToken", "maxResults", 100),
    "elbv2:DescribeRules": Paging("Rules", "Marker", "NextMarker", "PageSize", 400),
    "elbv2:DescribeTargetGroups": Paging("TargetGroups", "Marker", "NextMarker", "PageSize", 400),
    "logs:DescribeLogGroups": Paging("logGroups", "nextToken", "nextToken", "limit", 50),
    "application-autoscaling:DescribeScalableTargets": Paging(
        "ScalableTargets", "NextToken", "NextToken", "MaxResults", 50
    ),
    "application-autoscaling:DescribeScalingPolicies": Paging(
        "ScalingPolicies", "NextToken", "NextToken", "MaxResults", 10
    ),
    "secretsmanager:ListSecrets": Paging("SecretList", "NextToken", "NextToken", "MaxResults", 100),
    "efs:DescribeAccessPoints": Paging("AccessPoints", "NextToken", "NextToken", "MaxResults", 100),
    "ec2:DescribeNetworkInterfaces": Paging("NetworkInterfaces", "NextToken", "NextToken", "MaxResults", 1000),
    "route53:ListResourceRecordSets": Paging(
        "ResourceRecordSets", "StartRecordName", "NextRecordName", "MaxItems", 300
    ),
}


class ListedWorld:
    """``tenants`` tenants, each with one service, task, definition, group, rule, secret, log group, access point."""

    def __init__(self, environment: Environment, tenants: int) -> None:
        self.env = environment
        self.ids = [f"tenant{number}" for number in range(1, tenants + 1)]
        self.lists = {operation: row(self) for operation, row in _ROWS.items()}

    def read_client(self, **more: Any) -> ReadClient:
        """The product's own read client, answered by this world. Nothing leaves the process."""
        return ReadClient(self.env, reads(), nowhere(GivenAnswers(self._answer), **more))

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        operation = f"{model.service_model.service_name}:{model.name}"
        params: Params = context["params"]
        if operation in _PAGED:
            ours = params.get("ServiceNamespace", "ecs") == "ecs"  # no table scales by itself here
            return _Ok, _page(_PAGED[operation], self.lists[operation] if ours else [], params)
        if operation in _SINGLE:
            return _Ok, {"ResponseMetadata": {"HTTPHeaders": {}}, **_SINGLE[operation](self, params)}
        return _Denied, {"Error": {"Code": "AccessDenied", "Message": "not listed"}, "ResponseMetadata": {}}


class _Ok:
    status_code = 200


class _Denied:
    status_code = 403


def _page(how: Paging, rows: Sequence[Any], params: Params) -> dict[str, Any]:
    """One page; a token is the position it starts from, or in Route 53 the name of the record it starts from."""
    token = str(params.get(how.token_in, "0"))
    start = int(token) if token.isdigit() else next(n for n, row in enumerate(rows) if row["Name"] == token)
    size = min(int(params.get(how.size, how.most)), how.most)
    page: dict[str, Any] = {how.key: list(rows[start : start + size])}
    more = start + size < len(rows)
    if how.token_in == "StartRecordName":
        page["IsTruncated"] = more
        if more:
            page |= {"NextRecordName": rows[start + size]["Name"], "NextRecordType": "A"}
    elif more:
        page[how.token_out] = str(start + size)
    return page


def _row(make: Callable[[ListedWorld, str], Any]) -> Callable[[ListedWorld], list[Any]]:
    return lambda world: [make(world, tenant) for tenant in world.ids]


def _named(pattern: str) -> Callable[[ListedWorld, str], str]:
    return lambda world, tenant: world.env.named(getattr(world.env.names, pattern), tenant=tenant)


_service, _group, _secret, _log = (
    _named("service"),
    _named("target_group"),
    _named("tenant_secret"),
    _named("log_group"),
)


def _group_row(world: ListedWorld, tenant: str) -> dict[str, Any]:
    name = _group(world, tenant)
    return {"TargetGroupName": name, "TargetGroupArn": f"arn:x:y:z:1:targetgroup/{name}/1", "LoadBalancerArns": [ALB]}


def _rule_row(world: ListedWorld, tenant: str) -> dict[str, Any]:
    values = [f"{tenant}.{world.env.traffic.tenant_domain}"]
    action = {"Type": "forward", "TargetGroupArn": _group_row(world, tenant)["TargetGroupArn"]}
    return {
        "Priority": tenant.removeprefix("tenant"),
        "Conditions": [{"Field": "host-header", "Values": values}],
        "Actions": [action],
    }


def _secret_row(world: ListedWorld, tenant: str) -> dict[str, Any]:
    arn = f"arn:aws:secretsmanager:xx:1:secret:{tenant}"
    return {"Name": _secret(world, tenant), "ARN": arn, "LastChangedDate": WHEN}


def _record_row(world: ListedWorld, tenant: str) -> dict[str, Any]:
    alias = {"DNSName": "d1.cloudfront.net.", "HostedZoneId": "Z2", "EvaluateTargetHealth": False}
    return {"Name": f"{tenant}.{world.env.traffic.tenant_domain}.", "Type": "A", "AliasTarget": alias}


def _target_row(world: ListedWorld, tenant: str) -> dict[str, Any]:
    cluster = world.env.named(world.env.names.cluster)
    return {"ResourceId": f"service/{cluster}/{_service(world, tenant)}", "MinCapacity": 1, "MaxCapacity": 2}


def _policy_row(world: ListedWorld, tenant: str) -> dict[str, Any]:
    metric = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    tracking = {"TargetValue": 60.0, "PredefinedMetricSpecification": metric}
    row = {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling"}
    return {**_target_row(world, tenant), **row, "TargetTrackingScalingPolicyConfiguration": tracking}


_ROWS: dict[str, Callable[[ListedWorld], list[Any]]] = {
    "ecs:ListTaskDefinitionFamilies": _row(lambda world, tenant: f"{world.env.name}-{tenant}"),
    "ecs:ListServices": _row(lambda world, tenant: f"arn:aws:ecs:xx:1:service/c/{_service(world, tenant)}"),
    "ecs:ListTasks": _row(lambda _, tenant: f"arn:aws:ecs:xx:1:task/c/{tenant}"),
    "elbv2:DescribeRules": _row(_rule_row),
    "elbv2:DescribeTargetGroups": _row(_group_row),
    "logs:DescribeLogGroups": _row(lambda world, tenant: {"logGroupName": _log(world, tenant)}),
    "application-autoscaling:DescribeScalableTargets": _row(_target_row),
    "application-autoscaling:DescribeScalingPolicies": _row(_policy_row),
    "secretsmanager:ListSecrets": _row(_secret_row),
    "efs:DescribeAccessPoints": _row(
        lambda _, tenant: {"AccessPointId": tenant, "FileSystemId": "fs-1", "LifeCycleState": "available"}
    ),
    "ec2:DescribeNetworkInterfaces": _row(lambda _, tenant: {"NetworkInterfaceId": f"eni-{tenant}"}),
    "route53:ListResourceRecordSets": _row(_record_row),
}


def _service_row(_: ListedWorld, arn: str) -> dict[str, Any]:
    counts = {"desiredCount": 1, "runningCount": 1, "pendingCount": 0}
    name = arn.rpartition("/")[2]
    definition = f"arn:aws:ecs:xx:1:task-definition/{name}:1"
    return {"serviceName": name, "serviceArn": arn, "status": "ACTIVE", "taskDefinition": definition, **counts}


def _services(world: ListedWorld, params: Params) -> dict[str, Any]:
    return {"services": [_service_row(world, arn) for arn in params["services"]]}


def _definition(_: ListedWorld, params: Params) -> dict[str, Any]:
    arn = params["taskDefinition"]
    tenant = re.sub(r".*-(tenant\d+)-service:1", r"\1", arn)
    secrets = [{"name": "DB_USER", "valueFrom": f"arn:aws:secretsmanager:xx:1:secret:{tenant}"}]
    containers = [{"name": "wordpress", "image": "nginx:1", "secrets": secrets}]
    return {"taskDefinition": {"taskDefinitionArn": arn, "family": arn, "containerDefinitions": containers}}


def _tasks(_: ListedWorld, params: Params) -> dict[str, Any]:
    return {"tasks": [{"taskArn": arn, "lastStatus": "RUNNING", "taskDefinitionArn": arn} for arn in params["tasks"]]}


def _metrics(_: ListedWorld, params: Params) -> dict[str, Any]:
    queries = params["MetricDataQueries"]
    return {"MetricDataResults": [{"Id": query["Id"], "Timestamps": [], "Values": []} for query in queries]}


def _balancer(world: ListedWorld, _: Params) -> dict[str, Any]:
    name = world.env.named(world.env.names.load_balancer)
    return {"LoadBalancers": [{"LoadBalancerName": name, "LoadBalancerArn": ALB, "State": {"Code": "active"}}]}


def _listeners(_: ListedWorld, __: Params) -> dict[str, Any]:
    default = [{"Type": "fixed-response"}]
    return {"Listeners": [{"ListenerArn": "l-1", "Port": 80, "Protocol": "HTTP", "DefaultActions": default}]}


def _file_systems(world: ListedWorld, _: Params) -> dict[str, Any]:
    name = world.env.named(world.env.names.file_system)
    return {"FileSystems": [{"FileSystemId": "fs-1", "Name": name, "LifeCycleState": "available"}]}


def _values(_: ListedWorld, params: Params) -> dict[str, Any]:
    return {"SecretValues": [{"Name": name, "SecretString": '{"host": "db"}'} for name in params["SecretIdList"]]}


def _zones(world: ListedWorld, _: Params) -> dict[str, Any]:
    return {"HostedZones": [{"Id": "/hostedzone/Z1", "Name": world.env.traffic.zone}], "IsTruncated": False}


_SINGLE: dict[str, Callable[[ListedWorld, Params], dict[str, Any]]] = {
    "sts:GetCallerIdentity": lambda world, _: {"Account": world.env.account, "Arn": "arn:aws:iam::1:user/reader"},
    # a denied item among several leaves it to chance how many of the others are still asked
    "account:GetRegionOptStatus": lambda _, params: {**params, "RegionOptStatus": "ENABLED"},
    "ecs:DescribeServices": _services,
    "ecs:DescribeTaskDefinition": _definition,
    "ecs:DescribeTasks": _tasks,
    "cloudwatch:GetMetricData": _metrics,
    "elbv2:DescribeLoadBalancers": _balancer,
    "elbv2:DescribeLoadBalancerAttributes": lambda _, __: {"Attributes": []},
    "elbv2:DescribeListeners": _listeners,
    "efs:DescribeFileSystems": _file_systems,
    "secretsmanager:BatchGetSecretValue": _values,
    "secretsmanager:GetResourcePolicy": lambda _, params: {"ARN": params["SecretId"]},
    "route53:ListHostedZones": _zones,
    "route53:GetHostedZone": lambda world, _: {"HostedZone": {"Id": "Z1", "Name": world.env.traffic.zone}},
}


SIT = load_environment(Path(__file__).parents[2] / "environments", "sit")

# A denied read spares its sisters that have not begun, more of them on a busy machine; one more call a page of 100
# tenants, of a thousand, is more than that.
CHANCE = 9


def _calls(tenants: int) -> tuple[Counter[str], list[str]]:
    client = ListedWorld(SIT, tenants).read_client()
    values = read_in_turn(client)
    return client.calls, [
        f"{name} {side}" for (name, side), value in values.items() if not isinstance(value, Unavailable)
    ]


@pytest.mark.proof
@pytest.mark.parametrize("tenants", [10, 1000])
def test_every_list_is_read_by_pages_and_every_batch_is_full(tenants: int) -> None:
    calls, seen = _calls(tenants)
    wanted = {operation: growth.calls(tenants) for operation, growth in GROWS.items()}
    wanted["secretsmanager:BatchGetSecretValue"] -= 1  # this world has no database whose master user is compared
    del wanted["iam:SimulatePrincipalPolicy"]  # denied here; the sandbox, below, answers it
    assert wanted == {operation: calls[operation] for operation in wanted}
    assert calls["ecs:DescribeTaskDefinition"] == 2 * tenants
    assert calls["secretsmanager:GetResourcePolicy"] == tenants, "of the DR region's secrets alone"
    for part in (
        "ecs.services",
        "ecs.tasks",
        "secretsmanager.contents",
        "elbv2.rules",
        "efs.access_points",
        "cloudwatch_logs.groups",
    ):
        assert {f"{part} {Side.PRIMARY}", f"{part} {Side.DR}"} <= set(seen), "counted because it was really read"


@pytest.mark.proof
def test_no_other_call_grows_from_ten_to_a_thousand_tenants() -> None:
    few, many = _calls(10)[0], _calls(1000)[0]
    assert {name for name in many if many[name] - few[name] > CHANCE} <= set(GROWS) | set(NO_BATCH_READ)


@pytest.mark.proof
def test_a_second_look_at_2000_tenants_asks_for_no_definition_or_policy(tmp_path: Path) -> None:
    """How many calls it makes in all is estimated in tests/utils/test_explain.py: this world denies most reads."""
    world, first = ListedWorld(SIT, tenants=2000), ImmutableAnswers()
    for tenant in world.ids:
        arn = _service_row(world, _service(world, tenant))["taskDefinition"]
        definition = ecs.definition_of(_definition(world, {"taskDefinition": arn})["taskDefinition"])
        first.keep(arn, SETTINGS_READ, definition)
        secret = _secret_row(world, tenant)["ARN"]
        version = f"{WHEN.isoformat()}, read {datetime.now(UTC).date()}"
        first.keep(secret, version, secret_policies.SecretPolicy(secret, ""))
    first.save(tmp_path / "answers", "this version")
    client = world.read_client(immutable=load(tmp_path / "answers", "this version"))
    values = read_in_turn(client)
    definitions, policies = (values[part.name, Side.DR] for part in (ecs.task_definitions, secret_policies.policies))
    assert [] == [name for name in NO_BATCH_READ if client.calls[name]]
    assert len({definition.arn for definition in definitions}) == 2000, "and none is missing"
    assert len({policy.arn for policy in policies}) == 2000


def _plan(world: ListedWorld, answers: ImmutableAnswers) -> CallPlan:
    """The calls for two thousand tenants by the evidence of a look that knew ``answers``."""
    only = frozenset({ecs.task_definitions.name, secret_policies.policies.name})
    seen = observe_with(world.read_client(immutable=answers), "listed", only=only)
    return CallPlan.of(from_json(to_json(seen)), len(world.ids), 2000)


def test_evidence_of_a_small_look_counts_the_calls_of_a_first_look() -> None:
    world, answers = ListedWorld(SIT, tenants=3), ImmutableAnswers()
    first = _plan(world, answers)
    second = _plan(world, ImmutableAnswers(orjson.loads(orjson.dumps(answers.fresh))))
    assert (first.cached, second.cached) == (0, 6 + 3)
    for plan in (first, second):
        assert {name: plan.calls[name] for name in CACHED} == {DEFINITION: 6, POLICY: 3}
        assert {name: plan.estimate[name] for name in CACHED} == {DEFINITION: 4000, POLICY: 2000}
    assert "9 were not made" in render_calls(second, "text")
    assert "not made" not in render_calls(first, "text")
    assert (second.seconds, second.seconds_again) == (first.seconds, first.seconds_again)


def test_a_part_makes_a_few_calls_at_once_however_many_it_has_to_make() -> None:
    client, under_way, at_once = ListedWorld(SIT, tenants=100).read_client(), Counter[str](), list[int]()

    def count(model: Any, **_: Any) -> None:
        under_way[model.name] += 1
        time.sleep(0.002)
        at_once.append(under_way["DescribeTaskDefinition"])
        under_way[model.name] -= 1

    client.caller("ecs", SIT.region(Side.DR)).meta.events.register_first("before-call.ecs", count)
    observe_with(client, "listed", only=frozenset({ecs.task_definitions.name}))
    assert client.calls["ecs:DescribeTaskDefinition"] == 200
    assert 1 < max(at_once) <= API_THREADS


@pytest.mark.proof
def test_in_the_whole_sandbox_too_nothing_else_grows(sandbox_world: Endpoint) -> None:
    """The listed world answers what tenants have; the sandbox answers everything, so no reader is left out."""
    few = _observed(SIT, sandbox_world)
    with borrowed(SIT, tenants=120) as larger:
        many = _observed(SIT, larger)
    grown = {name for name in many if many[name] > few.get(name, 0)}
    assert {"ecs:DescribeServices", "ecs:DescribeTaskDefinition"} <= grown <= set(GROWS) | set(NO_BATCH_READ)
    simulated = "iam:SimulatePrincipalPolicy"
    assert many[simulated] - few[simulated] == GROWS[simulated].calls(120) - GROWS[simulated].calls(12)


def _observed(env: Environment, world: Endpoint) -> dict[str, int]:
    keys = world.people["reader"]
    return dict(observe(env, Credentials(world.url, keys.access_key_id, keys.secret_access_key), "sandbox").calls)
