"""Checks of log groups in the DR region: a task whose group is absent does not start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_checks.core.model import Area, Finding, Remedy, Severity, Status, View, check, cite, weigh
from dr_checks.derived import key_users
from dr_checks.derived.key_users import usable_again
from dr_checks.derived.pairing import tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import cloudwatch_logs, ecs, kms


@check("every log group that the DR region's containers write to exists")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("ecs-task-definition-log-configuration", "ecs_task_definitions_logging_enabled", "REL13-BP04", "NIST AU-4")
def groups_exist(view: View) -> Iterator[Finding]:
    """Without awslogs-create-group a task with no log group fails: ResourceInitializationError. Source: ECS awslogs.

    A group of a third region counts as there where the primary's tasks write to it.
    """
    there, judged = {group.name for group in view.get(cloudwatch_logs.groups)}, 0
    for tenant, definition in sorted(tenant_definitions(view).items()):
        if isinstance(definition, Unavailable):
            yield view.unknown(tenant, "its log groups", definition, tenant)
            judged += 1
            continue
        for container in definition.containers:
            where = container.log_region or view.region
            if not container.log_group or where == view.env.regions.primary:
                continue  # reported by definitions.primary-region-names
            judged += 1
            if where != view.region:
                yield _third_region_finding(view, tenant, container)
                continue
            # awslogs-create-group lets the agent make the group, by the execution role's logs:CreateLogGroup.
            if container.log_group in there or container.log_creates_group:
                yield view.ok(container.log_group, "present", "present", "the container can start", tenant)
            else:
                reason = f"container {container.name} of {definition.family} would fail to start"
                remedy = Remedy(
                    f"Apply aws_cloudwatch_log_group '{container.log_group}' with the provider of {view.region}.",
                    (view.command("logs", "CreateLogGroup", logGroupName=container.log_group),),
                )
                yield view.gap(container.log_group, "absent", "present", reason, remedy, tenant)
    if not judged:
        yield view.none_expected("all log groups", "no container of the DR region writes to a log group there")


def _third_region_finding(view: View, tenant: str, container: ecs.Container) -> Finding:
    """A group of a third region: it is there where the primary's tasks write to it, which start without this region."""
    subject, measured = container.log_group, container.log_region
    wanted = f"{view.region}, or where the primary's tasks write"
    if container.log_creates_group:
        return view.ok(subject, measured, wanted, "the container makes it where it is absent", tenant)
    try:
        definitions = tenant_definitions(view, Side.PRIMARY).values()
    except DataUnavailable as unseen:
        return view.unknown(subject, wanted, unseen.unavailable, tenant)
    seen = [row for row in definitions if not isinstance(row, Unavailable)]
    if any((c.log_region, c.log_group) == (measured, subject) for row in seen for c in row.containers):
        return view.ok(subject, measured, wanted, "the primary region's tasks write there", tenant)
    if unread := next((row for row in definitions if isinstance(row, Unavailable)), None):
        return view.unknown(subject, wanted, unread, tenant)
    reason = f"container {container.name} would not start where no such group is there, which nothing shows"
    remedy = f"aws_ecs_task_definition of {tenant}: awslogs-region = {view.region}."
    return view.gap(subject, measured, wanted, reason, remedy, tenant)


# A blocker: whether a stream can be begun under a key that does not work, AWS does not document. Without one no task
# starts, and a run would wait for it.
@check(
    "the key of each log group that tasks of the DR region write to is enabled, and admits CloudWatch Logs",
    none=("all log groups", "no log group is encrypted under a customer's key"),
)
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T19", "KmsKeyUsableInRegion", "NIST AU-4", "NIST SC-12")
def keys_usable(view: View) -> Iterator[Finding]:
    """CloudWatch Logs encrypts each line as itself: the key's policy admits it by name, or nothing is written.

    Of a group that no task writes to it is a warning. Source: CloudWatch Logs User Guide, "Encrypt log data in
    CloudWatch Logs using AWS KMS".
    """
    encrypted = [group for group in view.get(cloudwatch_logs.groups) if group.key]
    rows = view.get(cloudwatch_logs.keys) if encrypted else ()
    keys = {row.ref: row for row in rows if isinstance(row, kms.KmsKey)}
    dark = next((row for row in rows if isinstance(row, Unavailable)), "its key was not read")
    writers = _writers(view) if encrypted else {}
    for group in encrypted:
        found = _key_finding(view, group, keys.get(group.key) or dark)
        if writers is not None and group.name not in writers and found.status is Status.FAIL:
            found = replace(found, status=Status.WARN, because="no line is written to it, though no task needs it")
        yield replace(found, members=(writers or {}).get(group.name, ()))


