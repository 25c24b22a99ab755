"""Examples of the control table that runs write to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import control_table
from dr_estate.readers.control_table import ControlState
from dr_estate.reading.reader import Reader
from tests.dr_checks.worlds import DENIED, SIT, Example, world

FINE, FAILS, UNSEEN, IDLE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE


def _dr(reader: Reader[Any], value: Any) -> Any:
    return world({(reader, Side.DR): value})


def _table(
    status: str | None = "ACTIVE", recoverable: bool = True, keys: tuple[str, ...] = ("pk", "sk")
) -> control_table.ControlTable:
    return control_table.ControlTable("sit-dr-control", status, keys, recoverable, protected=True)


def _control(**changed: Any) -> Any:
    return _dr(control_table.table, replace(_table(), **changed))


def _says(effect: str, *actions: str, who: str = "*", under: Any = None) -> str:
    row: dict[str, Any] = {"Effect": effect, "Principal": {"AWS": who}, "Action": list(actions), "Resource": "*"}
    row |= {"Condition": under} if under else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [row]})


def _standing(*items: dict[str, Any]) -> Any:
    return _dr(control_table.standing, control_table.in_force(list(items)))


_PAUSE = {"pk": "STANDING", "sk": "PAUSE", "who": "Alice", "why": "a storm", "at": "2026-01-07T03:00:00+00:00"}
_CLOSED = {"pk": "STANDING", "sk": "INCIDENT", "closed_at": "2026-01-07T03:00:00+00:00"}
_UNLESS_RUNS = {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{SIT.account}:role/sit-dr-*"}}
_BY_ADDRESS = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
_KEPT = json.dumps(
    {
        "Statement": [
            *json.loads(_says("Deny", "dynamodb:DeleteTable"))["Statement"],
            *json.loads(_says("Allow", "dynamodb:*", under=_BY_ADDRESS))["Statement"],
        ]
    }
)
"""Nobody deletes it, and whom it lets in is settled by a condition: it denies no run."""


EXAMPLES = [
    Example("prerequisites.control-table", FINE, _dr(control_table.table, _table())),
    Example("prerequisites.control-table", FAILS, _dr(control_table.table, _table(None))),
    Example("prerequisites.control-table", FAILS, _dr(control_table.table, _table("CREATING"))),
    Example("prerequisites.control-table", FAILS, _dr(control_table.table, _table(keys=("id",)))),
    Example("prerequisites.control-table", UNSEEN, _dr(control_table.table, DENIED)),
    Example("prerequisites.control-table", Status.WARN, _control(units=4)),
    Example("prerequisites.control-table", FINE, _control(units=5)),
    Example("prerequisites.control-table", FAILS, _control(policy=_says("Deny", "dynamodb:PutItem"))),
    Example("prerequisites.control-table", FAILS, _control(policy=_says("Deny", "dynamodb:*"))),
    Example("prerequisites.control-table", FINE, _control(policy=_says("Deny", "dynamodb:DeleteTable"))),
    Example("prerequisites.control-table", FINE, _control(policy=_says("Allow", "dynamodb:GetItem"))),
    Example("prerequisites.control-table", UNSEEN, _control(policy=DENIED)),
    Example("prerequisites.control-table", FAILS, _control(policy=DENIED, status="CREATING")),
    Example("prerequisites.control-table", FAILS, _control(policy=DENIED, keys=("id",))),
    Example("prerequisites.control-table", FINE, _control(policy=_KEPT)),
    Example("prerequisites.control-table", FINE, _control(policy=_says("Deny", "dynamodb:*", under=_UNLESS_RUNS))),
    Example("prerequisites.control-table", UNSEEN, _control(policy=_says("Deny", "dynamodb:*", under=_BY_ADDRESS))),
    Example("prerequisites.control-table", FINE, _control(policy=_says("Allow", "dynamodb:*", under=_BY_ADDRESS))),
    Example("prerequisites.control-items", FINE, _standing({**_PAUSE, "closed_at": ""}, _CLOSED)),
    Example("prerequisites.control-items", UNSEEN, _standing(_PAUSE), subjects=frozenset({"STANDING / PAUSE"})),
    Example("prerequisites.control-items", UNSEEN, _standing({**_CLOSED, "closed_at": ""})),
    Example("prerequisites.control-items", UNSEEN, _standing({**_CLOSED, "closed_at": 10**31})),
    Example("prerequisites.control-items", UNSEEN, _standing({"pk": "LOCK", "sk": "RUN", "token": b"x"})),
    Example("prerequisites.control-items", UNSEEN, _standing({"pk": "STANDING", "sk": "NEWS"})),
    Example("prerequisites.control-items", UNSEEN, _dr(control_table.standing, DENIED)),
    Example("prerequisites.control-items", IDLE, _dr(control_table.standing, ControlState(reason="There is none."))),
    Example("prerequisites.control-table-recoverable", FINE, _dr(control_table.table, _table())),
    Example("prerequisites.control-table-recoverable", IDLE, _dr(control_table.table, _table(None))),
    Example("prerequisites.control-table-recoverable", FAILS, _dr(control_table.table, _table(recoverable=False))),
    Example(
        "prerequisites.control-table-recoverable", FAILS, _dr(control_table.table, replace(_table(), protected=False))
    ),
    Example(
        "prerequisites.control-table-recoverable",
        FAILS,
        _dr(control_table.table, replace(_table(), expiry_attribute="expires")),
    ),
    Example("prerequisites.control-table-recoverable", UNSEEN, _dr(control_table.table, DENIED)),
    Example(
        "prerequisites.control-table",
        FINE,
        _control(policy=_says("Deny", "dynamodb:*", who="arn:aws:iam::1:role/nobody")),
    ),
]
