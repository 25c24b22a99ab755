"""Restores the newest copy of the database beside the estate, and asks it as the tenants do: the answers are evidence.

The instance has the trial's name and tags from the start. Nothing protects it and nothing backs it up, so that a
clean-up leaves nothing. The time of its latest write is tagged on it, because RDS does not report that for a restored
instance: with UseLatestRestorableTime it is at least what was restorable right before the call. Source: RDS API,
RestoreDBInstanceToPointInTime and RestoreDBInstanceFromDBSnapshot.

One task of each tenant asks, of the tenant's own definition, where its service runs, with its own secrets. It runs
``php -r``: the WordPress image runs any command other than its web server's unchanged. The script reads the credentials
as WordPress does (each variable, or the file that ``..._FILE`` names), connects to the host that it is given, and
prints one line of JSON: no value of any row, and no secret. Its log is the evidence: an exit code alone proves nothing.
Rows are MySQL's estimate, recalculated for this session (information_schema_stats_expiry). A database of PostgreSQL is
asked by the task definition names.psql_task in their place (``psql_scripts.COUNT``). The host has a variable of
its own: WORDPRESS_DB_HOST may be a secret of the definition, which no override replaces, and the answer would be the
live database's (T74). Sources: docker-library/wordpress, docker-entrypoint.sh and wp-config-docker.php; MySQL 8.0
manual, The INFORMATION_SCHEMA TABLES Table, server_uuid; ECS API, RunTask (startedBy, clientToken, failures) and
DescribeTasks (stoppedReason, exitCode).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from dr_actions.actions.database import restore_dr
from dr_actions.actions.markers import marker_task, psql_scripts
from dr_actions.actions.markers.scripts import HOST, SERVER
from dr_actions.actions.restore_test import shared
from dr_actions.actions.restore_test import tasks as restore_test_tasks
from dr_actions.actions.restore_test.shared import RESTORED_TO
from dr_actions.actions.restored_copy import drill_tags
from dr_actions.actions.shared import RUN, TenantService, container_of, name_list, send
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.engines import MYSQL, Engine
from dr_estate.model.recovery_names import RESTORED_FROM, TAG
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import backup, drill_resources, ecs, kms, rds, vpc
from dr_estate.snapshot.tenants import Tenant

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
MARKER, TENANT, SCHEMA = "DR_PROBE", "DR_TENANT", "DR_SCHEMA"
_ASK = r"""
function got($n) { $f = getenv($n . "_FILE"); return $f ? rtrim(file_get_contents($f), "\r\n") : (string) getenv($n); }
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    $at = explode(":", got("DR_DB_HOST"));
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 30);
    [$who, $word] = [got("WORDPRESS_DB_USER"), got("WORDPRESS_DB_PASSWORD")];
    $db->real_connect($at[0], $who, $word, null, (int) ($at[1] ?? 3306));
    try { $db->query("SET SESSION information_schema_stats_expiry = 0"); } catch (Throwable $older) { }
    $schema = $db->real_escape_string(got("DR_SCHEMA"));
    $where = "FROM information_schema.tables WHERE table_schema = '$schema'";
    $row = $db->query("SELECT COUNT(*), COALESCE(SUM(table_rows), 0) $where")->fetch_row();
    $newest = null;
    $posts = (got("WORDPRESS_TABLE_PREFIX") ?: "wp_") . "posts";
    $held = $db->query("SELECT 1 $where AND table_name = '" . $db->real_escape_string($posts) . "'");
    $last = "SELECT MAX(post_modified_gmt) FROM `$schema`.`$posts`";
    if ($held->num_rows) { $newest = $db->query($last)->fetch_row()[0]; }
    $out = ["dr_probe" => got("DR_PROBE"), "tenant" => got("DR_TENANT"), "schema" => $row[0] ? got("DR_SCHEMA") : ""];
    $out += ["host" => $at[0], "server" => server($db)];
    echo json_encode($out + ["tables" => (int) $row[0], "rows" => (int) $row[1], "newest" => $newest]), "\n";
    exit($row[0] ? 0 : 1);
} catch (Throwable $e) { fwrite(STDERR, get_class($e) . ": " . $e->getMessage() . "\n"); exit(1); }
"""
SCRIPT = SERVER + _ASK


@shared.trial_only
def restore_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a copy is usable."""
    copy = shared.newest(context)
    if copy is None:
        return
    env, name = context.env, shared.database_name(context.env, context.incident)
    tags = drill_tags(env, context.incident, **{RESTORED_FROM: copy.name})
    yield context.step(
        RESTORE.name,
        name,
        label=env.database_on(Side.DR),
        side=Side.DR,
        says=f"Restore {copy.name} into the isolated database {name} in {env.regions.dr}, not public, and wait for it.",
        danger=Danger.COMPENSABLE,
        undo=f"The clean-up deletes {name}.",
        budget_s=7200,
        call=restore_dr.isolated_restore(context, copy, name, tags),
        before={"instance": "absent", "incident": context.incident},
        after={"instance": name, RESTORED_FROM: copy.name},
    )


