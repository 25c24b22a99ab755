"""The map file that stands beside the settings, held against what runs today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_checks.core.model import BOTH, Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import clusters
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_file import MapCounterpart, MapEntry, MapFile, MapKind
from dr_estate.config.map_names import cluster_of
from dr_estate.model import states
from dr_estate.model.recovery_names import is_isolated, is_set_aside
from dr_estate.model.unavailable import available
from dr_estate.readers import dynamodb, ecs, elbv2, rds, s3
from dr_estate.snapshot.snapshot import Snapshot

_WANTED = "as in the map file"
_UPDATE = "`dr_cli.py init --update` shows what differs, and writes the map of today."


def _has_map(env: Environment) -> str | None:
    return None if env.estate_map else "no map file stands beside the settings: `dr_cli.py init` writes one"


@check("the load balancer, the cluster, its services and the stores of the region are those of the map file")
@weigh(Severity.CRITICAL, Area.PREREQUISITES, BOTH, applies=_has_map)
@cite("NIST CP-2", "REL13-BP04")
def as_mapped(view: View) -> Iterator[Finding]:
    """What is gone fails; what is new, or has another id under its name, warns.

    Stores are databases, tables and buckets. Source: the map file's entries.
    """
    balancers = [seen.get(elbv2.load_balancer, view.side) for _, seen in _balancers(view)]
    database = view.env.named(view.env.names.database)
    standing = {
        MapKind.LOAD_BALANCER: {balancer.name: balancer.arn for balancer in balancers if balancer},
        MapKind.CLUSTER: {row.name: "" for row in clusters(view) if row.status and not states.CLUSTER[row.status].gone},
        MapKind.SERVICE: {s.name: s.arn for s in view.get(ecs.services) if not states.SERVICE[s.status].gone},
        MapKind.DATABASE: {
            row.identifier: row.arn
            for row in view.get(rds.instances)
            if not (is_isolated(row.identifier, database) or is_set_aside(row.identifier, database))
        },
        MapKind.TABLE: {
            row.name: "" for row in map(available, view.get(dynamodb.tables)) if row.status != dynamodb.NONE
        },
        MapKind.OBJECTS: {
            row.name: "" for row in map(available, view.get(s3.buckets)) if row.region and row.name in _buckets(view)
        },
    }
    for kind, there in standing.items():
        mapped = _mapped_ids(view, kind)
        yield from _differences(view, kind, mapped, there)
        # a failover restores the database under its own name
        for name in sorted(there.keys() - mapped.keys() - {view.env.named(view.env.names.database)}):
            reason = "what the map does not name is in no plan, and nobody decided what stands for it"
            yield view.warn(f"{kind} {name}", "new", _WANTED, reason, _UPDATE)
    if not any(_mapped_ids(view, kind) for kind in MapKind):
        yield view.none_expected("the map", f"the map has nothing in {view.region}")


def _differences(view: View, kind: MapKind, mapped: Mapping[str, str], there: Mapping[str, str]) -> Iterator[Finding]:
    for name, id_ in mapped.items():
        subject = f"{kind} {name}"
        if name not in there:
            reason = f"it stood in {view.region} when the map was made"
            remedy = f"Find out who removed it, and bring it back; where that was meant: {_UPDATE}"
            yield view.gap(subject, "gone", _WANTED, reason, remedy)
        # Tables and buckets are listed without an ARN: nothing is compared with an empty one.
        elif id_.startswith("arn:") and there[name] and there[name] != id_:
            reason = f"another thing bears its name: {there[name]}, not {id_}"
            yield view.warn(subject, "moved", _WANTED, reason, _UPDATE)
        else:
            yield view.ok(subject, "there", _WANTED, "a plan is made for what the map names")


def _mapped_ids(view: View, kind: MapKind) -> dict[str, str]:
    """The ids by name of what the map has on this side, and this look reads: of other clusters nothing is read."""
    known_clusters, balancers = view.env.clusters, [name for name, _ in _balancers(view)]
    known = {MapKind.LOAD_BALANCER: balancers, MapKind.CLUSTER: known_clusters, MapKind.OBJECTS: _buckets(view)}
    read = {**known, MapKind.TABLE: dynamodb.names(view.env)}.get(kind)
    saved = list(_on_side(view.env.estate_map, kind, view.side)) if view.env.estate_map else []
    if kind is MapKind.SERVICE:
        inside = [row for row in saved if cluster_of(row) in known_clusters]
        return {view.env.service_key(cluster_of(row), row.name): row.id for row in inside}
    return {row.name: row.id for row in saved if read is None or row.name in read}


def _balancers(view: View) -> Iterator[tuple[str, Snapshot]]:
    """What each load balancer of this side is called, and the snapshot in which it is read."""
    for seen, env in view.snapshot.of_entrances(view.env):
        own = env.on(view.side)
        yield own.named(own.names.load_balancer), seen


def _buckets(view: View) -> list[str]:
    """The buckets of tenants' data on this side, by the settings or the map."""
    return [pair[0 if view.side is Side.PRIMARY else 1] for pair in s3.data_pairs(view.env)]


def _on_side(saved: MapFile, kind: MapKind, side: Side) -> Iterator[MapEntry | MapCounterpart]:
    for entry in saved.of_kind(kind):
        yield from (entry,) if side is Side.PRIMARY else entry.all_running_in(saved.dr)
