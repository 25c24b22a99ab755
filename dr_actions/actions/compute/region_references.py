"""What of a task definition points into the other region, and what it is replaced by (T18, T21). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from dr_actions.actions import restored_copy
from dr_actions.model.action import PlanContext
from dr_estate.config.environment import Environment, Side
from dr_estate.model.ecs_settings import LOG_SOURCE, REGISTRY_SOURCE
from dr_estate.readers import ecr, ecs, efs, rds
from dr_estate.readers import secretsmanager as secrets
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import Tenant

T = TypeVar("T")
OTHER = {Side.DR: Side.PRIMARY, Side.PRIMARY: Side.DR}
FILE_SYSTEM = "fileSystemId"
REGION_SETTINGS = frozenset({"AWS_REGION", "AWS_DEFAULT_REGION"})
_SECRET_ARN = re.compile(r"arn:[\w-]+:secretsmanager:(?P<region>[\w-]+):\d{12}:secret:(?P<name>[\w/+=.@-]+)")
# Secrets Manager appends a dash and six characters to each secret's ARN (Secrets Manager guide).
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


@dataclass(frozen=True, slots=True)
class Pointer:
    """A piece of text at ``at`` (the way down a task definition, list members by name) that names the other region.

    ``new`` replaces ``old``: "" where no counterpart is known, a sentence in angle brackets where it is still to come.
    """

    at: tuple[str, ...]
    old: str
    new: str

    @property
    def where(self) -> str:
        """The place in a person's words: ``wordpress WORDPRESS_DB_HOST``."""
        return " ".join(word for word in self.at if word not in _STRUCTURE)

    @property
    def is_known(self) -> bool:
        """Whether the replacement is known by now."""
        return bool(self.new) and not self.new.startswith("<")


_STRUCTURE = frozenset(
    {"containerDefinitions", "environment", "secrets", "value", "valueFrom", "volumes", "options", "logConfiguration"}
    | {"efsVolumeConfiguration", "authorizationConfig"}
)


@dataclass(frozen=True)
class Counterparts:
    """What stands in the region ``here`` for what ``there`` has. A sentence in angle brackets is still to come.

    ``database`` is a host, ``their_database`` the identifier of the one ``there``; ``secrets`` and ``access_points``
    are ARNs and ids by name; ``own_files`` is None where EFS could not be seen.
    """

    env: Environment
    here: str
    there: str
    database: str
    their_database: str
    secrets: dict[str, str] = field(default_factory=dict)
    file_system: str = ""
    access_points: dict[str, str] = field(default_factory=dict)
    access_point: str = ""
    their_files: frozenset[str] = frozenset()
    own_files: frozenset[str] | None = None


def counterparts(context: PlanContext, tenant: Tenant, side: Side = Side.DR) -> Counterparts:
    """What stands on ``side`` now, for ``tenant``. A part that cannot be seen has no counterpart to offer."""
    shared = _shared_counterparts(context.snapshot, context.env, side)
    if side is Side.DR and (source := restored_copy.replica_source(context)):
        shared = replace(shared, their_files=shared.their_files | {source})
    if side is Side.DR and (left := restored_copy.replaced_file_systems(context)):
        # Files of the side were, or are to be, restored into another file system.
        shared = replace(shared, their_files=shared.their_files | left)
        if shared.file_system in left:
            restored = f"<the restored file system of {shared.here}, once it is there>"
            shared = replace(shared, file_system=restored, access_points={})
    name = context.env.named(context.env.names.access_point, tenant=tenant.id)
    still = f"<access point {name} of {shared.here}, once it is there>"
    return replace(shared, access_point=shared.access_points.get(name, still))


@lru_cache(maxsize=4)
def _shared_counterparts(snapshot: Snapshot, env: Environment, side: Side) -> Counterparts:
    """What is one for all tenants: read once a snapshot and side."""
    other = OTHER[side]
    here, there = env.region(side), env.region(other)
    systems = snapshot.get_if_seen(efs.file_systems, side)
    theirs = {system.id for system in snapshot.get_if_seen(efs.file_systems, other) or ()}
    theirs |= {r.source_id for r in snapshot.get_if_seen(efs.replications, side) or () if r.destination_region == here}
    points = snapshot.get_if_seen(efs.access_points, side) or ()
    still = f"<the file system of {here}, once it is there>"
    return Counterparts(
        env=env,
        here=here,
        there=there,
        database=_database(snapshot, env, side, there),
        their_database=env.database_on(other),
        secrets={row.name: row.arn for row in snapshot.get_if_seen(secrets.secrets, side) or () if not row.deleted_at},
        file_system=systems[0].id if systems and len(systems) == 1 else still,
        access_points={point.name: point.id for point in points},
        their_files=frozenset(theirs),
        own_files=None if systems is None else frozenset(system.id for system in systems),
    )


def _database(snapshot: Snapshot, env: Environment, side: Side, there: str) -> str:
    """The side's database host: of the environment's name, else of the other's replica; a promotion keeps it."""
    name = env.database_on(side)
    source = f":{there}:{env.account}:db:{env.database_on(OTHER[side])}"
    here = [instance for instance in snapshot.get_if_seen(rds.instances, side) or () if instance.host]
    named = [instance.host for instance in here if instance.identifier == name]
    copies = [instance.host for instance in here if instance.source.endswith(source)]
    promoted = [row.host for row in here if row.identifier.startswith(f"{name}-") and not row.source]
    # In this order: a restored database has the name, a replica may have another one and keeps it when promoted.
    return next(iter((*named, *copies, *promoted)), f"<the host of {name} in {env.region(side)}, once it is there>")


