"""Examples of the file systems' policies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs
from dr_estate.readers.efs import FileSystemPolicy
from tests.dr_checks.compute import D, both_services, definitions
from tests.dr_checks.examples.efs import NAME
from tests.dr_checks.worlds import DENIED, SIT, Example, world

MOUNT, OTHERS = '{"Action": "elasticfilesystem:ClientMount", "Principal": "*"}', '{"Action": "*", "Principal": "*"}'


def _policy(*allows: str, denies: tuple[str, ...] = (), present: bool = True) -> tuple[FileSystemPolicy]:
    return (FileSystemPolicy("fs-1", present, allows, denies),)


NONE = _policy(present=False)


def _case(expected: Status, here: Any, there: Any, subject: str = NAME) -> Example:
    values = {(efs.policies, Side.PRIMARY): here, (efs.policies, Side.DR): there}
    return Example("efs-policy.admits-alike", expected, world(values), frozenset({subject} if subject else ()))


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "elasticfilesystem:Client*"}


def _written(*statements: dict[str, Any]) -> tuple[FileSystemPolicy]:
    """A policy of these statements, with its text."""
    texts = {
        effect: tuple(
            json.dumps({key: value for key, value in row.items() if key != "Effect"}, sort_keys=True)
            for row in statements
            if row["Effect"] == effect
        )
        for effect in ("Allow", "Deny")
    }
    text = json.dumps({"Statement": list(statements)})
    return (FileSystemPolicy("fs-1", True, texts["Allow"], texts["Deny"], text),)


def _mounted(
    expected: Status, *statements: dict[str, Any], there: Any = NONE, known: Any = None, **how: Any
) -> Example:
    """The DR region's policy has these statements, and tasks mount its file system so."""
    volume = replace(ecs.Volume("content", "fs-1", "fsap-1", transit_encryption=True, iam=True), **how)
    values = {
        (efs.policies, Side.PRIMARY): there,
        (efs.policies, Side.DR): _written(*statements),
        (ecs.services, Side.DR): both_services(),
        (ecs.task_definitions, Side.DR): known or definitions(D, volumes=(volume,)),
    }
    return Example("efs-policy.admits-alike", expected, world(values), frozenset({NAME}))


ONLY_TLS = {"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": PLAIN}
PLAINLY = {"transit_encryption": False, "iam": False}
ROLE = {**EVERYBODY, "Principal": {"AWS": "arn:aws:iam::1:role/task"}}
NO_ROOT = {**EVERYBODY, "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]}
POINT = f"arn:aws:elasticfilesystem:{D}:{SIT.account}:access-point/fsap-1"
BY_POINT = {**EVERYBODY, "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": POINT}}}
FROM_VPC = {**EVERYBODY, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}
NOT_FROM_VPC = {**ONLY_TLS, "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}

EXAMPLES = [
    _mounted(Status.PASS, EVERYBODY, ONLY_TLS),
    _mounted(Status.PASS, ONLY_TLS),
    _mounted(Status.PASS, EVERYBODY, ONLY_TLS, there=_written(EVERYBODY)),
    _mounted(Status.PASS, EVERYBODY, ONLY_TLS, iam=False),
    _mounted(Status.PASS, ROLE),
    _mounted(Status.PASS, EVERYBODY),
    _mounted(Status.FAIL, EVERYBODY, ONLY_TLS, **PLAINLY),
    _mounted(Status.FAIL, EVERYBODY, ONLY_TLS, there=_written(EVERYBODY), **PLAINLY),
    _mounted(
        Status.FAIL,
        EVERYBODY,
        {**ONLY_TLS, "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
        there=_written(EVERYBODY),
        **PLAINLY,
    ),
    _mounted(
        Status.FAIL, EVERYBODY, ONLY_TLS, there=_written(EVERYBODY, ONLY_TLS), transit_encryption=False, iam=False
    ),
    _mounted(Status.FAIL, ONLY_TLS, iam=False),
    _mounted(Status.FAIL, ROLE, iam=False),
    _mounted(Status.FAIL, {**EVERYBODY, "Action": "elasticfilesystem:ClientMount"}, iam=False),
    _mounted(Status.FAIL, {**EVERYBODY, "Action": ["*:ClientMount", "*:ClientWrite"]}, iam=False, access_point_id=""),
    _mounted(Status.FAIL, EVERYBODY, {**ONLY_TLS, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
    _mounted(Status.PASS, NO_ROOT, ONLY_TLS, there=_written(NO_ROOT, ONLY_TLS), iam=False, access_point_id=""),
    _mounted(
        Status.PASS,
        *(FROM_VPC, NOT_FROM_VPC, ONLY_TLS),
        there=_written(FROM_VPC, NOT_FROM_VPC, ONLY_TLS),
        iam=False,
    ),
    _mounted(Status.PASS, BY_POINT, ONLY_TLS, iam=False),
    _mounted(Status.FAIL, BY_POINT, iam=False, access_point_id="fsap-2"),
    *(
        _mounted(Status.FAIL, EVERYBODY, {**ONLY_TLS, **denied}, there=_written(EVERYBODY))
        for denied in (
            {"Condition": {"StringNotEquals": {"elasticfilesystem:AccessPointArn": POINT.replace("fsap-1", "fsap-9")}}},
            {"Action": "elasticfilesystem:ClientRootAccess", "Condition": {}},
        )
    ),
    *(
        _mounted(
            expected, EVERYBODY, {**ONLY_TLS, "Condition": {}, "Principal": {"AWS": whom}}, there=_written(EVERYBODY)
        )
        for whom, expected in (
            ("arn:aws:iam::1:role/stranger", Status.PASS),
            (["arn:aws:iam::1:role/stranger", "arn:aws:iam::1:user/guest"], Status.PASS),
            (["arn:aws:iam::1:role/stranger", "arn:aws:iam::1:role/task"], Status.FAIL),
            ("arn:aws:iam::1:root", Status.FAIL),
            ("1", Status.FAIL),
        )
    ),
    _mounted(Status.PASS, FROM_VPC),
    _mounted(Status.FAIL, EVERYBODY, NOT_FROM_VPC, iam=False),
    _mounted(Status.FAIL, EVERYBODY, NOT_FROM_VPC, there=_written(EVERYBODY)),
    _mounted(
        Status.FAIL,
        EVERYBODY,
        {**ONLY_TLS, "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
        there=_written(EVERYBODY),
        transit_encryption=False,
        iam=False,
    ),
    _mounted(Status.UNKNOWN, FROM_VPC, iam=False),
    _mounted(Status.UNKNOWN, ROLE, iam=None),
    _mounted(Status.UNKNOWN, EVERYBODY, ONLY_TLS, known=(DENIED,)),
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
