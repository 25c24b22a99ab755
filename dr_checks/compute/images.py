"""Checks, by digest, that the DR region starts the image that the primary region runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import psql_definition, tenant_definitions, tenant_services
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, available
from dr_estate.readers import ecr, ecs

Digests = dict[str, str]
_Repositories = dict[tuple[str, str], ecr.Repository]


@check("every tenant's task definition in the DR region starts the image that the primary region runs")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("T21", "EcsTaskDefFamilyParity", "EcrDigestPresent", "REL13-BP04")
def parity(view: View) -> Iterator[Finding]:
    """The DR definition's digest runs in the primary region, or is what the primary's definition means.

    Of a registry that is not ECR's no digest is read: the image is named as the primary's is. One in the place of an
    image of ECR is another program, as far as anybody here knows. Source: T21.
    """
    primary, here = tenant_definitions(view, Side.PRIMARY), tenant_definitions(view)
    running, there, mine = _digests_in_use(view), _by_account(view, Side.PRIMARY), _by_account(view, Side.DR)
    findings: list[Finding] = []
    for tenant, service in tenant_services(view):
        left, right = primary.get(tenant.id), here[tenant.id]
        if isinstance(left, Unavailable):
            findings.append(view.unknown(tenant.id, "the same image", left, tenant.id))
        elif isinstance(right, Unavailable):
            findings.append(view.unknown(tenant.id, "the same image", right, tenant.id))
        elif left is not None:
            theirs, alive = _digests_of(left, there), running.get(service.name, {})
            findings += _image_findings(view, tenant.id, right.family, _digests_of(right, mine), theirs, alive)
            findings += _foreign_image_findings(view, tenant.id, left, right)
    yield from findings
    if not findings:
        yield view.none_expected("all task definitions", "nothing to compare: see ecr.digest-present")


@check("every image that task definitions of the DR region name is in the registry they pull it from")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T21", "EcsImagePullableInRegion", "EcrDigestPresent", "REL13-BP02")
def present(view: View) -> Iterator[Finding]:
    """The tag or digest of each ECR image is in its repository of the DR region: else CannotPullContainerError.

    A repository that is absent is ecr.repository-exists' matter; what registries outside the region hold is not read.
    Source: DescribeTaskDefinition, DescribeImages.
    """
    found, repositories = tenant_definitions(view), _by_account(view, Side.DR)
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, "present", mine, tenant)
        else:
            yield _presence(view, mine, repositories, tenant)
    if not found:
        yield view.none_expected("all task definitions", "no service exists on both sides: see ecs.service-exists")
    if psql := psql_definition(view):
        yield _presence(view, psql, repositories, None)
    elif family := view.env.named(view.env.names.psql_task):
        reason = "no task of it starts, so no marker is written, and a restore test counts nothing"
        yield view.warn(family, "absent", "an active revision", reason, f"Apply aws_ecs_task_definition '{family}'.")


def _presence(view: View, mine: ecs.TaskDefinition, repositories: _Repositories, tenant: str | None) -> Finding:
    """Of a tenant's definition, or of names.psql_task, by which no visitor is served: there a lack is a warning."""
    images = {container.image: ecr.image_ref(container.image) for container in mine.containers}
    pulled = {image: (ref, repositories.get((ref.account, ref.repository))) for image, ref in images.items()}
    here = {
        image: (ref, row)
        for image, (ref, row) in pulled.items()
        if ref.region == view.region and row and row.images is not None
    }
    dark = next((row.images for _, row in here.values() if isinstance(row.images, Unavailable)), None)
    absent = [image for image, (ref, row) in here.items() if not row.digest_of(ref)]
    if dark:
        return view.unknown(mine.family, "present", dark, tenant)
    if absent:
        reason = "its tasks fail to start: CannotPullContainerError"
        remedy = f"Push it there, or register aws_ecs_task_definition '{mine.family}' with an image that is there."
        judge = view.gap if tenant else view.warn
        return judge(mine.family, f"absent: {', '.join(absent)}", "present", reason, remedy, tenant)
    if here:
        return view.ok(mine.family, ", ".join(here), "present", "its images can be pulled", tenant)
    reason = f"none of its images is of a repository that was read in {view.region}: {', '.join(images)}"
    return view.none_expected(mine.family, reason)


