"""The estate map as its file says it: what stands from one day to the next, without states and counts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dr_estate.config.map_file import MapCounterpart, MapEntry, MapFile, MapKind
from dr_estate.config.map_names import ANY_HOST, DISTRIBUTION, common_start
from dr_estate.model.estate_map import Counterpart, EntryPoint, EstateMap, Leg, Store, Thing, Workload
from dr_estate.scan.ways import ORIGINS

_WORLD_WIDE = ("iam", "s3")
SAME_RECORD = "the same record"
SAME_SERVICES = "its services stand for each other"


def map_file_of(found: EstateMap) -> MapFile:
    """The file of the map: entries, load balancers, clusters, services and stores of the primary region."""
    rows = (
        *(_record(entry, found) for entry in found.entries),
        *_balancers(found),
        *_clusters(found),
        *_services(found),
        *(_store(store) for store in found.stores),
    )
    undecided = tuple(kind for kind in MapKind if kind in _undecided_kinds(found))
    return MapFile(account=found.account, primary=found.primary, dr=found.dr, undecided=undecided, entries=rows)


_LISTED = {
    "rds": {MapKind.DATABASE},
    "efs": {MapKind.FILES},
    "s3": {MapKind.OBJECTS},
    "dynamodb": {MapKind.TABLE},
    "secretsmanager": {MapKind.SECRET},
    "ecr": {MapKind.IMAGES},
    "iam": {MapKind.OBJECTS, MapKind.TABLE},
    "ecs": set(MapKind),
}
"""What a list of each service would have shown; policies of roles and task definitions show what workloads use."""


def _undecided_kinds(found: EstateMap) -> set[MapKind]:
    own = (row for row in found.unread if row.region == found.primary or row.service in _WORLD_WIDE)
    unread = [_LISTED.get(row.service, set()) for row in own]
    beside = {MapKind(kind) for kind in found.beside if kind in (MapKind.DATABASE, MapKind.FILES)}
    return beside.union(*unread)


def _record(entry: EntryPoint, found: EstateMap) -> MapEntry:
    legs = {leg.balancer.region: leg for leg in reversed(entry.legs)}
    # Between the origins of a distribution CloudFront chooses: they are no pair of records that a run could turn.
    other = None if any(leg.policy in ORIGINS for leg in entry.legs) else legs.get(found.dr)
    read = "route53 ListResourceRecordSets" if entry.zone else "cloudfront ListDistributions"
    distribution = {} if entry.zone else {DISTRIBUTION: entry.distribution}

    def record(region: str, leg: Leg | None, names: dict[str, str]) -> Thing:
        id_ = f"{entry.name} {leg.record}".strip() if leg else entry.name
        balancer = {"load_balancer": leg.balancer.name} if leg else {}
        return Thing(MapKind.RECORD, id_, entry.name, region, found.account, read, names=balancer | names)

    own = record(found.primary, legs.get(found.primary), distribution)
    return _entry(MapKind.RECORD, own, [_of(record(found.dr, other, {}), SAME_RECORD)] if other else [])


def _balancers(found: EstateMap) -> Iterator[MapEntry]:
    """Load balancers of the primary region; the one of the DR region that an equal record leads to stands for it.

    Where no record leads to one there, it is the one behind which its services' counterparts are.
    """
    legs = [(leg.balancer, entry) for entry in found.entries for leg in entry.legs]
    by_name = {(thing.region, thing.name): thing for thing in found.balancers}
    names = [(w.service.names, w.counterpart.thing.names if w.counterpart else {}) for w in found.workloads]
    behind = {
        here["load_balancer"]: there["load_balancer"]
        for here, there in names
        if here.keys() & there.keys() & {"load_balancer"}
    }
    own = [thing for thing, _ in legs if thing.region == found.primary]
    own += [by_name[key] for here, _ in names if (key := (found.primary, here.get("load_balancer", ""))) in by_name]
    for thing in dict.fromkeys(own):
        entries = [entry for other, entry in legs if other == thing]
        led = [leg.balancer for entry in entries for leg in entry.legs if leg.balancer.region == found.dr]
        stands = by_name.get((found.dr, behind.get(thing.name, "")))
        relations = [_of(other, SAME_RECORD) for other in led] + ([_of(stands, SAME_SERVICES)] if stands else [])
        yield _entry(MapKind.LOAD_BALANCER, thing, relations[:1])


def _clusters(found: EstateMap) -> Iterator[MapEntry]:
    """Clusters of the workloads; the one in which their counterparts run stands for it, where it is one alone."""
    for name in dict.fromkeys(workload.cluster for workload in found.workloads):
        own = [workload for workload in found.workloads if workload.cluster == name]
        others = {_cluster_of(w.counterpart.thing) for w in own if w.counterpart}
        stands = [_of(other, SAME_SERVICES) for other in others if len(others) == 1]
        yield _entry(MapKind.CLUSTER, _cluster_of(own[0].service), stands)


def _cluster_of(service: Thing) -> Thing:
    """The cluster in a service's ARN, or beside it where the ARN is of the old form, which names none."""
    head, _, path = service.id.partition(":service/")
    cluster = path.partition("/")[0] if "/" in path else service.names["cluster"]
    found = "ecs DescribeServices"
    return Thing(MapKind.CLUSTER, f"{head}:cluster/{cluster}", cluster, service.region, service.account, found)


def _workload_name(workload: Workload, found: EstateMap) -> str:
    """What the service is called, after its cluster where a service of another cluster is called so too."""
    name = workload.service.name
    others = {row.cluster for row in found.workloads if row.service.name == name} - {workload.cluster}
    return f"{workload.cluster}-{name}" if others else name


def _services(found: EstateMap) -> Iterator[MapEntry]:
    names = {workload.service.id: _workload_name(workload, found) for workload in found.workloads}
    short = short_names(list(names.values()))
    for workload in found.workloads:
        entry = _entry(MapKind.SERVICE, workload.service, [_by(workload.counterpart)] if workload.counterpart else [])
        routes = {
            "hosts": tuple(dict.fromkeys(host for route in workload.routes for host in route.hosts or (ANY_HOST,))),
            "paths": tuple(dict.fromkeys(path for route in workload.routes for path in route.paths)),
        }
        yield entry.model_copy(update={"workload": short[names[workload.service.id]], **routes})


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Each name without what all begin and end with, up to a hyphen: what differs between them."""
    before, after = _common_start(names), _common_start([name[::-1] for name in names])
    return {name: name[len(before) : len(name) - len(after)] or name for name in names}


def _common_start(names: Sequence[str]) -> str:
    common = common_start(names)
    return common[: common.rfind("-") + 1]


def _store(store: Store) -> MapEntry:
    return _entry(MapKind(store.kind), store.thing, [_by(copy) for copy in store.counterparts])


def _entry(kind: MapKind, thing: Thing, counterparts: list[MapCounterpart]) -> MapEntry:
    return MapEntry(kind=kind, **_about(thing), counterparts=tuple(counterparts))


def _about(thing: Thing) -> dict[str, Any]:
    """What an entry and a counterpart say alike of a thing."""
    return {key: getattr(thing, key) for key in ("name", "id", "account", "found")} | {"names": dict(thing.names)}


def _by(copy: Counterpart) -> MapCounterpart:
    return _of(copy.thing, copy.relation)


def _of(thing: Thing, relation: str) -> MapCounterpart:
    return MapCounterpart(kind=thing.kind, region=thing.region, relation=str(relation), **_about(thing))
