"""Checks of what variables, their files and secrets of the DR region lead to: what is alike for all may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import may_read, tenant_definitions
from dr_checks.derived.reference_ends import End, ReferenceEnds
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import source_of
from dr_estate.model.references import Reference, ReferenceKind, references
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, named_resources, s3, secretsmanager, ssm_parameters
from dr_estate.readers.named_resources import FileVariable
from dr_estate.readers.secretsmanager import Content, HiddenSecret
from dr_estate.snapshot.tenants import is_chosen

_WANTED = "something of the DR region"
_LOST = "its tasks would start here, and then depend on the lost region"


@dataclass(frozen=True, slots=True)
class _NamedReference:
    """A reference, by the variable or field that has it. ``alike``: the primary region's has the same text.

    ``read``: a container is started with it, as far as is seen.
    """

    by: str
    reference: Reference
    alike: bool | Unavailable
    read: bool = True

    def __str__(self) -> str:
        return f"{self.by} names the {self.reference.kind} {self.reference.written}"


@check(
    "everything that variables and secrets of the DR region lead to is there, and nothing of it in the primary region"
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T18", "SecretRegionalFields", "REL13-BP02", "REL13-BP04", "NIST CP-7")
def lead_here(view: View) -> Iterator[Finding]:
    """Each host, address, ARN, URL and id is followed: region by long and short code, an address by its VPC's block.

    What all tenants have alike is followed as well as what one has. What bears the primary region's full name is
    definitions.primary-region-names' and secrets.regional-fields' matter, its buckets variables.buckets', endpoints of
    databases in variables variables.database-host's. A host of the internet that both regions name alike leads to no
    region. A kind of AWS that is not looked up is UNKNOWN. Sources: T18, DescribeTaskDefinition.
    """
    ends, found = ReferenceEnds(view), tenant_definitions(view)
    there = _primary_definitions(view)
    for tenant, mine in sorted(found.items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, _WANTED, mine, tenant)
        else:
            named = list(_of_definition(view, mine, there.get(tenant)))
            remedy = f"aws_ecs_task_definition '{mine.family}' in {view.region}: the names of this region."
            yield _reference_finding(view, ends, mine.family, named, remedy, tenant)
    yield from _of_secrets(view, ends, found)
    yield from _of_parameters(view, ends, found)
    yield from _of_files(view, ends, found)
    if not found:
        yield view.none_expected("all task definitions", "no service exists on both sides: see ecs.service-exists")


def _reference_finding(
    view: View, ends: ReferenceEnds, subject: str, named: list[_NamedReference], remedy: str, tenant: str | None
) -> Finding:
    reached = [(row, ends.end_of(row.reference, alike=row.alike)) for row in named]
    away = [row for row, end in reached if end is End.PRIMARY]
    absent = [row for row, end in reached if end is End.ABSENT and row.read]
    lost = [row for row, end in reached if end is End.NOWHERE or (end is End.ABSENT and not row.read)]
    unseen = next((end for _, end in reached if isinstance(end, Unavailable)), None)
    if any(row.read for row in away):
        return view.gap(subject, "; ".join(map(str, away)), _WANTED, _LOST, remedy, tenant)
    if absent:
        reason = "the private zone of the VPC answers for that name, and has no record of it: no task finds it"
        return view.gap(subject, "; ".join(map(str, absent)), _WANTED, reason, remedy, tenant)
    if unseen:
        return view.unknown(subject, _WANTED, unseen, tenant)
    if lost:
        named_here = "; ".join(map(str, lost))
        reason = f"{named_here}: nothing of that name was found in {view.region}, or it is of a kind that is not read."
        found = view.unknown(subject, _WANTED, reason, tenant)
        return replace(found, remedy=f"{remedy} If it leads where it should, accept this finding by an exception.")
    if away:
        reason = "no container is started with it, but an application may read it by itself"
        return view.warn(subject, "; ".join(map(str, away)), _WANTED, reason, remedy, tenant)
    measured = ", ".join(sorted({row.reference.written for row in named})) or "nothing"
    return view.ok(subject, measured, _WANTED, "each leads to something there, or to no region", tenant)


def _of_definition(
    view: View, definition: ecs.TaskDefinition, theirs: ecs.TaskDefinition | Unavailable | None
) -> Iterator[_NamedReference]:
    """What its variables lead to, without what other checks of variables follow."""
    there: dict[tuple[str, str], set[str]] = {}
    for container in theirs.containers if isinstance(theirs, ecs.TaskDefinition) else ():
        for name, reference in container.references:
            there.setdefault((container.name, name), set()).add(reference.written)
    for container in definition.containers:
        values = dict(container.environment)
        for name, reference in container.references:
            is_kept = reference.written in values.get(name, "")
            if not (is_kept and _is_followed(view, reference)) and view.env.regions.primary not in reference.written:
                alike = reference.written in there.get((container.name, name), ())
                yield _NamedReference(name, reference, theirs if isinstance(theirs, Unavailable) else alike)


def _is_followed(view: View, reference: Reference) -> bool:
    """Whether variables.database-host or variables.buckets follows it where the value is kept."""
    if reference.kind is ReferenceKind.BUCKET:
        return reference.name in dict(s3.data_pairs(view.env))
    return reference.kind is ReferenceKind.DATABASE


def _primary_definitions(view: View) -> dict[str, ecs.TaskDefinition | Unavailable]:
    """By tenant what the primary region's service starts, or why it is not seen."""
    try:
        return tenant_definitions(view, Side.PRIMARY)
    except DataUnavailable as error:
        return dict.fromkeys((tenant.id for tenant in view.tenants), error.unavailable)


