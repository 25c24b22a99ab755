"""Plain values of a decision: a plan, two people of PROD, gates and approvals. All well unless varied."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dr_actions.authorization.clearance import Approval, AuthorizationRequest, Clearance, decide
from dr_actions.authorization.rules import EffectiveRules
from dr_actions.model.gates import Gate, Override
from dr_actions.model.plan import Call, Danger, Goal, Plan, Step, step_id
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.playbook import Plane

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
SIT, PROD = (load_environment(ENVIRONMENTS, name) for name in ("sit", "prod"))
NOW = datetime(2026, 1, 7, 3, 0, tzinfo=UTC)
ACCOUNT, INCIDENT = PROD.account, "INC-123"
OPERATOR, APPROVER = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("operator", "approver"))
AS_OPERATOR, AS_APPROVER = (f"arn:aws:sts::{ACCOUNT}:assumed-role/prod-dr-{n}/{n}" for n in ("operator", "approver"))
OPERATOR_ID, APPROVER_ID = "AIDAOPERATOR", "AIDAAPPROVER"
OPERATOR_ROLE_ID, APPROVER_ROLE_ID = "AROAOPERATOR:operator", "AROAAPPROVER:approver"


def step(name: str, stage: int = 46, action: str = "compute/scale_dr_services", **changed: Any) -> Step:
    """A reversible step with one call."""
    call = Call("ecs", "UpdateService", PROD.regions.dr, {"service": name, "desiredCount": 2})
    plain = Step(
        id=step_id(action, name),
        number=6,
        stage=stage,
        action=action,
        subject=name,
        owner="Backup Manager",
        side=Side.DR,
        says=f"{name} runs 2 healthy tasks.",
        danger=Danger.REVERSIBLE,
        undo="scale it back",
        budget_s=60,
        call=call,
        tenant="tenant1",
        before={"desired": 1},
        after={"desired": 2},
        planes=(Plane.DR,),
    )
    return replace(plain, **changed)


def plan(*steps: Step, goal: Goal = Goal.FAILOVER, env: Environment = PROD, posture: str = "PRIMARY_LOST") -> Plan:
    """A plan of ``steps``, by default of all that brings tenants back."""
    whole = (step("mysql", 40, "database/restore_dr"), step("tenant1"), step("zone", 50, "traffic/shift_to_dr"))
    return Plan(env.name, env.account, goal, posture, steps or whole, ("nothing was left out",))


PLAN = plan()
IRREVERSIBLE = plan(step("sit-efs", 41, "files/restore_dr", danger=Danger.IRREVERSIBLE))
MET = Gate("check.a.b", met=True, says="pass.")
UNMET = Gate("check.c.d", met=False, says="it is too old.")
RELAXED = Gate("check.e.f", met=False, says="only the primary could show it.", relaxed=True)
STOPS = Gate("posture.expected", met=False, says="there is nothing to fail over from.", stops=True)
RULES = EffectiveRules.of(PROD, (), "1.0")
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(minutes=1)


def override(gate: str = UNMET.id, **changed: Any) -> Override:
    """An override that counts."""
    return replace(Override(gate, "Jane", "the copy was checked by hand", LATER), **changed)


def approval(**changed: Any) -> Approval:
    """The approver's approval of ``PLAN``, given a moment ago."""
    plain = Approval(INCIDENT, PLAN.digest, "prod", APPROVER, APPROVER_ID, EARLIER, LATER, RULES.digest)
    return replace(plain, **changed)


def case(**changed: Any) -> AuthorizationRequest:
    """A case of PROD that is cleared. Its approver agreed to the overrides that are varied."""
    agreed = (approval(overrides=tuple(changed.get("overrides", ()))),)
    plain = AuthorizationRequest(PLAN, INCIDENT, OPERATOR, OPERATOR_ID, agreed, (MET,), (), NOW, RULES)
    return replace(plain, **changed)


def cleared(env: Environment = PROD, **changed: Any) -> Clearance:
    """The clearance of a case that is to be cleared."""
    found = decide(case(**changed), env)
    assert isinstance(found, Clearance), found
    return found


def refused(env: Environment = PROD, **changed: Any) -> dict[str, str]:
    """What each rule says that refuses the case; empty where it is cleared."""
    found = decide(case(**changed), env)
    return {} if isinstance(found, Clearance) else {refusal.rule: refusal.message for refusal in found}
