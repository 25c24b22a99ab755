"""Checks of task definitions: the DR region starts the same containers without depending on the primary region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import (
    AMOUNTS,
    DEFAULTS,
    ESSENTIAL,
    LOG_DRIVER,
    REGISTRY_SOURCE,
    WHAT_MAY_END_IT,
    WHAT_RUNS,
    secret_reference,
    source_of,
)
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecr, ecs

_NONE = "no service exists on both sides: see ecs.service-exists"
_REGION_SETTINGS = {"AWS_REGION", "AWS_DEFAULT_REGION"}


@check(
    "every tenant's task definition in the DR region has the same size and settings as in the primary region",
    none=("all task definitions", _NONE),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("EcsTaskDefFamilyParity", "REL13-BP04", "NIST CP-2")
def parity(view: View) -> Iterator[Finding]:
    """CPU, memory, architecture, ports, names of variables, secrets, volumes, mounts, roles, and each further setting
    of a container: commands, health check, limits, log driver ...

    Source: ECS DescribeTaskDefinition.
    """
    primary, here = tenant_definitions(view, Side.PRIMARY), tenant_definitions(view)
    # A tenant without a service on one side is ecs.service-exists' matter: one gap, one finding.
    for tenant in sorted(primary.keys() & here.keys()):
        there, mine = primary[tenant], here[tenant]
        if isinstance(there, Unavailable) or isinstance(mine, Unavailable):
            yield _not_read(view, tenant, there, mine)
        elif gaps := differences(there, mine):
            stops = any(gap.stops for gap in gaps)
            measured = "; ".join(gap.text for gap in gaps)
            reason = (
                "its tasks would not start, or not serve the tenant"
                if stops
                else "its tasks would run unlike the tested ones"
            )
            remedy = f"Apply aws_ecs_task_definition '{mine.family}' in {view.region} from the primary's module."
            yield view.gap(mine.family, measured, "as in the primary region", reason, remedy, tenant, stops=stops)
        else:
            yield view.ok(mine.family, "alike", "as in the primary region", "the settings are the same", tenant)


@check(
    "every tenant's task definition in the DR region pulls its images without the primary region",
    none=("all task definitions", _NONE),
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T21", "EcsImagePullableInRegion", "REL13-BP02", "NIST CP-7")
def image_registry(view: View) -> Iterator[Finding]:
    """No image is pulled from the primary region's registry. Source: DescribeTaskDefinition, T21."""
    wanted = f"*.dkr.ecr.{view.region}.amazonaws.com"
    for tenant, mine in sorted(tenant_definitions(view).items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, wanted, mine, tenant)
            continue
        refs = [(container.image, ecr.image_ref(container.image)) for container in mine.containers]
        primary = [image for image, ref in refs if ref.region == view.env.regions.primary]
        # An image without a region is of another registry than ECR: it is lost with no region of AWS.
        elsewhere = [image for image, ref in refs if ref.region not in ("", view.region, view.env.regions.primary)]
        remedy = f"aws_ecs_task_definition '{mine.family}': image = \"{view.env.account}.dkr.ecr.{view.region}...\"."
        if primary:
            reason = "the registry it pulls from is lost with the primary region"
            yield view.gap(mine.family, ", ".join(primary), wanted, reason, remedy, tenant)
        # A warning: the loss of the primary region does not take a third one away.
        elif elsewhere:
            reason = "a third region must be up for this task to start"
            yield view.warn(mine.family, ", ".join(elsewhere), wanted, reason, remedy, tenant)
        else:
            images = ", ".join(image for image, _ in refs)
            yield view.ok(mine.family, images, wanted, "no pull needs the primary region", tenant)


@check("no task definition of the DR region references the primary region", none=("all task definitions", _NONE))
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T18", "SecretRegionalFields", "REL13-BP04", "REL11-BP04", "NIST CP-7")
def primary_region_names(view: View) -> Iterator[Finding]:
    """Variables, secret ARNs and log settings hold no host name or ARN of the primary region. Source: T18."""
    region = view.env.regions.primary
    for tenant, mine in sorted(tenant_definitions(view).items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, f"nothing of {region}", mine, tenant)
        elif named := pointers(mine, region):
            reason = "the tenant would start here and then depend on the lost region"
            remedy = f"aws_ecs_task_definition '{mine.family}': set these to the names of {view.region}."
            yield view.gap(mine.family, "; ".join(named), f"nothing of {region}", reason, remedy, tenant)
        else:
            yield view.ok(mine.family, "none", f"nothing of {region}", "it needs no other region", tenant)


