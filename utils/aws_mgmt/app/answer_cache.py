"""`status` of live AWS keeps what it need not ask again in the user's cache folder, by account.

A task definition revision never changes, and the policy of a secret that has not changed since is known that day (UTC).

A sandbox gives a revision's number to another revision after `mend`, and any other endpoint may do the same: their
answers are read again each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dr_estate.aws.immutable_answers import load
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.model.world_id import WorldId, WorldKind
from dr_estate.readers import ecs, secret_policies
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover
from utils.aws_mgmt.app.options import Options, StatusOptions, state_folder, version
from utils.aws_mgmt.app.target import ObservedWorld

# The tenants of the last good observation: the last source of who they are when both regions are dark.


def cached_tenants(environment: Environment, world: WorldId) -> tuple[str, ...]:
    """The tenant ids last seen in this environment and world; empty where nothing is remembered."""
    try:
        return tuple(json.loads(_file(environment, world).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return ()


def cache_tenants(snapshot: Snapshot, environment: Environment, world: WorldId) -> None:
    """Keep the tenants of ``snapshot`` where it could see them; a directory that cannot be written is no error."""
    try:
        tenants = [tenant.id for tenant in discover(snapshot, environment)]
    # A blind look keeps what a good one remembered: it is needed when both regions are dark.
    except DataUnavailable:
        return
    path = _file(environment, world)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tenants), encoding="utf-8")


def _file(environment: Environment, world: WorldId) -> Path:
    return state_folder() / f"tenants-{environment.name}-{world.folder}.json"


@contextlib.contextmanager
def answer_memory(options: Options, environment: Environment, world: ObservedWorld) -> Iterator[ObservedWorld]:
    """The world with the answers that are known of it; what it answers besides is known from then on.

    What prepares a change of AWS looks at AWS alone: only `status` is given any.
    """
    if not isinstance(options, StatusOptions) or options.no_cache or world.id.kind is not WorldKind.LIVE:
        yield world
        return
    path, maker = cache_file(environment), _maker()
    answers = load(path, maker)
    yield replace(world, credentials=replace(world.credentials, immutable=answers))
    # Not reached where the look raised: what it had read so far is asked again.
    answers.save(path, maker)


def cache_notes(snapshot: Snapshot) -> tuple[str, ...]:
    """The sentence on what was not asked for; none where everything was."""
    revisions, policies = snapshot.cached_arns(ecs.task_definitions), snapshot.cached_arns(secret_policies.policies)
    kinds = [
        *([f"{len(revisions)} task definition revisions, which cannot change,"] if revisions else []),
        *([f"{len(policies)} policies of secrets that have not changed since"] if policies else []),
    ]
    return (f"{' and '.join(kinds)} are those of an earlier look. Read them too: status --no-cache.",) if kinds else ()


def cache_file(environment: Environment) -> Path:
    """Where the answers of the environment's account lie. It may be deleted at any time."""
    from platformdirs import user_cache_path

    return user_cache_path("aws-dr-manager") / environment.account / f"{environment.name}.json"


def _maker() -> str:
    """This version, and how it reads what is cached: what another one made of an answer does not count."""
    readers = b"".join(Path(str(module.__file__)).read_bytes() for module in (ecs, secret_policies))
    return f"{version()} {hashlib.sha256(readers).hexdigest()[:16]}"