def restore_status(step: Step, context: PlanContext) -> StepStatus:
    """How the isolated instance stands. Source: RDS User Guide, DB instance status."""
    instance = shared.database_of(context, step.subject)
    if instance is None:
        return _of_absent(step, context)
    tagged = dict(instance.tags)
    if tagged.get(TAG) != step.before["incident"] or tagged.get(RESTORED_FROM) != step.after[RESTORED_FROM]:
        message = f"{instance.identifier} is there, but this trial did not restore it"
        return StepStatus(StepState.DRIFTED, f"{message}: find out who did.", _evidence(step, context, instance))
    if DATABASE[instance.status].broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is restored, but {instance.status}.")
    # The address is there before the status says available: only both together answer.
    if DATABASE[instance.status].changeable and instance.host:
        message = f"{instance.identifier} answers at {instance.host}."
        return StepStatus(StepState.DONE, message, _evidence(step, context, instance))
    message = f"{instance.identifier} is {instance.status or 'in an unknown state'}."
    works = DATABASE[instance.status].busy
    return StepStatus(StepState.IN_PROGRESS, message, progress=(instance.status,), works=works)


def _of_absent(step: Step, context: PlanContext) -> StepStatus:
    env, source = context.env, step.after[RESTORED_FROM]
    if not restore_dr.group_id(context):
        context.snapshot.get(vpc.security_groups, Side.DR)  # unseen is not absent
        # RDS would give it the VPC's default group (RDS API, VpcSecurityGroupIds), and no task would reach it.
        group = env.named(env.on(Side.DR).names.db_security_group)
        message = f"the security group {group} is absent in {env.regions.dr}, and nothing would reach the database"
        return StepStatus(StepState.DRIFTED, f"{message}. Provision it, or correct names.db_security_group.")
    if restore_dr.restorable_to(context, source) is None:
        return StepStatus(StepState.DRIFTED, f"The copy {source} is gone, or can no longer be restored.")
    return StepStatus(StepState.READY, f"{step.subject} is absent and can be restored.")


def _evidence(step: Step, context: PlanContext, instance: rds.Instance) -> tuple[tuple[str, str], ...]:
    """What is kept in the journal: with the moment, and how old it was when the call left, as evidence of the RPO."""
    tagged = dict(instance.tags)
    facts = [
        ("host", instance.host),
        ("resource", instance.resource_id),
        ("arn", instance.arn),
        ("status", instance.status),
    ]
    words = {"source": RESTORED_FROM, "restored to": RESTORED_TO}
    facts += [(word, tagged[key]) for word, key in words.items() if key in tagged]
    sent = context.sent_at.get(step.id)
    if sent is not None and RESTORED_TO in tagged:
        until = datetime.strptime(tagged[RESTORED_TO], _MOMENT).replace(tzinfo=sent.tzinfo)
        facts.append(("age of the data in s", str(max(0, round((sent - until).total_seconds())))))
    return tuple(facts)


