"""What visitors get: pages go before targets, what was not probed is no sign of health, answers name a side."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_checks.derived.visitors import ServiceState, first_failure, region_service
from dr_checks.posture.signals import TrafficDirection, TrafficHealth, signals_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.network.http_probe import Visit
from dr_estate.readers import dns_answers, ecs, elbv2, http_sites, rds, rds_groups
from dr_estate.readers.http_sites import VisitRound
from dr_estate.readers.rds_groups import ParameterGroup
from dr_estate.readers.route53_health_checks import Failure
from tests.dr_checks.databases import PRIMARY as DATABASE
from tests.dr_checks.edges import ORIGIN, status, traffic
from tests.dr_checks.traffic import groups, healthy
from tests.dr_checks.worlds import DENIED, NOW, SIT, service, world

TENANTS = ("tenant1", "tenant2", "tenant3", "tenant4")
NO_ANSWER = Unavailable(UnavailableKind.UNREACHABLE, "it did not answer.")


def page(tenant: str, answered: int = 401) -> Visit:
    host = f"{tenant}.{SIT.traffic.tenant_domain}"
    return Visit(host, answered, 0.1, names_host=False, title="", digest=f"{tenant}-{answered}")


def pages(*failing: str, answered: int = 500, silent: bool = False) -> VisitRound:
    """Each tenant's page; the failing ones answer with ``answered``, or not at all."""
    bad = {tenant: NO_ANSWER if silent else page(tenant, answered) for tenant in failing}
    return VisitRound(page("nobody", 200), tuple(bad.get(tenant, page(tenant)) for tenant in TENANTS))


def served(visits: Any, services: dict[str, tuple[int, int]] | None = None, **parts: Any) -> tuple[ServiceState, str]:
    """State and sentence of a primary with these pages; ``services`` are wanted and running tasks where not 2 and 2."""
    found = tuple(service(f"sit-{tenant}-service", *(services or {}).get(tenant, (2, 2))) for tenant in TENANTS)
    values: dict[Any, Any] = {(ecs.services, Side.PRIMARY): found, (http_sites.visits, Side.PRIMARY): visits}
    values |= {(getattr(elbv2, name), Side.PRIMARY): value for name, value in parts.items()}
    seen = region_service(world(values), SIT)
    return seen.state, seen.failing


def test_a_primary_serves_only_where_every_tenants_page_was_seen() -> None:
    assert served(pages()) == (ServiceState.SERVES, "")
    assert served(DENIED) == (ServiceState.UNKNOWN, "")
    assert served(None) == (ServiceState.UNKNOWN, "")


@pytest.mark.parametrize(
    ("failing", "state"),
    [
        (("tenant1",), ServiceState.SOME_FAIL),
        (("tenant1", "tenant2"), ServiceState.SOME_FAIL),
        (("tenant1", "tenant2", "tenant3"), ServiceState.MOST_FAIL),
    ],
)
def test_most_fail_above_the_share_of_the_environment_file(failing: tuple[str, ...], state: ServiceState) -> None:
    assert served(pages(*failing))[0] == served(pages(*failing, silent=True))[0] == state


def test_failing_tenants_are_counted_and_named_with_what_was_seen() -> None:
    assert served(pages("tenant2"))[1] == "1 of 4 tenants (tenant2 (answers 500))"
    assert served(pages("tenant2", silent=True))[1] == "1 of 4 tenants (tenant2 (no answer))"
    assert served(pages("tenant2"), {"tenant2": (0, 0)})[1] == "1 of 4 tenants (tenant2 (scaled to 0))"


def test_where_no_page_can_be_requested_only_faults_are_known() -> None:
    assert served(DENIED, {"tenant1": (2, 0)}) == (ServiceState.SOME_FAIL, "1 of 4 tenants (tenant1 (no task runs))")
    fresh: dict[str, Any] = {
        "target_groups": groups(Side.PRIMARY),
        "healthy_hosts": (healthy(Side.PRIMARY, "tenant1", 0),),
    }
    assert served(DENIED, **fresh) == (ServiceState.SOME_FAIL, "1 of 4 tenants (tenant1 (no healthy target))")
    assert served(pages(), **fresh) == (ServiceState.SERVES, "")


def test_a_metric_that_is_old_or_cut_short_is_no_fault() -> None:
    fresh = healthy(Side.PRIMARY, "tenant1", 0)
    for reading in (replace(fresh, at=NOW.replace(hour=8)), replace(fresh, flaw="PartialData")):
        found = served(DENIED, target_groups=groups(Side.PRIMARY), healthy_hosts=(reading,))
        assert found == (ServiceState.UNKNOWN, "")


def test_the_answer_that_a_stranger_gets_too_proves_nothing() -> None:
    stranger = replace(page("nobody", 200), digest="the default page")
    visits = VisitRound(stranger, tuple(replace(page(t, 200), digest="the default page") for t in TENANTS))
    assert served(visits) == (ServiceState.UNKNOWN, "")


def test_a_page_that_was_given_up_for_want_of_time_is_not_failing() -> None:
    late = Unavailable(UnavailableKind.DEADLINE, "no time was left.")
    assert served(VisitRound(page("nobody", 200), (page("tenant1"), late))) == (ServiceState.UNKNOWN, "")


