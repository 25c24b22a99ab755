"""What a tenant needs in the DR region on the day, as a graph: from its service down to keys, routes and copies. Pure.

What could not be seen is listed, never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dr_checks.core.model import View
from dr_checks.derived.need_kinds import NeedKind
from dr_checks.derived.pairing import clusters, tenant_definitions, tenant_services
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import source_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import (
    backup,
    cloudfront,
    cloudfront_buckets,
    ecr,
    ecs,
    efs,
    efs_mounts,
    elbv2,
    iam_copy_roles,
    rds,
    rds_groups,
    s3,
    secretsmanager,
    sns_topics,
    store_policies,
    task_sources,
    vpc,
)


@dataclass(frozen=True, slots=True)
class Need:
    """An edge: ``source`` needs ``target``. Both are named as AWS or the environment names them."""

    source: str
    kind: NeedKind
    target: str


@dataclass(frozen=True, slots=True)
class Needs:
    """The graph of one tenant, each edge once, and why parts of it could not be seen."""

    tenant: str
    edges: tuple[Need, ...]
    unseen: tuple[Unavailable, ...]


def needs_of(view: View, tenant: str) -> Needs:
    """All that ``tenant`` (its id) needs in the DR region, as far as it was seen.

    Raises DataUnavailable without services.
    """
    seen = list(view.snapshot.of_entrances(view.env))
    snapshot, env = next(((part, own) for part, own in seen if own.is_behind(tenant)), seen[0])
    view = replace(view, snapshot=snapshot, env=env.on(view.side))
    service = next((service for found, service in tenant_services(view) if found.id == tenant), None)
    name = view.env.named(view.env.names.service, tenant=tenant)
    edges, unseen = [Need(tenant, NeedKind.SERVICE, name)], list[Unavailable]()
    if service is None:
        return Needs(tenant, tuple(edges), ())
    sections: tuple[Callable[[], Iterator[Need]], ...] = (
        lambda: _of_service(view, service),
        lambda: _of_balancer(view, service),
        lambda: _of_edge(view),
        lambda: _of_network(view, service),
        lambda: _of_definition(view, tenant),
        lambda: _of_storage(view, tenant),
        lambda: _of_images(view, tenant),
        lambda: _of_secrets(view, tenant),
        lambda: _of_files(view, tenant),
        lambda: _of_database(view),
        lambda: _of_options(view),
        lambda: _of_copies(view),
        lambda: _of_objects(view, tenant),
        lambda: _of_restores(view),
        lambda: _of_topics(view, tenant),
    )
    # One section that cannot be seen hides no other; each reads parts of its own.
    for section in sections:
        try:
            edges += section()
        except DataUnavailable as error:
            unseen.append(error.unavailable)
    return Needs(tenant, tuple(dict.fromkeys(edges)), tuple(dict.fromkeys(unseen)))


def _of_service(view: View, service: ecs.Service) -> Iterator[Need]:
    yield Need(service.name, NeedKind.DEFINITION, _short(service.task_definition))
    yield from (Need(service.name, NeedKind.SUBNET, place) for place in service.subnets)
    groups = {group.id: group.name for group in view.get(vpc.security_groups)}
    yield from (Need(service.name, NeedKind.SERVICE_GROUP, groups.get(id_, id_)) for id_ in service.security_groups)
    yield from (Need(service.name, NeedKind.REGISTRY, _short(arn)) for arn in service.registries or ())


def _of_balancer(view: View, service: ecs.Service) -> Iterator[Need]:
    groups = {group.arn: group.name for group in view.get(elbv2.target_groups)}
    balancer = view.get(elbv2.load_balancer)
    for arn in service.target_groups:
        name = groups.get(arn, arn)
        yield Need(service.name, NeedKind.TARGET_GROUP, name)
        for listener in view.get(elbv2.listeners):
            rules = [rule for rule in view.get(elbv2.rules) if rule.listener == listener.arn]
            if balancer and any(arn in rule.action.target_groups for rule in rules):
                yield Need(name, NeedKind.LISTENER, f"{balancer.name} {listener.label}")
                yield Need(f"{balancer.name} {listener.label}", NeedKind.BALANCER, balancer.name)
    if balancer and service.target_groups:
        yield from (Need(balancer.name, NeedKind.BALANCER_SUBNET, subnet) for subnet in balancer.subnets)


def _of_edge(view: View) -> Iterator[Need]:
    balancer = view.get(elbv2.guarded)
    if balancer and balancer.acl:
        yield Need(balancer.balancer, NeedKind.BALANCER_ACL, balancer.acl.name)
    found = cloudfront.serving(view.get(cloudfront.distributions, Side.GLOBAL), view.env.traffic)
    if balancer and found:
        yield Need(balancer.balancer, NeedKind.ORIGIN, found.id)
    for origin in cloudfront_buckets.bucket_origins(found) if found else ():
        if found and cloudfront_buckets.region_of(origin, view.env) != view.env.regions.primary:
            yield Need(found.id, NeedKind.ORIGIN_BUCKET, cloudfront_buckets.bucket_of(origin) or origin.domain)


def _of_network(view: View, service: ecs.Service) -> Iterator[Need]:
    network = view.get(vpc.vpc)
    acls = {subnet: acl.id for acl in view.get(vpc.network_acls) for subnet in acl.subnets}
    nats = {nat.id: nat.subnet for nat in view.get(vpc.nat_gateways)}
    todo, known = list(service.subnets), set[str]()
    while todo:
        place = todo.pop(0)
        if place in known:
            continue
        known.add(place)
        if network:
            yield Need(place, NeedKind.RESOLVER, network.id)
        table = next((t for t in view.get(vpc.route_tables) if place in t.subnets), None)
        # A subnet without a table of its own uses the VPC's main one (VPC guide, route tables).
        table = table or next((t for t in view.get(vpc.route_tables) if t.main), None)
        for endpoint in view.get(vpc.endpoints):
            if place in endpoint.subnets or (table and table.id in endpoint.route_tables):
                yield Need(place, NeedKind.ENDPOINT, f"{endpoint.service} {endpoint.id}".strip())
        if place in acls:
            yield Need(place, NeedKind.ACL, acls[place])
        if table and table.default:
            yield Need(place, NeedKind.ROUTE, table.default)
            if nats.get(table.default):
                yield Need(table.default, NeedKind.GATEWAY_SUBNET, nats[table.default])
                # The gateway's own subnet needs a way out as well: followed until nothing new comes.
                todo.append(nats[table.default])


def _definition(view: View, tenant: str) -> ecs.TaskDefinition:
    """The tenant's task definition. Raises DataUnavailable where it was not read."""
    found = tenant_definitions(view)[tenant]
    if isinstance(found, Unavailable):
        raise DataUnavailable(found)
    return found


