"""A service behind no load balancer is served where a task runs, and no check of what visitors reach speaks of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Status
from dr_checks.core.registry import checks, judge
from dr_checks.derived.visitors import ServiceState, region_service
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_names import Entrance, VisitedRoute
from dr_estate.readers import acm, ecs, elbv2, http_sites
from dr_estate.readers.http_sites import VisitRound
from tests.dr_checks.derived.test_visitors import TENANTS, page, pages
from tests.dr_checks.traffic import balanced, listener, rule
from tests.dr_checks.worlds import SIT, WARM, service, world

DR, PRIMARY = Side.DR, Side.PRIMARY


def with_worker(env: Environment, worker: str) -> Environment:
    """The environment of an estate whose map has the tenant behind no route."""
    found = env.model_copy()
    found._workers = frozenset({worker})
    return found


@pytest.mark.parametrize(
    ("running", "state"), [(1, ServiceState.SERVES), (0, ServiceState.SOME_FAIL)], ids=["runs", "stands"]
)
def test_a_worker_is_served_where_a_task_of_it_runs(running: int, state: ServiceState) -> None:
    found = tuple(service(f"sit-{name}-service", 1, running if name == "tenant4" else 1) for name in TENANTS)
    visited = VisitRound(page("nobody", 200), pages().tenants[:-1])
    values: dict[Any, Any] = {(ecs.services, PRIMARY): found, (http_sites.visits, PRIMARY): visited}
    assert state is region_service(world(values), with_worker(SIT, "tenant4")).state


@pytest.mark.parametrize(
    "check", ["elbv2-routing.target-groups", "elbv2-routing.host-rules", "ecs.target-group-attached"]
)
def test_no_target_group_and_no_rule_is_wanted_of_a_worker(check: str) -> None:
    parts: dict[Any, Any] = {(elbv2.rules, side): (rule(side, "tenant1"),) for side in (DR, PRIMARY)}
    parts |= {(elbv2.target_groups, side): balanced().get(elbv2.target_groups, side)[:1] for side in (DR, PRIMARY)}
    attached = service("sit-tenant1-service")
    group = balanced().get(elbv2.target_groups, DR)[0].arn
    parts |= {(ecs.services, DR): (replace(attached, target_groups=(group,)), service("sit-tenant2-service"))}
    judged = [judge(checks()[check], balanced(parts), env).status for env in (SIT, with_worker(SIT, "tenant2"))]
    assert [Status.FAIL, Status.PASS] == judged


def test_no_certificate_is_wanted_for_a_name_that_no_visitor_has() -> None:
    """Of the workloads behind an internal load balancer, to which no record of a public zone leads."""
    inner = SIT.model_copy()
    inner._entrance = Entrance("inner", "inner-dr", "", "", "", frozenset(TENANTS))
    shown = listener(DR, 443, certificates=("arn:aws:acm:eu-west-1:1:certificate/inner",))
    none = dict.fromkeys([(acm.certificates, side) for side in (DR, PRIMARY)], ())
    seen = balanced({(elbv2.listeners, DR): (shown,), **none})
    judged = [judge(checks()["elbv2.listener-certificates"], seen, env).status for env in (SIT, inner)]
    assert [Status.FAIL, Status.NOT_APPLICABLE] == judged


@pytest.mark.parametrize(("any_host", "status"), [(True, Status.PASS), (False, Status.FAIL)])
def test_the_answer_of_a_rule_for_any_host_is_its_own(any_host: bool, status: Status) -> None:
    env = WARM.model_copy(update={"profile": "http"})
    env._routes = {name: VisitedRoute(of_any_host=any_host) for name in TENANTS}
    visited = VisitRound(replace(page("tenant1", 200), host="nobody.invalid"), (page("tenant1", 200),))
    seen = world({(http_sites.visits, side): visited for side in (DR, PRIMARY)}, env=env)
    assert status is judge(checks()["sites.own-identity"], seen, env).status
