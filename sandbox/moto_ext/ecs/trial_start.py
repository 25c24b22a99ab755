"""Whether each service of a region could serve: a task of it is tried in every subnet, and none is started.

Whether a task of the DR region runs the program that the primary region's tasks run, and finds what it needs.

The emulator runs no container: what the primary region's tasks have, they serve with. Whatever of it decides the
program, its files or its credentials must be there too. Written apart from the product's own comparison: they must not
share a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.ecs.models import Service, TaskDefinition, ecs_backends
from moto.elbv2.models import FakeTargetGroup, elbv2_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends

from sandbox.core.state import now
from sandbox.moto_ext.cloudfront import all_added_headers, asks_by_tls, fetch_faults
from sandbox.moto_ext.data.mounts import mount_fault
from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores
from sandbox.moto_ext.ecs.targets import Targets
from sandbox.moto_ext.ecs.task_network import TaskNetwork
from sandbox.moto_ext.ecs.task_start import fetch, network_fault
from sandbox.moto_ext.ecs.tasks import RunningTask, arns_of, backend_of, containers_of, group_of, registry_fault
from sandbox.moto_ext.elbv2.openings import CLOUDFRONT, VISITOR, lets_in
from sandbox.moto_ext.elbv2.rule_matching import groups_of, headers_suffice, hosts_of, matches
from sandbox.moto_ext.iam.policies import EXPLICIT_DENY, AccessRequest
from sandbox.moto_ext.iam.role_access import may, said_to

_SILENT = '{"Statement": []}'
_OF_VISITORS = {"host-header", "http-header"}
_ADDRESS = re.compile(r"\d+(?:\.\d+){3}")


def would_start(account: str, region: str, primary: str, state_bucket: str) -> dict[str, str]:
    """Why a new task of each service would not serve, "" where it would in every subnet, by the service's name.

    No tenant is served whole where the distribution fetches a part of the pages from a bucket that refuses it.
    Databases of the region are asked for a connection alone: a standby has none before it is restored.
    """
    services = ecs_backends[account][region].services.values()
    # What the distribution takes from buckets is a part of every tenant's page.
    edge = next(fetch_faults(account, region), "")
    return {
        s.name: edge or next(_reasons(account, region, primary, state_bucket, s), "")
        for s in services
        if s.status == "ACTIVE"
    }


def _reasons(account: str, region: str, primary: str, state_bucket: str, service: Service) -> Iterator[str]:
    definition = backend_of(service).describe_task_definition(str(service.task_definition))
    network: dict[str, Any] = (service.network_configuration or {}).get("awsvpcConfiguration", {})
    ec2 = ec2_backends[account][region]
    missing = fetch(backend_of(service), definition, service.cluster_name).missing
    if missing:
        yield missing
    there = ecs_backends[account][primary]
    for twin in (row for row in there.services.values() if row.name == service.name):
        yield from program_faults(there.describe_task_definition(str(twin.task_definition)), definition)
    # Fargate mounts file systems since its platform 1.4.0 (ECS guide, Amazon EFS volumes).
    if definition.volumes and str(service.platform_version or "").startswith(("1.0", "1.1", "1.2", "1.3")):
        yield f"Fargate {service.platform_version} mounts no file system"
    if unknown := registry_fault(region, arns_of(service)):
        yield unknown
    # A rule may demand the secret header that CloudFront adds (T71).
    sent = all_added_headers(account) or [{}]
    balancers = list(elbv2_backends[account][region].load_balancers.values())
    rules = [rule for b in balancers for listener in b.listeners.values() for rule in listener.rules.values()]
    for group in Targets(account, region).attached_to(service):
        leading = [r for r in rules if group.arn in groups_of(r.actions[-1])]
        if leading and not any(headers_suffice(rule.conditions, headers) for rule in leading for headers in sent):
            yield f"Each rule for {group.name} demands a header that CloudFront does not send"
        # Before subnets: a rule is wrong for all of them.
        yield from _led_away(balancers, group.arn, group.name, sent)
        yield from _hosts_lost(account, primary, service.name, group.name, leading)
        gates = sorted({str(action.type) for rule in leading for action in rule.actions[:-1]})
        yield from (f"A rule for {group.name} lets visitors through after {gate} alone" for gate in gates)
    yield from _visitor_faults(account, region, primary, service)
    yield from _stores_closed(account, region, primary, state_bucket, str(definition.task_role_arn or ""))
    for subnet in network.get("subnets", ()):
        groups = tuple(network.get("securityGroups", ()))
        place = TaskNetwork(ec2, subnet, groups, network.get("assignPublicIp") == "ENABLED")
        lost = [name for name in groups if ec2.get_security_group_from_id(name) is None]
        yield from (f"The security group '{name}' does not exist" for name in lost)
        for reason in (
            network_fault(backend_of(service), definition, place),
            mount_fault(account, region, definition, place),
            *_serving_faults(account, region, primary, service, place),
        ):
            if reason:
                yield f"{subnet}: {reason}"


def _groups_of_twin(account: str, primary: str, service: str) -> list[FakeTargetGroup]:
    """The groups of the primary region's service of that name."""
    twins = [row for row in ecs_backends[account][primary].services.values() if row.name == service]
    return [group for twin in twins for group in Targets(account, primary).attached_to(twin)]


