"""The map file: what is written is read back equal, whatever AWS calls things; what is wrong is one sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_estate.config.environment import EnvironmentFileError, environment_names, load_environment
from dr_estate.config.map_file import (
    NAMED,
    MapCounterpart,
    MapEntry,
    MapFile,
    MapKind,
    differences,
    map_from,
    map_path,
    with_choices,
)
from dr_estate.config.map_names import OF_BACKUPS, cluster_of, clusters_of, entrances_of, names_in_dr, names_of_map

SHIPPED = Path(__file__).parents[3] / "environments"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)  # UTF-8 has no half of a surrogate pair
COUNTERPARTS = st.builds(
    MapCounterpart,
    kind=TEXTS,
    name=TEXTS,
    id=TEXTS,
    region=TEXTS,
    account=TEXTS,
    found=TEXTS,
    relation=TEXTS,
    chosen_by=TEXTS,
)
ENTRIES = st.builds(
    MapEntry,
    kind=st.sampled_from(MapKind),
    name=TEXTS,
    id=TEXTS,
    account=TEXTS,
    found=TEXTS,
    counterparts=st.lists(COUNTERPARTS, max_size=2).map(tuple),
)
MAPS = st.builds(MapFile, account=TEXTS, primary=TEXTS, dr=TEXTS, entries=st.lists(ENTRIES, max_size=3).map(tuple))


@given(MAPS)
def test_a_map_is_read_back_equal(written: MapFile) -> None:
    assert written == map_from(tomllib.loads(written.to_toml()))


def test_what_has_no_counterpart_has_none_in_the_file() -> None:
    entry = MapEntry(kind=MapKind.TABLE, name="carts", id="arn", account="1", found="dynamodb DescribeTable")
    text = MapFile(account="1", primary="eu-central-1", dr="eu-north-1", entries=(entry,)).to_toml()
    assert "counterparts]]" not in text.partition("format")[2]
    assert "chosen_by" not in text.partition("format")[2]


def _folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "sit.toml").write_text((SHIPPED / "sit.toml").read_text(encoding="utf-8"), encoding="utf-8")
    map_path(tmp_path, "sit").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_map_beside_the_settings_is_no_environment_of_its_own(tmp_path: Path) -> None:
    assert ["sit"] == environment_names(_folder(tmp_path, ""))


GOOD = 'format = "aws-dr-manager/map-file/1"\naccount = "815856636111"\nprimary = "af-south-1"\ndr = "eu-west-1"\n'


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("account = [", "not readable as TOML"),
        (GOOD.replace("map-file/1", "map-file/9"), "format: "),
        (GOOD + 'colour = "red"\n', "colour: unknown key"),
        (GOOD + '[[entries]]\nkind = "kettle"\n', "entries.0.kind: "),
        (GOOD.replace("815856636111", "111111111111"), "account"),
        (GOOD.replace("eu-west-1", "eu-north-1"), "regions"),
    ],
)
def test_a_map_that_cannot_be_used_names_its_file_and_key(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        load_environment(_folder(tmp_path, text), "sit")
    first = str(refused.value).splitlines()[0]
    assert (first.startswith(f"{map_path(tmp_path, 'sit')}: "), part in first) == (True, True), first


def test_the_map_is_part_of_the_rules_that_an_approver_pins(tmp_path: Path) -> None:
    bare = load_environment(SHIPPED, "sit").rules()
    first = load_environment(_folder(tmp_path, GOOD), "sit").rules()
    entry = '[[entries]]\nkind = "table"\nname = "carts"\nid = "arn"\naccount = "1"\nfound = "x"\n'
    second = load_environment(_folder(tmp_path, GOOD + entry), "sit").rules()
    assert len({str(rules.get("map_digest")) for rules in (bare, first, second)}) == 3
    assert bare == {key: value for key, value in second.items() if key != "map_digest"}


def _entry(name: str, id_: str, *counterparts: MapCounterpart) -> MapEntry:
    found = "rds DescribeDBInstances"
    return MapEntry(kind=MapKind.DATABASE, name=name, id=id_, account="1", found=found, counterparts=counterparts)


def _map(*entries: MapEntry) -> MapFile:
    return MapFile(account="1", primary="eu-central-1", dr="eu-north-1", entries=entries)


REPLICA = MapCounterpart(
    kind="RDS instance", name="b", id="arn:b", region="eu-north-1", account="1", found="x", relation="read replica"
)
CHOSEN = REPLICA.model_copy(update={"relation": "", "chosen_by": "arn:aws:iam::1:user/ann"})


OTHER = REPLICA.model_copy(update={"name": "reports"})
OF_ITS_NAME = REPLICA.model_copy(update={"name": "a"})


@pytest.mark.parametrize(
    ("replicas", "name"),
    [((REPLICA,), "b"), ((OTHER, OF_ITS_NAME), None), ((OTHER, REPLICA), None)],
    ids=["one", "one of its own name", "none of its own name"],
)
def test_the_name_in_the_dr_region_is_that_of_the_one_replica(
    replicas: tuple[MapCounterpart, ...], name: str | None
) -> None:
    names = {**dict.fromkeys(NAMED, ""), "database": "a"}
    assert names_in_dr(_map(_entry("a", "1", *replicas)), names).get("database") == name


@pytest.mark.parametrize("prefers_replica", [True, False])
def test_a_replica_beside_replicated_backups_is_chosen_where_preferred(prefers_replica: bool) -> None:
    saved = _map(_entry("a", "1", REPLICA, REPLICA.model_copy(update={"kind": "automated backup", "name": "a"})))
    names = {**dict.fromkeys(NAMED, ""), "database": "a"}
    found = names_in_dr(saved, names, prefers_replica=prefers_replica)
    assert ({"database": "b"} if prefers_replica else {}) == found


def test_what_is_new_gone_moved_or_paired_otherwise_is_a_line_each() -> None:
    before = _map(_entry("gone", "1"), _entry("moved", "2"), _entry("paired", "3"), _entry("same", "4"))
    after = _map(_entry("moved", "5"), _entry("paired", "3", REPLICA), _entry("same", "4"), _entry("new", "6"))
    assert [
        "database gone: gone",
        "database moved: moved, 5 was 2",
        "database new: new",
        "database paired: eu-north-1 b (read replica) stands for it, was nothing",
    ] == list(differences(before, after))


def test_what_a_person_chose_stays_where_no_relation_was_found_since() -> None:
    before = _map(_entry("a", "1", CHOSEN), _entry("b", "2", CHOSEN))
    found = with_choices(_map(_entry("a", "1"), _entry("b", "2", REPLICA)), before)
    assert [(CHOSEN,), (REPLICA,)] == [entry.counterparts for entry in found.entries]


def _service(cluster: str, name: str, *others: str) -> MapEntry:
    """A service of the cluster, and its counterparts as CLUSTER/NAME."""
    there = [
        MapCounterpart(
            kind="ECS service",
            name=key.partition("/")[2],
            id=f"arn:aws:ecs:eu-north-1:1:service/{key}",
            region="eu-north-1",
            account="1",
            found="x",
        )
        for key in others
    ]
    id_ = f"arn:aws:ecs:eu-central-1:1:service/{cluster}/{name}"
    return MapEntry(
        kind=MapKind.SERVICE, name=name, id=id_, account="1", found="x", hosts=("h",), counterparts=tuple(there)
    )


def _cluster(name: str) -> MapEntry:
    id_ = f"arn:aws:ecs:eu-central-1:1:cluster/{name}"
    return MapEntry(kind=MapKind.CLUSTER, name=name, id=id_, account="1", found="x")


@pytest.mark.parametrize(
    ("services", "there"),
    [
        ((_service("a", "web", "x/web"), _service("b", "api", "y/api")), ("x", "y")),
        ((_service("a", "web", "x/web"), _service("b", "api", "x/api")), ("x",)),
        ((_service("a", "web", "x/web"), _service("b", "api")), ("x", "b")),
    ],
    ids=["each", "in one", "one region only"],
)
def test_the_clusters_of_the_dr_region_are_those_of_the_counterparts(
    services: tuple[MapEntry, ...], there: tuple[str, ...]
) -> None:
    found = clusters_of(_map(_cluster("a"), _cluster("b"), *services))
    assert {"eu-central-1": ("a", "b"), "eu-north-1": there} == found


def test_two_clusters_of_one_counterpart_region_leave_the_names_to_the_map() -> None:
    saved = _map(_cluster("a"), _service("a", "web", "x/web"), _service("a", "api", "y/api"))
    found = names_of_map(saved, "shop", {}, {"cluster": "{env}", "service": "{tenant}"})
    assert ("{cluster}", "{service}") == (found["cluster"], found["service"])


def test_the_cluster_of_an_old_arn_stands_beside_it() -> None:
    old = _service("a", "web").model_copy(update={"id": "arn:aws:ecs:r:1:service/web", "names": {"cluster": "b"}})
    assert ["a", "b"] == [cluster_of(row) for row in (_service("a", "web"), old)]


def test_services_of_one_name_in_two_clusters_are_two() -> None:
    """Nothing differs where both stay, and the one that moves is named after its workload."""
    first, second = (_service(cluster, "web").model_copy(update={"workload": f"{cluster}-web"}) for cluster in "ab")
    moved = second.model_copy(update={"id": "arn:new"})
    assert [] == list(differences(_map(first, second), _map(first, second)))
    assert ["ECS service b-web: moved, arn:new was " + second.id] == list(
        differences(_map(first, second), _map(first, moved))
    )
    assert (first, second) == with_choices(_map(first, second), _map(first)).entries


def _copied_by(plan: str, vault: str, copy: str, account: str = "1") -> MapCounterpart:
    return REPLICA.model_copy(
        update={
            "kind": "backup vault",
            "name": copy,
            "account": account,
            "names": {"backup_plan": plan, "primary_vault": vault, "backup_role": f"arn:{plan}"},
        }
    )


HOURLY, DAILY = _copied_by("Hourly", "here", "there"), _copied_by("Daily", "attic", "cellar")


@pytest.mark.parametrize(
    ("copies", "own", "found"),
    [
        ((HOURLY, HOURLY), {}, ("Hourly", "here", "there")),
        ((HOURLY, DAILY), {}, (None, None, None)),
        ((HOURLY, DAILY), {"backup_plan": "Daily"}, (None, "attic", "cellar")),
        ((HOURLY,), {"backup_plan": ""}, (None, None, None)),
        ((HOURLY,), {"backup_plan": "of old"}, (None, None, None)),
        ((_copied_by("Hourly", "here", "there", "2"),), {}, (None, None, None)),
        ((HOURLY.model_copy(update={"names": {}}),), {}, (None, None, None)),
        ((HOURLY.model_copy(update={"names": {"backup_plan": "Hourly"}}),), {}, (None, None, None)),
    ],
    ids=["one", "several", "of the named plan", "none wanted", "of another plan", "another account", "old", "by hand"],
)
def test_plan_and_vaults_are_those_of_the_one_plan_for_the_database(
    copies: tuple[MapCounterpart, ...], own: dict[str, str], found: tuple[str | None, ...]
) -> None:
    names = names_of_map(_map(_entry("a", "1", *copies)), "shop", own, {})
    assert found == tuple(names.get(key) for key in OF_BACKUPS)


def test_a_map_of_before_plans_stood_in_it_differs_in_no_line() -> None:
    older = _entry("a", "1", HOURLY.model_copy(update={"names": {}}))
    assert [] == list(differences(_map(older), _map(_entry("a", "1", HOURLY))))


def _record(name: str, *, paired: bool = True, **names: str) -> MapEntry:
    """A record that leads to the load balancer edge, of a pair or of the primary region alone."""
    there = REPLICA.model_copy(update={"kind": "record", "name": name, "id": f"{name} second"})
    return MapEntry(
        kind=MapKind.RECORD,
        name=name,
        id=f"{name} first",
        account="1",
        found="x",
        names={"load_balancer": "edge", **names},
        counterparts=(there,) if paired else (),
    )


EDGE = MapEntry(kind=MapKind.LOAD_BALANCER, name="edge", id="arn:edge", account="1", found="x")
BEHIND = {"names": {"load_balancer": "edge"}, "hosts": (), "paths": ("/*",)}


def test_every_workload_stands_behind_each_pair_whose_name_no_rule_has() -> None:
    """The apex and www lead to one load balancer, and its rules are about paths alone."""
    services = [_service("a", name).model_copy(update={**BEHIND, "workload": name}) for name in ("web", "api")]
    found = entrances_of(_map(_record("h.example"), _record("www.h.example"), EDGE, *services), "{service}", ())
    assert {name: frozenset({"web", "api"}) for name in ("h.example", "www.h.example")} == {
        entrance.record: entrance.workloads for entrance in found
    }


def test_a_record_leads_to_a_load_balancer_before_a_distribution_does() -> None:
    distribution = _record("d1.cloudfront.net", paired=False, distribution="E1")
    service = _service("a", "web").model_copy(update={**BEHIND, "workload": "web"})
    saved = _map(distribution, _record("www.h.example", paired=False), EDGE, service)
    assert ["www.h.example"] == [entrance.record for entrance in entrances_of(saved, "{service}", ())]
