"""What starts a recovery in the DR region where AWS does: the document, the task with its image, and their roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model import recovery_document
from dr_estate.readers import control_table
from dr_estate.readers.ecr import image_ref
from dr_estate.readers.iam_simulation import trust_of
from dr_estate.reading.reader import GLOBAL, ReadContext, part

READS = frozenset({"ssm:GetDocument", "ecs:DescribeTaskDefinition", "ecr:DescribeImages", "logs:DescribeLogGroups"})
# A repository that is gone is no image as well.
_NO_IMAGE = ("ImageNotFoundException", "RepositoryNotFoundException")
_TASKS, _SSM = "ecs-tasks.amazonaws.com", "ssm.amazonaws.com"
# Made up: a trust policy that names one execution lets no other one in, and must not count as trust.
_ONE = "automation-execution/00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a container beside the tool's starts with, or the task does not start: as in StartOfRuns and TaskParts."""

    name: str
    image: str
    image_region: str
    image_there: bool | None
    log_group: str
    log_region: str
    log_there: bool


@dataclass(frozen=True, slots=True)
class TaskParts:
    """What else the task starts with: its size, its containers' names, its execution role, and where it logs.

    ``log_group`` is "" where the tool logs nowhere, ``log_there`` False where that group is absent and is not created.
    ``entry_points`` is (container, its entry point) of each that has one in place of its image's. ``sidecars`` are the
    containers beside the tool's.
    """

    cpu: int
    memory: int
    containers: tuple[str, ...]
    execution_role: str
    log_group: str
    log_region: str
    log_there: bool
    entry_points: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sidecars: tuple[Sidecar, ...] = ()


@dataclass(frozen=True, slots=True)
class StartOfRuns:
    """The document ``document`` and the task ``family``. ``current``: it is what this environment file says.

    ``current`` and ``image`` are None where there is no such document or task. ``image`` is the tool's;
    ``image_there`` is None where it is in no registry of ECR, which nobody asks. ``parts`` is None where it was not
    read.
    """

    document: str
    current: bool | None
    family: str
    image: str | None
    image_region: str
    image_there: bool | None
    task_role: str
    parts: TaskParts | None = None


@dataclass(frozen=True, slots=True)
class RecoveryRole:
    """A role; ``trusted`` is whether ``service`` may assume it, None where that is unknown or no service does.

    ``trust_ends`` is when it may no longer, None where that is not soon.
    """

    name: str
    exists: bool
    service: str
    trusted: bool | None
    trust_ends: datetime | None = None


@part(Side.DR, reads=READS)
def start(context: ReadContext) -> StartOfRuns | None:
    """The document, the newest revision of the task, and its image; None where AWS starts no runs."""
    env = context.env
    if not env.automation.enabled:
        return None
    name, family = env.named(env.names.recovery_document), env.named(env.names.recovery_task)
    answer = context.find("ssm", "get_document", ("InvalidDocument",), Name=name)
    current = None if answer is None else _is_current(str(answer.get("Content", "")), env)
    found = context.find("ecs", "describe_task_definition", ("ClientException",), taskDefinition=family)
    if found is None:
        return StartOfRuns(name, current, family, None, "", None, "")
    return context.understand(lambda: _of_task(context, name, current, found["taskDefinition"]), family)


@part(Side.DR, reads=frozenset({"ssm:DescribeAutomationExecutions", "ssm:GetAutomationExecution"}))
def waiting(context: ReadContext) -> tuple[recovery_document.WaitingStart, ...]:
    """The runs that wait for an approver, or were approved and hold no lock yet; none where AWS starts no runs."""
    if not context.env.automation.enabled:
        return ()
    document = context.env.named(context.env.names.recovery_document)
    # Of names the filter knows prefixes alone (Systems Manager API, AutomationExecutionFilter): compared below.
    filters = [
        {"Key": "DocumentNamePrefix", "Values": [document]},
        {"Key": "ExecutionStatus", "Values": ["InProgress", "Waiting"]},
    ]
    rows = context.pages("ssm", "describe_automation_executions", "AutomationExecutionMetadataList", Filters=filters)
    going = [row for row in rows if row.get("DocumentName") == document]
    found = context.understand(
        lambda: context.each(lambda row: _waiting_start(context, row["AutomationExecutionId"]), going), document
    )
    runs = [start for start in found if start]
    return tuple(start for start in runs if not (start.approved and _has_begun(context, start)))


def _has_begun(context: ReadContext, start: recovery_document.WaitingStart) -> bool:
    """Whether the control table has the run itself: it held the lock since somebody asked for it."""
    state = context.part_if_seen(control_table.standing, Side.DR)
    run = state.known_run if state else None
    return run is not None and run.incident == start.incident and run.taken_at > start.asked_at


def _waiting_start(context: ReadContext, execution: str) -> recovery_document.WaitingStart | None:
    answer = context.call("ssm", "get_automation_execution", AutomationExecutionId=execution)
    return context.understand(lambda: _start_in_wait(answer["AutomationExecution"], execution), execution)


