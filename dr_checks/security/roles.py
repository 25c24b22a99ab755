"""Checks of the roles that tasks of the DR region run as: they exist, trust ECS there, and may do what is needed.

What a task asks for later, of its buckets and tables, is compared with what is allowed in the primary region today.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from dr_checks.core.model import GLOBAL, Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived import role_limits
from dr_checks.derived.ways import ways_of
from dr_estate.config.environment import Side
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of, condition_keys
from dr_estate.iam.simulation_requests import REGION
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import iam_key_roles, iam_store_roles, iam_task_roles, s3, store_policies
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole
from dr_estate.readers.iam_task_roles import TaskRole
from dr_estate.readers.network_ways import tests_network

_UNDECIDED = PolicyAnswer.UNDECIDED
_PUTS, _GETS = "s3:PutObject", "s3:GetObject"
_NONE = "no task definition of the DR region names a role"


@check("every role that tasks of the DR region run as exists and trusts ECS there", none=("all roles", _NONE))
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("T14", "REL13-BP02", "NIST CP-7", "NIST AC-6")
def assumable(view: View) -> Iterator[Finding]:
    """GetRole finds it, and its trust policy lets ecs-tasks assume it for tasks of the DR region (aws:SourceArn)."""
    region = view.env.region(Side.DR)
    wanted = f"a role that ECS may assume in {region}"
    found = view.get(iam_task_roles.roles)
    for role in found:
        if isinstance(role, Unavailable):
            yield view.unknown("a role", wanted, role)
        elif role.exists and role.trusted is None:
            reason = "Its trust policy has conditions that only IAM itself evaluates."
            yield view.undecided(role.arn, wanted, reason, f"the trust policy of '{role.arn.rpartition('/')[2]}'")
        elif role.trusted and role.trust_ends:
            yield _ends(view, role, f"the trust policy of '{role.arn.rpartition('/')[2]}'", role.trust_ends)
        elif role.trusted:
            yield view.ok(role.arn, "trusts ECS", wanted, "tasks can start as it")
        else:
            measured = f"does not trust ecs-tasks.amazonaws.com in {region}" if role.exists else "no such role"
            reason = f"tasks of {', '.join(role.families)} fail to start, and IAM cannot be changed during a run"
            name = role.arn.rpartition("/")[2]
            remedy = f"aws_iam_role '{name}': assume_role_policy."
            yield _gap(view, role, measured, wanted, reason, remedy)


def _gap(view: View, role: TaskRole, measured: str, wanted: str, reason: str, remedy: str) -> Finding:
    """A gap of the families that name the role; a warning where it is names.psql_task's alone, which serves nobody."""
    if role.families == (view.env.named(view.env.on(Side.DR).names.psql_task),):
        return view.warn(role.arn, measured, wanted, reason, remedy)
    return view.gap_of(role.families, role.arn, measured, wanted, reason, remedy)


def _ends(view: View, role: TaskRole, policy: str, at: datetime) -> Finding:
    """Warn of a right that a date in ``policy`` takes away soon."""
    measured, reason = role_limits.ends_on(policy, at), f"tasks of {', '.join(role.families)} cannot start from then on"
    return view.warn(role.arn, measured, "no end within 30 days", reason, role_limits.prolongation(policy, at))


@check("the roles of the DR region's tasks may pull images, read secrets, decrypt, write logs and mount files there")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE, GLOBAL)
@cite("T14", "REL13-BP02", "NIST CP-7", "NIST AC-6")
def tasks_allowed(view: View) -> Iterator[Finding]:
    """IAM's simulator allows each action on the very ARNs that the task definitions of the DR region name.

    It sees identity policies and boundaries; policies of resources are judged where they can close what these open.
    """
    found = view.get(iam_task_roles.roles)
    for role in found:
        if isinstance(role, Unavailable):
            yield view.unknown("a role", "allowed", role)
        elif role.exists:
            yield _role_finding(view, role)
    if not any(isinstance(role, Unavailable) or role.exists for role in found):
        yield view.none_expected("all roles", f"{_NONE}, or none exists: see roles.assumable")


