"""A control table of a test's own in a running sandbox, a clock that is set by hand, and a plain sender."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
from botocore import xform_name

from dr_actions.control_table.control import ControlStore
from dr_actions.control_table.table import SentTable
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Call, Danger, Goal, Plan, Step
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint

SIT = load_environment(Path(__file__).parents[2] / "environments", "sit")
WORLD = WorldId.sandbox(SIT.account, "test")
_NUMBERS = count(1)


class Clock(WorldClock):
    """A clock that stands still until it is moved; each wait by it moves it. ``waited`` runs after each wait."""

    def __init__(self, at: datetime = datetime(2026, 1, 7, 3, 0, tzinfo=UTC)) -> None:
        self._began, self.passed_s = at, 0.0
        self.waited: Callable[[], object] = lambda: None
        super().__init__(lambda: at.timestamp() + self.passed_s, lambda: self.passed_s, self._skip)

    def __call__(self) -> datetime:
        return self.now()

    @property
    def at(self) -> datetime:
        """What it shows."""
        return self.now()

    @at.setter
    def at(self, moment: datetime) -> None:
        self.passed_s = (moment - self._began).total_seconds()

    def move(self, **by: float) -> None:
        self.passed_s += timedelta(**by).total_seconds()

    def _skip(self, stop: threading.Event, seconds: float) -> bool:
        self.passed_s += seconds
        self.waited()
        return stop.is_set()


class Plain:
    """Sends with botocore alone. ``before`` runs before each call; ``after`` once AWS has done it."""

    def __init__(self, endpoint: Endpoint, person: str = "operator") -> None:
        keys = endpoint.people[person]
        self.client = botocore.session.get_session().create_client(
            "dynamodb",
            region_name=SIT.regions.dr,
            endpoint_url=endpoint.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )
        self.sent: Counter[str] = Counter()
        self.before: Callable[[Call], None] = lambda _call: None
        self.after: Callable[[Call], None] = lambda _call: None

    def send(self, call: Call) -> dict[str, Any]:
        self.before(call)
        self.sent[call.name] += 1
        answer: dict[str, Any] = getattr(self.client, xform_name(call.operation))(**call.params)
        self.after(call)
        return answer


def new_table(endpoint: Endpoint) -> str:
    """Make a control table as deploy/ does, and return its name."""
    name = f"control-{next(_NUMBERS)}"
    Plain(endpoint).client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=_keys("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": "by-sk", "KeySchema": _keys("sk", "pk"), "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def store(sender: Any, table: str, clock: WorldClock) -> ControlStore:
    """The store over that table; it never sleeps between attempts."""
    return ControlStore(SentTable(sender, table, SIT.regions.dr, sleep=lambda _s: None), clock)


def a_plan(params: dict[str, Any] | None = None, message: str = "raise the service", steps: int = 1) -> Plan:
    """A plan of service steps."""

    def step(number: int) -> Step:
        call = Call("ecs", "UpdateService", "dr", params or {"desiredCount": 2})
        name = f"compute/scale_dr_services:{number}"
        return Step(
            name, 6, 46, "compute/scale_dr_services", name, "o", Side.DR, message, Danger.REVERSIBLE, "u", 60, call
        )

    return Plan("sit", "1", Goal.FAILOVER, "PRIMARY_LOST", tuple(step(number) for number in range(steps)))


def alone(folder: Path, clock: Clock) -> Journal:
    """The journal of INC-1 without a mirror."""
    return Journal.open(folder, "sit", "INC-1", "run-1", clock, owner="Alice", world=WORLD)


def _keys(first: str, second: str) -> list[dict[str, str]]:
    return [{"AttributeName": first, "KeyType": "HASH"}, {"AttributeName": second, "KeyType": "RANGE"}]
