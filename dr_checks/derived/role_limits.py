"""What keeps a role from an action, by whose policy it is, and what a person does about that. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from dr_estate.iam.resource_policies import PolicyAnswer

_STOPPED = "a service control policy stopped IAM's simulator, which evaluates no global conditions of such policies"


class Decision(Protocol):
    """What IAM's simulator says of one action: see SimulatedDecision."""

    @property
    def decision(self) -> str:
        """allowed, explicitDeny or implicitDeny."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Condition keys that only a request shows."""

    @property
    def bounded(self) -> bool:
        """Whether the permissions boundary decided so."""

    @property
    def of_organization(self) -> bool:
        """Whether a service control policy did."""


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
