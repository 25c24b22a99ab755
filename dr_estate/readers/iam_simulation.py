"""Permissions of the operator's role by IAM's simulator: IAM cannot be changed during a run (T14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.iam.scopes import listeners
from dr_estate.iam.simulation_requests import (
    ANY,
    ContextKey,
    SimulationRequest,
    demands,
    example_arn,
    is_of_tenants,
    keys_of_time,
    of_each_tenant,
    of_the_account,
)
from dr_estate.iam.trust import ends_at, let_in, trusts
from dr_estate.model.playbook import FORBIDDEN
from dr_estate.model.unavailable import DataUnavailable, Unavailable, available
from dr_estate.readers import ecs, efs, elbv2, route53, secretsmanager
from dr_estate.reading.reader import GLOBAL, ReadContext, part

READS = frozenset({"iam:GetRole", "iam:SimulatePrincipalPolicy"})

PASS, TASKS = "iam:PassRole", "ecs-tasks.amazonaws.com"
RESOURCES_A_CALL = 100
_ABSENT, _NOT_TOGETHER = "NoSuchEntity", "InvalidInput"
DENIED = "explicitDeny"
_WORST = (DENIED, "implicitDeny", "allowed")
_WEIGHTS, _DOUBTFUL = {"explicitDeny": 0, "implicitDeny": 1, "allowed": 3}, 2
BOUNDARY, ORGANIZATION = "the permissions boundary", "a service control policy of the organization"


# What AWS fills in of a member's every request, and IAM's simulator does not: a deny of others is met without it.
ORGANIZATION_KEYS = frozenset(
    f"aws:{whose}{what}" for whose in ("principal", "resource") for what in ("orgid", "orgpaths")
)


@dataclass(frozen=True, slots=True)
class SimulatedDecision:
    """IAM's decision on one action in a region: allowed, explicitDeny or implicitDeny, the worst of all it was asked.

    ``on`` says on what, and by which condition keys, it was not allowed, "" where it was; ``resource`` is the ARN, ""
    where it was asked about everything. ``missing`` are condition
    keys that the role's policies test and that nobody can know beforehand: whether MFA was used, the caller's address.
    ``of_resource``: not IAM decided so, but the policy of what it was asked on. ``bounded``: the permissions boundary.
    ``of_organization``: a service control policy ended the simulation. IAM evaluates none whose conditions are global
    (User Guide, "Testing IAM policies"), and one that admits both regions stops it too (aws-sdk issue 102).
    """

    action: str
    decision: str
    region: str = ""
    on: str = ""
    missing: tuple[str, ...] = ()
    of_resource: bool = False
    bounded: bool = False
    of_organization: bool = False
    resource: str = ""

    @property
    def is_doubtful(self) -> bool:
        """Whether the request on the day may be allowed all the same. What is denied outright stays so."""
        return self.hangs_on_organization or (bool(self.missing) and self.decision == _WORST[1])

    @property
    def may_be_opened(self) -> bool:
        """Whether an allow of the thing's own policy is enough: nothing denied, and it passes over no boundary."""
        return self.decision == _WORST[1] and not self.bounded and not self.hangs_on_organization

    @property
    def hangs_on_organization(self) -> bool:
        """Whether a policy of the organization decided, or the organization's own name, by a perimeter around it."""
        return self.of_organization or any(key.lower() in ORGANIZATION_KEYS for key in self.missing)

    @property
    def weight(self) -> int:
        """Of several decisions the least is the worst: what may be allowed hides nothing that is certain."""
        return _DOUBTFUL if self.is_doubtful else _WEIGHTS[self.decision]


@dataclass(frozen=True, slots=True)
class Operator:
    """The role that runs recoveries, and its decisions; None where there is no such role.

    ``unseen`` is what kept IAM from being asked about tenants' own things, or about the roles of their tasks.
    ``let_in`` is whom its trust policy lets assume it, None where it was not read.
    """

    role: str
    decisions: tuple[SimulatedDecision, ...] | None
    unseen: tuple[Unavailable, ...] = ()
    let_in: tuple[str, ...] | Unavailable | None = None


