"""The one-off tasks that write a marker, look for it elsewhere and remove it, and the status of each task. Pure.

Each is a task of a tenant's own definition with a command in place of WordPress: it has the tenant's network and reads
the tenant's own secrets, so that this tool reads none. A database of PostgreSQL is asked by the task definition
names.psql_task in its place, in the same network. Source: ECS API, RunTask (startedBy, group, clientToken).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Unpack

from dr_actions.actions import shared
from dr_actions.actions.markers import psql_scripts, scripts
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.action import BuildCall, PlanContext, StepDetails, StepState, StepStatus
from dr_actions.model.plan import Call, Json, Plan, Step, label_of, prefix_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import Engine, engine_of
from dr_estate.model.stores import STORES
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import drill_resources, ecs, marker_tasks, rds

PARTS = (marker_tasks.tasks, marker_tasks.reports, ecs.services, ecs.task_definitions, ecs.psql_definitions)
_CALLED = {store.id: store.marker for store in STORES if store.marker}
# The actions that write a marker.
WRITERS = frozenset(f"{store}/write_marker" for store in _CALLED)
_LATER, _NEVER = "<made for this run>", datetime.min.replace(tzinfo=UTC)
_OF_DATABASES = ("database/write_marker", "database/verify_freeze")
_WAYS = "The failback removes them at its end; `dr_cli.py failback --abort` removes those of the region that serves."


@dataclass(frozen=True, slots=True)
class MarkerTask:
    """A kind of such a task: what it runs, its group in ECS, and the seconds after which it ends by itself.

    ``psql`` is what it runs where the database is PostgreSQL.
    """

    script: str
    group: str
    seconds: int
    psql: str = ""


WRITING = MarkerTask(scripts.WRITE, "dr-marker-write", 1800, psql_scripts.WRITE)


FINDING = MarkerTask(scripts.FIND, "dr-marker-find", 300, psql_scripts.FIND)


REMOVING = MarkerTask(scripts.REMOVE, "dr-marker-remove", 60, psql_scripts.REMOVE)


def tenant_on(context: PlanContext, side: Side) -> shared.TenantService | None:
    """The tenant in whose schema the marker is: the first with services in both regions. Raises DataUnavailable."""
    other = Side.DR if side is Side.PRIMARY else Side.PRIMARY
    there = {found.tenant.id for found in shared.tenant_services(context, other)}
    # In both regions: the marker is looked for by a task of the same tenant on the other side.
    return next((found for found in shared.tenant_services(context, side) if found.tenant.id in there), None)


def address_of(instance: rds.Instance) -> str:
    """Host and port of the database, as the scripts take them."""
    return f"{instance.host}:{engine_of(instance.engine).port}"


def psql_definition(context: PlanContext, side: Side) -> ecs.TaskDefinition | None:
    """The task definition by which a database of PostgreSQL is asked on ``side``. Raises DataUnavailable."""
    return next(iter(context.snapshot.get(ecs.psql_definitions, side)), None)


def psql_family(env: Environment, side: Side) -> str:
    """What that task definition is called on ``side``, "" where none is named."""
    return env.named(env.on(side).names.psql_task)


def obstacle(context: PlanContext, engine: Engine, *sides: Side) -> str:
    """Why no task can ask a database of this engine on ``sides``, "" where one can. Raises DataUnavailable."""
    env = context.env
    if not engine.psql:
        return "" if env.application.php else f"nothing says that images of the profile {env.profile} have PHP"
    if not env.names.psql_task:
        return (
            f"no task definition has a client of {engine.title} (set names.psql_task to one of both regions with psql, "
            "PGUSER and PGPASSWORD)"
        )
    lacking = [side for side in sides if psql_definition(context, side) is None]
    names = " and ".join(dict.fromkeys(psql_family(env, side) for side in lacking))
    regions = " and ".join(env.region(side) for side in lacking)
    return f"{regions}: there is no active task definition {names} (names.psql_task)" if lacking else ""


def marker_of(context: PlanContext) -> str:
    """What the run's marker is called: another one for each plan that is run."""
    return f"{context.incident}/{context.begun_at:%Y%m%dT%H%M%SZ}" if context.begun_at else context.incident


def step_of(
    context: PlanContext,
    action: str,
    kind: MarkerTask,
    host: str,
    engine: Engine,
    *,
    subject: str,
    part: str = "",
    variables: dict[str, str] | None = None,
    **details: Unpack[StepDetails],
) -> Iterator[Step]:
    """The step of ``action`` that runs a task of this kind against ``host``; none without a tenant to run it as."""
    tenant_service = tenant_on(context, details["side"])
    if tenant_service is None:
        return
    given = {
        scripts.HOST: f"{host}:{engine.port}",
        scripts.SCHEMA: context.env.named(context.env.names.tenant_schema, tenant=tenant_service.tenant.id),
        scripts.SECONDS: str(kind.seconds),
        **(variables or {}),
    }
    psql = psql_definition(context, details["side"]) if engine.psql else None
    if engine.psql and psql is None:
        return
    yield tenant_step(context, action, kind, tenant_service, given, psql, subject=subject, part=part, **details)