def _of_definition(view: View, tenant: str) -> Iterator[Need]:
    definition = _definition(view, tenant)
    name = _short(definition.arn)
    if definition.execution_role:
        yield Need(name, NeedKind.EXECUTION_ROLE, _short(definition.execution_role))
    if definition.task_role:
        yield Need(name, NeedKind.TASK_ROLE, _short(definition.task_role))
    for container in definition.containers:
        image = ecr.image_ref(container.image)
        yield Need(name, NeedKind.IMAGE, container.image if image.region else f"{container.image} (no ECR)")
        if container.log_group:
            yield Need(name, NeedKind.LOG_GROUP, container.log_group)
        for _, source in container.sources:
            kind = NeedKind.SECRET if ":secretsmanager:" in source else NeedKind.PARAMETER
            yield Need(name, kind, source_of(source).name)
        for _, value in container.environment:
            if ".rds.amazonaws.com" in value:
                yield Need(name, NeedKind.DATABASE, value)


def _of_images(view: View, tenant: str) -> Iterator[Need]:
    repositories = {(row.account, row.name): row.key for row in view.get(ecr.repositories)}
    for container in _definition(view, tenant).containers:
        image = ecr.image_ref(container.image)
        key = repositories.get((image.account, image.repository), "") if image.region == view.region else ""
        if isinstance(key, Unavailable):
            raise DataUnavailable(key)
        if key:
            yield Need(container.image, NeedKind.IMAGE_KEY, _short(key))


def _of_storage(view: View, tenant: str) -> Iterator[Need]:
    service = view.env.named(view.env.names.service, tenant=tenant)
    found = clusters(view)
    own = found if len(found) == 1 else [row for row in found if row.name == view.env.ecs_names(service)["cluster"]]
    yield from (Need(service, NeedKind.STORAGE_KEY, _short(row.storage_key)) for row in own if row.storage_key)


def _of_secrets(view: View, tenant: str) -> Iterator[Need]:
    names = {
        source_of(source).name for container in _definition(view, tenant).containers for _, source in container.sources
    }
    for name, key in view.get(task_sources.sources).keys:
        if name in names:
            yield Need(name, NeedKind.PARAMETER_KEY, key)
    for secret in view.get(secretsmanager.secrets):
        if secret.name in names:
            yield Need(secret.name, NeedKind.SECRET_POLICY, f"the policy of {secret.name}")
            yield Need(secret.name, NeedKind.SECRET_KEY, _short(secret.key) or "aws/secretsmanager")


