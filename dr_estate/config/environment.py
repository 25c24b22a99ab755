"""The environment file: every property of an estate that can differ between teams.

Files are ``<name>.toml`` in the configuration folder. Patterns use ``{env}`` and ``{tenant}`` (and ``{bucket}``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import PrivateAttr, ValidationError, field_validator, model_validator

from dr_estate.config import map_names, recovery_settings, settings
from dr_estate.config.map_file import BACKUP_ROLE, NAMED, ROLES, SUFFIX, MapFile, MapKind, map_from, map_path

OF_THE_MAP = frozenset({"estate_map", "map_digest"})
"""What is read of the map file that stands beside the environment file, and is no key of that."""
_BASE = ".base"
_SHIPPED = Path(__file__).parents[2] / "environments"


class Side(StrEnum):
    """Where something stands: in the primary region, in the DR region, or in a global service."""

    PRIMARY = "primary"
    DR = "dr"
    GLOBAL = "global"


class EnvironmentFileError(Exception):
    """The environment file cannot be used. The message names file, key and fix, one line each."""


class Environment(settings.Settings):
    """One environment's rules, as read from its file. Frozen; every time is in the unit its name says."""

    name: str
    account: str
    profile: Literal["wordpress", "http"] = "wordpress"
    regions: settings.Regions
    objectives: settings.Objectives = settings.Objectives()
    replication: settings.ReplicationSettings
    standby: settings.Standby = settings.Standby()
    database: settings.DatabaseChoice = settings.DatabaseChoice()
    capacity: settings.Capacity = settings.Capacity()
    names: settings.ResourceNames = settings.ResourceNames()
    names_in_dr: settings.NamesInDr = settings.NamesInDr()
    traffic: settings.TrafficSettings
    thresholds: settings.Thresholds = settings.Thresholds()
    observation: settings.ReadLimits = settings.ReadLimits()
    scaling_schedule: settings.ScalingSchedule | None = None
    approvals: recovery_settings.ApprovalSettings = recovery_settings.ApprovalSettings()
    automation: recovery_settings.AutomationSettings = recovery_settings.AutomationSettings()
    execution: recovery_settings.Execution = recovery_settings.Execution()
    failback: recovery_settings.Failback = recovery_settings.Failback()
    drill: recovery_settings.DrillSettings = recovery_settings.DrillSettings()
    provision: recovery_settings.Provision = recovery_settings.Provision()
    costs: recovery_settings.Costs = recovery_settings.Costs()
    schedule: recovery_settings.Schedule = recovery_settings.Schedule()
    people: settings.People = settings.People()
    # after the keys of the file: what the map file beside it says, and its digest
    estate_map: MapFile | None = None
    map_digest: str = ""
    # the names of the primary region, where ``names`` are the DR region's: ``on``
    _names_in_primary: settings.ResourceNames | None = PrivateAttr(default=None)
    # by the patterns of names that only the map answers: what workloads' resources are called on each side
    _by_map: Mapping[str, Mapping[Side, map_names.WorkloadNames]] = PrivateAttr(default_factory=dict)
    # how each workload is visited by the map's rules
    _routes: Mapping[str, map_names.VisitedRoute] = PrivateAttr(default_factory=dict)
    # the workloads of the map that nobody visits
    _workers: frozenset[str] = PrivateAttr(default=frozenset())
    # the clusters of the map where it has several, of each side
    _clusters: Mapping[Side, tuple[str, ...]] = PrivateAttr(default_factory=dict)
    # the copies of buckets by the map
    _copies: Mapping[str, str] = PrivateAttr(default_factory=dict)
    # the load balancers of the map that carry workloads, and the one that these settings are of: ``at``
    _entrances: tuple[map_names.Entrance, ...] = PrivateAttr(default=())
    _entrance: map_names.Entrance | None = PrivateAttr(default=None)

    @field_validator("account")
    @classmethod
    def _account_is_an_aws_account(cls, value: str) -> str:
        if not re.fullmatch(r"\d{12}", value):
            raise ValueError("must be the 12 digits of an AWS account, in quotes")
        return value

    @model_validator(mode="after")
    def _require_mechanisms(self) -> Environment:
        if self.replication.expectation is settings.Expectation.MANDATORY and not (
            self.replication.database and self.replication.files
        ):
            raise ValueError(
                "replication.expectation is 'mandatory', but the DR region has no replication: "
                "name at least one mechanism in replication.database and in replication.files"
            )
        return self

    @model_validator(mode="after")
    def _automation_asks_a_second_person(self) -> Environment:
        if self.automation.enabled and self.approvals.people == 1:
            raise ValueError("automation.enabled needs approvals.people = 2: its approval is the second person's")
        return self

    @model_validator(mode="after")
    def _warm_has_a_database(self) -> Environment:
        """T54: a task without its database answers 500. Backups are no database until they are restored."""
        live = self.replicates and self.replication.database[:1] == ("read-replica",)
        # Without its map (`init --update`) an estate has no names of its own: one of tables alone may be warm.
        if self.standby.mode == "warm" and self.names.database and not live:
            raise ValueError(
                "standby.mode is 'warm', but no database runs in the DR region for its tasks: put 'read-replica' first "
                "in replication.database and replicate, or set standby.mode to 'pilot-light' and tasks_per_service to 0"
            )
        return self

    @model_validator(mode="after")
    def _named_database_exists(self) -> Environment:
        if self.names_in_dr.database and not self.names.database:
            raise ValueError("names_in_dr.database names a database, and names.database says that the estate has none")
        return self

    @model_validator(mode="after")
    def _workloads_have_their_names(self) -> Environment:
        if self.estate_map is not None:
            self._copies = map_names.copies_of(self.estate_map)
            service = self.names.service.replace("{env}", self.name)
            self._routes = map_names.routes_of(self.estate_map, service)
            self._entrances = self._entrances_of(self.estate_map, service)
        patterns = {getattr(self.names, key) for key in map_names.BY_MAP} & set(map_names.BY_MAP.values())
        patterns |= {self.names.cluster} & {map_names.CLUSTER_BY_MAP}
        if patterns and self.estate_map is None:
            raise ValueError(f"names: {', '.join(sorted(patterns))} is what the map says, and there is no map file")
        if patterns and self.estate_map is not None:
            sides, cluster = {side: self.region(side) for side in (Side.PRIMARY, Side.DR)}, self.names.cluster
            if cluster == map_names.CLUSTER_BY_MAP:
                if self.names.service != map_names.BY_MAP["service"] or not map_names.has_several_clusters(
                    self.estate_map
                ):
                    raise ValueError(
                        "names.cluster: leave it and names.service out where the map has several ECS clusters"
                    )
                clusters = map_names.clusters_of(self.estate_map)
                usual = clusters[self.estate_map.primary]
                self._clusters = {side: clusters.get(region, usual) for side, region in sides.items()}
            service = self.names.service.replace("{env}", self.name)
            found = {
                side: map_names.names_by_map(self.estate_map, region, service, cluster)
                for side, region in sides.items()
            }
            by_map = patterns - {map_names.CLUSTER_BY_MAP}
            self._by_map = {pattern: {side: names[pattern] for side, names in found.items()} for pattern in by_map}
            self._workers = (
                map_names.workers_of(self.estate_map, service) if self.names.service in by_map else frozenset()
            )
        return self

    def _entrances_of(self, saved: MapFile, service: str) -> tuple[map_names.Entrance, ...]:
        """The entrances of the map, the settings' own first; none where it is alone, or the map does not know it."""
        customers = {host for hosts in self.traffic.customer_hosts.values() for host in hosts}
        main = self.names.load_balancer.replace("{env}", self.name)
        found = map_names.entrances_of(saved, service, customers)
        own = [entry for entry in found if (entry.load_balancer, entry.record) == (main, self.traffic.origin_record)]
        others = [entry for entry in found if entry not in own]
        return (*map(self._as_set, own), *others) if own and others else ()

    def _as_set(self, own: map_names.Entrance) -> map_names.Entrance:
        """The settings' own entrance with what they say of it."""
        return replace(
            own,
            load_balancer_in_dr=(self.names_in_dr.load_balancer or own.load_balancer).replace("{env}", self.name),
            primary_set_identifier=self.traffic.primary_set_identifier,
            secondary_set_identifier=self.traffic.secondary_set_identifier,
        )

    def __hash__(self) -> int:
        """Hash by identity of the environment; equality still compares every setting."""
        return hash((self.name, self.account))

    def rules(self) -> dict[str, Any]:
        """Return the settings that are not the default, as plain JSON: what an approver pins.

        How long it is looked for is no rule: what was not seen is UNKNOWN, and never met. Nor are the stages of a
        failback without any: that is a choice of the command line. Of the map its digest is pinned.
        """
        plain = self.model_dump(mode="json", exclude_defaults=True, exclude={"observation", "estate_map"})
        if not self.failback.staged:
            plain.get("failback", {}).pop("stages", None)
        return plain

    def region(self, side: Side) -> str:
        """Return the AWS region that serves ``side``; global services are called in us-east-1 (T01, T14)."""
        return {Side.PRIMARY: self.regions.primary, Side.DR: self.regions.dr, Side.GLOBAL: "us-east-1"}[side]

    def scheduled_off(self, now: datetime) -> bool:
        """Whether services are scaled to 0 by schedule at ``now`` (aware): a scheduled 0 is not an outage."""
        return self.scaling_schedule is not None and self.scaling_schedule.off(now)

    def on(self, side: Side) -> Environment:
        """Return the environment with the names of ``side``: itself where both regions have the same."""
        others = self.names_in_dr.model_dump(exclude_none=True)
        is_dr = self._names_in_primary is not None
        if not (others or self._by_map) or is_dr == (side is Side.DR):
            return self
        names = self._names_in_primary or self.names.model_copy(update=others)
        other = self.model_copy(update={"names": names})
        other._names_in_primary = None if is_dr else self.names
        return other

    def database_on(self, side: Side) -> str:
        """Return the identifier of the database on ``side``, "" where the estate has none."""
        names = self._names_in_primary or self.names
        return self.named((self.names_in_dr.database if side is Side.DR else None) or names.database)

    @property
    def entrances(self) -> tuple[map_names.Entrance | None, ...]:
        """The load balancers and record pairs of the map, the settings' own first; (None,) where that is alone."""
        return (self._entrance,) if self._entrance else self._entrances or (None,)

    @property
    def entrance(self) -> map_names.Entrance | None:
        """The one that these settings are of; None: all."""
        return self._entrance

    @property
    def traffic_records(self) -> tuple[str, ...]:
        """The names whose record pairs lead visitors to a region, the settings' own first."""
        others = (entry.record for entry in self.entrances if entry and entry.record)
        return tuple(dict.fromkeys((self.traffic.origin_record, *others))) if not self._entrance else tuple(others)

    def at(self, entrance: map_names.Entrance | None) -> Environment:
        """Return the environment with the load balancer, the records and the workloads of one entrance alone."""
        if entrance is None:
            return self
        side, plain = self._own_side, self.on(Side.PRIMARY)
        in_dr = plain.names_in_dr.model_copy(update={"load_balancer": entrance.load_balancer_in_dr})
        records = {
            "origin_record": entrance.record,
            "primary_set_identifier": entrance.primary_set_identifier,
            "secondary_set_identifier": entrance.secondary_set_identifier,
        }
        narrowed = plain.model_copy(
            update={
                "names": plain.names.model_copy(update={"load_balancer": entrance.load_balancer}),
                "names_in_dr": in_dr,
                "traffic": plain.traffic.model_copy(update=records),
            }
        )
        narrowed._entrance = entrance
        return narrowed.on(side)

    def is_behind(self, tenant: str) -> bool:
        """Whether the tenant is one of the entrance that these settings are of."""
        return self._entrance is None or tenant in self._entrance.workloads

    def is_worker(self, tenant: str) -> bool:
        """Whether the tenant is a service behind no load balancer: it runs, and answers nobody."""
        return tenant in self._workers

    def is_visited(self, tenant: str) -> bool:
        """Whether a record leads visitors to the tenant: to an internal load balancer none does, nor to a worker."""
        if self.is_worker(tenant):
            return False
        behind = [entry for entry in self.entrances if entry and tenant in entry.workloads]
        return not behind or any(entry.record for entry in behind)

    def in_region(self, region: str) -> Environment:
        """Return the environment with the names of the side whose region this is."""
        return self.on(Side.DR if region == self.regions.dr else Side.PRIMARY)

    def named(self, pattern: str, tenant: str = "", bucket: str = "") -> str:
        """Fill ``{env}``, ``{tenant}`` and ``{bucket}`` of a name pattern; the map answers one of its own."""
        if pattern in self._by_map:
            return self._own_names(pattern).name_of(tenant)
        if pattern == map_names.CLUSTER_BY_MAP:
            return self.clusters[0]
        if pattern == map_names.COPY_BY_MAP:
            return self._copies.get(bucket, "")
        return pattern.replace("{env}", self.name).replace("{tenant}", tenant).replace("{bucket}", bucket)

    def tenant_of(self, pattern: str, name: str) -> str | None:
        """Return the tenant whose ``pattern`` gives ``name``, or None where the name is not of that pattern."""
        if pattern in self._by_map:
            return self._own_names(pattern).workload_of(name)
        return map_names.between(pattern.replace("{env}", self.name), name)

    def _own_names(self, pattern: str) -> map_names.WorkloadNames:
        return self._by_map[pattern][self._own_side]

    @property
    def _own_side(self) -> Side:
        return Side.PRIMARY if self._names_in_primary is None else Side.DR

    @property
    def clusters(self) -> tuple[str, ...]:
        """The ECS clusters in which the services run, on this side. This tool's own tasks run in the first."""
        return self._clusters[self._own_side] if self._clusters else (self.named(self.names.cluster),)

    def service_key(self, cluster: str, name: str) -> str:
        """What identifies a service: its name, with its cluster before it where there are several."""
        return map_names.service_key(cluster, name) if self._clusters else name

    def ecs_names(self, service: str) -> dict[str, str]:
        """The cluster and the name of the service of that key, as calls of ECS take them."""
        cluster, _, name = service.rpartition("/")
        return {"cluster": cluster or self.clusters[0], "service": name}

    def scaling_id(self, service: str) -> str:
        """The service of that key as Application Auto Scaling names it."""
        return "service/{cluster}/{service}".format_map(self.ecs_names(service))

    def tasks_of(self, tenant: str) -> int:
        """How many tasks of the tenant a failover starts."""
        return self.capacity.tasks.get(tenant, self.capacity.tasks_per_service)

    def standby_of(self, tenant: str) -> int:
        """How many tasks of the tenant run in the DR region while the primary serves."""
        return self.standby.tasks.get(tenant, self.standby.tasks_per_service)

    @property
    def mapped_workloads(self) -> tuple[str, ...]:
        """The workloads of the map, where it alone says how services are called."""
        names = self._by_map.get(self.names.service, {})
        return tuple(names[Side.PRIMARY].by_workload) if names else ()

    @property
    def mapped_roles(self) -> tuple[str, ...]:
        """The ARNs of the roles that the tasks of the map's services have, in both regions."""
        services = self.estate_map.of_kind(MapKind.SERVICE) if self.estate_map else ()
        rows = [names for entry in services for names in (entry.names, *(row.names for row in entry.counterparts))]
        return tuple(dict.fromkeys(names[key] for names in rows for key in ROLES if key in names))

    def mapped_files(self, region: str) -> set[str]:
        """The ids of the map's file systems in the region."""
        entries = self.estate_map.of_kind(MapKind.FILES) if self.estate_map else ()
        in_dr = (entry.running_in(region) for entry in entries)
        return {row.id for row in (entries if region == self.regions.primary else in_dr) if row}

    @property
    def mapped_backup_roles(self) -> tuple[str, ...]:
        """The ARNs of the roles by which AWS Backup copies what the map has."""
        entries = self.estate_map.entries if self.estate_map else ()
        copies = (row.names for entry in entries for row in entry.counterparts)
        return tuple(dict.fromkeys(names[BACKUP_ROLE] for names in copies if BACKUP_ROLE in names))

    def site_of(self, tenant: str) -> str:
        """What is visited of the tenant: its host on the tenants' domain, unless the map's rules name none of that."""
        host, route = f"{tenant.replace('-', '')}.{self.traffic.tenant_domain}", self._routes.get(tenant)
        if route is None or host in route.hosts:
            return host
        return f"{route.hosts[0] if route.hosts else host}{route.path}"

    @property
    def sites_of_any_host(self) -> frozenset[str]:
        """The sites that the map's rules give to a stranger's host too: that it gets the same proves nothing."""
        return frozenset(self.site_of(tenant) for tenant, route in self._routes.items() if route.of_any_host)

    @property
    def application(self) -> settings.Profile:
        """What is known of the application that the workloads run."""
        return settings.PROFILES[self.profile]

    @property
    def probe_path(self) -> str:
        """The path that is asked of a tenant with a host of its own."""
        return self.traffic.probe_path or self.application.probe_path

    @property
    def acting_role(self) -> str:
        """Name of the role whose rights a recovery has: the task's where AWS starts runs, else the operator's."""
        return self.named(self.names.recovery_role if self.automation.enabled else self.names.operator_role)

    @property
    def acting_role_arn(self) -> str:
        """ARN of that role."""
        return f"arn:aws:iam::{self.account}:role/{self.acting_role}"

    @property
    def holds_full_drills(self) -> bool:
        """Whether a full drill can be held: allowed, by one person, and with a copy to move to."""
        return self.approvals.full_drill and self.approvals.people == 1 and self.replicates

    @property
    def replicates(self) -> bool:
        """Whether data replication to the DR region is expected at all."""
        return self.replication.expectation is not settings.Expectation.NONE