def tenant_step(
    context: PlanContext,
    action: str,
    kind: MarkerTask,
    tenant_service: shared.TenantService,
    variables: dict[str, str],
    psql: ecs.TaskDefinition | None = None,
    *,
    subject: str,
    part: str = "",
    **details: Unpack[StepDetails],
) -> Step:
    """The step of ``action`` that runs a task of this kind, and of that tenant's own definition, or of ``psql``."""
    service = tenant_service.service
    given = {**variables, scripts.SECONDS: str(kind.seconds)}
    definition = psql or definition_of(context, details["side"], service)
    command = psql_scripts.command(kind.psql) if psql else scripts.command(kind.script)
    override: dict[str, Json] = {"name": shared.container_of(context.env, definition), "command": command}
    env = context.env.on(details["side"])
    params = {
        "cluster": env.ecs_names(service.name)["cluster"],
        # The revision is not planned: a deployment between plan and call must not leave the marker to an old one.
        "taskDefinition": f"<the newest of {psql.family}>" if psql else f"<the revision that {service.name} uses then>",
        "launchType": "FARGATE",
        "count": 1,
        "group": kind.group,
        "startedBy": _LATER,
        "clientToken": _LATER,
        "networkConfiguration": shared.network_of(service),
        "overrides": _overrides(override, {**given, scripts.TOKEN: _LATER}),
    }
    details["before"] = {
        "marked by": psql.family if psql else service.task_definition.rpartition("/")[2].rpartition(":")[0],
        "container": override["name"],
        "variables": given,
        **details.get("before", {}),
    }
    details["call"] = Call("ecs", "RunTask", context.env.region(details["side"]), params)
    details["tenant"] = tenant_service.tenant.id
    return context.step(action, subject, part=part, **details)


def _overrides(override: dict[str, Json], variables: dict[str, str]) -> Json:
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    return {"containerOverrides": [{**override, "environment": environment}]}


def definition_of(context: PlanContext, side: Side, service: ecs.Service) -> ecs.TaskDefinition | None:
    """The definition that the service runs, None where it was not seen. Raises DataUnavailable."""
    seen = context.snapshot.get(ecs.task_definitions, side)
    known = (found for found in seen if isinstance(found, ecs.TaskDefinition))
    return next((found for found in known if found.arn == service.task_definition), None)


def filled_call(step: Step, context: PlanContext, kind: MarkerTask, **variables: str) -> Call:
    """The step's call as it is sent. Raises ValueError where the tenant's service is not seen."""
    try:
        services = shared.tenant_services(context, step.side)
        is_psql = step.before["marked by"] == psql_family(context.env, step.side)
        psql = psql_definition(context, step.side) if is_psql else None
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    definition = next((row.service.task_definition for row in services if row.tenant.id == step.tenant), "")
    if is_psql:
        definition = psql.arn if psql else ""
    if not definition:
        lacking = f"task definition {step.before['marked by']}" if is_psql else f"service of {step.tenant}"
        raise ValueError(f"there is no {lacking} in {context.env.region(step.side)} any more")
    (override,) = step.planned_call.params["overrides"]["containerOverrides"]
    given: dict[str, Any] = {**step.before["variables"], **variables, scripts.TOKEN: marker_of(context)}
    # The moment is part of the token: ECS runs no second task for a token it had, and a step tried again needs one.
    sent = f"{start_reference(context)}:{kind.group}:{step.tenant}:{context.snapshot.taken_at.isoformat()}"
    return step.call_with(
        {
            "taskDefinition": definition,
            "startedBy": start_reference(context),
            # One task for each token, however often the call is sent (ECS API, RunTask).
            "clientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, sent)),
            "overrides": _overrides(override, given),
        }
    )


def call_of(kind: MarkerTask) -> BuildCall:
    """What builds the call of a step that runs a task of this kind, with the run's own marker."""
    return lambda step, context: filled_call(step, context, kind)


def start_reference(context: PlanContext) -> str:
    """By what ECS says that the run's own tasks were started."""
    made_of = f"{context.env.name}:{marker_of(context)}"
    # startedBy takes 128 characters of a small alphabet (ECS API, RunTask): a digest stands for incident and time.
    return marker_tasks.STARTED_BY + hashlib.sha256(made_of.encode()).hexdigest()[:12]