def _of_files(view: View, tenant: str) -> Iterator[Need]:
    definition = _definition(view, tenant)
    systems = {system.id: system for system in view.get(efs.file_systems)}
    for volume in definition.volumes:
        yield Need(_short(definition.arn), NeedKind.ACCESS_POINT, volume.access_point_id or f"none for {volume.name}")
        yield Need(volume.access_point_id or volume.name, NeedKind.FILE_SYSTEM, volume.file_system_id)
        if volume.file_system_id in systems:
            yield Need(volume.file_system_id, NeedKind.FILES_POLICY, f"the policy of {volume.file_system_id}")
            yield Need(volume.file_system_id, NeedKind.FILES_KEY, _short(systems[volume.file_system_id].key))
    mounted = {volume.file_system_id for volume in definition.volumes}
    for target in view.get(efs_mounts.mount_targets):
        if isinstance(target, Unavailable):
            raise DataUnavailable(target)
        if target.file_system_id in mounted:
            yield Need(target.file_system_id, NeedKind.MOUNT_TARGET, target.id)
            yield from (Need(target.id, NeedKind.MOUNT_GROUP, group) for group in target.groups)


def _of_database(view: View) -> Iterator[Need]:
    names = view.env.names
    database = view.env.named(names.database)
    if not database:
        return
    for kind, pattern in (
        (NeedKind.DATABASE_SUBNETS, names.db_subnet_group),
        (NeedKind.DATABASE_PARAMETERS, names.db_parameter_group),
        (NeedKind.DATABASE_GROUP, names.db_security_group),
    ):
        yield Need(database, kind, view.env.named(pattern))
    yield Need(database, NeedKind.DATABASE_NAME, database)
    group = view.find(rds_groups.subnet_groups, name=view.env.named(names.db_subnet_group))
    yield from (Need(group.name, NeedKind.SUBNET, subnet) for subnet in group.subnets) if group else ()


def _of_options(view: View) -> Iterator[Need]:
    database = view.env.named(view.env.names.database)
    source = view.find(rds.instances, Side.PRIMARY, identifier=view.env.database_on(Side.PRIMARY))
    yield from (Need(database, NeedKind.DATABASE_OPTIONS, name) for name, _ in source.option_groups) if source else ()


def _of_copies(view: View) -> Iterator[Need]:
    database = view.env.named(view.env.names.database)
    for copy in view.get(rds.automated_backups):
        yield Need(database, NeedKind.DATABASE_COPY, _short(copy.arn))
        yield Need(_short(copy.arn), NeedKind.COPY_KEY, _short(copy.key_arn) or "aws/rds")
    for instance in view.get(rds.instances):
        if instance.identifier == database and instance.source:
            yield Need(database, NeedKind.DATABASE_COPY, f"read replica {instance.identifier}")
            yield Need(f"read replica {instance.identifier}", NeedKind.COPY_KEY, _short(instance.key_arn) or "aws/rds")


def _of_objects(view: View, tenant: str) -> Iterator[Need]:
    vault = backup.vault_name(view.env, Side.DR)
    copies = [row.name for row in view.get(s3.buckets) if isinstance(row, s3.Bucket) and row.region]
    yield from (Need(tenant, NeedKind.OBJECTS, name) for name in copies)
    yield Need(view.env.named(view.env.names.database), NeedKind.VAULT, vault)
    for policy in view.get(store_policies.policies):
        if isinstance(policy, store_policies.StorePolicy) and policy.text:
            yield Need(policy.name, NeedKind.STORE_POLICY, f"policy of {policy.name}")
    for role in view.get(iam_copy_roles.roles, Side.GLOBAL):
        if isinstance(role, Unavailable):
            raise DataUnavailable(role)
        filled = copies if role.service == iam_copy_roles.OBJECTS else [vault]
        yield from (Need(name, NeedKind.COPY_ROLE, _short(role.arn)) for name in filled)


def _of_restores(view: View) -> Iterator[Need]:
    files = view.env.named(view.env.names.file_system)
    for role in view.get(iam_copy_roles.restore_roles, Side.GLOBAL):
        if isinstance(role, Unavailable):
            raise DataUnavailable(role)
        yield Need(files, NeedKind.RESTORE_ROLE, _short(role.arn))


def _of_topics(view: View, tenant: str) -> Iterator[Need]:
    yield from (Need(tenant, NeedKind.TOPIC, topic.name) for topic in view.get(sns_topics.topics))
    for listener in view.get(sns_topics.listeners):
        if listener.who == "sqs":
            yield Need(listener.topic, NeedKind.TOPIC_QUEUE, listener.endpoint.rpartition(":")[2])
        # Mail and HTTPS have no end in AWS that could be followed.
        elif listener.who == "lambda":
            yield Need(listener.topic, NeedKind.TOPIC_FUNCTION, listener.endpoint.partition(":function:")[2])


def _short(arn: str) -> str:
    """Return the part of an ARN that identifies it here: ``sit-tenant1:4`` of a task definition's."""
    name = ":".join(arn.split(":")[5:])
    return name.partition("/")[2] or name if name and arn.startswith("arn:") else arn
