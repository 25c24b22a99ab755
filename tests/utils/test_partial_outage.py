"""A part of the primary region's API fails, and the rest answers: the service is named, and the region is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.utils.running import dr_cli, rules, signed_in

REGION = "af-south-1"
Places = list[tuple[str, str, str]]


@pytest.fixture
def world(sandbox_world: Endpoint) -> Iterator[Endpoint]:
    yield sandbox_world
    sandbox_world.end()


def looked_at(world: Endpoint, home: Path) -> tuple[str, Places, str]:
    """The posture, what gave no answer and how, and the command that comes next."""
    config = rules(home, "sit", "[observation]\nattempts = 1")
    ran = dr_cli(f"-e sit --config {config} status --format json", home, **signed_in(world, "operator"))
    assert ran.code == 3, ran.err
    places = sorted((place["region"], place["service"], place["how"]) for place in ran.report["unanswered"])
    assert "To end it" not in ran.report["visitors"]["says"], "what was not seen is no outage"
    return ran.report["posture"], places, ran.report["next_command"].split()[-1]


@pytest.mark.parametrize(
    ("service", "operation"), [("rds", "DescribeDBInstances"), pytest.param("efs", "", marks=pytest.mark.proof)]
)
def test_a_service_that_answers_with_errors_is_named_and_is_not_silent(
    world: Endpoint, tmp_path: Path, service: str, operation: str
) -> None:
    world.begin(Outage(REGION, "error", service=service, operation=operation))
    assert looked_at(world, tmp_path) == ("NORMAL", [(REGION, service, "answers with errors")], "doctor")


def test_some_services_that_let_nobody_in_are_no_dark_region(world: Endpoint, tmp_path: Path) -> None:
    services = ("ecs", "elbv2", "rds")
    for service in services:
        world.begin(Outage(REGION, "refuse", service=service))
    posture, places, following = looked_at(world, tmp_path)
    assert (posture, following) == ("PRIMARY_UNSEEN", "doctor")
    assert places == [(REGION, service, "is silent") for service in services]
