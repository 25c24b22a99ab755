"""Which secrets of the DR region lead back to the primary region, and what of that can be moved (T18). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.actions.common.unavailable_handling import tenants_of
from dr_actions.actions.database import copy_selection
from dr_actions.model.action import PlanContext
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import Content, HiddenSecret, Secret


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
    return found | {
        context.env.named(names.tenant_secret, tenant=tenant.id): tenant.id for tenant in tenants_of(context)
    }


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
    secret = next(
        (
            secretsmanager_secret
            for secretsmanager_secret in standing
            if secretsmanager_secret.name == step_subject and secretsmanager_secret.deleted_at is None
        ),
        None,
    )
    return secret, next((content for content in contents if content.name == step_subject), None)


def database(context: PlanContext) -> str:
    """The identifier of the database that the secrets are to lead to; "" where none is recovered.

    Raises DataUnavailable.
    """
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
