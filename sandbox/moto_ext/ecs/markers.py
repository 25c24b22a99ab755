"""The marker's scripts, played upon the world's rows: written until it is refused, looked for, and taken away.

The real one writes some fifty times a second. Here it writes at each call to ECS, and once more when it finds the
freeze in force, for all that it wrote until then. A source counts its transactions where its parameter group sets
gtid-mode to ON; a copy has executed as many of them as it has rows. PostgreSQL's position in its log is the number of
rows too, which a script reports that waits for the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from moto.ecs.models import EC2ContainerServiceBackend
from moto.rds.models import DBInstance

from dr_estate.model.engines import engine_of
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.ecs import file_markers
from sandbox.moto_ext.ecs.file_markers import TIME_IS_OVER, PlayedScript, is_late, line_of
from sandbox.moto_ext.ecs.tasks import RunningTask
from sandbox.moto_ext.rds.changes import refuses_writes

MARK, GAP_MS = "dr_marker", 20
_WRITES, _REMOVES = "INSERT INTO dr_marker", "DROP TABLE"


def play(
    backend: EC2ContainerServiceBackend, task: RunningTask, variables: Mapping[str, str], script: str
) -> PlayedScript:
    """What the script does at this moment."""
    from sandbox.moto_ext.data.task_data import StoreUnavailable, TaskStores, asked_host

    if file_markers.FILE in script:
        return file_markers.play(backend, task, variables, script)
    host, schema = asked_host(script, variables), variables.get("DR_SCHEMA", "")
    try:
        instance = TaskStores(backend.account_id, backend.region_name, task.definition).database_at(host)
    except StoreUnavailable as no:
        return 1, (f"mysqli_sql_exception: {no}",)
    tenant = stored_data.tenant_of_schema(instance, schema)
    if not tenant:
        return 1, (f"mysqli_sql_exception: Unknown database '{schema}'",)
    late = is_late(task, variables, writes=_WRITES in script)
    if _WRITES in script:
        return _write(task, variables, instance, tenant, late)
    if _REMOVES in script:
        rows = stored_data.rows_of(instance)
        stored_data.put_rows(instance, [row for row in rows if not row.id.startswith(stored_data.MARKER)])
        return 0, (line_of(variables, removed=True),)
    wanted, number = variables.get("DR_GTIDS", ""), _number(instance, variables.get("DR_MARKER", ""))
    # One transaction a row: the set "id:1-N", or the log until "0/N", is executed where N rows are shown.
    executed = not wanted or len(stored_data.rows_of(instance)) >= int(re.split("[-/]", wanted)[-1])
    found = executed and number >= int(variables.get("DR_NUMBER") or 0)
    if not found and not late:
        return None, ()
    line = line_of(variables, found=found, n=number, executed=executed, server=_server(instance))
    return (0 if found else TIME_IS_OVER), (line,)


def _write(
    task: RunningTask, variables: Mapping[str, str], instance: DBInstance, tenant: str, late: bool
) -> PlayedScript:
    name, begun = variables.get("DR_MARKER", ""), task.marked
    refused = bool(instance.is_replica or refuses_writes(instance))
    number = _number(instance, name)
    # The table was dropped meanwhile, or the name leads to another database now.
    if begun and not number:
        return 1, ("mysqli_sql_exception: Table 'dr_marker' doesn't exist",)
    lines = []
    # Once more after the refusal: for all that was written until the freeze took effect.
    if not refused or begun:
        number += 1
        stored_data.write_row(instance, f"{stored_data.MARKER}{name}#{number}", tenant)
    if not refused and not begun:
        task.marked = True
        lines.append(line_of(variables, begun=True, n=number))
    until_refused = variables.get("DR_UNTIL") == "refused"
    if until_refused and not refused and not late:
        return None, tuple(lines)
    position = f"0/{len(stored_data.rows_of(instance))}" if refused and until_refused else ""
    gtids = position if engine_of(instance.engine).psql else _executed_gtids(instance)
    ending = {"gap_ms": GAP_MS if begun else -1, "gtids": gtids, "server": _server(instance)}
    lines.append(line_of(variables, n=number, refused=refused, **ending))
    return (TIME_IS_OVER if until_refused and not refused else 0), tuple(lines)


def _server(instance: DBInstance) -> str:
    from sandbox.moto_ext.data.task_data import server_uuid

    return server_uuid(instance)


def _number(instance: DBInstance, name: str) -> int:
    """The highest number of the marker that the instance shows, 0 without one."""
    beginning = f"{stored_data.MARKER}{name}#"
    rows = (row.id for row in stored_data.rows_of(instance) if row.id.startswith(beginning))
    return max((int(row_id.removeprefix(beginning)) for row_id in rows), default=0)


def _executed_gtids(instance: DBInstance) -> str:
    groups = instance.db_parameter_groups()
    modes = [group.parameters.get("gtid-mode", {}).get("ParameterValue") for group in groups]
    # A GTID names a server by its uuid; the resource id stands for it.
    return f"{instance.dbi_resource_id}:1-{len(stored_data.rows_of(instance))}" if "ON" in modes else ""
