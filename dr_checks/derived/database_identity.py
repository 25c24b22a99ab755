"""Which database the estate's is, by resource id and not by name, and what it was last like. Pure.

A name may be used again: automated backups of an older instance outlive it under the same name (T57).
"""

from __future__ import annotations

from collections.abc import Mapping

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.model.control_items import DatabaseRecord
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import control_table, rds

_DEFAULT = ("default:", "default.")


def record_of(instance: rds.Instance, view: View) -> DatabaseRecord:
    """What is remembered of the instance."""
    return DatabaseRecord(
        resource_id=instance.resource_id,
        identifier=instance.identifier,
        at=view.now,
        instance_class=instance.instance_class,
        storage_type=instance.storage_type,
        storage_gib=instance.storage_gib,
        storage_limit_gib=instance.storage_limit_gib,
        iops=instance.iops,
        throughput=instance.throughput,
        option_group=_own_group(instance.option_groups),
        parameter_group=_own_group(instance.parameter_groups),
        log_exports=tuple(sorted(instance.log_exports)),
        iam_authentication=instance.iam_authentication,
        multi_az=instance.multi_az,
        deletion_protection=instance.deletion_protection,
        copy_tags=instance.copy_tags,
        auto_minor_upgrade=instance.auto_minor_upgrade,
    )


def _own_group(groups: tuple[tuple[str, str], ...]) -> str:
    return next((name for name, _ in groups if not name.startswith(_DEFAULT)), "")


def living(view: View) -> DatabaseRecord | None:
    """The primary region's own database as it is seen now; None where there is none, or where it cannot be seen."""
    try:
        instance = view.find(rds.instances, Side.PRIMARY, identifier=view.env.database_on(Side.PRIMARY))
    except DataUnavailable:
        return None
    # A replica that bears the name is the copy of a failback, not the database that took the writes.
    return record_of(instance, view) if instance is not None and not instance.source else None


def known_database(view: View) -> DatabaseRecord | None:
    """The database as it is seen now, else as the control table has it; None where neither can be seen."""
    seen = living(view)
    if seen is not None:
        return seen
    try:
        return view.get(control_table.standing, Side.DR).database
    except DataUnavailable:
        return None


def flaw(view: View, resource_id: str, candidates: Mapping[str, str]) -> str:
    """Return why a copy of the database ``resource_id`` ("" where its copy does not say) must not be used, else "".

    ``candidates`` describes, by resource id, each database of that name that has a copy here. The database that counts
    is the environment's choice, else the living database; the remembered database decides only between several.
    """
    name, chosen, seen = view.env.database_on(Side.PRIMARY), view.env.database.resource_id, living(view)
    # The order matters: a person's choice, then what lives now; memory only where neither speaks.
    wanted = chosen or (seen.resource_id if seen else "")
    if wanted:
        how = f"database.resource_id says {wanted}" if chosen else f"{name} is {wanted}"
        # A copy that does not say whose it is passes: AWS Backup's points name the database alone.
        return f"it is of the database {resource_id}, and {how}" if resource_id not in ("", wanted) else ""
    if len(candidates) <= 1:
        return ""
    known = known_database(view)
    if known is not None and known.resource_id in candidates:
        other = f"it is of the database {resource_id or '(not said)'}, and {name} was {known.resource_id}"
        return "" if resource_id == known.resource_id else other
    which = "; ".join(f"{resource}: {what}" for resource, what in sorted(candidates.items()))
    return (
        f"{len(candidates)} databases named {name} have copies here ({which}), and which was the last is not known: "
        "set database.resource_id in the environment file to one of them"
    )
