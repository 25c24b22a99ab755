"""Whether the DR region's database and files still refuse writes while visitors are led back to the primary. Pure.

During the stages both regions answer visitors, and only the primary may take their writes. A parameter group or a
policy that somebody resets (an apply of Terraform does) would let each region take its own writes, and what the DR
region takes from then on never reaches the primary region. No visitors are moved in either direction until it is frozen
again.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime

from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files import write_freeze_policy
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import Role, role_of
from dr_estate.config.environment import Side
from dr_estate.readers import efs, efs_policy, rds, rds_groups

PARTS = (rds.instances, rds_groups.parameter_groups, efs.file_systems, efs_policy.policies)


def writers_gate(context: PlanContext) -> StepStatus:
    """DRIFTED where a store that this failback froze takes writes again. Raises DataUnavailable."""
    statuses = [*_of_database(context), *_of_files(context)]
    for state in (StepState.DRIFTED, StepState.IN_PROGRESS):
        if found := next((status for status in statuses if status.state is state), None):
            return found
    facts = tuple(fact for status in statuses for fact in status.evidence)
    return StepStatus(StepState.DONE, f"{context.env.regions.primary} alone takes writes.", facts)


def _frozen_at(context: PlanContext, role: Role) -> datetime | None:
    """When the freeze of that role was seen in force; None where this failback has none."""
    seen = (at for step, at in context.confirmed_at.items() if role_of(Goal.FAILBACK, step) is role)
    return max(seen, default=None)


def _of_database(context: PlanContext) -> Iterator[StepStatus]:
    source = database_failback.writer(context) if _frozen_at(context, Role.FREEZE) else None
    if source is None:
        return
    group = database_failback.group_of(source)
    value = database_failback.read_only(context, Side.DR, group)
    if not database_failback.is_on(value):
        yield _open_database(context, source, group, value)
    elif not database_failback.in_sync(source):
        message = f"whether {source.identifier} refuses writes is not known until it runs with its group {group}."
        yield StepStatus(StepState.IN_PROGRESS, message)
    else:
        yield StepStatus(StepState.DONE, "", (("frozen", source.identifier),))


def _open_database(context: PlanContext, source: rds.Instance, group: str, value: str | None) -> StepStatus:
    """A database whose group lets it take writes: the group is set again, or the one that was frozen is given back."""
    region, frozen = context.env.regions.dr, _frozen_group(context) or group
    name = source.identifier
    if group != frozen:
        how = f"it uses the parameter group {group or '(none)'}, and no longer {frozen}"
        modify = (
            f"aws rds modify-db-instance --region {region} --db-instance-identifier {name} "
            f"--db-parameter-group-name {frozen} --apply-immediately"
        )
        reboot = f"aws rds reboot-db-instance --region {region} --db-instance-identifier {name}"
        return _open(context, f"{name} of {region}", how, modify, reboot)
    parameter = f"ParameterName={database_failback.READ_ONLY},ParameterValue={database_failback.FROZEN}"
    how = f"{database_failback.READ_ONLY} of its parameter group {group} is {value or 'absent'}"
    command = (
        f"aws rds modify-db-parameter-group --region {region} --db-parameter-group-name {group} "
        f"--parameters {parameter},ApplyMethod=immediate"
    )
    return _open(context, f"{name} of {region}", how, command)


def _frozen_group(context: PlanContext) -> str:
    """The parameter group with which the database was seen to refuse writes; "" where that is not on record."""
    seen = (facts for step, facts in context.confirmed_facts.items() if role_of(Goal.FAILBACK, step) is Role.FREEZE)
    return next((facts["group"] for facts in seen if "group" in facts), "")


def _of_files(context: PlanContext) -> Iterator[StepStatus]:
    since, region = _frozen_at(context, Role.FREEZE_FILES), context.env.regions.dr
    found = files_failback.policy(context, Side.DR) if since is not None else None
    if found is None or since is None:
        return
    if found.frozen_at is None:
        system = context.snapshot.find(efs.file_systems, Side.DR, id=found.file_system)
        text = write_freeze_policy.frozen(found.text, system.arn if system else "*", since)
        command = (
            f"aws efs put-file-system-policy --region {region} --file-system-id {found.file_system} "
            f"--policy {shlex.quote(text)}"
        )
        how = "their policy is not that of the freeze"
        yield _open(context, f"the files {found.file_system} of {region}", how, command)
    else:
        yield StepStatus(StepState.DONE, "", (("frozen", found.file_system),))


def _open(context: PlanContext, where: str, how: str, *commands: str) -> StepStatus:
    remedy = ", then ".join(f"`{command}`" for command in commands)
    message = (
        f"{where} can take writes again, beside {context.env.regions.primary}: {how}. Nobody is led on or back "
        f"meanwhile: run {remedy}, then the same failback again. What was written there since comes home only by "
        "hand"
    )
    return StepStatus(StepState.DRIFTED, f"{message}.")
