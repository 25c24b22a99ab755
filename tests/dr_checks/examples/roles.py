"""Examples of the roles of tasks."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import iam_task_roles
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.iam_task_roles import TaskRole
from tests.dr_checks.worlds import DENIED, Example, world

PULLS = SimulatedDecision("ecr:BatchGetImage", "allowed", "eu-west-1")
CLOSED = SimulatedDecision("secretsmanager:GetSecretValue", "implicitDeny", "eu-west-1", "arn:secret")
KEPT_OUT = SimulatedDecision("kms:Decrypt", "explicitDeny", "eu-west-1", "arn:key, by its own policy", of_resource=True)
ROLE = TaskRole("arn:aws:iam::1:role/execution", True, True, ("sit-tenant1",), (PULLS,))
ABSENT = replace(ROLE, exists=False, trusted=None, decisions=())
NAMED = frozenset({ROLE.arn})


def _given(check: str, expected: Status, *roles: object, subjects: frozenset[str] = frozenset()) -> Example:
    return Example(f"roles.{check}", expected, world({(iam_task_roles.roles, Side.GLOBAL): roles}), subjects)


EXAMPLES = [
    _given("assumable", Status.PASS, ROLE),
    _given("assumable", Status.FAIL, ROLE, replace(ABSENT, arn="arn:aws:iam::1:role/task")),
    _given("assumable", Status.FAIL, replace(ROLE, trusted=False), subjects=NAMED),
    _given("assumable", Status.UNKNOWN, replace(ROLE, trusted=None), subjects=NAMED),
    _given("assumable", Status.UNKNOWN, ROLE, DENIED),
    _given("assumable", Status.NOT_APPLICABLE),
    _given("tasks-allowed", Status.PASS, ROLE),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(PULLS, CLOSED)), subjects=NAMED),
    _given("tasks-allowed", Status.FAIL, replace(ROLE, decisions=(PULLS, KEPT_OUT)), subjects=NAMED),
    _given("tasks-allowed", Status.UNKNOWN, ROLE, DENIED),
    _given("tasks-allowed", Status.NOT_APPLICABLE, ABSENT),
]
