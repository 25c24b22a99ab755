"""The names of [names] that the map answers: a name of one region says nothing of the other's.

What the map has none of is "" or empty: the estate has none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dr_estate.config.map_file import NAMED, CopyKind, MapCounterpart, MapEntry, MapFile, MapKind
from dr_estate.config.settings import ResourceNames

BY_MAP = {
    key: f"{{{key}}}" for key in ("service", "task_family", "target_group", "log_group", "container", "access_point")
}
"""The pattern of a name of [names] that only the map answers, by its key."""


CLUSTER_BY_MAP = "{cluster}"
"""The pattern of names.cluster where the map has several ECS clusters, in either region."""


def service_key(cluster: str, name: str) -> str:
    """What identifies a service where there are several clusters: a name of ECS has no slash."""
    return f"{cluster}/{name}"


def cluster_of(service: MapEntry | MapCounterpart) -> str:
    """The cluster in a service's ARN, or beside it where the ARN is of the old form, which names none."""
    cluster, slash, _ = service.id.partition(":service/")[2].partition("/")
    return cluster if slash else service.names.get("cluster", "")


def clusters_of(saved: MapFile) -> dict[str, tuple[str, ...]]:
    """The clusters of the map's services in the primary region, and in the DR region those that stand for them.

    One for which nothing stands has its own name there: a check finds it absent by that.
    """
    found: dict[str, None] = {}
    others: dict[str, None] = {}
    for entry in saved.of_kind(MapKind.CLUSTER):
        own = [row for row in saved.of_kind(MapKind.SERVICE) if cluster_of(row) == entry.name]
        there = [row for service in own if (row := service.running_in(saved.dr))]
        chosen = entry.running_in(saved.dr)
        names = [cluster_of(row) for row in there] or [chosen.name if chosen else entry.name]
        found[entry.name] = None
        others |= dict.fromkeys(names)
    return {saved.primary: tuple(found), saved.dr: tuple(others)}


def has_several_clusters(saved: MapFile) -> bool:
    """Whether the services of the map run in several clusters, in either region."""
    return any(len(names) > 1 for names in clusters_of(saved).values())


@dataclass(frozen=True, slots=True)
class WorkloadNames:
    """The names of one kind in one region, by workload."""

    by_workload: Mapping[str, str]

    def name_of(self, workload: str) -> str:
        """The workload's; of one that the map has not, or of any (``*``), by what all names begin and end with."""
        found = self.by_workload.get(workload)
        return self._start + workload + self._end if found is None else found

    def workload_of(self, name: str) -> str | None:
        """The workload that has the name, None where the map knows none."""
        return next((workload for workload, own in self.by_workload.items() if own == name != ""), None)

    @property
    def _start(self) -> str:
        return common_start([name for name in self.by_workload.values() if name])

    @property
    def _end(self) -> str:
        return common_start([name[len(self._start) :][::-1] for name in self.by_workload.values() if name])[::-1]


def common_start(names: Sequence[str]) -> str:
    """What all of several names begin with, letter by letter; "" of one alone."""
    return os.path.commonprefix(list(names)) if len(names) > 1 else ""  # noqa: RUF071 - letters, and no folders


def names_by_map(saved: MapFile, region: str, service: str, cluster: str = "") -> dict[str, WorkloadNames]:
    """What workloads' resources are called in ``region``, by the pattern that asks for them.

    ``service`` is the pattern of services: a workload is called as that says, else as the map does. ``cluster`` is that
    of the cluster: of several, services are called by their keys.
    """
    found: dict[str, dict[str, str]] = {pattern: {} for pattern in BY_MAP.values()}
    for entry in saved.of_kind(MapKind.SERVICE):
        # a worker has no target group, others mount no files: none has a name like the others'
        for key in ("target_group", "access_point"):
            found[BY_MAP[key]][workload_of(entry, service)] = ""
        for key, name in _names_in(entry, region, with_cluster=cluster == CLUSTER_BY_MAP).items():
            if key in BY_MAP:
                found[BY_MAP[key]][workload_of(entry, service)] = name
    return {pattern: WorkloadNames(names) for pattern, names in found.items()}


