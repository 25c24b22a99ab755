"""What the role of S3's jobs may not do, and what of that nobody can tell: the failback and its readiness ask the same.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from dr_estate.iam.resource_policies import PolicyAnswer
from dr_estate.readers.iam_copy_roles import CopyRole
from dr_estate.readers.iam_simulation import SimulatedDecision

_EXPLICIT = "explicitDeny"


def denied(role: CopyRole) -> list[SimulatedDecision]:
    """What it may not do, whatever a job brings along."""
    return [decision for decision in _refused(role) if not _is_doubtful(decision)]


def doubts(role: CopyRole) -> Sequence[str]:
    """What cannot be told of whether it may, as sentences without their period."""
    doubtful = [decision for decision in _refused(role) if _is_doubtful(decision)]
    hangs = [f"{d.action} hangs on {', '.join(d.missing)}, which only the job itself shows" for d in doubtful]
    return hangs + ["its trust policy has conditions that only IAM itself evaluates"] * (role.trusted is None)


def _refused(role: CopyRole) -> list[SimulatedDecision]:
    return [decision for decision in role.decisions if decision.decision != PolicyAnswer.ALLOWED]


def _is_doubtful(decision: SimulatedDecision) -> bool:
    """Whether a condition key that the simulator does not know decides. What is denied outright stays so."""
    return bool(decision.missing) and decision.decision != _EXPLICIT
