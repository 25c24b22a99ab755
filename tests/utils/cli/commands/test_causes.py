"""status names one cause with one remedy, and folds what that cause explains, whatever was broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, at_endpoint
from tests.worlds import borrowed


@pytest.fixture(scope="module")
def world() -> Iterator[Endpoint]:
    with borrowed(load_environment(ROOT / "environments", "sit"), 2) as world:
        yield world


SITES = "sites.every-site-answers"
START, ROUTE, ENABLE = (
    "aws rds start-db-instance --region af-south-1 --db-instance-identifier sit-mysql",
    "aws ec2 create-route --region eu-west-1 --route-table-id rtb-",
    "aws kms enable-key --region eu-west-1 --key-id ",
)


@pytest.mark.parametrize(
    ("disaster", "cause", "command", "effects"),
    [
        ("primary-database-down", "rds.serves", START, {SITES}),
        pytest.param("nat-gateway-cut-off", "vpc-reach.way-in", ROUTE, {"vpc-reach.way-out"}, marks=pytest.mark.proof),
        pytest.param("no-way-out", "vpc-reach.way-out", ROUTE, set(), marks=pytest.mark.proof),
        pytest.param(
            "kms-secrets-key-disabled", "kms.key-usable", ENABLE, {"secrets.decryptable"}, marks=pytest.mark.proof
        ),
        ("ecs-cluster-deleted", "ecs.cluster-active", "", {"ecs.desired-and-running", "ecs.service-exists", SITES}),
    ],
)
def test_status_says_one_cause_with_its_remedy_and_folds_its_effects(
    world: Endpoint, tmp_path: Path, disaster: str, cause: str, command: str, effects: set[str]
) -> None:
    world.inject(disaster)
    try:
        ran = at_endpoint(world, tmp_path, "-e sit --format json status")
    finally:
        world.repair(disaster)
    (found,) = ran.report["causes"]
    assert (found["check"], effects - {*found["effects"]}) == (cause, set())
    shown = ran.report["next_command"]
    assert shown.startswith(command) if command else shown.endswith(f" explain check {cause}")
