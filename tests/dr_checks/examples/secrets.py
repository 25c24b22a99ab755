"""Examples of the checks of secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import control_table, ecs, secret_policies
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.control_table import ControlState
from dr_estate.readers.secret_policies import SecretPolicy
from dr_estate.readers.secretsmanager import Content, Field, HiddenSecret, RotationFunction, Secret
from tests.dr_checks.compute import both_services, definition
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, Values, world

HOME, AWAY = SIT.regions.primary, SIT.regions.dr
NAMES = ("sit-rds-master-credentials", "sit-tenant1-db-credentials", "sit-tenant2-db-credentials")
MASTER, ONE, TWO = NAMES
FIELDS = (Field("host", "a1", False, False), Field("password", "b2", False, False))
HERE = tuple(Secret(name, f"arn:{name}", "", "", "v1", NOW - timedelta(days=9), None) for name in NAMES)
THERE = tuple(replace(secret, replica_of=HOME) for secret in HERE)
CONTENTS = tuple(Content(name, "v1", FIELDS) for name in NAMES)


def _second(rows: tuple[Any, ...], row: Any) -> tuple[Any, ...]:
    """``rows`` with ``row`` in the place of the first tenant's."""
    return (rows[0], row, rows[2])


def _case(check: str, expected: Status, subject: str = ONE, **changed: Any) -> Example:
    parts = {"here": HERE, "there": THERE, "values_here": CONTENTS, "values": CONTENTS, **changed}
    values: Values = {
        (readers_secretsmanager.secrets, Side.PRIMARY): parts["here"],
        (readers_secretsmanager.secrets, Side.DR): parts["there"],
        (readers_secretsmanager.contents, Side.PRIMARY): parts["values_here"],
        (readers_secretsmanager.contents, Side.DR): parts["values"],
        **({(control_table.standing, Side.DR): parts["control"]} if "control" in parts else {}),
        **({(readers_secretsmanager.rotation_functions, Side.DR): parts["functions"]} if "functions" in parts else {}),
        **({(secret_policies.policies, Side.DR): parts["policies"]} if "policies" in parts else {}),
        **(_started_with(parts["field"]) if "field" in parts else {}),
    }
    return Example(f"secrets.{check}", expected, world(values), frozenset({subject} if subject else ()))


def _started_with(field: str) -> Values:
    """The first tenant's containers, started with this field of its secret."""
    secrets = (("DB", f"arn:aws:secretsmanager:{AWAY}:{SIT.account}:secret:{ONE}-AbCdEf:{field}::"),)
    started = definition("tenant1", AWAY, {"secrets": secrets})
    return {(ecs.services, Side.DR): both_services(), (ecs.task_definitions, Side.DR): (started,)}


def _fields(*changed: Field) -> tuple[Content, ...]:
    return _second(CONTENTS, Content(ONE, "v2", changed))


REGIONAL = replace(FIELDS[0], names_primary=True)
OWN = _second(THERE, replace(HERE[1], current_version="v7"))
LOCKED = _second(CONTENTS, Content(ONE, "", (), "DecryptionFailure"))
ROTATE = f"arn:aws:lambda:{AWAY}:{SIT.account}:function:rotate"
IN_PRIMARY = f"arn:aws:lambda:{HOME}:{SIT.account}:function:rotate"


def _rotated(by: str, rows: tuple[Secret, ...] = OWN) -> tuple[Secret, ...]:
    return _second(rows, replace(rows[1], rotated_by=by))


def _rotation(expected: Status, by: str, *functions: Any) -> Example:
    return _case("regional-fields", expected, there=_rotated(by), functions=functions)


HIDDEN = _second(CONTENTS, HiddenSecret(ONE, DENIED))

_OPERATOR = f"arn:aws:iam::{SIT.account}:role/{SIT.acting_role}"


