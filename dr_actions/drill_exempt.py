"""What a drill may do that a recovery never may, and what a trial may not do that a recovery may. Pure.

``guard.drill-confined``: a trial makes things that bear its own name and touches nothing else of the estate. What bears
a drill's name, or is known to be its own, may be taken away again: in the DR region, and of the canary's records. In
the primary region a drill takes away nothing, as no run does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dr_actions.authority import Refusal
from dr_actions.destructive import looks
from dr_actions.plan import Call, Goal
from dr_estate.drill_names import is_canary, is_isolated
from dr_estate.environments import Environment, Side

RULE = "guard.drill-confined"
CLEANING = frozenset({Goal.RESTORE_TEST, Goal.CANARY, Goal.CLEAN_UP})
Params = Mapping[str, Any]

_OF_DATABASE = frozenset({"rds:DeleteDBInstance", "rds:ModifyDBInstance"})
_OF_FILES = {
    "efs:DeleteAccessPoint": "AccessPointId",
    "efs:DeleteFileSystem": "FileSystemId",
    "efs:DeleteMountTarget": "MountTargetId",
}
_RECORDS = "route53:ChangeResourceRecordSets"
# What a trial's calls make, and the parameter that names it; a call of none of these services changes the estate.
_MAKES = {
    "rds:RestoreDBInstanceFromDBSnapshot": "DBInstanceIdentifier",
    "rds:RestoreDBInstanceToPointInTime": "TargetDBInstanceIdentifier",
}
_HARMLESS = frozenset({"dynamodb", "sns", "sts"})  # the record, messages and the question who is asking
_ANSWERS = frozenset({"ecs:RunTask", "ecs:StopTask"})  # a task of its own, which asks the restored database


def exempt(call: Call, env: Environment, goal: Goal | None, made: Collection[str]) -> bool:
    """Whether ``call`` takes away what a drill itself made. ``made``: names and ids known to be a drill's own."""
    if goal not in CLEANING:
        return False
    if call.name == _RECORDS:
        return _of_canary(call.params, env)
    if call.region != env.region(Side.DR):
        return False
    if call.name in _OF_DATABASE:
        return _own_database(call, env, made)
    named = _OF_FILES.get(call.name)
    return named is not None and str(call.params.get(named, "")) in made


def _own_database(call: Call, env: Environment, made: Collection[str]) -> bool:
    name = str(call.params.get("DBInstanceIdentifier", ""))
    return is_isolated(name, env.named(env.names.database)) or name in made


def confined(call: Call, env: Environment, goal: Goal | None, made: Collection[str]) -> Iterator[Refusal]:
    """A refusal where a trial would make or change what does not bear its name."""
    if goal not in CLEANING or looks(call.operation) or call.service in _HARMLESS:
        return
    if call.service != "route53" and call.region != env.region(Side.DR):
        yield Refusal(RULE, f"{call.name} in {call.region}: a {goal} changes nothing outside {env.regions.dr}.")
    elif call.name in _MAKES:
        name = str(call.params.get(_MAKES[call.name], ""))
        if not is_isolated(name, env.named(env.names.database)):
            yield Refusal(RULE, f"{call.name}: {name or '(no name)'} does not bear a drill's name.")
    elif call.name in _OF_DATABASE and not _own_database(call, env, made):
        yield Refusal(RULE, f"{call.name}: {call.params.get('DBInstanceIdentifier')} is no drill's own.")
    elif call.name == "backup:StartRestoreJob":
        yield from _new_files(call, env)
    elif call.service == "efs" and not _is_drills(call, env):
        yield Refusal(RULE, f"{call.name}: it does not name what a drill made.")
    elif call.name == _RECORDS and not _of_canary(call.params, env):
        yield Refusal(RULE, f"{call.name}: a {goal} changes no record but its canary's.")
    elif not _known(call):
        yield Refusal(RULE, f"{call.name}: a {goal} has no use for it.")


def _known(call: Call) -> bool:
    of_drills = {*_OF_DATABASE, *_ANSWERS, _RECORDS}
    return call.service == "efs" or call.name in of_drills


def _is_drills(call: Call, env: Environment) -> bool:
    """Whether an EFS call deletes (judged by ``exempt``), or marks or opens what was restored for the drill."""
    if call.name in _OF_FILES:
        return True
    marks = [str(tag.get("Value", "")) for tag in call.params.get("Tags", ())]
    return any(is_isolated(mark, env.named(env.names.file_system)) for mark in marks)


def _new_files(call: Call, env: Environment) -> Iterator[Refusal]:
    asked = call.params.get("Metadata", {})
    token = str(asked.get("CreationToken", ""))
    makes = str(asked.get("newFileSystem", "")).lower() == "true" and not asked.get("file-system-id")
    if not makes or not is_isolated(token, env.named(env.names.file_system)):
        yield Refusal(RULE, f"{call.name}: it does not restore into a new file system that bears a drill's name.")


def _of_canary(params: Params, env: Environment) -> bool:
    changes = params.get("ChangeBatch", {}).get("Changes", ())
    names = [str(one.get("ResourceRecordSet", {}).get("Name", "")).rstrip(".") for one in changes]
    return bool(names) and all(is_canary(name, env) for name in names)
