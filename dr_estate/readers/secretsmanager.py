"""Secrets Manager: secrets of each region, their versions, and digests of their values.

A value never leaves this module. Of each field only its name, a digest and whether it names a region are kept; the
digest is keyed with a random key of this process, so that evidence can be compared within itself and never guessed at.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_bytes
from string import ascii_lowercase, ascii_uppercase
from typing import Annotated, Any

from dr_estate.aws.errors import kind_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.kept_values import points
from dr_estate.model.references import arn_region, move_to_primary, moved_value, references, way_of
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.model.visible import document
from dr_estate.readers import ecs, rds
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import REGIONAL, ReadContext, Reader, part

VALUE_READS = frozenset({"secretsmanager:BatchGetSecretValue"})
FUNCTION_READS = frozenset({"lambda:GetFunctionConfiguration"})
_PROCESS_KEY = token_bytes(32)
# The most that BatchGetSecretValue takes (its API page, SecretIdList).
_SECRETS_A_CALL = 20
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
# Others that such a secret may name, as of replication or of monitoring, are not the administrator.
_WHOSE = "db|database|mysql|rds|master|admin|root|credentials"
_USER = re.compile(rf"^(?:(?:{_WHOSE})[._]?)?(?:user|username|user_name)$", re.IGNORECASE)
_HOST = re.compile(r"(?:^|[._])(?:host|hostname|host_name|endpoint)$", re.IGNORECASE)
_SCHEMA = re.compile(r"(?:^|[._])(?:dbname|db_name|database|database_name|schema)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret. ``replica_of`` is the region it is copied from, "" for one of its own; ``key`` "" is AWS's own key.

    ``stages`` are the labels and ids of its versions. ``rotated_by`` is the ARN of the function that rotates it, ""
    where none does. Policies may let roles in by ``tags``.
    """

    name: Annotated[str, At("Name", demanded=True)]
    arn: Annotated[str, At("ARN", demanded=True)]
    key: Annotated[str, At("KmsKeyId")]
    replica_of: str
    current_version: str
    changed_at: Annotated[datetime | None, At("LastChangedDate")]
    deleted_at: Annotated[datetime | None, At("DeletedDate")]
    stages: tuple[str, ...] = ()
    rotated_by: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a secret's value: nested names are joined by dots, a value that is no JSON is called (text).

    ``movable``: it names the primary region, and ``regional.moved`` would make it name the DR region alone;
    ``movable_home`` is the same the other way. ``neutral`` is the digest of what is left when both regions' names of
    the same thing are one: values of two regions with equal ones differ in nothing but the region.
    ``as_tenant`` is the digest of the value without the names of the secret's tenant.
    ``known`` is whether a tenant's schema is the one of the naming rule, None for other fields; ``of_another`` is
    whether it is that of another tenant's secret by the same rule.
    ``leads`` are the things of AWS, the private addresses and the hosts that a value which is no password names.
    """

    name: str
    digest: str
    names_primary: bool
    names_dr: bool
    movable: bool = False
    movable_home: bool = False
    neutral: str = ""
    as_tenant: str = ""
    empty: bool = False
    known: bool | None = None
    leads: tuple[str, ...] = ()
    of_another: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What may be known of a secret's current value; ``failure`` is AWS's error code where it cannot be decrypted.

    ``written_at`` is when that version was made.
    """

    name: str
    version: str
    fields: tuple[Field, ...]
    failure: str = ""
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UntriedValue:
    """A tenant's secret that was written after its newest task had started: ``fields`` are those that changed then."""

    name: str
    version: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RotationFunction:
    """A function that rotates secrets of the DR region, by its ARN, and whether it is there."""

    arn: str
    exists: bool


@dataclass(frozen=True, slots=True)
class MasterUser:
    """By field of the master credentials that names a user: whether it is the master user of the database here."""

    name: str
    fields: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class HiddenSecret:
    """A secret whose value this reader may not read, and why."""

    name: str
    unseen: Unavailable


def names_user(field: str) -> bool:
    """Whether a field of that name holds the user that logs in to the database."""
    return bool(_USER.search(field))


def tenant_of(env: Environment, name: str) -> str | None:
    """The tenant whose secret ``name`` is; None for the master credentials."""
    return env.tenant_of(env.names.tenant_secret, name)


@part(*REGIONAL, reads=frozenset({"secretsmanager:ListSecrets"}))
def secrets(context: ReadContext) -> tuple[Secret, ...]:
    """The estate's secrets, a hundred a call; those scheduled for deletion too. Source: ListSecrets."""
    master = context.env.named(context.env.names.master_secret)
    others = {context.env.named(name) for name in context.env.names.secrets}
    # What stands before the tenant: ListSecrets filters by how names begin (Secrets Manager API, Filter).
    prefix = context.env.named(context.env.names.tenant_secret, tenant="\0").partition("\0")[0]
    wanted = sorted({master, prefix, *others} - {""})
    filters = [{"Key": "name", "Values": wanted}] if prefix or not context.env.names.tenant_secret else []
    if not wanted:
        return ()
    rows = context.pages(
        "secretsmanager", "list_secrets", "SecretList", Filters=filters, IncludePlannedDeletion=True, MaxResults=100
    )
    whole = {master, *others}
    ours = [row for row in rows if row.get("Name") in whole or tenant_of(context.env, row.get("Name", ""))]
    return context.rows(ours, _secret, "Name")