def _role_finding(view: View, role: TaskRole) -> Finding:
    denied = [d for d in role.decisions if d.decision != "allowed"]
    if not denied and role.ends:
        soonest = min(role.ends, key=lambda ending: ending.at)
        return _ends(view, role, f"the policy of {soonest.resource}", soonest.at)
    if not role.decisions:
        return view.none_expected(role.arn, "a start asks for nothing as this role")
    if not denied:
        return view.ok(role.arn, f"{len(role.decisions)} actions allowed", "allowed", "tasks get what they start with")
    # The simulator lacks what only a request has: such a denial is a doubt, and no gap.
    sure, name = [d for d in denied if not d.is_doubtful], role.arn.rpartition("/")[2]
    measured = "; ".join(f"{d.action}: {d.decision} on {d.on}" for d in sure or denied)
    if not sure:
        reason = f"{measured}; {role_limits.hangs_on(denied, 'a request')}."
        return view.undecided(role.arn, "allowed", reason, role_limits.to_compare(name, denied))
    needing = " that need it" if len(role.families) > 1 else ""  # a role may be of many tenants, a secret of one
    reason = f"tasks of {', '.join(role.families)}{needing} fail to start (ResourceInitializationError)"
    remedy = " ".join(dict.fromkeys(_role_remedy(view, name, decision) for decision in sure))
    return _gap(view, role, measured, "allowed", reason, remedy)


def _role_remedy(view: View, role: str, decision: SimulatedDecision) -> str:
    """What lets the role: an explicit deny is taken away, for no allow is stronger than it."""
    if decision.of_resource:
        return f"The policies of these keys, secrets, registries or file systems: admit '{role}', and deny it nothing."
    where = view.env.region(Side.DR)
    own = f"aws_iam_role_policy of '{role}': Resource with the ARNs of {where}, and conditions that hold there."
    return role_limits.stronger(role, decision) or own


@check(
    "tasks of the DR region may do with copies of buckets and tables what is allowed with their sources today",
    none=("all roles", _NONE),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, GLOBAL, applies=if_replicated, stops=True)
@cite("T14", "REL13-BP02", "NIST CP-7", "NIST AC-6")
def stores_allowed(view: View) -> Iterator[Finding]:
    """IAM's simulator on any object of each bucket and on each table; a copy's own policy may admit the role instead.

    Rights on some objects of a bucket alone, as those of one tenant's folder, are not compared. A role that writes
    objects and reads none in both regions alike is a warning, as is a deny of more than deletions, and that no role may
    use data: it may be what broke.
    """
    found = view.get(iam_store_roles.rights)
    for row in found:
        if isinstance(row, Unavailable):
            yield view.unknown("a role", "as with the sources", row)
        elif lacking := _lacking_alike(view, row):
            reason = "in both regions alike: tasks that use the platform's data as this role are refused"
            remedy = (
                f"aws_iam_role_policy of '{row.arn.rpartition('/')[2]}', or accept it where tasks use no such data."
            )
            yield view.warn(row.arn, lacking, "read and write", reason, remedy)
        else:
            closed = [right for right in row.rights if right.decision != PolicyAnswer.ALLOWED]
            refused = [right for found in closed for right in _missing_right(view, row.arn, found)]
            today, where = row.today.rpartition("/")[2], view.env.regions.primary
            reason = f"'{today}' may do so in {where}; IAM cannot be changed during a run"
            finding = _with_copies(view, row, refused, reason)
            # Who may do nothing with a copy that it uses today is where the copy would be lost.
            sure = [right for right in refused if not right.is_doubtful]
            shut = {right.copy for right in sure} - {right.copy for right in row.rights if right not in sure}
            yield replace(finding, stops=bool(shut))


def _lacking_alike(view: View, row: StoreRole) -> str:
    """What a role is denied, or may do with none of the data or with objects that it writes; "" where it is nothing."""
    if row.denied:
        # Somebody allowed the rest, and one deny wins over every allow: see whether it was meant.
        actions = sorted({action for action, _ in row.denied})
        stores = sorted({on.rpartition(":")[2].partition("/any")[0] for _, on in row.denied})
        return f"{', '.join(actions)} denied outright on {', '.join(stores)}"
    if not row.rights:
        # A service may use no data. That no role at all may use it is no estate's wish.
        known = [other for other in view.get(iam_store_roles.rights) if isinstance(other, StoreRole)]
        used = any(other.rights for other in known) or not s3.data_pairs(view.env)
        return "" if used else "no right on any bucket or table, as no other role"
    written, read = ({right.copy for right in row.rights if right.action == action} for action in (_PUTS, _GETS))
    names = sorted(copy.rpartition(":")[2].partition("/any")[0] for copy in written - read)
    return f"writes to {', '.join(names)} and reads nothing there" if names else ""