@check(
    "no tenant's task definition uses another tenant's database, in either region", none=("all task definitions", _NONE)
)
@weigh(Severity.BLOCKER, Area.TENANTS, BOTH)
@cite("T18", "REL13-BP03", "NIST CP-10")
def own_tenant(view: View) -> Iterator[Finding]:
    """No variable is another tenant's schema, and no secret another's. Source: DescribeTaskDefinition, T18."""
    names, wanted = view.env.names, "its own database and secret"
    # By exact text: "shop_db" within a longer value is no proof of whose data is opened.
    owners = {
        view.env.named(p, tenant=t.id): t.id for t in view.tenants for p in (names.tenant_schema, names.tenant_secret)
    }
    found = tenant_definitions(view, view.side)
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, wanted, mine, tenant)
        elif strange := [what for what, names_it in _opens(mine) if owners.get(names_it, tenant) != tenant]:
            reason = "the tenant would read and write another tenant's data, while its site still answers"
            remedy = Remedy(
                f"Set {view.env.named(names.service, tenant=tenant)} back to its "
                "newest revision that opens the tenant's own data (ecs update-service), and check the data it has "
                "written in the meantime. Its revisions, the newest first:",
                (view.command("ecs", "ListTaskDefinitions", familyPrefix=mine.family, sort="DESC"),),
            )
            yield view.gap(mine.family, "; ".join(strange), wanted, reason, remedy, tenant)
        else:
            yield view.ok(mine.family, "its own", wanted, "it uses its own tenant's data only", tenant)


@check(
    "every task definition that the DR region's services use can start new tasks", none=("all task definitions", _NONE)
)
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("EcsTaskDefFamilyParity", "REL13-BP04")
def active(view: View) -> Iterator[Finding]:
    """A service still scales with a deregistered revision, and nothing else works.

    No task of its own is started with it, no service is created or led back to it, and a family without an active one
    is not found. That a revision was deregistered since it was first read shows where nothing is cached (--no-cache,
    and every plan). Source: ECS guide, "Deregistering a task definition revision"; ListTaskDefinitionFamilies.
    """
    families, wanted = frozenset(view.get(ecs.active_families)), "an active revision"
    found = tenant_definitions(view)
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, wanted, mine, tenant)
        # The family lives, so the fix is another revision; a dead family has to be registered by Terraform.
        elif mine.family in families and mine.deregistered:
            yield _deregistered_finding(view, mine, wanted, tenant)
        elif mine.family in families:
            yield view.ok(mine.family, "active", wanted, "new tasks can be made of it", tenant)
        else:
            reason = "the service scales with it still, but no restore test, marker or changed revision starts"
            remedy = (
                f"Apply aws_ecs_task_definition '{mine.family}' in {view.region}: all its revisions are deregistered."
            )
            yield view.gap(mine.family, "INACTIVE", wanted, reason, remedy, tenant)


def _deregistered_finding(view: View, mine: ecs.TaskDefinition, wanted: str, tenant: str) -> Finding:
    service = view.env.named(view.env.names.service, tenant=tenant)
    reason = "the service scales with it still, but no restore test or marker starts, and nothing is led back to it"
    remedy = Remedy(
        f"Let {service} use an active revision (ecs update-service), after a look at what differs. They are:",
        (view.command("ecs", "ListTaskDefinitions", familyPrefix=mine.family, sort="DESC"),),
    )
    return view.gap(mine.family, f"{mine.arn.rpartition('/')[2]} is deregistered", wanted, reason, remedy, tenant)


def _opens(definition: ecs.TaskDefinition) -> Iterator[tuple[str, str]]:
    """What a definition gives its containers to open: in words, and the bare name of the schema or secret."""
    for container in definition.containers:
        yield from ((f"variable {name} = {value}", value) for name, value in container.environment)
        for name, source in container.sources:
            secret = source_of(source).name
            yield f"secret {name} from {secret}", secret


class DefinitionGap(NamedTuple):
    """What a definition lacks against the primary's. ``stops``: its tasks would not start, or not serve the tenant."""

    text: str
    stops: bool = False


