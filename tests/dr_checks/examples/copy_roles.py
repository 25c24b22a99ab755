"""Examples of the roles that copy to the DR region."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import iam_copy_roles
from dr_estate.readers.iam_copy_roles import OBJECTS, CopyRole
from dr_estate.readers.iam_simulation import SimulatedDecision
from tests.dr_checks.worlds import DENIED, Example, world

WRITES = SimulatedDecision("s3:ReplicateObject", "allowed", "eu-west-1")
CLOSED = SimulatedDecision("s3:ReplicateObject", "explicitDeny", "eu-west-1", "arn:copy, by its own policy")
ROLE = CopyRole("arn:aws:iam::1:role/replication", OBJECTS, True, True, (WRITES,))
NAMED = frozenset({ROLE.arn})


def _given(expected: Status, *roles: object) -> Example:
    subjects = NAMED if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    return Example("copy-roles.may-copy", expected, world({(iam_copy_roles.roles, Side.GLOBAL): roles}), subjects)


def _restoring(expected: Status, *roles: object) -> Example:
    subjects = NAMED if expected in (Status.PASS, Status.FAIL) else frozenset[str]()
    parts = {(iam_copy_roles.restore_roles, Side.GLOBAL): roles}
    return Example("copy-roles.may-restore", expected, world(parts), subjects)


EXAMPLES = [
    _given(Status.PASS, ROLE),
    _given(Status.FAIL, replace(ROLE, exists=False, trusted=None, decisions=())),
    _given(Status.FAIL, replace(ROLE, trusted=False)),
    _given(Status.FAIL, replace(ROLE, decisions=(CLOSED,))),
    _given(Status.UNKNOWN, replace(ROLE, trusted=None)),
    _given(Status.UNKNOWN, ROLE, DENIED),
    _given(Status.NOT_APPLICABLE),
    _restoring(Status.PASS, ROLE),
    _restoring(Status.FAIL, replace(ROLE, exists=False, trusted=None, decisions=())),
    _restoring(Status.FAIL, replace(ROLE, trusted=False)),
    _restoring(Status.FAIL, replace(ROLE, decisions=(CLOSED,))),
    _restoring(Status.UNKNOWN, replace(ROLE, trusted=None)),
    _restoring(Status.UNKNOWN, ROLE, DENIED),
    _restoring(Status.NOT_APPLICABLE),
]