def _writers(view: View) -> dict[str, tuple[str, ...]] | None:
    """The families of tasks by the log group that they write to, None where one definition is not seen."""
    try:
        definitions = tenant_definitions(view).values()
    except DataUnavailable:
        return None
    found: dict[str, tuple[str, ...]] = {}
    for row in definitions:
        if isinstance(row, Unavailable):
            return None
        for group in {container.log_group for container in row.containers}:
            found[group] = (*found.get(group, ()), row.family)
    return found


def _key_finding(view: View, group: cloudwatch_logs.LogGroup, key: kms.KmsKey | Unavailable | str) -> Finding:
    wanted, reason = "Enabled, and admits logs", "its tasks may fail to start, and no line of a failover is kept"
    if not isinstance(key, kms.KmsKey):
        return view.unknown(group.name, wanted, key)
    if not states.KEY[key.state].known:
        return view.undocumented(group.name, wanted, key.state)
    if not states.KEY[key.state].serves:
        return view.gap(group.name, key.state, wanted, reason, _key_remedy(view, group.key, key.state))
    if isinstance(key.admits, Unavailable):
        return view.unknown(group.name, wanted, key.admits)
    if found := key_users.refusal(key.policy, (key_users.use_by_logs(view, key.arn, group.name),)):
        return key_users.refusal_finding(view, group.name, key.arn, found, reason)
    return view.ok(group.name, f"{key.state}, {key.arn}", wanted, "lines can be written and read")


def _key_remedy(view: View, key: str, state: str) -> Remedy:
    if states.KEY[state].gone:
        return Remedy(f"aws_cloudwatch_log_group in {view.region}: kms_key_id of a key that is there.")
    return usable_again(view.region, key, state)


@check(
    "log groups of the DR region have at least the retention of the primary region's",
    none=("all log groups", "no log group exists in both regions"),
)
@weigh(Severity.MINOR, Area.INFRASTRUCTURE)
@cite("cw-loggroup-retention-period-check", "SOC2 A1.2")
def retention(view: View) -> Iterator[Finding]:
    """Retention is not shorter; for ever is longest. Source: DescribeLogGroups."""
    there = {group.name: group.retention_days for group in view.get(cloudwatch_logs.groups, Side.PRIMARY)}
    pairs = [(group, there[group.name]) for group in view.get(cloudwatch_logs.groups) if group.name in there]
    for group, days in pairs:
        measured, wanted = _days(group.retention_days), _days(days)
        # No retention means for ever, which is longer than any number of days.
        if group.retention_days is None or (days is not None and group.retention_days >= days):
            yield view.ok(group.name, measured, f"{wanted} or longer", "logs of a failover are retained as long")
        else:
            reason = "logs of the failover would be deleted sooner than in the primary region"
            setting = f"aws_cloudwatch_log_group '{group.name}' in {view.region}: retention_in_days = {days or 0}."
            remedy = Remedy(setting, (_keep(view, group.name, days),))
            yield view.gap(group.name, measured, f"{wanted} or longer", reason, remedy)


def _keep(view: View, name: str, days: int | None) -> str:
    if days is None:
        return view.command("logs", "DeleteRetentionPolicy", logGroupName=name)
    return view.command("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)


def _days(days: int | None) -> str:
    return "for ever" if days is None else f"{days} days"
