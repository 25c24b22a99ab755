"""At the command line: what keeps tenants from being served caps the score, and the first reason counts the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.utils.running import dr_cli

pytestmark = pytest.mark.proof
# How many of three tenants are certain to be served, None where what is lost stops no visitor.
SERVED = {
    "definition-another-schema": 2,
    "log-key-disabled": 2,
    "bucket-copy-denies-reads": 0,
    "table-replica-denies": 0,
    "bucket-copy-denies-replication": None,
    "s3-versioning-suspended": None,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("served")
    up = dr_cli("-e sit --tenants 3 sandbox up --format json", path)
    assert up.code == 0, up.err
    yield path
    assert dr_cli("-e sit sandbox down", path).code == 0


@pytest.mark.parametrize("broken", SERVED)
def test_what_stops_tenants_or_copies_caps_the_score_and_counts_the_served(broken: str, home: Path) -> None:
    assert dr_cli(f"-e sit sandbox break {broken}", home).code == 0
    red = dr_cli("-e sit --sandbox status --format json", home)
    assert dr_cli(f"-e sit sandbox mend {broken}", home).code == 0
    assert red.code == 1
    assert red.report["score"] <= 49, red.out
    first, certain = red.report["reasons"][0], SERVED[broken]
    wanted = "" if certain is None else f"{certain} of 3 tenants are certain to be served in eu-west-1"
    assert first.startswith(wanted), first
    assert ("certain to be served" in first) is bool(wanted), first


def test_all_is_well_after_the_repairs(home: Path) -> None:
    green = dr_cli("-e sit --sandbox status --format json", home)
    assert (green.code, green.report["score"]) == (0, 100), green.out
