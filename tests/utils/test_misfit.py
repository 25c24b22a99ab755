"""Settings held against an account that they do not describe: its own sentence and exit 2, never an outage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.dr_estate.scan.second_team import HOME, HOST, build
from tests.hosting import hosted
from tests.utils.pseudo_terminal import at_terminal
from tests.utils.running import ROOT, at_endpoint, signed_in
from utils.aws_mgmt.app.exit_codes import Exit

STATUS, FAILOVER = "-e sit status", "-e sit failover"


@pytest.fixture(scope="module")
def empty() -> Iterator[Endpoint]:
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        yield world


@pytest.mark.parametrize("words", [STATUS, FAILOVER])
def test_an_empty_account_is_no_outage(empty: Endpoint, tmp_path: Path, words: str) -> None:
    ran = at_endpoint(empty, tmp_path, words, "admin")
    assert (Exit.USAGE, "") == (ran.code, ran.out), ran.err
    for part in (
        "The settings of sit do not fit account 815856636111: in af-south-1 and eu-west-1 there is no ECS cluster "
        "sit-cluster, and no RDS instance sit-mysql or copy of it. That is no outage.",
        "No ECS service runs here, so there is no platform to map. Read: af-south-1: 0 load balancers",
        " scan` shows what the account runs",
        " init` write others.",
    ):
        assert part in ran.err
    assert "DEGRADED" not in ran.err


@pytest.mark.proof
def test_a_region_that_is_dark_is_unknown(empty: Endpoint, tmp_path: Path) -> None:
    empty.inject("dr-dark")
    ran = at_endpoint(empty, tmp_path, STATUS, "admin")
    empty.repair()
    assert ("do not fit" in ran.err, ran.code == Exit.USAGE) == (False, False), ran.err


@pytest.mark.proof
def test_a_second_teams_platform_is_named(empty: Endpoint, tmp_path: Path) -> None:
    admin = empty.people["admin"]
    build(empty.url, admin.access_key_id, admin.secret_access_key)
    for words in (STATUS, FAILOVER):
        ran = at_endpoint(empty, tmp_path, words, "admin")
        assert Exit.USAGE == ran.code, ran.err
        assert (
            f"There instead: entry {HOST}, ECS cluster shop-20251104, database orders-20251104 in {HOME}." in ran.err
        ), ran.err


def test_the_watch_of_an_empty_account_ends_with_the_same_sentence(empty: Endpoint, tmp_path: Path) -> None:
    variables = {**signed_in(empty, "admin"), "LINES": "40", "COLUMNS": "80"}
    with at_terminal(f"{STATUS} --watch 1", tmp_path, variables, columns=80) as terminal:
        terminal.until("That is no outage.")
        assert Exit.USAGE == terminal.wait(), terminal.shown
        assert "OUTAGE" not in terminal.shown
