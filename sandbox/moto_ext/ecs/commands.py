"""Commands that RunTask's overrides give a task: what they do in the world, what they log, and how they end.

Six kinds are simulated. A command line of this tool runs as a real process (processes.py), also in a task whose
containers run in turn (chained.py). A ``php -r`` script queries a database for its tables: it queries the host in
the variable that it reads, as the task's own region resolves it, for the schema in DR_SCHEMA, and prints a line of JSON
that includes the values it was given; where it cannot connect it prints PHP's message and ends with 1. A shell with
``psql`` does the same to PostgreSQL, with the user and password that the task has as PGUSER and PGPASSWORD. Another
moves what AWS Backup restored into its place, and prints how much each folder of DR_PATHS holds. Markers are written,
searched for and removed (markers.py). ``true`` ends with 0 at once. Any other command of an override runs on. What the
awslogs driver and the agent need before the container starts (log group, secrets, and the file system that ``true``'s
task mounts) is checked first, and a task without it never runs (ECS developer guide, stopped task error codes).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend
from moto.logs.models import logs_backends

from sandbox.core.patching import state
from sandbox.core.state import now
from sandbox.core.timing import duration_s, is_real, transition_s
from sandbox.moto_ext.ecs import chained, markers, processes
from sandbox.moto_ext.ecs.task_start import NotStarted, secrets_at_start
from sandbox.moto_ext.ecs.tasks import RunningTask, all_tasks, containers_of, release
from sandbox.moto_ext.logs import takes_lines

ENDED = "Essential container in task exited"
UNMOUNTED = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes"
# 128 and SIGKILL's 9; 127 is a shell's answer for a command that is not there.
KILLED, NOT_FOUND = 137, 127
TABLES = 12  # of a WordPress of one site
_ASKS, _MOVES = ("information_schema", "mysqli"), ("aws-backup-restore_", "scandir")


def run_once(
    backend: EC2ContainerServiceBackend, token: str, run: Callable[[], list[RunningTask]]
) -> list[RunningTask]:
    """What ``run`` starts; the same tasks again for a token that was used before (API_RunTask, clientToken)."""
    tasks_by_token: dict[str, list[RunningTask]] = state(backend, "run_tokens")
    if not token:
        return run()
    # By token alone: RunTask with other parameters and a used token is a conflict on AWS (API_RunTask).
    if token not in tasks_by_token:
        tasks_by_token[token] = run()
    return tasks_by_token[token]


def interrupt(task: RunningTask) -> None:
    """A container that runs when its task is stopped is killed."""
    processes.end(task.id)
    chained.end(task.id)
    # A container that ended by itself keeps its own code.
    if task.overrides and task.exit_code is None and task.status(now()) == "RUNNING":
        task.exit_code = KILLED


def play(backend: EC2ContainerServiceBackend) -> None:
    """Let every command end whose time has come: it takes half of what a change takes."""
    moment = now()
    for task in all_tasks(backend).values():
        if not task.overrides:
            continue
        if task.process and task.exit_code is None:
            if chained.is_chained(task.definition):
                task.exit_codes = chained.exit_codes_of(task) or {}
                # The essential container is the last: its end is the task's.
                code = next(reversed(task.exit_codes.values()), None)
            else:
                code = processes.exit_code_of(task)
            # Now and not when the process ended: nobody could see the moment between two calls.
            if code is not None:
                processes.end(task.id)
                task.exit_code = code
                task.stop(now(), ENDED)
        elif task.exit_code is None and task.stops_at is None and moment >= task.runs_at:
            _run(backend, task)
        # The address is free again once the task is STOPPED.
        if task.status(moment) == "STOPPED":
            release(backend, [task])


def _run(backend: EC2ContainerServiceBackend, task: RunningTask) -> None:
    from sandbox.moto_ext.data.task_data import StoreUnavailable

    given = task.overrides.get("containerOverrides") or []
    if _runs_the_tool(backend, task, given):
        return
    # An override without a command that is known runs on as the definition's container does.
    played = (row for row in given if (row.get("command") or [])[:2] in (["php", "-r"], ["sh", "-c"], ["true"]))
    if (container_override := next(played, None)) is None:
        return
    container = next(
        (candidate for candidate in containers_of(task.definition) if candidate["name"] == container_override["name"]),
        None,
    )
    if container is None:
        task.stop(now(), "ResourceInitializationError: no such container")
        return
    try:
        # Before the container: a secret that cannot be fetched stops the task with no exit code.
        task.secrets = secrets_at_start(backend, task.definition)
    except NotStarted as reason:
        task.stop(now(), str(reason))
        return
    if container_override["command"] == ["true"]:
        _start_and_end(backend, task)
        return
    try:
        code, lines = _play_script(
            backend, task, _variables(container, container_override), container_override["command"][2]
        )
    except StoreUnavailable as no:
        task.stop(now(), f"{UNMOUNTED}: {no}")
        return
    for line in lines:
        _log(backend, task, container, line)
    if code is None:
        return
    task.exit_code = code
    seconds = duration_s("ecs.run-command", task.group) if is_real() else transition_s() / 2
    task.stop(now() + timedelta(seconds=seconds), ENDED)


def _play_script(
    backend: EC2ContainerServiceBackend, task: RunningTask, variables: Mapping[str, str], script: str
) -> tuple[int | None, tuple[str, ...]]:
    """The exit code, None while the script goes on, and what it prints now. Raises StoreUnavailable: no files."""
    if "psql " in script:
        return _play_psql(backend, task, variables, script)
    if markers.MARK in script:
        return markers.play(backend, task, variables, script)
    if all(word in script for word in _ASKS):
        code, line = _play_query(backend, task, variables, script)
        return code, (line,)
    if all(word in script for word in _MOVES):
        from sandbox.moto_ext.data import stored_data
        from sandbox.moto_ext.data.task_data import TaskStores

        efs, file_system = TaskStores(backend.account_id, backend.region_name, task.definition).file_system()
        stored_data.put_in_place(efs, file_system)
        files = stored_data.files_of(efs, file_system)
        sites = [file for file in files if file.id.startswith(stored_data.FOLDER)]
        of_path = {site.id.removeprefix(stored_data.FOLDER): site.tenant for site in sites}
        paths = variables.get("DR_PATHS", "").split("\n")
        folders = {
            path: sum(file.tenant == of_path[path] for file in files) if path in of_path else 0 for path in paths
        }
        return 0, (json.dumps({"dr_files": variables.get("DR_FILES", ""), "folders": folders}),)
    # PHP ends with 255 on a fatal error.
    return 255, ("PHP Fatal error: the sandbox plays no such script",)


def _play_psql(
    backend: EC2ContainerServiceBackend, task: RunningTask, variables: Mapping[str, str], script: str
) -> tuple[int | None, tuple[str, ...]]:
    """As ``_play_script``, of PostgreSQL's client."""
    secrets = (secret["name"] for row in containers_of(task.definition) for secret in row.get("secrets") or ())
    if lacking := {"PGUSER", "PGPASSWORD"} - {*variables, *secrets}:
        return 1, (f"psql: error: no {' and no '.join(sorted(lacking))} supplied",)
    if markers.MARK in script and not variables.get("DR_PROBE"):
        code, lines = markers.play(backend, task, variables, script)
    else:
        code, line = _play_query(backend, task, variables, script)
        lines = (line,)
    return code, tuple(line.replace("mysqli_sql_exception", "psql: error") for line in lines)