def _of_secrets(
    view: View, ends: ReferenceEnds, definitions: dict[str, ecs.TaskDefinition | Unavailable]
) -> Iterator[Finding]:
    """The estate's own secrets, whose values were read; those that were not are secrets.decryptable's matter."""
    here, there, unseen = _contents(view, Side.DR), dict[str, Content](), None
    try:
        there = _contents(view, Side.PRIMARY)
    except DataUnavailable as error:
        unseen = error.unavailable
    for name, content in sorted(here.items()):
        tenant = secretsmanager.tenant_of(view.env, name)
        if tenant is not None and not is_chosen(tenant, view.only_tenants):
            continue
        digests = {field.name: field.digest for field in there[name].fields} if name in there else {}
        named = [
            _NamedReference(
                by=field.name,
                reference=reference,
                alike=unseen or digests.get(field.name) == field.digest,
                read=may_read(definitions.get(tenant or ""), name, field.name),
            )
            for field in content.fields
            for written in field.leads
            for reference in references(written)
            if view.env.regions.primary not in written
        ]
        if named:
            remedy = f"aws_secretsmanager_secret_version of {name}: a name that each region resolves by itself."
            yield _reference_finding(view, ends, name, named, remedy, tenant)


def _of_parameters(
    view: View, ends: ReferenceEnds, definitions: dict[str, ecs.TaskDefinition | Unavailable]
) -> Iterator[Finding]:
    """The environment's parameters that are not encrypted, as far as a container is started with them.

    Of others, which are Terraform's as often as an application's, what leads to the primary region is a warning.
    """
    started = {
        source_of(value).name
        for row in definitions.values()
        for container in (row.containers if isinstance(row, ecs.TaskDefinition) else ())
        for _, value in container.sources
    }
    try:
        there = {row.name: row.neutral for row in view.get(ssm_parameters.parameters, Side.PRIMARY)}
        unseen = None
    except DataUnavailable as error:
        there, unseen = {}, error.unavailable
    for found in view.get(ssm_parameters.parameters):
        alike = unseen or there.get(found.name) == found.neutral
        rows = [row for written in found.leads if not found.names_primary for row in references(written)]
        is_read = found.name in started
        followed = [row for row in rows if is_read or ends.end_of(row, alike=alike) is End.PRIMARY]
        named = [_NamedReference("its value", row, alike, is_read) for row in followed]
        if named:
            remedy = f"aws_ssm_parameter '{found.name}' in {view.region}: a name of this region."
            yield _reference_finding(view, ends, found.name, named, remedy, None)


def _of_files(
    view: View, ends: ReferenceEnds, definitions: dict[str, ecs.TaskDefinition | Unavailable]
) -> Iterator[Finding]:
    """The files of variables that its containers fetch; one that is not there is task-sources.files-here's matter."""
    named = {tenant: _files_of(row) for tenant, row in sorted(definitions.items())}
    if not any(named.values()):
        return
    there, unseen = _primary_variables(view)
    rows = view.get(named_resources.files)
    for unavailable in dict.fromkeys(row for row in rows if isinstance(row, Unavailable)):
        yield view.unknown("a file of variables", _WANTED, unavailable)
    for row in rows:
        if isinstance(row, Unavailable) or not row.variables:
            continue
        tenants = [tenant for tenant, files in named.items() if row.name in files]
        found = [
            _NamedReference(variable.name, reference, unseen or variable.neutral in there.get(variable.name, ()))
            for variable in row.variables
            for reference in _references_of(view, variable)
        ]
        remedy = f"aws_s3_object {row.name}: the names of {view.region}, or another file for it."
        if tenants and found:
            yield _reference_finding(view, ends, row.name, found, remedy, tenants[0] if len(tenants) == 1 else None)


def _files_of(row: ecs.TaskDefinition | Unavailable) -> frozenset[str]:
    containers = row.containers if isinstance(row, ecs.TaskDefinition) else ()
    return frozenset(file for container in containers for file in container.files)


def _references_of(view: View, variable: FileVariable) -> Iterator[Reference]:
    """What the variable leads to; a region's bare name too, which is no reference elsewhere."""
    found = [reference for written in variable.leads for reference in references(written)]
    yield from found
    primary = view.env.regions.primary
    if variable.names_primary and not any(reference.is_in(primary) for reference in found):
        yield Reference(ReferenceKind.SERVICE, primary, primary, primary)


def _primary_variables(view: View) -> tuple[dict[str, set[str]], Unavailable | None]:
    """The values of each variable of the primary region's files, as digests, and why not all of them are seen."""
    values, unseen = dict[str, set[str]](), None
    try:
        rows = view.get(named_resources.files, Side.PRIMARY)
    except DataUnavailable as error:
        return values, error.unavailable
    for row in rows:
        if isinstance(row, Unavailable):
            unseen = unseen or row
            continue
        for variable in row.variables or ():
            values.setdefault(variable.name, set()).add(variable.neutral)
    return values, unseen


def _contents(view: View, side: Side) -> dict[str, Content]:
    rows: tuple[Content | HiddenSecret, ...] = view.get(secretsmanager.contents, side)
    master = view.env.named(view.env.names.master_secret)
    ours = (row for row in rows if row.name == master or secretsmanager.tenant_of(view.env, row.name))
    return {row.name: row for row in ours if isinstance(row, Content)}