def environment_names(folder: Path) -> list[str]:
    """Return the names of the environment files of ``folder``; exceptions, maps and bases beside them are none."""
    stems = (path.stem for path in folder.glob("*.toml"))
    return sorted(stem for stem in stems if stem != "exceptions" and not stem.endswith((SUFFIX, _BASE)))


def base_names(folder: Path) -> list[str]:
    """Return the names of the bases that a file of ``folder`` may have: those of the folder, then the shipped ones."""
    files = (path for place in (folder, _SHIPPED) for path in sorted(place.glob(f"*{_BASE}.toml")))
    return list(dict.fromkeys(path.stem.removesuffix(_BASE) for path in files))


def base_tables(folder: Path, name: str) -> dict[str, Any]:
    """Read a base: of ``folder``, else a shipped one. Raises EnvironmentFileError where it cannot be read."""
    path = _base_path(folder, name)
    try:
        return _toml(path)
    except FileNotFoundError as missing:
        raise EnvironmentFileError(f"base: there is no {path}.") from missing


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the environment file and its base, unless that is a shipped one. Raises EnvironmentFileError."""
    data = _toml(path)
    base = [_base_path(path.parent, str(data["base"]))] if "base" in data else []
    return (path, *(file for file in base if file.resolve().parent != _SHIPPED))


def _base_path(folder: Path, name: str) -> Path:
    paths = [place / f"{name}{_BASE}.toml" for place in (folder, _SHIPPED)]
    return next((path for path in paths if path.exists()), paths[0])


def load_environment(folder: Path, name: str, *, with_map: bool = True) -> Environment:
    """Read ``folder/name.toml``, and the map beside it where there is one.

    Where ``base`` is "x", the tables of x.base.toml hold where the file says nothing. Without the map a name may be
    missing. Raises EnvironmentFileError for a missing file, a TOML typo, an unknown or missing key, or a value that
    cannot be.
    """
    path = folder / f"{name}.toml"
    try:
        data = _toml(path)
    except FileNotFoundError as missing:
        known = ", ".join(environment_names(folder)) or "none"
        raise EnvironmentFileError(
            f"{path}: there is no such environment file (found in {folder}: {known}). "
            "`dr_cli.py init` writes it from what the account holds; another folder is named with --config DIR."
        ) from missing
    for key in sorted(OF_THE_MAP & data.keys()):
        raise EnvironmentFileError(f"{path}: {key}: unknown key. What the estate is made of stands in {name}.map.toml.")
    base = _base_of(data, folder, path)
    saved = load_map(folder, name) if with_map else None
    if saved is not None:
        data = _with_names_of(saved, data, base)
    # The settings with what a base says and they do not; of a table key by key.
    both = {key for key in base.keys() & data.keys() if isinstance(base[key], dict) and isinstance(data[key], dict)}
    data = {**base, **data, **{key: {**base[key], **data[key]} for key in both}}
    if with_map:
        _refuse_missing_names(data, path)
    environment = parse_environment(data, str(path), name)
    if saved is not None:
        _refuse_other_estate(saved, environment, map_path(folder, name))
    return environment


def load_map(folder: Path, name: str) -> MapFile | None:
    """The map beside ``folder/name.toml``, None where there is none. Raises EnvironmentFileError as its settings do."""
    path = map_path(folder, name)
    try:
        return map_from(_toml(path))
    except FileNotFoundError:
        return None
    except ValidationError as refused:
        raise EnvironmentFileError(
            "\n".join(_sentence(dict(error), str(path)) for error in refused.errors())
        ) from refused


def _base_of(data: dict[str, Any], folder: Path, path: Path) -> dict[str, Any]:
    """The tables of the base that the settings name, which is no setting of its own. Raises EnvironmentFileError."""
    if "base" not in data:
        return {}
    try:
        return base_tables(folder, str(data.pop("base")))
    except EnvironmentFileError as unusable:
        raise EnvironmentFileError(f"{path}: {unusable}") from unusable


def _refuse_missing_names(data: Mapping[str, Any], path: Path) -> None:
    names = data.get("names", {})
    if not isinstance(names, dict):
        return  # no table: the settings' own sentence has it
    if missing := ", ".join(f"names.{key}" for key in settings.missing_names(names)):
        raise EnvironmentFileError(
            f'{path}: {missing}: missing. Say what each is called, "" or empty where the estate has none, or take them '
            'from a base (base = "NAME", docs/environments.md) or from the account (`dr_cli.py init --update`).'
        )


def _with_names_of(saved: MapFile, data: dict[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the map, and with its names: in the primary region where the file says none that it has.

    The map goes before the names of the base.
    """
    names, in_dr, usual = data.get("names", {}), data.get("names_in_dr", {}), base.get("names", {})
    if not (isinstance(names, dict) and isinstance(in_dr, dict)):
        return data  # no table: the settings' own sentence has it
    names = {**names, **map_names.names_of_map(saved, str(data.get("name")), names, usual)}
    patterns = {key: {**usual, **names}.get(key, "") for key in NAMED}
    filled = {key: str(pattern).replace("{env}", str(data.get("name"))) for key, pattern in patterns.items()}
    tables = [table for table in (data.get("replication"), base.get("replication")) if isinstance(table, dict)]
    mechanisms = next((row for table in tables if isinstance(row := table.get("database"), list)), [])
    in_dr = {**map_names.names_in_dr(saved, filled, prefers_replica=mechanisms[:1] == ["read-replica"]), **in_dr}
    of_map = {"estate_map": saved.model_dump(mode="json"), "map_digest": saved.digest}
    return {**data, "names": names, "names_in_dr": in_dr, **of_map}


