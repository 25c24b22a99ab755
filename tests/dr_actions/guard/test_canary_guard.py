"""A drill writes and deletes its canary's records, and no other: whatever its plan says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.canary import states
from dr_actions.actions.traffic.records import between
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.recovery_names import canary_name, canary_target

SIT, PROD = (load_environment(Path(__file__).parents[3] / "environments", name) for name in ("sit", "prod"))
ZONE, CUSTOMER = "Z0TRAFFIC", "Z0CUSTOMER"
TRIAL = "TRIAL-20260107-101500"
CANARY = canary_name(SIT, SIT.traffic.zone, TRIAL)
WRITE = "route53:ChangeResourceRecordSets"
OF_DRILLS, OF_RECOVERIES = (Goal.CANARY, Goal.CLEAN_UP), (Goal.FAILOVER, Goal.SWITCHOVER, Goal.FAILBACK)


def judged(*rows: tuple[str, str, str], goal: Goal = Goal.CANARY, env: Environment = SIT, zone: str = ZONE) -> str:
    """The rule that refuses a batch of (action, name, type), "" where none does."""
    changes = [
        {"Action": action, "ResourceRecordSet": {"Name": f"{name}.", "Type": kind}} for action, name, kind in rows
    ]
    return _rule({"HostedZoneId": zone, "ChangeBatch": {"Changes": changes}}, goal, env)


def _rule(params: dict[str, Any], goal: Goal, env: Environment) -> str:
    call = Call("route53", "ChangeResourceRecordSets", env.region(Side.GLOBAL), params)
    found = refusal(call, GuardContext(env, frozenset({WRITE}), ZONE, {CUSTOMER: "customer-one.example"}, goal=goal))
    return found.rule if found else ""


@pytest.mark.parametrize("goal", OF_DRILLS)
@pytest.mark.parametrize("action", ["CREATE", "UPSERT", "DELETE"])
@pytest.mark.parametrize("name", [CANARY, canary_target(CANARY, Side.PRIMARY), canary_target(CANARY, Side.DR)])
def test_a_canary_is_made_changed_and_deleted_by_a_drill(goal: Goal, action: str, name: str) -> None:
    assert "" == judged((action, name, "A"), goal=goal)


@pytest.mark.parametrize("env", [SIT, PROD], ids=lambda env: env.name)
@pytest.mark.parametrize("policy", ["weighted", "failover"])
def test_every_batch_of_a_drive_and_of_its_clean_up_passes(env: Environment, policy: str) -> None:
    env = env.model_copy(update={"traffic": env.traffic.model_copy(update={"policy": policy})})
    name = canary_name(env, env.traffic.zone, TRIAL)
    driven = [state.records for state in states(env, name, ZONE)]
    ways = list(zip([(), *driven], [*driven, ()], strict=True))
    assert {""} == {_rule(between(ZONE, *way, "canary"), Goal.CANARY, env) for way in ways}
    assert {""} == {_rule(between(ZONE, was, (), "canary"), Goal.CLEAN_UP, env) for was in driven}


@pytest.mark.parametrize("goal", OF_DRILLS)
@pytest.mark.parametrize(
    "name",
    [
        SIT.traffic.origin_record,
        SIT.traffic.zone,
        f"tenant1.{SIT.traffic.zone}",
        f"tenant1.wpdr.{SIT.traffic.zone}",
        f"wpdr.{SIT.traffic.zone}",
        f"x.{CANARY}",
        CANARY.replace("-101500", "-101500-other"),
        CANARY.replace("-101500", ""),
        CANARY.replace("wpdr.", ""),
    ],
)
def test_no_other_record_of_the_zone_is_touched_alone_or_beside_a_canary(goal: Goal, name: str) -> None:
    for action in ("CREATE", "UPSERT", "DELETE"):
        assert "guard.drill-confined" == judged((action, name, "A"), goal=goal)
        assert "guard.drill-confined" == judged(("UPSERT", CANARY, "A"), (action, name, "A"), goal=goal)


@pytest.mark.parametrize("goal", OF_DRILLS)
def test_an_empty_batch_says_nothing_about_a_canary(goal: Goal) -> None:
    assert "guard.drill-confined" == judged(goal=goal)


@pytest.mark.parametrize("goal", OF_DRILLS)
@pytest.mark.parametrize("zone", [CUSTOMER, "Z0OTHER", ""])
def test_a_canary_is_in_the_traffic_zone_and_in_no_other(goal: Goal, zone: str) -> None:
    assert "guard.denied-zone" == judged(("UPSERT", CANARY, "A"), goal=goal, zone=zone)


@pytest.mark.parametrize("goal", OF_DRILLS)
@pytest.mark.parametrize("kind", ["NS", "SOA", "ns"])
def test_a_canary_delegates_nothing(goal: Goal, kind: str) -> None:
    assert "guard.denied-zone" == judged(("CREATE", CANARY, kind), goal=goal)
    assert "guard.denied-zone" == judged(("DELETE", CANARY, kind), goal=goal)


@pytest.mark.parametrize("goal", OF_DRILLS)
def test_where_its_zone_is_not_listed_a_canary_is_a_record_like_any_other(goal: Goal) -> None:
    unlisted = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"canary_zones": ()})})
    assert "guard.drill-confined" == judged(("UPSERT", CANARY, "A"), goal=goal, env=unlisted)


@pytest.mark.parametrize("goal", OF_DRILLS)
def test_a_denied_zone_is_denied_to_a_canary_though_it_be_listed(goal: Goal) -> None:
    changes = {"canary_zones": (SIT.traffic.zone,), "denied_zones": (f"wpdr.{SIT.traffic.zone}",)}
    denying = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update=changes)})
    assert "guard.denied-zone" == judged(("UPSERT", CANARY, "A"), goal=goal, env=denying)
    in_the_parent = canary_name(SIT, "kimmyai.io", TRIAL)
    listed = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"canary_zones": ("kimmyai.io",)})})
    assert "guard.denied-zone" == judged(("UPSERT", in_the_parent, "A"), goal=goal, env=listed)


def test_in_prod_a_canary_is_below_wpdr_of_the_traffic_zone() -> None:
    name = canary_name(PROD, PROD.traffic.zone, TRIAL)
    assert name == "canary-20260107-101500.wpdr.kimmyai.io"
    assert "" == judged(("DELETE", name, "A"), env=PROD)
    for other in ("origin.wp.kimmyai.io", "wpsit.kimmyai.io", "tenant1.wpdr.kimmyai.io", "kimmyai.io"):
        assert "guard.drill-confined" == judged(("UPSERT", other, "A"), env=PROD)


@pytest.mark.parametrize("goal", OF_RECOVERIES)
def test_a_recovery_deletes_no_canary_either(goal: Goal) -> None:
    assert "guard.never-delete" == judged(("DELETE", CANARY, "A"), goal=goal)
