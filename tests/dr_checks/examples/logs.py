"""Examples of the log group checks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import cloudwatch_logs, ecs
from dr_estate.readers.cloudwatch_logs import LogGroup
from dr_estate.readers.kms import KmsKey
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import D, P, both_services, definition, definitions
from tests.dr_checks.worlds import DENIED, Example, world

FIRST, SECOND = LogGroup("/ecs/sit-tenant1", 30), LogGroup("/ecs/sit-tenant2", 30)
NAMED = frozenset({SECOND.name})


def _here(here: Any, there: Any = (FIRST, SECOND), read: Any = None, **changes: Any) -> Snapshot:
    return world(
        {
            (ecs.services, Side.DR): both_services(),
            (ecs.task_definitions, Side.DR): read or definitions(D, changes=changes),
            (cloudwatch_logs.groups, Side.PRIMARY): there,
            (cloudwatch_logs.groups, Side.DR): here,
        }
    )


AWAY = definition("tenant2", D, {"log_region": "us-east-1"}).containers


MAKES = definition("tenant2", D, {"log_region": "us-east-1", "log_creates_group": True}).containers


def _elsewhere(there: Any, here: Any = AWAY) -> Snapshot:
    """The second tenant's container writes to a third region; ``there`` are the primary's definitions."""
    return world(
        {
            (ecs.services, Side.DR): both_services(),
            (ecs.services, Side.PRIMARY): both_services(),
            (ecs.task_definitions, Side.DR): definitions(D, containers=here),
            (ecs.task_definitions, Side.PRIMARY): there,
            (cloudwatch_logs.groups, Side.DR): (FIRST, SECOND),
        }
    )


def _kept(days: int | None) -> LogGroup:
    return LogGroup(SECOND.name, days)


KEY = "arn:aws:kms:eu-west-1:1:key/logs"


def _encrypted(
    expected: Status, service: str = f"logs.{D}.amazonaws.com", keys: Any = None, read: Any = None, **changed: Any
) -> Example:
    """The second group is encrypted under a key whose policy admits ``service``; ``changed`` changes the key."""
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "kms:*"}]})
    key = KmsKey(KEY, KEY, "Enabled", ("log groups",), "", (), None, (service,), policy)
    seen = {
        (ecs.services, Side.DR): both_services(),
        (ecs.task_definitions, Side.DR): definitions(D) if read is None else read,
        (cloudwatch_logs.groups, Side.DR): (FIRST, LogGroup(SECOND.name, 30, KEY)),
        (cloudwatch_logs.keys, Side.DR): (replace(key, **changed),) if keys is None else keys,
    }
    return Example("logs.keys-usable", expected, world(seen), NAMED)


EXAMPLES = [
    _encrypted(Status.PASS),
    _encrypted(Status.FAIL, f"logs.{P}.amazonaws.com"),
    _encrypted(Status.FAIL, state="Disabled"),
    _encrypted(Status.FAIL, state="absent"),
    _encrypted(Status.FAIL, state="Disabled", read=(definition("tenant1", D), DENIED)),
    _encrypted(Status.FAIL, state="Disabled", read=DENIED),
    _encrypted(Status.WARN, state="Disabled", read=definitions(D, changes={"log_group": FIRST.name})),
    _encrypted(Status.UNKNOWN, state="a-new-word"),
    _encrypted(Status.UNKNOWN, admits=DENIED),
    _encrypted(Status.UNKNOWN, keys=(DENIED,)),
    Example("logs.keys-usable", Status.UNKNOWN, _here(DENIED)),
    Example("logs.keys-usable", Status.NOT_APPLICABLE, _here((FIRST, SECOND))),
    Example("logs.groups-exist", Status.PASS, _here((FIRST, SECOND))),
    Example("logs.groups-exist", Status.PASS, _here((FIRST,), log_creates_group=True)),
    Example("logs.groups-exist", Status.PASS, _here((FIRST,), log_region=P)),
    Example("logs.groups-exist", Status.PASS, _here((FIRST, SECOND), log_region="")),
    Example("logs.groups-exist", Status.FAIL, _here((FIRST,), log_region=""), NAMED),
    Example("logs.groups-exist", Status.FAIL, _elsewhere(definitions(P)), NAMED),
    Example("logs.groups-exist", Status.PASS, _elsewhere(definitions(P, containers=AWAY))),
    Example("logs.groups-exist", Status.UNKNOWN, _elsewhere(DENIED), NAMED),
    Example("logs.groups-exist", Status.UNKNOWN, _elsewhere((definition("tenant1", P), DENIED)), NAMED),
    Example("logs.groups-exist", Status.PASS, _elsewhere(definitions(P), MAKES)),
    Example("logs.groups-exist", Status.PASS, _here((FIRST, SECOND), there=DENIED)),
    Example("logs.groups-exist", Status.FAIL, _here((FIRST,)), NAMED),
    Example("logs.groups-exist", Status.UNKNOWN, _here(DENIED)),
    Example("logs.groups-exist", Status.UNKNOWN, _here((FIRST,), read=(definition("tenant1", D), DENIED))),
    Example("logs.retention", Status.PASS, _here((FIRST, _kept(90)))),
    Example("logs.retention", Status.PASS, _here((FIRST, _kept(None)))),
    Example("logs.retention", Status.NOT_APPLICABLE, _here((FIRST,), there=())),
    Example("logs.retention", Status.FAIL, _here((FIRST, _kept(7))), NAMED),
    Example("logs.retention", Status.FAIL, _here((FIRST, SECOND), there=(FIRST, _kept(None))), NAMED),
    Example("logs.retention", Status.UNKNOWN, _here((FIRST,), there=DENIED)),
]