def workload_of(entry: MapEntry, service: str) -> str:
    """What people call the workload of a service's entry."""
    by_pattern = None if service in BY_MAP.values() else between(service, entry.name)
    return by_pattern or entry.workload or entry.name


def between(pattern: str, name: str) -> str | None:
    """What stands for ``{tenant}`` of the pattern in the name, None where the name is not of that pattern."""
    before, _, after = pattern.partition("{tenant}")
    inside = pattern and name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
    return name[len(before) : len(name) - len(after)] if inside else None


def misfits(saved: MapFile, patterns: Mapping[str, str]) -> Iterator[str]:
    """The keys of [names] whose pattern is not what the map has, in either region, of every workload."""
    entries, service = _workloads(saved), patterns["service"]
    by_key = patterns["cluster"] == CLUSTER_BY_MAP
    if by_key or any(
        between(service, name) is None for entry in entries for name in _names_of_both_regions(saved, entry, "service")
    ):
        yield "service"
        service = BY_MAP["service"]
    for key in BY_MAP.keys() - {"service"}:
        wanted = [(entry, patterns[key].replace("{tenant}", workload_of(entry, service))) for entry in entries]
        if any(name != pattern for entry, pattern in wanted for name in _names_of_both_regions(saved, entry, key)):
            yield key


def _names_of_both_regions(saved: MapFile, entry: MapEntry, key: str) -> list[str]:
    regions = (saved.primary, saved.dr)
    return [names[key] for region in regions if key in (names := _names_in(entry, region))]


def _names_in(entry: MapEntry, region: str, *, with_cluster: bool = False) -> Mapping[str, str]:
    there = entry.running_in(region) or (entry if f":{region}:" in entry.id else None)
    if there is None:
        return {}
    return {"service": service_key(cluster_of(there), there.name) if with_cluster else there.name, **there.names}


_SINGLE = {"database": MapKind.DATABASE, "file_system": MapKind.FILES, "repository": MapKind.IMAGES}
_SEVERAL = {"tables": MapKind.TABLE, "buckets": MapKind.OBJECTS}
OF_BACKUPS = ("backup_plan", "primary_vault", "dr_vault")
"""The keys of [names] of what ``backup_ways`` finds, in its order."""
COPY_BY_MAP = "{bucket_copy}"
"""The pattern of names.bucket_copy where only the map says what a bucket's copy is called."""


def names_of_map(
    saved: MapFile, environment: str, own: Mapping[str, Any], patterns: Mapping[str, Any]
) -> dict[str, Any]:
    """The names in the primary region that the settings' ``own`` ones and their base's ``patterns`` do not have."""
    defaults = {key: field.get_default() for key, field in ResourceNames.model_fields.items()}
    usual = {**defaults, **patterns, **own}
    found: dict[str, Any] = {}
    if has_several_clusters(saved) and not own.get("cluster"):
        found["cluster"] = usual["cluster"] = CLUSTER_BY_MAP
    filled = {key: str(usual[key]).replace("{env}", environment) for key in {*NAMED, *_SINGLE, *BY_MAP, *OF_BACKUPS}}
    # The kinds of which the map has all that the platform has: no map without a service has, or with a list unread.
    whole = set(MapKind) - set(saved.undecided) if saved.of_kind(MapKind.SERVICE) else set()
    for key, kind in {**NAMED, **_SINGLE}.items():
        # task definitions name the images, and several clusters have no name together
        only = None if kind is MapKind.IMAGES or key in found else saved.only(kind)
        if only and not saved.entry_of(kind, filled[key]):
            found[key] = only.name
        elif key in _SINGLE and kind in whole and (kind is MapKind.IMAGES or not saved.of_kind(kind)):
            found |= {} if saved.entry_of(kind, filled[key]) else {key: ""}
    for key, kind in _SEVERAL.items():
        mapped = tuple(entry.name for entry in saved.of_kind(kind))
        known = {str(name).replace("{env}", environment) for name in usual[key]}
        if kind in whole and not (known and known <= {*mapped}):
            found[key] = mapped
    of_tenants = str(usual["tenant_secret"]).replace("{env}", environment)
    secrets = [entry.name for entry in saved.of_kind(MapKind.SECRET) if between(of_tenants, entry.name) is None]
    if others := tuple(name for name in secrets if name != str(usual["master_secret"]).replace("{env}", environment)):
        found["secrets"] = others
    if any(copy != str(usual["bucket_copy"]).replace("{bucket}", name) for name, copy in copies_of(saved).items()):
        found["bucket_copy"] = COPY_BY_MAP
    found |= {key: BY_MAP[key] for key in misfits(saved, filled)}
    ways = backup_ways(saved, {**filled, **found}.get("database", ""))
    of_plan = [way for way in ways if way[0] == filled["backup_plan"]]
    ways = of_plan if of_plan or "backup_plan" in own else ways
    if len(ways) == 1:
        found |= {key: name for key, name in zip(OF_BACKUPS, ways[0], strict=True) if name != filled[key]}
    return {key: value for key, value in found.items() if not (key in own and (own[key] or key != "cluster"))}


