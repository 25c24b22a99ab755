"""`scan`: the estate map of an account, by walking relations from a region, a record or a cluster. It only reads.

The primary region is the one that DNS leads to, else the one where more tasks run; the DR region is the other one that
most counterparts stand in. Nothing is taken from a name that two regions share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from dr_estate.aws.read_client import ReadClient
from dr_estate.model.estate_map import (
    EntryPoint,
    EstateMap,
    MapGap,
    MappedKind,
    PartKind,
    Store,
    TaskSchedule,
    Workload,
)
from dr_estate.model.references import balancer_region
from dr_estate.scan.account import (
    AccountCalls,
    GlobalSide,
    RegionSide,
    Rows,
    answers_for,
    bucket_rules,
    read_global,
    read_region,
    role_documents,
    secret_replicas,
)
from dr_estate.scan.stores import ScannedEstate, stores_of
from dr_estate.scan.ways import balancers_by_name, entries_of, plain
from dr_estate.scan.workloads import (
    Surroundings,
    schedules_of,
    schedules_with_counterparts,
    texts_of,
    with_counterparts,
    workloads_of,
)

_REGIONS_AT_MOST = 4
"""How many regions are read: relations lead to two; a third and a fourth hold copies."""
GAPS = 10
_NAMED = 3
"""How many routes a gap names."""


class NoEstate(Exception):
    """There is nothing to make a map of: a sentence says what was looked for, and what is there instead."""


def scan(client: ReadClient, account: str, regions: Sequence[str] = (), starts: Sequence[str] = ()) -> EstateMap:
    """The map of what is reached from ``starts``, names of records or clusters; all of the account without any.

    ``regions``: where to look beside those that records lead to. Raises NoEstate.
    """
    look = AccountCalls(client)
    world = read_global(look)
    sides: dict[str, RegionSide] = {}
    front = list(dict.fromkeys([*_regions_of_records(world), *regions]))
    if not front:
        raise NoEstate(
            "No record of this account leads to a load balancer, and no region was named. "
            "`dr_cli.py scan --region REGION` begins in a region."
        )
    while front and len(sides) < _REGIONS_AT_MOST:
        name = front.pop(0)
        if name not in sides:
            sides[name] = read_region(look, name)
            front += [other for other in _related_regions(sides[name]) if other not in sides]
    entries = entries_of(world, sides, account)
    by_region = {name: workloads_of(side, account) for name, side in sides.items()}
    entries, by_region = _reachable_part(starts, entries, by_region, sides)
    leads = Counter(leg.balancer.region for entry in entries for leg in entry.legs if leg.leads)
    tasks = {region: sum(w.running for w in found) for region, found in by_region.items()}
    primary = max(by_region, key=lambda region: (leads[region], tasks[region], len(by_region[region])))
    if not by_region.get(primary):
        raise NoEstate(_empty_message(starts, sides))
    roles = {part.id for row in by_region[primary] for part in row.parts if part.kind == PartKind.TASK_ROLE}
    documents = dict(zip(sorted(roles), answers_for(partial(role_documents, look), sorted(roles)), strict=True))
    own, asks = (account, sides[primary], sides, world), (partial(bucket_rules, look), partial(secret_replicas, look))
    estate = ScannedEstate(*own, by_region[primary], documents, *asks)
    stores, beside = stores_of(estate)
    dr = _dr(primary, entries, stores, by_region)
    unread = dr in sides and sides[dr].services is None
    around = _surroundings(entries, [sides[name] for name in (primary, dr) if name in sides])
    workloads = with_counterparts(by_region[primary], by_region.get(dr, ()), around, unread=unread)
    # Without a start all of the account is meant: a cluster may have schedules and no service.
    clusters = {workload.cluster for workload in workloads} if starts else None
    schedules = schedules_with_counterparts(
        schedules_of(sides[primary], account, clusters),
        schedules_of(sides[dr], account) if dr in sides else (),
        workloads,
        by_region.get(dr, ()),
        unread=bool(dr) and (dr not in sides or sides[dr].schedules is None),
    )
    gaps = tuple(_gaps(estate, entries, workloads, stores, schedules, dr))[:GAPS]
    unread_calls, balancers = tuple(dict.fromkeys(look.unread)), tuple(balancers_by_name(sides, account).values())
    return EstateMap(account, primary, dr, entries, workloads, stores, gaps, unread_calls, beside, balancers, schedules)


def _regions_of_records(world: GlobalSide) -> list[str]:
    """Regions whose load balancers records and origins name, those that most of them name first."""
    targets = [
        plain(target)
        for row in world.all_records
        for target in [
            (row.get("AliasTarget") or {}).get("DNSName"),
            *(v["Value"] for v in row.get("ResourceRecords", ())),
        ]
        if target
    ]
    targets += [
        plain(origin["DomainName"])
        for row in world.distributions or ()
        for origin in (row.get("Origins") or {}).get("Items") or ()
    ]
    found = Counter(region for target in targets if (region := balancer_region(target)))
    return [name for name, _ in found.most_common()]


def _related_regions(side: RegionSide) -> Iterator[str]:
    """Regions that replications of this one's stores lead to, and come from."""
    for row in side.instances or ():
        arns = [
            *row.get("ReadReplicaDBInstanceIdentifiers", ()),
            row.get("ReadReplicaSourceDBInstanceIdentifier") or "",
        ]
        arns += [
            entry["DBInstanceAutomatedBackupsArn"] for entry in row.get("DBInstanceAutomatedBackupsReplications", ())
        ]
        yield from (arn.split(":")[3] for arn in arns if arn.startswith("arn:"))
    for row in side.file_replications or ():
        yield from (to["Region"] for to in row.get("Destinations", ()))
        yield from [row["SourceFileSystemRegion"]] if row.get("SourceFileSystemRegion") else []
    for row in side.tables or ():
        yield from (replica["RegionName"] for replica in row.get("Replicas", ()))
    for rule in ((side.registry or {}).get("replicationConfiguration") or {}).get("rules", ()):
        yield from (to["region"] for to in rule.get("destinations", ()))


