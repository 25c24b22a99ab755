"""Examples of the file systems' policies."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import efs_policy
from dr_estate.readers.efs_policy import FileSystemPolicy
from tests.dr_checks.examples.efs import NAME
from tests.dr_checks.worlds import DENIED, Example, world

MOUNT, OTHERS = '{"Action": "elasticfilesystem:ClientMount", "Principal": "*"}', '{"Action": "*", "Principal": "*"}'


def _policy(*allows: str, denies: tuple[str, ...] = (), present: bool = True) -> tuple[FileSystemPolicy]:
    return (FileSystemPolicy("fs-1", present, allows, denies),)


NONE = _policy(present=False)


def _case(expected: Status, here: Any, there: Any, subject: str = NAME) -> Example:
    values = {(efs_policy.policies, Side.PRIMARY): here, (efs_policy.policies, Side.DR): there}
    return Example("efs-policy.admits-alike", expected, world(values), frozenset({subject} if subject else ()))


EXAMPLES = [
    _case(Status.PASS, NONE, NONE),
    _case(Status.PASS, _policy(MOUNT, denies=(OTHERS,)), _policy(MOUNT, denies=(OTHERS,))),
    _case(Status.NOT_APPLICABLE, NONE, ()),
    _case(Status.FAIL, NONE, _policy(MOUNT)),
    _case(Status.FAIL, NONE, _policy(denies=(OTHERS,))),
    _case(Status.FAIL, _policy(MOUNT), _policy(denies=(OTHERS,))),
    _case(Status.FAIL, _policy(MOUNT, OTHERS), _policy(MOUNT)),
    _case(Status.WARN, _policy(MOUNT), NONE),
    _case(Status.WARN, _policy(MOUNT, denies=(OTHERS,)), _policy(MOUNT)),
    _case(Status.WARN, _policy(MOUNT), _policy(MOUNT, OTHERS)),
    _case(Status.UNKNOWN, NONE, (DENIED,)),
    _case(Status.UNKNOWN, (DENIED,), NONE),
    _case(Status.UNKNOWN, DENIED, NONE, ""),
]