def _denying(action: str = "secretsmanager:*", who: str = _OPERATOR, **more: Any) -> str:
    row = {"Effect": "Deny", "Principal": {"AWS": who}, "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [row]})


def _guarded(expected: Status, text: str, subject: str = ONE) -> Example:
    """The policy of the first tenant's secret, the others without one."""
    rows = tuple(SecretPolicy(row.arn, text if row.name == subject else "") for row in THERE)
    return _case("admits-operator", expected, subject, policies=rows)


_FROM_ELSEWHERE: dict[str, Any] = {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}
HEALTHY_PARTS: Values = {
    (readers_secretsmanager.rotation_functions, Side.DR): (),
    (secret_policies.policies, Side.DR): tuple(SecretPolicy(row.arn, "") for row in THERE),
}
EXAMPLES = [
    _guarded(Status.PASS, ""),
    _guarded(Status.PASS, _denying("secretsmanager:DeleteSecret")),
    _guarded(Status.PASS, _denying(who=f"arn:aws:iam::{SIT.account}:role/other")),
    _guarded(Status.FAIL, _denying("secretsmanager:PutSecretValue")),
    _guarded(Status.FAIL, _denying(), MASTER),
    _guarded(Status.UNKNOWN, _denying(**_FROM_ELSEWHERE)),
    _case("admits-operator", Status.NOT_APPLICABLE, "all secrets", policies=()),
    _case("admits-operator", Status.UNKNOWN, policies=(DENIED,)),
    _case("admits-operator", Status.UNKNOWN, "", policies=DENIED),
    _case("secret-exists", Status.PASS),
    _case("secret-exists", Status.FAIL, there=(THERE[0], THERE[2])),
    _case("secret-exists", Status.FAIL, MASTER, there=THERE[1:]),
    _case("secret-exists", Status.FAIL, there=_second(THERE, replace(THERE[1], deleted_at=NOW))),
    _case("secret-exists", Status.UNKNOWN, "", there=DENIED),
    _case("in-sync", Status.PASS),
    _case("in-sync", Status.FAIL, there=_second(THERE, replace(THERE[1], current_version="v0"))),
    _case("in-sync", Status.PASS, there=OWN),
    _case("in-sync", Status.WARN, there=OWN, control=ControlState()),
    _case("in-sync", Status.PASS, "", there=tuple(replace(row, replica_of="") for row in OWN), control=ControlState()),
    *(
        _case(
            "in-sync",
            Status.PASS,
            ONE,
            there=OWN,
            values_here=_fields(replace(FIELDS[0], digest="zz", names_primary=True), FIELDS[1]),
            values=_fields(replace(FIELDS[0], digest="yy", names_dr=True), FIELDS[1]),
            **more,
        )
        for more in ({}, {"control": ControlState()})
    ),
    _case("in-sync", Status.FAIL, there=OWN, values=_fields(FIELDS[0], replace(FIELDS[1], digest="zz"))),
    *(
        _case(
            "in-sync", Status.FAIL, there=OWN, field=field, values=_fields(FIELDS[0], replace(FIELDS[1], digest="zz"))
        )
        for field in ("password", "host")
    ),
    _case("in-sync", Status.UNKNOWN, there=OWN, values=HIDDEN),
    _case("in-sync", Status.UNKNOWN, there=OWN, values=LOCKED),
    _case("in-sync", Status.UNKNOWN, there=OWN, values_here=LOCKED, control=ControlState()),
    _case("in-sync", Status.NOT_APPLICABLE, "all secrets", there=()),
    _case("in-sync", Status.UNKNOWN, "", here=DENIED),
    _case("decryptable", Status.PASS),
    _case("decryptable", Status.FAIL, values=LOCKED),
    _case("decryptable", Status.UNKNOWN, values=HIDDEN),
    _case("decryptable", Status.UNKNOWN, values=(CONTENTS[0], CONTENTS[2])),
    _case("decryptable", Status.NOT_APPLICABLE, "all secrets", there=(), values=()),
    _case("decryptable", Status.UNKNOWN, "", values=DENIED),
    _case("regional-fields", Status.PASS),
    _case("regional-fields", Status.FAIL, values=_fields(REGIONAL, FIELDS[1])),
    *(
        _case("regional-fields", status, values=_fields(REGIONAL, FIELDS[1]), field=field)
        for field, status in ((FIELDS[1].name, Status.WARN), (FIELDS[0].name, Status.FAIL), ("", Status.FAIL))
    ),
    _case("regional-fields", Status.PASS, MASTER, values=LOCKED),
    _case("regional-fields", Status.UNKNOWN, values=HIDDEN),
    _case("regional-fields", Status.NOT_APPLICABLE, "all secrets", values=()),
    _case("regional-fields", Status.UNKNOWN, "", values=DENIED),
    _rotation(Status.PASS, ROTATE, RotationFunction(ROTATE, exists=True)),
    _rotation(Status.FAIL, ROTATE, RotationFunction(ROTATE, exists=False)),
    _rotation(Status.FAIL, IN_PRIMARY),
    _rotation(Status.UNKNOWN, ROTATE, DENIED),
    _rotation(Status.UNKNOWN, ROTATE),
    _case("regional-fields", Status.PASS, there=_rotated(IN_PRIMARY, THERE)),
    _case("same-fields", Status.PASS),
    _case("same-fields", Status.PASS, values=_fields(*reversed(FIELDS))),
    _case("same-fields", Status.FAIL, values=_fields(FIELDS[0])),
    _case("same-fields", Status.PASS, MASTER, values=LOCKED),
    _case("same-fields", Status.UNKNOWN, values_here=HIDDEN),
    _case("same-fields", Status.NOT_APPLICABLE, "all secrets", values=()),
    _case("same-fields", Status.UNKNOWN, "", values_here=DENIED),
]
