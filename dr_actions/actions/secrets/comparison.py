"""How the two regions' secrets relate to each other, and which of the DR region lead back to the primary (T18). Pure.

Only digests are compared: of each field as it is, and of each field after both regions' names of one thing are made
the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.shared import tenants_of
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import step_id
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import Content, Field, HiddenSecret, Secret


@dataclass(frozen=True, slots=True)
class SecretPair:
    """A secret in both regions, None where it is absent, and what may be known of its values."""

    name: str
    tenant: str | None
    here: Secret | None
    there: Secret | None
    value_here: Content | HiddenSecret | None
    value_there: Content | HiddenSecret | None


def pairs(context: PlanContext) -> Iterator[SecretPair]:
    """The estate's secrets of the tenants in question. ``here`` is the primary. Raises DataUnavailable."""
    here, there = (_status(context, side) for side in (Side.PRIMARY, Side.DR))
    values_here, values_there = (_values(context, side) for side in (Side.PRIMARY, Side.DR))
    for name, tenant in sorted(selected_secrets(context).items()):
        yield SecretPair(name, tenant, here.get(name), there.get(name), values_here.get(name), values_there.get(name))


def pair(context: PlanContext, name: str) -> SecretPair:
    """The secret of that name in both regions. Raises DataUnavailable where a region, or a value of it, is unseen."""
    here, there = (_status(context, side).get(name) for side in (Side.PRIMARY, Side.DR))
    value_here, value_there = (_values(context, side).get(name) for side in (Side.PRIMARY, Side.DR))
    # A step must not go on a value that was not read: as None it would count as one that is absent.
    for value in (value_here, value_there):
        if isinstance(value, HiddenSecret):
            raise DataUnavailable(value.unseen)
    return SecretPair(name, None, here, there, value_here, value_there)


def differing_fields(secret_pair: SecretPair, renamed: bool) -> tuple[str, ...]:
    """The names of the fields by which the primary's secret does not say what the DR region's says, each of its region.

    ``renamed``: the DR region's database has another name than the estate's there, so that no rule makes hosts of one
    thing one. Empty where either value is not there or not readable: then nothing is to be overwritten.
    """
    if not isinstance(secret_pair.value_here, Content) or not isinstance(secret_pair.value_there, Content):
        return ()
    # A replica has the primary's value, if late: nothing in it is the DR region's own.
    if not comparable(secret_pair) or (secret_pair.there and secret_pair.there.replica_of):
        return ()
    mine, its = _fields(secret_pair.value_here), _fields(secret_pair.value_there)
    names = sorted(mine.keys() | its.keys())
    return tuple(name for name in names if not _alike(mine.get(name), its.get(name), renamed))


def is_renamed(context: PlanContext) -> bool:
    """Whether the DR region's database has another name than the estate's own there. Raises DataUnavailable."""
    source = failback.writer(context)
    return source is not None and source.identifier != failback.own_name(context, Side.DR)


def comparable(secret_pair: SecretPair) -> bool:
    """Whether both values could be read."""
    values = (secret_pair.value_here, secret_pair.value_there)
    return all(isinstance(value, Content) and not value.failure for value in values)


def fields_to_dr(secret_pair: SecretPair) -> tuple[str, ...]:
    """Return the names of the primary's fields that point to the DR region and can be pointed back."""
    value = secret_pair.value_here
    return tuple(f.name for f in value.fields if f.movable_home) if isinstance(value, Content) else ()


def was_replica(context: PlanContext, name: str) -> bool:
    """Whether the failover made a replica of that name a secret of its own."""
    return step_id("secrets/promote_replicas", name) in context.recorded


def _alike(mine: Field | None, its: Field | None, renamed: bool) -> bool:
    if mine is None or its is None:
        return False
    if mine.neutral == its.neutral:
        return True
    # a replica's own name gives a host that is no other's in the other region
    return renamed and its.names_dr and mine.names_primary and not mine.names_dr


def _status(context: PlanContext, side: Side) -> dict[str, Secret]:
    return {
        secret.name: secret
        for secret in context.snapshot.get(readers_secretsmanager.secrets, side)
        # A secret that is marked for deletion is read by nobody until it is restored.
        if secret.deleted_at is None
    }


