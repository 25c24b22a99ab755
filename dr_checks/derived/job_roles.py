"""What the role of S3's jobs may not do, and what of that is undecided: shared by the failback and its readiness.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from dr_checks.derived import role_limits
from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.readers.iam_copy_roles import CopyRole
from dr_estate.readers.iam_simulation import SimulatedDecision


def denied_decisions(role: CopyRole) -> list[SimulatedDecision]:
    """What it may not do, whatever a job brings along."""
    return [decision for decision in _refusals(role) if not decision.is_doubtful]


def doubts(role: CopyRole) -> Sequence[str]:
    """Return what is undecided about the role's permissions, as sentences without their period."""
    hangs = [_hangs(decision) for decision in doubtful(role)]
    return hangs + ["its trust policy has conditions that only IAM itself evaluates"] * (role.trusted is None)


def doubtful(role: CopyRole) -> list[SimulatedDecision]:
    """What it may do or not, by what only the job itself shows, or by a policy that IAM does not evaluate."""
    return [decision for decision in _refusals(role) if decision.is_doubtful]


def _hangs(decision: SimulatedDecision) -> str:
    if decision.of_organization:
        return f"{decision.action}: {role_limits.hangs_on([decision], 'the job itself')}"
    return f"{decision.action} hangs on {', '.join(decision.missing)}, which only the job itself shows"


def _refusals(role: CopyRole) -> list[SimulatedDecision]:
    return [decision for decision in role.decisions if decision.decision != PolicyAnswer.ALLOWED]