def _refuse_other_estate(saved: MapFile, environment: Environment, path: Path) -> None:
    regions = environment.regions
    if saved.account != environment.account:
        raise EnvironmentFileError(
            f"{path}: account: says {saved.account}, the settings say {environment.account}. "
            "`dr_cli.py init --update` writes the map of today."
        )
    if (saved.primary, saved.dr) != (regions.primary, regions.dr):
        raise EnvironmentFileError(
            f"{path}: regions: says {saved.primary} and {saved.dr or 'no DR region'}, the settings say "
            f"{regions.primary} and {regions.dr}. `dr_cli.py init --update` writes the map of today."
        )


def _toml(path: Path) -> dict[str, Any]:
    """What the file says. Raises FileNotFoundError, and EnvironmentFileError for one that cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except OSError as unreadable:
        raise EnvironmentFileError(f"{path}: cannot be read: {unreadable.strerror}.") from unreadable
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as typo:
        raise EnvironmentFileError(f"{path}: not readable as TOML: {typo}. Fix that line and try again.") from typo


def parse_environment(data: Mapping[str, Any], source: str, name: str) -> Environment:
    """Validate ``data``, as read from ``source``; its ``name`` key must be the file's. Raises EnvironmentFileError."""
    try:
        environment = Environment.model_validate(data)
    except ValidationError as refused:
        raise EnvironmentFileError("\n".join(_sentence(dict(error), source) for error in refused.errors())) from refused
    if environment.name != name:
        raise EnvironmentFileError(f'{source}: name: says "{environment.name}", the file says "{name}". Make them one.')
    return environment


def _sentence(error: dict[str, Any], source: str) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "(whole file)"
    if error["type"] == "extra_forbidden":
        return f"{source}: {key}: unknown key. Remove it, or correct its spelling (docs/environments.md lists all)."
    if error["type"] == "missing":
        return f"{source}: {key}: missing. Add it (docs/environments.md says what it means)."
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{source}: {key}: {text}" + ("." if not text.endswith(".") else "")
