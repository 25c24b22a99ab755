"""The IAM policies of the three roles, generated from what readers read, verbs write and the control table needs. Pure.

An explicit deny wins over whatever else is attached to a role: the operator deletes nothing in the primary region, the
approver writes nothing but its own approvals. Source: IAM User Guide, "Policy evaluation logic"; DynamoDB Developer
Guide, "Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dr_actions import scopes
from dr_actions.destructive import looks, words_of
from dr_actions.iam_actions import actions_of
from dr_actions.table import CONTROL_CALLS
from dr_actions.verbs import verbs, writes
from dr_estate.environments import Environment, Side
from dr_estate.facts import reads
from dr_estate.playbook import FORBIDDEN, needed_actions

Document = dict[str, Any]
Statement = dict[str, Any]

# IAM counts a managed policy's characters without white space (IAM and STS quotas).
LIMIT = 6144
FENCING = frozenset({"application-autoscaling:RegisterScalableTarget", "ecs:UpdateService", "sns:Publish"})
_APPROVALS, _OWN_APPROVALS = "APPROVAL#*", "APPROVAL#${aws:userid}"
_LEADING = "dynamodb:LeadingKeys"
_TABLE_WRITES = ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_TABLE_LOSSES = (
    *("dynamodb:BatchWriteItem", "dynamodb:Delete*", "dynamodb:PartiQLDelete", "dynamodb:PartiQLUpdate"),
    *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"),
)
_ALWAYS = frozenset({"iam:PassRole", "kms:Decrypt", "kms:DescribeKey", "sts:*"})


class Role(StrEnum):
    """Who holds the policies. ``pattern`` of the role's name is in ``role_name``."""

    READER = "reader"
    OPERATOR = "operator"
    APPROVER = "approver"


@dataclass(frozen=True)
class Declared:
    """What the code may call, in botocore's names; ``needed`` are the IAM actions of the playbook's steps."""

    reads: frozenset[str]
    writes: frozenset[str]
    control: frozenset[str]
    needed: frozenset[str] = frozenset()


def declared() -> Declared:
    """What this version declares: all readers' READS, all verbs' writes and reads, and the control table's calls."""
    of_verbs = frozenset[str]().union(*(verb.reads for verb in verbs().values()))
    return Declared(reads() | of_verbs, writes(), CONTROL_CALLS, frozenset(needed_actions()))


def role_name(role: Role, env: Environment) -> str:
    """The name of the role in the account."""
    operators = env.named(env.names.operator_role)
    return operators if role is Role.OPERATOR else env.named(f"{{env}}-dr-{role}")


def policies(env: Environment, calls: Declared) -> dict[str, dict[str, Document]]:
    """Each role's managed policies by name, ready for IAM. Each is within IAM's size."""
    look = _documents(env, "look", _look(env, calls))
    act = _documents(env, "operator-act", _act(env, calls))
    never = _documents(env, "operator-never", _never(env, calls))
    own = _documents(env, "approver-own", _own(env, calls))
    return {Role.READER: look, Role.OPERATOR: {**look, **act, **never}, Role.APPROVER: {**look, **own}}


def size(document: Document) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(document, separators=(",", ":")))


def _documents(env: Environment, name: str, statements: Iterable[Statement]) -> dict[str, Document]:
    """As few documents as IAM's limit allows; a second one is called ``...-2``."""
    packed: list[list[Statement]] = [[]]
    for statement in statements:
        if packed[-1] and size(_document([*packed[-1], statement])) > LIMIT:
            packed.append([])
        packed[-1].append(statement)
    names = [f"{env.name}-dr-{name}" + (f"-{number}" if number > 1 else "") for number in range(1, len(packed) + 1)]
    return dict(zip(names, map(_document, packed), strict=True))