@part(Side.DR, reads=FUNCTION_READS)
def rotation_functions(context: ReadContext) -> tuple[RotationFunction | Unavailable, ...]:
    """The functions of this region by which its own secrets are rotated: a call each, for a handful."""
    arns = {row.rotated_by for row in context.part(secrets) if row.rotated_by and not row.replica_of}
    here = sorted(arn for arn in arns if arn_region(arn) == context.region)

    def read(arn: str) -> RotationFunction:
        found = context.find("lambda", "get_function_configuration", ("ResourceNotFoundException",), FunctionName=arn)
        return RotationFunction(arn, found is not None)

    return tuple(context.maybe(read, here))


@part(*REGIONAL, reads=VALUE_READS)
def contents(context: ReadContext) -> tuple[Content | HiddenSecret, ...]:
    """What may be known of every value, twenty secrets a call, reduced here. Source: BatchGetSecretValue, T18."""
    wanted = [secret.name for secret in context.part(secrets) if secret.deleted_at is None]
    tenants = (tenant_of(context.env, name) for name in wanted)
    schemas = frozenset(context.env.named(context.env.names.tenant_schema, tenant=name) for name in tenants if name)

    def read(batch: Sequence[str]) -> list[Content | HiddenSecret]:
        answer = context.call("secretsmanager", "batch_get_secret_value", SecretIdList=list(batch))
        seen = context.rows(answer.get("SecretValues", []), lambda row: _content(context.env, row, schemas), "Name")
        return [*seen, *(_failed_content(context, row) for row in answer.get("Errors") or [])]

    return tuple(context.batches(read, wanted, _SECRETS_A_CALL))


@part(Side.PRIMARY, reads=frozenset({"secretsmanager:GetSecretValue"}))
def untried(context: ReadContext) -> tuple[UntriedValue, ...]:
    """Values that no running task was started with: tasks have the value of their start (T53).

    One call for each: the former version says what is another now, and a value that was written again is none; where
    it is not seen, all may be. Secrets that a function rotates are left out: it logs in before its value counts.
    """
    rotated = {row.name for row in context.part(secrets) if row.rotated_by}
    started: dict[str, datetime] = {}
    for task in context.part(ecs.tasks):
        if task.status == "RUNNING" and task.created_at:
            started[task.group] = max(started.get(task.group, task.created_at), task.created_at)

    def is_newer(row: Content) -> bool:
        service = context.env.named(context.env.names.service, tenant=tenant_of(context.env, row.name) or "")
        newest = started.get(ecs.GROUP_OF + service)
        return bool(row.written_at and newest and row.written_at >= newest) and row.name not in rotated

    def changes(row: Content) -> tuple[str, ...]:
        request = {"SecretId": row.name, "VersionStage": "AWSPREVIOUS"}
        found = context.find("secretsmanager", "get_secret_value", ("ResourceNotFoundException",), **request)
        if found is None:
            return tuple(field.name for field in row.fields)
        former = {name: _digest(name, value) for name, value in _flat(_value(found))}
        # What was added is nothing that a running task was started with.
        return tuple(field.name for field in row.fields if former.get(field.name, field.digest) != field.digest)

    rows = [row for row in context.part(contents) if isinstance(row, Content) and tenant_of(context.env, row.name)]
    newer = [row for row in rows if is_newer(row)]
    fields = zip(newer, context.maybe(changes, newer), strict=True)
    whole = {row.name: tuple(field.name for field in row.fields) for row in newer}
    return tuple(
        UntriedValue(row.name, row.version, whole[row.name] if isinstance(names, Unavailable) else names)
        for row, names in fields
    )


@part(Side.DR, reads=VALUE_READS)
def master_user(context: ReadContext) -> MasterUser | None:
    """The users that the master credentials name, compared with the database's: one call of their own.

    None where no copy of the database is here, or no such secret that can be decrypted. A part of its own: secrets of
    tenants wait for no database.
    """
    name = context.env.named(context.env.names.master_secret)
    databases = {context.env.database_on(side) for side in REGIONAL}
    users, unseen = set[str](), list[DataUnavailable]()
    copies: tuple[Reader[Any], ...] = (rds.instances, rds.automated_backups, rds.snapshots)
    for copy in copies:
        try:
            # Of snapshots none but the database's are read; their own names are others.
            own = [row for row in context.part(copy) if copy is rds.snapshots or row.identifier in databases]
            users |= {row.master_user for row in own if row.master_user}
        except DataUnavailable as error:
            unseen.append(error)
    if unseen and not users:
        raise unseen[0]
    if not users or all(secret.name != name or secret.deleted_at for secret in context.part(secrets)):
        return None
    answer = context.call("secretsmanager", "batch_get_secret_value", SecretIdList=[name])
    for failed in (_failed_content(context, row) for row in answer.get("Errors") or []):
        if isinstance(failed, HiddenSecret):
            raise DataUnavailable(failed.unseen)
    pairs = [pair for row in answer.get("SecretValues") or [] for pair in _flat(_value(row))]
    return MasterUser(name, tuple(sorted((field, value in users) for field, value in pairs if names_user(field))))


