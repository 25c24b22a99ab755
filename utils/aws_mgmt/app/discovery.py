"""What an account holds, read by read, as the settings of an environment file that does not exist yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dr_checks.core.model import View
from dr_checks.derived.counterparts import bears_no_tag
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, REPLICA
from dr_checks.derived.routing import ADDRESS_TYPES, POLICIES, target_of
from dr_checks.derived.site_visits import part_or
from dr_checks.derived.traffic_rules import parse_rule
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_file import NAMED, MapFile, MapKind
from dr_estate.config.map_names import OF_BACKUPS, backup_ways, names_in_dr
from dr_estate.config.settings import (
    PROFILES,
    Expectation,
    NamesInDr,
    Regions,
    ReplicationSettings,
    ResourceNames,
    TrafficSettings,
)
from dr_estate.model.engines import engine_of
from dr_estate.model.estate_map import Relation
from dr_estate.model.references import balancer_region
from dr_estate.network.http_probe import Visit
from dr_estate.readers import (
    backup,
    backup_plan,
    cloudfront,
    cloudwatch_alarms,
    ecs,
    elbv2,
    http_sites,
    kms,
    platform_resources,
    rds,
    rds_groups,
    route53,
    secretsmanager,
    sns_topics,
    terraform_state,
    vpc,
)
from dr_estate.readers.route53 import Record
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.observer import kept_client, observe_with
from dr_estate.snapshot.registry import reads
from dr_estate.snapshot.snapshot import Snapshot
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.target import ObservedWorld

T = TypeVar("T")
_UNKNOWN = "unknown.example"
_UNAUTHORISED = 401
_OF_BACKUPS = ", ".join(f"names.{key}" for key in OF_BACKUPS)


@dataclass(frozen=True, slots=True)
class ProposedSetting:
    """One key of the file: its value as the account suggests it, where that was seen, and what the account lacks."""

    key: str
    value: Any
    seen: str
    lack: str = ""


@dataclass(frozen=True, slots=True)
class _TrafficPair:
    """The two records of the traffic's name, the one that leads while all is well first."""

    zone: str
    primary: Record
    dr: Record


@dataclass(frozen=True, slots=True)
class _TrafficRecords:
    """The traffic's name with its zone and the one above it, and its two records, as they are or are to be made."""

    name: str
    zone: str
    parent: str
    regions: Regions
    set_identifiers: tuple[str, str]
    policy: str
    is_pair: bool


@dataclass(frozen=True, slots=True)
class AskedCaller:
    """Account and ARN of the credentials."""

    account: str
    arn: str


def draft(name: str, region: str, names: ResourceNames, saved: MapFile | None = None) -> Environment:
    """An environment of which only its name, its resources' names and one region are known: its account is asked.

    ``saved`` is the map of what the account runs, where something does.
    """
    traffic = TrafficSettings(
        zone=_UNKNOWN,
        tenant_domain=_UNKNOWN,
        origin_record=_UNKNOWN,
        primary_set_identifier="primary",
        secondary_set_identifier="secondary",
        distribution_alias=f"*.{_UNKNOWN}",
    )
    replication = ReplicationSettings(expectation=Expectation.NONE, reason="not known yet")
    regions = (
        Regions(primary=saved.primary, dr=saved.dr) if saved and saved.dr else Regions(primary=_UNKNOWN, dr=region)
    )
    patterns = {key: getattr(names, key).replace("{env}", name) for key in NAMED}
    # Of the right form, and of nobody: what STS answers takes its place before anything is named by it.
    account = "0" * 12
    return Environment(
        name=name,
        account=account,
        regions=regions,
        names=names,
        names_in_dr=NamesInDr(**names_in_dr(saved, patterns)) if saved else NamesInDr(),
        replication=replication,
        traffic=traffic,
        estate_map=saved,
    )


def with_deadline(environment: Environment, seconds: int) -> Environment:
    """The environment with this as the longest time of an observation, however large the estate is."""
    limits = environment.observation.model_copy(update={"deadline_s": seconds, "firm_deadline": True})
    return environment.model_copy(update={"observation": limits})