def task_of(context: PlanContext, kind: MarkerTask, step: Step) -> drill_resources.Probe | None:
    """The run's task of this kind, of the step's tenant: one at work, else that which ended last.

    One that did not end well counts where this attempt of the step sent it. Raises DataUnavailable.
    """
    own, family = context.tasks.get(step.id), step.before["marked by"]
    ours = [
        task
        for task in context.snapshot.get(marker_tasks.tasks, step.side)
        if (task.incident, task.group) == (start_reference(context), kind.group)
        and task.task_definition.rpartition("/")[2].rpartition(":")[0] == family
        # A task that failed in an earlier attempt is not this one's: it would end the step before it began.
        and (task.status != drill_resources.STOPPED or task.exit_code == 0 or task.arn == own)
    ]
    at_work = [task for task in ours if task.status != drill_resources.STOPPED]
    return next(iter(at_work), None) or max(ours, key=lambda task: task.stopped_at or _NEVER, default=None)


def report_of(context: PlanContext, side: Side, task: drill_resources.Probe) -> marker_tasks.MarkerReport | None:
    """What the task printed of this run's marker, None for nothing yet. Raises DataUnavailable."""
    seen = context.snapshot.get(marker_tasks.reports, side)
    known = next((row for row in seen if not isinstance(row, Unavailable) and row.task == task.arn), None)
    unavailable = next((row for row in seen if isinstance(row, Unavailable)), None)
    # Any log that was not read may be this task's: "nothing yet" must not be said of it.
    if known is None and unavailable is not None:
        raise DataUnavailable(unavailable)
    return known if known is not None and known.marker == marker_of(context) else None


def task_and_report(
    context: PlanContext, kind: MarkerTask, step: Step
) -> tuple[drill_resources.Probe | None, marker_tasks.MarkerReport | None]:
    """The step's task of this kind and what it printed of this run's marker. Raises DataUnavailable."""
    task = task_of(context, kind, step)
    return task, report_of(context, step.side, task) if task is not None else None


def unfinished_status(
    context: PlanContext, side: Side, task: drill_resources.Probe | None, what: str
) -> StepStatus | None:
    """How a step stands whose task has not ended well; None where it ended with 0. Raises DataUnavailable."""
    if task is None:
        return StepStatus(StepState.READY, f"No task was asked to {what} yet.")
    name = task.arn.rpartition("/")[2]
    if task.status != drill_resources.STOPPED:
        message = f"Task {name}, which is to {what}, is {task.status}."
        return StepStatus(StepState.IN_PROGRESS, message, progress=(task.status,))
    if task.exit_code == 0:
        return None
    reason = task.reason or "ECS gives no reason"
    if task.exit_code is None:
        return StepStatus(StepState.FAILED, f"Task {name}, which was to {what}, never ran: {reason}.")
    seen = context.snapshot.get(marker_tasks.reports, side)
    last = next((row.message for row in seen if not isinstance(row, Unavailable) and row.task == task.arn), "")
    message = f"Task {name}, which was to {what}, ended with code {task.exit_code}: {last or reason}."
    return StepStatus(StepState.FAILED, message)


def missing_log_status(step: Step) -> StepStatus:
    """What a task found that ended well is not in its log yet."""
    return StepStatus(StepState.UNAVAILABLE, f"What the task of {step.id} found is not in its log yet.")


def marker_remains(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Markers that may have been written and were not seen removed since, by store, in the order of writing."""
    left: dict[str, dict[str, None]] = {}
    for entry in entries:
        action, label = prefix_of(str(entry.step)), label_of(str(entry.step))
        room = action.partition("/")[0]
        # From the intent on: whether the call arrived is not known, so the marker may be there.
        if action in WRITERS and entry.kind is EntryKind.INTENT:
            left.setdefault(room, {})[label] = None
        elif action.endswith("/remove_marker") and entry.kind is EntryKind.CONFIRMED:
            left.get(room, {}).pop(label, None)
    return tuple(_CALLED[room].format(shared.name_list(list(labels))) for room, labels in left.items() if labels)


def marked_databases(plan: Plan, entries: Sequence[Entry]) -> frozenset[str]:
    """The resource ids of the databases into which the run of ``plan`` may have written a marker."""
    sent = {entry.step for entry in entries if entry.kind is EntryKind.INTENT}
    steps = (step for step in plan.steps if step.action in _OF_DATABASES and step.id in sent)
    return frozenset(str(step.before["resource"]) for step in steps)


def remains_sentence(entries: Sequence[Entry]) -> str:
    """The markers that are left, as sentences; "" where none is."""
    names = marker_remains(entries)
    return f"Its markers are left: {', '.join(names)}. {_WAYS}" if names else ""
