"""What the map says of services: by which names and paths they are visited, which are workers, and their tasks."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_file import MapCounterpart, MapEntry, MapFile, MapKind
from dr_estate.config.map_names import BY_MAP
from tests.dr_estate.config.test_entrances import SIT

REGIONS, ZONE = SIT.regions, SIT.traffic.zone
HOST = f"www.{ZONE}"


def _entry(kind: MapKind, name: str, **more: Any) -> MapEntry:
    balancer = {"load_balancer": "edge"} if kind is MapKind.RECORD else {}
    there = MapCounterpart(
        kind=kind,
        name=f"{name}-two",
        id=f"{name} two",
        region=REGIONS.dr,
        account="1",
        found="x",
        names=more.get("names", {}),
    )
    id_ = f"arn:{REGIONS.primary}:{name}" if kind is MapKind.SERVICE else f"{name} one"
    own = {"names": balancer, "counterparts": (there,), **more}
    return MapEntry(kind=kind, name=name, id=id_, account="1", found="x", workload=name, **own)


def _service(name: str, *paths: str, hosts: tuple[str, ...] = ("*",)) -> MapEntry:
    names = {"load_balancer": "edge", "target_group": f"{name}-targets"}
    return _entry(MapKind.SERVICE, name, names=names, hosts=hosts, paths=paths)


WORKER = _entry(MapKind.SERVICE, "mailer", names={})
MAPPED = (
    _entry(MapKind.LOAD_BALANCER, "edge"),
    _entry(MapKind.RECORD, HOST),
    _service("api", "/api/*"),
    _service("web"),
    WORKER,
)


def described(*entries: MapEntry, **settings: Any) -> Environment:
    """An estate whose names are the map's alone."""
    saved = MapFile(account=SIT.account, primary=REGIONS.primary, dr=REGIONS.dr, entries=entries)
    own = {key: settings.pop(key) for key in ("database",) if key in settings}
    names = SIT.names.model_copy(update={**own, **{key: BY_MAP[key] for key in ("service", "target_group")}})
    return Environment.model_validate({**SIT.model_dump(), **settings, "names": names, "estate_map": saved})


def test_a_rule_without_a_host_is_visited_by_the_names_of_its_balancer() -> None:
    env = described(*MAPPED)
    assert [f"{HOST}/api/", f"{HOST}/"] == [env.site_of(name) for name in ("api", "web")]
    assert {f"{HOST}/"} == env.sites_of_any_host, "what a stranger gets at its own path is not the API's page"


def test_a_rule_without_a_host_stands_at_its_path_without_any_record() -> None:
    env = described(MAPPED[0], _service("api", "/api/*"), _service("web"))
    assert [f"{name}.{SIT.traffic.tenant_domain}{path}" for name, path in (("api", "/api/"), ("web", "/"))] == [
        env.site_of(name) for name in ("api", "web")
    ]


def test_what_has_the_rest_of_a_shared_host_stands_at_its_root() -> None:
    env = described(*MAPPED[:2], _service("api", "/api/*", hosts=(HOST,)), _service("web", hosts=(HOST,)))
    assert [f"{HOST}/api/", f"{HOST}/"] == [env.site_of(name) for name in ("api", "web")]
    assert frozenset() == env.sites_of_any_host


def test_a_pattern_of_hosts_is_visited_by_the_record_of_that_pattern() -> None:
    other = _entry(MapKind.RECORD, f"api.{ZONE}")
    env = described(other, *MAPPED[:2], _service("web", hosts=("www.*",)), _service("api", hosts=(f"api.{ZONE}", "*")))
    assert [f"{HOST}/", f"api.{ZONE}"] == [env.site_of(name) for name in ("web", "api")]


def test_a_worker_is_a_workload_that_nobody_visits() -> None:
    env = described(*MAPPED)
    assert ("api", "web", "mailer") == env.mapped_workloads
    assert [False, False, True] == [env.is_worker(name) for name in env.mapped_workloads]
    assert [True, True, False] == [env.is_visited(name) for name in env.mapped_workloads]
    groups = [env.on(Side.PRIMARY).named(env.names.target_group, tenant=name) for name in env.mapped_workloads]
    assert ["api-targets", "web-targets", ""] == groups


def test_where_the_map_names_no_route_no_service_is_a_worker() -> None:
    env = described(WORKER)
    assert (False, True) == (env.is_worker("mailer"), env.is_visited("mailer"))


def test_an_estate_without_a_database_may_run_tasks_in_the_dr_region() -> None:
    assert described(*MAPPED, standby={"mode": "warm"}, database="").standby.tasks_per_service == 1


def test_a_service_that_runs_another_number_of_tasks_is_named() -> None:
    counts = {"tasks_per_service": 4, "tasks": {"mailer": 1}}
    warm = {"mode": "warm", "tasks_per_service": 2, "tasks": {"mailer": 0}}
    replica = {**SIT.replication.model_dump(), "database": ("read-replica",)}
    env = described(*MAPPED, capacity=counts, standby=warm, replication=replica)
    assert [4, 1] == [env.tasks_of(name) for name in ("web", "mailer")]
    assert [2, 0] == [env.standby_of(name) for name in ("web", "mailer")]
