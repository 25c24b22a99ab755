"""The files in a failback: which file system took the writes last, and what proves it. Pure.

A replication in the wrong direction discards all that was written since (T28). So the direction is never taken from the
plan alone: right before each call it must follow from what is seen.

A policy with a freeze's statement replaces EFS's default, which allows everything to every client that reaches a mount
target: where there was no policy, the frozen policy states what the default allows, except writing, and on condition of
the mount target: without that condition it would count as public (T66). A deny overrides every allow, for every client.
Source: EFS User Guide, "Using IAM to control access to file systems" and "Creating file system policies".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dr_actions.model.action import Drifted, Observe, PlanContext, PlanSteps, StepStatus
from dr_actions.model.plan import Params, Step, step_id
from dr_checks.posture.signals import TrafficDirection, signals_of
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION, FILE_SYSTEM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, efs, rds, route53, route53_health_checks
from dr_estate.readers.efs import FROZEN_SID, STAMP, FileSystemPolicy
from dr_estate.reading.reader import Reader

PROTECT, REPLICATE = "efs:UpdateFileSystemProtection", "efs:CreateReplicationConfiguration"
END = "efs:DeleteReplicationConfiguration"
OFF, ON, DESTINATION = "DISABLED", "ENABLED", "REPLICATING"
SYSTEMS: tuple[Reader[Any], ...] = (efs.file_systems, efs.replications, efs.policies)
# What the direction is computed from: an action that makes a call upon it watches all of this.
EVIDENCE = (*SYSTEMS, ecs.services, rds.instances, route53.records, route53_health_checks.checks)
# Characters of a file system policy. Source: API_PutFileSystemPolicy.
LONGEST = 20_000
_DEFAULT_SID = "ReadWhileFrozenForFailback"
_VERSION = "2012-10-17"
_MOUNTED = {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
_READ = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess"]
Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FileSystems:
    """The file system of each region."""

    primary: efs.FileSystem
    dr: efs.FileSystem

    @property
    def ids(self) -> Params:
        """What a plan is made upon."""
        return {"home": self.primary.id, "away": self.dr.id}


def name_of(context: PlanContext) -> str:
    """The name of the estate's file systems."""
    return context.env.named(context.env.names.file_system)


def file_systems(context: PlanContext) -> FileSystems | None:
    """Both regions' usable file system, None where one has none, or several. Raises DataUnavailable."""
    sides = [context.snapshot.get(efs.file_systems, side) for side in (Side.PRIMARY, Side.DR)]
    found = [[system for system in systems if FILE_SYSTEM[system.state].serves] for systems in sides]
    # Two file systems of one name: a guess might overwrite the one that took the writes (T28).
    if len(found[0]) != 1 or len(found[1]) != 1:
        return None
    return FileSystems(found[0][0], found[1][0])


def now_of(before: Params, context: PlanContext) -> FileSystems:
    """Both file systems that a step was planned upon, as seen now. Raises Drifted, DataUnavailable."""
    found = file_systems(context)
    if found is None or any(before[key] != value for key, value in found.ids.items()):
        raise Drifted("The file systems are not those that the plan was made upon.")
    return found


def pair_steps(steps: Callable[[PlanContext, FileSystems], Iterator[Step]]) -> PlanSteps:
    """The steps of an action on both file systems: none where one region has none, or several."""

    def plan_steps(context: PlanContext) -> Iterator[Step]:
        found = file_systems(context)
        return steps(context, found) if found else iter(())

    return plan_steps


def pair_status(status: Callable[[PlanContext, FileSystems], StepStatus]) -> Observe:
    """The status of such a step: Drifted where a file system is another than planned upon."""
    return lambda step, context: status(context, now_of(step.before, context))


def replication(context: PlanContext, side: Side, source: str, destination: str) -> efs.FileReplication | None:
    """The replication from ``source`` into ``destination`` as ``side`` lists it. Raises DataUnavailable."""
    return context.snapshot.find(efs.replications, side, source_id=source, destination_id=destination)


def into(context: PlanContext, side: Side, destination: str) -> efs.FileReplication | None:
    """What replicates into a file system of ``side`` and is not being ended. Raises DataUnavailable."""
    rows = [row for row in context.snapshot.get(efs.replications, side) if row.destination_id == destination]
    # A replication that is being ended brings nothing more (EFS API, Destination status DELETING).
    return next((row for row in rows if not FILE_REPLICATION[row.status].gone), None)


def stale_half(context: PlanContext, found: FileSystems) -> efs.FileReplication | None:
    """The primary's half of a replication whose other half a failover deleted alone (T27). Raises DataUnavailable."""
    row = replication(context, Side.PRIMARY, found.primary.id, found.dr.id)
    return None if row is None or replication(context, Side.DR, found.primary.id, found.dr.id) else row


def reason_of_another(context: PlanContext, found: FileSystems) -> str:
    """Return why the files cannot be replicated back: a file system takes part in another replication; else "".

    EFS refuses a second one (CreateReplicationConfiguration: ValidationException). Raises DataUnavailable.
    """
    own, rows = {found.primary.id, found.dr.id}, list[efs.FileReplication]()
    for side in (Side.DR, Side.PRIMARY):
        rows += context.snapshot.get(efs.replications, side)
    for row in rows:
        ends = {row.source_id, row.destination_id}
        if ends & own and ends != own and not FILE_REPLICATION[row.status].gone:
            words = f"--region {row.source_region} --source-file-system-id {row.source_id}"
            return (
                f"{row.source_id} replicates into {row.destination_id} of {row.destination_region}, and a file system "
                "takes part in one replication only: end that first "
                f"(`aws efs delete-replication-configuration {words}`)."
            )
    return ""