def _image_findings(
    view: View, tenant: str, family: str, mine: Digests, theirs: Digests, running: dict[str, set[str]]
) -> list[Finding]:
    common = sorted(name for name in mine if name in theirs or name in running)
    wrong = [n for n in common if mine[n] not in running.get(n, set()) and mine[n] != theirs.get(n)]
    measured = ", ".join(f"{n} {mine[n]}" for n in wrong or common)
    if wrong:
        wanted = ", ".join(f"{n} {' or '.join(sorted(running.get(n) or {theirs[n]}))}" for n in wrong)
        reason = "the failover would start a different release than the one that serves today"
        remedy = f"Register aws_ecs_task_definition '{family}' in {view.region} with that digest."
        return [view.gap(family, measured, wanted, reason, remedy, tenant)]
    if common:
        return [view.ok(family, measured, "the primary's image", "the same image starts here", tenant)]
    return []


def digests_in_use(view: View) -> set[tuple[str, str]]:
    """(repository, digest) of the primary region's images: of running tasks, else what their definitions mean.

    Raises DataUnavailable where a definition, or the tasks, could not be seen.
    """
    found: set[tuple[str, str]] = set()
    running, there = _digests_in_use(view), _by_account(view, Side.PRIMARY)
    definitions = tenant_definitions(view, Side.PRIMARY)
    for tenant, service in tenant_services(view, Side.PRIMARY):
        definition = available(definitions[tenant.id])
        resolved = _digests_of(definition, there)
        for container in definition.containers:
            ref = ecr.image_ref(container.image)
            digests = running.get(service.name, {}).get(container.name) or {resolved.get(container.name, "")}
            found |= {(ref.repository, digest) for digest in digests if ref.region and digest}
    return found


def by_name(view: View, side: Side) -> dict[str, ecr.Repository]:
    """The account's own repositories on the side, by name. Raises DataUnavailable."""
    return {name: row for (account, name), row in _by_account(view, side).items() if account == view.env.account}


def _by_account(view: View, side: Side) -> _Repositories:
    """The side's repositories by account and name: two accounts may have one of the same name."""
    return {(repository.account, repository.name): repository for repository in view.get(ecr.repositories, side)}


def _foreign_image_findings(
    view: View, tenant: str, left: ecs.TaskDefinition, right: ecs.TaskDefinition
) -> Iterator[Finding]:
    """Images of registries that are not ECR's: each is the one that the primary's container of that name names."""
    theirs = {container.name: container.image for container in left.containers}
    foreign = [c for c in right.containers if c.name in theirs and not ecr.image_ref(c.image).region]
    changed = [c for c in foreign if c.image != theirs[c.name] and not _same_digest(c.image, theirs[c.name])]
    for container in changed:
        reason = "nobody here keeps that image, nor knows that it is the release that serves today"
        remedy = f"Register aws_ecs_task_definition '{right.family}' in {view.region} with the image of its registry."
        wanted = f"{container.name} {theirs[container.name]}"
        strange = bool(ecr.image_ref(theirs[container.name]).region)
        measured = f"{container.name} {container.image}"
        yield view.gap(right.family, measured, wanted, reason, remedy, tenant, stops=strange)
    for container in (c for c in foreign if c not in changed):
        measured = f"{container.name} {container.image}"
        yield view.ok(right.family, measured, "the primary's image", "named alike in both regions", tenant)


def _same_digest(here: str, there: str) -> bool:
    digest = ecr.image_ref(here).digest
    return bool(digest) and digest == ecr.image_ref(there).digest


def _digests_in_use(view: View) -> dict[str, dict[str, set[str]]]:
    """The digests that run in the primary region, by service and container."""
    found: dict[str, dict[str, set[str]]] = {}
    for task in view.get(ecs.tasks, Side.PRIMARY):
        for container, digest in task.images:
            # A pending task has no digest yet, and one that stopped may be of the release before.
            if digest and task.status == "RUNNING":
                # ECS names the group of a service's task service:NAME; one that was started alone is of family:NAME.
                containers = found.setdefault(task.group.removeprefix("service:"), {})
                containers.setdefault(container, set()).add(digest)
    return found


def _digests_of(definition: ecs.TaskDefinition, repositories: _Repositories) -> Digests:
    """The digest of each container's ECR image, where the reference or its registry has it."""
    found: Digests = {}
    for container in definition.containers:
        ref = ecr.image_ref(container.image)
        repository = repositories.get((ref.account, ref.repository))
        # A tag is what it points to now: tasks that run may have been started of an earlier push.
        digest = ref.digest or (repository.digest_of(ref) if repository else None)
        if ref.region and digest:
            found[container.name] = digest
    return found