def backup_ways(saved: MapFile, database: str) -> list[tuple[str, str, str]]:
    """The plan of AWS Backup, its vault and that of the DR region, by which the database is copied, else the files.

    Several where several plans, or rules of one, copy it elsewhere: the map does not say which is meant. None in a map
    of before they stood in it.
    """
    named = saved.entry_of(MapKind.DATABASE, database)
    entries = [named] if named else saved.of_kind(MapKind.DATABASE)
    for entry in (*entries, *saved.of_kind(MapKind.FILES)):
        copies = [row for row in entry.counterparts if row.region == saved.dr and row.kind == CopyKind.VAULT]
        # A vault of another account is none that a restore here finds.
        copies = [row for row in copies if row.account == saved.account and {*OF_BACKUPS[:2]} <= row.names.keys()]
        ways = [(row.names["backup_plan"], row.names["primary_vault"], row.name) for row in copies]
        if ways:
            return list(dict.fromkeys(ways))
    return []


def has_most_of(saved: MapFile, environment: str, patterns: Mapping[str, Any]) -> bool:
    """Whether most kinds of the map are called as a base says: many a team has an ``-alb`` that shares nothing else."""
    single = {kind: (patterns.get(key, ""),) for key, kind in {**NAMED, **_SINGLE}.items()}
    names = {**single, **{kind: patterns.get(key, ()) for key, kind in _SEVERAL.items()}}
    mapped = [kind for kind in names if saved.of_kind(kind)]
    called = [k for k in mapped if any(saved.entry_of(k, str(name).replace("{env}", environment)) for name in names[k])]
    return len(called) * 2 > len(mapped)


def names_in_dr(saved: MapFile, names: Mapping[str, str], *, prefers_replica: bool = True) -> dict[str, str]:
    """What is called otherwise in the DR region than the primary region's ``names`` of it.

    A replica beside replicated backups is the database there only where it is preferred: else a restore has its name.
    """
    pairs = ((key, saved.entry_of(NAMED[key], names[key])) for key in NAMED)
    found = {key: (entry, entry.running_in(saved.dr)) for key, entry in pairs if entry}
    others = {key: other.name for key, (_, other) in found.items() if other and other.name != names[key]}
    if "database" in others and not prefers_replica and found["database"][0].is_backed_up_in(saved.dr):
        del others["database"]
    return others


def copies_of(saved: MapFile) -> dict[str, str]:
    """The copies in the DR region of the map's buckets, by their names."""
    pairs = ((entry.name, entry.running_in(saved.dr)) for entry in saved.of_kind(MapKind.OBJECTS))
    return {name: copy.name for name, copy in pairs if copy}


ANY_HOST = "*"
"""The host of a rule that names none, and of what a listener does without a rule."""


@dataclass(frozen=True, slots=True)
class VisitedRoute:
    """By which names a workload is visited, and at which path; ``of_any_host``: a stranger's name leads there too."""

    hosts: tuple[str, ...] = ()
    path: str = ""
    of_any_host: bool = False