def test_where_most_sites_time_out_those_without_an_answer_change_nothing() -> None:
    late = Unavailable(UnavailableKind.DEADLINE, "there was no time left.")
    nobody = page("nobody", 200)
    state, failing = served(VisitRound(nobody, (NO_ANSWER, NO_ANSWER, NO_ANSWER, late)))
    assert (state, failing.startswith("4 of 4 tenants (tenant1 (no answer)")) == (ServiceState.MOST_FAIL, True)
    assert served(VisitRound(nobody, (NO_ANSWER, NO_ANSWER, late, late))) == (ServiceState.UNKNOWN, "")


def through_cloudfront(visits: VisitRound, led: Any) -> tuple[ServiceState, str]:
    """What is said of a primary whose load balancer is not reachable from here, with these pages at the edge."""
    given = {
        (http_sites.visits, Side.PRIMARY): Unavailable(UnavailableKind.NOT_REACHABLE, "not reachable from here."),
        (http_sites.edge_visits, Side.GLOBAL): replace(visits, edge=True),
        (dns_answers.authorities, Side.GLOBAL): led,
    }
    found = tuple(service(f"sit-{tenant}-service") for tenant in TENANTS)
    seen = region_service(world({(ecs.services, Side.PRIMARY): found, **DOORS, **given}), SIT)
    return seen.state, seen.failing


def test_pages_by_cloudfront_are_of_the_primary_while_all_are_led_there() -> None:
    primary, dr = (answer("192.0.2.1"),), (answer("192.0.2.2"),)
    assert through_cloudfront(pages(), primary) == (ServiceState.SERVES, "")
    for elsewhere in (dr, primary + dr, DENIED):
        assert through_cloudfront(pages("tenant1"), elsewhere) == (ServiceState.UNKNOWN, "")
    failing = through_cloudfront(pages("tenant2", answered=504), primary)
    assert failing == (ServiceState.SOME_FAIL, "1 of 4 tenants (tenant2 (answers 504 through CloudFront))")


def test_what_cloudfront_has_in_its_cache_is_no_sign_of_health() -> None:
    cached = replace(pages(), tenants=tuple(replace(page(tenant), cached=True) for tenant in TENANTS))
    assert through_cloudfront(cached, (answer("192.0.2.1"),)) == (ServiceState.UNKNOWN, "")


def test_a_tenant_asleep_by_schedule_is_left_out_and_one_at_0_by_day_named() -> None:
    services = tuple(service(f"sit-{tenant}-service", 0, 0) for tenant in TENANTS)
    by_day = world({(ecs.services, Side.PRIMARY): services})
    by_night = replace(by_day, taken_at=NOW.replace(hour=21))
    assert region_service(by_day, SIT).state is ServiceState.MOST_FAIL
    assert region_service(by_night, SIT).state is ServiceState.UNKNOWN


DOORS = {(dns_answers.door, Side.PRIMARY): ("192.0.2.1",), (dns_answers.door, Side.DR): ("192.0.2.2",)}


def answer(*values: str) -> DnsAnswer:
    return DnsAnswer("ns", ORIGIN, "A", "NOERROR", values, (), 60, authoritative=True)


@pytest.mark.parametrize(
    ("authorities", "tested", "seen"),
    [
        ((answer("192.0.2.1"),), (), TrafficDirection.PRIMARY),
        ((answer("192.0.2.2"), NO_ANSWER), (), TrafficDirection.DR),
        ((answer("192.0.2.1"), answer("192.0.2.2")), (), TrafficDirection.BETWEEN),
        ((NO_ANSWER,), (answer("192.0.2.2"),), TrafficDirection.DR),
        ((answer("192.0.2.9"),), (), TrafficDirection.UNKNOWN),
        (DENIED, DENIED, TrafficDirection.UNKNOWN),
    ],
)
def test_where_visitors_are_is_what_the_name_servers_answer(
    authorities: Any, tested: Any, seen: TrafficDirection
) -> None:
    given = {(dns_answers.authorities, Side.GLOBAL): authorities, (dns_answers.tested, Side.GLOBAL): tested}
    signals = signals_of(world({**traffic(), **DOORS, **given}), SIT)
    assert (signals.visitors, signals.is_moved) == (seen, seen in (TrafficDirection.DR, TrafficDirection.BETWEEN))


def test_traffic_is_healthy_only_where_each_record_of_the_side_was_seen() -> None:
    both = (status("hc-1", 1.0), status("hc-2", 1.0))
    assert signals_of(world(traffic(statuses=both)), SIT).primary_traffic is TrafficHealth.HEALTHY
    assert signals_of(world(traffic(statuses=both[1:])), SIT).primary_traffic is TrafficHealth.UNKNOWN


def test_a_database_whose_group_refuses_writes_is_no_second_writer() -> None:
    group = DATABASE.parameter_groups[0][0]
    frozen = (ParameterGroup(group, "mysql8.0", (("read_only", "1"),)),)
    seen = {(rds.instances, Side.DR): (DATABASE,)}
    assert signals_of(world(seen), SIT).dr_writable is True
    assert signals_of(world({**seen, (rds_groups.parameter_groups, Side.DR): frozen}), SIT).dr_writable is False


def test_the_first_failed_minute_is_of_the_primary_checks_or_absent() -> None:
    failed = (Failure("hc-2", NOW - timedelta(hours=2)), Failure("hc-1", NOW - timedelta(hours=1)))
    assert first_failure(world(traffic(failures=failed)), SIT) == NOW - timedelta(hours=1)
    assert first_failure(world(traffic(failures=failed[:1])), SIT) is None