@check(
    "tasks of the DR region may use the keys of bucket copies, as they use the buckets today",
    none=("all roles", "no bucket copy is encrypted under a customer's key"),
)
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, GLOBAL, applies=if_replicated)
@cite("T14", "T19", "REL13-BP02", "NIST CP-7", "NIST AC-6")
def store_keys_allowed(view: View) -> Iterator[Finding]:
    """IAM's simulator and the key's policy, on the keys of uploads and of what is replicated.

    Who may not use the key of a copy is refused each object of it: pages without pictures, and no upload.
    """
    found = view.get(iam_key_roles.rights)
    for row in found:
        if isinstance(row, Unavailable):
            yield view.unknown("a role", "as with the sources", row)
        else:
            refused = [right for right in row.rights if right.decision != PolicyAnswer.ALLOWED]
            reason = "S3 refuses an object to a role that may not use its key; IAM cannot be changed during a run"
            yield _with_copies(view, row, refused, reason)


def _with_copies(view: View, row: StoreRole, refused: Sequence[StoreRight], why: str) -> Finding:
    wanted = "as with the sources"
    if not row.rights:
        return view.none_expected(row.arn, "no right on all objects of a bucket, or on a table, is allowed today")
    if not refused:
        reason = "tasks use the copies as they use the sources"
        return view.ok(row.arn, f"{len(row.rights)} rights compared", wanted, reason)
    sure, name = [right for right in refused if not right.is_doubtful], row.arn.rpartition("/")[2]
    words = sorted({f"{right.action}: {right.decision}" for right in sure or refused})
    stores = sorted({right.copy.rpartition(":")[2].partition("/any")[0] for right in sure or refused})
    measured = f"{', '.join(words)} on {', '.join(stores)}"
    if not sure:
        hangs = role_limits.hangs_on(refused, "a task's request")
        reason = f"{measured}; {hangs}."
        return view.undecided(row.arn, wanted, reason, role_limits.to_compare(name, refused))
    remedy = " ".join(dict.fromkeys(_opened_store(view, name, right) for right in sure))
    return view.gap(row.arn, measured, wanted, why, remedy)


def _opened_store(view: View, role: str, right: StoreRight) -> str:
    """What lets the role: a deny is taken away, and a boundary widened, for an allow is of no use against either."""
    where = view.env.region(Side.DR)
    own = f"aws_iam_role_policy of '{role}': Resource with the ARNs of the copies in {where} too."
    if right.action.startswith("kms:"):
        own = f"Let '{role}' use these keys of {where}, by aws_kms_key: policy and aws_iam_role_policy."
    return role_limits.stronger(role, right) or own


def _missing_right(view: View, role: str, right: StoreRight) -> Iterator[StoreRight]:
    """The right, unless the copy's own policy names the role, which needs no allow of IAM then. Raises DataUnavailable.

    It is a doubtful one where the policy allows upon a condition that only AWS evaluates. A boundary limits what a
    policy allows a role's ARN. Source: IAM User Guide, "Permissions boundaries".
    """
    # An explicit deny, an organization's policy and a boundary win over what a resource's policy allows.
    if right.decision != PolicyAnswer.SILENT or right.of_organization or right.bounded:
        yield right
        return
    name = right.copy.rpartition(":")[2].removeprefix("table/").partition("/")[0]
    rows = view.get(store_policies.policies, Side.DR)
    texts = [row.text for row in rows if isinstance(row, store_policies.StorePolicy) and row.name == name]
    known = ((REGION, view.env.region(Side.DR)), ("aws:SecureTransport", "true"), *moment_keys(view.now))
    request = PolicyRequest((role,), right.action, right.copy, known)
    answers = {text: _answer(view, text, request) for text in texts}
    if PolicyAnswer.ALLOWED not in answers.values():
        keys = [key for text, answer in answers.items() if answer is _UNDECIDED for key in condition_keys(text)]
        yield replace(right, missing=(*right.missing, *keys))


def _answer(view: View, policy: str, request: PolicyRequest) -> PolicyAnswer:
    return ways_of(view, Side.DR).answer(policy, request) if tests_network(policy) else answer_of(policy, request)