@part(*GLOBAL, reads=READS)
def operator(context: ReadContext) -> Operator:
    """Simulate every action that a playbook needs where it needs it, and those that nobody may have.

    One call per demand, about 50, and one on the roles of the DR region's tasks. The first shows whether IAM answers
    and the role exists; the others then run at once, those about tenants' resources last, because these are known by
    then. IAM refuses to simulate actions together that it judges by different information (InvalidInput): those are
    simulated singly, which is at most one more call for each action.
    """
    role, env = context.env.acting_role, context.env
    arn = f"arn:aws:iam::{env.account}:role/{role}"
    first, *others = demands(env)
    answers, unseen = [decisions_on(context, arn, first)], list[Unavailable]()
    if answers[0] is not None:
        of_tenants = [demand for demand in others if is_of_tenants(env, demand)]
        of_own = [demand for demand in others if any(arn in _arn_readers(env) for arn in demand.resources)]
        of_all: list[Iterable[SimulationRequest]] = [
            *((demand,) for demand in others if demand not in (*of_tenants, *of_own)),
            *(_on_each_tenant(context, (demand,), unseen) for demand in of_tenants),  # each waits for parts it names
            _of_passing(context, unseen),
            *(_own_demands(context, [demand]) for demand in of_own),
        ]
        found = context.each(lambda requests: [decisions_on(context, arn, request) for request in requests], of_all)
        answers += chain.from_iterable(found)
    if None in answers:
        return Operator(role, None)
    worst: dict[tuple[str, str], SimulatedDecision] = {}
    for decision in (item for found in answers for item in found or ()):
        key = (decision.action, decision.region)
        worse = max if decision.action in FORBIDDEN else min  # of deletions what is allowed of any thing is the worst
        worst[key] = worse(worst.get(key, decision), decision, key=lambda candidate: candidate.weight)
    (admitted,) = context.maybe(lambda name: _let_in(context, name), [role])
    return Operator(role, tuple(worst[key] for key in sorted(worst)), tuple(sorted(set(unseen), key=repr)), admitted)


def _let_in(context: ReadContext, role: str) -> tuple[str, ...] | None:
    """Whom the role's trust policy lets assume it."""
    found = context.find("iam", "get_role", (_ABSENT,), RoleName=role)
    trust = found["Role"].get("AssumeRolePolicyDocument") if found else None
    return let_in(trust) if isinstance(trust, dict) else None


def trust_of(context: ReadContext, name: str, service: str, source: str) -> tuple[bool, bool | None, datetime | None]:
    """Whether there is a role of that name, whether the service may assume it (None: unknown), and until when."""
    found = context.find("iam", "get_role", (_ABSENT,), RoleName=name)
    document = found["Role"].get("AssumeRolePolicyDocument") if found else None
    if not isinstance(document, dict) or not service:
        return found is not None, None, None
    asked_by = (document, service, context.env.account, source, context.now)
    return True, trusts(*asked_by), ends_at(*asked_by)


def worst_by_action(decisions: Iterable[SimulatedDecision]) -> tuple[SimulatedDecision, ...]:
    """The worst decision on each action, in order of the actions."""
    worst: dict[str, SimulatedDecision] = {}
    for decision in decisions:
        known = worst.setdefault(decision.action, decision)
        worst[decision.action] = min(known, decision, key=lambda candidate: candidate.weight)
    return tuple(worst[action] for action in sorted(worst))


