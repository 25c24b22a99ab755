"""What keeps a role from an action, by whose policy it is, and what a person does about that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.readers.iam_copy_roles import CopyRole
from dr_estate.readers.iam_simulation import SimulatedDecision
from dr_estate.readers.iam_store_roles import StoreRight

Decision = SimulatedDecision | StoreRight
_STOPPED = "a service control policy stopped IAM's simulator, which evaluates no global conditions of such policies"


def stronger(role: str, decision: Decision) -> str:
    """What to do where no allow of the role's own helps: against a deny, or a boundary; "" where one would."""
    # An explicit deny wins over every allow (IAM guide, policy evaluation logic): another policy is no remedy.
    denied = decision.decision == PolicyAnswer.DENIED
    if decision.bounded and denied:
        return f"Take the Deny of these out of the permissions boundary of '{role}': no Allow is stronger than it."
    # A boundary limits what all other policies grant: an Allow elsewhere changes nothing (IAM guide).
    if decision.bounded:
        return f"aws_iam_role '{role}': a permissions boundary that allows these too; no other policy widens it."
    return f"Take the Deny of these out of the policies of '{role}': no Allow is stronger than it." if denied else ""


def ends_on(policy: str, at: datetime) -> str:
    """When a date in ``policy`` ends a right, as what was measured."""
    return f"allowed until {at:%Y-%m-%d %H:%M} UTC by {policy}"


def prolongation(policy: str, at: datetime) -> str:
    """What a person does before a date in ``policy`` ends a right."""
    return f"Take the date out of {policy}, or set a later one, before {at:%Y-%m-%d}: no run changes IAM."


def hangs_on(decisions: Iterable[Decision], whose: str) -> str:
    """On what doubtful decisions hang: the end of a sentence. ``whose`` request shows the missing keys."""
    found = list(decisions)
    keys = ", ".join(sorted({key for decision in found for key in decision.missing}))
    stopped = any(decision.of_organization for decision in found)
    parts = [f"simulated without {keys}, which only {whose} shows"] if keys else []
    return "; ".join([*parts, *[_STOPPED] * stopped])


def to_compare(role: str, decisions: Iterable[Decision]) -> str:
    """Which policies a person compares with the requests of the day, where decisions are doubtful."""
    found = list(decisions)
    keys = ", ".join(sorted({key for decision in found for key in decision.missing}))
    parts = [f"the policies of '{role}' on {keys}"] if keys else []
    return " and ".join(parts + ["the organization's service control policies"] * any(d.of_organization for d in found))


# What the role of S3's jobs may not do, and what of that is undecided: shared by the failback and its readiness.


def denied_decisions(role: CopyRole) -> list[SimulatedDecision]:
    """What it may not do, whatever a job brings along."""
    return [decision for decision in _refusals(role) if not decision.is_doubtful]


def doubts(role: CopyRole) -> Sequence[str]:
    """Return what is undecided about the role's permissions, as sentences without their period."""
    hangs = [
        f"{row.action}: {hangs_on([row], 'the job itself')}"
        if row.of_organization
        else f"{row.action} hangs on {', '.join(row.missing)}, which only the job itself shows"
        for row in doubtful(role)
    ]
    return hangs + ["its trust policy has conditions that only IAM itself evaluates"] * (role.trusted is None)


def doubtful(role: CopyRole) -> list[SimulatedDecision]:
    """What it may do or not, by what only the job itself shows, or by a policy that IAM does not evaluate."""
    return [decision for decision in _refusals(role) if decision.is_doubtful]


def _refusals(role: CopyRole) -> list[SimulatedDecision]:
    return [decision for decision in role.decisions if decision.decision != PolicyAnswer.ALLOWED]
