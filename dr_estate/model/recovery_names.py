"""Names of drills, and of the resources that a drill or a recovery creates.

A full drill moves the estate and is an incident of its own (``DRILL-<stamp>``). A trial (a restore test, a canary)
creates resources beside the estate and touches nothing of it (``TRIAL-<stamp>``). The resources of either have
``-drill-<stamp>`` in their names from the first moment on, so that anyone who finds them knows whose they are, and what
a run that died left behind is cleaned up by its name.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from dr_estate.config.environment import Environment, Side

TAG = "dr:drill"
FULL, TRIAL = "DRILL-", "TRIAL-"
_MARK = "-drill-"
_STAMP = r"\d{8}-\d{6}"
_CANARY = "canary-"


def own_group(instance: str) -> str:
    """The name of the parameter group that a failback makes for a database on one of AWS's own."""
    return f"{instance}-parameters"


def new_id(kind: str, now: datetime) -> str:
    """The id of a drill that begins ``now`` (UTC): ``kind`` is FULL or TRIAL."""
    return f"{kind}{now:%Y%m%d-%H%M%S}"


def is_full(incident: str) -> bool:
    """Whether the incident is a full drill."""
    return re.fullmatch(FULL + _STAMP, incident) is not None


def is_trial(incident: str) -> bool:
    """Whether the incident is a trial, which touches nothing of the estate."""
    return re.fullmatch(TRIAL + _STAMP, incident) is not None


def is_drill(incident: str) -> bool:
    """Whether the incident is no emergency but practice."""
    return is_full(incident) or is_trial(incident)


def began(incident: str) -> datetime:
    """When the drill of that id began (UTC), to the second. Raises ValueError for an incident that is no drill."""
    if not is_drill(incident):
        raise ValueError(f"{incident} is no drill")
    return datetime.strptime(incident.partition("-")[2], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)


def trial_of(name: str) -> str:
    """The trial that made the thing of that name, "" where the name is no drill's."""
    found = re.search(f"{_MARK}({_STAMP})$", name)
    return f"{TRIAL}{found.group(1)}" if found else ""


def isolated_name(base: str, incident: str) -> str:
    """The name of what a trial makes after the pattern of ``base``: ``sit-mysql-drill-20260107-101500``.

    Raises ValueError for an incident that is no drill.
    """
    if not is_drill(incident):
        raise ValueError(f"{incident} is no drill")
    return f"{base}{_MARK}{incident.partition('-')[2]}"


def is_isolated(name: str, base: str) -> bool:
    """Whether ``name`` is a drill's, made after the pattern of ``base``."""
    return re.fullmatch(re.escape(base + _MARK) + _STAMP, name) is not None


def canary_name(env: Environment, zone: str, incident: str) -> str:
    """The canary's record in ``zone``, below the name that is reserved for DR tests. Raises ValueError as above."""
    if not is_drill(incident):
        raise ValueError(f"{incident} is no drill")
    return f"{_CANARY}{incident.partition('-')[2]}.{env.traffic.test_prefix}.{zone}"


def canary_target(canary: str, side: Side) -> str:
    """The record beside ``canary`` that stands for ``side``, where its pair cannot hold addresses itself (T12)."""
    stem, _, below = canary.partition(".")
    return f"{stem}-{side}.{below}"


def canary_of(name: str) -> str:
    """The canary that ``name``, a canary's or one of its targets', belongs to."""
    stem, _, below = name.partition(".")
    return f"{stem.removesuffix(f'-{Side.PRIMARY}').removesuffix(f'-{Side.DR}')}.{below}"


def is_canary(name: str, env: Environment) -> bool:
    """Whether ``name`` (without its last dot) is a canary's, or one of its targets, in a zone listed for it."""
    below = "|".join(re.escape(f".{env.traffic.test_prefix}.{zone}") for zone in env.traffic.canary_zones)
    own = rf"{_CANARY}{_STAMP}(-{Side.PRIMARY}|-{Side.DR})?({below})"
    return bool(below) and re.fullmatch(own, name, re.IGNORECASE) is not None


def begin_of(name: str) -> datetime | None:
    """When the drill that made ``name`` began (UTC), as its name says; None for a name without a stamp."""
    found = re.search(_STAMP, name)
    try:
        return datetime.strptime(found[0], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


# What a recovery restores, file systems and databases, and that whose place it takes.
#
# AWS Backup gives a restored file system no tag that can be asked for, but a creation token: by that it is known from
# its first moment on. What it replaces is renamed and never deleted, so that a person decides what becomes of it.

# The tag of a database that a recovery or a drill restored: its value is the copy's ARN.
RESTORED_FROM = "RestoredFrom"
# The tag of a database that a failback creates in the primary region: its source's resource id.
REPLICATED_FROM = "ReplicatedFrom"
_RESTORED, _REPLACED = "-restored-", "-replaced-"
_DIGEST = "[0-9a-f]{8}"


def mover_family(env: Environment) -> str:
    """The family of the task that moves restored files: of the tenants' pattern, so that IAM's scopes hold for it."""
    return env.named(env.names.task_family, tenant="restored-files")


def restored_token(base: str, *made_of: str) -> str:
    """The creation token of the file system restored from ``made_of`` after the pattern of ``base``."""
    return f"{base}{_RESTORED}{hashlib.sha256(':'.join(made_of).encode()).hexdigest()[:8]}"


def is_restored(token: str, base: str) -> bool:
    """Whether the creation token is one that a recovery gave."""
    return re.fullmatch(re.escape(base + _RESTORED) + _DIGEST, token) is not None


def replaced_name(base: str, token: str) -> str:
    """The name of the file system whose place that of ``token`` takes."""
    return f"{base}{_REPLACED}{token.rpartition('-')[2]}"


def is_replaced(name: str, base: str) -> bool:
    """Whether the file system of this name was replaced by a restored one."""
    return re.fullmatch(re.escape(base + _REPLACED) + _DIGEST, name) is not None


# The name of a database that a failback kept beside the one that took its place, until people delete it.

ASIDE = "-before-"


def is_set_aside(identifier: str, name: str) -> bool:
    """Whether it is a former database of ``name``."""
    return identifier.startswith(f"{name}{ASIDE}")