def _document(statements: list[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(sid: str, effect: str, actions: Iterable[str], resources: Iterable[str], **more: Any) -> Statement:
    told = {"Sid": sid, "Effect": effect, "Action": sorted(set(actions)), "Resource": sorted(set(resources))}
    condition = more.pop("condition", None)
    return {**told, **({"Condition": condition} if condition else {})}


def _all_but(sid: str, actions: Iterable[str], condition: Any = None) -> Statement:
    """Deny everything that is not among ``actions``: what AWS adds later is denied too."""
    told = {"Sid": sid, "Effect": "Deny", "NotAction": sorted(set(actions)), "Resource": "*"}
    return {**told, **({"Condition": condition} if condition else {})}


def _look_actions(calls: Declared) -> set[str]:
    needed = {name for name in calls.needed if looks(name.split(":")[1])} - calls.control
    return {action for name in (*calls.reads, *needed) for action in actions_of(name)}


def _look(env: Environment, calls: Declared) -> Iterator[Statement]:
    actions = _look_actions(calls)
    yield from _scoped("Look", actions, env, env.region(Side.DR), None, scopes.of_reading)
    control = {a for c in calls.control for a in actions_of(c) if looks(a.split(":")[1])}
    yield _statement("LookAtTheRecord", "Allow", control, scopes.control_table(env))


def _scoped(
    sid: str, actions: Iterable[str], env: Environment, region: str, condition: Any, scope: Any
) -> Iterator[Statement]:
    """One statement for all actions of the same resources and conditions."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        grouped[json.dumps(scope(action, env, region))].append(action)
    for number, (told, members) in enumerate(sorted(grouped.items()), 1):
        resources, own = json.loads(told)
        both = {op: {**(condition or {}).get(op, {}), **own.get(op, {})} for op in {**(condition or {}), **own}}
        yield _statement(f"{sid}{number}", "Allow", members, resources, condition=both)


def _act(env: Environment, calls: Declared) -> Iterator[Statement]:
    wanted = {action for name in (*calls.writes, *calls.needed) for action in actions_of(name)}
    changing = {a for a in wanted - _look_actions(calls) if not looks(a.split(":")[1])}
    data = {a for a in changing if a.startswith("dynamodb:")}
    world = {a for a in changing if a.startswith("route53:")}
    dr = env.region(Side.DR)
    yield from _scoped("Recover", changing - data - world, env, dr, _only(dr), scopes.of_writing)
    primary = env.region(Side.PRIMARY)
    yield from _scoped("Fence", FENCING & changing, env, primary, _only(primary), scopes.of_writing)
    yield from _scoped("Shift", world, env, dr, None, scopes.of_writing)
    recorded = {a for c in calls.control for a in actions_of(c) if not looks(a.split(":")[1])} | data
    others = {"ForAllValues:StringNotLike": {_LEADING: [_APPROVALS]}, "Null": {_LEADING: "false"}}
    yield _statement("Record", "Allow", recorded, scopes.control_table(env), condition=others)


def _only(*regions: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:RequestedRegion": sorted(set(regions))}}


def _reading(calls: Declared) -> set[str]:
    """What only looks, a word of each service at a time: ``rds:Describe*``."""
    found = set(_ALWAYS)
    for action in _look_actions(calls) | {a for c in calls.control for a in actions_of(c)}:
        service, name = action.split(":")
        words = words_of(name)
        if looks(name):
            found.add(f"{service}:{''.join(words[: 2 if words[0] == 'Batch' else 1])}*")
    return found


def _never(env: Environment, calls: Declared) -> Iterator[Statement]:
    reading, fencing = _reading(calls), set(FENCING)
    world = {f"route53:{name}" for name in ("ChangeResourceRecordSets", "UpdateHealthCheck")}
    primary, dr, everywhere = (env.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
    at_home = reading | fencing | (world if primary == everywhere else set())
    yield _all_but("OnlyFenceThePrimary", at_home, _only(primary))
    if everywhere not in (primary, dr):
        yield _all_but("OnlyShiftTraffic", reading | world, _only(everywhere))
    known = sorted({primary, dr, everywhere})
    yield _all_but("NowhereElse", reading, {"StringNotEquals": {"aws:RequestedRegion": known}})
    yield _statement("NeverDelete", "Deny", FORBIDDEN, ["*"])
    approvals = {"ForAnyValue:StringLike": {_LEADING: [_APPROVALS]}}
    yield _statement("NeverApprove", "Deny", _TABLE_WRITES, scopes.control_table(env), condition=approvals)
    yield _statement("KeepTheRecord", "Deny", _TABLE_LOSSES, scopes.control_table(env))


def _own(env: Environment, calls: Declared) -> Iterator[Statement]:
    put, table = ["dynamodb:PutItem"], scopes.control_table(env)
    mine = {"ForAllValues:StringEquals": {_LEADING: [_OWN_APPROVALS]}, "Null": {_LEADING: "false"}}
    yield _statement("Approve", "Allow", put, table, condition=mine)
    yield _all_but("OnlyApprove", {*_reading(calls), *put} - {"iam:PassRole"})
    anothers = {"ForAnyValue:StringNotEquals": {_LEADING: [_OWN_APPROVALS]}}
    yield _statement("NotForOthers", "Deny", put, table, condition=anothers)
    yield {"Sid": "NowhereElse", "Effect": "Deny", "Action": put, "NotResource": table}