def differences(primary: ecs.TaskDefinition, mine: ecs.TaskDefinition) -> list[DefinitionGap]:
    """What ``mine`` lacks against ``primary``; more of a size is no lack, nor is a container that may end."""
    found = [
        DefinitionGap(f"{name} {mine_value}, primary {primary_value}")
        for name, primary_value, mine_value in (
            ("CPU units", primary.cpu, mine.cpu),
            ("memory MiB", primary.memory, mine.memory),
            ("ephemeral storage GiB", primary.disk, mine.disk),
        )
        # Only less is a lack: more CPU, memory or disk starts the same site.
        if mine_value < primary_value
    ]
    # Fargate knows awsvpc alone, and an image of one processor starts on no other (ECS API, RuntimePlatform).
    found += [
        DefinitionGap(f"{name} {mine_value or 'none'}, primary {primary_value or 'none'}", stops=True)
        for name, primary_value, mine_value in (
            ("network mode", primary.network_mode, mine.network_mode),
            ("architecture", primary.architecture, mine.architecture),
        )
        if mine_value != primary_value
    ]
    # Names of roles differ by region. Without an execution role nothing is pulled, fetched or logged; without a task
    # role no volume is mounted by IAM (ECS guide, "Task execution IAM role"; EFS guide, "Using IAM").
    found += [
        DefinitionGap(f"no {name} role, primary has one", stops)
        for name, primary_value, mine_value, stops in (
            ("execution", primary.execution_role, mine.execution_role, True),
            ("task", primary.task_role, mine.task_role, any(volume.iam for volume in mine.volumes)),
        )
        if primary_value and not mine_value
    ]
    found += _volume_differences(primary, mine)
    theirs, ours = ({c.name: c for c in d.containers} for d in (primary, mine))
    found += [
        DefinitionGap(f"container {name} is missing", _is_essential(theirs[name]))
        for name in sorted(theirs.keys() - ours.keys())
    ]
    # The task lives on where one that is not essential ends (ECS API, ContainerDefinition).
    found += [
        DefinitionGap(f"container {name} is not in the primary's")
        for name in sorted(ours.keys() - theirs.keys())
        if _is_essential(ours[name])
    ]
    for name in sorted(theirs.keys() & ours.keys()):
        gaps = _container_gaps(theirs[name], ours[name], mine.memory)
        found += [DefinitionGap(f"{name}: {gap.text}", gap.stops) for gap in gaps]
    return found


def _is_essential(container: ecs.Container) -> bool:
    return (ESSENTIAL, "false") not in (container.settings or ())


def _container_gaps(primary: ecs.Container, mine: ecs.Container, memory: int) -> list[DefinitionGap]:
    return [
        *_set_differences("port", {str(p) for p in primary.ports}, {str(p) for p in mine.ports}),
        *_set_differences("variable", {n for n, _ in primary.environment}, {n for n, _ in mine.environment}),
        # Without it, or with another's value, the container cannot log in.
        *_set_differences("secret", _secrets(primary), _secrets(mine), stops=True),
        *(_mount_differences(primary, mine) if _are_known(primary.mounts, mine.mounts) else []),
        *([DefinitionGap("keeps no logs, unlike the primary's")] if _is_silent(mine) and primary.log_group else []),
        *_setting_differences(primary, mine, memory),
    ]


def _is_silent(container: ecs.Container) -> bool:
    """Whether nobody reads what the container writes: neither CloudWatch Logs nor a log driver of its own."""
    return not container.log_group and container.settings is not None and LOG_DRIVER not in dict(container.settings)


def _setting_differences(primary: ecs.Container, mine: ecs.Container, memory: int) -> list[DefinitionGap]:
    """Further settings that differ; ``memory`` is what the whole task has, MiB."""
    if primary.settings is None or mine.settings is None:
        return []
    here, there = dict(mine.settings), dict(primary.settings)
    # No container gets more than its task has: such a limit is none.
    if memory and int(here.get("memory", 0)) >= memory:
        del here["memory"]
    return [
        DefinitionGap(
            f"{name} {here.get(name, 'none')}, primary {there.get(name, 'none')}",
            name in WHAT_RUNS or (name in WHAT_MAY_END_IT and name in here),
        )
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name) and not _is_no_less(name, here.get(name), there.get(name))
    ]


