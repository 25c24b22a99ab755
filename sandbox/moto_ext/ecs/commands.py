"""Commands that RunTask's overrides give a task: what they do in the world, what they log, and how they end.

One kind is played: ``php -r`` of a script that asks a database for its tables. It asks the host in WORDPRESS_DB_HOST,
as the task's own region resolves it, for the schema in DR_SCHEMA, and prints one line of JSON with what it was told to
say; where it cannot connect it prints PHP's message and ends with 1. Any other command of an override runs on. What
the awslogs driver and the agent need before the container starts (log group, secrets) is looked for first, and a task
without it never runs (ECS developer guide, stopped task error codes).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend
from moto.logs.models import logs_backends
from moto.secretsmanager.models import secretsmanager_backends

from sandbox.core.patching import state
from sandbox.core.state import now
from sandbox.core.timing import transition_s
from sandbox.moto_ext.ecs.tasks import RunningTask, all_tasks, containers_of, release

NOT_STARTED = ("CannotPull", "ResourceInitializationError")
ENDED = "Essential container in task exited"
KILLED = 137
TABLES = 12  # of a WordPress of one site
_NEEDED = ("information_schema", "mysqli")


def run_once(
    backend: EC2ContainerServiceBackend, token: str, run: Callable[[], list[RunningTask]]
) -> list[RunningTask]:
    """What ``run`` starts; the same tasks again for a token that was used before (API_RunTask, clientToken)."""
    tasks_by_token: dict[str, list[RunningTask]] = state(backend, "run_tokens")
    if not token:
        return run()
    if token not in tasks_by_token:
        tasks_by_token[token] = run()
    return tasks_by_token[token]


def interrupt(task: RunningTask) -> None:
    """A container that runs when its task is stopped is killed."""
    if task.overrides and task.exit_code is None and task.status(now()) == "RUNNING":
        task.exit_code = KILLED


def play(backend: EC2ContainerServiceBackend) -> None:
    """Let every command end whose time has come: it takes half of what a change takes."""
    moment = now()
    for task in all_tasks(backend).values():
        if not task.overrides:
            continue
        if task.exit_code is None and task.stops_at is None and moment >= task.runs_at:
            _run(backend, task)
        if task.status(moment) == "STOPPED":
            release(backend, [task])


def _run(backend: EC2ContainerServiceBackend, task: RunningTask) -> None:
    given = task.overrides.get("containerOverrides") or []
    container_override = next(
        (override for override in given if (override.get("command") or [])[:2] == ["php", "-r"]), None
    )
    if container_override is None:
        return
    container = next(
        (candidate for candidate in containers_of(task.definition) if candidate["name"] == container_override["name"]),
        None,
    )
    reason = "no such container" if container is None else _missing(backend, container)
    if container is None or reason:
        task.stop(now(), f"ResourceInitializationError: {reason}")
        return
    variables = _variables(container, container_override)
    if not all(word in container_override["command"][2] for word in _NEEDED):
        code, line = 255, "PHP Fatal error: the sandbox plays no other script than one that asks a database"
    else:
        code, line = _asked(backend, task, variables)
    _log(backend, task, container, line)
    task.exit_code = code
    task.stop(now() + timedelta(seconds=transition_s() / 2), ENDED)


def _variables(container: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, str]:
    pairs = [*(container.get("environment") or ()), *(override.get("environment") or ())]
    return {pair["name"]: str(pair["value"]) for pair in pairs}


def _missing(backend: EC2ContainerServiceBackend, container: Mapping[str, Any]) -> str:
    """What the agent does not find before it starts the container, "" where nothing is missing."""
    stored_secrets = secretsmanager_backends[backend.account_id][backend.region_name].secrets.values()
    known = {str(stored_secret.arn) for stored_secret in stored_secrets}
    for secret in container.get("secrets") or ():
        arn = ":".join(str(secret["valueFrom"]).split(":")[:7])
        if arn.startswith("arn:aws:secretsmanager:") and arn not in known:
            return f"unable to pull secrets or registry auth: {arn} cannot be found"
    options = (container.get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group")
    groups = logs_backends[backend.account_id][options.get("awslogs-region") or backend.region_name].groups
    if group and group not in groups and options.get("awslogs-create-group") != "true":
        return "failed to validate logger args: The specified log group does not exist."
    return ""


def _asked(backend: EC2ContainerServiceBackend, task: RunningTask, variables: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and the line that the script prints."""
    from sandbox.moto_ext.data import stored_data
    from sandbox.moto_ext.data.task_data import HOST_VARIABLE, StoreUnavailable, TaskStores

    host = variables.get(HOST_VARIABLE, "").partition(":")[0]
    try:
        instance = TaskStores(backend.account_id, backend.region_name, task.definition).database_at(host)
    except StoreUnavailable as no:
        return 1, f"mysqli_sql_exception: {no}"
    schema = variables.get("DR_SCHEMA", "")
    tenant = stored_data.tenant_of_schema(instance, schema)
    rows = [row for row in stored_data.rows_of(instance) if row.tenant == tenant] if tenant else []
    newest = f"{max(row.at for row in rows):%Y-%m-%d %H:%M:%S}" if rows else None
    values = {
        "dr_probe": variables.get("DR_PROBE", ""),
        "tenant": variables.get("DR_TENANT", ""),
        "schema": schema if rows else "",
        "tables": TABLES if rows else 0,
        "rows": len(rows),
        "newest": newest,
    }
    return (0 if rows else 1), json.dumps(values)


def _log(backend: EC2ContainerServiceBackend, task: RunningTask, container: Mapping[str, Any], line: str) -> None:
    options = (container.get("logConfiguration") or {}).get("options") or {}
    if not options.get("awslogs-group"):
        return
    region = options.get("awslogs-region") or backend.region_name
    logs, group = logs_backends[backend.account_id][region], options["awslogs-group"]
    if group not in logs.groups:
        logs.create_log_group(group, {})
    stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{container['name']}/{task.id}"
    logs.create_log_stream(group, stream)
    logs.put_log_events(group, stream, [{"timestamp": int(now().timestamp() * 1000), "message": line}])
