"""What a drill may do that a recovery never may, and what a trial may not do that a recovery may. Pure.

``guard.drill-confined``: a trial makes things that bear its own name and touches nothing else of the estate. What bears
a drill's name, or is known to be its own, may be taken away again: in the DR region, and of the canary's records. In
the primary region a drill takes away nothing, as no run does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dr_actions.guard.context import GuardContext
from dr_actions.guard.destructive_operations import is_read
from dr_actions.model.gates import Refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import is_canary, is_drill, is_isolated

RULE = "guard.drill-confined"
CLEANING = frozenset({Goal.RESTORE_TEST, Goal.START_TEST, Goal.CANARY, Goal.CLEAN_UP})
Params = Mapping[str, Any]

_OF_DATABASE = frozenset({"rds:DeleteDBInstance", "rds:ModifyDBInstance"})
_OF_FILES = {
    "efs:DeleteAccessPoint": "AccessPointId",
    "efs:DeleteFileSystem": "FileSystemId",
    "efs:DeleteMountTarget": "MountTargetId",
}
_RECORDS = "route53:ChangeResourceRecordSets"
_HOST = "DR_DB_HOST"
# What a trial's calls make, and the parameter that names it; a call of none of these services changes the estate.
_MAKES = {
    "rds:RestoreDBInstanceFromDBSnapshot": "DBInstanceIdentifier",
    "rds:RestoreDBInstanceToPointInTime": "TargetDBInstanceIdentifier",
}
_HARMLESS = frozenset({"dynamodb", "sns", "sts"})  # the record, messages and the question who is asking
# A task of its own, which asks the restored database, or ends at once.
_RUN, _STOP = "ecs:RunTask", "ecs:StopTask"
_ENDS = ["true"]
# What marks or opens restored files, and the parameter that names them.
_OPENS = {"efs:CreateAccessPoint": "FileSystemId", "efs:TagResource": "ResourceId"}


def exempt(call: Call, context: GuardContext) -> bool:
    """Whether ``call`` takes away what a drill itself made."""
    env, created = context.env, context.own_resources
    if context.goal not in CLEANING:
        return False
    if call.name == _RECORDS:
        return _of_canary(call.params, env)
    if call.region != env.region(Side.DR):
        return False
    if call.name in _OF_DATABASE:
        return _own_database(call, env, created)
    if call.name == _STOP:
        return call.text("task") in created
    named = _OF_FILES.get(call.name)
    return named is not None and call.text(named) in created


def _own_database(call: Call, env: Environment, own_names: Collection[str]) -> bool:
    name = call.text("DBInstanceIdentifier")
    return is_isolated(name, env.database_on(Side.DR)) or name in own_names


def drill_refusals(call: Call, context: GuardContext) -> Iterator[Refusal]:
    """A refusal where a trial would make or change what does not bear its name."""
    env, goal = context.env, context.goal
    if goal not in CLEANING or is_read(call.operation) or call.service in _HARMLESS:
        return
    if call.service != "route53" and call.region != env.region(Side.DR):
        yield Refusal(RULE, f"{call.name} in {call.region}: a {goal} changes nothing outside {env.regions.dr}.")
        return
    reason = _strays(call, env, goal, context.own_resources)
    if reason:
        yield Refusal(RULE, f"{call.name}: {reason}.")


def _strays(call: Call, env: Environment, goal: Goal, own_names: Collection[str]) -> str:
    """Why the call is none of a drill's own, "" where it is."""
    database, files = env.database_on(Side.DR), env.named(env.names.file_system)
    if call.name in _MAKES:
        name = call.text(_MAKES[call.name])
        return "" if is_isolated(name, database) else f"{name or '(no name)'} does not bear a drill's name"
    if call.name in _OF_DATABASE:
        named = call.params.get("DBInstanceIdentifier")
        if "NewDBInstanceIdentifier" in call.params:
            return f"it gives {named} another name"
        return "" if _own_database(call, env, own_names) else f"{named} is no drill's own"
    if call.name == "backup:StartRestoreJob":
        return _new_files(call.params, files)
    if call.name in _OPENS:
        return _opening_fault(call, files, own_names)
    if call.name in _OF_FILES:  # judged by ``exempt``, as everything that takes away
        return ""
    if call.name == _RUN:
        return _asks(call.params, env, database)
    if call.name == _STOP:
        return "" if call.text("task") in own_names else "it stops a task that is no drill's"
    if call.name == _RECORDS:
        return "" if _of_canary(call.params, env) else f"a {goal} changes no record but its canary's"
    return f"a {goal} has no use for it"


def _opening_fault(call: Call, files: str, own_names: Collection[str]) -> str:
    """Marks and access points: of what a drill restored alone, and never without its name."""
    thing = call.text(_OPENS[call.name])
    if thing not in own_names:
        return f"{thing or 'it names nothing, and'} is no drill's own"
    marks = [str(tag.get("Value", "")) for tag in call.params.get("Tags", ()) if tag.get("Key") == "Name"]
    return "" if marks and all(is_isolated(mark, files) for mark in marks) else "it gives no drill's name"


def _new_files(params: Params, files: str) -> str:
    """A restore that makes a file system of its own: under another spelling AWS Backup restores into the one named."""
    metadata = params.get("Metadata", {})
    makes = [value for key, value in metadata.items() if str(key).lower() == "newfilesystem"]
    token = str(metadata.get("CreationToken", ""))
    if makes != ["true"] or metadata.get("newFileSystem") != "true" or not is_isolated(token, files):
        return "it does not restore into a new file system that bears a drill's name"
    return "it copies the tags of the estate's own files" if params.get("CopySourceTagsToRestoredResource") else ""


def _asks(params: Params, env: Environment, database: str) -> str:
    """One task that runs a command of the drill's own: against a database of a drill's, or one that does nothing."""
    container_overrides = params.get("overrides", {}).get("containerOverrides", ())
    if not is_drill(str(params.get("startedBy", ""))) or params.get("cluster") not in env.on(Side.DR).clusters:
        return "it does not say which drill starts it, or in another cluster"
    commands = [override.get("command") for override in container_overrides]
    if params.get("count", 1) != 1 or not commands or not all(commands):
        return "it is not one task with a command of the drill's own"
    if all(command == _ENDS for command in commands):
        return ""
    hosts = [
        str(pair.get("value", ""))
        for override in container_overrides
        for pair in override.get("environment", ())
        if pair.get("name") == _HOST
    ]
    host_names = [host.partition(".")[0] for host in hosts]
    is_own = host_names and all(is_isolated(name, database) for name in host_names)
    return "" if is_own else "it asks a database that is no drill's"


def _of_canary(params: Params, env: Environment) -> bool:
    changes = params.get("ChangeBatch", {}).get("Changes", ())
    names = [str(change.get("ResourceRecordSet", {}).get("Name", "")).rstrip(".") for change in changes]
    return bool(names) and all(is_canary(name, env) for name in names)
