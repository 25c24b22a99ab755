"""Checks that pair services and target groups which the map calls otherwise in each region."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_names import BY_MAP, WorkloadNames
from dr_estate.readers import application_autoscaling, ecs, efs, elbv2, vpc
from dr_estate.readers.application_autoscaling import ScalingPolicy
from dr_estate.readers.elbv2 import ListenerAction
from tests.dr_checks.compute import D, P, definition
from tests.dr_checks.examples.autoscaling import target
from tests.dr_checks.examples.ecs_deployment import AS_PRIMARY
from tests.dr_checks.examples.efs import COPY, SOURCE
from tests.dr_checks.network import PUBLIC, connected, services
from tests.dr_checks.network import group as security_group
from tests.dr_checks.traffic import balanced, balancer, group, listener
from tests.dr_checks.worlds import SIT, WARM, service, world

DR, PRIMARY = Side.DR, Side.PRIMARY
HERE, THERE = "shop-eu", "shop-af"
CPU = "ECSServiceAverageCPUUtilization at 60"


def mapped(env: Environment, *others: str) -> Environment:
    """The environment in which the map calls service and target group of the one tenant otherwise in each region."""
    patterns = {key: BY_MAP[key] for key in ("service", "target_group", *others)}
    named = env.model_copy(update={"names": env.names.model_copy(update=patterns)})
    sides = {PRIMARY: WorkloadNames({"tenant1": THERE}), DR: WorkloadNames({"tenant1": HERE})}
    named._by_map = dict.fromkeys(patterns.values(), sides)
    return named


def _services(here: dict[str, Any], there: dict[str, Any]) -> dict[Any, Any]:
    return {
        (ecs.services, DR): (replace(service(HERE), **here),),
        (ecs.services, PRIMARY): (replace(service(THERE), **there),),
    }


def _scaled(here: tuple[Any, ...], there: tuple[Any, ...], rules: tuple[Any, ...] = ()) -> dict[Any, Any]:
    return _services({}, {}) | {
        (application_autoscaling.targets, DR): here,
        (application_autoscaling.targets, PRIMARY): there,
        (application_autoscaling.policies, DR): rules,
        (application_autoscaling.policies, PRIMARY): (ScalingPolicy(THERE, "cpu", CPU),),
    }


def _load(running: int) -> dict[Any, Any]:
    arn = definition("tenant1", D).arn
    return _services({"task_definition": arn}, {"task_definition": arn, "running": running, "desired": running}) | {
        (ecs.task_definitions, DR): (definition("tenant1", D),),
        (ecs.task_definitions, PRIMARY): (definition("tenant1", P),),
        (application_autoscaling.targets, DR): (target(HERE),),
    }


@pytest.mark.parametrize(
    ("check", "expected", "values"),
    [
        ("ecs.platform-version", Status.PASS, _services({}, {})),
        ("ecs.platform-version", Status.FAIL, _services({"platform_version": "1.3.0"}, {})),
        ("ecs-deployment.alike", Status.PASS, _services({"settings": AS_PRIMARY}, {"settings": AS_PRIMARY})),
        (
            "ecs-deployment.alike",
            Status.FAIL,
            _services({"settings": replace(AS_PRIMARY, grace_s=0)}, {"settings": AS_PRIMARY}),
        ),
        ("autoscaling.targets-exist", Status.PASS, _scaled((target(HERE),), (target(THERE),))),
        ("autoscaling.targets-exist", Status.FAIL, _scaled((), (target(THERE),))),
        ("autoscaling.policies-alike", Status.PASS, _scaled((target(HERE),), (), (ScalingPolicy(HERE, "a", CPU),))),
        ("autoscaling.policies-alike", Status.FAIL, _scaled((target(HERE),), ())),
        ("autoscaling.bounds", Status.PASS, _scaled((target(HERE),), (target(THERE),))),
        ("autoscaling.bounds", Status.WARN, _scaled((target(HERE),), (target(THERE, maximum=9),))),
        ("load.carried", Status.PASS, _load(2)),
        ("load.carried", Status.FAIL, _load(9)),
    ],
)
def test_a_service_is_compared_with_its_counterpart_of_another_name(
    check: str, expected: Status, values: dict[Any, Any]
) -> None:
    env = mapped(WARM)
    result = judge(checks()[check], world(values, ("tenant1",), env), env)
    assert result.status is expected, result.findings


HERE_POINT = efs.AccessPoint("fsap-1", "fs-2", HERE, "/shop", 33, 33, "available")


def _mounted(path: str = "/shop", point: str = "fsap-1") -> dict[Any, Any]:
    files = (ecs.Volume("files", "fs-2", point, True),)
    arn = definition("tenant1", D).arn
    return _services({"task_definition": arn}, {}) | {
        (efs.file_systems, PRIMARY): (SOURCE,),
        (efs.file_systems, DR): (COPY,),
        (efs.access_points, PRIMARY): (replace(HERE_POINT, id="fsap-2", name=THERE, path=path),),
        (efs.access_points, DR): (HERE_POINT,),
        (ecs.task_definitions, DR): (replace(definition("tenant1", D), volumes=files),),
    }


@pytest.mark.parametrize(
    ("check", "expected", "values"),
    [
        ("efs-access.point-exists", Status.PASS, _mounted()),
        ("efs-access.point-parity", Status.PASS, _mounted()),
        ("efs-access.point-parity", Status.FAIL, _mounted(path="/other")),
        ("efs-access.volumes-local", Status.PASS, _mounted()),
        ("efs-access.volumes-local", Status.FAIL, _mounted(point="fsap-9")),
    ],
)
def test_an_access_point_is_compared_with_its_counterpart_of_another_name(
    check: str, expected: Status, values: dict[Any, Any]
) -> None:
    env = mapped(SIT, "access_point")
    assert judge(checks()[check], world(values, ("tenant1",), env), env).status is expected


def test_a_workload_that_mounts_no_files_has_no_access_point() -> None:
    env = mapped(SIT, "access_point")
    env._by_map = {pattern: {side: WorkloadNames({"tenant1": ""}) for side in (DR, PRIMARY)} for pattern in env._by_map}
    result = judge(checks()["efs-access.point-exists"], world(_mounted(), ("tenant1",), env), env)
    assert [] == [found.subject for found in result.findings if found.status is Status.FAIL]


@pytest.mark.parametrize(("carried", "expected"), [("sit-ecs-sg", Status.PASS), ("sit-alb-sg", Status.FAIL)])
def test_groups_of_a_service_are_compared_with_those_of_its_counterpart(carried: str, expected: Status) -> None:
    values = _services({"security_groups": (f"sg-{carried}-{DR}",)}, {"security_groups": (f"sg-sit-ecs-sg-{PRIMARY}",)})
    result = judge(checks()["vpc-reach.attached-groups"], connected(values), mapped(SIT))
    assert result.status is expected, result.findings


@pytest.mark.parametrize("check", ["vpc-reach.attached-groups", "vpc-reach.security-groups"])
def test_groups_of_other_suffixes_are_paired_by_what_carries_them(check: str) -> None:
    values: dict[Any, Any] = {}
    for side in (PRIMARY, DR):
        visited = security_group(f"alb-{side}", ("tcp 443-443 0.0.0.0/0",), side)
        tasks = security_group(f"ecs-{side}", (f"tcp 80-80 alb-{side}",), side)
        ends = {"security_groups": (visited.id,), "zones": ("a", "b"), "subnets": PUBLIC}
        values |= {
            (vpc.security_groups, side): (visited, tasks),
            (elbv2.load_balancer, side): balancer(side, **ends),
            (ecs.services, side): services(side, security_groups=(tasks.id,)),
        }
    result = judge(checks()[check], connected(values), SIT)
    assert result.status is Status.PASS, result.findings


def test_a_stray_group_of_one_service_is_no_counterpart_for_the_others() -> None:
    groups = {
        side: tuple(security_group(name, side=side) for name in (f"ecs-{side}", "stray")) for side in (PRIMARY, DR)
    }
    shop, blog = services(DR, security_groups=(groups[DR][0].id,))
    values: dict[Any, Any] = {
        **{(vpc.security_groups, side): pair for side, pair in groups.items()},
        (ecs.services, PRIMARY): services(PRIMARY, security_groups=(groups[PRIMARY][0].id,)),
        (ecs.services, DR): (shop, replace(blog, security_groups=(groups[DR][1].id,))),
    }
    result = judge(checks()["vpc-reach.attached-groups"], connected(values), SIT)
    assert {"ecs-primary"} == {finding.wanted for finding in result.findings if finding.status is Status.FAIL}


def _named(side: Side, **changes: Any) -> Any:
    name = HERE if side is DR else THERE
    found = group(side, "tenant1", **changes)
    return replace(found, name=name, arn=found.arn.replace("sit-tenant1-tg", name))


@pytest.mark.parametrize(
    ("check", "expected", "changes"),
    [
        ("elbv2-routing.target-groups", Status.PASS, {}),
        ("elbv2-routing.target-groups", Status.FAIL, {"check_path": "/another"}),
        ("elbv2-routing.default-action", Status.PASS, {}),
    ],
)
def test_a_target_group_is_compared_with_its_counterpart_of_another_name(
    check: str, expected: Status, changes: dict[str, Any]
) -> None:
    values: dict[Any, Any] = _services({}, {})
    for side in (DR, PRIMARY):
        own = _named(side, **(changes if side is DR else {}))
        values |= {
            (elbv2.target_groups, side): (own,),
            (elbv2.listeners, side): (listener(side, default=ListenerAction("forward", (own.arn,), "")),),
        }
    result = judge(checks()[check], balanced(values), mapped(SIT))
    assert result.status is expected, result.findings


@pytest.mark.parametrize("check", ["elbv2-routing.target-groups", "elbv2-routing.host-rules"])
def test_a_group_without_a_counterpart_in_the_map_has_the_primary_name(check: str) -> None:
    env = mapped(SIT)
    env._by_map = {pattern: {**sides, DR: WorkloadNames({"tenant1": ""})} for pattern, sides in env._by_map.items()}
    groups = {(elbv2.target_groups, DR): (), (elbv2.target_groups, PRIMARY): (_named(PRIMARY),)}
    (found,) = judge(checks()[check], balanced(_services({}, {}) | {(ecs.services, DR): ()} | groups), env).findings
    assert THERE in {found.subject, found.wanted}