def _is_no_less(name: str, mine: str | None, primary: str | None) -> bool:
    """Whether it is an amount of which there is as much: none is no limit."""
    mine, primary = mine or DEFAULTS.get(name), primary or DEFAULTS.get(name)
    return name in AMOUNTS and (mine is None or (primary is not None and int(mine) >= int(primary)))


def _volume_differences(primary: ecs.TaskDefinition, mine: ecs.TaskDefinition) -> list[DefinitionGap]:
    """What differs in volumes and how those of one name are mounted: by whose permission, and which folder is shown."""
    theirs, ours = ({volume.name: volume for volume in definition.volumes} for definition in (primary, mine))
    found = _set_differences("volume", set(theirs), set(ours), stops=True)
    for name in sorted(theirs.keys() & ours.keys()):
        there, here = theirs[name], ours[name]
        ways = [(volume.access_point_id != "", volume.transit_encryption) for volume in (there, here)]
        if ways[0] != ways[1]:
            # AWS mounts neither by IAM nor through an access point without it (ECS API, EFSVolumeConfiguration).
            bare = not here.transit_encryption and bool(here.iam or here.access_point_id)
            by = [
                f"{'with' if point else 'without'} access point, {'encrypted' if tls else 'plain'} transit"
                for point, tls in ways
            ]
            found.append(DefinitionGap(f"volume {name} {by[1]}, primary {by[0]}", bare or ways[0][0] != ways[1][0]))
        if _are_known(there.iam, here.iam) and there.iam != here.iam:
            found.append(
                DefinitionGap(f"volume {name} mounted {'with' if here.iam else 'without'} IAM, unlike the primary's")
            )
        if there.root != here.root:
            found.append(
                DefinitionGap(f"volume {name} shows {here.root or '/'}, primary {there.root or '/'}", stops=True)
            )
    return found


def _are_known(*facts: object) -> bool:
    """Whether the evidence holds all these facts: older evidence does not."""
    return None not in facts


def _mount_differences(primary: ecs.Container, mine: ecs.Container) -> list[DefinitionGap]:
    """Mounts of the one and not of the other: where files are missing, or cannot be written, the site is another."""
    theirs, ours = (set(container.mounts or ()) for container in (primary, mine))
    return [
        *(
            DefinitionGap(f"mount {_mount_text(mount)} is missing", replace(mount, read_only=False) not in ours)
            for mount in _mount_list(theirs - ours)
        ),
        *(DefinitionGap(f"mount {_mount_text(mount)} is not in the primary's") for mount in _mount_list(ours - theirs)),
    ]


def _mount_list(mounts: set[ecs.Mount]) -> list[ecs.Mount]:
    return sorted(mounts, key=_mount_text)


def _mount_text(mount: ecs.Mount) -> str:
    return f"of {mount.volume} at {mount.path} ({'read only' if mount.read_only else 'writable'})"


def _set_differences(kind: str, primary: set[str], mine: set[str], *, stops: bool = False) -> list[DefinitionGap]:
    missing = [DefinitionGap(f"{kind} {name} is missing", stops) for name in sorted(primary - mine)]
    return missing + [DefinitionGap(f"{kind} {name} is not in the primary's") for name in sorted(mine - primary)]


def _secrets(container: ecs.Container) -> set[str]:
    given = {f"{name} from {secret_reference(source)}" for name, source in container.secrets}
    return given | {name for name, _ in container.fetched if name != REGISTRY_SOURCE}  # by whatever name in a region


def pointers(definition: ecs.TaskDefinition, region: str) -> list[str]:
    """What of a definition names ``region``, one phrase each."""
    found: list[str] = []
    for container in definition.containers:
        for name, value in container.environment:
            # A bare region is a default of the SDK in AWS_REGION alone; under another name it may be a mere label.
            if value == region:
                found += [f"variable {name} = {value}"] if name in _REGION_SETTINGS else []
            elif region in value:
                found.append(f"variable {name} = {value}")
        found += [f"variable {name} names {text}" for name, text in container.named if region in text]
        found += [f"secret {name} from {source}" for name, source in container.sources if f":{region}:" in source]
        if container.log_region == region:
            found.append(f"logs go to {region}")
    return found


def _not_read(view: View, tenant: str, *read: ecs.TaskDefinition | Unavailable) -> Finding:
    unavailable = next(found for found in read if isinstance(found, Unavailable))
    return view.unknown(tenant, "as in the primary region", unavailable, tenant)
