"""Check that policies of bucket copies and table replicas keep out nobody whom those of their sources let in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.pairing import tenant_definitions
from dr_checks.derived.ways import ways_of
from dr_estate.config.environment import Side
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, denial_of
from dr_estate.iam.simulation_requests import REGION
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import dynamodb, ecs, iam_store_roles, s3, store_policies, vpc
from dr_estate.readers.iam_store_roles import StoreRole
from dr_estate.readers.network_ways import tests_network
from dr_estate.readers.store_policies import StoreKind, StorePolicy

_WANTED = "it denies nothing that the source's allows"
# An action on the bucket itself; the others are on its objects (Service Authorization Reference, Amazon S3).
_LISTS = "s3:ListBucket"
_DELETES = {StoreKind.BUCKET: "s3:DeleteObject", StoreKind.TABLE: "dynamodb:DeleteItem"}
_ACTIONS = {
    StoreKind.BUCKET: ("s3:GetObject", _LISTS, "s3:PutObject"),
    StoreKind.TABLE: ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
}
# By which version a task will ask is not known: a policy that wants 1.3 stays undecided.
_NEWER_TLS = "1.3"
_ENDPOINT = re.compile(r"\bvpce-[0-9a-f]+\b")
# By the ARN of a role, the families of tasks that run as it.
_Callers = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Pair:
    source: StorePolicy
    copy: StorePolicy


@check("no policy of a bucket copy or table replica keeps out tasks whom its source lets in")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite("T30", "T31", "REL13-BP04", "NIST CP-9", "NIST AC-6")
def admits_alike(view: View) -> Iterator[Finding]:
    """What the roles of tasks do with it, by the product's evaluator; VPC endpoints named are the region's own.

    A role that the source's policy alone lets in, and no policy of IAM, needs the copy's to do so too. Replication
    copies no policy. Source: S3 GetBucketPolicy, DynamoDB GetResourcePolicy.
    """
    families: dict[str, list[str]] = {}
    for row in tenant_definitions(view).values():
        if isinstance(row, ecs.TaskDefinition) and row.task_role:
            families.setdefault(row.task_role, []).append(row.family)
    # The state's bucket is Terraform's: no task uses it.
    used = {copy for _, copy in s3.data_pairs(view.env)} | {*dynamodb.names(view.env)}
    yield from _findings(view, used, {role: tuple(sorted(families[role])) for role in sorted(families)})


@check("no policy of a bucket copy or table replica keeps out the operator's role, which its source lets in")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T30", "T31", "REL13-BP04", "NIST CP-9", "NIST AC-6")
def admits_operator(view: View) -> Iterator[Finding]:
    """Without it a failover serves, and a failback copies nothing of the store to the primary region.

    Source: S3 GetBucketPolicy, DynamoDB GetResourcePolicy.
    """
    used = {copy for _, copy in s3.pairs(view.env)} | {*dynamodb.names(view.env)}
    yield from _findings(view, used, {view.env.acting_role_arn: ()})


def _findings(view: View, used: set[str], callers: _Callers) -> Iterator[Finding]:
    """A finding for each store of both regions, in ``used`` by the copy's name."""
    here, there = view.get(store_policies.policies, Side.PRIMARY), view.get(store_policies.policies)
    for row in (*here, *there):
        if isinstance(row, Unavailable):
            yield view.unknown("a policy", _WANTED, row)
    names = {(StoreKind.BUCKET, source): copy for source, copy in s3.pairs(view.env)}
    names |= {(StoreKind.TABLE, name): name for name in dynamodb.names(view.env)}
    copies = {(row.kind, row.name): row for row in there if isinstance(row, StorePolicy) and row.name in used}
    found = [(row, (row.kind, names.get((row.kind, row.name), ""))) for row in here if isinstance(row, StorePolicy)]
    pairs = [_Pair(row, copies[key]) for row, key in found if key in copies]
    for pair in pairs:
        try:
            yield _pair_finding(view, pair, callers)
        except DataUnavailable as error:
            yield view.unknown(pair.copy.name, _WANTED, error.unavailable)
    if not pairs and not any(isinstance(row, Unavailable) for row in (*here, *there)):
        yield view.none_expected("all buckets and tables", "none is there in both regions")