def policy(context: PlanContext, side: Side) -> efs.FileSystemPolicy | None:
    """The policy of the side's file system, None where there is no file system. Raises DataUnavailable."""
    for found in context.snapshot.get(efs.policies, side):
        if isinstance(found, efs.FileSystemPolicy):
            return found
        raise DataUnavailable(found)
    return None


def policy_to_freeze(context: PlanContext) -> tuple[efs.FileSystem, str] | None:
    """The DR region's file system with its policy as it is without the freeze; None unless both regions have theirs."""
    found, seen = file_systems(context), policy(context, Side.DR)
    if found is None or seen is None:
        return None
    return found.dr, unfrozen(seen)


def still_since(context: PlanContext) -> datetime | None:
    """From when on nothing was written in the DR region: its freeze, and the time that takes to hold. Raises
    DataUnavailable.

    None where it is not frozen, or the freeze does not hold yet. The policy itself says when it was made, a moment
    before the call; the run knows when that was answered.
    """
    found = policy(context, Side.DR)
    if found is None or found.freeze_time is None:
        return None
    answered = context.sent_at.get(step_id("files/freeze", name_of(context)), found.freeze_time)
    # Clients keep their rights for a while after a policy changes, so a freeze holds later than its call.
    holds = max(found.freeze_time, answered) + timedelta(minutes=context.env.failback.files_freeze_minutes)
    return holds if holds <= context.snapshot.taken_at else None


def reason_against_failback(context: PlanContext, found: FileSystems) -> str:
    """Why the DR region's files may not overwrite the primary's, "" where they are newer. Raises DataUnavailable."""
    primary, dr = context.env.regions.primary, context.env.regions.dr
    # A destination takes no writes of its own: whatever else the signals say, it holds the older files.
    fed = into(context, Side.DR, found.dr.id)
    if fed is not None:
        return f"{fed.source_id} replicates into {found.dr.id}: the files of {dr} are the older ones"
    signals = signals_of(context.snapshot, context.env)
    # Pinned: each host is led there by a record of its own, and the weights say nothing.
    if signals.traffic_set is not TrafficDirection.DR and not (signals.pinned and signals.dr_writable):
        return f"traffic is set to {signals.traffic_set}, so the files of {primary} may be the newer ones"
    pattern, services = context.env.names.service, context.snapshot.get(ecs.services, Side.PRIMARY)
    running = sum(row.running + row.pending for row in services if context.env.tenant_of(pattern, row.name))
    if running:
        return f"{running} tasks of tenants run in {primary} and may write files there"
    # The last guard: an empty source would replace every file.
    if found.dr.size_bytes == 0 and found.primary.size_bytes:
        return f"{found.dr.id} holds nothing, {found.primary.id} {found.primary.size_bytes} bytes"
    return ""


def reason_against_reversal(context: PlanContext, found: FileSystems) -> str:
    """Why the primary's files may not overwrite the DR region's, "" where they are newer. Raises DataUnavailable."""
    primary = context.env.regions.primary
    fed = into(context, Side.PRIMARY, found.primary.id)
    if fed is not None:
        return f"{fed.source_id} replicates into {found.primary.id}: the files of {primary} are the older ones"
    signals = signals_of(context.snapshot, context.env)
    if signals.traffic_set is not TrafficDirection.PRIMARY:
        dr = context.env.regions.dr
        return f"traffic is set to {signals.traffic_set}, so the files of {dr} may be the newer ones"
    if found.primary.size_bytes == 0 and found.dr.size_bytes:
        return f"{found.primary.id} holds nothing, {found.dr.id} {found.dr.size_bytes} bytes"
    return ""


def sizes(found: FileSystems) -> tuple[tuple[str, str], ...]:
    """What the journal keeps of both, before one is overwritten."""
    return (
        ("primary", found.primary.id),
        ("bytes in the primary region", str(found.primary.size_bytes)),
        ("away", found.dr.id),
        ("away bytes", str(found.dr.size_bytes)),
    )


def unfrozen(policy: FileSystemPolicy) -> str:
    """The policy's text without what freezes it; "" where nothing else is in it, or there was none."""
    if not policy.text or policy.freeze_time is None:
        return policy.text
    document = json.loads(policy.text)
    statements = [statement for statement in _statements(document) if not _is_own(statement)]
    return json.dumps({**document, "Statement": statements}) if statements else ""


def policy_with_freeze(text: str, arn: str, moment: datetime) -> str:
    """The policy ``text`` of the file system ``arn`` ("" for none) with the statement that freezes it."""
    # Without a policy everything is allowed; a Deny alone would end that, so the default's reads are written out.
    reads = {**_statement(_DEFAULT_SID, "Allow", _READ, arn), "Condition": _MOUNTED}
    document = json.loads(text) if text else {"Version": _VERSION, "Statement": [reads]}
    deny = _statement(f"{FROZEN_SID}{moment:{STAMP}}", "Deny", "elasticfilesystem:ClientWrite", arn)
    return json.dumps({**document, "Statement": [*_statements(document), deny]})


def policies_match(text: str, other: str) -> bool:
    """Whether two policies say the same, whatever their white space and order of keys."""
    return text == other or bool(text and other and json.loads(text) == json.loads(other))


def _statements(document: dict[str, Any]) -> list[Statement]:
    listed = document.get("Statement", [])
    return listed if isinstance(listed, list) else [listed]


def _is_own(statement: Statement) -> bool:
    sid = str(statement.get("Sid", ""))
    return sid.startswith(FROZEN_SID) or sid == _DEFAULT_SID


def _statement(sid: str, effect: str, action: str | list[str], arn: str) -> Statement:
    return {"Sid": sid, "Effect": effect, "Principal": {"AWS": "*"}, "Action": action, "Resource": arn}