def _reachable_part(
    starts: Sequence[str],
    entries: tuple[EntryPoint, ...],
    by_region: Mapping[str, tuple[Workload, ...]],
    sides: Mapping[str, RegionSide],
) -> tuple[tuple[EntryPoint, ...], dict[str, tuple[Workload, ...]]]:
    """What is reached from records or clusters. Raises NoEstate where nothing bears one of the names.

    From a cluster it is what its own records reach: one name leads to the services of several clusters.
    """
    if not starts:
        return entries, dict(by_region)
    every = [workload for rows in by_region.values() for workload in rows]
    named = tuple(entry for entry in entries if {*map(plain, starts)} & {entry.name, *entry.aliases})
    first = {workload.service.id for workload in every if workload.cluster in starts}
    if not named and not first:
        names = sorted({entry.name for entry in entries} | {workload.cluster for workload in every})
        raise NoEstate(f"Nothing here is called {', '.join(starts)}. It may begin at: {', '.join(names) or 'nothing'}.")
    before = _balancers_before(sides)
    own = {balancer for service in first for balancer in before.get(service, ())}
    leading = [entry for entry in entries if entry in named or own & {leg.balancer.id for leg in entry.legs}]
    balancers = {leg.balancer.id for entry in leading for leg in entry.legs} | own
    behind = {service for service, found in before.items() if found & balancers}
    clusters = {workload.cluster for workload in every if workload.service.id in behind} | {*starts}
    # workers behind no load balancer are of the platform whose cluster they run in
    reached = {
        region: tuple(
            w
            for w in found
            if w.service.id in behind or w.cluster in starts or (w.cluster in clusters and not w.routes)
        )
        for region, found in by_region.items()
    }
    return tuple(leading) or entries, reached


def _balancers_before(sides: Mapping[str, RegionSide]) -> dict[str, set[str]]:
    """The load balancers that lead to each service, by ARNs."""
    groups = {
        row["TargetGroupArn"]: row.get("LoadBalancerArns", ())
        for side in sides.values()
        for row in side.target_groups or ()
    }
    return {
        row["serviceArn"]: {
            arn for entry in row.get("loadBalancers", ()) for arn in groups.get(entry.get("targetGroupArn", ""), ())
        }
        for side in sides.values()
        for row in side.services or ()
    }


def _surroundings(entries: Sequence[EntryPoint], sides: Sequence[RegionSide]) -> Surroundings:
    """What distinguishes the services of two regions; the first is the primary one."""
    legs = [
        ([leg.balancer for leg in entry.legs if leg.balancer.region == side.region] for side in sides)
        for entry in entries
    ]
    alike = {(a.id, b.id) for pair in map(list, legs) if len(pair) > 1 for a in pair[0] for b in pair[1]}
    rows = [
        (row["serviceArn"], side.definitions.get(row.get("taskDefinition", "")))
        for side in sides
        for row in side.services or ()
    ]
    balancers = _balancers_before({side.region: side for side in sides})
    return Surroundings(balancers, alike, {arn: definition for arn, definition in rows if definition})


def _dr(
    primary: str, entries: Sequence[EntryPoint], stores: Sequence[Store], by_region: Mapping[str, Sequence[Workload]]
) -> str:
    votes = Counter(copy.thing.region for store in stores for copy in store.counterparts)
    votes.update(leg.balancer.region for entry in entries for leg in entry.legs)
    votes.update({region: len(found) for region, found in by_region.items()})
    return next((region for region, _ in votes.most_common() if region not in (primary, "")), "")


def _empty_message(starts: Sequence[str], sides: Mapping[str, RegionSide]) -> str:
    contents = "; ".join(
        f"{name}: {_count(side.balancers)} load balancers, {_count(side.services)} ECS services, "
        f"{_count(side.instances)} RDS instances"
        for name, side in sides.items()
    )
    place = f"behind {', '.join(starts)}" if starts else "here"
    return f"No ECS service runs {place}, so there is no platform to map. Read: {contents}."


