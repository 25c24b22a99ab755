"""Which load balancers of a map the settings carry, with which records and workloads."""

from __future__ import annotations

from pathlib import Path

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.config.map_file import MapCounterpart, MapEntry, MapFile, MapKind

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
MAIN, RECORD = SIT.named(SIT.names.load_balancer), SIT.traffic.origin_record
API = f"api.{SIT.traffic.zone}"


def _entry(kind: MapKind, name: str, balancer: str = "", paired: bool = True, hosts: tuple[str, ...] = ()) -> MapEntry:
    """An entry whose counterpart stands behind, or leads to, the load balancer of the DR region called alike."""
    id_, names = f"{name} one" if kind is MapKind.RECORD else name, {"load_balancer": balancer} if balancer else {}
    in_dr = id_.replace(" one", " two")
    other = MapCounterpart(
        kind=kind, name=f"{name}-dr", id=in_dr, region=SIT.regions.dr, account="1", found="x", names=names
    )
    return MapEntry(
        kind=kind,
        name=name,
        id=id_,
        account="1",
        found="x",
        hosts=hosts,
        names=names,
        counterparts=(other,) if paired else (),
    )


def _service(tenant: str, balancer: str, *hosts: str) -> MapEntry:
    return _entry(MapKind.SERVICE, SIT.named(SIT.names.service, tenant=tenant), balancer, hosts=hosts)


def _with(*entries: MapEntry) -> Environment:
    regions = SIT.regions
    saved = MapFile(account=SIT.account, primary=regions.primary, dr=regions.dr, entries=entries)
    return Environment.model_validate({**SIT.model_dump(), "estate_map": saved})


OWN = (
    _entry(MapKind.LOAD_BALANCER, MAIN),
    _entry(MapKind.RECORD, RECORD, MAIN),
    _service("tenant1", MAIN, "t1.example"),
)
OTHER = (_entry(MapKind.LOAD_BALANCER, "api"), _entry(MapKind.RECORD, API, "api"), _service("tenant2", "api", API))


def _carried(env: Environment) -> list[tuple[str, str, list[str]]]:
    return [(e.load_balancer, e.record, sorted(e.workloads)) for e in env.entrances if e]


def test_one_load_balancer_is_the_settings_own_and_nothing_is_narrowed() -> None:
    env = _with(*OWN)
    assert (None,) == env.entrances
    assert env.at(None) is env


def test_the_settings_own_comes_first_and_keeps_what_they_say() -> None:
    env = _with(*OTHER, *OWN)
    assert [(MAIN, RECORD, ["tenant1"]), ("api", API, ["tenant2"])] == _carried(env)
    assert SIT.traffic.primary_set_identifier == env.at(env.entrances[0]).traffic.primary_set_identifier
    assert (RECORD, API) == env.traffic_records


def test_each_side_has_the_name_of_its_own_load_balancer() -> None:
    env = _with(*OWN, *OTHER)
    api = env.at(env.entrances[1])
    assert ["api", "api-dr"] == [api.on(side).names.load_balancer for side in (Side.PRIMARY, Side.DR)]
    assert (API, "one", "two") == (
        api.traffic.origin_record,
        api.traffic.primary_set_identifier,
        api.traffic.secondary_set_identifier,
    )
    assert [True, False] == [api.is_behind(tenant) for tenant in ("tenant2", "tenant1")]


def test_a_stranger_that_carries_none_of_the_services_is_left_out() -> None:
    stranger = (
        _entry(MapKind.LOAD_BALANCER, "others"),
        _entry(MapKind.RECORD, "others.example", "others", paired=False),
    )
    assert (None,) == _with(*OWN, *stranger).entrances


def test_an_internal_one_has_no_record_and_nobody_visits_its_services() -> None:
    env = _with(*OWN, _entry(MapKind.LOAD_BALANCER, "inner"), _service("tenant2", "inner", "inner.local"))
    assert [(MAIN, RECORD, ["tenant1"]), ("inner", "", ["tenant2"])] == _carried(env)
    assert [True, False] == [env.is_visited(tenant) for tenant in ("tenant1", "tenant2")]
    assert (RECORD,) == env.traffic_records


def test_a_second_record_pair_of_the_same_load_balancer_is_moved_too() -> None:
    env = _with(*OWN, _entry(MapKind.RECORD, API, MAIN), _service("tenant2", MAIN, API))
    assert [(MAIN, RECORD, ["tenant1"]), (MAIN, API, ["tenant2"])] == _carried(env)


def test_a_customers_host_stays_a_setting_of_its_own() -> None:
    traffic = SIT.traffic.model_copy(update={"customer_hosts": {"tenant1": (API,)}})
    env = _with(*OWN, _entry(MapKind.RECORD, API, MAIN))
    assert (None,) == Environment.model_validate({**env.model_dump(), "traffic": traffic}).entrances


def test_a_balancer_whose_record_leads_to_one_region_is_carried_too() -> None:
    env = _with(*OWN, OTHER[0], _entry(MapKind.RECORD, API, "api", paired=False), OTHER[2])
    assert [(MAIN, RECORD, ["tenant1"]), ("api", API, ["tenant2"])] == _carried(env)


def test_a_map_without_the_balancer_of_the_settings_carries_no_other() -> None:
    assert (None,) == _with(*OTHER).entrances