def _pair_finding(view: View, pair: _Pair, callers: _Callers) -> Finding:
    name, what = pair.copy.name, f"the policy of this {pair.copy.kind}"
    is_of_tasks = view.env.acting_role_arn not in callers
    remedy = f"Set {what} in {view.region} as in {view.env.regions.primary}: names, ARNs and endpoints of its own."
    named = sorted(set(_ENDPOINT.findall(pair.copy.text))) if is_of_tasks else []
    own = {endpoint.id for endpoint in view.get(vpc.endpoints)} if named else set()
    if strange := [] if own.intersection(named) else named:
        reason = "it admits endpoints that the VPC of this region has not: requests of its tasks would be denied"
        return view.gap(name, f"names {', '.join(strange)}", "endpoints of this region", reason, remedy)
    undecided = False
    for caller, families in callers.items():
        for action in _ACTIONS[pair.copy.kind]:
            mine, theirs = _answers(view, pair, caller, action)
            # What the source denies too is refused today: a failover changes nothing of it.
            if mine is PolicyAnswer.DENIED and theirs is not PolicyAnswer.DENIED:
                measured = f"denies {action} to {caller.rpartition('/')[2]}"
                reason = "after a failover reads or writes would be refused that are allowed today"
                return view.gap_of(families, name, measured, _WANTED, reason, remedy)
            alike = theirs is PolicyAnswer.UNDECIDED and not (is_of_tasks and tests_network(pair.copy.text))
            undecided |= mine is PolicyAnswer.UNDECIDED and not alike
    deleted = [
        caller for caller in callers if is_of_tasks and _is_denied_here(view, pair, caller, _DELETES[pair.copy.kind])
    ]
    answers = dict(_by_policy_alone(view, pair, tuple(callers)))
    if lost := [right for right, answer in answers.items() if answer is not PolicyAnswer.UNDECIDED]:
        reason = "the source's policy alone lets it in today: no policy of IAM does"
        return view.gap(name, f"does not allow {', '.join(lost)}", _WANTED, reason, remedy)
    if answers:
        reason = f"It allows {', '.join(answers)} upon a condition that only AWS evaluates."
        return view.undecided(name, _WANTED, reason, what)
    if undecided:
        reason = "It denies upon a condition that only AWS evaluates; the source's does not, or by its own network."
        return view.undecided(name, _WANTED, reason, what)
    if deleted:
        # A copy may be meant to be kept: the site is served, and its editors' deletions fail.
        measured = f"denies {_DELETES[pair.copy.kind]} to {', '.join(role.rpartition('/')[2] for role in deleted)}"
        reason = "after a failover nothing that editors delete would go away, as it does today"
        return view.warn(name, measured, _WANTED, reason, f"{remedy} Or accept it, where the copy must keep all.")
    return view.ok(name, "denies nothing more", _WANTED, "who uses the source may use it")


def _is_denied_here(view: View, pair: _Pair, caller: str, action: str) -> bool:
    """Whether the copy's policy denies the action, and the source's does not."""
    mine, theirs = _answers(view, pair, caller, action)
    return mine is PolicyAnswer.DENIED and theirs is not PolicyAnswer.DENIED


def _by_policy_alone(view: View, pair: _Pair, callers: tuple[str, ...]) -> Iterator[tuple[str, PolicyAnswer]]:
    """What a task's role may do with the source by its policy alone, and what the copy's says, where that is no allow.

    Tasks that run as another role in the primary region are not compared. Raises DataUnavailable.
    """
    sources = {*dynamodb.names(view.env), *(source for source, _ in s3.data_pairs(view.env))}
    if pair.source.name not in sources or "Allow" not in pair.source.text:
        return
    actions = [action for action in _ACTIONS[pair.copy.kind] if action != _LISTS]
    for caller, action in product(callers, actions):
        mine, theirs = (
            answer_of(row.text, replace(_request(view, row, side, caller, action), principals=(caller,)))
            for row, side in _sides(pair)
        )
        is_lost = theirs is PolicyAnswer.ALLOWED and mine is not PolicyAnswer.ALLOWED
        if is_lost and _lacks_right(view, caller, action, pair.source):
            yield f"{action} to {caller.rpartition('/')[2]}", mine


def _lacks_right(view: View, caller: str, action: str, source: StorePolicy) -> bool:
    """Whether no IAM policy lets the role use the source; roles.stores-allowed judges the other rights.

    Raises DataUnavailable.
    """
    on = _request(view, source, Side.PRIMARY, caller, action).resource
    rows = view.get(iam_store_roles.rights, Side.GLOBAL)
    found = [row for row in rows if isinstance(row, StoreRole) and row.arn == caller]
    for row in rows:
        if isinstance(row, Unavailable) and not found:
            raise DataUnavailable(row)
    return bool(found) and not any(
        (right.action, right.source) == (action, on) for row in found for right in row.rights
    )


def _sides(pair: _Pair) -> tuple[tuple[StorePolicy, Side], tuple[StorePolicy, Side]]:
    return (pair.copy, Side.DR), (pair.source, Side.PRIMARY)


def _answers(view: View, pair: _Pair, caller: str, action: str) -> tuple[PolicyAnswer, PolicyAnswer]:
    """What the copy's policy denies, and what its source's does."""
    here, there = (_answer(view, row, side, caller, action) for row, side in _sides(pair))
    return here, there


def _answer(view: View, row: StorePolicy, side: Side, caller: str, action: str) -> PolicyAnswer:
    """What the policy denies. A task asks by the ways of its side's network, a person from anywhere."""
    request = _request(view, row, side, caller, action)
    if not tests_network(row.text) or caller == view.env.acting_role_arn:
        return denial_of(row.text, request)
    return ways_of(view, side).answer(row.text, request, denial_of)


def _request(view: View, row: StorePolicy, side: Side, caller: str, action: str) -> PolicyRequest:
    account, region = view.env.account, view.env.region(side)
    arn = f"arn:aws:s3:::{row.name}" if row.kind is StoreKind.BUCKET else _table(view, side, row.name)
    resource = f"{arn}/any" if row.kind is StoreKind.BUCKET and action != _LISTS else arn
    of_s3 = row.kind is StoreKind.BUCKET
    version = (("s3:TlsVersion", "1.2"),) if of_s3 and _NEWER_TLS not in row.text else ()  # AWS takes nothing older
    known = (
        (REGION, region),
        *version,
        *((("s3:ResourceAccount", account),) if of_s3 else ()),
        ("aws:SecureTransport", "true"),
        ("aws:PrincipalAccount", account),
        ("aws:PrincipalArn", caller),
        ("aws:ResourceAccount", account),
        *moment_keys(view.now),
    )
    return PolicyRequest((caller, f"arn:aws:iam::{account}:root"), action, resource, known)


def _table(view: View, side: Side, name: str) -> str:
    return store_policies.table_arn(view.env.account, view.env.region(side), name)
