"""Which secrets of the DR region lead back to the primary region, and what of that can be moved (T18). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_actions.actions.common.unseen_handling import tenants_of
from dr_actions.actions.database import copy_selection
from dr_actions.model.action import Sight
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.secretsmanager import Content, Hidden, Secret


@dataclass(frozen=True, slots=True)
class Leading:
    """A secret of the DR region, and the names of its fields that can be made to name the DR region."""

    secret: Secret
    tenant: str | None
    fields: tuple[str, ...]


def wanted(sight: Sight) -> dict[str, str | None]:
    """The secrets in question, with their tenants; the master credentials have none. Raises CannotSee."""
    names = sight.env.names
    found: dict[str, str | None] = {sight.env.named(names.master_secret): None}
    return found | {sight.env.named(names.tenant_secret, tenant=tenant.id): tenant.id for tenant in tenants_of(sight)}


def leading(sight: Sight) -> Iterator[Leading]:
    """Secrets with fields to move. Raises CannotSee where the region's secrets are unseen."""
    contents = {content.name: content for content in sight.snapshot.get(readers_secretsmanager.contents, Side.DR)}
    tenants_by_secret = wanted(sight)
    for secret in sight.snapshot.get(readers_secretsmanager.secrets, Side.DR):
        fields = movable(contents.get(secret.name))
        if secret.name in tenants_by_secret and secret.deleted_at is None and fields:
            yield Leading(secret, tenants_by_secret[secret.name], fields)


def movable(content: Content | Hidden | None) -> tuple[str, ...]:
    """The names of the fields that can be moved; none of a value that could not be read."""
    if not isinstance(content, Content):
        return ()
    return tuple(field.name for field in content.fields if field.movable)


def seen(step_subject: str, sight: Sight) -> tuple[Secret | None, Content | Hidden | None]:
    """The DR region's secret of that name, and what may be known of its value. Raises CannotSee."""
    standing = sight.snapshot.get(readers_secretsmanager.secrets, Side.DR)
    contents = sight.snapshot.get(readers_secretsmanager.contents, Side.DR)
    secret = next(
        (
            secretsmanager_secret
            for secretsmanager_secret in standing
            if secretsmanager_secret.name == step_subject and secretsmanager_secret.deleted_at is None
        ),
        None,
    )
    return secret, next((content for content in contents if content.name == step_subject), None)


def database(sight: Sight) -> str:
    """The identifier of the database that the secrets are to lead to; "" where none is recovered. Raises CannotSee."""
    choice = copy_selection.choose(sight)
    return choice.identifier if choice else ""


def notes(sight: Sight) -> Iterator[str]:
    """Values that could not be read, and secrets for which no database is there to lead to."""
    try:
        contents = sight.snapshot.get(readers_secretsmanager.contents, Side.DR)
        tenants_by_secret, moving, goal = wanted(sight), list(leading(sight)), database(sight)
    except CannotSee as dark:
        yield f"Whether a secret leads back to the primary region is not known: {dark.unseen.why}"
        return
    if moving and not goal:
        yield f"{moving[0].secret.name} leads to the primary's database, but none is recovered to lead it to."
    for content in sorted(contents, key=lambda secret_content: secret_content.name):
        if content.name in tenants_by_secret and isinstance(content, Hidden):
            yield f"Whether {content.name} leads back to the primary region is not known: {content.unseen.why}"


def leaves(sight: Sight) -> Iterator[str]:
    """Values that name the primary region in a way this tool does not rewrite. Raises CannotSee."""
    tenants_by_secret = wanted(sight)
    contents = sight.snapshot.get(readers_secretsmanager.contents, Side.DR)
    for content in sorted(contents, key=lambda found: found.name):
        if content.name not in tenants_by_secret or isinstance(content, Hidden):
            continue
        left = [field.name for field in content.fields if field.names_primary and not field.movable]
        if left:
            yield (
                f"{content.name} names {sight.env.regions.primary} in {', '.join(left)} in a way that this tool does "
                "not rewrite: only the database's endpoint and ARNs of replicated secrets and keys. Change it by hand."
            )