def routes_of(saved: MapFile, service: str) -> dict[str, VisitedRoute]:
    """How each workload is visited: at the first path pattern's part before a wildcard, else as a whole.

    One that has the rest of a host, of which others have paths, stands at its root.
    Where no rule names a whole host, by the names that lead to its load balancer, those with a pair of records first.
    """
    records = sorted(saved.of_kind(MapKind.RECORD), key=lambda row: not row.counterparts)
    found = {}
    for entry in _workloads(saved):
        whole = tuple(host for host in entry.hosts if not {*host} & {*"*?"})
        patterns, balancer = entry.hosts or (ANY_HOST,), entry.names.get(_BALANCER)
        leading = [row.name for row in records if balancer and row.names.get(_BALANCER) == balancer]
        leading = [name for name in leading if any(fnmatchcase(name, pattern) for pattern in patterns)]
        path = re.split("[*?]", entry.paths[0])[0] if entry.paths else ""
        others = (other for other in _workloads(saved) if other is not entry)
        shared = "/" if entry.hosts and (not whole or any(whole[0] in other.hosts for other in others)) else ""
        found[workload_of(entry, service)] = VisitedRoute(
            whole or tuple(leading), path or shared, ANY_HOST in patterns and path in ("", "/")
        )
    return found


@dataclass(frozen=True, slots=True)
class Entrance:
    """A load balancer of the map in both regions, the record pair that leads to it, and the workloads behind it.

    ``record`` is "" where no record leads to it, ``load_balancer_in_dr`` where nothing stands for it.
    """

    load_balancer: str
    load_balancer_in_dr: str
    record: str
    primary_set_identifier: str
    secondary_set_identifier: str
    workloads: frozenset[str]

    @property
    def key(self) -> str:
        """What identifies it: its record, else its load balancer."""
        return self.record or self.load_balancer


def entrances_of(saved: MapFile, service: str, elsewhere: Collection[str]) -> tuple[Entrance, ...]:
    """The load balancers of the map behind which its workloads stand, once for each record pair that leads to them.

    ``elsewhere`` are records that are settings of their own.
    """
    behind = {workload_of(entry, service): entry for entry in _workloads(saved)}
    found = []
    for balancer in saved.of_kind(MapKind.LOAD_BALANCER):
        own = {name: entry for name, entry in behind.items() if entry.names.get(_BALANCER) == balancer.name}
        leading = [row for row in saved.of_kind(MapKind.RECORD) if row.names.get(_BALANCER) == balancer.name]
        leading.sort(key=lambda row: DISTRIBUTION in row.names)  # a name of CloudFront's own can have no pair
        pairs = [row for row in leading if row.counterparts and row.name not in elsewhere]
        other = balancer.running_in(saved.dr)
        for number, row in enumerate(pairs or [*leading, None][:1] if own else ()):
            named = {name for name, entry in own.items() if row and row.name in entry.hosts}
            others = {name for name, entry in own.items() if not {*entry.hosts} & {pair.name for pair in pairs}}
            there = row.running_in(saved.dr) if row else None
            found.append(
                Entrance(
                    balancer.name,
                    other.name if other else "",
                    row.name if row else "",
                    row.id.partition(" ")[2] if row else "",
                    there.id.partition(" ")[2] if there else "",
                    # a pair whose name no rule has leads to all of them
                    frozenset((named if number else named | others) or own),
                )
            )
    return tuple(found)


_BALANCER = "load_balancer"
DISTRIBUTION = "distribution"
"""Names the distribution of a host that no record of a zone bears."""


def workers_of(saved: MapFile, service: str) -> frozenset[str]:
    """The workloads that nobody visits: behind no route, where the map names routes at all."""
    led = [entry.id for entry in _workloads(saved)]
    return frozenset(workload_of(entry, service) for entry in saved.of_kind(MapKind.SERVICE) if entry.id not in led)


def _workloads(saved: MapFile) -> list[MapEntry]:
    """The services behind a route, all where the map names no route."""
    entries = saved.of_kind(MapKind.SERVICE)
    return [entry for entry in entries if entry.hosts or entry.paths] or list(entries)