def _runs_the_tool(backend: EC2ContainerServiceBackend, task: RunningTask, given: list[dict[str, Any]]) -> bool:
    """Start its process where an override is this tool's command line, or its containers where they run in turn."""
    if chained.is_chained(task.definition):
        task.process = True
        chained.begin(backend, task)
        return True
    override = next((row for row in given if processes.runs_the_tool(row.get("command") or [])), None)
    if override is None:
        return False
    own = next((row for row in containers_of(task.definition) if row["name"] == override.get("name")), {})
    # The image's entry point decides whether the words are the tool's at all.
    if processes.starts_the_tool(own.get("entryPoint") or ()):
        task.process = True
        processes.start(backend, task, override["command"])
    else:
        task.exit_code = NOT_FOUND
        task.stop(now(), ENDED)
    return True


def _start_and_end(backend: EC2ContainerServiceBackend, task: RunningTask) -> None:
    """The container starts once its files are mounted, and ends by itself."""
    from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores

    try:
        if task.definition.volumes:
            TaskStores(backend.account_id, backend.region_name, task.definition).file_system()
    except StoreUnavailable as no:
        task.stop(now(), f"{UNMOUNTED}: {no}")
        return
    task.exit_code = 0
    task.stop(now() + timedelta(seconds=transition_s() / 2), ENDED)


def _variables(container: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, str]:
    pairs = [*(container.get("environment") or ()), *(override.get("environment") or ())]
    return {pair["name"]: str(pair["value"]) for pair in pairs}


def _play_query(
    backend: EC2ContainerServiceBackend, task: RunningTask, variables: Mapping[str, str], script: str
) -> tuple[int, str]:
    """The exit code and the line that the script prints."""
    from sandbox.moto_ext.data import stored_data
    from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores, asked_host, server_uuid

    host = asked_host(script, variables)
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
        "host": host,
        "server": server_uuid(instance),
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
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    # A closed or deleted group costs the lines, not the task.
    if not takes_lines(logs, logs.groups[group]):
        return  # the driver drops what the service refuses, and the container runs on
    logs.put_log_events(group, stream, [{"timestamp": int(now().timestamp() * 1000), "message": line}])
