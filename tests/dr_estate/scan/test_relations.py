"""What leads where, and what stands for what, read from answers of AWS as plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from dr_estate.aws.read_client import ReadClient
from dr_estate.config.map_file import MapKind
from dr_estate.model.estate_map import EstateMap, Relation, Route, Thing, Workload
from dr_estate.scan.account import AccountCalls, GlobalSide, RegionSide, read_global
from dr_estate.scan.saved import map_file_of
from dr_estate.scan.scan import _regions_of_records
from dr_estate.scan.stores import _bucket_of, _is_named, _selects
from dr_estate.scan.ways import entries_of
from dr_estate.scan.workloads import (
    Surroundings,
    schedules_of,
    schedules_with_counterparts,
    with_counterparts,
    workloads_of,
)

ARN = "arn:aws:rds:eu-central-1:123456789012:db:orders"
BALANCER = "edge-1.eu-central-1.elb.amazonaws.com"


def side(region: str = "eu-central-1", **lists: Any) -> RegionSide:
    """A region that holds nothing but ``lists``."""
    empty: dict[str, Any] = {name: [] for name in RegionSide.__dataclass_fields__}
    empty |= {"region": region, "listeners": {}, "rules": {}, "definitions": {}, "registry": {}}
    return RegionSide(**(empty | lists))


def balancer(name: str, dns: str) -> dict[str, str]:
    return {"LoadBalancerArn": f"arn:{name}", "LoadBalancerName": name, "DNSName": dns}


def record(name: str, target: str, **routing: Any) -> dict[str, Any]:
    return {"Name": f"{name}.", "Type": "A", "AliasTarget": {"DNSName": f"{target}."}, **routing}


def test_a_distribution_with_balancer_origins_is_an_entry_with_a_standby() -> None:
    origins = [
        {"Id": "first", "DomainName": BALANCER},
        {"Id": "second", "DomainName": "b.eu-north-1.elb.amazonaws.com"},
    ]
    group = {"Members": {"Items": [{"OriginId": "first"}, {"OriginId": "second"}]}}
    distribution = {
        "Id": "E1",
        "DomainName": "d1.cloudfront.net",
        "Aliases": {"Items": ["shop.example.com"]},
        "Origins": {"Items": origins},
        "OriginGroups": {"Items": [group]},
    }
    regions = {
        "eu-central-1": side(balancers=[balancer("edge", BALANCER)]),
        "eu-north-1": side("eu-north-1", balancers=[balancer("b", origins[1]["DomainName"])]),
    }
    entries = entries_of(GlobalSide([], {}, [distribution], []), regions, "1")
    found = {entry.name: entry for entry in entries}["shop.example.com"]
    assert "E1" == found.distribution
    assert [("eu-central-1", True), ("eu-north-1", False)] == [(leg.balancer.region, leg.leads) for leg in found.legs]
    (*_, saved) = map_file_of(EstateMap("1", "eu-central-1", "eu-north-1", (found,))).of_kind(MapKind.RECORD)
    assert () == saved.counterparts, "CloudFront chooses between its origins, and no pair of records"


def test_a_weight_of_zero_waits_and_dualstack_is_the_same_balancer() -> None:
    rows = [
        record("www.example.com", f"dualstack.{BALANCER}", SetIdentifier="a", Weight=0),
        record("old.example.com", "www.example.com"),
    ]
    world = GlobalSide([], {"example.com": rows}, [], [])
    (entry,) = entries_of(world, {"eu-central-1": side(balancers=[balancer("edge", BALANCER)])}, "1")
    assert (("old.example.com",), [False]) == (entry.aliases, [leg.leads for leg in entry.legs])


def test_a_name_that_vpcs_resolve_by_private_zones_is_no_entry_of_visitors() -> None:
    rows = [record("orders.shop.internal", BALANCER)]
    world = GlobalSide([], {}, [], [], {"shop.internal": rows})
    assert () == entries_of(world, {"eu-central-1": side(balancers=[balancer("edge", BALANCER)])}, "1")
    assert ["eu-central-1"] == _regions_of_records(world)


@pytest.mark.parametrize("name", [BALANCER, "net-1.elb.eu-central-1.amazonaws.com"])
def test_the_region_stands_in_the_name_of_a_balancer_of_either_kind(name: str) -> None:
    assert ["eu-central-1"] == _regions_of_records(GlobalSide([], {"z": [record("a", name)]}, [], []))


class _Pages:
    """A client of CloudFront in an account whose distributions fill two pages."""

    def can_paginate(self, _: str) -> bool:
        return True

    def get_paginator(self, _: str) -> _Pages:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"DistributionList": {"Items": [{"Id": "A"}]}}, {"DistributionList": {"Items": [{"Id": "B"}]}}]

    def list_distributions(self) -> dict[str, Any]:
        return self.paginate()[0]

    def call(self, service: str, _: str, doing: Callable[[Any], Any], *_absent: tuple[str, ...]) -> Any:
        return doing(self) if service == "cloudfront" else []


def test_every_page_of_distributions_is_read() -> None:
    found = read_global(AccountCalls(cast(ReadClient, _Pages())))
    assert ["A", "B"] == [row["Id"] for row in found.distributions or ()]


def test_a_target_group_of_weight_zero_is_no_route() -> None:
    forward = {"TargetGroups": [{"TargetGroupArn": "tg:on", "Weight": 1}, {"TargetGroupArn": "tg:off", "Weight": 0}]}
    rule = {"Conditions": [], "Actions": [{"Type": "forward", "ForwardConfig": forward}]}
    service = {"serviceArn": "s", "serviceName": "s", "clusterArn": "c/c", "taskDefinition": "td/web:1"}
    region = side(
        listeners={"b": [{"ListenerArn": "l", "Port": 443}]},
        rules={"l": [rule]},
        services=[{**service, "loadBalancers": [{"targetGroupArn": group}]} for group in ("tg:on", "tg:off")],
    )
    assert [(Route((), (), 443),), ()] == [workload.routes for workload in workloads_of(region, "1")]


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ({"launchType": "EC2"}, "EC2 instances"),
        ({"capacityProviderStrategy": [{"capacityProvider": "spot-fleet"}]}, "EC2 instances"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "CodeDeploy"),
        ({"launchType": "FARGATE"}, ""),
    ],
)
def test_what_the_tool_cannot_move_is_said_by_name(service: dict[str, Any], reason: str) -> None:
    row = {"serviceArn": "s", "serviceName": "s", "clusterArn": "c/c", "taskDefinition": "td/web:1", **service}
    (workload,) = workloads_of(side(services=[row]), "1")
    assert (reason in workload.unsupported, bool(reason)) == (True, bool(workload.unsupported))


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_service_without_a_task_definition_is_named_as_not_supported(controller: str) -> None:
    row = {"serviceArn": "s", "serviceName": "s", "clusterArn": "c/c", "deploymentController": {"type": controller}}
    workloads = workloads_of(side(services=[row, row]), "1")
    assert all("this tool cannot start it" in workload.unsupported for workload in workloads)
    assert [None] == [w.counterpart for w in with_counterparts(workloads[:1], workloads[1:], unread=False)]


def _workload(name: str, family: str, *hosts: str) -> Workload:
    routes = (Route(hosts, (), 443),) if hosts else ()
    return Workload(Thing("ECS service", name, name, "r", "1", ""), "c", family, routes)


def test_an_equal_rule_pairs_before_an_equal_family_and_each_once() -> None:
    here = (_workload("a", "web", "a.example.com"), _workload("b", "web"), _workload("c", "web"))
    there = (_workload("x", "web"), _workload("y", "other", "a.example.com"))
    pairs = [
        (w.counterpart.thing.name, w.counterpart.relation) if w.counterpart else None
        for w in with_counterparts(here, there, unread=False)
    ]
    assert [("y", Relation.SAME_RULE), ("x", Relation.SAME_FAMILY), None] == pairs


def _pairs(here: Sequence[Workload], there: Sequence[Workload], around: Surroundings) -> dict[str, tuple[str, str]]:
    found = with_counterparts(here, there, around, unread=False)
    return {w.service.name: (w.counterpart.thing.name, w.counterpart.relation) for w in found if w.counterpart}


def _default(name: str, family: str) -> Workload:
    return replace(_workload(name, family), routes=(Route((), (), 443),))


def test_services_without_a_rule_are_paired_by_the_default_action() -> None:
    here = (_workload("api", "api-1", "a.example.com"), _default("web", "web-1"))
    there = (_default("web-dr", "web-2"), _workload("api-dr", "api-2", "a.example.com"))
    found = _pairs(here, there, Surroundings())
    assert {name: (f"{name}-dr", Relation.SAME_RULE) for name in ("api", "web")} == found


def test_of_two_load_balancers_the_one_with_an_equal_record_is_chosen() -> None:
    here, there = (_default("in", "a"), _default("out", "b")), (_default("x", "c"), _default("y", "d"))
    balancers = {"in": ["lb-in"], "out": ["lb-out"], "x": ["lb-x"], "y": ["lb-y"]}
    found = _pairs(here, there, Surroundings(balancers, {("lb-out", "lb-x")}))
    assert {"in": ("y", Relation.SAME_RULE), "out": ("x", Relation.SAME_RULE)} == found


def _image(region: str, repository: str, *command: str, tag: str = ":7", **variables: str) -> dict[str, Any]:
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    image = f"1.dkr.ecr.{region}.amazonaws.com/{repository}{tag}"
    return {"containerDefinitions": [{"image": image, "command": list(command), "environment": environment}]}


def test_workers_of_other_families_are_paired_by_image_command_variables() -> None:
    here = [_workload(name, f"{name}-1") for name in ("mailer", "red", "blue", "alone")]
    there = [_workload(f"{name}-dr", f"{name}-2") for name in ("blue", "red", "mailer", "other")]
    definitions = {
        "mailer": _image("r-1", "shop/app", "mail", HOST="a"),
        "mailer-dr": _image("r-2", "shop/app", "mail", tag="@sha256:0", HOST="b"),
        "red": _image("r-1", "shop/queue", QUEUE="red"),
        "red-dr": _image("r-2", "shop/queue", QUEUE="red"),
        "blue": _image("r-1", "shop/queue", QUEUE="blue"),
        "blue-dr": _image("r-2", "shop/queue", QUEUE="blue"),
        "alone": _image("r-1", "shop/app", "clean"),
        "other": _image("r-2", "shop/app"),
    }
    found = _pairs(here, there, Surroundings(definitions=definitions))
    assert {name: (f"{name}-dr", Relation.SAME_IMAGE) for name in ("mailer", "red", "blue")} == found


def test_of_services_alike_in_image_and_variables_none_is_taken() -> None:
    here, there = [_workload("a", "a")], [_workload("b", "b"), _workload("c", "c")]
    definitions = {name: _image("r", "shop/app", ONE="1") for name in "abc"}
    assert {} == _pairs(here, there, Surroundings(definitions=definitions))


def _conditions(operator: str, value: str) -> dict[str, Any]:
    entry = {"ConditionKey": "aws:ResourceTag/dr", "ConditionValue": value}
    return {"Resources": ["*"], "Conditions": {operator: [entry]}}


@pytest.mark.parametrize(
    ("selection", "selects"),
    [
        ({"Resources": [ARN]}, True),
        ({"Resources": ["*"], "NotResources": ["arn:aws:rds:*"]}, False),
        ({"ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "dr", "ConditionValue": "yes"}]}, True),
        (
            {
                "Resources": ["*"],
                "Conditions": {"StringEquals": [{"ConditionKey": "aws:ResourceTag/dr", "ConditionValue": "no"}]},
            },
            False,
        ),
        (_conditions("StringEquals", "yes"), True),
        (_conditions("StringNotEquals", "yes"), False),
        (_conditions("StringNotEquals", "no"), True),
        (_conditions("StringLike", "n*"), False),
        (_conditions("StringLike", "y*"), True),
        (_conditions("StringNotLike", "y*"), False),
        ({}, False),
    ],
)
def test_a_backup_plan_selects_by_arn_or_by_tag(selection: dict[str, Any], selects: bool) -> None:
    assert selects == _selects(selection, ARN, {"dr": "yes"})


@pytest.mark.parametrize(
    ("text", "named"),
    [("media", True), ("arn:aws:s3:::media/x", True), ("https://media.s3.amazonaws.com", True), ("media-old", False)],
)
def test_a_value_names_a_bucket_whole_in_an_arn_or_in_a_url(text: str, named: bool) -> None:
    assert named == _is_named(text, "media")


@pytest.mark.parametrize(
    ("pattern", "names"), [("arn:aws:s3:::media*/*", True), ("arn:aws:s3:::*", False), ("*", False)]
)
def test_a_policy_of_all_buckets_names_none(pattern: str, names: bool) -> None:
    assert names == _bucket_of(pattern, "media-1")


def _timer(name: str, region: str, family: str, times: str, words: str = "") -> dict[str, Any]:
    arn = f"arn:aws:scheduler:{region}:1:schedule/default/{name}"
    definition = f"arn:aws:ecs:{region}:1:task-definition/{family}:7"
    cluster = f"arn:aws:ecs:{region}:1:cluster/shop"
    target = {"Arn": cluster, "Input": words, "EcsParameters": {"TaskDefinitionArn": definition}}
    return {"Arn": arn, "Name": name, "State": "ENABLED", "ScheduleExpression": times, "Target": target}


def test_schedules_of_a_family_are_paired_by_words_and_others_by_times() -> None:
    home = [
        _timer("a", "eu-central-1", "jobs", "rate(1 hour)", "index"),
        _timer("b", "eu-central-1", "jobs", "rate(1 hour)", "mail"),
        _timer("c", "eu-central-1", "bill-1", "rate(7 days)"),
        _timer("d", "eu-central-1", "alone", "rate(3 days)"),
    ]
    away = [
        _timer("w", "eu-north-1", "bill-2", "rate(7 days)"),
        _timer("x", "eu-north-1", "jobs", "rate(1 hour)", "mail"),
        _timer("y", "eu-north-1", "jobs", "rate(1 hour)", "index"),
    ]
    there = [replace(_workload("y", "web"), cluster="shop")]
    workloads = with_counterparts([replace(_workload("x", "web"), cluster="shop")], there, unread=False)
    mine = schedules_of(side(schedules=home), "1", {"shop"})
    others = schedules_of(side("eu-north-1", schedules=away), "1")
    found = schedules_with_counterparts(mine, others, workloads, there, unread=False)
    names = {row.thing.name: row.counterpart.thing.name if row.counterpart else "" for row in found}
    assert {"a": "y", "b": "x", "c": "w", "d": ""} == names
    assert () == schedules_of(side(schedules=home), "1", {"another"})