def restore_call(step: Step, context: PlanContext) -> Call:
    """The call with the group and the moment of the data as now. Raises ValueError where group or copy is absent."""
    try:
        moment = restore_dr.restorable_to(context, step.after[RESTORED_FROM])
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if moment is None:
        raise ValueError(f"the copy {step.after[RESTORED_FROM]} is gone")
    call = restore_dr.filled_call(step.planned_call, context)
    tags = [*call.params["Tags"], {"Key": RESTORED_TO, "Value": f"{moment:{_MOMENT}}"}]
    return replace(call, params={**call.params, "Tags": tags})


def restore_notes(context: PlanContext) -> Iterator[str]:
    """Why nothing is tried, and what could not be seen."""
    copies, dark = shared.copies(context)
    if shared.newest(context) is not None:
        yield from (f"Not every copy of the database is seen: {unavailable.why}" for unavailable in dark)
        return
    flaws = [f"{copy.mechanism} {copy.name}: {copy.flaw or 'it is no RDS snapshot'}" for copy in copies]
    flaws += [unavailable.why for unavailable in dark]
    reason = "; ".join(flaws) or "there is none (to try a read replica uses it up)"
    yield f"The database is not tried: no copy in {context.env.regions.dr} can be restored beside it: {reason}"


def probe_overrides(
    env: Environment, container: str, incident: str, tenant: Tenant, host: str, engine: Engine = MYSQL
) -> Json:
    """RunTask's overrides: the script as the container's command, and what it needs to know beside its own secrets."""
    variables = {
        HOST: f"{host}:{engine.port}",
        MARKER: incident,
        TENANT: tenant.id,
        SCHEMA: env.named(env.names.tenant_schema, tenant=tenant.id),
    }
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    return {"containerOverrides": [{"name": container, "command": command(engine), "environment": environment}]}


def command(engine: Engine = MYSQL) -> list[str]:
    """The command: the script in as few characters as it takes."""
    if engine.psql:
        return psql_scripts.command(psql_scripts.COUNT)
    # Indents count against the 8,192 characters of a task's overrides (API_TaskOverride).
    return ["php", "-r", re.sub(r"\n\s*", "\n", SCRIPT).strip()]


def with_host(params: Mapping[str, Json], host: str) -> dict[str, Json]:
    """RunTask's parameters with ``host`` for the database, which is known once it is restored."""
    changed_overrides = {**params["overrides"]}
    changed_overrides["containerOverrides"] = [
        {
            **override,
            "environment": [
                {**pair, "value": f"{host}:{pair['value'].rpartition(':')[2]}"} if pair["name"] == HOST else pair
                for pair in override["environment"]
            ],
        }
        for override in changed_overrides["containerOverrides"]
    ]
    return {**params, "overrides": changed_overrides}


def reason_to_doubt(
    answer: drill_resources.ProbeAnswer, incident: str, tenant: str, schema: str, host: str, servers: Collection[str]
) -> str:
    """Why the answer does not show that the tenant's data is there, "" where it does.

    ``host`` is the restored database's, ``servers`` are those that all answers of this drill came from.
    """
    if answer.host != host:
        return f"it was {answer.host or 'an unnamed host'} that was asked, and not {host}"
    if not answer.server:
        return f"{host} does not say which server it is"
    # All ask one instance: a second server means that one of them reached the live database.
    if len(servers) > 1:
        return f"tenants reached different servers: {', '.join(sorted(servers))}"
    if (answer.incident, answer.tenant) != (incident, tenant):
        return f"it answers for {answer.tenant or 'nobody'} of {answer.incident or 'no drill'}"
    if answer.schema != schema or answer.tables < 1:
        return f"the schema {schema} is not in it"
    if answer.rows < 1:
        return f"the {answer.tables} tables of {schema} hold no row"
    return ""