def _values(context: PlanContext, side: Side) -> dict[str, Content | HiddenSecret]:
    return {content.name: content for content in context.snapshot.get(readers_secretsmanager.contents, side)}


def _fields(content: Content) -> dict[str, Field]:
    return {field.name: field for field in content.fields}


@dataclass(frozen=True, slots=True)
class MovableSecret:
    """A secret of the DR region, and the names of its fields that can be made to name the DR region."""

    secret: Secret
    tenant: str | None
    fields: tuple[str, ...]


def selected_secrets(context: PlanContext) -> dict[str, str | None]:
    """The secrets in question, with their tenants; the master credentials have none. Raises DataUnavailable."""
    names = context.env.names
    found: dict[str, str | None] = {context.env.named(names.master_secret): None}
    return found | {context.env.named(names.tenant_secret, tenant=row.id): row.id for row in tenants_of(context)}


def movable_secrets(context: PlanContext) -> Iterator[MovableSecret]:
    """Secrets with fields to move. Raises DataUnavailable where the region's secrets are unseen."""
    contents = {content.name: content for content in context.snapshot.get(readers_secretsmanager.contents, Side.DR)}
    tenants_by_secret = selected_secrets(context)
    for secret in context.snapshot.get(readers_secretsmanager.secrets, Side.DR):
        fields = movable(contents.get(secret.name))
        # By the naming rule alone: a secret of another team that names the region is not this tool's to change.
        if secret.name in tenants_by_secret and secret.deleted_at is None and fields:
            yield MovableSecret(secret, tenants_by_secret[secret.name], fields)


def movable(content: Content | HiddenSecret | None) -> tuple[str, ...]:
    """The names of the fields that can be moved; none of a value that could not be read."""
    if not isinstance(content, Content):
        return ()
    return tuple(field.name for field in content.fields if field.movable)


def dr_secret(step_subject: str, context: PlanContext) -> tuple[Secret | None, Content | HiddenSecret | None]:
    """The DR region's secret of that name, and what may be known of its value. Raises DataUnavailable."""
    standing = context.snapshot.get(readers_secretsmanager.secrets, Side.DR)
    contents = context.snapshot.get(readers_secretsmanager.contents, Side.DR)
    secret = next((row for row in standing if row.name == step_subject and row.deleted_at is None), None)
    return secret, next((content for content in contents if content.name == step_subject), None)


def database(context: PlanContext) -> str:
    """The database that the secrets are to lead to; "" where none is recovered. Raises DataUnavailable."""
    choice = copy_selection.choose(context)
    return choice.identifier if choice else ""


def notes(context: PlanContext) -> Iterator[str]:
    """Values that could not be read, and secrets for which no database is there to lead to."""
    try:
        contents = context.snapshot.get(readers_secretsmanager.contents, Side.DR)
        tenants_by_secret, moving, goal = selected_secrets(context), list(movable_secrets(context)), database(context)
    except DataUnavailable as error:
        yield f"Whether a secret leads back to the primary region is not known: {error.unavailable.why}"
        return
    if moving and not goal:
        # The first alone is named: the cause is one, and the remedy is the database.
        yield f"{moving[0].secret.name} leads to the primary's database, but none is recovered to lead it to."
    for content in sorted(contents, key=lambda secret_content: secret_content.name):
        if content.name in tenants_by_secret and isinstance(content, HiddenSecret):
            yield f"Whether {content.name} leads back to the primary region is not known: {content.unseen.why}"


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Values that name the primary region in a way this tool does not rewrite. Raises DataUnavailable."""
    tenants_by_secret = selected_secrets(context)
    contents = context.snapshot.get(readers_secretsmanager.contents, Side.DR)
    for content in sorted(contents, key=lambda found: found.name):
        if content.name not in tenants_by_secret or isinstance(content, HiddenSecret):
            continue
        left = [field.name for field in content.fields if field.names_primary and not field.movable]
        if left:
            yield (
                f"{content.name} names {context.env.regions.primary} in {', '.join(left)} in a way that this tool does "
                "not rewrite: only the database's endpoint and ARNs of replicated secrets and keys. Change it by hand."
            )