def discover_settings(environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    """Propose each setting that the account gives away. Raises DataUnavailable; UsageError without a traffic record.

    ``environment`` is a ``draft``.
    """
    account = caller_of(environment, world).account
    environment = environment.model_copy(update={"account": account})
    yield ProposedSetting("account", account, "STS GetCallerIdentity")
    records = _traffic_records(environment, world)
    seen = f"Route 53: {records.name} in zone {records.zone}"
    yield ProposedSetting("regions.primary", records.regions.primary, seen)
    yield ProposedSetting("regions.dr", records.regions.dr, seen)
    yield ProposedSetting("traffic.zone", records.zone, seen)
    if records.parent:
        yield ProposedSetting("traffic.parent_zone", records.parent, f"Route 53: zone {records.parent}")
    lack = (
        f"{records.name} has no pair of records yet, failover or weighted, one for the load balancer of each region: "
        "until it has, no failover moves its visitors. `dr_cli.py status` says what is to be made."
    )
    yield ProposedSetting("traffic.origin_record", records.name, seen, "" if records.is_pair else lack)
    # Where there is no pair, these are the names of the two records that are to be made.
    seen = seen if records.is_pair else "no pair yet"
    yield ProposedSetting("traffic.primary_set_identifier", records.set_identifiers[0], seen)
    yield ProposedSetting("traffic.secondary_set_identifier", records.set_identifiers[1], seen)
    yield ProposedSetting("traffic.policy", records.policy, seen)
    traffic = environment.traffic.model_copy(update={"zone": records.zone, "origin_record": records.name})
    yield from _of_regions(environment.model_copy(update={"regions": records.regions, "traffic": traffic}), world)


def _of_regions(environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    parts = (cloudfront.distributions, ecs.services, ecs.task_definitions, rds.instances)
    snapshot = _snapshot(environment, world, *(reader.name for reader in parts))
    profile = _profile(snapshot)
    yield ProposedSetting("profile", profile, "ECS: the variables of the containers")
    environment = environment.model_copy(update={"profile": profile})
    aliases = [
        alias
        for distribution in part_or(snapshot, cloudfront.distributions, Side.GLOBAL, ())
        if any(origin.domain == environment.traffic.origin_record for origin in distribution.origins)
        for alias in distribution.aliases
    ]
    alias = next((name for name in aliases if name.startswith("*.")), f"*.{environment.traffic.zone}")
    yield ProposedSetting("traffic.tenant_domain", alias.removeprefix("*."), f"CloudFront: {alias}")
    yield ProposedSetting("traffic.distribution_alias", alias if aliases else "", f"CloudFront: {alias}")
    domain = environment.traffic.model_copy(
        update={"tenant_domain": alias.removeprefix("*."), "distribution_alias": alias}
    )
    yield from _password_settings(environment.model_copy(update={"traffic": domain}), world)
    absent = list(_absent_parts(environment, world))
    yield from absent
    # What is left empty is not looked for by a base's name below.
    empty = {setting.key.removeprefix("names."): setting.value for setting in absent}
    environment = environment.model_copy(update={"names": environment.names.model_copy(update=empty)})
    # Where a replica runs: it has the name that a restore takes.
    databases = environment.estate_map.of_kind(MapKind.DATABASE) if environment.estate_map else ()
    found = {row.relation for entry in databases for row in entry.counterparts if row.region == environment.regions.dr}
    if Relation.READ_REPLICA in found:
        others = (AUTOMATED, BACKUP) if Relation.BACKUP_REPLICATION in found else (BACKUP,)
        yield ProposedSetting("replication.database", [REPLICA, *others], "RDS: a read replica in the DR region")
    elif found == {Relation.BACKUP_COPY}:  # whether that is enough, its objective judges: backup-plan.worst-case
        yield ProposedSetting("replication.database", [BACKUP], "AWS Backup: its copies alone are in the DR region")
    yield from _copy_key(environment, world)
    yield from _vaults(environment, world)
    waiting, running = (_task_counts(snapshot, environment, side) for side in (Side.DR, Side.PRIMARY))
    standby, serving = max(waiting.values(), default=0), max(running.values(), default=0)
    yield ProposedSetting("standby.mode", "warm" if standby else "pilot-light", "ECS: services of the DR region")
    yield ProposedSetting("standby.tasks_per_service", standby, "ECS: services of the DR region")
    fewer = {tenant: count for tenant, count in waiting.items() if count < standby}
    yield from (ProposedSetting(f"standby.tasks.{key}", count, "ECS: its service") for key, count in fewer.items())
    yield ProposedSetting("capacity.tasks_per_service", serving or 2, "ECS: services of the primary region")
    # One that runs nothing now is started by a failover as the others are.
    fewer = {tenant: count for tenant, count in running.items() if 0 < count < serving}
    yield from (ProposedSetting(f"capacity.tasks.{key}", count, "ECS: its service") for key, count in fewer.items())
    name = environment.named(environment.names.database)
    for database in part_or(snapshot, rds.instances, Side.PRIMARY, ()):
        if database.identifier == name:
            yield ProposedSetting("database.classes", [database.instance_class], f"RDS: {name}")
            yield from _groups_of(database, environment, world)


def _copy_key(environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    """The key of the replicated backups, where the alias of the settings leads to none."""
    alias = environment.named(environment.names.db_copy_key_alias)
    # A draft expects no replication, and then nobody asks for the alias.
    expected = ReplicationSettings(expectation=Expectation.EXPECTED)
    replicated = environment.model_copy(update={"replication": expected})
    snapshot = _snapshot(replicated, world, rds.automated_backups.name, kms.copy_keys.name)
    used = {row.key_arn for row in part_or(snapshot, rds.automated_backups, Side.DR, ())}
    aliases = [key for key in part_or(snapshot, kms.copy_keys, Side.DR, ()) if key.arn == alias]
    if aliases and not (aliases[0].target or aliases[0].dark) and len(used) == 1 and "" not in used:
        yield ProposedSetting("names.db_copy_key_alias", used.pop(), "RDS: the replicated backups of the DR region")


def _vaults(environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    """The vault into which AWS Backup copies, or the region's only one, where a base names one that is not there."""
    snapshot = _snapshot(environment, world, backup.vaults.name)
    entries = environment.estate_map.entries if environment.estate_map else ()
    copies = [row for entry in entries for row in entry.counterparts if row.relation == Relation.BACKUP_COPY]
    for side, key in ((Side.PRIMARY, "primary_vault"), (Side.DR, "dr_vault")):
        named, vaults = backup.vault_name(environment, side), part_or(snapshot, backup.vaults, side, None)
        if named and vaults is not None and named not in {vault.name for vault in vaults}:
            into = {row.name for row in copies if row.region == environment.region(side)}
            # AWS makes the vault Default by itself, and aws/... for a service's automatic backups.
            found = into or {row.name for row in vaults if row.name != "Default" and not row.name.startswith("aws/")}
            yield ProposedSetting(f"names.{key}", found.pop() if len(found) == 1 else "", "Backup: ListBackupVaults")


def _groups_of(database: rds.Instance, environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    """What a restore names: as the primary region's database has it, in the DR region as the read replica has it.

    Nothing of what the names say already. Without a replica the security group of the DR region is the one that lets
    the tasks in at the database's port.
    """
    snapshot = _snapshot(environment, world, vpc.security_groups.name, rds.instances.name, ecs.services.name)
    found = _groups(database, snapshot, Side.PRIMARY)
    usual = {key: environment.named(getattr(environment.names, key)) for key in found}
    # Without a base's names all are said, an absent one too.
    unsaid = not usual["db_subnet_group"]
    changed = {key: name for key, name in found.items() if unsaid or name not in ("", usual[key])}
    yield from (ProposedSetting(f"names.{key}", name, f"RDS: {database.identifier}") for key, name in changed.items())
    usual |= changed
    mapped = environment.estate_map.only(MapKind.DATABASE) if environment.estate_map else None
    replica = mapped.running_in(environment.regions.dr) if mapped else None
    for row in part_or(snapshot, rds.instances, Side.DR, ()):
        if replica and row.identifier == replica.name:
            for key, name in _groups(row, snapshot, Side.DR).items():
                if name not in ("", usual[key]) and not name.startswith("default"):  # of AWS's nothing is wanted
                    yield ProposedSetting(f"names_in_dr.{key}", name, f"RDS: {row.identifier}")
    groups = part_or(snapshot, vpc.security_groups, Side.DR, ())
    if not replica and usual["db_security_group"] not in {"", *(group.name for group in groups)}:
        carried = {id_ for service in _services(snapshot, environment, Side.DR) for id_ in service.security_groups}
        opening = [group for group in groups if _lets_in(group, carried, groups, database)]
        if len(opening) == 1:
            yield ProposedSetting("names_in_dr.db_security_group", opening[0].name, "EC2: it lets the tasks in")
    if not replica:
        yield from _groups_of_restore(environment, world, usual)


def _groups_of_restore(
    environment: Environment, world: ObservedWorld, usual: dict[str, str]
) -> Iterator[ProposedSetting]:
    """The subnet group of the DR region's VPC and the parameter group of the primary's family, where one alone is."""
    snapshot = _snapshot(environment, world, vpc.vpc.name, rds_groups.subnet_groups.name)
    own, region = part_or(snapshot, vpc.vpc, Side.DR, None), environment.region(Side.DR)
    subnets = {
        row.name for row in part_or(snapshot, rds_groups.subnet_groups, Side.DR, ()) if own and row.vpc == own.id
    }
    if usual["db_subnet_group"] not in subnets and len(subnets) == 1:
        yield ProposedSetting(
            "names_in_dr.db_subnet_group", subnets.pop(), f"RDS: the subnet group of {own and own.id}"
        )
    families = {
        side: _parameter_groups(environment, world, environment.region(side)) for side in (Side.PRIMARY, Side.DR)
    }
    name, here = usual["db_parameter_group"], families[Side.DR]
    family = families[Side.PRIMARY].get(name)
    alike = [row for row, other in here.items() if other == family and not row.startswith("default.")]
    if name not in here and len(alike) == 1:
        yield ProposedSetting("names_in_dr.db_parameter_group", alike[0], f"RDS: of {family} in {region}")


def _parameter_groups(environment: Environment, world: ObservedWorld, region: str) -> dict[str, str]:
    """The families of a region's parameter groups, by name."""
    with kept_client(environment, reads(), world.credentials) as client:
        pages = client.call(
            "rds", region, lambda rds: list(rds.get_paginator("describe_db_parameter_groups").paginate())
        )
    rows = (row for page in pages or () for row in page["DBParameterGroups"])
    return {row["DBParameterGroupName"]: row["DBParameterGroupFamily"] for row in rows}


def _lets_in(
    group: vpc.SecurityGroup, carried: set[str], groups: tuple[vpc.SecurityGroup, ...], database: rds.Instance
) -> bool:
    """Whether the group is for the port of the database alone and names a group that services carry."""
    port = engine_of(database.engine).port
    tasks = {row.name for row in groups if row.id in carried}
    rules = [parse_rule(text) for text in group.ingress]
    return any((rule.first, rule.last) == (port, port) and rule.peer in tasks for rule in rules)


def _groups(database: rds.Instance, snapshot: Snapshot, side: Side) -> dict[str, str]:
    """The names of the groups of a database of ``side``, by their keys of [names]."""
    groups = part_or(snapshot, vpc.security_groups, side, ())
    return {
        "db_subnet_group": database.subnet_group,
        "db_parameter_group": next((group for group, _ in database.parameter_groups), ""),
        "db_security_group": next((group.name for group in groups if group.id in database.security_groups), ""),
    }


def _profile(snapshot: Snapshot) -> str:
    """The profile whose variables a container of the primary region gets; plain HTTP services where it is none's."""
    definitions = part_or(snapshot, ecs.task_definitions, Side.PRIMARY, ())
    containers = [row for read in definitions if isinstance(read, ecs.TaskDefinition) for row in read.containers]
    names = {name for row in containers for name, _ in (*row.environment, *row.sources)}
    known = (key for key, found in PROFILES.items() if any(name.startswith(found.variables) for name in names))
    return next(known, "http")


def _absent_parts(environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    """The names of what the account was seen not to have: they are left empty, and nothing of it is judged."""
    names, seen = environment.names, "the account has none of that name"
    snapshot = _snapshot(environment, world, *(reader.name for reader in _PARTS))

    def read(reader: Reader[T]) -> T | None:
        """What was read of the primary region; None where that was not, or there is none."""
        return part_or(snapshot, reader, Side.PRIMARY, None)

    state, secrets, topics = read(terraform_state.state), read(secretsmanager.secrets), read(sns_topics.topics)
    if state is not None and state.size is None:
        yield ProposedSetting("names.state_bucket", "", seen)
    if read(backup_plan.plans) == ():
        ways = backup_ways(environment.estate_map, environment.named(names.database)) if environment.estate_map else ()
        several = "; ".join(f"{plan}: {vault} to {copy}" for plan, vault, copy in ways)
        lack = f"Of several ways of AWS Backup none is judged until {_OF_BACKUPS} name one: {several}." if ways else ""
        yield ProposedSetting("names.backup_plan", "", seen, lack)
    if secrets is not None and not any(row.name == environment.named(names.master_secret) for row in secrets):
        yield ProposedSetting("names.master_secret", "", seen)
    if secrets is not None and not any(environment.tenant_of(names.tenant_secret, row.name) for row in secrets):
        yield ProposedSetting("names.tenant_secret", "", seen)
    if topics is not None and not any(topic.exists for topic in topics):
        yield ProposedSetting("names.topics", [], seen)
    if read(cloudwatch_alarms.alarms) == ():
        yield ProposedSetting("names.alarms", [], seen)
    if read(platform_resources.listings) and bears_no_tag(View("init", Side.PRIMARY, environment, snapshot)):
        yield ProposedSetting("names.tags", {}, "nothing bears the usual tags")
    if read(elbv2.load_balancer) and snapshot.parts[vpc.vpc.name, Side.PRIMARY].value is None:
        yield ProposedSetting("names.vpc", "", "no VPC has that Name tag: the load balancer's")


_PARTS: tuple[Reader[Any], ...] = (
    backup_plan.plans,
    cloudwatch_alarms.alarms,
    elbv2.load_balancer,
    platform_resources.listings,
    secretsmanager.secrets,
    sns_topics.topics,
    terraform_state.state,
    vpc.vpc,
)


def _password_settings(environment: Environment, world: ObservedWorld) -> Iterator[ProposedSetting]:
    """Whether the tenants' pages ask for a password."""
    rounds = part_or(_snapshot(environment, world, http_sites.visits.name), http_sites.visits, Side.PRIMARY, None)
    pages = [page for page in rounds.tenants if isinstance(page, Visit)] if rounds else []
    protected = any(page.status == _UNAUTHORISED for page in pages)
    yield ProposedSetting("traffic.expected_probe_statuses", [200, _UNAUTHORISED] if protected else [200], "the sites")


def _task_counts(snapshot: Snapshot, environment: Environment, side: Side) -> dict[str, int]:
    """How many tasks of each tenant are wanted on a side."""
    env = environment.on(side)
    services = part_or(snapshot, ecs.services, side, ())
    return {tenant: row.desired for row in services if (tenant := env.tenant_of(env.names.service, row.name))}


def _services(snapshot: Snapshot, environment: Environment, side: Side) -> list[ecs.Service]:
    services = part_or(snapshot, ecs.services, side, ())
    env = environment.on(side)
    return [service for service in services if env.tenant_of(env.names.service, service.name)]


def caller_of(environment: Environment, world: ObservedWorld) -> AskedCaller:
    """Return whose credentials they are, from STS in the only known region."""
    region = environment.regions.dr
    with kept_client(environment, reads(), world.credentials) as client:
        answer = client.call("sts", region, lambda sts: sts.get_caller_identity())
    return AskedCaller(str(answer["Account"]), str(answer["Arn"]))


def _snapshot(environment: Environment, world: ObservedWorld, *parts: str) -> Snapshot:
    with kept_client(environment, reads(), world.credentials) as client:
        return observe_with(client, world.name, only=frozenset(parts))


def _traffic_records(environment: Environment, world: ObservedWorld) -> _TrafficRecords:
    """The pair of records that lead to two regions; without one the map's record, which is to become a pair."""
    listed = _snapshot(environment, world, route53.zones.name).get(route53.zones, Side.GLOBAL)
    public, others = [zone.name for zone in listed if not zone.private], list[_TrafficPair]()
    balancer = environment.named(environment.names.load_balancer)
    for zone in public:
        traffic = environment.traffic.model_copy(update={"zone": zone})
        snapshot = _snapshot(environment.model_copy(update={"traffic": traffic}), world, route53.records.name)
        pairs = list(_pairs_in(zone, snapshot))
        for pair in pairs:
            # Whether the pair belongs to this environment, by the name of its load balancer.
            # AWS calls it NAME-ID, Route 53 in small letters.
            label = target_of(pair.primary).partition(".")[0].removeprefix("internal-")
            if balancer and label.rpartition("-")[0] == balancer.lower():
                primary, dr = (balancer_region(target_of(record)) or "" for record in (pair.primary, pair.dr))
                return _TrafficRecords(
                    pair.primary.name,
                    zone,
                    _longest_end(zone, [name for name in public if name != zone]),
                    Regions(primary=primary, dr=dr),
                    (pair.primary.set_identifier or "", pair.dr.set_identifier or ""),
                    pair.primary.policy,
                    is_pair=True,
                )
        others += pairs
    saved = environment.estate_map
    for row in saved.of_kind(MapKind.RECORD) if saved and saved.dr else ():
        zone = _longest_end(row.name, public)
        if saved and zone and row.names.get("load_balancer") == balancer:
            regions, ends = Regions(primary=saved.primary, dr=saved.dr), ("primary", "secondary")
            parent = _longest_end(zone, [name for name in public if name != zone])
            return _TrafficRecords(row.name, zone, parent, regions, ends, "failover", is_pair=False)
    if others:
        led = others[0].primary
        raise UsageError(
            f"{led.name} leads to {target_of(led)}, and no load balancer of {environment.name} is called so: "
            f"{balancer or 'none'} was looked for. Give the environment the name that its resources bear (-e), or type "
            "how they are called when `dr_cli.py init` asks (names.load_balancer)."
        )
    raise UsageError(
        "No public zone of this account has one address record for each of two regions (weighted or failover, an alias "
        "to a load balancer): set them up first (docs/runbook.md), or write the file by hand (docs/environments.md)."
    )


def _longest_end(name: str, zones: Sequence[str]) -> str:
    """The longest of the zones in which the name lies, "" where none has it."""
    return max((zone for zone in zones if f".{name}".endswith(f".{zone}")), key=len, default="")


def _pairs_in(zone: str, snapshot: Snapshot) -> Iterator[_TrafficPair]:
    records = snapshot.get_if_seen(route53.records, Side.GLOBAL) or ()
    named: dict[tuple[str, str], list[Record]] = {}
    for row in records:
        if row.type in ADDRESS_TYPES and row.policy in POLICIES and balancer_region(target_of(row)):
            named.setdefault((row.name, row.type), []).append(row)
    for rows in named.values():
        # Exactly two records, each to a region of its own: with a third, no pair says what traffic does.
        if len({balancer_region(target_of(row)) for row in rows}) == len(rows) == len(POLICIES):
            # FAILOVER records by their role, weighted ones by their weight: the heavier leads while all is well.
            leading, other = sorted(rows, key=lambda row: (row.failover != "PRIMARY", -(row.weight or 0)))
            yield _TrafficPair(zone, leading, other)
