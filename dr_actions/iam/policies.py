"""The IAM policies of the four roles, generated from what readers read, actions write and the control table needs.
Pure.

The statements themselves, and what an explicit deny keeps everybody from, are in ``dr_estate.iam.statements``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from dr_actions.actions.registry import actions, writes
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.destructive_operations import is_read, words_of
from dr_actions.iam.action_names import actions_of
from dr_actions.model.action import TO_DR
from dr_actions.model.action import TO_PRIMARY as TO_HOME
from dr_estate.config.environment import Environment
from dr_estate.iam import scopes
from dr_estate.iam.statements import (
    Document,
    Statement,
    acting,
    approving,
    approving_starts,
    document,
    drilling,
    failback_statements,
    never,
    never_in_drills,
    read_statements,
    running_the_task,
    starting,
    statement,
)
from dr_estate.model.playbook import COPIED, needed_actions
from dr_estate.snapshot.registry import DIAGNOSED, reads

# IAM counts a managed policy's characters without white space (IAM and STS quotas).
LIMIT = 6144
# The failback policies, which a team may attach for as long as an incident is open.
HOME = "operator-home"
# The progress of a run that AWS started: read by anyone who watches it.
WATCHING = frozenset({"ssm:DescribeAutomationExecutions", "ssm:GetAutomationExecution"})
_ALWAYS = frozenset({"iam:PassRole", "kms:Decrypt", "kms:DescribeKey", "sts:*"})


class IamRole(StrEnum):
    """Who holds the policies. ``pattern`` of the role's name is in ``role_name``."""

    READER = "reader"
    OPERATOR = "operator"
    APPROVER = "approver"
    DRILL = "drill"


class StackRole(StrEnum):
    """Roles that no person holds by themselves, where AWS starts runs.

    RECOVERY is the task's, AUTOMATION the document's; BREAK_GLASS has the task's rights, and an operator takes it while
    an approver's tag on it names them.
    """

    RECOVERY = "recovery"
    AUTOMATION = "automation"
    BREAK_GLASS = "break-glass"


@dataclass(frozen=True)
class DeclaredOperations:
    """What the code may call, in botocore's names; ``needed`` are the IAM actions of the playbook's steps.

    ``writes`` are a recovery's; ``drills`` are what drills alone send, as ``playbook.DRILLING`` lets their role.
    """

    reads: frozenset[str]
    writes: frozenset[str]
    control: frozenset[str]
    needed: frozenset[str] = frozenset()
    drills: frozenset[str] = frozenset()


def declared_operations() -> DeclaredOperations:
    """What this version declares: readers' and doctor's reads, recoveries' calls, the control table's calls."""
    recovering = [action for action in actions().values() if action.goals & (TO_DR | TO_HOME)]
    of_verbs = frozenset[str]().union(*(action.reads for action in actions().values()))
    written = frozenset[str]().union(*(action.writes for action in recovering))
    needed, drills = frozenset(needed_actions()), writes() - written
    looked = {name for name in of_verbs if not actions_of(name) <= COPIED}  # failback_statements say which objects
    return DeclaredOperations(reads() | DIAGNOSED | looked | WATCHING, written, CONTROL_CALLS, needed, drills)


def role_name(role: IamRole | StackRole, env: Environment) -> str:
    """The name of the role in the account."""
    named = {
        IamRole.OPERATOR: env.names.operator_role,
        StackRole.RECOVERY: env.names.recovery_role,
        StackRole.AUTOMATION: env.names.automation_role,
        StackRole.BREAK_GLASS: env.names.break_glass_role,
    }
    return env.named(named.get(role, f"{{env}}-dr-{role}"))


def policies(env: Environment, calls: DeclaredOperations) -> dict[str, dict[str, Document]]:
    """Each role's managed policies by name, ready for IAM. Each is within IAM's size."""
    reading = reading_words(calls)
    look, act = _look(env, calls), _recovery_documents(env, calls)
    of_people: dict[str, dict[str, Document]] = {
        IamRole.READER: look,
        IamRole.OPERATOR: act,
        IamRole.APPROVER: {**look, **_documents(env, "approver-own", approving(env, reading))},
        IamRole.DRILL: _drill_documents(env, calls),
    }
    return of_people | (automated_policies(env, calls) if env.automation.enabled else {})


