"""Checks of what the DR region's containers are started with: each secret and parameter exists, by its very ARN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import psql_definition, tenant_definitions
from dr_estate.model.ecs_settings import SecretSource, by_named_arn, source_of
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, secretsmanager, task_sources

_WANTED = "each exists in the region"
_FILES_GIVEN = ("environmentFiles", "given")  # that there are some, where they were not read by name


@check("every secret and parameter that task definitions of the DR region name exists there, with the field they read")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T18", "SecretReplicaInSync", "REL13-BP02", "NIST CP-7")
def exist(view: View) -> Iterator[Finding]:
    """A source that is absent, or a JSON key or version that its secret has not, ends the task:
    ResourceInitializationError.

    Those of the primary region are definitions.primary-region-names' matter. Versions without a label are not listed.
    Source: ListSecrets, DescribeParameters.
    """
    found = tenant_definitions(view)
    there = _Sources(view, view.get(task_sources.sources)) if found else None
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable) or there is None:
            yield view.unknown(tenant, _WANTED, mine if isinstance(mine, Unavailable) else "not read", tenant)
        else:
            yield _existence(view, mine, there, tenant)
    if not found:
        yield view.none_expected("all task definitions", "no service exists on both sides: see ecs.service-exists")
    elif there and (psql := psql_definition(view)):
        yield _existence(view, psql, there, None)


def _existence(view: View, mine: ecs.TaskDefinition, there: _Sources, tenant: str | None) -> Finding:
    """Of a tenant's definition, or of names.psql_task, by which no visitor is served: there a lack is a warning."""
    lost = [flaw for name, source in _sources(mine) if (flaw := _flaw(view, name, source, there))]
    foreign = [name for name, source in _sources(mine) if source.account not in ("", view.env.account)]
    elsewhere = [
        f"{name} comes from {source.region}"
        for name, source in _sources(mine)
        if source.region not in ("", view.env.regions.dr, view.env.regions.primary)
    ]
    unlisted = [name for name, source in _sources(mine) if _is_unlisted(source, there)]
    if lost:
        reason = "its tasks fail to start: ResourceInitializationError"
        remedy = f"aws_ecs_task_definition '{mine.family}' in {view.region}: valueFrom of what exists there."
        return (view.gap if tenant else view.warn)(mine.family, "; ".join(lost), _WANTED, reason, remedy, tenant)
    if foreign:
        return view.unknown(mine.family, _WANTED, f"{', '.join(foreign)} come from another account.", tenant)
    if elsewhere:
        reason = f"{'; '.join(elsewhere)}: neither region of this environment, and not read."
        return view.unknown(mine.family, _WANTED, reason, tenant)
    if unlisted:
        reason = f"{', '.join(unlisted)}: of a version without a label, which AWS may delete and does not list."
        return view.unknown(mine.family, _WANTED, reason, tenant)
    return view.ok(mine.family, "all there", _WANTED, "its containers get what they are started with", tenant)


def _sources(definition: ecs.TaskDefinition) -> Iterator[tuple[str, SecretSource]]:
    yield from ((name, source_of(value)) for container in definition.containers for name, value in container.sources)


class _Sources:
    """What exists in the region, by what a task definition may name."""

    def __init__(self, view: View, found: task_sources.TaskSources) -> None:
        contents = view.get(secretsmanager.contents)
        read = [row for row in contents if isinstance(row, secretsmanager.Content) and not row.failure]
        self.fields = {row.name: {field.name for field in row.fields} for row in read}
        self.parameters = frozenset(found.parameters)
        self.secrets = by_named_arn((arn, ()) for arn in found.secrets)
        self._stages = by_named_arn(found.stages)

    def stages(self, source: SecretSource) -> tuple[str, ...]:
        """The labels of the secret's versions; none where they are not known."""
        return next(iter(self._stages.get(source.arn, ())), ())


