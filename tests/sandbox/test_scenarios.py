"""Training scenarios as data: their texts can be formatted for any world, and their goals judge an observation."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side
from reports.render import sandbox
from sandbox.disasters import find
from sandbox.training import scenarios
from sandbox.training.scenarios.observation import MirroredEntry, ObservedDatabase, ObservedService, WorldObservation
from sandbox.training.scenarios.scenario import GoalState, Scenario

SCENES = scenarios.catalogue()
WORDS = dict.fromkeys(("env", "primary", "dr", "tenant", "other", "database"), "x")
TENANTS = ("tenant-1", "tenant2")


@pytest.fixture(params=SCENES, ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


def test_a_scene_is_named_by_its_module_and_made_of_known_disasters(scenario: Scenario) -> None:
    module = importlib.import_module(f"sandbox.training.scenarios.{scenario.name.replace('-', '_')}")
    assert module.SCENARIO is scenario
    assert [name for name in scenario.disasters if find(name).name != name] == []


def test_a_scenario_has_enough_goals_and_hints_and_formats_every_text(scenario: Scenario) -> None:
    texts = [
        scenario.briefing,
        *scenario.hints,
        *(text for goal in scenario.goals for text in (goal.sentence, goal.why)),
    ]
    assert [] == [sentence for text in texts if re.search(r"[{}]", sentence := scenario.format_text(text, WORDS))]
    assert len(scenario.goals) >= 3
    assert len(scenario.hints) >= 3
    assert len({goal.id for goal in scenario.goals}) == len(scenario.goals)
    known = re.findall(
        r"^\| (T\d\d) \|", (Path(__file__).parents[2] / "docs/traps.md").read_text("utf-8"), re.MULTILINE
    )
    assert {trap for goal in scenario.goals for trap in goal.traps} <= set(known)


def test_the_list_fits_the_width_and_shows_no_goal() -> None:
    rows = [scenario.summary() for scenario in SCENES]
    listing = sandbox.scenarios_text(rows, "terminal")
    assert max(map(len, listing.splitlines())) <= 100
    assert [] == [goal.sentence for scenario in SCENES for goal in scenario.goals if goal.sentence in listing]
    assert sandbox.scenarios_text(rows, "markdown").count("\n") == len(SCENES) + 2


def _service(tenant: str, **changed: Any) -> ObservedService:
    schema = {"WORDPRESS_DB_NAME": f"{tenant}_db"}
    return replace(ObservedService(tenant, f"sit-{tenant}-service", 2, 2, 2, 4, False, (), "d:1", schema), **changed)


def _call(api: str, operation: str, region: str = "eu-west-1", /, **params: Any) -> dict[str, Any]:
    values = {"service": api, "operation": operation, "region": region, "params": params}
    return values | {"done": True, "control": False}


@pytest.fixture
def recovered(sit: Environment) -> WorldObservation:
    """A world that was failed over well, as far as the scenes ask."""
    services = tuple(_service(tenant) for tenant in TENANTS)
    stopped = tuple(_service(tenant, desired=0, running=0, minimum=0) for tenant in TENANTS)
    journal = (
        MirroredEntry("INC-1", "detected", "", {"says": "PRIMARY_LOST"}),
        MirroredEntry("INC-1", "begin", "", {}),
        MirroredEntry("INC-1", "override", "", {"gate": "check.rds-replica.lag", "by": "Jane Doe"}),
        MirroredEntry("INC-1", "end", "", {"outcome": "done", "says": "Every step is done."}),
    )
    database = ObservedDatabase("sit-mysql", "available", "", "an automated backup")
    return WorldObservation(
        env=sit,
        tenants=TENANTS,
        services={Side.PRIMARY: stopped, Side.DR: services},
        databases={Side.PRIMARY: (database,), Side.DR: (database,)},
        leads=sit.regions.dr,
        answers=sit.regions.dr,
        pinned=True,
        journal=journal,
        mutations=(),
        tries={},
        disasters=(),
        started={},
    )


def _judged(name: str, seen: WorldObservation) -> dict[str, str]:
    return {goal.id: goal.judge(seen).standing.value for goal in scenarios.find(name).goals}


def test_a_world_that_was_recovered_well_meets_every_goal(scenario: Scenario, recovered: WorldObservation) -> None:
    assert set(_judged(scenario.name, recovered).values()) == {GoalState.MET.value}


ASLEEP = tuple(_service(tenant, sleeps=("night",)) for tenant in TENANTS)
LIES = (MirroredEntry("INC-1", "detected", "", {"says": "BLIND"}), MirroredEntry("INC-1", "begin", "", {}))
BLANKET = (MirroredEntry("INC-1", "override", "", {"gate": "check.acm.days-left", "by": "Jane Doe"}),)
HERE, ALL = {"service": "sit-tenant2-service"}, {"service": "sit-tenant-1-service"}


@pytest.mark.parametrize(
    ("name", "goal", "standing", "changed"),
    [
        ("region-lost-at-night", "stays-awake", "not yet", {"services": {Side.DR: ASLEEP}}),
        ("region-lost-at-night", "two-witnesses", "not met", {"journal": LIES}),
        ("region-lost-at-night", "recorded", "not yet", {"journal": LIES}),
        ("region-lost-at-night", "traffic-held", "not yet", {"pinned": False}),
        ("region-lost-at-night", "database-serves", "not yet", {"databases": {Side.DR: ()}}),
        ("broken-replica", "by-name", "not met", {"journal": BLANKET}),
        ("broken-replica", "nothing-deleted", "not met", {"mutations": (_call("rds", "DeleteDBInstance"),)}),
        ("us-east-1-down", "not-hammered", "not met", {"tries": {"us-east-1 route53:UpdateHealthCheck": 4}}),
        ("us-east-1-down", "not-hammered", "met", {"tries": {"eu-west-1 route53:UpdateHealthCheck": 4}}),
        ("us-east-1-down", "answers-lead-there", "not yet", {"answers": ""}),
        ("split-brain", "visitors-go-on", "not met", {"leads": ""}),
        ("split-brain", "visitors-go-on", "not met", {"mutations": (_call("ecs", "UpdateService", **ALL),)}),
        ("split-brain", "both-kept", "not met", {"mutations": (_call("rds", "ModifyDBInstance", "af-south-1"),)}),
        ("wrong-database", "alone", "met", {"mutations": (_call("ecs", "UpdateService", **HERE),)}),
        ("wrong-database", "alone", "not met", {"mutations": (_call("ecs", "UpdateService", **ALL),)}),
        ("wrong-database", "alone", "not met", {"mutations": (_call("ecs", "UpdateService", "af-south-1", **HERE),)}),
    ],
)
def test_a_goal_falls_with_what_it_asks_for(
    name: str, goal: str, standing: str, changed: dict[str, Any], recovered: WorldObservation
) -> None:
    for key in ("services", "databases"):
        if key in changed:
            changed = changed | {key: {**getattr(recovered, key), **changed[key]}}
    assert _judged(name, replace(recovered, **changed))[goal] == standing


def test_what_the_world_refused_and_the_runs_own_records_are_no_changes(recovered: WorldObservation) -> None:
    refused = _call("rds", "DeleteDBInstance") | {"done": False}
    record = _call("dynamodb", "DeleteItem") | {"control": True}
    opened = _call("efs", "DeleteReplicationConfiguration")
    seen = replace(recovered, mutations=(refused, record, opened, _call("sns", "Publish")))
    assert (seen.changes(), seen.deletions()) == ([opened], [])
