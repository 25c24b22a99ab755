"""Load balancers that only CloudFront reaches: the tool calls nothing down that it cannot reach, and proves the rest.

Met as a user meets it, by the command line. What visitors get through the distribution is what a failover is judged by.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.utils.running import Ran, at_endpoint, rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1\nconnect_timeout_s = 1"
SILENT = Outage("", "hang", "dns")
FAILOVER = "--format json failover --execute --incident INC-1 --confirm files/restore_dr:sit-efs"
SERVED = "validation.tenants-served"


class Office:
    """A place from which no load balancer is reached, and its commands."""

    def __init__(self, world: Endpoint, home: Path, config: Path) -> None:
        self.world, self.home, self.config = world, home, config

    def run(self, words: str, person: str = "operator") -> Ran:
        return at_endpoint(self.world, self.home, f"-e sit --config {self.config} {words}", person)


@pytest.fixture
def sit() -> Environment:
    return load_environment(Path(__file__).parents[2] / "environments", "sit")


@pytest.fixture
def office(tmp_path: Path, sit: Environment) -> Iterator[Office]:
    config = rules(tmp_path, "sit", QUICK)
    with borrowed(sit, tenants=2) as world:
        world.timing(transition_s=0.1)
        world.inject("reached-through-cloudfront-only")
        yield Office(world, tmp_path, config)


def measured(ran: Ran, check: str) -> list[tuple[str, str]]:
    """Status and measured value of each finding of a check."""
    (result,) = [row for row in ran.report["results"] if row["check"] == check]
    return [(finding["status"], finding["measured"]) for finding in result["findings"]]


def test_status_says_no_more_than_was_seen(office: Office) -> None:
    ran = office.run("--format json status", "reader")
    assert ran.code == Exit.COULD_NOT_SEE, ran.err
    assert ran.report["posture"] == "NORMAL"
    statuses = ran.statuses()
    assert "fail" not in {status for check, status in statuses.items() if check.startswith("sites.")}
    assert (statuses["sites.every-site-answers"], statuses["sites.handshake-accepted"]) == ("pass", "unknown")
    assert {word for _, word in measured(ran, "sites.handshake-accepted")} == {"not reachable from here"}


def test_a_failover_is_proven_through_the_distribution(office: Office) -> None:
    office.world.inject("primary-dark")
    ran = office.run(FAILOVER)
    assert (ran.code, ran.report["run"]["outcome"]) == (Exit.READY, "done"), ran.err + ran.out
    assert [(status, word[-18:]) for status, word in measured(ran, SERVED)] == [("pass", "through CloudFront")] * 2


def test_without_port_53_route_53_proves_which_region_cloudfront_showed(office: Office) -> None:
    office.world.inject("primary-dark")
    office.world.begin(SILENT)
    ran = office.run(FAILOVER)
    assert (ran.code, ran.report["run"]["outcome"]) == (Exit.READY, "done"), ran.err + ran.out
    assert [(status, word[-18:]) for status, word in measured(ran, SERVED)] == [("pass", "through CloudFront")] * 2
    assert ran.statuses()["validation.answers-lead-here"] == "pass", "TestDNSAnswer needs no port 53"


def test_a_failover_whose_visitors_get_errors_is_not_called_valid(office: Office, sit: Environment) -> None:
    office.world.inject("primary-dark")
    assert office.run(FAILOVER).code == Exit.READY
    office.world.begin(Outage(sit.region(Side.DR), "error", "sites"))
    ran = office.run("--format json failover --validate --incident INC-1")
    assert ran.code == Exit.VALIDATION_FAILED, ran.err
    assert {status for status, _ in measured(ran, SERVED)} == {"fail"}
    assert all("503" in word for _, word in measured(ran, SERVED))