def _count(rows: Rows) -> str:
    return "an unknown number of" if rows is None else str(len(rows))


_LOST = {
    MappedKind.DATABASE: "its rows are lost with the region",
    MappedKind.FILES: "its files are lost with the region",
    MappedKind.OBJECTS: "its objects are lost with the region",
    MappedKind.TABLE: "its items are lost with the region",
    MappedKind.SECRET: "a task of the DR region that needs it cannot start",
    MappedKind.IMAGES: "a task of the DR region cannot pull it while the primary region is dark",
}


def _gaps(
    estate: ScannedEstate,
    entries: Sequence[EntryPoint],
    workloads: Sequence[Workload],
    stores: Sequence[Store],
    schedules: Sequence[TaskSchedule],
    dr: str,
) -> Iterator[MapGap]:
    """What a failover would lack, what matters most first. What was not read is no gap."""
    if not dr:
        yield MapGap(
            "there is no DR region", "nothing of this platform has a counterpart in another region", "all that was read"
        )
        return
    data = (MappedKind.DATABASE, MappedKind.FILES)
    yield from _gaps_of_stores(estate, [store for store in stores if store.kind in data], dr)
    yield from _gaps_of_service(estate, entries, workloads, dr)
    yield from _gaps_of_stores(estate, [store for store in stores if store.kind not in data], dr)
    yield from (
        MapGap(f"{row.thing.kind} {row.thing.name} has no counterpart in {dr}", _schedule_note(row), row.thing.found)
        for row in schedules
        if not (row.counterpart or row.unread) and row.thing.state == "on"  # one that is off starts nothing here either
    )
    for thing, why in [
        *((s.thing, s.unsupported) for s in stores if s.unsupported),
        *((w.service, w.unsupported) for w in workloads if w.unsupported),
    ]:
        yield MapGap(f"{thing.kind} {thing.name} is not moved by this tool", why, thing.found)


def _schedule_note(row: TaskSchedule) -> str:
    return f"nothing starts {row.family or 'its tasks'} there ({row.times})"


def _gaps_of_stores(estate: ScannedEstate, stores: Iterable[Store], dr: str) -> Iterator[MapGap]:
    for store in stores:
        copied_to = {copy.thing.region for copy in store.counterparts}
        here = store.thing.region == estate.primary.region  # an image of another region needs no copy of this one
        if here and not (store.unread or store.unsupported or dr in copied_to):
            what = f"{store.thing.kind} {store.thing.name} has no counterpart in {dr}"
            yield MapGap(what, _LOST[store.kind], store.thing.found)


def _gaps_of_service(
    estate: ScannedEstate, entries: Sequence[EntryPoint], workloads: Sequence[Workload], dr: str
) -> Iterator[MapGap]:
    other = estate.sides.get(dr)
    for entry in entries:
        if other and other.balancers is not None and dr not in {leg.balancer.region for leg in entry.legs}:
            reason = "visitors cannot be sent there by DNS as it is"
            yield MapGap(f"{entry.name} leads nowhere in {dr}", reason, "route53 ListResourceRecordSets")
    if other and other.services is not None:
        alone = [w for w in workloads if w.counterpart is None]
        paired = {w.cluster for w in workloads if w.counterpart}
        for cluster in dict.fromkeys(w.cluster for w in alone if w.cluster not in paired):
            lost = [str(w.routes[0]) if w.routes else w.service.name for w in alone if w.cluster == cluster]
            reason = f"nobody serves {', '.join(lost[:_NAMED])}{' and more' if len(lost) > _NAMED else ''} there"
            yield MapGap(f"ECS cluster {cluster} has no counterpart in {dr}", reason, "ecs ListClusters")
        for workload in (w for w in alone if w.cluster in paired):
            reason = f"nobody serves {workload.routes[0] if workload.routes else 'its work'} there"
            what = f"ECS service {workload.service.name} has no counterpart in {dr}"
            yield MapGap(what, reason, workload.service.found)
    for workload in workloads:
        # A host of AWS's has its region between two dots.
        primary = [text for text in _texts(estate, workload, dr) if f".{estate.primary.region}." in text]
        if primary and dr:
            what = f"the task definition of {workload.service.name} in {dr} names {estate.primary.region}"
            reason = "its tasks depend on the region that they are to replace"
            yield MapGap(what, reason, f"ecs DescribeTaskDefinition: {primary[0]}")


def _texts(estate: ScannedEstate, workload: Workload, dr: str) -> list[str]:
    """Values of the counterpart's task definition that name a host."""
    side = estate.sides.get(dr)
    rows = [
        row
        for row in (side.services if side else None) or ()
        if workload.counterpart and row["serviceArn"] == workload.counterpart.thing.id
    ]
    definitions = [side.definitions.get(row.get("taskDefinition", "")) for row in rows] if side else []
    return [text for definition in definitions if definition for text in texts_of(definition)]
