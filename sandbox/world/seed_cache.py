"""Seeded worlds, kept on disk: the second start of the same world loads a snapshot instead of building it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import DrillSettings, Execution, Failback
from dr_estate.config.settings import ReadLimits
from dr_estate.model.engines import ENGINES, MYSQL
from sandbox.client.launcher import Progress, no_progress
from sandbox.core import truth, world_file
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE
from sandbox.world import persistence

KEPT = 12
_SOURCES = ("deploy/anchors", "dr_actions/iam", "dr_estate", "sandbox")  # policies, names and functions of a world
# A kept world is used for this long. It is loaded as young as it was built: every moment in it is moved.
#
# What stands in it as text or as a certificate is not moved, and grows older meanwhile.
FRESH_S = 12 * 3600


def digest(environment: Environment, tenants: int, engine: str = MYSQL.name) -> str:
    """Return what a seeded world depends on, as a digest: settings, tenants, source, versions, answers about AWS."""
    hashed = hashlib.sha256(_of_the_world(environment).model_dump_json().encode())
    hashed.update(json.dumps([tenants, engine, world_file.stamp(), truth.answer_all(), _source()]).encode())
    # A digest is a file name only: 24 hex digits are 96 bits.
    return hashed.hexdigest()[:24]


@cache
def _source() -> str:
    """The digest of the source that a world is made of: what a process has imported of it stays as it is."""
    hashed, source = hashlib.sha256(), Path(__file__).parents[2]
    for file in sorted(path for room in _SOURCES for path in (source / room).rglob("*.py")):
        # By content and not by time: a checkout touches every file.
        hashed.update(str(file.relative_to(source)).encode() + file.read_bytes())
    return hashed.hexdigest()


def _of_the_world(environment: Environment) -> Environment:
    """Return the environment without settings of drills, execution, failback and reads, which do not change the world.

    The role for jobs of S3 is kept: where it is named, the world has it.
    """
    failback = Failback(objects_batch_role=environment.failback.objects_batch_role)
    return environment.model_copy(
        update={"drill": DrillSettings(), "execution": Execution(), "failback": failback, "observation": ReadLimits()}
    )


def fill(
    environment: Environment,
    tenants: int,
    settle: Callable[[], None],
    progress: Progress = no_progress,
    engine: str = MYSQL.name,
) -> None:
    """Fill this process's empty world: from a kept snapshot where there is a fresh one, else by building it."""
    folder = world_file.home() / "seeds"
    path = folder / f"{digest(environment, tenants, engine)}.world"
    if fresh(path):
        try:
            persistence.load(path)
        except SandboxError:
            path.unlink(missing_ok=True)  # a kept snapshot is only a saving of time: build it again
        else:
            return
    build(environment, tenants, settle, progress, engine)
    progress("saving the new world", 0, 1)
    with contextlib.suppress(SandboxError):  # a read-only home directory keeps none: it is built again next time
        about = {"environment": environment.name, "tenants": tenants, "built_at": time.time()}
        world_file.write(path, persistence.dump(), about)
        paths = sorted(folder.glob("*.world"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in paths[KEPT:]:
            old.unlink(missing_ok=True)


def build(
    environment: Environment,
    tenants: int,
    settle: Callable[[], None],
    progress: Progress = no_progress,
    engine: str = MYSQL.name,
) -> None:
    """Build the world from the environment file. Raises SandboxError where seeding fails."""
    from sandbox.seeding import seed

    environment = _of_the_world(environment)
    # moto takes the account from here before it looks at a header or a key (BaseResponse.get_current_account).
    os.environ["MOTO_ACCOUNT_ID"] = environment.account
    try:
        settle()
        seed(environment, tenants, progress, ENGINES[engine])
    except Exception as failed:
        raise SandboxError(f"Seeding the sandbox of {environment.name} failed: {failed!r}") from failed
    finally:
        del os.environ["MOTO_ACCOUNT_ID"]
    STATE.environment = environment.model_dump(mode="json")


def fresh(path: Path) -> bool:
    """Whether ``path`` holds a kept world that is young enough to be used."""
    try:
        return time.time() - path.stat().st_mtime < FRESH_S
    except OSError:
        return False