@shared.trial_only
def query_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each sampled tenant with a service in the DR region, where a database is tried."""
    if shared.newest(context) is not None and not marker_task.obstacle(context, shared.engine(context), Side.DR):
        yield from (_query_step(context, tenant_service) for tenant_service in shared.querying_tenants(context))


def _query_step(context: PlanContext, tenant_service: TenantService) -> Step:
    env, name, engine = context.env, shared.database_name(context.env, context.incident), shared.engine(context)
    schema = env.named(env.names.tenant_schema, tenant=tenant_service.tenant.id)
    container, group = restore_test_tasks.site_container(context, tenant_service.service), ""
    if engine.psql and (psql := marker_task.psql_definition(context, Side.DR)):
        # One definition asks as all tenants: the group is of each task.
        group, container = f"dr-query-{tenant_service.tenant.id}", container_of(env, psql)
        tenant_service = replace(tenant_service, service=replace(tenant_service.service, task_definition=psql.arn))
    tenant, host = tenant_service.tenant, pending_host(name)
    overrides = probe_overrides(context.env, container, context.incident, tenant, host, engine)
    return context.step(
        QUERY.name,
        name,
        label=tenant_service.tenant.id,
        side=Side.DR,
        says=f"Ask {name} as {tenant_service.tenant.id}: a task of its own connects with its secrets "
        f"and counts {schema}.",
        danger=Danger.COMPENSABLE,
        undo="The task ends by itself; the clean-up stops one that does not.",
        budget_s=900,
        call=restore_test_tasks.call_of(context, tenant_service, overrides, group),
        tenant=tenant.id,
        before={"definition": tenant_service.service.task_definition, "incident": context.incident},
        after={"schema": schema, "rows": "at least one"},
    )


def pending_host(name: str) -> str:
    """Stands for the host of the restored database, while it is not there yet."""
    return f"<the host of {name}, once restored>"


def query_status(step: Step, context: PlanContext) -> StepStatus:
    """How the tenant's task stands, and what it found."""
    # The tenant's task of this trial; the newest, where there should be several
    ours = [
        task
        for task in context.snapshot.get(drill_resources.tasks, Side.DR)
        if (task.incident, task.task_definition) == (step.before["incident"], step.before["definition"])
        and task.group == step.planned_call.params.get("group", task.group) != drill_resources.STARTING
    ]
    task = ours[-1] if ours else None
    if task is None:
        instance = shared.database_of(context, step.subject)
        if instance is None or not instance.host or not DATABASE[instance.status].serves:
            how = instance.status if instance else "not there"
            return StepStatus(StepState.DRIFTED, f"{step.subject} is {how}: nothing can be asked of it.")
        return StepStatus(StepState.READY, f"{step.subject} can be asked as {step.tenant}.")
    if task.status != drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"The task of {step.tenant} is {task.status}.")
    if task.exit_code is None:
        message = f"The task of {step.tenant} did not start: {task.reason or 'ECS gives no reason'}"
        return StepStatus(StepState.FAILED, message, (("task", task.arn),))
    return _result_status(step, context, task)


