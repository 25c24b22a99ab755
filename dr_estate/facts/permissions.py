"""What the operator's role may do, as IAM's simulator says beforehand: IAM cannot be changed during a run (T14)."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.facts import GLOBAL, part
from dr_estate.looking import Look
from dr_estate.playbook import FORBIDDEN, needed_actions

READS = frozenset({"iam:SimulatePrincipalPolicy"})


@dataclass(frozen=True, slots=True)
class Decision:
    """IAM's decision on one action, whatever the resource: allowed, explicitDeny or implicitDeny."""

    action: str
    decision: str


@dataclass(frozen=True, slots=True)
class Operator:
    """The role that runs recoveries, and its decisions; None where there is no such role."""

    role: str
    decisions: tuple[Decision, ...] | None


@part(*GLOBAL, reads=READS)
def operator(look: Look) -> Operator:
    """Simulate every action that a playbook needs, and those that nobody may have."""
    role = look.env.named(look.env.names.operator_role)
    rows = look.eyes.call(
        "iam",
        look.region,
        lambda client: [
            row
            for page in client.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=f"arn:aws:iam::{look.env.account}:role/{role}",
                ActionNames=[*needed_actions(), *FORBIDDEN],
            )
            for row in page["EvaluationResults"]
        ],
        ("NoSuchEntity",),
    )
    if rows is None:
        return Operator(role, None)
    return Operator(role, tuple(Decision(row["EvalActionName"], row["EvalDecision"]) for row in rows))