def automated_policies(env: Environment, calls: DeclaredOperations) -> dict[str, dict[str, Document]]:
    """Those of the roles that are others where AWS starts runs: no person's may change the estate.

    Where AWS holds full drills alone, those of its task and its document.
    """
    document_role = _documents(env, "automation-run", running_the_task(env))
    if env.holds_full_drills:
        return {StackRole.RECOVERY: _drill_documents(env, calls), StackRole.AUTOMATION: document_role}
    reading, look, act = reading_words(calls), _look(env, calls), _recovery_documents(env, calls)
    return {
        IamRole.OPERATOR: {**look, **_documents(env, "operator-start", starting(env, reading))},
        IamRole.APPROVER: {**look, **_documents(env, "approver-start", approving_starts(env, reading))},
        StackRole.RECOVERY: act,
        StackRole.AUTOMATION: document_role,
        StackRole.BREAK_GLASS: act,
    }


def _look(env: Environment, calls: DeclaredOperations) -> dict[str, Document]:
    return _documents(env, "look", _read_statement(env, calls))


def _drill_documents(env: Environment, calls: DeclaredOperations) -> dict[str, Document]:
    """Return what drills need. A full one is a recovery and its failback; without any the rights of neither."""
    own = {"drill-act": drilling(env), "drill-never": never_in_drills(env, reading_words(calls))}
    beside = _recovery_documents(env, calls) if env.approvals.full_drill else _look(env, calls)
    found = {name: document for name, document in beside.items() if "-operator-never" not in name}
    for name, statements in own.items():
        found |= _documents(env, name, statements)
    return found


def _recovery_documents(env: Environment, calls: DeclaredOperations) -> dict[str, Document]:
    """Return what a recovery and its failback need, and what they never do."""
    act = _documents(env, "operator-act", acting(env, _write_actions(calls)))
    home = _documents(env, HOME, failback_statements(env, _write_actions(calls)))
    denied = _documents(env, "operator-never", never(env, reading_words(calls)))
    return {**_look(env, calls), **act, **home, **denied}


def size(policy: Document) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(policy, separators=(",", ":")))


def reading_words(calls: DeclaredOperations) -> set[str]:
    """What only looks, a word of each service at a time: ``rds:Describe*``."""
    found = set(_ALWAYS)
    for action in _read_actions(calls) | {a for c in calls.control for a in actions_of(c)}:
        service, name = action.split(":")
        words = words_of(name)
        if is_read(name):
            found.add(f"{service}:{''.join(words[: 2 if words[0] == 'Batch' else 1])}*")
    return found


def _documents(env: Environment, name: str, statements: Iterable[Statement]) -> dict[str, Document]:
    """As few documents as IAM's limit allows; a second one is called ``...-2``."""
    packed: list[list[Statement]] = [[]]
    for entry in statements:
        if packed[-1] and size(document([*packed[-1], entry])) > LIMIT:
            packed.append([])
        packed[-1].append(entry)
    names = [f"{env.name}-dr-{name}" + (f"-{number}" if number > 1 else "") for number in range(1, len(packed) + 1)]
    return dict(zip(names, map(document, packed), strict=True))


def _read_actions(calls: DeclaredOperations) -> set[str]:
    needed = {name for name in calls.needed if is_read(name.split(":")[1])} - _of_the_record(calls)
    return {a for name in (*calls.reads, *needed) for a in actions_of(name)}


def _of_the_record(calls: DeclaredOperations) -> set[str]:
    return {a for c in calls.control for a in actions_of(c)}


def _read_statement(env: Environment, calls: DeclaredOperations) -> Iterator[Statement]:
    yield from read_statements(env, _read_actions(calls))
    control = {a for a in _of_the_record(calls) if is_read(a.split(":")[1])}
    yield statement("LookAtTheRecord", "Allow", control, scopes.control_table(env))


def _write_actions(calls: DeclaredOperations) -> set[str]:
    wanted = {a for name in (*calls.writes, *calls.needed) for a in actions_of(name)} | _of_the_record(calls)
    return {a for a in wanted - _read_actions(calls) if not is_read(a.split(":")[1])}