def _hosts_lost(account: str, primary: str, service: str, name: str, leading: Sequence[Any]) -> Iterator[str]:
    """The hosts that the primary region leads to the service of that name, and no rule of ``leading`` here."""
    there = elbv2_backends[account][primary]
    arns = {group.arn for group in _groups_of_twin(account, primary, service)}
    listeners = [listener for balancer in there.load_balancers.values() for listener in balancer.listeners.values()]
    rules = [rule for listener in listeners for rule in listener.rules.values()]
    hosts = {h for rule in rules if arns & set(groups_of(rule.actions[-1])) for h in hosts_of(rule.conditions)}
    # Every host that the primary serves must be led here as well, patterns counted.
    here = {host for rule in leading for host in hosts_of(rule.conditions)}
    is_led = here and all(any(fnmatchcase(host, pattern) for pattern in here) for host in hosts)
    if hosts and not is_led:
        yield f"No rule leads {', '.join(sorted(hosts))} to {name}"


def _led_away(balancers: Iterable[Any], arn: str, name: str, sent: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The hosts of rules for a group that another rule of the listener takes before them, whatever their path."""
    for listener in (listener for balancer in balancers for listener in balancer.listeners.values()):
        rules = sorted((r for r in listener.rules.values() if str(r.priority).isdigit()), key=lambda r: int(r.priority))
        # Rules by path or query take a part of the visits only: they lead nobody away.
        whole = [rule for rule in rules if {row.get("Field") for row in rule.conditions} <= _OF_VISITORS]
        own = {h: r for r in reversed(rules) if arn in groups_of(r.actions[-1]) for h in hosts_of(r.conditions)}
        for host, first in ((host, own[host]) for host in sorted(own) if "*" not in host and "?" not in host):
            before = [rule for rule in whole if int(rule.priority) <= int(first.priority)]
            taking = [next((r for r in before if matches(r.conditions, host, headers)), None) for headers in sent]
            if all(rule is not None and arn not in groups_of(rule.actions[-1]) for rule in taking):
                yield f"Another rule than that of {name} takes {host}"


def _stores_closed(account: str, region: str, primary: str, state_bucket: str, role: str) -> Iterator[str]:
    """The copies of buckets and tables whose policy denies the task role what that of their source does not, and those
    with which the role may do nothing that it may do with their source.
    """
    for resource, original, actions, copy, source in _store_policies(account, region, primary, state_bucket):
        wanted = [(_of_task(account, primary, role, action, original), action) for action in actions if role]
        used = [action for request, action in wanted if may(account, role, request, (source,))]
        requests = [_of_task(account, region, role, action, resource) for action in used]
        if requests and not any(may(account, role, request, (copy,)) for request in requests):
            yield f"AccessDenied: {used[0]} on {resource} to {role}"
        for action in actions if role else ():
            mine, theirs = (
                said_to(
                    policy or _SILENT,
                    (role, f"arn:aws:iam::{account}:root"),
                    _of_task(account, where, role, action, resource),
                )
                for policy, where in ((copy, region), (source, primary))
            )
            if mine == EXPLICIT_DENY != theirs:
                yield f"AccessDenied: {action} on {resource} to {role}"


def _of_task(account: str, region: str, role: str, action: str, resource: str) -> AccessRequest:
    known = {
        **dict.fromkeys(("aws:PrincipalAccount", "aws:ResourceAccount", "s3:ResourceAccount"), account),
        "aws:RequestedRegion": region,
        "aws:PrincipalArn": role,
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.2",
    }
    return AccessRequest(action, resource, {key: (value,) for key, value in known.items()})


def _store_policies(
    account: str, region: str, primary: str, state_bucket: str
) -> Iterator[tuple[str, str, tuple[str, ...], str, str]]:
    """A copy and its source, what tasks may do, and both policies: of any object, of the bucket, or of the table."""
    buckets = s3_backends[account]["aws"].buckets
    # Terraform's state is no task's.
    for source in (row for row in buckets.values() if row.name != state_bucket):
        for rule in (vars(source).get("replication") or {"Rule": ()})["Rule"]:
            copy = buckets.get(str(rule["Destination"]["Bucket"]).rpartition(":")[2])
            if copy is not None and copy.region_name == region:
                mine, theirs = (row.policy.decode() if row.policy else "" for row in (copy, source))
                away, home = (f"arn:aws:s3:::{row.name}" for row in (copy, source))
                yield f"{away}/any", f"{home}/any", ("s3:GetObject", "s3:PutObject"), mine, theirs
                yield away, home, ("s3:ListBucket",), mine, theirs
    here, there = (dynamodb_backends[account][row] for row in (region, primary))
    for name in sorted({*here.tables} & {*there.tables}):
        arns = [backend.tables[name].table_arn for backend in (here, there)]
        rows = [backend.resource_policies.get(arn) for backend, arn in zip((here, there), arns, strict=True)]
        mine, theirs = (row.policy_doc if row else "" for row in rows)
        actions = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
        yield arns[0], arns[1], actions, mine, theirs


def _visitor_faults(account: str, region: str, primary: str, service: Service) -> Iterator[str]:
    """Where a load balancer is internal, its listener refuses browsers, or a network ACL visitors."""
    arns = {arn for group in Targets(account, region).attached_to(service) for arn in group.load_balancer_arns}
    by_tls = asks_by_tls(account)
    for balancer in (b for b in elbv2_backends[account][region].load_balancers.values() if b.arn in arns):
        modes = {row.port: vars(row).get("mutual_authentication", {}) for row in balancer.listeners.values()}
        yield from (f"Port {port} of {balancer.name} demands certificates" for port in _verifying(modes))
        # CloudFront speaks TLS 1.2 at most to an origin: a policy of TLS 1.3 alone refuses it.
        newer = [row for row in balancer.listeners.values() if "-TLS13-1-3-" in str(row.ssl_policy or "")]
        yield from (f"Port {row.port} of {balancer.name} speaks no TLS of CloudFront's" for row in newer if by_tls)
        # CloudFront reaches public addresses (VPC origins are not played, T65).
        if balancer.scheme == "internal":
            yield f"CloudFront does not reach {balancer.name}, which has addresses of the VPC alone"
        ports = {int(listener.port) for listener in balancer.listeners.values()}
        places = [TaskNetwork(ec2_backends[account][region], subnet.id, ()) for subnet in balancer.subnets]
        facing = [place for place in places if balancer.scheme == "internet-facing" and place.is_modelled]
        yield from (
            f"Visitors do not reach port {port} of {balancer.name} in {place.subnet}"
            for place in facing
            for port in sorted(ports)
            if not place.takes_visitors(port)
        )
        yield from _shut_out(account, region, primary, service.name, balancer, ports)


def _shut_out(
    account: str, region: str, primary: str, service: str, balancer: Any, ports: Iterable[int]
) -> Iterator[str]:
    """The ports at which the groups of a balancer let fewer sources in than those of the primary region's."""
    arns = {arn for group in _groups_of_twin(account, primary, service) for arn in group.load_balancer_arns}
    there = [row for row in elbv2_backends[account][primary].load_balancers.values() if row.arn in arns]
    for port, source in product(sorted(ports), (VISITOR, CLOUDFRONT)):
        # Compared with the primary's: what is closed there too is meant to be.
        usual = any(lets_in(account, primary, row, port, source) for row in there)
        if usual and not lets_in(account, region, balancer, port, source):
            yield f"The groups of {balancer.name} do not let {source} in at port {port}"


def _verifying(modes: dict[Any, dict[str, str]]) -> list[Any]:
    """The ports on which clients without a certificate are refused."""
    return [port for port, mode in modes.items() if mode.get("Mode") == "verify"]


def _serving_faults(account: str, region: str, primary: str, service: Service, place: TaskNetwork) -> Iterator[str]:
    definition = backend_of(service).describe_task_definition(str(service.task_definition))
    targets, moment = Targets(account, region), now()
    subnets = (subnet for zone in place.ec2.subnets.values() for subnet in zone.values())
    task = RunningTask(
        id="trial",
        cluster=service.cluster_name,
        group=group_of(service),
        definition=definition,
        started_by="trial",
        launch_type="FARGATE",
        created_at=moment,
        runs_at=moment,
        subnet=place.subnet,
        groups=place.groups,
        zone=next((str(subnet.availability_zone) for subnet in subnets if subnet.id == place.subnet), ""),
    )
    # A program has the page that the primary region's health checks ask it for.
    checked = elbv2_backends[account][primary].target_groups.values()
    pages = frozenset(str(group.health_check_path or "/").partition("?")[0] for group in checked)
    if not service.load_balancers or not targets.answers(service, task, pages):
        yield "Request timed out"
    stores = TaskStores(account, region, definition, place)
    yield from (f"Unknown MySQL server host '{host}' (2005)" for host in _hidden_hosts(definition, place))
    # Only the way to a database: whether it holds the tenant's schema is asked when it is restored.
    for instance in list(rds_backends[account][region].databases.values()):
        try:
            stores.require_way(instance)
        except StoreUnavailable as reason:
            yield str(reason)


def _hidden_hosts(definition: TaskDefinition, place: TaskNetwork) -> Iterator[str]:
    """The database endpoints of the region that variables name, and that a private zone hides."""
    ending = f".{place.ec2.region_name}.rds.amazonaws.com"
    for container in containers_of(definition) if place.is_modelled else []:
        for variable in container.get("environment") or ():
            host = str(variable["value"]).partition(":")[0].lower()
            if host.endswith(ending) and not place.finds_host(host):
                yield host


def program_faults(wanted: TaskDefinition, found: TaskDefinition) -> Iterator[str]:
    """Why tasks of ``found`` would not do what those of ``wanted`` do, as ECS or the program says it."""
    if _processor(wanted) != _processor(found):
        yield "exec format error"
    if not _role(found, "execution_role_arn") and _role(wanted, "execution_role_arn"):
        yield "CannotPullContainerError: no execution role: the task cannot sign in at the registry"
    by_iam = any(_files(row).get("authorizationConfig", {}).get("iam") == "ENABLED" for row in found.volumes or ())
    if by_iam and not _role(found, "task_role_arn"):
        yield "ResourceInitializationError: failed to invoke EFS utils commands: no credentials of a task role"
    if any(_files(row).get("transitEncryption") != "ENABLED" for row in found.volumes or () if _by_policy(row)):
        yield "ClientException: transit encryption must be enabled where IAM or an access point is used"
    there, here = ({row["name"]: row for row in part.container_definitions} for part in (wanted, found))
    for name, row in there.items():
        if name in here:
            yield from _container_faults(row, here[name], _folders(wanted, row), _folders(found, here[name]))
        elif row.get("essential", True):
            yield f"The container {name} does not run"


def _container_faults(
    wanted: dict[str, Any], found: dict[str, Any], folders: dict[str, Any], mounted: dict[str, Any]
) -> Iterator[str]:
    # Nobody here knows what an image of another registry does in the place of the site's own.
    strange = _is_of_ecr(wanted) and not _is_of_ecr(found)
    if strange or any((wanted.get(part) or []) != (found.get(part) or []) for part in ("entryPoint", "command")):
        yield f"{wanted['name']} runs another program"
    if _logger(found) not in ("awslogs", _logger(wanted)):
        yield f"failed to initialize logging driver: {_logger(found)}"
    if (own := _health(found)) and own != _health(wanted):
        yield f"{wanted['name']} is UNHEALTHY"
    if found.get("readonlyRootFilesystem") and not wanted.get("readonlyRootFilesystem"):
        yield f"{wanted['name']}: Read-only file system"
    site, home = _site(wanted), _site(found)
    if site and home and site != home:
        yield f"Visitors are sent on to {home}, not {site}"
    yield from _database_faults(_values(wanted), _values(found))
    lost = [path for path, place in folders.items() if mounted.get(path) not in (place, (*place[:-1], False))]
    yield from (f"The files at {path} are not those of the site, or cannot be written" for path in lost)
    given = dict(_credentials(found))
    yield from (
        f"{name} is not set as the program needs it" for name, key in _credentials(wanted) if given.get(name) != key
    )


def _database_faults(wanted: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """Why WordPress does not find its database by its variables; a name of one's own may lead to it."""
    host = found.get("WORDPRESS_DB_HOST", "localhost").partition(":")[0]
    is_own = host == "localhost" or _ADDRESS.fullmatch(host)
    if is_own and ".rds.amazonaws.com" in wanted.get("WORDPRESS_DB_HOST", ""):
        yield f"Error establishing a database connection: {host}"
    if "WORDPRESS_DB_NAME" in wanted and "WORDPRESS_DB_NAME" not in found:
        yield "Cannot select database"


def _values(container: dict[str, Any]) -> dict[str, str]:
    """The variables of a container; of what the agent fetches, the source."""
    rows = container.get("secrets") or ()
    fetched = {row["name"]: str(row["valueFrom"]) for row in rows}
    return {row["name"]: str(row.get("value") or "") for row in container.get("environment") or ()} | fetched


def _is_of_ecr(container: dict[str, Any]) -> bool:
    return ".dkr.ecr." in str(container["image"])


def _site(container: dict[str, Any]) -> str:
    """The host of the address that WordPress redirects each visitor to, "" where none is given."""
    address = _values(container).get("WORDPRESS_HOME", "")
    return (urlsplit(address).hostname or "") if address.startswith("http") else ""


def _processor(definition: TaskDefinition) -> tuple[str, str]:
    row: dict[str, str] = vars(definition).get("runtime_platform") or {}
    return row.get("cpuArchitecture") or "X86_64", row.get("operatingSystemFamily") or "LINUX"


def _role(definition: TaskDefinition, name: str) -> str:
    return str(vars(definition).get(name) or "")


def _files(volume: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = volume.get("efsVolumeConfiguration") or {}
    return found


def _by_policy(volume: dict[str, Any]) -> bool:
    """Whether it is mounted through an access point, or by IAM."""
    ways: dict[str, str] = _files(volume).get("authorizationConfig") or {}
    return bool(ways.get("accessPointId")) or ways.get("iam") == "ENABLED"


def _folders(definition: TaskDefinition, container: dict[str, Any]) -> dict[str, Any]:
    """By path in the container: whether a file system is mounted there, which folder, and whether to be read only."""
    systems = {row["name"]: _files(row) for row in definition.volumes or ()}
    return {
        row["containerPath"]: (
            bool(systems.get(row["sourceVolume"])),
            systems.get(row["sourceVolume"], {}).get("rootDirectory") or "/",
            bool(row.get("readOnly")),
        )
        for row in container.get("mountPoints") or ()
    }


def _logger(container: dict[str, Any]) -> str:
    return str((container.get("logConfiguration") or {}).get("logDriver") or "awslogs")


def _health(container: dict[str, Any]) -> Any:
    return (container.get("healthCheck") or {}).get("command")


def _credentials(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """By variable what the agent fetches for it, as it is called in any region: the secret's name and the field."""
    for row in container.get("secrets") or ():
        parts = str(row["valueFrom"]).split(":")
        name, field = parts[6][:-7] if parts[2:3] == ["secretsmanager"] else parts[-1], (*parts[7:8], "")[0]
        yield row["name"], f"{name} {field}"