def _on_each_tenant(
    context: ReadContext, of_tenants: Sequence[SimulationRequest], unseen: list[Unavailable]
) -> Iterator[SimulationRequest]:
    """The demands on each tenant's services, definitions and secrets: a policy may deny one of them by its name."""
    env, tenants = context.env, _tenants(context, unseen)
    # A secret's ARN ends in characters that AWS made up.
    rows = context.part_if_seen(secretsmanager.secrets, Side.DR, unseen) or ()
    suffixed = {example_arn(row.arn): row.arn for row in rows}
    for demand in of_tenants:
        named = (suffixed.get(arn, arn) for arn in of_each_tenant(env, demand, tenants))
        for page in resource_pages(tuple(named)):
            yield replace(demand, resources=page)


def _arn_readers(env: Environment) -> dict[str, Callable[[ReadContext], list[str]]]:
    """What reads the ARNs of the estate's own things, by the ARN that stands for any one whose id AWS made up."""
    dr = env.regions.dr
    return {
        f"arn:aws:route53:::hostedzone/{ANY}": _zone,
        f"arn:aws:elasticfilesystem:{dr}:{env.account}:file-system/{ANY}": _file_systems,
        **dict.fromkeys((text.replace("*", ANY) for text in listeners(env, dr)), _listeners),
    }


def _zone(context: ReadContext) -> list[str]:
    zone = context.part(route53.zone, Side.GLOBAL)
    return [f"arn:aws:route53:::hostedzone/{zone.id}"] if zone else []


def _file_systems(context: ReadContext) -> list[str]:
    return [row.arn for row in context.part(efs.file_systems, Side.DR) if row.arn]


def _listeners(context: ReadContext) -> list[str]:
    return [row.arn for rows in context.of_entrances(elbv2.listeners, Side.DR) for row in rows]


def _own_demands(context: ReadContext, of_own: Sequence[SimulationRequest]) -> Iterator[SimulationRequest]:
    """The demands on the own zone, files and listeners; on any alone where those are not seen, which others report."""
    readers = _arn_readers(context.env)
    for demand in of_own:
        known = list[str]()
        for read_arns in dict.fromkeys(readers[arn] for arn in demand.resources if arn in readers):
            with suppress(DataUnavailable):
                known += read_arns(context)
        for page in resource_pages((*demand.resources, *known)):
            yield replace(demand, resources=page)


def _tenants(context: ReadContext, unseen: list[Unavailable]) -> list[str]:
    """The tenants that have a service in the DR region, else in the primary one: a dark region is not waited for."""
    lost = list[Unavailable]()
    for side in (Side.DR, Side.PRIMARY):
        services, env = context.part_if_seen(ecs.services, side, lost) or (), context.env.on(side)
        if found := {tenant for row in services if (tenant := env.tenant_of(env.names.service, row.name))}:
            return sorted(found)
    unseen += lost
    return []


def _of_passing(context: ReadContext, unseen: list[Unavailable]) -> Iterator[SimulationRequest]:
    """Whether the roles that the DR region's task definitions name may be passed on: not every one is named by rule."""
    rows = context.part_if_seen(ecs.task_definitions, Side.DR, unseen) or ()
    unseen += [row for row in rows if isinstance(row, Unavailable)]
    seen = [row for row in rows if isinstance(row, ecs.TaskDefinition)]
    roles = sorted({role for row in seen for role in (row.task_role, row.execution_role) if role})
    region = context.env.region(Side.DR)
    passed_to = ContextKey("iam:PassedToService", "string", (TASKS,))
    known = (*of_the_account(context.env.account, region, PASS), passed_to)
    for page in resource_pages(tuple(roles)):
        yield SimulationRequest(region, (PASS,), page, known)


