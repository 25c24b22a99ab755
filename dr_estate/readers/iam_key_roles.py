"""What tasks of the DR region may do with the keys of bucket copies, beside what they may do with the sources today.

S3 calls KMS in the role's name: a role that may not use the key of a copy is refused every object of the copy, whatever
S3's own policies allow. IAM's simulator judges the role, and the key's policy is judged here. Source: S3 User Guide,
"Using server-side encryption with AWS KMS keys", and KMS Developer Guide, "Key policies".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dr_estate.config.environment import Side
from dr_estate.iam.key_uses import answer_to, by_role
from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.iam.simulation_requests import SimulationRequest, of_the_account, via_service
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import iam_store_roles, kms, s3
from dr_estate.readers.iam_simulation import READS, RoleAnswers, RoleRequest, SimulatedDecision
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.reading.reader import GLOBAL, ReadContext, part

READ, WRITE = "kms:Decrypt", "kms:GenerateDataKey"
_UNDECIDED = ("a condition of the key's policy",)
_ASKED_FOR = {"s3:GetObject": READ, "s3:PutObject": WRITE}


@dataclass(frozen=True)
class _Keys:
    """The keys of a bucket and of its copy: ``new`` is that of uploads, ``copied`` that of what is replicated."""

    source: kms.KmsKey | None
    new: kms.KmsKey | None
    copied: kms.KmsKey | None

    def of_copy(self, action: str) -> Iterator[kms.KmsKey]:
        """Those that the action is asked for."""
        yield from {key.arn: key for key in (self.new, self.copied if action == READ else None) if key}.values()


@part(*GLOBAL, reads=READS)
def rights(context: ReadContext) -> tuple[StoreRole | Unavailable, ...]:
    """The roles that use buckets today whose copies are encrypted under a customer's key, and their rights on that key.

    Two calls for each role; none where no copy has such a key. A key of AWS's own serves whom S3 serves.
    """
    unread: list[Unavailable] = []
    keys = _keys(context, unread)
    if not keys:
        return tuple(unread)
    rows = context.part(iam_store_roles.rights, Side.GLOBAL)
    roles = [row for row in rows if isinstance(row, StoreRole)]
    todo = [request for row in roles for request in _requests(context, row, keys)]
    answers = RoleAnswers(context, todo)
    compared = context.maybe(
        lambda row: context.understand(lambda: _role_with_rights(context, row, keys, answers), row.arn), roles
    )
    return (*compared, *dict.fromkeys((*unread, *(row for row in rows if isinstance(row, Unavailable)))))


def _keys(context: ReadContext, unread: list[Unavailable]) -> dict[str, _Keys]:
    """By the name of the bucket, where its copy has a customer's key that is there. A source not seen has none."""
    buckets = context.part(s3.buckets, Side.DR)
    unread += [row for row in buckets if isinstance(row, Unavailable)]
    copies = {row.name: row for row in buckets if isinstance(row, s3.Bucket)}
    there = context.part(kms.keys, Side.DR)
    try:
        sources = {row.name: row for row in context.part(s3.buckets, Side.PRIMARY) if isinstance(row, s3.Bucket)}
        here, there = context.part(kms.keys, Side.PRIMARY), (*there, *context.part(kms.replica_keys, Side.DR))
    except DataUnavailable:
        sources, here = {}, ()
    found: dict[str, _Keys] = {}
    for name, copy in s3.data_pairs(context.env):
        source = sources.get(name)
        rules = source.rules if source else ()
        copied = sorted({rule.replica_key for rule in rules if rule.destination == copy and rule.replica_key})
        new = _customers(copies[copy].key, there, unread) if copy in copies else None
        under = [key for key in (_customers(ref, there, unread) for ref in copied) if key]
        if new or under:
            own = _customers(source.key, here, unread) if source else None
            found[name] = _Keys(own, new, under[0] if under else None)
    return found


def _customers(ref: str, rows: Iterable[kms.KmsKey | Unavailable], unread: list[Unavailable]) -> kms.KmsKey | None:
    """The customer's key that ``ref`` names, None where it is AWS's own or not there; what hides it is unread."""
    if not ref or kms.is_of_aws(ref):
        return None
    key = next((row for row in rows if isinstance(row, kms.KmsKey) and row.ref == ref), None)
    if key is None:
        unread += [row for row in rows if isinstance(row, Unavailable)]
    elif isinstance(key.admits, Unavailable):
        unread.append(key.admits)
    return key if key and key.policy else None


def _requests(context: ReadContext, row: StoreRole, keys: Mapping[str, _Keys]) -> Iterator[RoleRequest]:
    used = {
        Side.PRIMARY: {pair.source.arn for pair in keys.values() if pair.source},
        Side.DR: {key.arn for pair in keys.values() for key in pair.of_copy(READ)},
    }
    for side, arns in used.items():
        region, role = context.env.region(side), row.today if side is Side.PRIMARY else row.arn
        known = (*of_the_account(context.env.account, region, READ), via_service("s3", region))
        if arns:
            request = SimulationRequest(region, (READ, WRITE), tuple(sorted(arns)), known)
            yield RoleRequest(_name(side, row), role, request)


def _name(side: Side, row: StoreRole) -> str:
    return f"{side} {row.today} {row.arn}"


def _role_with_rights(
    context: ReadContext, row: StoreRole, keys: Mapping[str, _Keys], answers: RoleAnswers
) -> StoreRole:
    sides = (Side.PRIMARY, Side.DR)
    today, then = (iam_store_roles.decisions_by_right(answers, _name(side, row)) for side in sides)
    found: dict[tuple[str, str], StoreRight] = {}
    for right in row.rights:
        action, pair = _ASKED_FOR.get(right.action), keys.get(right.source.rpartition(":")[2].partition("/")[0])
        if action is None or pair is None:
            continue
        if pair.source:
            used = _right(context, row.today, action, pair.source, right.source, today)
            if used.decision != PolicyAnswer.ALLOWED and not used.is_doubtful:
                continue
        for key in pair.of_copy(action):
            found[action, key.arn] = _right(context, row.arn, action, key, right.source, then)
    return replace(row, rights=tuple(found[name] for name in sorted(found)))


def _right(
    context: ReadContext,
    role: str,
    action: str,
    key: kms.KmsKey,
    source: str,
    decisions: Mapping[tuple[str, str], SimulatedDecision],
) -> StoreRight:
    """What IAM and the key's policy decide together: the policy admits the role itself, or the account and so IAM."""
    decision = decisions[action, key.arn]
    use = by_role(role, context.env.account, key.arn, "s3", (action,), context.now)
    answer, by_name = answer_to(key.policy, use), answer_to(key.policy, replace(use, principals=(role,)))
    if answer is PolicyAnswer.DENIED:
        return StoreRight(action, source, key.arn, answer)
    if by_name is PolicyAnswer.ALLOWED and decision.may_be_opened:
        return StoreRight(action, source, key.arn, PolicyAnswer.ALLOWED)
    if by_name is PolicyAnswer.UNDECIDED and decision.may_be_opened:
        return StoreRight(action, source, key.arn, PolicyAnswer.SILENT, _UNDECIDED)
    if answer is not PolicyAnswer.ALLOWED and decision.decision == PolicyAnswer.ALLOWED:
        missing = _UNDECIDED if answer is PolicyAnswer.UNDECIDED else ()
        return StoreRight(action, source, key.arn, PolicyAnswer.SILENT, missing)
    limits = (decision.missing, decision.bounded, decision.of_organization)
    return StoreRight(action, source, key.arn, decision.decision, *limits)
