"""Names of what a recovery restores, file systems and databases, and of that whose place it takes.

AWS Backup gives a restored file system no tag that can be asked for, but a creation token: by that it is known from its
first moment on. What it replaces is renamed and never deleted, so that a person decides what becomes of it.
"""

from __future__ import annotations

import hashlib
import re

from dr_estate.config.environment import Environment

# The tag of a database that a recovery or a drill restored: its value is the copy's ARN.
RESTORED_FROM = "RestoredFrom"
# The tag of a database that a failback creates in the primary region: its source's resource id.
REPLICATED_FROM = "ReplicatedFrom"
_RESTORED, _REPLACED = "-restored-", "-replaced-"
_STAMP = "[0-9a-f]{8}"


def mover_family(env: Environment) -> str:
    """The family of the task that moves restored files: of the tenants' pattern, so that IAM's scopes hold for it."""
    return env.named(env.names.task_family, tenant="restored-files")


def restored_token(base: str, *made_of: str) -> str:
    """The creation token of the file system restored from ``made_of`` after the pattern of ``base``."""
    return f"{base}{_RESTORED}{hashlib.sha256(':'.join(made_of).encode()).hexdigest()[:8]}"


def is_restored(token: str, base: str) -> bool:
    """Whether the creation token is one that a recovery gave."""
    return re.fullmatch(re.escape(base + _RESTORED) + _STAMP, token) is not None


def replaced_name(base: str, token: str) -> str:
    """The name of the file system whose place that of ``token`` takes."""
    return f"{base}{_REPLACED}{token.rpartition('-')[2]}"


def is_replaced(name: str, base: str) -> bool:
    """Whether the file system of this name was replaced by a restored one."""
    return re.fullmatch(re.escape(base + _REPLACED) + _STAMP, name) is not None


# The name of a database that a failback kept beside the one that took its place, until people delete it.

ASIDE = "-before-"


def is_set_aside(identifier: str, name: str) -> bool:
    """Whether it is a former database of ``name``."""
    return identifier.startswith(f"{name}{ASIDE}")
