"""What tasks of the DR region may do with the copies of stores, beside what tasks may do with the sources today.

Replication changes no policy of IAM: a role that names buckets and tables of the primary region serves every visitor
there, and is refused its copies on the day. IAM's simulator judges both, on any object. Source: Service Authorization
Reference, Amazon S3 and DynamoDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dr_estate.config.environment import Side
from dr_estate.iam.simulation_requests import ANY, SimulationRequest, of_the_account
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import dynamodb, ecs, s3
from dr_estate.readers.iam_simulation import ORGANIZATION_KEYS, READS, RoleAnswers, RoleRequest, SimulatedDecision
from dr_estate.readers.store_policies import table_arn
from dr_estate.reading.reader import GLOBAL, ReadContext, part

_LISTS = ("s3:ListBucket",)
_OF_OBJECTS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
_OF_TABLES = tuple(
    f"dynamodb:{name}"
    for name in ("BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
)
_ALLOWED, _DENIED = "allowed", "explicitDeny"
_Right = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoreRight:
    """An action that IAM allows on ``source`` today, and its decision on the ``copy``: ARNs of any object, or table.

    ``missing`` and what follows is as in SimulatedDecision, of the copy.
    """

    action: str
    source: str
    copy: str
    decision: str
    missing: tuple[str, ...] = ()
    bounded: bool = False
    of_organization: bool = False

    @property
    def is_doubtful(self) -> bool:
        """Whether a task's request may be allowed all the same."""
        named = any(key.lower() in ORGANIZATION_KEYS for key in self.missing)
        return self.of_organization or named or (bool(self.missing) and self.decision != _DENIED)


@dataclass(frozen=True, slots=True)
class StoreRole:
    """The task role ``arn`` of the DR region, beside ``today``, as which the same tasks run in the primary region.

    ``denied`` is what a policy denies outright today, (action, ARN) of the source, but deletions.
    """

    arn: str
    today: str
    rights: tuple[StoreRight, ...]
    denied: tuple[_Right, ...] = ()


@part(*GLOBAL, reads=READS)
def rights(context: ReadContext) -> tuple[StoreRole | Unavailable, ...]:
    """Each pair of roles that a family of tasks runs as: three calls for each role and region, whatever the tenants.

    Where the primary region's definitions are not seen, the role is asked about both; one without rights then is
    Unavailable, for tasks may run as another there. A role that does not exist is left out.
    """
    rows = context.part(ecs.task_definitions, Side.DR)
    theirs, lost = _primary_roles(context)
    own = {row.family: row.task_role for row in rows if isinstance(row, ecs.TaskDefinition) and row.task_role}
    own = {_workload_of(context, Side.DR, family): role for family, role in own.items()}
    pairs = sorted({(theirs.get(workload, role) or role, role) for workload, role in own.items()})
    roles = sorted({(side, pair[n]) for pair in pairs for n, side in enumerate((Side.PRIMARY, Side.DR))})
    todo = [RoleRequest(f"{side} {arn}", arn, request) for side, arn in roles for request in _requests(context, side)]
    answers = RoleAnswers(context, todo)
    compared = context.maybe(lambda pair: _store_role(context, *pair, answers), pairs)
    unsure = {role for workload, role in own.items() if lost and workload not in theirs}
    found = [
        lost if lost and isinstance(row, StoreRole) and not row.rights and row.arn in unsure else row
        for row in compared
        if row is not None
    ]
    return (*found, *dict.fromkeys(row for row in rows if isinstance(row, Unavailable)))


def _primary_roles(context: ReadContext) -> tuple[dict[str, str], Unavailable | None]:
    """The task role of each workload in the primary region, as far as it is seen, and why one is not."""
    unseen: list[Unavailable] = []
    rows = context.part_if_seen(ecs.task_definitions, Side.PRIMARY, unseen) or ()
    lost = next((row for row in (*unseen, *rows) if isinstance(row, Unavailable)), None)
    seen = [row for row in rows if isinstance(row, ecs.TaskDefinition)]
    return {_workload_of(context, Side.PRIMARY, row.family): row.task_role for row in seen}, lost


def _workload_of(context: ReadContext, side: Side, family: str) -> str:
    """Whose tasks a family, which the map may call otherwise in each region, defines; itself where nobody's."""
    env = context.env.on(side)
    return env.tenant_of(env.names.task_family, family) or family


def _resources(context: ReadContext, side: Side) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Actions, and the stores of a side that they are asked on: sources and copies stand at the same places."""
    env, region = context.env, context.env.region(side)
    buckets = [pair[side is Side.DR] for pair in s3.data_pairs(env) if all(pair)]
    yield _OF_OBJECTS, tuple(f"arn:aws:s3:::{name}/{ANY}" for name in buckets)
    yield _LISTS, tuple(f"arn:aws:s3:::{name}" for name in buckets)
    yield _OF_TABLES, tuple(table_arn(env.account, region, name) for name in dynamodb.names(env))


def _requests(context: ReadContext, side: Side) -> Iterator[SimulationRequest]:
    region = context.env.region(side)
    for actions, resources in _resources(context, side):
        if resources:
            yield SimulationRequest(region, actions, resources, of_the_account(context.env.account, region, actions[0]))


def _store_role(context: ReadContext, today: str, role: str, answers: RoleAnswers) -> StoreRole | None:
    """The rights of a pair of roles; None where IAM has no such role in the DR region's place: see roles.assumable."""
    mine, others = (
        decisions_by_right(answers, f"{Side.PRIMARY} {today}"),
        decisions_by_right(answers, f"{Side.DR} {role}"),
    )
    both = zip(_resources(context, Side.PRIMARY), _resources(context, Side.DR), strict=True)
    copies = {here: away for (_, sources), (_, there) in both for here, away in zip(sources, there, strict=True)}
    if copies and not others:
        return None
    # what hangs on the organization is not known to be refused today
    used = [right for right, found in mine.items() if found.decision == _ALLOWED or found.hangs_on_organization]
    then = [(action, on, others.get((action, copies[on]))) for action, on in sorted(used)]
    rights = (
        StoreRight(action, on, copies[on], d.decision, d.missing, d.bounded, d.of_organization)
        for action, on, d in then
        if d
    )
    # Policies protect data from deletion on purpose; what is denied under a condition may be what nobody asks for.
    denied = (
        right
        for right, found in sorted(mine.items())
        if found.decision == _DENIED and not found.missing and ":Delete" not in right[0]
    )
    return StoreRole(role, today, tuple(rights), tuple(denied))


def decisions_by_right(answers: RoleAnswers, name: str) -> dict[_Right, SimulatedDecision]:
    """IAM's decision by action and resource, of the actions it answered for. Raises DataUnavailable."""
    found: dict[_Right, SimulatedDecision] = {}
    for request, decision in answers.about(name):
        named = {decision.resource} & set(request.resources)
        for resource in named or request.resources:  # an answer that names none of them is about all
            worst = found.setdefault((decision.action, resource), decision)
            found[decision.action, resource] = decision if worst.decision == _ALLOWED else worst
    return found
