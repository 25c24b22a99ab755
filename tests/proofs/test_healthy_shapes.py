"""A healthy estate of another shape is whole to `status`: nothing of the product knows the shipped regions or names."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from tests.utils.running import ROOT, at_endpoint
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

FOLDER = ROOT / "tests" / "environments"
STAGED_BY_WEIGHT = ["dns.can-be-staged"]  # a failover pair cannot be shared: a warning, and no more


@pytest.mark.parametrize(
    ("name", "score", "warned"),
    [
        ("virginia", 100, []),
        ("oregon", 100, []),
        ("frankfurt", 100, []),
        ("prod", 99, STAGED_BY_WEIGHT),
    ],
)
def test_a_healthy_estate_of_another_shape_is_ready(name: str, score: int, warned: list[str], tmp_path: Path) -> None:
    tenants = 1 if name == "oregon" else 2
    with borrowed(load_environment(FOLDER, name), tenants) as world:
        ran = at_endpoint(world, tmp_path, f"-e {name} --config {FOLDER} --format json status")
    assert (ran.code, ran.report["posture"], ran.report["score"]) == (Exit.READY, "NORMAL", score), ran.err
    assert [r["check"] for r in ran.report["results"] if r["status"] not in ("pass", "not-applicable")] == warned
    shipped = {region for region in ("af-south-1", "eu-west-1") if region in ran.out}
    assert shipped <= {*ran.report["regions"].values()}, "a region that is not the estate's"