def _result_status(step: Step, context: PlanContext, task: drill_resources.Probe) -> StepStatus:
    answer = _answer(context, task)
    if task.exit_code != 0:
        reason = answer.said if answer and answer.said else task.reason
        if answer is not None and answer.heard:
            reason = _reason_to_doubt(step, context, answer)
        how = f"(exit code {task.exit_code}): {reason or 'it says nothing'}"
        message = f"{step.subject} does not answer {step.tenant} {how}"
        return StepStatus(StepState.FAILED, message, (("task", task.arn),))
    # awslogs sends lines with a delay: an exit code alone shows nothing of what was read.
    if answer is None or not answer.heard:
        return StepStatus(StepState.UNAVAILABLE, f"What {task.arn} found is not in its log yet.")
    cause = _reason_to_doubt(step, context, answer)
    facts = [
        ("task", task.arn),
        ("host", answer.host),
        ("server", answer.server),
        ("schema", answer.schema),
        ("tables", str(answer.tables)),
        ("rows", str(answer.rows)),
    ]
    facts += [("newest", answer.newest)] if answer.newest else []
    if cause:
        message = f"{step.subject} answers {step.tenant}, but {cause}."
        return StepStatus(StepState.FAILED, message, tuple(facts))
    found = f"{answer.tables} tables of {answer.schema} with {answer.rows} rows"
    return StepStatus(StepState.DONE, f"{step.subject} answers {step.tenant}: {found}.", tuple(facts))


def _reason_to_doubt(step: Step, context: PlanContext, answer: drill_resources.ProbeAnswer) -> str:
    instance, incident = shared.database_of(context, step.subject), str(step.before["incident"])
    seen = context.snapshot.get(drill_resources.answers, Side.DR)
    known = [row for row in seen if isinstance(row, drill_resources.ProbeAnswer) and row.incident == incident]
    servers = {row.server for row in known if row.server}
    host = instance.host if instance else ""
    return reason_to_doubt(answer, incident, str(step.tenant), step.after["schema"], host, servers)


def _answer(context: PlanContext, task: drill_resources.Probe) -> drill_resources.ProbeAnswer | None:
    """What the task's log says, None where it was not read. Raises DataUnavailable where it cannot be."""
    seen = context.snapshot.get(drill_resources.answers, Side.DR)
    answers = [answer for answer in seen if isinstance(answer, drill_resources.ProbeAnswer)]
    known = next((answer for answer in answers if answer.task == task.arn), None)
    unavailable = next((answer for answer in seen if isinstance(answer, Unavailable)), None)
    if known is None and unavailable is not None and task.exit_code == 0:
        raise DataUnavailable(unavailable)
    return known


def query_call(step: Step, context: PlanContext) -> Call:
    """The call with the restored database's host. Raises ValueError where there is none."""
    try:
        instance = shared.database_of(context, step.subject)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if instance is None or not instance.host:
        raise ValueError(f"{pending_host(step.subject)} is still absent")
    return replace(step.planned_call, params=with_host(step.planned_call.params, instance.host))


def query_notes(context: PlanContext) -> Iterator[str]:
    """Whom nobody can ask as."""
    try:
        asking, voiceless = shared.querying_tenants(context), shared.tenants_without_query(context)
        reason = marker_task.obstacle(context, shared.engine(context), Side.DR)
    except DataUnavailable as error:
        yield f"No tenant asks the restored database: {error.unavailable.why}"
        return
    if reason:
        yield f"No tenant asks the restored database: {reason}."
        return
    if voiceless:
        names = name_list([tenant.id for tenant in voiceless])
        region = context.env.regions.dr
        yield f"{names}: without a service in {region} the restored database is not asked as that tenant."
    if not asking:
        yield "No tenant asks the restored database: that it answers is not proved."


RESTORE = Action(
    "restore_test/restore_database",
    "Restores the newest copy of the database beside the estate, as a recovery would: the restored engine is evidence.",
    {restore_dr.TO_POINT_IN_TIME, restore_dr.FROM_SNAPSHOT},
    (rds.instances, rds.automated_backups, backup.recovery_points, kms.copy_keys, vpc.security_groups),
    restore_steps,
    restore_status,
    build_call=restore_call,
    omissions=restore_notes,
)
QUERY = Action(
    "restore_test/query_database",
    "Asks the restored database as the tenants do: one task each, of the tenant's own definition of the DR region.",
    {RUN},
    (rds.instances, drill_resources.tasks, drill_resources.answers, ecs.psql_definitions),
    query_steps,
    query_status,
    build_call=query_call,
    omissions=query_notes,
    send=send,
)
