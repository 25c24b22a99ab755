"""The plan is a value: steps with their exact calls, printed, approved by digest, run, resumed and compared. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter

from dr_estate.config.environment import Side
from dr_estate.model.playbook import Plane

# Why a call that changes AWS did not come back with success.


class FailureKind(StrEnum):
    """Why a call did not come back with success. UNCERTAIN: it may have taken effect all the same.

    BUSY: its subject is in a state that passes by itself, so the call may be sent again.
    """

    THROTTLED = "throttled"
    BUSY = "busy"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"


class SendFailed(Exception):
    """A call failed. ``code`` is AWS's error code, "" where there was no answer."""

    def __init__(self, trouble: FailureKind, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.trouble, self.code = trouble, code


# Names of actions and ids of steps. An action: ``compute/scale_dr_services``; a step: ``<name>:<target>``.
#
# Both stand in plans, digests, approvals, journals, histories and idempotency tokens: a name that changes voids what
# was approved or begun under it.


def step_id(prefix: str, label: str) -> str:
    """Return the id of the step of that prefix on what ``label`` names."""
    return f"{prefix}:{label}"


def prefix_of(step: str) -> str:
    """Return what a step's id begins with: the action's name, and the row's part where it has one."""
    return step.partition(":")[0]


def part_of(step: str) -> str:
    """Return the row's part in a step's id, "" where it has none."""
    return prefix_of(step).partition(".")[2]


def label_of(step: str) -> str:
    """Return what of a step's id follows the prefix."""
    return step.partition(":")[2]


Json = Any
Params = Mapping[str, Json]


class Goal(StrEnum):
    """What the plan is to reach. A switchover is a failover with a healthy primary: fenced first, nothing lost.

    A restore test, a start test and a canary touch nothing of the estate: what they make bears a drill's name or tag,
    and a clean-up removes it. A clean-up also removes what a drill's own failback set aside in the DR region. A fence
    stops one region from writing, and a release lets it write again. An abort gives a failback up: the DR region writes
    again.
    """

    FAILOVER = "failover"
    SWITCHOVER = "switchover"
    FAILBACK = "failback"
    RESTORE_TEST = "restore test"
    START_TEST = "start test"
    CANARY = "canary"
    CLEAN_UP = "clean-up"
    FENCE = "fence"
    RELEASE = "release"
    ABORT = "abort of a failback"


# Goals that move neither service nor data: they stop one region from writing, or let it write again.
FENCING = frozenset({Goal.FENCE, Goal.RELEASE})
# Goals whose time is nobody's recovery time.
NO_RECOVERY = FENCING | {Goal.ABORT}


class Danger(StrEnum):
    """What it takes to go back: a call, another call with a cost, or nothing can."""

    REVERSIBLE = "reversible"
    COMPENSABLE = "compensable"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True)
class Call:
    """One mutating API call. ``operation`` is botocore's name (``UpdateService``), ``service`` its service name.

    ``params`` are the call's parameters as JSON. What is known only later, or secret, is a sentence in angle brackets:
    ``<the host of sit-mysql, once restored>``; the action fills it in right before the call.
    """

    service: str
    operation: str
    region: str
    params: Params

    @property
    def name(self) -> str:
        """``service:Operation``, as declared in an action's WRITES."""
        return f"{self.service}:{self.operation}"

    def text(self, name: str) -> str:
        """The parameter of that name as text, "" where it is not given."""
        return str(self.params.get(name) or "")


@dataclass(frozen=True)
class Step:
    """One action on one subject: at most one mutating call, so that a run can be resumed at each.

    ``number`` is the playbook's. ``before`` is what the plan was made upon and is checked again before the call (T43),
    ``after`` what confirms it. ``undo`` says how it is taken back, or why it cannot be. ``budget_s`` is its time
    budget. ``stage`` orders: steps of one stage and action are independent and may run at once. A ``manual`` step is
    done by a person and verified by looking. ``planes`` are the control planes without which it cannot be taken.
    """

    id: str
    number: int
    stage: int
    action: str
    subject: str
    owner: str
    side: Side
    says: str
    danger: Danger
    undo: str
    budget_s: int
    call: Call | None = None
    tenant: str | None = None
    before: Params = field(default_factory=dict)
    after: Params = field(default_factory=dict)
    planes: tuple[Plane, ...] = ()
    manual: bool = False

    @property
    def planned_call(self) -> Call:
        """The call. Raises ValueError for a step without one."""
        if self.call is None:
            raise ValueError(f"{self.id} makes no call")
        return self.call

    def call_with(self, params: Params) -> Call:
        """The call with other values for ``params``. Raises ValueError for a step without one."""
        return replace(self.planned_call, params={**self.planned_call.params, **params})


@dataclass(frozen=True)
class Plan:
    """The steps in order, the posture they were made upon, and why anything was left out (``notes``).

    ``leaves`` are those of the notes that say what people have to clean up after the run.
    """

    environment: str
    account: str
    goal: Goal
    posture: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that is decided: what an approval is bound to. Measurements of the moment are not in it."""
        text = json.dumps(to_json(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises KeyError."""
        return {step.id: step for step in self.steps}[step_id]


_CODEC = TypeAdapter(Plan)


def batches(steps: Iterable[Step]) -> list[tuple[Step, ...]]:
    """Return the steps that may run at once, in order: those of one action and stage."""
    # groupby joins neighbours alone: `planner.in_order` has sorted the steps.
    return [tuple(group) for _, group in groupby(steps, key=lambda step: (step.stage, step.action))]


def to_json(plan: Plan) -> dict[str, Json]:
    """The plan as JSON-ready values."""
    document: dict[str, Json] = _CODEC.dump_python(plan, mode="json")
    return document


def from_json(data: Mapping[str, Json]) -> Plan:
    """Return the plan that ``to_json`` wrote. Raises pydantic.ValidationError for anything else."""
    return _CODEC.validate_python(dict(data))
