"""Checks that the estate is of the kinds that this tool recovers; what is of another kind is named.

A run judges them before it plans (``utils.aws_mgmt.app.run_begin``): a plan for what it cannot recover would end in the
middle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import REPLICA, copy_to_use, database_name, replicas
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.environment import Side
from dr_estate.config.map_file import MapKind
from dr_estate.config.map_names import cluster_of
from dr_estate.model.ecs_settings import DeploymentSettings
from dr_estate.model.engines import ENGINES
from dr_estate.model.invocation import Command
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, elbv2, rds
from dr_estate.snapshot.tenants import Tenant

_FARGATE = {"FARGATE", "FARGATE_SPOT"}
_ECS, _AURORA = "ECS", "aurora"
_OF_PAGES = {"HTTP", "HTTPS", ""}  # "": ELB reported none


@check("every tenant's service is of a kind that this tool recovers: deployed by ECS itself, on Fargate")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, BOTH)
@cite("NIST CP-2", "REL13-BP02")
def services(view: View) -> Iterator[Finding]:
    """Neither CODE_DEPLOY nor an EXTERNAL controller, which take no new task definition by UpdateService; no EC2.

    Nor one that visitors reach by a network load balancer alone, whose listeners have no rules of hosts.

    Source: ECS API, UpdateService, DeploymentController, Service (launchType).
    """
    wanted, found = "deployed by ECS, on Fargate", list(tenant_services(view, view.side))
    for tenant, service in found:
        if service.settings is None:
            reason = "This evidence does not hold how services are deployed."
            yield view.unknown(service.name, wanted, reason, tenant.id)
        elif others := _other_kinds(service.settings):
            reason = "not supported: this tool changes tasks by UpdateService, and judges and scales no instances"
            remedy = f"aws_ecs_service '{service.name}' in {view.region}: deployment_controller \"ECS\", on FARGATE."
            yield view.gap(service.name, others, wanted, reason, remedy, tenant.id)
        elif not any(service.settings.capacity):
            yield view.unknown(service.name, wanted, "ECS names neither launch type nor capacity.", tenant.id)
        else:
            yield view.ok(service.name, "by ECS, on Fargate", wanted, "a run can change and scale it", tenant.id)
    yield from _unmoved_services(view, found)
    if not found:
        yield view.none_expected("all services", "no tenant has a service here: see ecs.service-exists")


def _unmoved_services(view: View, services: list[tuple[Tenant, ecs.Service]]) -> Iterator[Finding]:
    """Services behind a load balancer that no run moves, and settings that are of one load balancer alone."""
    yield from _of_other_clusters(view)
    entrances = [view.env.at(entrance).on(view.side) for entrance in view.env.entrances]
    moved, several = {env.named(env.names.load_balancer) for env in entrances}, len(entrances) > 1
    # Of a primary region that does not answer nothing is asked: the DR region's services stand behind the counterparts.
    read = view.get(elbv2.target_groups) if view.side is Side.DR else view.read_for_remedy(elbv2.target_groups) or ()
    # arn:...:loadbalancer/app/NAME/ID
    groups = {group.arn: {arn.split("/")[-2:][0] for arn in group.balancers} for group in read}
    streams = {group.arn: group.protocol for group in read if group.protocol not in _OF_PAGES}
    wanted = f"behind {' or '.join(sorted(filter(None, moved)))}"
    for tenant, service in services:
        behind = {name for group in service.target_groups for name in groups.get(group, ())}
        protocols = {streams[arn] for arn in service.target_groups if arn in streams and groups[arn] & moved}
        if protocols:
            measured = f"behind a network load balancer, by {', '.join(sorted(protocols))}"
            reason = "not supported: its listeners name no host, so nothing shows which visitors reach which service"
            sentence = f"An application load balancer in front of '{service.name}': this tool judges no other."
            yield view.gap(service.name, measured, f"{wanted}, by HTTP", reason, sentence, tenant.id)
        if others := ", ".join(sorted(behind - moved)):
            reason = "not supported: neither settings nor map have that load balancer, so no run moves its visitors"
            remedy = Remedy("Take it into the map.", (Command(("init", "--update")).line,))
            yield view.gap(service.name, f"behind {others}", wanted, reason, remedy, tenant.id)
    traffic = view.env.traffic
    for key, value in (("distribution_alias", traffic.distribution_alias), ("pin_port", traffic.pin_port)):
        if several and value:
            reason = "not supported: it is about one load balancer, and visitors come to several"
            yield view.gap(f"traffic.{key}", str(value), "none", reason, f"Leave traffic.{key} out.")


def _of_other_clusters(view: View) -> Iterator[Finding]:
    """Services of the map behind a route that run in another cluster than those whose services are read."""
    clusters, saved = view.env.on(Side.PRIMARY).clusters, view.env.estate_map
    for entry in saved.of_kind(MapKind.SERVICE) if saved and view.side is Side.DR else ():
        # a rule without host and path leads to a service too
        own, is_led_to = cluster_of(entry), entry.hosts or entry.paths or entry.names.get("load_balancer")
        if own and own not in clusters and is_led_to:
            reason = "the settings name one cluster, so the visitors of this service are left behind"
            remedy = f"Leave names.cluster and names.service out of {view.env.name}.toml: the map names each cluster."
            yield view.gap(entry.name, f"in the ECS cluster {own}", f"in {', '.join(clusters)}", reason, remedy)


def _other_kinds(settings: DeploymentSettings) -> str:
    """What of the service is of another kind, "" where nothing is."""
    # UpdateService takes a task definition of no other controller (API_UpdateService).
    parts = [f"deployed by {settings.controller}"] if settings.controller != _ECS else []
    parts += [f"runs on {name}" for name in settings.capacity if name and name not in _FARGATE]
    return ", ".join(parts)


@check("the database is of a kind that this tool recovers: an instance of its own, whose replica the settings name")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, BOTH)
@cite("T24", "NIST CP-2", "REL13-BP02")
def database(view: View) -> Iterator[Finding]:
    """No Aurora and no Multi-AZ DB cluster, which replicate no automated backups; no replica without a name.

    Of the engines MySQL, MariaDB and PostgreSQL: ``dr_estate.model.engines``.

    Source: RDS API, DBInstance (DBClusterIdentifier); RDS User Guide, Replicating automated backups.
    """
    name, wanted = database_name(view), "a DB instance"
    # A member of a cluster has a name of its own: there the cluster's is the estate's.
    named = [row for row in view.get(rds.instances) if name in (row.identifier, row.cluster)]
    for row in named:
        if row.cluster or row.engine.startswith(_AURORA):
            measured = f"{row.identifier} ({row.engine}) is a member of the DB cluster {row.cluster or name}"
            reason = "not supported: a cluster is copied, restored and promoted by other calls than an instance"
            remedy = f"aws_db_instance '{name}' in {view.region} in the place of the cluster: this tool plans none."
            yield view.gap(name, measured, wanted, reason, remedy)
        elif row.engine not in ENGINES:
            titles = ", ".join(engine.title for engine in ENGINES.values())
            reason = f"not supported: this tool knows how {titles} refuse writes, and no other engine"
            remedy = f"aws_db_instance '{name}' in {view.region} of one of these engines: this tool plans no other."
            yield view.gap(name, f"the DB instance {row.identifier} ({row.engine})", wanted, reason, remedy)
        else:
            yield view.ok(name, f"the DB instance {row.identifier}", wanted, "it can be restored and promoted")
    if view.side is Side.DR and REPLICA in view.env.replication.database:
        yield from _unnamed_findings(view, name)
    if not named and view.side is Side.PRIMARY and _is_mapped_cluster(view, name):
        reason = "not supported: a cluster is copied, restored and promoted by other calls than an instance"
        remedy = f"aws_db_instance '{name}' in {view.region} in the place of the cluster: this tool plans none."
        yield view.gap(name, f"{name} is a DB cluster without an instance", wanted, reason, remedy)
    elif not named:
        yield view.none_expected(name, "no database of the estate stands here")


def _is_mapped_cluster(view: View, name: str) -> bool:
    """Whether the map's database of that name is a DB cluster, by its ARN: one without a member is in no list."""
    entry = view.env.estate_map.entry_of(MapKind.DATABASE, name) if view.env.estate_map else None
    return entry is not None and ":cluster:" in entry.id


def _unnamed_findings(view: View, name: str) -> Iterator[Finding]:
    """Replicas of the database of which none is the named one: no policy names them, nor a look after a promotion."""
    found = [row.identifier for row in replicas(view)]
    if name in found:
        return
    for identifier in found:
        wanted = f"called {name}, as the settings say"
        if not _relies_on_replica(view):
            yield view.ok(identifier, f"a read replica called {identifier}", wanted, "no failover promotes it")
            continue
        reason = "not supported: no policy lets it be promoted, and neither validation nor a failback finds it then"
        remedy = f'Where a failover is to promote it: names_in_dr.database = "{identifier}" in {view.env.name}.toml.'
        yield view.gap(identifier, f"a read replica called {identifier}", wanted, reason, remedy)


def _relies_on_replica(view: View) -> bool:
    """Whether a failover would promote a replica: it is preferred, or the copy that would be used now."""
    # A copy that was not seen may be the one that is promoted: then the name counts.
    with contextlib.suppress(DataUnavailable):
        copy = copy_to_use(view)
        return view.env.replication.database[0] == REPLICA or (copy is not None and copy.mechanism == REPLICA)
    return True