def pointers(definition: ecs.TaskDefinition, to: Counterparts) -> tuple[Pointer, ...]:
    """All that points into the other region, in the order of the definition."""
    found = [pointer for container in definition.containers for pointer in _of_container(container, to)]
    return (*found, *(pointer for volume in definition.volumes for pointer in _of_volume(volume, to)))


def _of_container(container: ecs.Container, to: Counterparts) -> Iterator[Pointer]:
    at, region, here = ("containerDefinitions", container.name), to.there, to.here
    ref = ecr.image_ref(container.image)
    if ref.region == region:
        host = container.image.partition("/")[0]
        yield Pointer((*at, "image"), host, host.replace(region, here))
    for name, value in container.environment:
        yield from _of_variable((*at, "environment", name, "value"), name, value, to)
    for name, source in container.secrets:
        if f":{region}:" in source:
            yield from _of_text((*at, "secrets", name, "valueFrom"), source, to)
    for name, source in container.fetched:
        if f":{region}:" in source:
            yield from _of_text((*at, *_place(name)), source, to)
    if container.log_region == region:
        yield Pointer((*at, "logConfiguration", "options", "awslogs-region"), region, here)


def _place(name: str) -> tuple[str, ...]:
    """Where a container definition names what the agent fetches for itself."""
    if name == REGISTRY_SOURCE:
        return ("repositoryCredentials", "credentialsParameter")
    return ("logConfiguration", "secretOptions", name.removeprefix(LOG_SOURCE), "valueFrom")


def _of_variable(at: tuple[str, ...], name: str, value: str, to: Counterparts) -> Iterator[Pointer]:
    region = to.there
    if value == region:
        # Another variable may name the region as a bare word and mean data of it: only the SDK's own are known.
        if name in REGION_SETTINGS:
            yield Pointer(at, region, to.here)
    elif region in value:
        yield from _of_text(at, value, to)


def _of_text(at: tuple[str, ...], text: str, to: Counterparts) -> Iterator[Pointer]:
    """The database's host, secrets and parameters in ``text``; what else names the region has no counterpart."""
    region, rest = to.there, text
    database = re.escape(to.their_database)
    for host in re.findall(rf"\b{database}\.[\w-]+\.{re.escape(region)}\.rds\.amazonaws\.com(?:\.cn)?", text):
        yield Pointer(at, host, to.database)
        # What has a counterpart is taken out of the text: what then still names the region has none.
        rest = rest.replace(host, "")
    for match in _SECRET_ARN.finditer(text):
        if match["region"] == region:
            # The ARN of this region's secret of that name; an ARN ends with a random suffix, and may leave it out
            name = match["name"]
            yield Pointer(at, match[0], to.secrets.get(name) or to.secrets.get(_SUFFIX.sub("", name), ""))
            rest = rest.replace(match[0], "")
    if f":ssm:{region}:" in rest:
        yield Pointer(at, f":ssm:{region}:", f":ssm:{to.here}:")
        rest = rest.replace(f":ssm:{region}:", "")
    # No counterpart is offered: half a replacement would look right and reach into a region that is lost.
    if region in rest:
        yield Pointer(at, text, "")


def _of_volume(volume: ecs.Volume, to: Counterparts) -> Iterator[Pointer]:
    """The other region's file system: known as such, or not among those here while nothing else is here to be meant."""
    at, own = ("volumes", volume.name, "efsVolumeConfiguration"), to.own_files
    # Where no file system is here yet, any one that a volume names is the other region's.
    if volume.file_system_id not in to.their_files and not (own is not None and not own):
        return
    yield Pointer((*at, FILE_SYSTEM), volume.file_system_id, to.file_system)
    if volume.access_point_id:
        where = (*at, "authorizationConfig", "accessPointId")
        yield Pointer(where, volume.access_point_id, to.access_point)


def new_definition(definition: dict[str, Any], replacing: Sequence[Pointer]) -> dict[str, Any]:
    """A copy of ``definition`` (as DescribeTaskDefinition answers it) with every pointer replaced.

    Raises ValueError where a place does not hold what it held when the pointers were found.
    """
    fresh = deepcopy(definition)
    for pointer in replacing:
        place: Any = fresh
        for word in pointer.at[:-1]:
            if isinstance(place, list):
                place = next((item for item in place if item.get("name") == word), None)
            else:
                place = place.get(word) if isinstance(place, dict) else None
        last = pointer.at[-1]
        # The definition is read again before it is registered: a revision of meanwhile must not be overwritten.
        if not isinstance(place, dict) or pointer.old not in str(place.get(last, "")):
            raise ValueError(f"{pointer.where} of {definition.get('family', '')} is not what it was: look again")
        # Only the piece that names the region: the rest of the value may be a password, and stays unread.
        place[last] = str(place[last]).replace(pointer.old, pointer.new)
    return fresh