def _secret(row: dict[str, Any]) -> Secret:
    stages: dict[str, list[str]] = row.get("SecretVersionsToStages") or {}
    return read(
        Secret,
        row,
        # The original names its own region too, once it is replicated.
        replica_of=row.get("PrimaryRegion", "") if row.get("PrimaryRegion") != row["ARN"].split(":")[3] else "",
        current_version=next((version for version, labels in stages.items() if "AWSCURRENT" in labels), ""),
        stages=stages_of(row),
        rotated_by=row.get("RotationLambdaARN") or "" if row.get("RotationEnabled") else "",
        tags=tuple(sorted((tag.get("Key") or "", tag.get("Value") or "") for tag in row.get("Tags") or ())),
    )


def stages_of(row: dict[str, Any]) -> tuple[str, ...]:
    """The labels and ids by which a version of a secret can be named, as ListSecrets returns it."""
    stages: dict[str, list[str]] = row.get("SecretVersionsToStages") or {}
    return tuple(sorted({*stages, *(label for labels in stages.values() for label in labels)}))


def _failed_content(context: ReadContext, row: dict[str, Any]) -> Content | HiddenSecret:
    name, code = row.get("SecretId", ""), row.get("ErrorCode", "")
    if kind_of(code, 0) is UnavailableKind.DENIED:
        reason = f"secretsmanager:GetSecretValue in {context.region} is denied ({code}). Allow it for the reader role."
        return HiddenSecret(name, Unavailable(UnavailableKind.DENIED, reason, context.region, context.name))
    return Content(name, "", (), code or "unknown error")


def _content(env: Environment, row: dict[str, Any], schemas: Collection[str]) -> Content:
    """What may be known of a value; ``schemas`` are those of all tenants by the naming rule."""
    tenant = tenant_of(env, row["Name"]) or ""
    names = {tenant.lower(), tenant.lower().replace("-", "")} - {""}
    own = tuple(sorted(names, key=lambda name: (-len(name), name)))
    schema = env.named(env.names.tenant_schema, tenant=tenant)
    to_dr, to_primary = way_of(env), move_to_primary(env)
    primary, dr = to_dr.origin, to_dr.target
    found = list[Field]()
    for name, value in _flat(_value(row)):
        known = value == schema if tenant and _SCHEMA.search(name) else None
        away, home = moved_value(value, to_dr, ""), moved_value(value, to_primary, "")
        digest, neutral, of_tenant = (_digest(name, value), moved_value(home, to_dr, ""), without_names(value, own))
        field = Field(
            name=name,
            digest=digest,
            names_primary=primary in value,
            names_dr=dr in value,
            movable=primary in value and primary not in away,
            movable_home=dr in value and dr not in home,
            neutral=digest if neutral == value else _digest(name, neutral),
            as_tenant=digest if of_tenant == value else _digest(name, of_tenant),
            empty=not value,
            known=known,
            leads=tuple(row.written for row in references(value)) if points(name) else (),
        )
        found.append(replace(field, of_another=True) if known is False and value in schemas else field)
    fields = tuple(sorted(found, key=lambda field: field.name))
    return Content(row["Name"], row.get("VersionId", ""), fields, written_at=row.get("CreatedDate"))


def _value(row: dict[str, Any]) -> Any:
    if "SecretString" not in row:
        return {"(binary)": bytes(row.get("SecretBinary", b"")).hex()}
    try:
        value = document(row["SecretString"])
    except ValueError:
        return {"(text)": row["SecretString"]}
    return value if isinstance(value, (dict, list)) else {"(text)": row["SecretString"]}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{position}]")
    else:
        yield path, str(value)


def without_names(value: str, names: Sequence[str]) -> str:
    """``value`` with "{tenant}" for each of ``names`` that stands by itself, in capitals or not.

    A pattern for each of thousands of tenants would be compiled for each.
    """
    lower, done, parts = value.translate(_SMALL), 0, list[str]()  # lower() may change the length
    places = [place for name in names if (place := lower.find(name)) >= 0]
    while places:
        place = min(places)
        found = next((name for name in names if lower.startswith(name, place) and _is_apart(lower, place, name)), "")
        if found:
            parts += [value[done:place], "{tenant}"]
            done = place + len(found)
        start = place + (len(found) or 1)
        places = [place for name in names if (place := lower.find(name, start)) >= 0]
    return "".join([*parts, value[done:]])


def _is_apart(lower: str, place: int, name: str) -> bool:
    around = lower[max(place - 1, 0) : place], lower[place + len(name) : place + len(name) + 1]
    return not any(character.isascii() and character.isalnum() for character in around)


def _digest(name: str, value: str) -> str:
    # Names of hosts are the same in capitals (RFC 4343).
    value = value.lower() if _HOST.search(name) else value
    return hmac.digest(_PROCESS_KEY, f"{name}\0{value}".encode(), "sha256").hex()[:16]