def resource_pages(resources: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The resources in as many as are asked about by one call."""
    for n in range(0, len(resources), RESOURCES_A_CALL):
        yield resources[n : n + RESOURCES_A_CALL]


def decisions_on(context: ReadContext, arn: str, demand: SimulationRequest) -> list[SimulatedDecision] | None:
    """IAM's decisions on ``demand``; None where there is no such role."""
    together = len(demand.actions) > 1
    rows = _simulation_rows(context, arn, demand, demand.actions, (_ABSENT, _NOT_TOGETHER) if together else (_ABSENT,))
    if rows is None and together:
        alone = [_simulation_rows(context, arn, demand, (action,), (_ABSENT,)) for action in demand.actions]
        rows = None if None in alone else [row for found in alone for row in found or ()]
    if rows is None:
        return None
    decided = context.rows(rows, lambda row: list(_decisions(row, demand)), "EvalActionName")
    return [decision for found in decided for decision in found]


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """A simulation request for the role ``arn``. ``name`` distinguishes the purposes of the same role."""

    name: str
    arn: str
    request: SimulationRequest


class RoleAnswers:
    """IAM's decisions on ``todo``, all asked at once: one after another for each role, they ended last of all reads."""

    def __init__(self, context: ReadContext, todo: Sequence[RoleRequest]) -> None:
        found = context.maybe(lambda about: decisions_on(context, about.arn, about.request) or [], todo)
        self._answers = list(zip(todo, found, strict=True))

    def about(self, name: str) -> Iterator[tuple[SimulationRequest, SimulatedDecision]]:
        """Each decision on what was asked by that name, with its request. Raises DataUnavailable."""
        for about, decisions in self._answers:
            if about.name == name:
                yield from ((about.request, decision) for decision in available(decisions))


def _simulation_rows(
    context: ReadContext, arn: str, demand: SimulationRequest, actions: Sequence[str], absent: tuple[str, ...]
) -> list[dict[str, Any]] | None:
    params: dict[str, Any] = {
        "PolicySourceArn": arn,
        "ActionNames": list(actions),
        "ContextEntries": [
            {"ContextKeyName": key.name, "ContextKeyValues": list(key.values), "ContextKeyType": key.kind}
            for key in (*demand.context, *keys_of_time(context.now))
        ],
    }
    if demand.resources:
        params["ResourceArns"] = list(demand.resources)

    def pages(client: Any) -> list[dict[str, Any]]:
        paginator = client.get_paginator("simulate_principal_policy")
        return [row for page in paginator.paginate(**params) for row in page.get("EvaluationResults", [])]

    found: list[dict[str, Any]] | None = context.client.call("iam", context.region, pages, absent)
    return found


def _decisions(row: dict[str, Any], demand: SimulationRequest) -> Iterator[SimulatedDecision]:
    """What was decided on each resource: IAM separates them from the action's overall decision."""
    name, region = row["EvalActionName"], demand.region
    results = [
        (result["EvalResourceDecision"], result["EvalResourceName"], result)
        for result in row.get("ResourceSpecificResults", ())
    ]
    for decision, resource, found in results or [(row["EvalDecision"], "", row)]:
        if decision not in _WORST:
            raise ValueError(f"IAM's decision {decision} is not known")
        if decision == _WORST[-1]:
            yield SimulatedDecision(name, decision, region)
        else:
            missing = tuple(sorted(found.get("MissingContextValues") or ()))
            bounded, of_organization = _limits(row, found, decision)
            whose = [f"by {ORGANIZATION}"] * of_organization + [f"by {BOUNDARY}"] * bounded
            where = ", ".join([resource or "every resource", *demand.context_text(), *whose])
            limits = {"bounded": bounded, "of_organization": of_organization}
            yield SimulatedDecision(name, decision, region, where, missing, **limits, resource=resource)


def _limits(row: dict[str, Any], found: dict[str, Any], decision: str) -> tuple[bool, bool]:
    """Whether the boundary, or a policy of the organization, decided so: those have no part in MatchedStatements.

    What Organizations say stands with the action alone: a deny of the role's own is its own all the same.
    """
    if decision == _WORST[0] and found.get("MatchedStatements"):
        return False, False
    boundary = found.get("PermissionsBoundaryDecisionDetail") or {}
    organizations = found.get("OrganizationsDecisionDetail") or row.get("OrganizationsDecisionDetail") or {}
    bounded = boundary.get("AllowedByPermissionsBoundary") is False
    return bounded, not bounded and organizations.get("AllowedByOrganizations") is False