def _start_in_wait(row: Mapping[str, Any], execution: str) -> recovery_document.WaitingStart | None:
    approved = recovery_document.is_approved(row)
    if not ((approved or recovery_document.waits_for_approver(row)) and recovery_document.goes_by_itself(row)):
        return None
    given = row.get("Parameters") or {}
    named = {name: "".join(map(str, given.get(name) or ())) for name in ("Goal", "Incident", "PlanDigest")}
    return recovery_document.WaitingStart(
        id=execution,
        goal=named["Goal"],
        incident=named["Incident"],
        digest=named["PlanDigest"],
        words=recovery_document.words_of(given.get("Arguments") or ()),
        asked_by=str(row.get("ExecutedBy") or ""),
        asked_at=row["ExecutionStartTime"],
        approved=approved,
    )


def _is_current(content: str, env: Environment) -> bool:
    try:
        # Compared by content: Systems Manager answers a document as it was written, white space included.
        return bool(json.loads(content) == recovery_document.recovery_document(env))
    except ValueError:
        return False


def _of_task(context: ReadContext, document: str, current: bool | None, task: Mapping[str, Any]) -> StartOfRuns:
    containers = task["containerDefinitions"]
    tool = next((row for row in containers if row.get("name") == recovery_document.CONTAINER), containers[0])
    sidecars = tuple(
        Sidecar(str(row.get("name") or ""), *_image(context, row), *_log(context, row))
        for row in containers
        if row is not tool
    )
    role, parts = str(task.get("taskRoleArn") or ""), _parts(context, task, tool, sidecars)
    return StartOfRuns(document, current, str(task["family"]), *_image(context, tool), role, parts)


def _image(context: ReadContext, container: Mapping[str, Any]) -> tuple[str, str, bool | None]:
    """The image of a container, its region, and whether the registry of this region holds it."""
    image = str(container["image"])
    ref, there = image_ref(image), None
    if ref.region == context.region:
        # By digest where there is one: a tag may lead to another image by then.
        wanted = {"imageDigest": ref.digest} if ref.digest else {"imageTag": ref.tag}
        where = {"registryId": ref.account, "repositoryName": ref.repository}
        there = context.find("ecr", "describe_images", _NO_IMAGE, imageIds=[wanted], **where) is not None
    return image, ref.region, there


def _log(context: ReadContext, container: Mapping[str, Any]) -> tuple[str, str, bool]:
    """The log group of a container, its region, and whether it is there."""
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group, region = str(options.get("awslogs-group") or ""), str(options.get("awslogs-region") or context.region)
    # A group of another region is not looked for: that one is named at all is judged by itself.
    there = not group or options.get("awslogs-create-group") == "true" or region != context.region
    if not there:
        found = context.call("logs", "describe_log_groups", logGroupNamePrefix=group, limit=1)
        there = any(row.get("logGroupName") == group for row in found.get("logGroups") or [])  # the first by name
    return group, region, there


def _parts(
    context: ReadContext, task: Mapping[str, Any], tool: Mapping[str, Any], sidecars: tuple[Sidecar, ...]
) -> TaskParts:
    group, region, there = _log(context, tool)
    return TaskParts(
        cpu=int(task.get("cpu") or 0),
        memory=int(task.get("memory") or 0),
        containers=tuple(str(container.get("name") or "") for container in task["containerDefinitions"]),
        execution_role=str(task.get("executionRoleArn") or ""),
        log_group=group,
        log_region=region,
        log_there=there,
        entry_points=tuple(
            (str(container.get("name") or ""), tuple(map(str, container["entryPoint"])))
            for container in task["containerDefinitions"]
            if container.get("entryPoint")
        ),
        sidecars=sidecars,
    )


@part(*GLOBAL, reads=frozenset({"iam:GetRole"}))
def roles(context: ReadContext) -> tuple[RecoveryRole, ...]:
    """The roles of the document, the task, its start and the break-glass way; none where AWS starts no runs."""
    env = context.env
    if not env.automation.enabled:
        return ()
    wanted = [
        (env.named(env.names.automation_role), _SSM),
        (env.named(env.names.recovery_role), _TASKS),
        (env.named(env.names.break_glass_role), ""),
    ]
    # By which the task is started; where the task is not seen, that is unknown by itself.
    started = context.part_if_seen(start, Side.DR)
    if started and started.parts and started.parts.execution_role:
        wanted.append((started.parts.execution_role.rpartition("/")[2], _TASKS))
    return tuple(context.each(lambda role: _role(context, *role), wanted))


def _role(context: ReadContext, name: str, service: str) -> RecoveryRole:
    place = f"{context.env.regions.dr}:{context.env.account}"
    sources = {_TASKS: f"arn:aws:ecs:{place}:task", _SSM: f"arn:aws:ssm:{place}:{_ONE}"}
    exists, trusted, ends = trust_of(context, name, service, sources.get(service, ""))
    return RecoveryRole(name, exists, service, trusted, ends)