def _flaw(view: View, name: str, source: SecretSource, there: _Sources) -> str:
    """What is wrong with the source of the variable ``name``, "" where nothing is or nothing can be said."""
    if source.region not in ("", view.region) or source.account not in ("", view.env.account):
        return ""
    if not source.is_secret:
        return "" if source.name in there.parameters else f"{name}: no parameter {source.name}"
    if source.arn not in there.secrets:
        return f"{name}: no secret {source.arn}"
    if source.stage and (stages := there.stages(source)) and source.stage not in stages:
        return f"{name}: {source.name} has no version {source.stage}"
    # The current version alone was read: which fields another one has is not known.
    known = there.fields.get(source.name) if not (source.stage or source.version) else None
    return (
        f"{name}: {source.name} has no field {source.key}" if source.key and known and source.key not in known else ""
    )


def _is_unlisted(source: SecretSource, there: _Sources) -> bool:
    """Whether it names a version by an id that no label holds: ListSecrets does not list such versions."""
    stages = there.stages(source)
    return bool(source.version and stages) and source.version not in stages


@check("every file of variables that task definitions of the DR region name is there, outside the primary region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL13-BP02", "NIST CP-7")
def files_here(view: View) -> Iterator[Finding]:
    """The agent fetches environmentFiles before a container starts, and an ARN of S3 names no region.

    Source: ECS Developer Guide, "Pass environment variables"; HeadBucket, ListObjectsV2.
    """
    found, wanted = tenant_definitions(view), f"in {view.region}"
    named: dict[str, list[str]] = {}
    unseen = {tenant: why for tenant, mine in sorted(found.items()) if (why := _unseen_files(mine))}
    for tenant, why in unseen.items():
        yield view.unknown(tenant, wanted, why, tenant)
    for tenant, mine in sorted(found.items()):
        if tenant in unseen or isinstance(mine, Unavailable):
            continue
        if files := sorted({file for container in mine.containers for file in container.files}):
            named[tenant] = files
    rows = view.get(task_sources.file_buckets) if named else ()
    buckets = {row.name: row for row in rows if isinstance(row, task_sources.TaskBucket)}
    for unavailable in dict.fromkeys(row for row in rows if isinstance(row, Unavailable)):
        yield view.unknown("a bucket of variables", wanted, unavailable)
    for tenant, files in named.items():
        yield from _of_files(view, tenant, files, buckets)
    if not named and not unseen:
        yield view.none_expected("all task definitions", "no container reads a file of variables")


def _of_files(
    view: View, tenant: str, files: Sequence[str], buckets: Mapping[str, task_sources.TaskBucket]
) -> Iterator[Finding]:
    """What is said of a tenant's files of variables; nothing where a bucket of theirs was not seen."""
    family, wanted = view.env.named(view.env.names.task_family, tenant=tenant), f"in {view.region}"
    pairs = [(file, buckets.get(file.partition("/")[0])) for file in files]
    lost = {
        bucket.name: f"in {bucket.region}" if bucket.region else "absent"
        for _, bucket in pairs
        if bucket and bucket.region in ("", view.env.regions.primary)
    }
    absent = [file for file, bucket in pairs if bucket and file.partition("/")[2] in (bucket.absent or ())]
    measured = [*(f"{name} {place}" for name, place in sorted(lost.items())), *(f"no {file}" for file in absent)]
    if measured:
        only_away = not absent and all(bucket.region for _, bucket in pairs if bucket)
        when = " without the primary region" if only_away else ""
        reason = f"its tasks fail to start{when}: ResourceInitializationError"
        remedy = f"aws_ecs_task_definition '{family}' in {view.region}: environmentFiles of what is in a bucket there."
        yield view.gap(family, "; ".join(measured), wanted, reason, _files_put(remedy, absent), tenant)
    elif any(bucket and bucket.absent is None for _, bucket in pairs):
        yield view.unknown(family, wanted, "This evidence does not hold whether the files are there.", tenant)
    elif all(bucket for _, bucket in pairs):
        yield view.ok(family, ", ".join(files), wanted, "its containers get their variables here", tenant)


def _files_put(remedy: str, absent: Sequence[str]) -> str:
    return f"Upload {', '.join(absent)} as the primary region's tasks have it, or change {remedy}" if absent else remedy


def _unseen_files(mine: ecs.TaskDefinition | Unavailable) -> Unavailable | str:
    """Why it is not known which files of variables a definition names; "" where it is."""
    if isinstance(mine, Unavailable):
        return mine
    unread = any(_FILES_GIVEN in (row.settings or ()) and not row.files for row in mine.containers)
    return "This evidence does not hold which files of variables it reads." if unread else ""
